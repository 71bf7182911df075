//! The suite over both twins, chance over both at once, and every way in which a file can be wrong.

use super::*;
use crate::conformance::{self, Subject};
use crate::memory::MemoryStore;
use natter_engine::ids::{BlobHash, LogKey};
use natter_engine::port::{Standing, StoreTrouble};
use natter_engine::time::{Hlc, UnixMillis};
use natter_engine::wire::{Act, Body, kind};
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
        target: None,
        words: None,
        expires: None,
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

/// Over a file without its cipher, so that what is left of a word can be looked for, byte by byte.
#[test]
fn what_was_erased_is_on_no_page() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("plain.db");
    let mut plain = Connection::open(&file).unwrap();
    plain.execute_batch("PRAGMA foreign_keys = ON").unwrap();
    migrate::migrate(&mut plain).unwrap();
    open::settle(&plain).unwrap();
    let said = |seq, kind, words: &str| StoredEntry {
        kind,
        words: Some(words.to_owned()),
        ..text(seq, format!("payload {words}").into_bytes())
    };
    write::commit(&mut plain, &[put_room()]).unwrap();
    // Neighbours in every page and segment, before and after, and merges in between.
    let around = |plain: &mut Connection, from: u64| {
        for seq in from..from + 40 {
            let words = format!("around the qaebra {seq} quebra{seq} zebra");
            write::commit(plain, &[Op::PutEntry(said(seq, kind::TEXT, &words))]).unwrap();
        }
    };
    around(&mut plain, 1);
    let secret = StoredEntry {
        salt: *b"0123456789abcdef",
        blobs: vec![BlobHash([0xab; 32])],
        ..said(100, kind::PICTURE, "qzebracode alone")
    };
    let edit = StoredEntry { target: Some(secret.order.hash), ..said(101, kind::EDIT, "Qxylocode changed") };
    write::commit(&mut plain, &[Op::PutEntry(secret.clone())]).unwrap();
    around(&mut plain, 200);
    write::commit(&mut plain, &[Op::PutEntry(edit)]).unwrap();
    around(&mut plain, 300);
    let again = StoredEntry { target: Some(secret.order.hash), ..said(102, kind::EDIT, "Qwertcode finally") };
    write::commit(&mut plain, &[Op::PutEntry(again)]).unwrap();
    let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
    let left = |plain: &Connection| {
        assert_eq!(plain.query_row(checkpoint, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
        assert_eq!(fs::metadata(dir.path().join("plain.db-wal")).unwrap().len(), 0);
        let bytes = fs::read(&file).unwrap();
        // Without their first letters, which their neighbours in the index may share.
        let needles: [&[u8]; 5] = [b"ebracode", b"ylocode", b"ertcode", b"9abcdef", &[0xab; 32]];
        needles.map(|needle| bytes.windows(needle.len()).filter(|window| *window == needle).count())
    };
    let before = left(&plain);
    // Payload, wording, and of the last words the index's copy and its term.
    assert!(before[0] >= 2 && before[1] >= 2 && before[2] >= 4 && before[3] == 1 && before[4] >= 2, "{before:?}");
    write::commit(&mut plain, &[Op::Erase { room: ROOM, target: secret.order.hash }]).unwrap();
    assert_eq!(left(&plain), [0; 5]);
    plain.execute_batch("INSERT INTO search_1 (search_1) VALUES ('integrity-check')").unwrap();
    assert_eq!(search::search(&plain, "zebra", None, None, None, 100).unwrap().len(), 100);
    // A room forgotten takes all of its words along.
    write::commit(&mut plain, &[Op::ForgetRoom(ROOM)]).unwrap();
    left(&plain);
    let bytes = fs::read(&file).unwrap();
    assert!(!bytes.windows(6).any(|window| window == b"quebra" || window == b"around"));
}

#[test]
fn what_was_erased_is_gone_from_the_log_too() {
    let dir = profile();
    let store = SqliteStore::open(dir.path(), &key()).unwrap();
    let wal = || fs::metadata(dir.path().join("natter.db-wal")).unwrap().len();
    store.commit(&[Op::PutEntry(text(201, b"a secret".to_vec()))]).unwrap();
    assert!(wal() > 0);
    store.commit(&[Op::Erase { room: ROOM, target: text(201, Vec::new()).order.hash }]).unwrap();
    assert_eq!(wal(), 0, "it was moved into the file and cut off");
    let secure: u8 = store
        .reader()
        .query_row("SELECT v FROM search_1_config WHERE k = 'secure-delete'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(secure, 1);
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
    let after = plan("SELECT id FROM entry WHERE room = ?1 AND kind IN (32, 33) AND ord > ?2 ORDER BY ord LIMIT 50");
    assert!(after.contains("COVERING INDEX entry_timeline") && !after.contains("TEMP B-TREE"), "{after}");
    let state = plan(&read::state_sql());
    assert!(state.contains("entry_state") && !state.contains("SCAN e"), "{state}");
    let heads = plan(&read::heads_sql());
    assert!(heads.contains("INDEX sqlite_autoindex_entry_1 (log=?)") && !heads.contains("SCAN"), "{heads}");
    let frontier = plan(read::FRONTIER);
    assert!(frontier.contains("SEARCH f USING PRIMARY KEY (room=?)"), "{frontier}");
    assert!(frontier.contains("entry_2 (room=? AND hash=?)"), "{frontier}");
    let expired = plan(read::EXPIRED);
    assert!(expired.contains("SCAN x USING COVERING INDEX expiry_at"), "{expired}");
    assert!(!expired.contains("TEMP B-TREE FOR ORDER BY"), "only what expires together is sorted: {expired}");
    let edits = plan(about::EDITS);
    assert!(edits.contains("INDEX about_target (room=? AND target=?)") && !edits.contains("TEMP B-TREE"), "{edits}");
    let pinned = plan("SELECT entry FROM pin WHERE room = ?1 AND pins = 1 ORDER BY ord DESC LIMIT 64");
    assert!(pinned.contains("INDEX pin_on") && !pinned.contains("TEMP B-TREE"), "{pinned}");
}

// ---------------------------------------------------------------- kill -9

const CHILD: &str = "NATTER_TEST_WRITER_DIR";

/// Run in a child process by the test below: writes until it is killed, and says after each commit what it wrote.
#[test]
fn child_writes_until_it_is_killed() {
    use std::io::Write;
    let Some(dir) = std::env::var_os(CHILD) else { return };
    let store = Arc::new(SqliteStore::open(Path::new(&dir), &key()).unwrap());
    let start = store.last(ROOM, &[kind::TEXT]).unwrap().map_or(0, |entry| entry.seq);
    let (tell, answers) = std::sync::mpsc::channel();
    let worker = crate::worker::spawn(store, move |stored| tell.send(stored).unwrap()).unwrap();
    // Sixteen at a time, so that groups form and the kill falls into one.
    let mut next = start + 1;
    let mut waiting = 0;
    loop {
        while waiting < 16 {
            let ops = vec![Op::PutEntry(text(next, vec![next as u8; 3000]))];
            worker.persist(natter_engine::ids::Ticket(next), ops).unwrap();
            (next, waiting) = (next + 1, waiting + 1);
        }
        match answers.recv().unwrap() {
            Stored::Committed(ticket) => writeln!(std::io::stdout().lock(), "\ncommitted {}", ticket.0).unwrap(),
            other => panic!("{other:?}"),
        }
        waiting -= 1;
    }
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    use std::io::{BufRead, BufReader};
    let dir = TempDir::new().unwrap();
    let store = SqliteStore::open(dir.path(), &key()).unwrap();
    store.create([1; 32], LogId([2; 16]), &Profile::default()).unwrap();
    store.commit(&[put_room()]).unwrap();
    drop(store);
    let mut acknowledged = 0;
    for round in 0..5 {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "sqlite::tests::child_writes_until_it_is_killed", "--nocapture"])
            .env(CHILD, dir.path())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut number = || {
            let line = lines.next()?.ok()?;
            Some(line.strip_prefix("committed ").map_or(0, |n| n.parse().unwrap()))
        };
        // Killed in the middle of its work, at another place each time; then what it had said is read to the end.
        let target = acknowledged + 10 + 37 * round;
        while acknowledged < target {
            acknowledged = acknowledged.max(number().expect("the child writes"));
        }
        child.kill().unwrap();
        while let Some(n) = number() {
            acknowledged = acknowledged.max(n);
        }
        child.wait().unwrap();
        let store = SqliteStore::open(dir.path(), &key()).unwrap();
        let log = text(1, Vec::new()).log;
        for seq in 1..=acknowledged {
            let found = store.entry(ROOM, text(seq, Vec::new()).order.hash).unwrap();
            assert_eq!(found, Some(text(seq, vec![seq as u8; 3000])), "round {round}");
        }
        // More may be there than was said, but as a whole prefix.
        let head = store.boot().unwrap().unwrap().rooms[0].heads[0].clone();
        assert!(head.log == log && head.seq >= acknowledged);
        acknowledged = head.seq;
    }
}

