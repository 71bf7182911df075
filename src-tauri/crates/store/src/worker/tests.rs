use super::*;
use crate::error::StoreError;
use crate::memory::MemoryStore;
use crate::{Hit, Place, Store, Unread};
use natter_engine::ids::{BlobHash, DeviceId, EntryHash, LogId, LogKey, RoomId};
use natter_engine::port::{Boot, OrderKey, Profile, Standing, StoreTrouble, StoredEntry};
use natter_engine::time::UnixMillis;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const ROOM: RoomId = RoomId([1; 32]);

/// A memory store whose writes wait at a gate, and which counts its groups.
struct Gated {
    inner: MemoryStore,
    gate: Mutex<Receiver<()>>,
    groups: Mutex<Vec<usize>>,
}

impl Store for Gated {
    fn boot(&self) -> Result<Option<Boot>, StoreError> {
        self.inner.boot()
    }
    fn create(&self, secret: [u8; 32], log: LogId, profile: &Profile) -> Result<(), StoreError> {
        self.inner.create(secret, log, profile)
    }
    fn commit(&self, ops: &[Op]) -> Result<(), StoreError> {
        self.inner.commit(ops)
    }
    fn commit_group(&self, requests: &[&[Op]]) -> Vec<Result<(), StoreError>> {
        self.groups.lock().unwrap().push(requests.len());
        self.gate.lock().unwrap().recv().unwrap();
        self.inner.commit_group(requests)
    }
    fn fetch(&self, fetch: &Fetch) -> Result<Stored, StoreError> {
        self.inner.fetch(fetch)
    }
    fn timeline(
        &self,
        room: RoomId,
        before: Option<OrderKey>,
        limit: usize,
        kinds: &[u16],
    ) -> Result<Vec<StoredEntry>, StoreError> {
        self.inner.timeline(room, before, limit, kinds)
    }
    fn entry(&self, room: RoomId, hash: EntryHash) -> Result<Option<StoredEntry>, StoreError> {
        self.inner.entry(room, hash)
    }
    fn unread(&self, r: RoomId, own: DeviceId, after: Option<OrderKey>, kinds: &[u16]) -> Result<Unread, StoreError> {
        self.inner.unread(r, own, after, kinds)
    }
    fn history(&self, room: RoomId, after: Option<OrderKey>, limit: usize) -> Result<Vec<StoredEntry>, StoreError> {
        self.inner.history(room, after, limit)
    }
    fn setting_keys(&self) -> Result<Vec<String>, StoreError> {
        self.inner.setting_keys()
    }
    fn timeline_after(
        &self,
        room: RoomId,
        after: OrderKey,
        limit: usize,
        kinds: &[u16],
    ) -> Result<Vec<StoredEntry>, StoreError> {
        self.inner.timeline_after(room, after, limit, kinds)
    }
    fn at(&self, room: RoomId, time: UnixMillis, kinds: &[u16]) -> Result<Option<OrderKey>, StoreError> {
        self.inner.at(room, time, kinds)
    }
    fn related(&self, room: RoomId, targets: &[EntryHash]) -> Result<Vec<StoredEntry>, StoreError> {
        self.inner.related(room, targets)
    }
    fn pinned(&self, room: RoomId) -> Result<Vec<StoredEntry>, StoreError> {
        self.inner.pinned(room)
    }
    fn search(
        &self,
        query: &str,
        room: Option<RoomId>,
        author: Option<DeviceId>,
        before: Option<Place>,
        limit: usize,
    ) -> Result<Vec<Hit>, StoreError> {
        self.inner.search(query, room, author, before, limit)
    }
    fn unoffered(&self, blobs: &[BlobHash]) -> Result<Vec<BlobHash>, StoreError> {
        self.inner.unoffered(blobs)
    }
    fn draft(&self, room: RoomId) -> Result<Option<String>, StoreError> {
        self.inner.draft(room)
    }
    fn drafts(&self) -> Result<Vec<(RoomId, String)>, StoreError> {
        self.inner.drafts()
    }
    fn put_draft(&self, room: RoomId, text: Option<&str>) -> Result<(), StoreError> {
        self.inner.put_draft(room, text)
    }
    fn setting(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.setting(key)
    }
    fn put_setting(&self, key: &str, value: Option<&[u8]>) -> Result<(), StoreError> {
        self.inner.put_setting(key, value)
    }
}

fn put_room() -> Vec<Op> {
    vec![Op::PutRoom { room: ROOM, standing: Standing::Member, brokers: Vec::new(), invite: None }]
}

fn put_held(seq: u64) -> Vec<Op> {
    let log = LogKey { author: DeviceId([1; 32]), log: LogId([1; 16]) };
    vec![Op::PutHeld { room: ROOM, holder: DeviceId([2; 32]), log, seq }]
}

fn heard(answers: &Receiver<Stored>) -> Stored {
    answers.recv_timeout(Duration::from_secs(10)).expect("an answer comes")
}

