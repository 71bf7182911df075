//! The suite over both twins, chance over both at once, and every way in which a file can be wrong.

use super::*;
use crate::conformance::{self, Subject};
use crate::memory::MemoryStore;
use natter_engine::ids::{BlobHash, LogKey};
use natter_engine::port::{Standing, StoreTrouble};
use natter_engine::time::{Hlc, UnixMillis};
use natter_engine::wire::kind;
use proptest::prelude::*;
use std::fs;
use tempfile::TempDir;

fn key() -> StoreKey {
    StoreKey::from_bytes([42; 32])
}

struct OnDisk {
    dir: TempDir,
    store: Option<Arc<SqliteStore>>,
}

impl OnDisk {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let store = Some(Arc::new(SqliteStore::open(dir.path(), &key()).unwrap()));
        Self { dir, store }
    }
}

impl Subject for OnDisk {
    fn store(&self) -> Arc<dyn Store> {
        self.store.clone().unwrap()
    }

    fn restart(&mut self) {
        let store = self.store.take().unwrap();
        assert_eq!(Arc::strong_count(&store), 1, "the story still holds the store");
        drop(store);
        self.store = Some(Arc::new(SqliteStore::open(self.dir.path(), &key()).unwrap()));
    }

    fn put_blob(&self, bytes: &[u8]) -> BlobHash {
        self.store.as_ref().unwrap().blobs().put(bytes).unwrap()
    }
}

struct InMemory(MemoryStore);

impl Subject for InMemory {
    fn store(&self) -> Arc<dyn Store> {
        Arc::new(self.0.clone())
    }

    fn restart(&mut self) {
        self.0 = self.0.crash();
    }

    fn put_blob(&self, bytes: &[u8]) -> BlobHash {
        self.0.put_blob(bytes)
    }
}

#[test]
fn the_store_on_disk_does_as_told() {
    conformance::run(|| Box::new(OnDisk::new()));
}

#[test]
fn the_store_in_memory_does_as_told() {
    conformance::run(|| Box::new(InMemory(MemoryStore::new())));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn the_twins_agree_whatever_happens(steps in conformance::steps()) {
        let mut disk = OnDisk::new();
        let memory = MemoryStore::new();
        conformance::agree(&*disk.store(), &memory, &steps)?;
        disk.restart();
        conformance::compare(&*disk.store(), &memory.crash())?;
    }
}

// ---------------------------------------------------------------- what can be wrong with a file

const ROOM: RoomId = RoomId([1; 32]);

fn text(seq: u64, payload: Vec<u8>) -> StoredEntry {
    let author = DeviceId([3; 32]);
    StoredEntry {
        room: ROOM,
        log: LogKey { author, log: LogId([4; 16]) },
        seq,
        order: OrderKey { clock: Hlc(seq), author, hash: EntryHash(*blake3::hash(&seq.to_le_bytes()).as_bytes()) },
        kind: kind::TEXT,
        header: vec![1; 200],
        signature: [2; 64],
        salt: [3; 16],
        payload: Some(payload),
        blobs: Vec::new(),
        first_seen: UnixMillis(1),
        shown: UnixMillis(1),
    }
}

fn put_room() -> Op {
    Op::PutRoom { room: ROOM, standing: Standing::Member, brokers: Vec::new(), invite: None }
}

/// A closed profile with an identity, a room and 200 messages.
fn profile() -> TempDir {
    let dir = TempDir::new().unwrap();
    let store = SqliteStore::open(dir.path(), &key()).unwrap();
    store.create([1; 32], LogId([2; 16]), &Profile::default()).unwrap();
    let mut ops = vec![put_room()];
    ops.extend((1..=200).map(|seq| Op::PutEntry(text(seq, b"the quick brown fox".repeat(50)))));
    store.commit(&ops).unwrap();
    dir
}

