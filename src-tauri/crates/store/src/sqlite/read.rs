//! Reads. Each runs on a connection whose one snapshot it sees from its first to its last row.

use super::rows::{ENTRY, bits, bound, entry_from, order_bytes, order_from, standing_from, unsigned, unsorted};
use crate::Unread;
use crate::error::StoreError;
use crate::limits::{
    self, CIRCLE_SETTING, ENTRIES_BYTES, EXPIRED_ENTRIES, LOOKUP_HASHES, TIMELINE_ENTRIES, UNREAD_COUNTED,
};
use crate::spoken::Expired;
use natter_engine::ids::{BlobHash, DeviceId, EntryHash, LogId, LogKey, RoomId};
use natter_engine::port::{Boot, BootRoom, Found, OrderKey, Profile, StoredEntry};
use natter_engine::signaling::InviteLink;
use natter_engine::time::UnixMillis;
use natter_engine::wire::kind;
use rusqlite::{Connection, OptionalExtension, ToSql, params};

/// See [`crate::Store::boot`].
pub(super) fn boot(connection: &Connection) -> Result<Option<Boot>, StoreError> {
    let identity = connection
        .prepare_cached(
            "SELECT i.secret, i.log, i.name, a.bytes FROM identity i LEFT JOIN avatar a ON a.id = i.id WHERE i.id = 1",
        )?
        .query_row([], |row| Ok((row.get(0)?, LogId(row.get(1)?), Profile { name: row.get(2)?, avatar: row.get(3)? })))
        .optional()?;
    let Some((secret, log, profile)) = identity else { return Ok(None) };
    let rooms: Vec<(i64, RoomId, i64)> =
        all(connection, "SELECT id, hash, standing FROM room ORDER BY hash", &[], |row| {
            Ok((row.get(0)?, RoomId(row.get(1)?), row.get(2)?))
        })?;
    let rooms = rooms
        .into_iter()
        .map(|(id, room, standing)| boot_room(connection, id, room, standing))
        .collect::<Result<_, _>>()?;
    let circle = setting(connection, CIRCLE_SETTING)?.and_then(|room| RoomId::from_slice(&room));
    Ok(Some(Boot { secret, log, profile, rooms, circle }))
}

fn boot_room(connection: &Connection, id: i64, room: RoomId, standing: i64) -> Result<BootRoom, StoreError> {
    let invite: Option<String> = connection
        .prepare_cached("SELECT link FROM knock WHERE room = ?1")?
        .query_row(params![id], |row| row.get(0))
        .optional()?;
    let invites: Vec<String> =
        all(connection, "SELECT link FROM invite WHERE room = ?1 ORDER BY id", &[&id], |row| row.get(0))?;
    let read: Option<[u8; 72]> = connection
        .prepare_cached("SELECT ord FROM read_mark WHERE room = ?1")?
        .query_row(params![id], |row| row.get(0))
        .optional()?;
    Ok(BootRoom {
        room,
        standing: standing_from(standing)?,
        brokers: all(connection, "SELECT url FROM room_broker WHERE room = ?1 ORDER BY position", &[&id], |row| {
            row.get(0)
        })?,
        invite: invite.as_deref().map(link_from).transpose()?,
        epochs: all(connection, "SELECT epoch, key FROM epoch WHERE room = ?1 ORDER BY epoch", &[&id], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?,
        heads: all(connection, &heads_sql(), &[&id], |row| entry_from(room, row))?,
        branches: super::branches::of_room(connection, id)?,
        frontier: all(connection, FRONTIER, &[&id], |row| {
            Ok((order_from(row.get(0)?), UnixMillis(unsigned(row.get(1)?))))
        })?,
        state: state(connection, id, room)?,
        held: all(
            connection,
            "SELECT holder, author, log, seq FROM held WHERE room = ?1 ORDER BY holder, author, log",
            &[&id],
            |row| {
                let log = LogKey { author: DeviceId(row.get(1)?), log: LogId(row.get(2)?) };
                Ok((DeviceId(row.get(0)?), log, unsigned(row.get(3)?)))
            },
        )?,
        read: read.map(order_from),
        invites: invites.iter().map(|text| link_from(text)).collect::<Result<_, _>>()?,
    })
}

/// The last entry of each log of a room, found from the logs: there are few of them and many entries.
pub(super) fn heads_sql() -> String {
    format!(
        "{ENTRY} WHERE e.id IN (SELECT (SELECT id FROM entry WHERE log = own.id ORDER BY seq DESC LIMIT 1)
           FROM log own WHERE own.room = ?1) ORDER BY l.author, l.name"
    )
}

