//! A room of a million messages on the real store: `cargo run --release -p natter-store --example million -- <dir>
//! [messages]`. Fills the profile in `<dir>` if it is not there yet, then times what a person waits for. Run by hand: it
//! takes minutes and 2 GB.

use natter_engine::ids::{DeviceId, EntryHash, LogId, LogKey, RoomId};
use natter_engine::port::{Op, OrderKey, Profile, Standing, StoredEntry};
use natter_engine::time::{Hlc, UnixMillis};
use natter_engine::wire::kind;
use natter_store::sqlite::SqliteStore;
use natter_store::{Store, StoreError, StoreKey};
use std::path::Path;
use std::time::{Duration, Instant};

const ROOM: RoomId = RoomId([1; 32]);
const AUTHORS: u64 = 20;
const BATCH: u64 = 512;
/// One of so many entries is a RECEIPT.
const RECEIPTS: u64 = 10;
const VOCABULARY: u64 = 50_000;
const START: u64 = 1_600_000_000_000;

/// splitmix64, so that every run writes the same.
fn mix(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

/// The word of a rank; the most common ones are short, as in life.
fn word(rank: u64) -> String {
    const COMMON: [&str; 8] = ["the", "i", "to", "you", "a", "and", "it", "hello"];
    if let Some(word) = COMMON.get(rank as usize) {
        return (*word).to_owned();
    }
    let mut letters = mix(rank);
    let length = 3 + (rank as f64).log10() as usize + (letters % 4) as usize;
    (0..length)
        .map(|_| {
            letters = mix(letters);
            char::from(b"etaoinshrdlcumwfgypbvk"[(letters % 22) as usize])
        })
        .collect()
}

/// Zipf's law, about: rank r is drawn with a chance of 1/r.
fn text(n: u64, words: &[String]) -> String {
    let count = 2 + mix(n) % 14;
    let drawn = (0..count).map(|i| {
        let chance = mix(n.wrapping_mul(31).wrapping_add(i)) as f64 / u64::MAX as f64;
        let rank = (VOCABULARY as f64).powf(chance) as usize - 1;
        words[rank.min(words.len() - 1)].as_str()
    });
    drawn.collect::<Vec<_>>().join(" ")
}

fn entry(n: u64, words: &[String]) -> StoredEntry {
    let author = DeviceId([(n % AUTHORS) as u8 + 1; 32]);
    let said = text(n, words);
    let said = if n % 100_000 == 77_777 { format!("{said} xylophone") } else { said };
    let receipt = n.is_multiple_of(RECEIPTS);
    StoredEntry {
        room: ROOM,
        log: LogKey { author, log: LogId([1; 16]) },
        seq: n / AUTHORS + 1,
        order: OrderKey {
            clock: Hlc((START + n * 60_000) << 16),
            author,
            hash: EntryHash(*blake3::hash(&n.to_le_bytes()).as_bytes()),
        },
        kind: if receipt { kind::RECEIPT } else { kind::TEXT },
        header: vec![n as u8; 200],
        signature: [2; 64],
        salt: [3; 16],
        payload: Some(said.clone().into_bytes()),
        blobs: Vec::new(),
        target: None,
        words: Some(said).filter(|_| !receipt),
        expires: None,
        first_seen: UnixMillis(START + n * 60_000),
        shown: UnixMillis(START + n * 60_000),
    }
}

fn timed<T>(
    what: &str,
    work: impl Fn() -> Result<T, StoreError>,
    tell: impl Fn(&T) -> String,
) -> Result<(), StoreError> {
    let mut times: Vec<Duration> = Vec::new();
    let mut told = String::new();
    for _ in 0..5 {
        let start = Instant::now();
        let result = work()?;
        times.push(start.elapsed());
        told = tell(&result);
    }
    let first = times[0];
    times.sort_unstable();
    println!("{what:44} first {first:>10.2?}  median {:>10.2?}  {told}", times[2]);
    Ok(())
}

fn fill(store: &SqliteStore, count: u64, words: &[String]) -> Result<(), StoreError> {
    store.create([1; 32], LogId([1; 16]), &Profile { name: "Ada".to_owned(), avatar: None })?;
    store.commit(&[Op::PutRoom { room: ROOM, standing: Standing::Member, brokers: Vec::new(), invite: None }])?;
    let start = Instant::now();
    for from in (0..count).step_by(BATCH as usize) {
        let ops: Vec<Op> = (from..(from + BATCH).min(count)).map(|n| Op::PutEntry(entry(n, words))).collect();
        store.commit(&ops)?;
    }
    println!("wrote {count} entries in {:.1?}, {BATCH} a commit", start.elapsed());
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let dir = arguments.next().ok_or("which directory?")?;
    let count: u64 = arguments.next().map_or(Ok(1_000_000), |count| count.parse())?;
    let dir = Path::new(&dir);
    let words: Vec<String> = (0..VOCABULARY).map(word).collect();
    let key = StoreKey::from_bytes([7; 32]);
    if !dir.join("natter.db").exists() {
        fill(&SqliteStore::open(dir, &key)?, count, &words)?;
    }
    println!("{} MiB on disk", std::fs::metadata(dir.join("natter.db"))?.len() >> 20);
    let start = Instant::now();
    let store = SqliteStore::open(dir, &key)?;
    println!("open, with its check of at most 2 s: {:.2?}", start.elapsed());
    timed("boot", || store.boot(), |boot| format!("{} rooms", boot.as_ref().map_or(0, |boot| boot.rooms.len())))?;
    let page = |entries: &Vec<StoredEntry>| format!("{} entries", entries.len());
    timed("timeline, the last 50", || store.timeline(ROOM, None, 50, kind::SHOWN), page)?;
    let middle = entry(count / 2, &words).order;
    timed("timeline, 50 before the middle", || store.timeline(ROOM, Some(middle), 50, kind::SHOWN), page)?;
    timed("timeline, 50 after the middle", || store.timeline_after(ROOM, middle, 50, kind::SHOWN), page)?;
    timed("last", || store.last(ROOM, kind::SPOKEN), |last| format!("{}", last.is_some()))?;
    let unread = |unread: &natter_store::Unread| format!("{}", unread.count);
    timed("unread, all of them", || store.unread(ROOM, DeviceId([1; 32]), None, kind::SPOKEN), unread)?;
    let near = entry(count - 30, &words).order;
    timed("unread, thirty", || store.unread(ROOM, DeviceId([1; 32]), Some(near), kind::SPOKEN), unread)?;
    let date = UnixMillis(START + count / 3 * 60_000);
    timed("at, a third of the way", || store.at(ROOM, date, kind::SHOWN), |at| format!("{}", at.is_some()))?;
    let shown = store.timeline(ROOM, None, 50, kind::SHOWN)?;
    let shown: Vec<EntryHash> = shown.iter().map(|entry| entry.order.hash).collect();
    timed("related, to 50", || store.related(ROOM, &shown), page)?;
    timed("pinned", || store.pinned(ROOM), page)?;
    let rare = word(VOCABULARY - 10);
    let queries = [
        "the",
        "t",
        "th",
        "hello",
        "hello the",
        "the you to i a",
        &words[30],
        &words[300],
        &rare,
        "xylophone",
        "xyl",
        "zzz",
    ];
    for query in queries {
        let hits = |hits: &Vec<natter_store::Hit>| format!("{} hits", hits.len());
        timed(&format!("search \"{query}\""), || store.search(query, None, None, None, 50), hits)?;
    }
    let someone = Some(DeviceId([3; 32]));
    let hits = |hits: &Vec<natter_store::Hit>| format!("{} hits", hits.len());
    timed("search \"hello\" of one author in the room", || store.search("hello", Some(ROOM), someone, None, 50), hits)?;
    // One message, one fsync: what sending costs.
    let base =
        store.boot()?.map_or(0, |boot| boot.rooms[0].heads.iter().map(|head| head.seq).max().unwrap_or(0)) * AUTHORS;
    let mut times = Vec::new();
    for n in base..base + 1000 {
        let start = Instant::now();
        store.commit(&[Op::PutEntry(entry(n, &words))])?;
        times.push(start.elapsed());
    }
    let all: Duration = times.iter().sum();
    times.sort_unstable();
    println!("commits of one entry: {:.0} a second, median {:.2?}", 1000.0 / all.as_secs_f64(), times[500]);
    Ok(())
}
