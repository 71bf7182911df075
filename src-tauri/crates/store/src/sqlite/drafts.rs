//! What a person began to write and has not sent.

use super::read::all;
use super::write::{room_id, run};
use crate::error::StoreError;
use crate::limits;
use natter_engine::ids::RoomId;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

/// See [`crate::Store::draft`].
pub(super) fn draft(connection: &Connection, room: RoomId) -> Result<Option<String>, StoreError> {
    Ok(connection
        .prepare_cached("SELECT text FROM draft WHERE room = (SELECT id FROM room WHERE hash = ?1)")?
        .query_row(params![room.0], |row| row.get(0))
        .optional()?)
}

/// See [`crate::Store::drafts`].
pub(super) fn drafts(connection: &Connection) -> Result<Vec<(RoomId, String)>, StoreError> {
    all(connection, "SELECT r.hash, d.text FROM draft d JOIN room r ON r.id = d.room ORDER BY r.hash", &[], |row| {
        Ok((RoomId(row.get(0)?), row.get(1)?))
    })
}

/// See [`crate::Store::put_draft`].
pub(super) fn put(connection: &mut Connection, room: RoomId, text: Option<&str>) -> Result<(), StoreError> {
    limits::check_draft(text)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let id = room_id(&transaction, room)?;
    match text {
        Some(text) => run(
            &transaction,
            "INSERT INTO draft (room, text) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET text = excluded.text",
            params![id, text],
        )?,
        None => run(&transaction, "DELETE FROM draft WHERE room = ?1", params![id])?,
    }
    transaction.commit()?;
    Ok(())
}