/// CROSS, for SQLite would rather read all entries of the room in order than sort a handful.
pub(super) const FRONTIER: &str = "SELECT e.ord, e.shown FROM frontier f CROSS JOIN entry e
  ON e.room = f.room AND e.hash = f.hash WHERE f.room = ?1 ORDER BY e.ord";

/// Membership whole; of profiles and receipts the last of each author.
fn state(connection: &Connection, id: i64, room: RoomId) -> Result<Vec<StoredEntry>, StoreError> {
    all(connection, &state_sql(), &[&id], |row| entry_from(room, row))
}

/// The kind is part of the text, for SQLite takes a partial index only when it sees that it fits; and it must be told
/// to, for it guesses that the index of all of a room's entries would do.
pub(super) fn state_sql() -> String {
    format!(
        "{ENTRY} WHERE e.id IN (SELECT id FROM entry INDEXED BY entry_state WHERE room = ?1 AND kind < {}
           UNION ALL SELECT entry FROM latest WHERE room = ?1) ORDER BY e.ord",
        kind::FIRST_MESSAGE
    )
}

fn link_from(text: &str) -> Result<InviteLink, StoreError> {
    InviteLink::parse(text).map_err(|e| StoreError::Damaged(format!("an invite link: {e}")))
}

/// Entries of one log, in order, within `limit` and [`ENTRIES_BYTES`].
pub(super) fn entries(
    connection: &Connection,
    room: RoomId,
    log: &LogKey,
    from: u64,
    to: u64,
    limit: usize,
) -> Result<Vec<StoredEntry>, StoreError> {
    // Nothing is stored beyond SQLite's largest integer, and a start there must not be pulled back onto it.
    if from > i64::MAX as u64 {
        return Ok(Vec::new());
    }
    let mut statement = connection.prepare_cached(&format!(
        "{ENTRY} WHERE l.id = (SELECT id FROM log WHERE room = (SELECT id FROM room WHERE hash = ?1) AND author = ?2 AND name = ?3)
         AND e.seq BETWEEN ?4 AND ?5 ORDER BY e.seq LIMIT ?6"
    ))?;
    let mut rows = statement.query(params![
        room.0,
        log.author.0,
        log.log.0,
        bound(from),
        bound(to),
        i64::try_from(limit).unwrap_or(i64::MAX)
    ])?;
    let mut entries: Vec<StoredEntry> = Vec::new();
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        let entry = entry_from(room, row)?;
        bytes += limits::weight(&entry);
        if bytes > ENTRIES_BYTES && !entries.is_empty() {
            break;
        }
        entries.push(entry);
    }
    Ok(entries)
}

/// Those of `hashes` that are here, in the order asked.
pub(super) fn lookup(connection: &Connection, room: RoomId, hashes: &[EntryHash]) -> Result<Vec<Found>, StoreError> {
    if hashes.len() > LOOKUP_HASHES {
        return Err(StoreError::TooMany("hashes"));
    }
    let mut statement = connection.prepare_cached(
        "SELECT e.ord, e.shown, e.kind, EXISTS (SELECT 1 FROM payload WHERE entry = e.id), l.author, l.name, e.seq
         FROM entry e JOIN log l ON l.id = e.log WHERE e.room = (SELECT id FROM room WHERE hash = ?1) AND e.hash = ?2",
    )?;
    let mut known = Vec::new();
    for hash in hashes {
        let found = statement.query_row(params![room.0, hash.0], |row| {
            Ok(Found {
                order: order_from(row.get(0)?),
                shown: UnixMillis(unsigned(row.get(1)?)),
                log: LogKey { author: DeviceId(row.get(4)?), log: LogId(row.get(5)?) },
                seq: unsigned(row.get(6)?),
                kind: row.get(2)?,
                whole: row.get(3)?,
            })
        });
        known.extend(found.optional()?);
    }
    Ok(known)
}

