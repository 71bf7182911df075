//! Logs that were written twice: see `Op::Split`.

use super::entries::log_id;
use super::read::all;
use super::rows::{bits, bound, unsigned};
use super::write::{room_id, run};
use crate::error::StoreError;
use natter_engine::ids::{DeviceId, EntryHash, LogId, LogKey, RoomId};
use natter_engine::messages::branches::branch;
use natter_engine::port::Branch;
use rusqlite::{Connection, OptionalExtension, params};

pub(super) fn split(
    connection: &Connection,
    room: RoomId,
    log: LogKey,
    at: u64,
    ours: Option<EntryHash>,
    branches: &[Branch],
) -> Result<(), StoreError> {
    let room = room_id(connection, room)?;
    for one in branches {
        run(
            connection,
            "INSERT INTO branch (room, author, log, at, first, header, signature) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT DO NOTHING",
            params![room, log.author.0, log.log.0, bound(at), one.first.0, one.header, one.signature],
        )?;
    }
    if let Some(first) = ours {
        let (from, to) = (log_id(connection, room, &log)?, log_id(connection, room, &branch(log, first))?);
        let taken: Option<i64> = connection
            .prepare_cached(
                "SELECT min(seq) FROM entry WHERE log = ?2 AND seq IN (SELECT seq FROM entry WHERE log = ?1 AND seq >= ?3)",
            )?
            .query_row(params![from, to, bound(at)], |row| row.get(0))
            .optional()?
            .flatten();
        if let Some(seq) = taken {
            return Err(StoreError::Conflict { seq: unsigned(seq) });
        }
        run(connection, "UPDATE entry SET log = ?2 WHERE log = ?1 AND seq >= ?3", params![from, to, bound(at)])?;
    }
    // Numbers beyond SQLite's largest are kept as negative ones.
    run(
        connection,
        "UPDATE held SET seq = ?4 WHERE room = ?1 AND author = ?2 AND log = ?3 AND (seq > ?4 OR seq < 0)",
        params![room, log.author.0, log.log.0, bits(at - 1)],
    )
}

pub(super) fn of_room(connection: &Connection, room: i64) -> Result<Vec<Branch>, StoreError> {
    all(
        connection,
        "SELECT author, log, at, first, header, signature FROM branch WHERE room = ?1 ORDER BY author, log, at, first",
        &[&room],
        |row| {
            Ok(Branch {
                log: LogKey { author: DeviceId(row.get(0)?), log: LogId(row.get(1)?) },
                at: unsigned(row.get(2)?),
                first: EntryHash(row.get(3)?),
                header: row.get(4)?,
                signature: row.get(5)?,
            })
        },
    )
}
