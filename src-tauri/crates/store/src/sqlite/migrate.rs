//! Versions of the schema. `PRAGMA user_version` says which one a file has; the steps to the newest run in one
//! transaction, so that a power cut in between leaves the old one whole.

use super::{about, search};
use crate::error::StoreError;
use crate::sqlite::read::all;
use crate::sqlite::rows::{ENTRY, entry_from, sortable};
use natter_engine::ids::RoomId;
use natter_engine::port::StoredEntry;
use natter_engine::wire::{Body, kind};
use rusqlite::{Connection, TransactionBehavior, params};

/// Step n leads from version n to n + 1: the words of the schema, and what they cannot say.
const STEPS: &[(&str, Option<Follow>)] = &[
    (include_str!("migrations/1.sql"), None),
    (include_str!("migrations/2.sql"), Some(index_what_is_there)),
    (include_str!("migrations/3.sql"), None),
];

type Follow = fn(&Connection) -> Result<(), StoreError>;

/// The version that this program writes.
pub(super) const NEWEST: i64 = STEPS.len() as i64;

/// The version of the open file.
pub(super) fn version(connection: &Connection) -> Result<i64, StoreError> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

/// Brings the open file up to date.
///
/// # Errors
/// [`StoreError::TooNew`] for a file from the future, which stays untouched.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    migrate_by(connection, STEPS)
}

/// Makes an old file, to see it come up to date.
#[cfg(test)]
pub(super) fn to_version(connection: &mut Connection, version: usize) -> Result<(), StoreError> {
    migrate_by(connection, &STEPS[..version])
}

fn migrate_by(connection: &mut Connection, steps: &[(&str, Option<Follow>)]) -> Result<(), StoreError> {
    let found = version(connection)?;
    let newest = steps.len() as i64;
    if found > newest {
        return Err(StoreError::TooNew { found, known: newest });
    }
    let Some(missing) = usize::try_from(found).ok().and_then(|done| steps.get(done..)) else {
        return Err(StoreError::Damaged("its version is negative".to_owned()));
    };
    if missing.is_empty() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for (schema, follow) in missing {
        transaction.execute_batch(schema)?;
        if let Some(follow) = follow {
            follow(&transaction)?;
        }
    }
    transaction.pragma_update(None, "user_version", newest)?;
    transaction.commit()?;
    Ok(())
}

/// Version 1 kept payloads and did not look into them; kinds that it did not know may be there from newer members.
fn index_what_is_there(connection: &Connection) -> Result<(), StoreError> {
    let rooms: Vec<(i64, RoomId)> =
        all(connection, "SELECT id, hash FROM room", &[], |row| Ok((row.get(0)?, RoomId(row.get(1)?))))?;
    for (room, hash) in rooms {
        search::create(connection, room)?;
        // What is said of others first: the index then takes each message once, by its last words.
        for kinds in [kind::ABOUT, kind::SPOKEN] {
            let kinds = kinds.iter().map(u16::to_string).collect::<Vec<_>>().join(",");
            let ids: Vec<i64> = all(
                connection,
                &format!("SELECT id FROM entry WHERE room = ?1 AND kind IN ({kinds}) ORDER BY id"),
                &[&room],
                |row| row.get(0),
            )?;
            for id in ids {
                let entry = connection
                    .prepare_cached(&format!("{ENTRY} WHERE e.id = ?1"))?
                    .query_row(params![id], |row| entry_from(hash, row))?;
                index(connection, room, id, entry)?;
            }
        }
    }
    Ok(())
}

fn index(connection: &Connection, room: i64, id: i64, mut entry: StoredEntry) -> Result<(), StoreError> {
    let body = entry.payload.as_deref().and_then(|payload| Body::decode(entry.kind, payload).ok());
    let Some(body) = body else { return Ok(()) };
    if let Some(words) = body.words() {
        connection.prepare_cached("INSERT INTO wording (entry, text) VALUES (?1, ?2)")?.execute(params![id, words])?;
    }
    if let Some(at) = body.expires(entry.shown) {
        connection
            .prepare_cached("INSERT INTO expiry (entry, at) VALUES (?1, ?2)")?
            .execute(params![id, sortable(at.0)])?;
    }
    entry.target = body.target();
    about::insert(connection, room, id, &entry)?;
    if kind::SPOKEN.contains(&entry.kind) {
        search::add(connection, room, id, &entry.order)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_fails_leaves_the_version_before_it_whole() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate_by(&mut connection, &[("CREATE TABLE a (x INTEGER NOT NULL) STRICT", None)]).unwrap();
        let steps = [
            ("CREATE TABLE a (x INTEGER NOT NULL) STRICT", None),
            ("CREATE TABLE b (x INTEGER NOT NULL) STRICT", None),
            ("CREATE TABLE b (x INTEGER NOT NULL) STRICT", None),
        ];
        assert!(migrate_by(&mut connection, &steps).is_err());
        assert_eq!(version(&connection).unwrap(), 1);
        assert!(connection.prepare("SELECT * FROM b").is_err(), "the half-done step is gone");
        migrate_by(&mut connection, &steps[..2]).unwrap();
        assert_eq!(version(&connection).unwrap(), 2);
    }

    #[test]
    fn a_version_from_the_future_is_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.pragma_update(None, "user_version", NEWEST + 1).unwrap();
        assert!(matches!(
            migrate(&mut connection),
            Err(StoreError::TooNew { found, known }) if found == NEWEST + 1 && known == NEWEST
        ));
    }

    #[test]
    fn every_table_is_strict_and_every_column_not_null() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        let loose: Vec<String> = connection
            .prepare(
                "SELECT name FROM pragma_table_list WHERE schema = 'main' AND name NOT LIKE 'sqlite_%'
                 AND type = 'table' AND NOT strict",
            )
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(loose, Vec::<String>::new());
        let nullable: Vec<String> = connection
            .prepare(
                "SELECT t.name || '.' || c.name FROM pragma_table_list t, pragma_table_info(t.name) c
                 WHERE t.schema = 'main' AND t.name NOT LIKE 'sqlite_%' AND NOT c.\"notnull\"",
            )
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(nullable, Vec::<String>::new());
    }
}