// ---------------------------------------------------------------- old versions

/// The key of every fixture.
const FIXTURE_KEY: [u8; 32] = [0x11; 32];

/// What was written into the fixture of a version: all that it knew.
fn write_fixture(store: &SqliteStore, version: i64) {
    let profile = Profile { name: "Ada".to_owned(), avatar: Some(vec![1, 2, 3]) };
    store.create([9; 32], LogId([8; 16]), &profile).unwrap();
    let genesis = StoredEntry { kind: kind::GENESIS, blobs: vec![BlobHash([6; 32])], ..text(1, b"founded".to_vec()) };
    let link = natter_engine::signaling::InviteLink {
        seed: [5; 32],
        room: ROOM,
        room_name: "Picnic".to_owned(),
        brokers: vec!["wss://broker.example/".to_owned()],
        expires: 1_800_000_000,
        spoken: None,
    };
    let ops = [
        Op::PutRoom {
            room: ROOM,
            standing: Standing::Knocking,
            brokers: vec!["wss://broker.example/".to_owned()],
            invite: Some(link.clone()),
        },
        Op::PutEpoch { room: ROOM, epoch: 1, key: [4; 32] },
        Op::PutEntry(genesis.clone()),
        Op::PutEntry(text(2, b"hello".to_vec())),
        Op::PutEntry(StoredEntry { payload: None, ..text(3, Vec::new()) }),
        Op::PutFrontier { room: ROOM, frontier: vec![text(3, Vec::new()).order.hash] },
        Op::PutHeld { room: ROOM, holder: DeviceId([7; 32]), log: genesis.log, seq: u64::MAX },
        Op::PutRead { room: ROOM, upto: genesis.order },
        Op::PutInvite { room: ROOM, link },
    ];
    store.commit(&ops).unwrap();
    store.put_setting("theme", Some(b"dark")).unwrap();
    if version < 2 {
        return;
    }
    let said =
        StoredEntry { words: Some("hello 東京".to_owned()), expires: Some(UnixMillis(9)), ..text(4, b"hi".to_vec()) };
    let edit = |seq, words: &str| StoredEntry {
        kind: kind::EDIT,
        target: Some(said.order.hash),
        words: Some(words.to_owned()),
        ..text(seq, b"edit".to_vec())
    };
    let pin = Body::About { target: said.order.hash, act: Act::Pin { on: true } };
    let pin = StoredEntry { kind: kind::PIN, target: Some(said.order.hash), ..text(7, pin.encode()) };
    let gone = StoredEntry { words: Some("a secret".to_owned()), ..text(8, b"a secret".to_vec()) };
    let erase = Op::Erase { room: ROOM, target: gone.order.hash };
    let entries = [said.clone(), edit(5, "hallo 京都"), edit(6, "bonjour 東京都"), pin, gone];
    store.commit(&entries.map(Op::PutEntry)).unwrap();
    store.commit(&[erase]).unwrap();
    store.put_draft(ROOM, Some("I was about to")).unwrap();
}

