//! Full text: one FTS5 table a room (<https://sqlite.org/fts5.html>), whose row ids are those of the messages.
//!
//! Only what a message says now is in it, so that whatever it finds is shown. Words are cut by [`crate::words`] before
//! they come here; the tokenizer finds nothing left to do. Ids are places in time, so that FTS5 hands out the newest
//! first and stops when a page is full, however common the word. For beginnings of words it first gathers what they
//! begin: for single letters, which begin the most, an index of their own spares it that; for longer ones it would cost
//! each write more than it saves. With `secure-delete` a word taken out leaves its page at once instead of being outvoted
//! until some later merge.

use super::about;
use super::read::all;
use super::rows::{ENTRY, bound, entry_from, unsigned};
use super::write::run;
use crate::error::StoreError;
use crate::limits::SEARCH_HITS;
use crate::words::{self, Query};
use crate::{Hit, Place};
use data_encoding::HEXLOWER;
use natter_engine::ids::{DeviceId, RoomId};
use natter_engine::port::OrderKey;
use rusqlite::{Connection, params};

/// Makes a new room's index.
pub(super) fn create(connection: &Connection, room: i64) -> Result<(), StoreError> {
    connection.execute_batch(&format!(
        "CREATE VIRTUAL TABLE search_{room}
           USING fts5 (words, author, tokenize = 'ascii', columnsize = 0, prefix = '1');
         INSERT INTO search_{room} (search_{room}, rank) VALUES ('secure-delete', 1);"
    ))?;
    Ok(())
}

/// Drops a room's index.
pub(super) fn forget(connection: &Connection, room: i64) -> Result<(), StoreError> {
    Ok(connection.execute_batch(&format!("DROP TABLE IF EXISTS search_{room}"))?)
}

/// Puts the words that a message has now into the index, where it is not.
pub(super) fn add(connection: &Connection, room: i64, id: i64, order: &OrderKey) -> Result<(), StoreError> {
    let Some(text) = about::wording(connection, room, id, order)? else { return Ok(()) };
    let words = words::of_text(&text).collect::<Vec<_>>().join(" ");
    if words.is_empty() {
        return Ok(());
    }
    run(
        connection,
        &format!("INSERT INTO search_{room} (rowid, words, author) VALUES (?1, ?2, ?3)"),
        params![id, words, author_word(order.author)],
    )
}

/// Takes a message out of the index.
pub(super) fn remove(connection: &Connection, room: i64, id: i64) -> Result<(), StoreError> {
    run(connection, &format!("DELETE FROM search_{room} WHERE rowid = ?1"), params![id])
}

/// Half a key tells authors apart: to make a second one with the same half costs 2^64 tries and finds one's own words.
fn author_word(author: DeviceId) -> String {
    HEXLOWER.encode(&author.0[..16])
}

/// A query in FTS5's language. Every word stands in quotes and has no quote in it.
fn expression(query: &Query, author: Option<DeviceId>) -> String {
    let phrases: Vec<String> = query.phrases.iter().map(|phrase| format!("\"{}\" *", phrase.join(" "))).collect();
    let words = format!("words : ({})", phrases.join(" AND "));
    match author {
        Some(author) => format!("{words} AND author : \"{}\"", author_word(author)),
        None => words,
    }
}

/// See [`crate::Store::search`]; on one snapshot.
pub(super) fn search(
    connection: &Connection,
    query: &str,
    room: Option<RoomId>,
    author: Option<DeviceId>,
    before: Option<Place>,
    limit: usize,
) -> Result<Vec<Hit>, StoreError> {
    let Some(query) = Query::parse(query)? else { return Ok(Vec::new()) };
    let expression = expression(&query, author);
    let limit = limit.min(SEARCH_HITS);
    let before = before.map_or(i64::MAX, |place| bound(place.0));
    let rooms: Vec<(i64, RoomId)> = all(
        connection,
        "SELECT id, hash FROM room WHERE ?1 = x'' OR hash = ?1",
        &[&room.map_or_else(Vec::new, |room| room.0.to_vec())],
        |row| Ok((row.get(0)?, RoomId(row.get(1)?))),
    )?;
    let mut found: Vec<(i64, i64, RoomId)> = Vec::new();
    for (id, room) in rooms {
        let sql = format!(
            "SELECT rowid FROM search_{id} WHERE search_{id} MATCH ?1 AND rowid < ?2 ORDER BY rowid DESC LIMIT ?3"
        );
        let places: Vec<i64> = all(connection, &sql, &[&expression, &before, &(limit as i64)], |row| row.get(0))?;
        found.extend(places.into_iter().map(|place| (place, id, room)));
    }
    found.sort_unstable_by_key(|(place, ..)| std::cmp::Reverse(*place));
    found.truncate(limit);
    let mut hits = Vec::with_capacity(found.len());
    for (place, id, room) in found {
        let entry = connection
            .prepare_cached(&format!("{ENTRY} WHERE e.id = ?1"))?
            .query_row(params![place], |row| entry_from(room, row))?;
        let words = about::wording(connection, id, place, &entry.order)?.unwrap_or_default();
        hits.push(Hit { entry, words, place: Place(unsigned(place)) });
    }
    Ok(hits)
}
