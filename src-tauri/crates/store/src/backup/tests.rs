use super::stream::{HEAD, SEGMENT};
use super::*;
use crate::key::StoreKey;
use crate::memory::MemoryStore;
use crate::vault::{Protection, State, Vault};
use natter_engine::identity::SecretKey;
use natter_engine::ids::{DeviceId, EntryHash, LogId};
use natter_engine::port::{Op, OrderKey, Profile, Standing};
use natter_engine::signaling::InviteLink;
use natter_engine::time::Hlc;
use natter_engine::wire::{Body, Header, Picture, Text, kind};
use tempfile::TempDir;

const GOOD: &str = "correct horse battery staple";
const SECRET: [u8; 32] = [1; 32];
const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

/// A room's history, written as its one member would.
struct Pen {
    key: SecretKey,
    log: LogKey,
    room: RoomId,
    entries: Vec<StoredEntry>,
}

impl Pen {
    fn new() -> Self {
        let key = SecretKey::from_seed(&SECRET);
        let log = LogKey { author: key.device(), log: LogId([2; 16]) };
        let mut pen = Self { key, log, room: RoomId([0; 32]), entries: Vec::new() };
        let profile = Profile { name: "Ada".into(), avatar: None };
        pen.write(&Body::Genesis { name: "Kitchen".into(), profile, nonce: [3; 16] });
        let genesis = &mut pen.entries[0];
        pen.room = RoomId(genesis.order.hash.0);
        genesis.room = pen.room;
        pen
    }

    fn write(&mut self, body: &Body) {
        let seq = self.entries.len() as u64 + 1;
        let header = Header {
            kind: body.kind(),
            flags: 0,
            room: self.room,
            log: self.log,
            seq,
            prev: self.entries.last().map(|entry| entry.order.hash),
            clock: Hlc(seq << 16),
            written: UnixMillis(1_700_000_000_000 + seq),
            parents: Vec::new(),
            payload_len: 0,
            commitment: [0; 32],
        };
        let (entry, header, hash) = Entry::sign(&self.key, header, [4; 16], body.encode());
        self.entries.push(StoredEntry {
            room: self.room,
            log: self.log,
            seq,
            order: OrderKey { clock: header.clock, author: self.log.author, hash },
            kind: header.kind,
            header: entry.header,
            signature: entry.signature,
            salt: entry.salt,
            payload: entry.payload,
            blobs: body.blobs(),
            target: body.target(),
            words: body.words().map(str::to_owned),
            expires: body.expires(header.written),
            first_seen: UnixMillis(1_700_000_000_500 + seq),
            shown: header.written,
        });
    }

    fn picture(&mut self, blob: BlobHash, size: u64) {
        self.write(&Body::Picture(Picture {
            blob,
            size,
            mime: "image/png".into(),
            width: 1,
            height: 1,
            thumbhash: Vec::new(),
            preview: Vec::new(),
            name: "cat.png".into(),
            caption: String::new(),
            reply_to: None,
            lives: None,
        }));
    }

    fn commit(&self, store: &dyn Store) {
        let link = InviteLink {
            seed: [5; 32],
            room: self.room,
            room_name: "Kitchen".into(),
            brokers: Vec::new(),
            expires: 1_900_000_000,
            spoken: None,
        };
        let (room, holder) = (self.room, DeviceId([6; 32]));
        let brokers = vec!["wss://broker.example/".to_owned()];
        let mut ops = vec![
            Op::PutRoom { room, standing: Standing::Member, brokers, invite: None },
            Op::PutEpoch { room, epoch: 1, key: [7; 32] },
            Op::PutInvite { room, link },
            Op::PutHeld { room, holder, log: self.log, seq: 2 },
        ];
        ops.extend(self.entries.iter().cloned().map(Op::PutEntry));
        let last = &self.entries[self.entries.len() - 1];
        ops.push(Op::PutFrontier { room, frontier: vec![last.order.hash] });
        ops.push(Op::PutRead { room, upto: last.order });
        store.commit(&ops).unwrap();
    }
}

fn profile() -> Profile {
    Profile { name: "Ada".into(), avatar: Some(vec![8; 100]) }
}

