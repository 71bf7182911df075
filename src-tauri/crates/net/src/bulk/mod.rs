//! Blob bytes over a bulk link (channel `natter-bulk/1`), whole blobs at present, one at a time in each direction.
//!
//! ```text
//! GET     = 01 ‖ request (u32) ‖ blob (32) ‖ offset (u64) ‖ credit (u32)    requester → server
//! REFUSED = 02 ‖ request                                                    server → requester
//! DATA    = 03 ‖ request ‖ 1 to 65,531 bytes of the blob, in order          server → requester
//! MORE    = 04 ‖ request ‖ credit (u32)                                     requester → server
//! END     = 05 ‖ request                                                    server → requester
//! ```
//! The requester numbers its GETs upwards; what comes for a number that is no longer wanted is dropped. A server sends
//! at most as many bytes as it was granted: the requester grants `WINDOW` with GET and more as bytes reach its disk,
//! so that memory stays constant on both sides however slow a disk is. (One that sends on regardless meets full queues
//! and then SCTP's receive window.) The requester knows the blob's length from the signed offer: more bytes, an early END
//! or a wrong hash are `Corrupt`, and nothing of it is kept. A second GET while the first waits for the engine's word,
//! and whatever is no message here, end the link.

mod fetch;
mod serve;
mod wire;

use crate::link::Told;
use bytes::BytesMut;
use fetch::Fetches;
use natter_engine::ids::BlobHash;
use natter_engine::port::{BlobTrouble, LinkEvent};
use serve::Serving;
use std::io::Read;
use std::sync::Arc;
use tokio::sync::{Notify, mpsc};
use tokio::task::spawn_blocking;
use webrtc::data_channel::DataChannel;
use wire::Message;

/// Orders of the engine that wait.
pub(crate) const ORDERS: usize = 64;
/// Messages that wait for a transfer; more wait in the crate, and then at the peer.
pub(crate) const INCOMING: usize = 16;
/// Messages that wait for the channel.
const OUTGOING: usize = 4;
/// Bytes that a server may have under way to us.
const WINDOW: u32 = 4 * 1024 * 1024;
/// Bytes that are read from or written to a disk at one time.
const PIECE: usize = 4 * wire::CHUNK;

/// Where blobs are read and written. Calls block; they run on tokio's blocking threads.
pub trait BlobIo: Send + Sync + 'static {
    /// Opens a whole, verified blob.
    ///
    /// # Errors
    /// `Refused` when it is not here, `DiskFailed` when it cannot be read.
    fn reader(&self, blob: BlobHash) -> Result<Box<dyn Read + Send>, BlobTrouble>;

    /// Begins to write a blob of a known length in bytes.
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

/// What a transfer works with.
pub(crate) struct Ends {
    pub(crate) channel: Arc<dyn DataChannel>,
    /// Told once the channel is open.
    pub(crate) opened: Arc<Notify>,
    pub(crate) incoming: mpsc::Receiver<Vec<u8>>,
    pub(crate) orders: mpsc::Receiver<Order>,
    pub(crate) blobs: Arc<dyn BlobIo>,
    pub(crate) told: Told,
}

/// The peer broke a rule.
struct Broken;

/// Serves and fetches on one channel until it closes. Ending earlier closes the link with `Protocol`.
pub(crate) async fn run(ends: Ends) {
    let Ends { channel, opened, mut incoming, mut orders, blobs, told } = ends;
    opened.notified().await;
    // Sending waits for the peer, and two peers that wait for each other must still hear each other: so apart.
    let (outgoing, mut queue) = mpsc::channel::<BytesMut>(OUTGOING);
    let sending = async move {
        while let Some(message) = queue.recv().await {
            if channel.send(message).await.is_err() {
                break;
            }
        }
        // The channel has ended; its reader knows how, and ends us.
        std::future::pending().await
    };
    let transfers = async move {
        let mut fetches = Fetches::new(Arc::clone(&blobs), told.clone());
        let mut serving = Serving::new(blobs);
        // What is to be said next; the loop goes on hearing while it waits for room.
        let mut say: Option<BytesMut> = None;
        loop {
            if say.is_none() {
                say = fetches.say().map(|message| message.encode());
            }
            let has_word = say.is_some();
            tokio::select! {
                room = outgoing.reserve(), if has_word => match (room, say.take()) {
                    (Ok(room), Some(message)) => room.send(message),
                    (Ok(_), None) => {}
                    (Err(_), _) => return,
                },
                order = orders.recv() => match order {
                    None => return,
                    Some(Order::Fetch { blob, size }) => fetches.order(blob, size).await,
                    Some(Order::Serve { blob, allowed }) => serving.answer(blob, allowed),
                },
                message = incoming.recv() => {
                    let Some(message) = message else { return };
                    if hear(&message, &mut fetches, &mut serving, &told).await.is_err() {
                        return;
                    }
                }
                message = serving.next(), if !has_word => say = Some(message),
            }
        }
    };
    tokio::select! {
        () = sending => {}
        () = transfers => {}
    }
}

async fn hear(message: &[u8], fetches: &mut Fetches, serving: &mut Serving, told: &Told) -> Result<(), Broken> {
    match Message::decode(message).ok_or(Broken)? {
        Message::Get { request, blob, offset, credit } => {
            serving.asked(request, blob, offset, credit)?;
            told.tell(LinkEvent::Wanted(blob)).await;
            Ok(())
        }
        Message::More { request, credit } => serving.granted(request, credit),
        Message::Data { request, bytes } => fetches.data(request, bytes).await,
        Message::Refused { request } => fetches.refused(request).await,
        Message::End { request } => fetches.ended(request).await,
    }
}

/// Runs disk work where it may block. A panic there is a failed disk, not a failed app.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BlobTrouble> + Send + 'static,
) -> Result<T, BlobTrouble> {
    spawn_blocking(work).await.unwrap_or(Err(BlobTrouble::DiskFailed))
}
