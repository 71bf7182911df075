//! The tasks at a link's data channel.

use super::{Happening, Told, connect};
use crate::bulk;
use crate::runtime::Meter;
use crate::sdp::MAX_MESSAGE;
use bytes::BytesMut;
use natter_engine::port::{CloseReason, LinkEvent};
use std::sync::Arc;
use tokio::sync::{Notify, mpsc};
use webrtc::data_channel::{DataChannel, DataChannelEvent};
use webrtc::peer_connection::PeerConnection;

/// `Drained` is told once so many bytes have left the queue, or when it is empty.
const DRAINED_BYTES: usize = 64 * 1024;

/// Where a link's commands go on to, by purpose.
pub(super) enum Outbox {
    Chat(mpsc::Sender<Vec<u8>>),
    Bulk(mpsc::Sender<bulk::Order>),
}

impl Outbox {
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Chat(queue) => queue.capacity() == queue.max_capacity(),
            Self::Bulk(_) => true,
        }
    }
}

/// Reads a channel until it ends, and says how it did.
pub(super) struct Reader {
    pub(super) channel: Arc<dyn DataChannel>,
    pub(super) connection: Arc<dyn PeerConnection>,
    /// SHA-256 of our certificate.
    pub(super) local: [u8; 32],
    pub(super) meter: Arc<Meter>,
    pub(super) happenings: mpsc::Sender<Happening>,
    pub(super) told: Told,
    pub(super) opened: Arc<Notify>,
    /// Where messages go; without it, to the engine.
    pub(super) bulk: Option<mpsc::Sender<Vec<u8>>>,
}

impl Reader {
    pub(super) async fn run(self) {
        let reason = self.read().await;
        let _ = self.happenings.send(Happening::Ended(reason)).await;
    }

    async fn read(&self) -> CloseReason {
        loop {
            let event = tokio::select! {
                // First what is complete: only when there is no more of it can too much be unfinished.
                biased;
                event = self.channel.poll() => event,
                () = self.meter.over() => {
                    if self.meter.is_over() {
                        return CloseReason::Protocol;
                    }
                    continue;
                }
                // The transfer ends by itself only over what means nothing.
                () = closed(self.bulk.as_ref()) => return CloseReason::Protocol,
            };
            match event {
                Some(DataChannelEvent::OnOpen) => {
                    let Some(remote) = connect::seen(&self.connection).await else { return CloseReason::Handshake };
                    self.told.tell(LinkEvent::Open { local: self.local, remote }).await;
                    self.opened.notify_one();
                }
                Some(DataChannelEvent::OnMessage(message)) => {
                    self.meter.message_completed();
                    if message.is_string || message.data.len() > MAX_MESSAGE {
                        return CloseReason::Protocol;
                    }
                    let bytes = Vec::from(message.data);
                    match &self.bulk {
                        None => self.told.tell(LinkEvent::Message(bytes)).await,
                        Some(bulk) => {
                            if bulk.send(bytes).await.is_err() {
                                return CloseReason::Protocol;
                            }
                        }
                    }
                }
                Some(DataChannelEvent::OnClose | DataChannelEvent::OnClosing) | None => return CloseReason::Remote,
                // An error ends in OnClose; buffer marks are not asked for; what the crate may add is not ours.
                Some(_) => {}
            }
        }
    }
}

async fn closed(bulk: Option<&mpsc::Sender<Vec<u8>>>) {
    match bulk {
        Some(bulk) => bulk.closed().await,
        None => std::future::pending().await,
    }
}

/// Writes what is queued as fast as the peer takes it, once the channel is open.
pub(super) async fn write(
    channel: Arc<dyn DataChannel>,
    opened: Arc<Notify>,
    mut queue: mpsc::Receiver<Vec<u8>>,
    told: Told,
) {
    opened.notified().await;
    let mut drained = 0;
    while let Some(bytes) = queue.recv().await {
        drained += bytes.len();
        if channel.send(BytesMut::from(&bytes[..])).await.is_err() {
            // The reader hears the end and tells it.
            return;
        }
        if drained >= DRAINED_BYTES || queue.is_empty() {
            told.tell(LinkEvent::Drained(std::mem::take(&mut drained))).await;
        }
    }
}