/// Opens a profile that something is wrong with; the database must stay as it is, byte for byte.
fn refused(dir: &TempDir, key: &StoreKey) -> StoreError {
    let db = dir.path().join("natter.db");
    let before = fs::read(&db).ok();
    let error = match SqliteStore::open(dir.path(), key) {
        Ok(_) => panic!("it opened"),
        Err(error) => error,
    };
    assert_eq!(fs::read(&db).ok(), before, "the file was touched");
    error
}

#[test]
fn nothing_on_disk_is_in_the_clear_or_for_others_to_read() {
    let dir = profile();
    let store = SqliteStore::open(dir.path(), &key()).unwrap();
    store.commit(&[Op::PutEntry(text(201, b"the quick brown fox".to_vec()))]).unwrap();
    for file in fs::read_dir(dir.path()).unwrap() {
        let file = file.unwrap();
        if file.metadata().unwrap().is_file() {
            let bytes = fs::read(file.path()).unwrap();
            for needle in [b"quick brown".as_slice(), b"SQLite format", b"CREATE TABLE"] {
                let found = bytes.windows(needle.len()).any(|window| window == needle);
                assert!(!found || file.file_name() == "natter.lock", "{needle:?} in {:?}", file.path());
            }
            #[cfg(unix)]
            if file.file_name() != "natter.lock" {
                use std::os::unix::fs::PermissionsExt;
                assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", file.path());
            }
        }
    }
    drop(store);
}

#[test]
fn a_second_opener_hears_locked_at_once() {
    let dir = profile();
    let first = SqliteStore::open(dir.path(), &key()).unwrap();
    let asked = std::time::Instant::now();
    let error = SqliteStore::open(dir.path(), &key()).err().unwrap();
    assert!(matches!(error, StoreError::Locked) && error.trouble() == StoreTrouble::Locked);
    assert!(asked.elapsed() < std::time::Duration::from_secs(1));
    first.commit(&[Op::PutEntry(text(201, b"still fine".to_vec()))]).unwrap();
    drop(first);
    SqliteStore::open(dir.path(), &key()).unwrap();
}

#[test]
fn a_wrong_key_is_told_from_damage() {
    let dir = profile();
    assert!(matches!(refused(&dir, &StoreKey::from_bytes([43; 32])), StoreError::WrongKey));
    fs::remove_file(dir.path().join("natter.check")).unwrap();
    assert!(matches!(refused(&dir, &StoreKey::from_bytes([43; 32])), StoreError::WrongKey), "without its print");
    SqliteStore::open(dir.path(), &key()).unwrap();
}

#[test]
fn a_wrong_key_leaves_a_write_ahead_log_alone() {
    let dir = profile();
    let store = SqliteStore::open(dir.path(), &key()).unwrap();
    store.commit(&[Op::PutEntry(text(201, b"only in the log".to_vec()))]).unwrap();
    let copy = TempDir::new().unwrap();
    for name in ["natter.db", "natter.db-wal", "natter.check"] {
        fs::copy(dir.path().join(name), copy.path().join(name)).unwrap();
    }
    let wal = fs::read(copy.path().join("natter.db-wal")).unwrap();
    assert!(!wal.is_empty());
    assert!(matches!(refused(&copy, &StoreKey::from_bytes([43; 32])), StoreError::WrongKey));
    assert_eq!(fs::read(copy.path().join("natter.db-wal")).unwrap(), wal);
    let store = SqliteStore::open(copy.path(), &key()).unwrap();
    assert!(store.entry(ROOM, text(201, Vec::new()).order.hash).unwrap().is_some());
}

