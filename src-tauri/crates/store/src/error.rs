//! What can be wrong with a store, told apart so that a host can say what to do about it.

use natter_engine::ids::RoomId;
use natter_engine::port::StoreTrouble;
use std::io;

/// Why a store could not do it. Whatever it was, the files are as they were.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process (or another handle of this one) has the profile open.
    #[error("the database is open in another process")]
    Locked,
    /// The file is not what was written.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// The database was here and is gone.
    #[error("the database file is missing")]
    Missing,
    /// Written by a newer Natter.
    #[error("the database is from a newer version ({found}; this one knows {known})")]
    TooNew {
        /// Its schema version.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// No space left.
    #[error("the disk is full")]
    DiskFull,
    /// The key opens another database, not this one.
    #[error("the key does not fit the database")]
    WrongKey,
    /// There is no identity yet.
    #[error("no identity was created")]
    NoIdentity,
    /// There is an identity already.
    #[error("an identity exists already")]
    AlreadyCreated,
    /// A write names a room that is not here.
    #[error("no such room: {0}")]
    NoSuchRoom(RoomId),
    /// Another entry stands at this place of the log: proof of a fork, which the engine must judge first.
    #[error("the log already has another entry at sequence {seq}")]
    Conflict {
        /// The place.
        seq: u64,
    },
    /// A value that no store can hold; its name.
    #[error("not a storable value: {0}")]
    Invalid(&'static str),
    /// Over a limit of `limits`; what.
    #[error("too many {0}")]
    TooMany(&'static str),
    /// This handle was cut off by a simulated crash.
    #[error("the store was closed")]
    Closed,
    /// Any other IO error.
    #[error("the disk failed: {0}")]
    Io(#[source] io::Error),
    /// Any other error of SQLite.
    #[error("the database failed: {0}")]
    Sqlite(#[source] rusqlite::Error),
}

impl StoreError {
    /// What the engine is told.
    pub fn trouble(&self) -> StoreTrouble {
        match self {
            Self::Locked => StoreTrouble::Locked,
            Self::DiskFull => StoreTrouble::DiskFull,
            Self::Damaged(_) | Self::Missing => StoreTrouble::Damaged,
            Self::TooNew { .. }
            | Self::WrongKey
            | Self::NoIdentity
            | Self::AlreadyCreated
            | Self::NoSuchRoom(_)
            | Self::Conflict { .. }
            | Self::Invalid(_)
            | Self::TooMany(_)
            | Self::Closed
            | Self::Io(_)
            | Self::Sqlite(_) => StoreTrouble::Failed,
        }
    }

    /// Whether it is about one request alone, so that its neighbours in a group may still go through as they are.
    pub(crate) fn is_refusal(&self) -> bool {
        match self {
            Self::NoIdentity
            | Self::AlreadyCreated
            | Self::NoSuchRoom(_)
            | Self::Conflict { .. }
            | Self::Invalid(_)
            | Self::TooMany(_) => true,
            Self::Locked
            | Self::Damaged(_)
            | Self::Missing
            | Self::TooNew { .. }
            | Self::DiskFull
            | Self::WrongKey
            | Self::Closed
            | Self::Io(_)
            | Self::Sqlite(_) => false,
        }
    }
}

/// Whether an IO error means that there is no room left: the disk's, the quota's or the process's own limit.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge)
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        if is_full(&error) { Self::DiskFull } else { Self::Io(error) }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ffi;
        let Some(code) = error.sqlite_error().map(|e| e.extended_code) else {
            return match error {
                // A column that holds what its STRICT type or CHECK forbids was not written by us.
                rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::Utf8Error(..) => Self::Damaged("a value is not of its type".to_owned()),
                other => Self::Sqlite(other),
            };
        };
        match (code & 0xff, code) {
            (ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED, _) => Self::Locked,
            (ffi::SQLITE_FULL, _) => Self::DiskFull,
            // The shared-memory index of the WAL is extended by writing to it; it fails for want of space.
            (_, ffi::SQLITE_IOERR_SHMSIZE) => Self::DiskFull,
            (ffi::SQLITE_CORRUPT | ffi::SQLITE_NOTADB, _) => Self::Damaged(error.to_string()),
            (_, ffi::SQLITE_IOERR_SHORT_READ | ffi::SQLITE_IOERR_DATA | ffi::SQLITE_IOERR_CORRUPTFS) => {
                Self::Damaged(error.to_string())
            }
            _ => Self::Sqlite(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_from_other_io_errors() {
        assert!(matches!(StoreError::from(io::Error::from(io::ErrorKind::StorageFull)), StoreError::DiskFull));
        assert!(matches!(StoreError::from(io::Error::from(io::ErrorKind::QuotaExceeded)), StoreError::DiskFull));
        assert!(matches!(StoreError::from(io::Error::from(io::ErrorKind::PermissionDenied)), StoreError::Io(_)));
    }
}
