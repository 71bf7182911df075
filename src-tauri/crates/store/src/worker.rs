//! Two threads between an engine that never waits and a store that must: one writes, one reads.
//!
//! Writes that wait while an fsync runs are folded into the next transaction (group commit), so that a burst of a
//! hundred messages costs a handful of fsyncs instead of a hundred; each keeps its own fate. Order is kept: requests
//! are carried out and answered as they were given.

use crate::Store;
use crate::limits::{GROUP_REQUESTS, QUEUED_BYTES, QUEUED_FETCHES, QUEUED_REQUESTS, request_weight};
use natter_engine::ids::Ticket;
use natter_engine::port::{Fetch, Op, Stored};
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// More waits for the store than may. Nothing of the request happened or will; the caller answers it as failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too much waits for the disk")]
pub struct QueueFull;

/// The two threads. Dropped, they finish what they were given and end; the drop waits for that.
pub struct Worker {
    writes: Arc<Queue<(Ticket, Vec<Op>)>>,
    reads: Arc<Queue<Fetch>>,
    threads: Vec<JoinHandle<()>>,
}

/// Starts them over a store. `deliver` hears every answer, on their threads, and must not block.
///
/// # Errors
/// The system has no thread to give.
pub fn spawn(store: Arc<dyn Store>, deliver: impl Fn(Stored) + Send + Sync + 'static) -> io::Result<Worker> {
    let deliver: Arc<dyn Fn(Stored) + Send + Sync> = Arc::new(deliver);
    let mut worker = Worker {
        writes: Arc::new(Queue::new(QUEUED_REQUESTS, QUEUED_BYTES)),
        reads: Arc::new(Queue::new(QUEUED_FETCHES, usize::MAX)),
        threads: Vec::new(),
    };
    let (queue, from, to) = (worker.writes.clone(), store.clone(), deliver.clone());
    let writer = std::thread::Builder::new().name("natter-store-write".to_owned());
    // Pushed one by one: if the second cannot start, dropping the worker ends the first.
    worker.threads.push(writer.spawn(move || write(&queue, &*from, &*to))?);
    let queue = worker.reads.clone();
    let reader = std::thread::Builder::new().name("natter-store-read".to_owned());
    worker.threads.push(reader.spawn(move || read(&queue, &*store, &*deliver))?);
    Ok(worker)
}

impl Worker {
    /// Asks for a write; answered by [`Stored::Committed`] or [`Stored::Failed`].
    ///
    /// # Errors
    /// [`QueueFull`] beyond [`QUEUED_REQUESTS`] or [`QUEUED_BYTES`]; no answer follows.
    pub fn persist(&self, ticket: Ticket, ops: Vec<Op>) -> Result<(), QueueFull> {
        let weight = request_weight(&ops);
        self.writes.push((ticket, ops), weight)
    }

    /// Asks for a read; answered by the matching [`Stored`], which is empty if the store could not read.
    ///
    /// # Errors
    /// [`QueueFull`] beyond [`QUEUED_FETCHES`]; no answer follows.
    pub fn fetch(&self, fetch: Fetch) -> Result<(), QueueFull> {
        self.reads.push(fetch, 0)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.writes.close();
        self.reads.close();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a store thread had panicked");
            }
        }
    }
}

fn write(queue: &Queue<(Ticket, Vec<Op>)>, store: &dyn Store, deliver: &dyn Fn(Stored)) {
    while let Some(group) = queue.take(GROUP_REQUESTS) {
        let requests: Vec<&[Op]> = group.iter().map(|(_, ops)| ops.as_slice()).collect();
        let results = store.commit_group(&requests);
        for ((ticket, _), result) in group.iter().zip(results) {
            deliver(match result {
                Ok(()) => Stored::Committed(*ticket),
                Err(error) => {
                    tracing::warn!(ticket = ticket.0, %error, "a write failed");
                    Stored::Failed(*ticket, error.trouble())
                }
            });
        }
    }
}

fn read(queue: &Queue<Fetch>, store: &dyn Store, deliver: &dyn Fn(Stored)) {
    while let Some(fetches) = queue.take(1) {
        for fetch in fetches {
            deliver(store.fetch(&fetch).unwrap_or_else(|error| {
                tracing::warn!(%error, "a read failed");
                nothing(&fetch)
            }));
        }
    }
}

/// The engine asks again when it must; an empty answer is always safe, for peers can fill every gap.
fn nothing(fetch: &Fetch) -> Stored {
    match fetch {
        Fetch::Entries { ticket, .. } => Stored::Entries(*ticket, Vec::new()),
        Fetch::Lookup { ticket, .. } => Stored::Known(*ticket, Vec::new()),
        Fetch::Expired { ticket, .. } => Stored::Expired(*ticket, Vec::new(), None),
        Fetch::BlobRooms { ticket, .. } => Stored::BlobRooms(*ticket, Vec::new(), false),
    }
}

/// First in, first out, bounded twice: by count and by weight.
struct Queue<T> {
    inner: Mutex<Waiting<T>>,
    filled: Condvar,
    most: usize,
    heaviest: usize,
}

struct Waiting<T> {
    items: VecDeque<(T, usize)>,
    weight: usize,
    closed: bool,
}

impl<T> Queue<T> {
    fn new(most: usize, heaviest: usize) -> Self {
        let inner = Mutex::new(Waiting { items: VecDeque::new(), weight: 0, closed: false });
        Self { inner, filled: Condvar::new(), most, heaviest }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<T>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, item: T, weight: usize) -> Result<(), QueueFull> {
        let mut waiting = self.lock();
        // One alone always fits, or it never would.
        let heavy = !waiting.items.is_empty() && waiting.weight.saturating_add(weight) > self.heaviest;
        if waiting.closed || waiting.items.len() >= self.most || heavy {
            return Err(QueueFull);
        }
        waiting.weight = waiting.weight.saturating_add(weight);
        waiting.items.push_back((item, weight));
        drop(waiting);
        self.filled.notify_one();
        Ok(())
    }

    /// Waits for something and takes up to `most` of it; none once closed and empty.
    fn take(&self, most: usize) -> Option<Vec<T>> {
        let mut waiting = self.lock();
        while waiting.items.is_empty() {
            if waiting.closed {
                return None;
            }
            waiting = self.filled.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        let count = waiting.items.len().min(most);
        let taken: Vec<(T, usize)> = waiting.items.drain(..count).collect();
        waiting.weight -= taken.iter().map(|(_, weight)| weight).sum::<usize>();
        Some(taken.into_iter().map(|(item, _)| item).collect())
    }

    fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
    }
}

#[cfg(test)]
mod tests;
