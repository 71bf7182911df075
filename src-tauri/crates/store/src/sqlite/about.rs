//! What entries say of one another.

use super::read::all;
use super::rows::{ENTRY, entry_from, order_bytes};
use super::write::run;
use crate::error::StoreError;
use crate::limits::{self, PINNED, RELATED_PER_TARGET};
use crate::spoken;
use natter_engine::ids::{EntryHash, RoomId};
use natter_engine::port::{OrderKey, StoredEntry};
use natter_engine::wire::kind;
use rusqlite::{Connection, params};
use std::collections::BTreeSet;

/// The ids of an entry's edits by its author that are here and whole, the newest first.
pub(super) const EDITS: &str = "SELECT a.entry FROM about a WHERE a.room = ?1 AND a.target = ?2 AND a.kind = ?3
  AND substr(a.ord, 9, 32) = ?4 AND EXISTS (SELECT 1 FROM payload p WHERE p.entry = a.entry) ORDER BY a.ord DESC";

/// Keeps what a new entry says of another.
pub(super) fn insert(connection: &Connection, room: i64, id: i64, entry: &StoredEntry) -> Result<(), StoreError> {
    let Some(target) = entry.target else { return Ok(()) };
    let ord = order_bytes(&entry.order);
    run(
        connection,
        "INSERT INTO about (entry, room, target, ord, kind) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![id, room, target.0, ord, entry.kind],
    )?;
    let Some(pins) = spoken::pins(entry) else { return Ok(()) };
    run(
        connection,
        "INSERT INTO pin (room, target, ord, entry, pins) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET ord = excluded.ord, entry = excluded.entry, pins = excluded.pins
         WHERE excluded.ord > ord",
        params![room, target.0, ord, id, pins],
    )
}

/// The whole edits that an entry's author made of it.
pub(super) fn edits(connection: &Connection, room: i64, of: &OrderKey) -> Result<Vec<i64>, StoreError> {
    all(connection, EDITS, &[&room, &of.hash.0, &kind::EDIT, &of.author.0], |row| row.get(0))
}

/// The words that an entry has now: those of its author's last edit, or its own.
pub(super) fn wording(
    connection: &Connection,
    room: i64,
    id: i64,
    of: &OrderKey,
) -> Result<Option<String>, StoreError> {
    let words: Vec<Option<String>> = all(
        connection,
        &format!("SELECT (SELECT text FROM wording WHERE entry = ifnull(({EDITS} LIMIT 1), ?5))"),
        &[&room, &of.hash.0, &kind::EDIT, &of.author.0, &id],
        |row| row.get(0),
    )?;
    Ok(words.into_iter().next().flatten())
}

/// See [`crate::Store::related`].
pub(super) fn related(
    connection: &Connection,
    room: RoomId,
    targets: &[EntryHash],
) -> Result<Vec<StoredEntry>, StoreError> {
    limits::check_targets(targets)?;
    let kinds = kind::ABOUT.iter().map(u16::to_string).collect::<Vec<_>>().join(",");
    let sql = format!(
        "{ENTRY} WHERE e.id IN (SELECT entry FROM about WHERE room = (SELECT id FROM room WHERE hash = ?1)
           AND target = ?2 AND kind IN ({kinds}) ORDER BY ord DESC LIMIT ?3)"
    );
    let mut related = Vec::new();
    for target in targets.iter().collect::<BTreeSet<_>>() {
        related.extend(all(connection, &sql, &[&room.0, &target.0, &(RELATED_PER_TARGET as i64)], |row| {
            entry_from(room, row)
        })?);
    }
    related.sort_unstable_by_key(|entry| entry.order);
    Ok(related)
}

/// See [`crate::Store::pinned`].
pub(super) fn pinned(connection: &Connection, room: RoomId) -> Result<Vec<StoredEntry>, StoreError> {
    all(
        connection,
        &format!(
            "{ENTRY} WHERE e.id IN (SELECT entry FROM pin WHERE room = (SELECT id FROM room WHERE hash = ?1)
               AND pins = 1 ORDER BY ord DESC LIMIT ?2) ORDER BY e.ord DESC"
        ),
        &[&room.0, &(PINNED as i64)],
        |row| entry_from(room, row),
    )
}
