//! Two links in one process, over real sockets on loopback.

use crate::bulk::{BlobIo, BlobSink};
use crate::config::NetConfig;
use crate::link::Link;
use natter_engine::ids::{BlobHash, LinkId};
use natter_engine::port::{BlobTrouble, CloseReason, LinkCommand, LinkEvent, LinkPurpose, SessionParams};
use std::collections::HashMap;
use std::io::{Cursor, Read};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

const OFFERER: LinkId = LinkId(1);
const ANSWERER: LinkId = LinkId(2);

/// Blobs in memory: enough to see what the link layer does with them.
#[derive(Default)]
struct Shelf {
    blobs: Mutex<HashMap<BlobHash, Vec<u8>>>,
}

impl Shelf {
    fn put(&self, name: BlobHash, bytes: Vec<u8>) {
        self.blobs.lock().expect("no test panicked").insert(name, bytes);
    }

    fn get(&self, name: BlobHash) -> Option<Vec<u8>> {
        self.blobs.lock().expect("no test panicked").get(&name).cloned()
    }
}

struct Sink {
    shelf: Arc<Shelf>,
    blob: BlobHash,
    bytes: Vec<u8>,
}

impl BlobSink for Sink {
    fn write(&mut self, bytes: &[u8]) -> Result<(), BlobTrouble> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), BlobTrouble> {
        if blake3::hash(&self.bytes).as_bytes() != &self.blob.0 {
            return Err(BlobTrouble::Corrupt);
        }
        self.shelf.put(self.blob, self.bytes);
        Ok(())
    }
}

struct Io(Arc<Shelf>);

impl BlobIo for Io {
    fn reader(&self, blob: BlobHash) -> Result<Box<dyn Read + Send>, BlobTrouble> {
        let bytes = self.0.get(blob).ok_or(BlobTrouble::Refused)?;
        Ok(Box::new(Cursor::new(bytes)))
    }

    fn writer(&self, blob: BlobHash, _size: u64) -> Result<Box<dyn BlobSink>, BlobTrouble> {
        Ok(Box::new(Sink { shelf: Arc::clone(&self.0), blob, bytes: Vec::new() }))
    }
}

/// Both ends of one link, with their events.
struct Pair {
    links: HashMap<LinkId, Link>,
    events: mpsc::Receiver<(LinkId, LinkEvent)>,
    shelves: HashMap<LinkId, Arc<Shelf>>,
    kept: Vec<(LinkId, LinkEvent)>,
}

impl Pair {
    /// Offers, answers, and lets `meddle` change what the offerer is told of the answerer.
    async fn connect(purpose: LinkPurpose, meddle: impl Fn(&mut SessionParams)) -> Self {
        let config = Arc::new(NetConfig { loopback: true, ..NetConfig::default() });
        let (sender, events) = mpsc::channel(1024);
        let shelves = HashMap::from([(OFFERER, Arc::new(Shelf::default())), (ANSWERER, Arc::new(Shelf::default()))]);
        let io = |id: LinkId| Arc::new(Io(Arc::clone(&shelves[&id])));
        let offerer = Link::open(OFFERER, purpose, None, Arc::clone(&config), io(OFFERER), sender.clone());
        let mut pair = Self { links: HashMap::from([(OFFERER, offerer)]), events, shelves, kept: Vec::new() };
        let offer = pair.described(OFFERER).await;
        let io = Arc::new(Io(Arc::clone(&pair.shelves[&ANSWERER])));
        pair.links.insert(ANSWERER, Link::open(ANSWERER, purpose, Some(offer), config, io, sender));
        let mut answer = pair.described(ANSWERER).await;
        meddle(&mut answer);
        pair.links[&OFFERER].command(LinkCommand::SetRemote(answer));
        pair
    }

    async fn described(&mut self, id: LinkId) -> SessionParams {
        self.wait(id, |event| if let LinkEvent::Described(params) = event { Some(params.clone()) } else { None }).await
    }

    /// The first event of a link that `pick` takes; candidates are carried over meanwhile.
    async fn wait<T>(&mut self, id: LinkId, pick: impl Fn(&LinkEvent) -> Option<T>) -> T {
        if let Some(at) = self.kept.iter().position(|(from, event)| *from == id && pick(event).is_some()) {
            let (_, event) = self.kept.remove(at);
            return pick(&event).expect("just picked");
        }
        let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
        loop {
            let next = tokio::time::timeout_at(deadline, self.events.recv()).await;
            let (from, event) = next.expect("the event comes in time").expect("links hold the sender");
            if from == id
                && let Some(found) = pick(&event)
            {
                return found;
            }
            if let LinkEvent::Candidate(candidate) = &event {
                let other = if from == OFFERER { ANSWERER } else { OFFERER };
                if let Some(link) = self.links.get(&other) {
                    link.command(LinkCommand::AddCandidate(candidate.clone()));
                }
                continue;
            }
            self.kept.push((from, event));
        }
    }

    async fn open(&mut self) -> [([u8; 32], [u8; 32]); 2] {
        let certs = |event: &LinkEvent| {
            if let LinkEvent::Open { local, remote } = event { Some((*local, *remote)) } else { None }
        };
        [self.wait(OFFERER, certs).await, self.wait(ANSWERER, certs).await]
    }

    async fn closed(&mut self, id: LinkId) -> CloseReason {
        self.wait(id, |event| if let LinkEvent::Closed(reason) = event { Some(*reason) } else { None }).await
    }

