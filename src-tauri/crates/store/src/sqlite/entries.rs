//! Entries: written once, and erased when they were spoken and shall be forgotten.

use super::rows::{bits, bound, order_bytes, order_from, sortable};
use super::write::{room_id, run};
use super::{about, search};
use crate::error::StoreError;
use crate::spoken;
use natter_engine::ids::{EntryHash, LogKey, RoomId};
use natter_engine::port::{OrderKey, StoredEntry};
use natter_engine::time::UnixMillis;
use natter_engine::wire::kind;
use rusqlite::{Connection, OptionalExtension, params};
use std::borrow::Cow;

/// An entry that is here, as far as others depend on it.
pub(super) struct Here {
    pub(super) id: i64,
    pub(super) order: OrderKey,
    pub(super) spoken: bool,
    pub(super) whole: bool,
}

pub(super) fn find(connection: &Connection, room: i64, hash: EntryHash) -> Result<Option<Here>, StoreError> {
    Ok(connection
        .prepare_cached(
            "SELECT id, ord, kind, EXISTS (SELECT 1 FROM payload WHERE entry = id) FROM entry
             WHERE room = ?1 AND hash = ?2",
        )?
        .query_row(params![room, hash.0], |row| {
            let spoken = kind::SPOKEN.contains(&row.get(2)?);
            Ok(Here { id: row.get(0)?, order: order_from(row.get(1)?), spoken, whole: row.get(3)? })
        })
        .optional()?)
}

/// See `Op::PutEntry`.
pub(super) fn put(connection: &Connection, entry: &StoredEntry) -> Result<(), StoreError> {
    let room = room_id(connection, entry.room)?;
    let known: bool = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM entry WHERE room = ?1 AND hash = ?2)")?
        .query_row(params![room, entry.order.hash.0], |row| row.get(0))?;
    if known {
        return Ok(());
    }
    let target = match entry.target {
        Some(target) if entry.kind == kind::EDIT => {
            find(connection, room, target)?.filter(|here| here.spoken && here.order.author == entry.order.author)
        }
        Some(_) | None => None,
    };
    let mut entry = Cow::Borrowed(entry);
    if target.as_ref().is_some_and(|target| !target.whole) {
        spoken::erase(entry.to_mut());
    }
    let id = insert(connection, room, &entry)?;
    insert_parts(connection, room, id, &entry)?;
    if spoken::is_erased(&entry) {
        // An edit that came before what it edits.
        for edit in about::edits(connection, room, &entry.order)? {
            wipe(connection, edit)?;
        }
    } else if kind::SPOKEN.contains(&entry.kind) {
        search::add(connection, room, id, &entry.order)?;
    } else if let Some(target) = target.filter(|target| target.whole && entry.payload.is_some()) {
        search::remove(connection, room, target.id)?;
        search::add(connection, room, target.id, &target.order)?;
    }
    Ok(())
}

fn insert(connection: &Connection, room: i64, entry: &StoredEntry) -> Result<i64, StoreError> {
    let log = log_id(connection, room, &entry.log)?;
    let id = free_id(connection, entry.shown)?;
    let blobs: Vec<u8> = entry.blobs.iter().flat_map(|blob| blob.0).collect();
    let inserted = connection
        .prepare_cached(
            "INSERT INTO entry (id, room, log, seq, hash, ord, kind, header, signature, salt, blobs, first_seen, shown)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) ON CONFLICT (log, seq) DO NOTHING",
        )?
        .execute(params![
            id,
            room,
            log,
            bound(entry.seq),
            entry.order.hash.0,
            order_bytes(&entry.order),
            entry.kind,
            entry.header,
            entry.signature,
            entry.salt,
            blobs,
            bits(entry.first_seen.0),
            bits(entry.shown.0),
        ])?;
    if inserted == 0 { Err(StoreError::Conflict { seq: entry.seq }) } else { Ok(id) }
}

fn insert_parts(connection: &Connection, room: i64, id: i64, entry: &StoredEntry) -> Result<(), StoreError> {
    if let Some(payload) = &entry.payload {
        run(connection, "INSERT INTO payload (entry, bytes) VALUES (?1, ?2)", params![id, payload])?;
    }
    for blob in &entry.blobs {
        run(connection, "INSERT INTO offer (blob, entry) VALUES (?1, ?2) ON CONFLICT DO NOTHING", params![blob.0, id])?;
    }
    if let Some(words) = spoken::words(entry) {
        run(connection, "INSERT INTO wording (entry, text) VALUES (?1, ?2)", params![id, words])?;
    }
    if let Some(at) = spoken::expires(entry) {
        run(connection, "INSERT INTO expiry (entry, at) VALUES (?1, ?2)", params![id, sortable(at.0)])?;
    }
    if matches!(entry.kind, kind::PROFILE | kind::RECEIPT) {
        run(
            connection,
            "INSERT INTO latest (room, kind, author, ord, entry) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET ord = excluded.ord, entry = excluded.entry WHERE excluded.ord > ord",
            params![room, entry.kind, entry.order.author.0, order_bytes(&entry.order), id],
        )?;
    }
    about::insert(connection, room, id, entry)
}

/// A free place in time, which is what ids are; see [`spoken::places`].
fn free_id(connection: &Connection, shown: UnixMillis) -> Result<i64, StoreError> {
    let (first, last) = spoken::places(shown);
    let taken: Option<i64> = connection
        .prepare_cached("SELECT max(id) FROM entry WHERE id BETWEEN ?1 AND ?2")?
        .query_row(params![bound(first), bound(last)], |row| row.get(0))?;
    match taken {
        None => Ok(bound(first)),
        Some(taken) if taken < bound(last) => Ok(taken + 1),
        Some(_) => Ok(connection.prepare_cached("SELECT max(id) + 1 FROM entry")?.query_row([], |row| row.get(0))?),
    }
}

pub(super) fn log_id(connection: &Connection, room: i64, log: &LogKey) -> Result<i64, StoreError> {
    let found: Option<i64> = connection
        .prepare_cached("SELECT id FROM log WHERE room = ?1 AND author = ?2 AND name = ?3")?
        .query_row(params![room, log.author.0, log.log.0], |row| row.get(0))
        .optional()?;
    if let Some(id) = found {
        return Ok(id);
    }
    run(
        connection,
        "INSERT INTO log (room, author, name) VALUES (?1, ?2, ?3)",
        params![room, log.author.0, log.log.0],
    )?;
    Ok(connection.last_insert_rowid())
}

/// See `Op::Erase`.
pub(super) fn erase(connection: &Connection, room: RoomId, target: EntryHash) -> Result<(), StoreError> {
    let room = match room_id(connection, room) {
        Err(StoreError::NoSuchRoom(_)) => return Ok(()),
        other => other?,
    };
    let Some(here) = find(connection, room, target)?.filter(|here| here.spoken) else { return Ok(()) };
    search::remove(connection, room, here.id)?;
    wipe(connection, here.id)?;
    for edit in about::edits(connection, room, &here.order)? {
        wipe(connection, edit)?;
    }
    Ok(())
}

/// Takes everything from an entry that its header does not hold.
fn wipe(connection: &Connection, id: i64) -> Result<(), StoreError> {
    for sql in [
        "DELETE FROM payload WHERE entry = ?1",
        "DELETE FROM wording WHERE entry = ?1",
        "DELETE FROM expiry WHERE entry = ?1",
        "DELETE FROM offer WHERE entry = ?1",
        "UPDATE entry SET salt = zeroblob(16), blobs = x'' WHERE id = ?1",
    ] {
        run(connection, sql, params![id])?;
    }
    Ok(())
}