/// What expires by then, and when the next one after it does.
pub(super) fn expired(connection: &Connection, by: UnixMillis) -> Result<Expired, StoreError> {
    let first: Vec<(UnixMillis, RoomId, EntryHash)> =
        all(connection, EXPIRED, &[&(EXPIRED_ENTRIES as i64 + 1)], |row| {
            Ok((UnixMillis(unsorted(row.get(0)?)), RoomId(row.get(1)?), EntryHash(row.get(2)?)))
        })?;
    let due = first.iter().take(EXPIRED_ENTRIES).take_while(|(at, ..)| *at <= by).count();
    let next = first.get(due).map(|(at, ..)| *at);
    Ok((first.into_iter().take(due).map(|(_, room, hash)| (room, hash)).collect(), next))
}

/// The first of all that will expire, in order.
pub(super) const EXPIRED: &str = "SELECT x.at, r.hash, e.hash FROM expiry x JOIN entry e ON e.id = x.entry
  JOIN room r ON r.id = e.room ORDER BY x.at, r.hash, e.ord LIMIT ?1";

/// The rooms where an entry offers the blob, by id.
pub(super) fn blob_rooms(connection: &Connection, blob: &BlobHash) -> Result<Vec<RoomId>, StoreError> {
    all(
        connection,
        "SELECT DISTINCT r.hash FROM offer o JOIN entry e ON e.id = o.entry JOIN room r ON r.id = e.room
         WHERE o.blob = ?1 ORDER BY r.hash",
        &[&blob.0],
        |row| Ok(RoomId(row.get(0)?)),
    )
}

/// See [`crate::Store::timeline`].
pub(super) fn timeline(
    connection: &Connection,
    room: RoomId,
    before: Option<OrderKey>,
    limit: usize,
    kinds: &[u16],
) -> Result<Vec<StoredEntry>, StoreError> {
    let kinds = kind_list(kinds)?;
    let limit = limit.min(TIMELINE_ENTRIES) as i64;
    // Which rows is decided on the index alone; only those are then read whole.
    let chosen = |place: &str| {
        format!(
            "{ENTRY} WHERE e.id IN (SELECT id FROM entry WHERE room = (SELECT id FROM room WHERE hash = ?1)
               AND kind IN ({kinds}) {place} ORDER BY ord DESC LIMIT ?2) ORDER BY e.ord"
        )
    };
    match before {
        Some(before) => {
            let ord = order_bytes(&before);
            all(connection, &chosen("AND ord < ?3"), &[&room.0, &limit, &ord], |row| entry_from(room, row))
        }
        None => all(connection, &chosen(""), &[&room.0, &limit], |row| entry_from(room, row)),
    }
}

/// See [`crate::Store::timeline_after`].
pub(super) fn timeline_after(
    connection: &Connection,
    room: RoomId,
    after: OrderKey,
    limit: usize,
    kinds: &[u16],
) -> Result<Vec<StoredEntry>, StoreError> {
    let kinds = kind_list(kinds)?;
    let limit = limit.min(TIMELINE_ENTRIES) as i64;
    all(
        connection,
        &format!(
            "{ENTRY} WHERE e.id IN (SELECT id FROM entry WHERE room = (SELECT id FROM room WHERE hash = ?1)
               AND kind IN ({kinds}) AND ord > ?3 ORDER BY ord LIMIT ?2) ORDER BY e.ord"
        ),
        &[&room.0, &limit, &order_bytes(&after)],
        |row| entry_from(room, row),
    )
}

/// See [`crate::Store::history`].
pub(super) fn history(
    connection: &Connection,
    room: RoomId,
    after: Option<OrderKey>,
    limit: usize,
) -> Result<Vec<StoredEntry>, StoreError> {
    // The empty blob sorts before every order key.
    let after = after.map_or_else(Vec::new, |after| order_bytes(&after).to_vec());
    let limit = limit.min(TIMELINE_ENTRIES) as i64;
    // One by one: a page of the largest entries would be many times what is answered.
    let orders: Vec<i64> = all(
        connection,
        "SELECT id FROM entry WHERE room = (SELECT id FROM room WHERE hash = ?1) AND ord > ?2 ORDER BY ord LIMIT ?3",
        &[&room.0, &after, &limit],
        |row| row.get(0),
    )?;
    let mut statement = connection.prepare_cached(&format!("{ENTRY} WHERE e.id = ?1"))?;
    let mut read = Ok(());
    let entries = orders.into_iter().map_while(|id| match statement.query_row([id], |row| entry_from(room, row)) {
        Ok(entry) => Some(entry),
        Err(error) => {
            read = Err(error);
            None
        }
    });
    let entries = limits::within_bytes(entries);
    read?;
    Ok(entries)
}