#[test]
fn a_text_file_or_a_plain_database_is_not_ours() {
    let dir = profile();
    for bytes in [b"Dear diary, ".repeat(1000), {
        let plain = dir.path().join("plain");
        Connection::open(&plain).unwrap().execute_batch("CREATE TABLE a (b); INSERT INTO a VALUES (1)").unwrap();
        fs::read(plain).unwrap()
    }] {
        fs::write(dir.path().join("natter.db"), &bytes).unwrap();
        let error = refused(&dir, &key());
        assert!(matches!(error, StoreError::Damaged(_)) && error.trouble() == StoreTrouble::Damaged, "{error}");
        let fresh = TempDir::new().unwrap();
        fs::write(fresh.path().join("natter.db"), bytes).unwrap();
        assert!(matches!(refused(&fresh, &key()), StoreError::Damaged(_)));
    }
}

#[test]
fn an_empty_cut_or_missing_file_is_never_made_anew() {
    let dir = profile();
    let db = dir.path().join("natter.db");
    let good = fs::read(&db).unwrap();
    for bytes in [0, 1, 100, 4096, 5000, good.len() / 2, good.len() / 8192 * 4096, good.len() - 4096, good.len() - 1] {
        fs::write(&db, &good[..bytes]).unwrap();
        let error = refused(&dir, &key());
        assert!(matches!(error, StoreError::Damaged(_)), "{bytes} of {} bytes: {error:?}", good.len());
    }
    fs::remove_file(&db).unwrap();
    assert!(matches!(refused(&dir, &key()), StoreError::Missing));
    fs::write(&db, &good).unwrap();
    assert_eq!(SqliteStore::open(dir.path(), &key()).unwrap().boot().unwrap().unwrap().rooms.len(), 1);
}

#[test]
fn a_flipped_byte_anywhere_is_damage_or_harmless_but_never_a_wrong_answer() {
    let dir = profile();
    let db = dir.path().join("natter.db");
    let expected = format!("{:?}", SqliteStore::open(dir.path(), &key()).unwrap().boot().unwrap());
    let good = fs::read(&db).unwrap();
    let mut damaged = 0;
    let places: Vec<usize> = (0..good.len()).step_by(4096 * 3 + 517).chain([0, 15, 16, 4095, good.len() - 1]).collect();
    for place in &places {
        let mut bad = good.clone();
        bad[*place] ^= 0x10;
        fs::write(&db, &bad).unwrap();
        match SqliteStore::open(dir.path(), &key()) {
            Ok(store) => assert_eq!(format!("{:?}", store.boot().unwrap()), expected, "byte {place}"),
            Err(error) => {
                assert!(matches!(error, StoreError::Damaged(_)), "byte {place}: {error:?}");
                assert_eq!(fs::read(&db).unwrap(), bad, "the file was touched");
                damaged += 1;
            }
        }
    }
    assert!(damaged * 2 > places.len(), "only {damaged} of {} found", places.len());
    fs::write(&db, &good).unwrap();
    SqliteStore::open(dir.path(), &key()).unwrap();
}

#[test]
fn a_database_from_the_future_is_left_alone() {
    let dir = profile();
    {
        let store = SqliteStore::open(dir.path(), &key()).unwrap();
        store.writer().pragma_update(None, "user_version", migrate::NEWEST + 7).unwrap();
    }
    let error = refused(&dir, &key());
    assert!(matches!(error, StoreError::TooNew { found, known } if found == known + 7), "{error:?}");
}

#[test]
fn a_full_disk_fails_the_write_and_loses_nothing() {
    let dir = profile();
    let store = SqliteStore::open(dir.path(), &key()).unwrap();
    let pages: i64 = store.reader().pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    store.limit_pages(pages + 8);
    let before = format!("{:?}", store.boot().unwrap());
    let large: Vec<Op> = (201..=210).map(|seq| Op::PutEntry(text(seq, vec![1; 30_000]))).collect();
    let error = store.commit(&large).unwrap_err();
    assert!(matches!(error, StoreError::DiskFull) && error.trouble() == StoreTrouble::DiskFull, "{error:?}");
    assert_eq!(format!("{:?}", store.boot().unwrap()), before);
    let small = [Op::PutEntry(text(201, b"small".to_vec()))];
    let other = [Op::PutRead { room: ROOM, upto: text(201, Vec::new()).order }];
    let results = store.commit_group(&[&small, &large[1..], &other]);
    assert!(matches!(results[..], [Ok(()), Err(StoreError::DiskFull), Ok(())]), "{results:?}");
    store.limit_pages(1 << 30);
    store.commit(&large[1..]).unwrap();
}