/// A profile on disk with a room, words, a picture of several parts, a setting and a draft.
fn lived(dir: &Path) -> (SqliteStore, Pen) {
    let store = SqliteStore::open(dir, &StoreKey::from_bytes([9; 32])).unwrap();
    store.create(SECRET, LogId([2; 16]), &profile()).unwrap();
    let mut pen = Pen::new();
    for n in 0..600 {
        pen.write(&Body::Text(Text::plain(format!("word {n}"))));
    }
    let picture: Vec<u8> = (0..200_000u32).map(|n| n as u8).collect();
    let blob = store.blobs().put(&picture).unwrap();
    pen.picture(blob, picture.len() as u64);
    pen.commit(&store);
    store.put_setting("brokers", Some(b"[]")).unwrap();
    store.put_draft(pen.room, Some("well,")).unwrap();
    (store, pen)
}

fn opened(dir: &Path) -> SqliteStore {
    let State::Ready(key) = Vault::open(dir).unwrap() else { panic!("kept in the clear") };
    SqliteStore::open(dir, &key).unwrap()
}

#[test]
fn a_profile_comes_back_whole_under_a_log_of_its_own() {
    let dir = TempDir::new().unwrap();
    let (store, pen) = lived(&dir.path().join("old"));
    let file = dir.path().join("ada.backup");
    let made = write(&store, &file, GOOD, Pictures::Kept, NOW).unwrap();
    assert_eq!(made, Summary { rooms: 1, entries: 602, pictures: 1 });
    let words = fs::read(&file).unwrap();
    assert!(!words.windows(7).any(|window| window == b"Kitchen" || window == b"word 12"), "nothing lies in the clear");
    let [one, two] = ["one", "two"].map(|name| {
        let to = dir.path().join(name);
        assert_eq!(restore(&file, GOOD, &to, Protection::Unprotected).unwrap(), made);
        opened(&to)
    });
    let mut before = store.boot().unwrap().unwrap();
    let mut logs = vec![before.log];
    for copy in [&one, &two] {
        let after = copy.boot().unwrap().unwrap();
        assert!(!logs.contains(&after.log), "no two devices write in one log");
        logs.push(after.log);
        before.log = after.log;
        assert_eq!(format!("{before:?}"), format!("{after:?}"));
        let page = |store: &dyn Store| store.history(pen.room, Some(pen.entries[550].order), 100).unwrap();
        assert_eq!(page(copy), page(&store), "with all that is derived");
        assert_eq!(copy.draft(pen.room).unwrap().as_deref(), Some("well,"));
        assert_eq!(copy.setting("brokers").unwrap().as_deref(), Some(&b"[]"[..]));
        assert_eq!(copy.search("word 59", None, None, None, 20).unwrap().len(), 11);
        let mut bytes = Vec::new();
        let blob = pen.entries[601].blobs[0];
        copy.blobs().reader(blob).unwrap().read_to_end(&mut bytes).unwrap();
        assert_eq!(*blake3::hash(&bytes).as_bytes(), blob.0);
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 4, "nothing else is left lying about");
}

#[test]
fn a_backup_without_pictures_is_small_and_whole() {
    let dir = TempDir::new().unwrap();
    let (store, pen) = lived(&dir.path().join("old"));
    let file = dir.path().join("ada.backup");
    let made = write(&store, &file, GOOD, Pictures::Left, NOW).unwrap();
    assert_eq!((made.entries, made.pictures), (602, 0));
    restore(&file, GOOD, &dir.path().join("new"), Protection::Unprotected).unwrap();
    let copy = opened(&dir.path().join("new"));
    assert!(!copy.blobs().has(&pen.entries[601].blobs[0]));
    assert_eq!(copy.entry(pen.room, pen.entries[601].order.hash).unwrap().as_ref(), Some(&pen.entries[601]));
}

#[test]
fn nothing_is_ever_restored_over_something() {
    let dir = TempDir::new().unwrap();
    let (store, _) = lived(&dir.path().join("old"));
    let file = dir.path().join("ada.backup");
    write(&store, &file, GOOD, Pictures::Left, NOW).unwrap();
    for taken in ["old", "full", "a file"] {
        let taken = dir.path().join(taken);
        if taken.ends_with("full") {
            fs::create_dir(&taken).unwrap();
            fs::write(taken.join("holiday.txt"), "mine").unwrap();
        } else if taken.ends_with("a file") {
            fs::write(&taken, "mine").unwrap();
        }
        let refused = restore(&file, GOOD, &taken, Protection::Unprotected);
        assert!(matches!(refused, Err(BackupError::NotEmpty(_))), "{refused:?}");
    }
    assert_eq!(fs::read(dir.path().join("full/holiday.txt")).unwrap(), b"mine");
    let shared = dir.path().join("shared");
    fs::create_dir_all(shared.join("webview")).unwrap();
    fs::write(shared.join("webview/cookies"), "the window's").unwrap();
    restore(&file, GOOD, &shared, Protection::Unprotected).unwrap();
    assert_eq!(opened(&shared).boot().unwrap().unwrap().rooms.len(), 1, "the window was there first");
    assert_eq!(fs::read(shared.join("webview/cookies")).unwrap(), b"the window's");
    assert!(matches!(restore(&file, GOOD, &shared, Protection::Unprotected), Err(BackupError::NotEmpty(_))));
    let beside = fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap().file_name());
    assert!(beside.into_iter().all(|name| !name.to_string_lossy().contains("restoring")));
    let empty = dir.path().join("empty");
    fs::create_dir(&empty).unwrap();
    restore(&file, GOOD, &empty, Protection::Unprotected).unwrap();
}

