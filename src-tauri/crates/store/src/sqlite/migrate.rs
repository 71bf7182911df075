//! Versions of the schema. `PRAGMA user_version` says which one a file has; the steps to the newest run in one
//! transaction, so that a power cut in between leaves the old one whole.

use crate::error::StoreError;
use rusqlite::{Connection, TransactionBehavior};

/// Step n leads from version n to n + 1.
const STEPS: &[&str] = &[include_str!("migrations/1.sql")];

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

fn migrate_by(connection: &mut Connection, steps: &[&str]) -> Result<(), StoreError> {
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
    for step in missing {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", newest)?;
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_fails_leaves_the_version_before_it_whole() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate_by(&mut connection, &["CREATE TABLE a (x INTEGER NOT NULL) STRICT"]).unwrap();
        let steps = [
            "CREATE TABLE a (x INTEGER NOT NULL) STRICT",
            "CREATE TABLE b (x INTEGER NOT NULL) STRICT",
            "CREATE TABLE b (x INTEGER NOT NULL) STRICT",
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
                "SELECT name FROM pragma_table_list WHERE schema = 'main' AND name NOT LIKE 'sqlite_%' AND NOT strict",
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