#[test]
fn a_directory_that_may_not_be_written_is_an_error_of_its_own() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, b"").unwrap();
    let error = SqliteStore::open(&file.join("profile"), &key()).err().unwrap();
    assert!(matches!(error, StoreError::Io(_)), "{error:?}");
}

#[test]
fn a_start_cut_short_in_creation_begins_again() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("natter.db.fresh"), b"half a database").unwrap();
    fs::write(dir.path().join("natter.db.fresh-wal"), b"half a log").unwrap();
    drop(SqliteStore::open(dir.path(), &key()).unwrap());
    assert!(!dir.path().join("natter.db.fresh").exists());
    // Renamed, but the power went before the print was written.
    fs::remove_file(dir.path().join("natter.check")).unwrap();
    drop(SqliteStore::open(dir.path(), &key()).unwrap());
    assert!(dir.path().join("natter.check").exists());
}

#[test]
fn what_was_forgotten_is_gone_from_the_files() {
    let dir = profile();
    let store = SqliteStore::open(dir.path(), &key()).unwrap();
    store.commit(&[Op::ForgetRoom(ROOM)]).unwrap();
    assert_eq!(fs::metadata(dir.path().join("natter.db-wal")).unwrap().len(), 0, "the log was truncated");
    // Free pages keep what was on them unless secure_delete zeroes them.
    let secure: i64 = store.writer().pragma_query_value(None, "secure_delete", |row| row.get(0)).unwrap();
    assert_eq!(secure, 1);
    for table in ["entry", "log", "payload", "offer", "frontier", "held", "read_mark", "invite", "epoch", "knock"] {
        let rows: i64 =
            store.reader().query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 0, "{table}");
    }
}

#[test]
fn reading_does_not_wait_for_writing() {
    let dir = profile();
    let store = SqliteStore::open(dir.path(), &key()).unwrap();
    let mut writer = store.writer();
    let transaction = writer.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
    transaction.execute("DELETE FROM entry", []).unwrap();
    // With a write open and uncommitted, a timeline reads on the other connection what was before it.
    assert_eq!(store.timeline(ROOM, None, 500, &[kind::TEXT]).unwrap().len(), 200);
    drop(transaction);
}

#[test]
fn the_hot_queries_use_their_indexes() {
    let dir = profile();
    let store = SqliteStore::open(dir.path(), &key()).unwrap();
    let plan = |sql: &str| -> String {
        let reader = store.reader();
        let mut statement = reader.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let count = statement.parameter_count();
        let nothing = vec![rusqlite::types::Null; count];
        let rows = statement.query_map(rusqlite::params_from_iter(nothing), |row| row.get::<_, String>(3)).unwrap();
        rows.collect::<Result<Vec<_>, _>>().unwrap().join("\n")
    };
    let page =
        plan("SELECT id FROM entry WHERE room = ?1 AND kind IN (32, 33) AND ord < ?2 ORDER BY ord DESC LIMIT 50");
    assert!(page.contains("COVERING INDEX entry_timeline") && !page.contains("TEMP B-TREE"), "{page}");
    let seq = plan("SELECT id FROM entry WHERE log = ?1 AND seq BETWEEN ?2 AND ?3 ORDER BY seq");
    assert!(seq.contains("INDEX") && !seq.contains("TEMP B-TREE"), "{seq}");
    let state =
        plan("SELECT max(ord) FROM entry WHERE room = ?1 AND kind IN (34, 35) GROUP BY kind, substr(ord, 9, 32)");
    assert!(state.contains("COVERING INDEX entry_kind"), "{state}");
}