#[test]
fn a_wrong_passphrase_a_foreign_file_and_a_newer_one_are_told_apart() {
    let dir = TempDir::new().unwrap();
    let (store, _) = lived(&dir.path().join("old"));
    let file = dir.path().join("ada.backup");
    assert!(matches!(write(&store, &file, "short", Pictures::Left, NOW), Err(BackupError::Vault(_))));
    assert!(!file.exists(), "what failed leaves nothing");
    write(&store, &file, GOOD, Pictures::Left, NOW).unwrap();
    let to = dir.path().join("new");
    let refused = |passphrase: &str| restore(&file, passphrase, &to, Protection::Unprotected).unwrap_err();
    assert!(matches!(refused("correct horse battery stapler"), BackupError::WrongPassphrase));
    let bytes = fs::read(&file).unwrap();
    for (change, newer) in [(b'2', true), (b'x', false)] {
        let mut other = bytes.clone();
        other[if newer { 7 } else { 0 }] = change;
        fs::write(&file, other).unwrap();
        assert_eq!(matches!(refused(GOOD), BackupError::TooNew), newer);
        assert_eq!(matches!(refused(GOOD), BackupError::NotABackup), !newer);
    }
    fs::write(&file, "").unwrap();
    assert!(matches!(refused(GOOD), BackupError::NotABackup));
    assert!(!to.exists());
}

#[test]
fn any_bent_or_missing_byte_refuses_the_whole() {
    let dir = TempDir::new().unwrap();
    let (store, _) = lived(&dir.path().join("old"));
    let file = dir.path().join("ada.backup");
    write(&store, &file, GOOD, Pictures::Kept, NOW).unwrap();
    let whole = fs::read(&file).unwrap();
    let segment = SEGMENT + 16;
    assert!(whole.len() > HEAD + 2 * segment, "of several segments");
    let to = dir.path().join("new");
    let mut cases: Vec<Vec<u8>> = Vec::new();
    for at in [8, 25, 40, 60, HEAD, HEAD + segment, whole.len() / 2, whole.len() - 1] {
        let mut bent = whole.clone();
        bent[at] ^= 1;
        cases.push(bent);
    }
    for end in [HEAD - 1, HEAD, HEAD + 1, HEAD + segment, HEAD + 2 * segment, whole.len() - 1] {
        cases.push(whole[..end].to_vec());
    }
    let mut longer = whole.clone();
    longer.push(0);
    cases.push(longer);
    let mut swapped = whole.clone();
    swapped[HEAD..HEAD + segment].copy_from_slice(&whole[HEAD + segment..HEAD + 2 * segment]);
    cases.push(swapped);
    for (n, case) in cases.into_iter().enumerate() {
        fs::write(&file, case).unwrap();
        let refused = restore(&file, GOOD, &to, Protection::Unprotected).unwrap_err();
        assert!(matches!(refused, BackupError::Damaged(_) | BackupError::WrongPassphrase), "case {n}: {refused:?}");
        assert!(!to.exists() && fs::read_dir(dir.path()).unwrap().count() == 2, "case {n} leaves nothing");
    }
}

/// Seals records as somebody who has the passphrase might.
fn sealed_records(records: &[Record]) -> Vec<u8> {
    let mut sealing = Sealing::begin(Vec::new(), GOOD).unwrap();
    for record in records {
        sealing.write(&record.encode().unwrap()).unwrap();
    }
    sealing.finish().unwrap()
}

