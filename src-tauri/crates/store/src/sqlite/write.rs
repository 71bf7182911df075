//! Writes: one transaction a group, one savepoint a request.

use super::rows::{bits, order_bytes, standing_code};
use super::{entries, search};
use crate::error::StoreError;
use crate::limits::{self, CIRCLE_SETTING, INVITE_LINKS_PER_ROOM, SETTINGS};
use natter_engine::ids::{BrokerUrl, EntryHash, LogId, RoomId};
use natter_engine::port::{Op, Profile, Standing};
use natter_engine::signaling::InviteLink;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

/// Everything or nothing of one request.
pub(super) fn commit(connection: &mut Connection, ops: &[Op]) -> Result<(), StoreError> {
    limits::check(ops)?;
    if ops.is_empty() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for op in ops {
        apply(&transaction, op)?;
    }
    transaction.commit()?;
    Ok(())
}

/// Each request by itself, all of them for one fsync. Where the transaction itself fails (a full disk rolls all of
/// it back), each is tried alone, so that the small ones may still fit and each hears its own error.
pub(super) fn commit_group(connection: &mut Connection, requests: &[&[Op]]) -> Vec<Result<(), StoreError>> {
    if let [one] = requests {
        return vec![commit(connection, one)];
    }
    match together(connection, requests) {
        Ok(results) => results,
        Err(error) => {
            tracing::debug!(%error, requests = requests.len(), "a group failed as one; trying each alone");
            requests.iter().map(|ops| commit(connection, ops)).collect()
        }
    }
}

fn together(connection: &mut Connection, requests: &[&[Op]]) -> Result<Vec<Result<(), StoreError>>, StoreError> {
    let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut results = Vec::with_capacity(requests.len());
    for ops in requests {
        let savepoint = transaction.savepoint()?;
        match limits::check(ops).and_then(|()| ops.iter().try_for_each(|op| apply(&savepoint, op))) {
            Ok(()) => {
                savepoint.commit()?;
                results.push(Ok(()));
            }
            Err(error) if error.is_refusal() => {
                savepoint.finish()?;
                results.push(Err(error));
            }
            Err(error) => return Err(error),
        }
    }
    transaction.commit()?;
    Ok(results)
}

/// See [`crate::Store::create`].
pub(super) fn create(
    connection: &mut Connection,
    secret: &[u8; 32],
    log: LogId,
    profile: &Profile,
) -> Result<(), StoreError> {
    limits::check_profile(profile)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let inserted = transaction.execute(
        "INSERT INTO identity (id, secret, log, name) VALUES (1, ?1, ?2, ?3) ON CONFLICT DO NOTHING",
        params![secret, log.0, profile.name],
    )?;
    if inserted == 0 {
        return Err(StoreError::AlreadyCreated);
    }
    put_avatar(&transaction, profile)?;
    transaction.commit()?;
    Ok(())
}

/// See [`crate::Store::put_setting`].
pub(super) fn put_setting(connection: &mut Connection, key: &str, value: Option<&[u8]>) -> Result<(), StoreError> {
    limits::check_setting(key, value)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    match value {
        Some(value) => {
            transaction.execute(
                "INSERT INTO setting (key, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value",
                params![key, value],
            )?;
            let count: u32 = transaction.query_row("SELECT count(*) FROM setting", [], |row| row.get(0))?;
            if count as usize > SETTINGS {
                return Err(StoreError::TooMany("settings"));
            }
        }
        None => {
            transaction.execute("DELETE FROM setting WHERE key = ?1", params![key])?;
        }
    }
    transaction.commit()?;
    Ok(())
}

