//! Blob bytes over a bulk link.
//!
//! ```text
//! GET     = 01 ‖ blob (32) ‖ offset (u64, big endian)      requester → server
//! REFUSED = 02 ‖ blob (32)                                 server → requester
//! DATA    = 03 ‖ 1 to 65,535 bytes of the blob, in order   server → requester
//! ```
//! The requester knows the length from the signed offer and stops there; what is not exactly the blob is not kept. There
//! is no credit scheme of our own: the writer's disk slows the reader, the reader closes SCTP's receive window, and the
//! window holds the server's bounded send buffer. Memory stays constant on both sides.

use crate::link::Told;
use crate::sdp::MAX_MESSAGE;
use bytes::{BufMut, BytesMut};
use natter_engine::ids::BlobHash;
use natter_engine::port::{BlobTrouble, LinkEvent};
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use webrtc::data_channel::DataChannel;

const GET: u8 = 1;
const REFUSED: u8 = 2;
const DATA: u8 = 3;
/// Bytes of a blob in one message.
const CHUNK: usize = MAX_MESSAGE - 1;
/// Bytes gathered before the disk is asked.
const WRITE: usize = 256 * 1024;
/// Progress is told at most so often.
const PROGRESS: Duration = Duration::from_millis(100);

/// Where blobs are read and written. Calls block; they run on tokio's blocking threads.
pub trait BlobIo: Send + Sync + 'static {
    /// Opens a whole, verified blob.
    ///
    /// # Errors
    /// `Refused` when it is not here, `DiskFailed` when it cannot be read.
    fn reader(&self, blob: BlobHash) -> Result<Box<dyn Read + Send>, BlobTrouble>;

    /// Begins to write a blob of a known length.
    ///
    /// # Errors
    /// `DiskFull` or `DiskFailed`.
    fn writer(&self, blob: BlobHash, size: u64) -> Result<Box<dyn BlobSink>, BlobTrouble>;
}

/// A blob that is being written. Dropping it forgets what came so far.
pub trait BlobSink: Send {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// `DiskFull` or `DiskFailed`.
    fn write(&mut self, bytes: &[u8]) -> Result<(), BlobTrouble>;

    /// Verifies the whole against its hash and makes it durable.
    ///
    /// # Errors
    /// `Corrupt` when the bytes are not the blob, else as `write`.
    fn finish(self: Box<Self>) -> Result<(), BlobTrouble>;
}

/// What the engine orders.
#[derive(Debug)]
pub(crate) enum Order {
    Fetch { blob: BlobHash, size: u64 },
    Serve { blob: BlobHash, allowed: bool },
}

struct Fetch {
    blob: BlobHash,
    size: u64,
    received: u64,
    buffer: Vec<u8>,
    sink: Box<dyn BlobSink>,
    told: Instant,
}

/// Serves and fetches on one channel until it closes.
pub(crate) async fn run(
    channel: Arc<dyn DataChannel>,
    mut incoming: mpsc::Receiver<Vec<u8>>,
    mut orders: mpsc::Receiver<Order>,
    blobs: Arc<dyn BlobIo>,
    told: Told,
) {
    let mut fetch: Option<Fetch> = None;
    loop {
        tokio::select! {
            order = orders.recv() => match order {
                None => return,
                Some(Order::Fetch { blob, size }) => {
                    fetch = begin(&channel, &blobs, &told, blob, size).await;
                }
                Some(Order::Serve { blob, allowed }) => {
                    if serve(&channel, &blobs, blob, allowed).await.is_err() {
                        return;
                    }
                }
            },
            message = incoming.recv() => {
                let Some(message) = message else { return };
                match message.split_first() {
                    Some((&GET, rest)) => {
                        // Offsets other than 0 come with resume; until then they are refused like a blob we lack.
                        if let Some(blob) = rest.get(..32).and_then(BlobHash::from_slice)
                            && rest.get(32..) == Some(&[0; 8])
                        {
                            told.tell(LinkEvent::Wanted(blob)).await;
                        } else {
                            return;
                        }
                    }
                    Some((&REFUSED, rest)) => {
                        let refused = rest.get(..32).and_then(BlobHash::from_slice);
                        if let Some(ended) = fetch.take_if(|fetch| Some(fetch.blob) == refused) {
                            told.tell(LinkEvent::BlobFailed(ended.blob, BlobTrouble::Refused)).await;
                        }
                    }
                    Some((&DATA, bytes)) => {
                        // Late bytes of a fetch that failed are dropped.
                        if let Some(current) = fetch.take() {
                            fetch = receive(current, bytes, &told).await;
                        }
                    }
                    Some(_) | None => return,
                }
            }
        }
    }
}