    async fn message(&mut self, id: LinkId) -> Vec<u8> {
        self.wait(id, |event| if let LinkEvent::Message(bytes) = event { Some(bytes.clone()) } else { None }).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_links_see_each_others_certificates_and_carry_messages_both_ways() {
    let begun = Instant::now();
    let mut pair = Pair::connect(LinkPurpose::Chat, |_| {}).await;
    let [(offerer, seen_by_offerer), (answerer, seen_by_answerer)] = pair.open().await;
    eprintln!("offer to open: {:?}", begun.elapsed());
    assert_eq!((offerer, answerer), (seen_by_answerer, seen_by_offerer));
    for size in [1, 1200, 16_384, 65_536] {
        for (from, to) in [(OFFERER, ANSWERER), (ANSWERER, OFFERER)] {
            let bytes = vec![size as u8; size];
            assert!(pair.links[&from].command(LinkCommand::Send(bytes.clone())));
            assert_eq!(pair.message(to).await, bytes);
        }
    }
    let begun = Instant::now();
    for _ in 0..100 {
        pair.links[&OFFERER].command(LinkCommand::Send(vec![1; 64]));
        pair.message(ANSWERER).await;
        pair.links[&ANSWERER].command(LinkCommand::Send(vec![2; 64]));
        pair.message(OFFERER).await;
    }
    eprintln!("round trip: {:?}", begun.elapsed() / 100);
    let drained = pair.wait(OFFERER, |event| if let LinkEvent::Drained(n) = event { Some(*n) } else { None }).await;
    assert!(drained > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_before_closing_arrives_and_the_other_side_hears_the_close() {
    let mut pair = Pair::connect(LinkPurpose::Chat, |_| {}).await;
    pair.open().await;
    pair.links[&OFFERER].command(LinkCommand::Send(b"bye".to_vec()));
    pair.links[&OFFERER].command(LinkCommand::Close);
    assert_eq!(pair.message(ANSWERER).await, b"bye");
    assert_eq!(pair.closed(ANSWERER).await, CloseReason::Remote);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_swapped_fingerprint_ends_the_handshake() {
    let mut pair = Pair::connect(LinkPurpose::Chat, |answer| answer.fingerprint[0] ^= 1).await;
    assert_eq!(pair.closed(OFFERER).await, CloseReason::Handshake);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_over_the_limit_ends_the_link_that_sends_it() {
    let mut pair = Pair::connect(LinkPurpose::Chat, |_| {}).await;
    pair.open().await;
    pair.links[&OFFERER].command(LinkCommand::Send(vec![0; 65_537]));
    pair.closed(OFFERER).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blob_crosses_a_bulk_link_whole_or_not_at_all() {
    let mut pair = Pair::connect(LinkPurpose::Bulk, |_| {}).await;
    pair.open().await;
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| (n / 7) as u8).collect();
    let blob = BlobHash(*blake3::hash(&bytes).as_bytes());
    pair.shelves[&ANSWERER].put(blob, bytes.clone());
    let begun = Instant::now();
    fetch(&mut pair, blob, bytes.len() as u64, true).await;
    assert_eq!(outcome(&mut pair, blob).await, Ok(()));
    eprintln!("3 MB blob: {:?}", begun.elapsed());
    assert_eq!(pair.shelves[&OFFERER].get(blob), Some(bytes));
    // The same link goes on: refused, absent and forged blobs are told apart.
    fetch(&mut pair, blob, 3_000_000, false).await;
    assert_eq!(outcome(&mut pair, blob).await, Err(BlobTrouble::Refused));
    let absent = BlobHash([7; 32]);
    fetch(&mut pair, absent, 10, true).await;
    assert_eq!(outcome(&mut pair, absent).await, Err(BlobTrouble::Refused));
    let forged = BlobHash([8; 32]);
    pair.shelves[&ANSWERER].put(forged, vec![1; 100_000]);
    fetch(&mut pair, forged, 100_000, true).await;
    assert_eq!(outcome(&mut pair, forged).await, Err(BlobTrouble::Corrupt));
    let longer = BlobHash([9; 32]);
    pair.shelves[&ANSWERER].put(longer, vec![1; 100_000]);
    fetch(&mut pair, longer, 99_999, true).await;
    assert_eq!(outcome(&mut pair, longer).await, Err(BlobTrouble::Corrupt));
}

async fn fetch(pair: &mut Pair, blob: BlobHash, size: u64, allowed: bool) {
    pair.links[&OFFERER].command(LinkCommand::FetchBlob { blob, size });
    let wanted =
        pair.wait(ANSWERER, |event| if let LinkEvent::Wanted(blob) = event { Some(*blob) } else { None }).await;
    assert_eq!(wanted, blob);
    pair.links[&ANSWERER].command(LinkCommand::ServeBlob { blob, allowed });
}

async fn outcome(pair: &mut Pair, blob: BlobHash) -> Result<(), BlobTrouble> {
    pair.wait(OFFERER, |event| match event {
        LinkEvent::BlobDone(done) if *done == blob => Some(Ok(())),
        LinkEvent::BlobFailed(failed, trouble) if *failed == blob => Some(Err(*trouble)),
        _ => None,
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_links_leave_no_socket_behind() {
    let sockets = || std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    // The first link makes what stays for good (epoll, timers).
    drop(Pair::connect(LinkPurpose::Chat, |_| {}).await);
    let settle = || async {
        let deadline = Instant::now() + Duration::from_secs(10);
        let mut last = sockets();
        loop {
            tokio::time::sleep(Duration::from_millis(300)).await;
            let now = sockets();
            if now >= last || Instant::now() > deadline {
                return now;
            }
            last = now;
        }
    };
    let before = settle().await;
    for _ in 0..25 {
        let mut pair = Pair::connect(LinkPurpose::Chat, |_| {}).await;
        pair.open().await;
    }
    let after = settle().await;
    assert!(after <= before + 4, "{before} descriptors before, {after} after");
}