fn apply(connection: &Connection, op: &Op) -> Result<(), StoreError> {
    match op {
        Op::PutRoom { room, standing, brokers, invite } => {
            put_room(connection, *room, *standing, brokers, invite.as_ref())
        }
        Op::PutEpoch { room, epoch, key } => {
            let id = room_id(connection, *room)?;
            run(
                connection,
                "INSERT INTO epoch (room, epoch, key) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET key = excluded.key",
                params![id, epoch, key],
            )
        }
        Op::PutEntry(entry) => entries::put(connection, entry),
        Op::Erase { room, target } => entries::erase(connection, *room, *target),
        Op::Split { room, log, at, ours, branches } => {
            super::branches::split(connection, *room, *log, *at, *ours, branches)
        }
        Op::PutFrontier { room, frontier } => put_frontier(connection, *room, frontier),
        Op::PutHeld { room, holder, log, seq } => {
            let id = room_id(connection, *room)?;
            run(
                connection,
                "INSERT INTO held (room, holder, author, log, seq) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET seq = excluded.seq",
                params![id, holder.0, log.author.0, log.log.0, bits(*seq)],
            )
        }
        Op::PutRead { room, upto } => {
            let id = room_id(connection, *room)?;
            run(
                connection,
                "INSERT INTO read_mark (room, ord) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET ord = excluded.ord",
                params![id, order_bytes(upto)],
            )
        }
        Op::PutInvite { room, link } => put_invite(connection, *room, link),
        Op::PutLog(log) => {
            let changed =
                connection.prepare_cached("UPDATE identity SET log = ?1 WHERE id = 1")?.execute(params![log.0])?;
            if changed == 0 { Err(StoreError::NoIdentity) } else { Ok(()) }
        }
        Op::PutCircle(room) => {
            connection
                .prepare_cached(
                    "INSERT INTO setting (key, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value",
                )?
                .execute(params![CIRCLE_SETTING, room.0])?;
            Ok(())
        }
        Op::PutProfile(profile) => {
            let changed = connection
                .prepare_cached("UPDATE identity SET name = ?1 WHERE id = 1")?
                .execute(params![profile.name])?;
            if changed == 0 {
                return Err(StoreError::NoIdentity);
            }
            put_avatar(connection, profile)
        }
        Op::ForgetRoom(room) => match room_id(connection, *room) {
            Ok(id) => {
                search::forget(connection, id)?;
                // The foreign keys cascade: brokers, epochs, logs, entries, payloads, offers, marks, links, drafts.
                run(connection, "DELETE FROM room WHERE id = ?1", params![id])
            }
            Err(StoreError::NoSuchRoom(_)) => Ok(()),
            Err(error) => Err(error),
        },
    }
}

pub(super) fn run(connection: &Connection, sql: &str, params: &[&dyn rusqlite::ToSql]) -> Result<(), StoreError> {
    connection.prepare_cached(sql)?.execute(params)?;
    Ok(())
}

pub(super) fn room_id(connection: &Connection, room: RoomId) -> Result<i64, StoreError> {
    connection
        .prepare_cached("SELECT id FROM room WHERE hash = ?1")?
        .query_row(params![room.0], |row| row.get(0))
        .optional()?
        .ok_or(StoreError::NoSuchRoom(room))
}

fn put_room(
    connection: &Connection,
    room: RoomId,
    standing: Standing,
    brokers: &[BrokerUrl],
    invite: Option<&InviteLink>,
) -> Result<(), StoreError> {
    let changed = connection
        .prepare_cached("UPDATE room SET standing = ?2 WHERE hash = ?1")?
        .execute(params![room.0, standing_code(standing)])?;
    if changed == 0 {
        run(connection, "INSERT INTO room (hash, standing) VALUES (?1, ?2)", params![room.0, standing_code(standing)])?;
        search::create(connection, connection.last_insert_rowid())?;
    }
    let id = room_id(connection, room)?;
    run(connection, "DELETE FROM room_broker WHERE room = ?1", params![id])?;
    for (position, url) in brokers.iter().enumerate() {
        run(
            connection,
            "INSERT INTO room_broker (room, position, url) VALUES (?1, ?2, ?3)",
            params![id, position as i64, url],
        )?;
    }
    match invite {
        Some(link) => run(
            connection,
            "INSERT INTO knock (room, link) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET link = excluded.link",
            params![id, link.to_text()],
        ),
        None => run(connection, "DELETE FROM knock WHERE room = ?1", params![id]),
    }
}

fn put_frontier(connection: &Connection, room: RoomId, frontier: &[EntryHash]) -> Result<(), StoreError> {
    let id = room_id(connection, room)?;
    run(connection, "DELETE FROM frontier WHERE room = ?1", params![id])?;
    for hash in frontier {
        run(
            connection,
            "INSERT INTO frontier (room, hash) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            params![id, hash.0],
        )?;
    }
    Ok(())
}

fn put_invite(connection: &Connection, room: RoomId, link: &InviteLink) -> Result<(), StoreError> {
    let id = room_id(connection, room)?;
    run(
        connection,
        "INSERT INTO invite (room, link) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        params![id, link.to_text()],
    )?;
    run(
        connection,
        "DELETE FROM invite WHERE room = ?1 AND id NOT IN
           (SELECT id FROM invite WHERE room = ?1 ORDER BY id DESC LIMIT ?2)",
        params![id, INVITE_LINKS_PER_ROOM as i64],
    )
}

fn put_avatar(connection: &Connection, profile: &Profile) -> Result<(), StoreError> {
    match &profile.avatar {
        Some(bytes) => run(
            connection,
            "INSERT INTO avatar (id, bytes) VALUES (1, ?1) ON CONFLICT DO UPDATE SET bytes = excluded.bytes",
            params![bytes],
        ),
        None => run(connection, "DELETE FROM avatar WHERE id = 1", params![]),
    }
}
