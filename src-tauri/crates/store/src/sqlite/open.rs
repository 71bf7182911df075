//! Opening a profile: every way in which it can be wrong is found here, told apart, and leaves the files alone.

use super::{SqliteStore, migrate};
use crate::blobs::Blobs;
use crate::disk;
use crate::error::StoreError;
use crate::key::StoreKey;
use data_encoding::HEXLOWER;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, ffi};
use std::fs::{self, File, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// How long a connection waits for the other one of this process. They meet only in checkpoints.
const BUSY: Duration = Duration::from_millis(250);
/// How long the check at start may take; what a large database has beyond it is found when it is read.
const QUICK_CHECK: Duration = Duration::from_secs(2);
/// Virtual-machine steps between two looks at the clock.
const STEPS_PER_LOOK: i32 = 10_000;
/// SQLCipher's page.
const PAGE_BYTES: u64 = 4096;
/// Statements kept ready by each connection.
const STATEMENTS: usize = 128;

struct Paths {
    lock: PathBuf,
    check: PathBuf,
    db: PathBuf,
    fresh: PathBuf,
    blobs: PathBuf,
}

impl Paths {
    fn of(dir: &Path) -> Self {
        Self {
            lock: dir.join("natter.lock"),
            check: dir.join("natter.check"),
            db: dir.join("natter.db"),
            fresh: dir.join("natter.db.fresh"),
            blobs: dir.join("blobs"),
        }
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

pub(super) fn open(dir: &Path, key: &StoreKey) -> Result<SqliteStore, StoreError> {
    disk::private_dir(dir)?;
    let paths = Paths::of(dir);
    let lock = lock(&paths.lock)?;
    let print = disk::read_small(&paths.check, 64)?;
    if !paths.db.try_exists()? {
        if print.is_some() || beside(&paths.db, "-wal").try_exists()? {
            return Err(StoreError::Missing);
        }
        create(&paths, key)?;
    }
    check_fit(&paths.db, print.as_deref(), key)?;
    let mut writer = connect(&paths.db, key, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // Until all is known to be well, closing must not move the WAL into a file that may want rescuing.
    writer.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    examine(&mut writer).map_err(explain)?;
    migrate::migrate(&mut writer)?;
    writer.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    settle(&writer)?;
    let reader = connect(&paths.db, key, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    if print.as_deref() != Some(&key.check()[..]) {
        disk::write_whole(&paths.check, &key.check())?;
    }
    let blobs = Arc::new(Blobs::open(&paths.blobs, key)?);
    Ok(SqliteStore { reader: Mutex::new(reader), writer: Mutex::new(writer), blobs, _lock: lock })
}

/// The lock on a profile. Closing the file would let go of it only once nobody has a copy of its descriptor, and a child
/// process that is just being started has one until it runs its program.
pub(super) struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing it is next, which has the last word.
        let _ = self.0.unlock();
    }
}

fn lock(path: &Path) -> Result<Lock, StoreError> {
    let file = File::options().create(true).truncate(false).write(true).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// Makes the database beside its place and renames it once it is whole.
fn create(paths: &Paths, key: &StoreKey) -> Result<(), StoreError> {
    for leftover in [paths.fresh.clone(), beside(&paths.fresh, "-wal"), beside(&paths.fresh, "-shm")] {
        match fs::remove_file(leftover) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(e.into()),
        }
    }
    // SQLite takes an empty file for an empty database, and gives its -wal and -shm the same mode.
    drop(disk::private_file(&paths.fresh)?);
    let mut connection = connect(&paths.fresh, key, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    migrate::migrate(&mut connection)?;
    settle(&connection)?;
    // The last connection to close moves the WAL into the file and removes it.
    connection.close().map_err(|(_, error)| error)?;
    File::open(&paths.fresh)?.sync_all()?;
    fs::rename(&paths.fresh, &paths.db)?;
    disk::sync_parent(&paths.db)?;
    Ok(disk::write_whole(&paths.check, &key.check())?)
}

fn connect(path: &Path, key: &StoreKey, access: OpenFlags) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // A raw key with its salt: no passphrase derivation here, that is the vault's.
    let secret = key.database();
    let hex = Zeroizing::new(HEXLOWER.encode(&secret[..]));
    let pragma =
        Zeroizing::new(format!("PRAGMA key = \"x'{}{}'\"", hex.as_str(), HEXLOWER.encode(&key.database_salt())));
    // Its own log goes to stderr, past ours; what it would say comes back as errors.
    connection.execute_batch("PRAGMA cipher_log_level = NONE")?;
    connection.execute_batch(&pragma)?;
    // A build against plain SQLite would take the pragma for a comment and write everything in the clear.
    let cipher: Result<String, _> = connection.query_row("PRAGMA cipher_version", [], |row| row.get(0));
    if cipher.map_or(true, |version| version.is_empty()) {
        return Err(StoreError::Io(io::Error::new(io::ErrorKind::Unsupported, "built without SQLCipher")));
    }
    connection.execute_batch("PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;")?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    Ok(connection)
}

/// How the writer keeps its promises.
pub(super) fn settle(writer: &Connection) -> Result<(), StoreError> {
    let mode: String = writer.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if !mode.eq_ignore_ascii_case("wal") {
        return Err(StoreError::Io(io::Error::new(
            io::ErrorKind::Unsupported,
            "this file system allows no write-ahead log",
        )));
    }
    writer.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON;
         PRAGMA secure_delete = ON; PRAGMA journal_size_limit = 16777216;",
    )?;
    Ok(())
}

/// Asks what stands outside the encryption whether the key belongs to the file, before SQLite touches it. SQLCipher
/// itself says "not a database" for a wrong key and for a damaged page alike.
fn check_fit(db: &Path, print: Option<&[u8]>, key: &StoreKey) -> Result<(), StoreError> {
    let bytes = fs::metadata(db)?.len();
    // SQLite would take an empty file for a new database.
    if bytes < PAGE_BYTES {
        return Err(StoreError::Damaged(format!("the file has only {bytes} bytes")));
    }
    let mut salt = [0; 16];
    File::open(db)?.read_exact(&mut salt)?;
    if salt == key.database_salt() || print == Some(&key.check()[..]) {
        return Ok(());
    }
    let readable = salt.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t' | 0));
    if readable || !bytes.is_multiple_of(PAGE_BYTES) {
        return Err(StoreError::Damaged("it is not a database of Natter's".to_owned()));
    }
    Err(StoreError::WrongKey)
}

/// At this stage nothing runs but plain reads: SQLCipher's bare "SQL logic error" is a page that it could not open.
fn explain(error: StoreError) -> StoreError {
    match error {
        StoreError::Sqlite(inner) if inner.sqlite_error().is_some_and(|e| e.extended_code == ffi::SQLITE_ERROR) => {
            StoreError::Damaged(inner.to_string())
        }
        other => other,
    }
}

fn examine(writer: &mut Connection) -> Result<(), StoreError> {
    let version = migrate::version(writer)?;
    if version > migrate::NEWEST {
        return Err(StoreError::TooNew { found: version, known: migrate::NEWEST });
    }
    if version < 1 {
        return Err(StoreError::Damaged("it has no version".to_owned()));
    }
    let end = Instant::now() + QUICK_CHECK;
    writer.progress_handler(STEPS_PER_LOOK, Some(move || Instant::now() >= end))?;
    let verdict: Result<String, _> = writer.query_row("PRAGMA quick_check(1)", [], |row| row.get(0));
    writer.progress_handler(0, None::<fn() -> bool>)?;
    match verdict {
        Ok(verdict) if verdict == "ok" => Ok(()),
        // An index of words that was interrupted says so in words.
        Ok(verdict) if Instant::now() >= end && verdict.starts_with("unable to validate") => Ok(()),
        Ok(verdict) => Err(StoreError::Damaged(verdict)),
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::OperationInterrupted) => {
            tracing::info!("the database is too large to check whole at start");
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}
