//! The requester's side: one blob at a time, verified by the sink, told as it grows.

use super::wire::{Message, Request};
use super::{BlobIo, BlobSink, Broken, ORDERS, PIECE, WINDOW, blocking};
use crate::link::Told;
use crate::sdp::MAX_MESSAGE;
use natter_engine::ids::BlobHash;
use natter_engine::port::{BlobTrouble, LinkEvent};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Progress is told at most so often.
const PROGRESS: Duration = Duration::from_millis(100);

/// What we want of the peer.
pub(super) struct Fetches {
    blobs: Arc<dyn BlobIo>,
    told: Told,
    /// Wanted after the current one, at most `ORDERS`.
    waiting: VecDeque<(BlobHash, u64)>,
    current: Option<Fetch>,
    /// The number of the last GET.
    last: Request,
}

struct Fetch {
    request: Request,
    blob: BlobHash,
    size: u64,
    /// Whether the GET is still to be sent.
    unsent: bool,
    received: u64,
    /// Bytes written since credit was last granted.
    written: u32,
    buffer: Vec<u8>,
    sink: Box<dyn BlobSink>,
    told: Instant,
}

impl Fetches {
    pub(super) fn new(blobs: Arc<dyn BlobIo>, told: Told) -> Self {
        Self { blobs, told, waiting: VecDeque::new(), current: None, last: 0 }
    }

    /// The engine wants a blob; the same again changes nothing.
    pub(super) async fn order(&mut self, blob: BlobHash, size: u64) {
        let known = self.waiting.iter().any(|(other, _)| *other == blob);
        if known || self.current.as_ref().is_some_and(|fetch| fetch.blob == blob) {
            return;
        }
        if self.waiting.len() >= ORDERS {
            self.fail(blob, BlobTrouble::Refused).await;
            return;
        }
        self.waiting.push_back((blob, size));
        self.begin().await;
    }

    /// What is to be said to the server.
    pub(super) fn say(&mut self) -> Option<Message<'static>> {
        let Fetch { request, blob, unsent, written, .. } = self.current.as_mut()?;
        let request = *request;
        if std::mem::take(unsent) {
            return Some(Message::Get { request, blob: *blob, offset: 0, credit: WINDOW });
        }
        if *written < WINDOW / 4 {
            return None;
        }
        let more = std::mem::take(written);
        Some(Message::More { request, credit: more })
    }

    pub(super) async fn data(&mut self, request: Request, bytes: &[u8]) -> Result<(), Broken> {
        self.check(request)?;
        let Some(mut fetch) = self.current.take_if(|fetch| fetch.request == request) else { return Ok(()) };
        fetch.received += bytes.len() as u64;
        let blob = fetch.blob;
        if fetch.received > fetch.size {
            self.fail(blob, BlobTrouble::Corrupt).await;
            self.begin().await;
            return Ok(());
        }
        fetch.buffer.extend_from_slice(bytes);
        let whole = fetch.received == fetch.size;
        if whole || fetch.buffer.len() + MAX_MESSAGE > PIECE {
            match write(fetch, whole).await {
                Err(trouble) => {
                    self.fail(blob, trouble).await;
                    self.begin().await;
                    return Ok(());
                }
                Ok(None) => {
                    self.told.tell(LinkEvent::BlobDone(blob)).await;
                    self.begin().await;
                    return Ok(());
                }
                Ok(Some(rest)) => fetch = rest,
            }
        }
        if fetch.told.elapsed() >= PROGRESS {
            fetch.told = Instant::now();
            self.told.tell(LinkEvent::BlobProgress { blob, have: fetch.received }).await;
        }
        self.current = Some(fetch);
        Ok(())
    }

    pub(super) async fn refused(&mut self, request: Request) -> Result<(), Broken> {
        self.check(request)?;
        if let Some(ended) = self.current.take_if(|fetch| fetch.request == request) {
            self.fail(ended.blob, BlobTrouble::Refused).await;
            self.begin().await;
        }
        Ok(())
    }

    /// The server has no more. The last byte ends a fetch by itself: here it is short, or it is the empty blob.
    pub(super) async fn ended(&mut self, request: Request) -> Result<(), Broken> {
        self.check(request)?;
        let Some(ended) = self.current.take_if(|fetch| fetch.request == request) else { return Ok(()) };
        let blob = ended.blob;
        let done =
            if ended.received == ended.size { write(ended, true).await.map(drop) } else { Err(BlobTrouble::Corrupt) };
        match done {
            Ok(()) => self.told.tell(LinkEvent::BlobDone(blob)).await,
            Err(trouble) => self.fail(blob, trouble).await,
        }
        self.begin().await;
        Ok(())
    }

    /// A number that we never gave is no answer.
    fn check(&self, request: Request) -> Result<(), Broken> {
        let unsent = self.current.as_ref().is_some_and(|fetch| fetch.unsent && fetch.request == request);
        if request > self.last || unsent { Err(Broken) } else { Ok(()) }
    }

    /// Starts the next fetch if there is none.
    async fn begin(&mut self) {
        while self.current.is_none()
            && let Some((blob, size)) = self.waiting.pop_front()
        {
            let blobs = Arc::clone(&self.blobs);
            match blocking(move || blobs.writer(blob, size)).await {
                Err(trouble) => self.fail(blob, trouble).await,
                Ok(sink) => {
                    self.last += 1;
                    self.current = Some(Fetch {
                        request: self.last,
                        blob,
                        size,
                        unsent: true,
                        received: 0,
                        written: 0,
                        buffer: Vec::with_capacity(PIECE),
                        sink,
                        told: Instant::now(),
                    });
                }
            }
        }
    }

    async fn fail(&mut self, blob: BlobHash, trouble: BlobTrouble) {
        self.told.tell(LinkEvent::BlobFailed(blob, trouble)).await;
    }
}

/// Writes what was gathered; gives the fetch back while it goes on.
async fn write(fetch: Fetch, whole: bool) -> Result<Option<Fetch>, BlobTrouble> {
    let Fetch { mut sink, mut buffer, .. } = fetch;
    let count = u32::try_from(buffer.len()).unwrap_or(u32::MAX);
    let written = blocking(move || {
        sink.write(&buffer)?;
        if whole {
            sink.finish()?;
            return Ok(None);
        }
        buffer.clear();
        Ok(Some((sink, buffer)))
    });
    let Some((sink, buffer)) = written.await? else { return Ok(None) };
    Ok(Some(Fetch { sink, buffer, written: fetch.written + count, ..fetch }))
}