fn told(store: &dyn Store) -> String {
    let all: Vec<u16> = vec![kind::GENESIS, kind::TEXT];
    let found = ["hello", "bonj", "東京", "secret"].map(|query| store.search(query, None, None, None, 9).unwrap());
    let first = text(4, Vec::new()).order.hash;
    let later =
        (store.related(ROOM, &[first]), store.pinned(ROOM), store.drafts(), store.at(ROOM, UnixMillis(1), &all));
    let expired = store.fetch(&Fetch::Expired { ticket: natter_engine::ids::Ticket(1), by: UnixMillis(5) });
    let before = (store.boot(), store.timeline(ROOM, None, 9, &all), store.setting("theme"));
    // Where a hit stands is the version's own affair: ids were other numbers once.
    let found = found.map(|hits| hits.into_iter().map(|hit| (hit.entry, hit.words)).collect::<Vec<_>>());
    format!("{before:?} {found:?} {later:?} {expired:?}")
}

/// Each version's file, made by the program of its day: `NATTER_WRITE_FIXTURE=<file> cargo test -p natter-store
/// fixture`. It also holds SQLCipher's own format still: a crate update that changed it would fail here.
#[test]
fn a_fixture_of_every_version_opens_and_tells_the_same() {
    if let Some(path) = std::env::var_os("NATTER_WRITE_FIXTURE") {
        let dir = TempDir::new().unwrap();
        let store = SqliteStore::open(dir.path(), &StoreKey::from_bytes(FIXTURE_KEY)).unwrap();
        write_fixture(&store, migrate::NEWEST);
        drop(store);
        fs::copy(dir.path().join("natter.db"), path).unwrap();
    }
    for version in 1..=migrate::NEWEST {
        let fresh = OnDisk::new();
        write_fixture(fresh.store.as_ref().unwrap(), version);
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/v{version}.natter.db"));
        let dir = TempDir::new().unwrap();
        fs::copy(&file, dir.path().join("natter.db")).unwrap();
        let store = SqliteStore::open(dir.path(), &StoreKey::from_bytes(FIXTURE_KEY)).unwrap();
        assert_eq!(told(&store), told(&*fresh.store()), "version {version}");
        assert_eq!(migrate::version(&store.reader()).unwrap(), migrate::NEWEST);
        // What is written into an old file is found like what is written into a new one.
        store.commit(&[Op::PutEntry(StoredEntry { words: Some("new".to_owned()), ..text(20, vec![1]) })]).unwrap();
        assert_eq!(store.search("new", Some(ROOM), None, None, 9).unwrap().len(), 1);
    }
}