#[test]
fn writes_that_wait_are_folded_and_answered_each_in_order() {
    let (open, gate) = channel();
    let store = Arc::new(Gated { inner: MemoryStore::new(), gate: Mutex::new(gate), groups: Mutex::default() });
    let (tell, answers) = channel();
    let worker = spawn(store.clone(), move |stored| tell.send(stored).unwrap()).unwrap();
    worker.persist(Ticket(0), put_room()).unwrap();
    // The writer is at the gate with the first; all others gather behind it.
    while store.groups.lock().unwrap().is_empty() {
        std::thread::yield_now();
    }
    for ticket in 1..=100 {
        let bad = vec![Op::PutRead {
            room: RoomId([9; 32]),
            upto: OrderKey { clock: Default::default(), author: DeviceId([1; 32]), hash: EntryHash([1; 32]) },
        }];
        worker.persist(Ticket(ticket), if ticket == 50 { bad } else { put_held(ticket) }).unwrap();
    }
    open.send(()).unwrap();
    open.send(()).unwrap();
    for ticket in 0..=100 {
        match heard(&answers) {
            Stored::Committed(Ticket(n)) => assert!(n == ticket && n != 50),
            Stored::Failed(Ticket(n), trouble) => assert_eq!((n, ticket, trouble), (50, 50, StoreTrouble::Failed)),
            other => panic!("not to a write: {other:?}"),
        }
    }
    assert_eq!(*store.groups.lock().unwrap(), [1, 100], "a hundred requests, one transaction");
}

#[test]
fn a_read_is_answered_while_a_write_waits() {
    let (open, gate) = channel();
    let store = Arc::new(Gated { inner: MemoryStore::new(), gate: Mutex::new(gate), groups: Mutex::default() });
    let (tell, answers) = channel();
    let worker = spawn(store, move |stored| tell.send(stored).unwrap()).unwrap();
    worker.persist(Ticket(1), put_room()).unwrap();
    worker.fetch(Fetch::Lookup { ticket: Ticket(2), room: ROOM, hashes: Vec::new() }).unwrap();
    assert!(matches!(heard(&answers), Stored::Known(Ticket(2), _)));
    // A read that the store refuses is answered too, with nothing.
    worker.fetch(Fetch::Lookup { ticket: Ticket(3), room: ROOM, hashes: vec![EntryHash([1; 32]); 99] }).unwrap();
    assert!(matches!(heard(&answers), Stored::Known(Ticket(3), known) if known.is_empty()));
    open.send(()).unwrap();
    assert!(matches!(heard(&answers), Stored::Committed(Ticket(1))));
}

#[test]
fn the_queue_is_bounded_by_count_and_by_bytes() {
    let queue = Queue::new(3, 100);
    queue.push(1, 1000).expect("one alone always fits");
    assert_eq!(queue.push(2, 1), Err(QueueFull), "too heavy together");
    assert_eq!(queue.take(9), Some(vec![1]));
    for n in 0..3 {
        queue.push(n, 10).unwrap();
    }
    assert_eq!(queue.push(3, 10), Err(QueueFull), "too many");
    assert_eq!(queue.take(2), Some(vec![0, 1]));
    queue.push(4, 80).unwrap();
    queue.close();
    assert_eq!(queue.push(5, 0), Err(QueueFull));
    assert_eq!((queue.take(9), queue.take(9)), (Some(vec![2, 4]), None));
}

#[test]
fn a_flooded_writer_says_so_and_loses_nothing_it_took() {
    let (open, gate) = channel();
    let store = Arc::new(Gated { inner: MemoryStore::new(), gate: Mutex::new(gate), groups: Mutex::default() });
    let (tell, answers) = channel();
    let worker = spawn(store.clone(), move |stored| tell.send(stored).unwrap()).unwrap();
    let mut taken = 0;
    // What the writer holds at the gate no longer counts as waiting.
    while worker.persist(Ticket(taken), put_room()).is_ok() {
        taken += 1;
        assert!(taken as usize <= QUEUED_REQUESTS + GROUP_REQUESTS, "the queue has no end");
    }
    assert!(taken as usize >= QUEUED_REQUESTS);
    for _ in 0..=taken {
        open.send(()).unwrap();
    }
    // Ending the worker waits for all it took.
    drop(worker);
    assert_eq!(answers.iter().count() as u64, taken);
    assert!(store.groups.lock().unwrap().iter().all(|group| *group <= GROUP_REQUESTS));
}

#[test]
fn a_fault_of_the_disk_reaches_the_engine_by_name() {
    let store = MemoryStore::new();
    let (tell, answers) = channel();
    let worker = spawn(Arc::new(store.clone()), move |stored| tell.send(stored).unwrap()).unwrap();
    store.fail_next(StoreTrouble::DiskFull);
    worker.persist(Ticket(1), put_room()).unwrap();
    assert!(matches!(heard(&answers), Stored::Failed(Ticket(1), StoreTrouble::DiskFull)));
    worker.persist(Ticket(2), put_room()).unwrap();
    assert!(matches!(heard(&answers), Stored::Committed(Ticket(2))));
}