#[test]
fn even_a_rightly_sealed_file_says_nothing_that_does_not_verify() {
    let mut pen = Pen::new();
    pen.write(&Body::Text(Text::plain("hello")));
    pen.write(&Body::Text(Text::plain("world")));
    let room = Record::Room(Box::new(RoomRecord {
        room: pen.room,
        standing: Standing::Member,
        brokers: Vec::new(),
        invite: None,
        epochs: Vec::new(),
        frontier: Vec::new(),
        read: None,
        draft: None,
    }));
    let stored = |n: usize| {
        let entry = pen.entries[n].clone();
        let (clock, first_seen, shown) = (entry.order.clock, entry.first_seen, entry.shown);
        Record::Stored { entry: travelling(entry), clock, first_seen, shown }
    };
    let identity = Record::Identity { secret: SECRET, profile: profile(), made: NOW };
    let end = |entries| Record::End { entries, blobs: 0 };
    let read = |records: &[Record]| {
        let file = sealed_records(records);
        restore_to(&file[..], GOOD, &MemoryStore::new(), None, LogId([3; 16]))
    };
    let good = read(&[identity.clone(), room.clone(), stored(0), stored(1), stored(2), end(3)]).unwrap();
    assert_eq!(good, Summary { rooms: 1, entries: 3, pictures: 0 });
    let mut forged = pen.entries[1].clone();
    forged.payload = Some(Body::Text(Text::plain("I owe you a house")).encode());
    let forged = Record::Stored { entry: travelling(forged), clock: Hlc(2 << 16), first_seen: NOW, shown: NOW };
    let mut early = pen.entries[1].clone();
    early.order.clock = Hlc(0);
    let early = Record::Stored { entry: travelling(early), clock: Hlc(0), first_seen: NOW, shown: NOW };
    let foreign = Record::Room(Box::new(RoomRecord {
        room: RoomId([66; 32]),
        standing: Standing::Member,
        brokers: Vec::new(),
        invite: None,
        epochs: Vec::new(),
        frontier: Vec::new(),
        read: None,
        draft: None,
    }));
    let bad: Vec<Vec<Record>> = vec![
        vec![],
        vec![identity.clone()],
        vec![room.clone()],
        vec![identity.clone(), identity.clone(), end(0)],
        vec![identity.clone(), stored(0), end(1)],
        vec![identity.clone(), room.clone(), room.clone(), end(0)],
        vec![identity.clone(), room.clone(), stored(0), end(2)],
        vec![identity.clone(), room.clone(), stored(0), stored(2), end(2)],
        vec![identity.clone(), room.clone(), stored(1), end(1)],
        vec![identity.clone(), room.clone(), stored(0), stored(0), end(2)],
        vec![identity.clone(), room.clone(), stored(0), forged, end(2)],
        vec![identity.clone(), room.clone(), stored(0), early, end(2)],
        vec![identity.clone(), foreign, stored(0), end(1)],
        vec![identity.clone(), Record::Part(vec![1]), end(0)],
        vec![identity.clone(), Record::Blob { blob: BlobHash([1; 32]), size: u64::MAX }, end(0)],
        vec![identity.clone(), end(0), end(0)],
        vec![identity.clone(), Record::RoomFile { room: pen.room, name: "x".into(), made: NOW }, end(0)],
    ];
    for (n, records) in bad.into_iter().enumerate() {
        let refused = read(&records).expect_err(&format!("case {n}"));
        assert!(matches!(refused, BackupError::Damaged(_)), "case {n}: {refused:?}");
    }
}

#[test]
fn a_backup_is_one_moment_even_while_the_room_goes_on() {
    let store = MemoryStore::new();
    store.create(SECRET, LogId([2; 16]), &profile()).unwrap();
    let mut pen = Pen::new();
    pen.write(&Body::Text(Text::plain("before")));
    pen.commit(&store);
    let moment = moment(&store, pen.room).unwrap();
    pen.write(&Body::Text(Text::plain("after")));
    pen.commit(&store);
    let mut seen: Vec<EntryHash> = Vec::new();
    for_each_entry(&store, &moment, |entry| {
        seen.push(entry.order.hash);
        Ok::<(), BackupError>(())
    })
    .unwrap();
    let before: Vec<EntryHash> = pen.entries[..2].iter().map(|entry| entry.order.hash).collect();
    assert_eq!(seen, before);
    store.commit(&[Op::ForgetRoom(pen.room)]).unwrap();
    let moved = for_each_entry(&store, &moment, |_| Ok::<(), BackupError>(()));
    assert!(matches!(moved, Err(BackupError::Moved)));
    assert!(kind::SHOWN.contains(&moment.heads[0].kind));
}