/// See [`crate::Store::setting_keys`].
pub(super) fn setting_keys(connection: &Connection) -> Result<Vec<String>, StoreError> {
    all(connection, "SELECT key FROM setting ORDER BY key", &[], |row| row.get(0))
}

/// See [`crate::Store::at`].
pub(super) fn at(
    connection: &Connection,
    room: RoomId,
    time: UnixMillis,
    kinds: &[u16],
) -> Result<Option<OrderKey>, StoreError> {
    let kinds = kind_list(kinds)?;
    // Times are stored as signed numbers: the later half of them stands before zero.
    let spans = match bits(time.0) {
        late @ i64::MIN..0 => vec![(late, -1)],
        early @ 0.. => vec![(early, i64::MAX), (i64::MIN, -1)],
    };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT ord FROM entry INDEXED BY entry_shown WHERE room = (SELECT id FROM room WHERE hash = ?1)
         AND shown BETWEEN ?2 AND ?3 AND kind IN ({kinds}) ORDER BY shown, ord LIMIT 1"
    ))?;
    for (from, to) in spans {
        let found = statement.query_row(params![room.0, from, to], |row| row.get(0)).optional()?;
        if let Some(ord) = found {
            return Ok(Some(order_from(ord)));
        }
    }
    Ok(None)
}

/// See [`crate::Store::unoffered`].
pub(super) fn unoffered(connection: &Connection, blobs: &[BlobHash]) -> Result<Vec<BlobHash>, StoreError> {
    limits::check_unoffered(blobs)?;
    let mut statement = connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM offer WHERE blob = ?1)")?;
    let mut unoffered = Vec::new();
    for blob in blobs {
        if !statement.query_row(params![blob.0], |row| row.get::<_, bool>(0))? {
            unoffered.push(*blob);
        }
    }
    Ok(unoffered)
}

/// See [`crate::Store::entry`].
pub(super) fn entry(connection: &Connection, room: RoomId, hash: EntryHash) -> Result<Option<StoredEntry>, StoreError> {
    Ok(connection
        .prepare_cached(&format!("{ENTRY} WHERE e.room = (SELECT id FROM room WHERE hash = ?1) AND e.hash = ?2"))?
        .query_row(params![room.0, hash.0], |row| entry_from(room, row))
        .optional()?)
}

/// See [`crate::Store::unread`].
pub(super) fn unread(
    connection: &Connection,
    room: RoomId,
    own: DeviceId,
    after: Option<OrderKey>,
    kinds: &[u16],
) -> Result<Unread, StoreError> {
    let kinds = kind_list(kinds)?;
    // The empty blob sorts before every order key.
    let after = after.map_or_else(Vec::new, |after| order_bytes(&after).to_vec());
    let orders: Vec<[u8; 72]> = all(
        connection,
        &format!(
            "SELECT ord FROM entry WHERE room = (SELECT id FROM room WHERE hash = ?1) AND ord > ?2
             AND kind IN ({kinds}) AND substr(ord, 9, 32) <> ?3 AND EXISTS (SELECT 1 FROM payload WHERE entry = id)
             ORDER BY ord LIMIT ?4"
        ),
        &[&room.0, &after, &own.0, &UNREAD_COUNTED],
        |row| row.get(0),
    )?;
    Ok(Unread { count: orders.len() as u32, first: orders.first().map(|ord| order_from(*ord).hash) })
}

/// See [`crate::Store::setting`].
pub(super) fn setting(connection: &Connection, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
    Ok(connection
        .prepare_cached("SELECT value FROM setting WHERE key = ?1")?
        .query_row(params![key], |row| row.get(0))
        .optional()?)
}

/// Numbers need no binding, and a few lists are all that hosts ever ask for, so the statements stay cached.
fn kind_list(kinds: &[u16]) -> Result<String, StoreError> {
    limits::check_kinds(kinds)?;
    Ok(kinds.iter().map(u16::to_string).collect::<Vec<_>>().join(","))
}

pub(super) fn all<T>(
    connection: &Connection,
    sql: &str,
    params: &[&dyn ToSql],
    read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params, read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}