async fn begin(
    channel: &Arc<dyn DataChannel>,
    blobs: &Arc<dyn BlobIo>,
    told: &Told,
    blob: BlobHash,
    size: u64,
) -> Option<Fetch> {
    let store = Arc::clone(blobs);
    let sink = match blocking(move || store.writer(blob, size)).await {
        Ok(sink) => sink,
        Err(trouble) => {
            told.tell(LinkEvent::BlobFailed(blob, trouble)).await;
            return None;
        }
    };
    let mut get = BytesMut::with_capacity(41);
    get.put_u8(GET);
    get.put_slice(&blob.0);
    get.put_u64(0);
    if channel.send(get).await.is_err() {
        told.tell(LinkEvent::BlobFailed(blob, BlobTrouble::LinkLost)).await;
        return None;
    }
    Some(Fetch { blob, size, received: 0, buffer: Vec::with_capacity(WRITE), sink, told: Instant::now() })
}

/// Takes some bytes; gives the fetch back while it goes on.
async fn receive(mut fetch: Fetch, bytes: &[u8], told: &Told) -> Option<Fetch> {
    let blob = fetch.blob;
    fetch.received += bytes.len() as u64;
    if fetch.received > fetch.size || bytes.is_empty() {
        told.tell(LinkEvent::BlobFailed(blob, BlobTrouble::Corrupt)).await;
        return None;
    }
    fetch.buffer.extend_from_slice(bytes);
    let whole = fetch.received == fetch.size;
    if whole || fetch.buffer.len() + CHUNK > WRITE {
        let (mut sink, buffer) = (fetch.sink, std::mem::take(&mut fetch.buffer));
        let written = blocking(move || {
            sink.write(&buffer)?;
            if whole {
                sink.finish()?;
                return Ok(None);
            }
            Ok(Some((sink, buffer)))
        })
        .await;
        match written {
            Err(trouble) => {
                told.tell(LinkEvent::BlobFailed(blob, trouble)).await;
                return None;
            }
            Ok(None) => {
                told.tell(LinkEvent::BlobDone(blob)).await;
                return None;
            }
            Ok(Some((sink, mut buffer))) => {
                buffer.clear();
                fetch.sink = sink;
                fetch.buffer = buffer;
            }
        }
    }
    if fetch.told.elapsed() >= PROGRESS {
        fetch.told = Instant::now();
        told.tell(LinkEvent::BlobProgress { blob, have: fetch.received }).await;
    }
    Some(fetch)
}

/// Sends a blob, or the word that it will not come. An error means that the channel is gone.
async fn serve(
    channel: &Arc<dyn DataChannel>,
    blobs: &Arc<dyn BlobIo>,
    blob: BlobHash,
    allowed: bool,
) -> Result<(), ()> {
    let store = Arc::clone(blobs);
    let reader = if allowed { blocking(move || store.reader(blob)).await.ok() } else { None };
    let Some(mut reader) = reader else { return refuse(channel, blob).await };
    loop {
        let read = blocking(move || {
            let mut buffer = vec![0; CHUNK];
            let mut filled = 0;
            while filled < buffer.len() {
                match reader.read(&mut buffer[filled..]) {
                    Ok(0) => break,
                    Ok(count) => filled += count,
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    Err(_) => return Err(BlobTrouble::DiskFailed),
                }
            }
            buffer.truncate(filled);
            Ok((reader, buffer))
        })
        .await;
        match read {
            Err(_) => return refuse(channel, blob).await,
            Ok((_, buffer)) if buffer.is_empty() => return Ok(()),
            Ok((rest, buffer)) => {
                reader = rest;
                let mut message = BytesMut::with_capacity(buffer.len() + 1);
                message.put_u8(DATA);
                message.put_slice(&buffer);
                channel.send(message).await.map_err(drop)?;
            }
        }
    }
}

async fn refuse(channel: &Arc<dyn DataChannel>, blob: BlobHash) -> Result<(), ()> {
    let mut message = BytesMut::with_capacity(33);
    message.put_u8(REFUSED);
    message.put_slice(&blob.0);
    channel.send(message).await.map_err(drop)
}

/// Runs disk work where it may block. A panic there is a failed disk, not a failed app.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BlobTrouble> + Send + 'static,
) -> Result<T, BlobTrouble> {
    spawn_blocking(work).await.unwrap_or(Err(BlobTrouble::DiskFailed))
}