#[test]
fn messages_of_version_1_are_found_and_know_what_they_are_about() {
    let mut connection = Connection::open_in_memory().unwrap();
    connection.execute_batch("PRAGMA foreign_keys = ON").unwrap();
    migrate::to_version(&mut connection, 1).unwrap();
    connection
        .execute_batch(
            "INSERT INTO room (id, hash, standing) VALUES (1, unhex(hex(zeroblob(32))), 1);
             INSERT INTO log (id, room, author, name) VALUES (1, 1, zeroblob(32), zeroblob(16));",
        )
        .unwrap();
    let plain = natter_engine::wire::Text::plain;
    let first = EntryHash([1; 32]);
    let bodies = [
        Body::Text(plain("Good morning")),
        Body::Text(plain("good evening")),
        Body::About { target: first, act: Act::Edit(plain("Guten Morgen")) },
        Body::About { target: first, act: Act::Pin { on: true } },
        Body::Receipt { upto: text(1, Vec::new()).order },
        Body::Receipt { upto: text(2, Vec::new()).order },
    ];
    for (n, body) in (1u8..).zip(&bodies) {
        let order = OrderKey { clock: Hlc(u64::from(n)), author: DeviceId([0; 32]), hash: EntryHash([n; 32]) };
        connection
            .execute(
                "INSERT INTO entry (id, room, log, seq, hash, ord, kind, header, signature, salt, blobs, first_seen, shown)
                 VALUES (?1, 1, 1, ?1, ?2, ?3, ?4, x'01', zeroblob(64), zeroblob(16), x'', 1, 1)",
                rusqlite::params![n, [n; 32], rows::order_bytes(&order), body.kind()],
            )
            .unwrap();
        connection.execute("INSERT INTO payload VALUES (?1, ?2)", rusqlite::params![n, body.encode()]).unwrap();
    }
    migrate::migrate(&mut connection).unwrap();
    let room = RoomId([0; 32]);
    let find = |query| {
        let hits = search::search(&connection, query, None, None, None, 9).unwrap();
        hits.iter().map(|hit| hit.entry.order.hash.0[0]).collect::<Vec<_>>()
    };
    assert_eq!((find("good"), find("morgen"), find("morning")), (vec![2], vec![1], vec![]));
    let related = about::related(&connection, room, &[first]).unwrap();
    assert_eq!(related.iter().map(|entry| entry.kind).collect::<Vec<_>>(), [kind::EDIT, kind::PIN]);
    assert_eq!(about::pinned(&connection, room).unwrap(), related[1..]);
    let latest: u8 = connection.query_row("SELECT entry FROM latest", [], |row| row.get(0)).unwrap();
    assert_eq!(latest, 6);
}

#[test]
fn damage_that_comes_while_open_is_named_so() {
    let dir = profile();
    let store = SqliteStore::open(dir.path(), &key()).unwrap();
    store.scrub_after(true);
    let db = dir.path().join("natter.db");
    let mut bytes = fs::read(&db).unwrap();
    // Every page but the first, as a dying disk would.
    for page in bytes.chunks_mut(4096).skip(1) {
        page[1000] ^= 1;
    }
    fs::write(&db, &bytes).unwrap();
    let error = store.timeline(ROOM, None, 500, &[kind::TEXT]).unwrap_err();
    assert!(matches!(error, StoreError::Damaged(_)), "{error:?}");
    drop(store);
    assert!(matches!(refused(&dir, &key()), StoreError::Damaged(_)));
}

// ---------------------------------------------------------------- a disk that is really full

#[cfg(target_os = "linux")]
const SMALL_DISK: &str = "NATTER_TEST_SMALL_DISK";

/// Run by the test below with a file system of 2 MiB of its own.
#[test]
#[cfg(target_os = "linux")]
fn child_fills_a_small_disk() {
    let Some(disk) = std::env::var_os(SMALL_DISK) else { return };
    let disk = Path::new(&disk);
    let ballast = disk.join("ballast");
    let fill = || {
        let mut file = fs::File::options().create(true).append(true).open(&ballast).unwrap();
        while std::io::Write::write(&mut file, &[0; 512]).is_ok() {}
    };
    // No room for a new profile.
    fill();
    let made = crate::vault::Vault::create(&disk.join("new"), crate::vault::Protection::Unprotected);
    assert!(matches!(made, Err(crate::vault::VaultError::DiskFull)), "{made:?}");
    let error = SqliteStore::open(&disk.join("new"), &key()).err().unwrap();
    assert!(matches!(error, StoreError::DiskFull), "{error:?}");
    fs::remove_file(&ballast).unwrap();
    // Room for one, until it is used up.
    let store = SqliteStore::open(&disk.join("new"), &key()).unwrap();
    store.create([1; 32], LogId([2; 16]), &Profile::default()).unwrap();
    store.commit(&[put_room()]).unwrap();
    let blob = store.blobs().put(b"a picture");
    assert!(matches!(blob, Err(crate::blobs::BlobError::DiskFull)), "blobs stop first: {blob:?}");
    fs::write(&ballast, vec![0; 700 * 1024]).unwrap();
    let mut kept = 0;
    let error = loop {
        match store.commit(&[Op::PutEntry(text(kept + 1, vec![1; 20_000]))]) {
            Ok(()) => kept += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::DiskFull), "{error:?}");
    assert!(kept > 10);
    let all = |store: &SqliteStore| store.timeline(ROOM, None, 500, &[kind::TEXT]).unwrap().len() as u64;
    assert_eq!(all(&store), kept);
    fill();
    drop(store);
    // Still full, it starts and reads; with room again, it writes.
    let store = SqliteStore::open(&disk.join("new"), &key());
    let store = match store {
        Ok(store) => store,
        Err(error) => {
            assert!(matches!(error, StoreError::DiskFull), "{error:?}");
            fs::remove_file(&ballast).unwrap();
            SqliteStore::open(&disk.join("new"), &key()).unwrap()
        }
    };
    assert_eq!(all(&store), kept);
    let _ = fs::remove_file(&ballast);
    for seq in kept + 1..kept + 10 {
        store.commit(&[Op::PutEntry(text(seq, vec![1; 20_000]))]).unwrap();
    }
    println!("kept {kept}");
}

/// Where the system lets us mount one; a limit on pages stands in for it in the test above everywhere else.
#[test]
#[cfg(target_os = "linux")]
fn a_real_full_disk_is_named_so_everywhere() {
    let unshare = |script: &str| {
        let mut command = std::process::Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]);
        command
    };
    let dir = TempDir::new().unwrap();
    let mount = "mount -t tmpfs -o size=2m natter \"$NATTER_TEST_SMALL_DISK\"";
    if !unshare(mount).env(SMALL_DISK, dir.path()).status().is_ok_and(|status| status.success()) {
        println!("no file system of our own can be mounted here");
        return;
    }
    let exe = std::env::current_exe().unwrap();
    let child = unshare(&format!(
        "{mount} && exec '{}' --exact sqlite::tests::child_fills_a_small_disk --nocapture",
        exe.display()
    ))
    .env(SMALL_DISK, dir.path())
    .output()
    .unwrap();
    let said = String::from_utf8_lossy(&child.stdout) + String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success() && said.contains("kept "), "{said}");
}
