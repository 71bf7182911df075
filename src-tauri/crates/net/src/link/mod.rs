//! One link: a PeerConnection (RFC 8825) with one data channel (RFC 8831), driven by commands, telling events.
//!
//! ```text
//! commands ─→ life ─→ queue ─→ writer ─→ channel ─→ reader ─→ events
//!              ↑                                      │
//!              └──────────── happenings ←─────────────┘
//! ```
//! A link is a task that owns the PeerConnection, one that reads its channel and one that writes it (for bulk, one that
//! [transfers](crate::bulk)). Commands arrive over a bounded queue, events leave over one that all links share. While
//! the engine is slow the reader stops, the crate's queue fills, SCTP's receive window closes, and the peer waits. The end
//! of the first task ends everything: channel, PeerConnection, sockets, the other tasks.
//!
//! The offerer opens the one channel, ordered and reliable, labelled for its purpose; any other channel, any text, any
//! message over 64 KiB and any megabytes that complete no message end the link with `Protocol`. What the crate verified
//! in the handshake (RFC 8122) is told with `Open`: both certificates as they were presented.

mod channel;
mod connect;

use crate::bulk::{self, BlobIo};
use crate::candidates::{is_acceptable, local_addresses, parse};
use crate::config::NetConfig;
use crate::runtime::Meter;
use crate::sdp;
use channel::{Outbox, Reader};
use connect::{Connected, connect};
use futures_util::FutureExt;
use natter_engine::ids::LinkId;
use natter_engine::port::{CloseReason, LinkCommand, LinkEvent, LinkPurpose, SessionParams};
use natter_engine::wire::limits::CANDIDATES;
use std::fmt;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use webrtc::data_channel::{DataChannel, RTCDataChannelInit};
use webrtc::peer_connection::{
    PeerConnection, RTCIceCandidateInit, RTCPeerConnectionState, RTCSdpType, RTCSessionDescription,
};

pub use sdp::MAX_MESSAGE;

/// Commands of one link that wait; more end it. The engine holds a peer to 1 MiB of messages, each of some 20 bytes at
/// least.
const COMMANDS: usize = 65_536;
/// What the crate has to tell that waits for the link's task; more make the crate wait.
const HAPPENINGS: usize = 64;
/// How long gathering may take before what there is goes out (trickle, RFC 8838).
const GATHERING: Duration = Duration::from_millis(100);
/// How long a closing link may take until its last messages are acknowledged.
const FLUSH: Duration = Duration::from_millis(500);
/// How often a closing link looks.
const FLUSH_LOOK: Duration = Duration::from_millis(2);
/// How long ICE may be disconnected before the link is given up. ICE itself takes 5 s to say so.
const DISCONNECTED: Duration = Duration::from_secs(10);
/// How long DTLS may take on a path; the crate itself would try for ever.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long the reader may take for what had arrived when the other side closed.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// The events of all links.
pub type Events = mpsc::Sender<(LinkId, LinkEvent)>;

/// A running link. Dropping it closes it, after what was sent has been flushed.
#[derive(Debug)]
pub struct Link {
    commands: mpsc::Sender<LinkCommand>,
}

impl Link {
    /// Starts the task of a link. `events` gets everything it has to say; the last is `Closed` unless we closed it.
    pub fn open(
        id: LinkId,
        purpose: LinkPurpose,
        remote: Option<SessionParams>,
        config: Arc<NetConfig>,
        blobs: Arc<dyn BlobIo>,
        events: Events,
    ) -> Self {
        let (commands, inbox) = mpsc::channel(COMMANDS);
        tokio::spawn(async move {
            let told = Told { id, events };
            let life = AssertUnwindSafe(run(&told, purpose, remote, &config, blobs, inbox));
            // One bad peer must not end the app: a panic ends the link.
            let reason = match life.catch_unwind().await {
                Ok(Ok(())) => return,
                Ok(Err(fault)) => {
                    tracing::debug!(link = id.0, %fault, "link ended");
                    fault.reason
                }
                Err(_) => CloseReason::Local,
            };
            told.tell(LinkEvent::Closed(reason)).await;
        });
        Self { commands }
    }

    /// Hands a command on; false when the link's queue is full and it must be given up. One that has ended takes no
    /// notice: its last event is on its way.
    #[must_use]
    pub fn command(&self, command: LinkCommand) -> bool {
        !matches!(self.commands.try_send(command), Err(mpsc::error::TrySendError::Full(_)))
    }
}

/// Where a link's events go.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    id: LinkId,
    events: Events,
}

impl Told {
    /// Waits for room in the engine's inbox: this is the back-pressure that reaches the peer.
    pub(crate) async fn tell(&self, event: LinkEvent) {
        // The receiver is gone only when the app closes; nobody needs the event then.
        let _ = self.events.send((self.id, event)).await;
    }
}

/// Why a link ends, and what the log may know of it.
#[derive(Debug)]
struct Fault {
    reason: CloseReason,
    detail: String,
}

impl Fault {
    fn new(reason: CloseReason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.reason, self.detail)
    }
}

/// What the crate refuses to do for us is our own trouble unless we know better.
impl From<webrtc::error::Error> for Fault {
    fn from(error: webrtc::error::Error) -> Self {
        Self::new(CloseReason::Local, error.to_string())
    }
}

/// What the crate's callbacks and the reader say.
enum Happening {
    Candidate(String),
    Gathered,
    State(RTCPeerConnectionState),
    /// ICE has a path.
    Path,
    Channel(Arc<dyn DataChannel>),
    Ended(CloseReason),
}

/// What a channel of this purpose is called.
fn label(purpose: LinkPurpose) -> &'static str {
    match purpose {
        LinkPurpose::Chat => "natter/1",
        LinkPurpose::Bulk => "natter-bulk/1",
    }
}

/// The whole life of a link; `Ok` when we closed it.
async fn run(
    told: &Told,
    purpose: LinkPurpose,
    remote: Option<SessionParams>,
    config: &NetConfig,
    blobs: Arc<dyn BlobIo>,
    mut inbox: mpsc::Receiver<LinkCommand>,
) -> Result<(), Fault> {
    let (happenings, mut world) = mpsc::channel(HAPPENINGS);
    let meter = Arc::new(Meter::default());
    let Connected { connection, fingerprint } = connect(config, &happenings, &meter).await?;
    let mut life = Life {
        told: told.clone(),
        purpose,
        offerer: remote.is_none(),
        connection: Arc::clone(&connection),
        meter,
        happenings,
        fingerprint,
        own_addresses: local_addresses(),
        loopback: config.loopback(),
        candidates: 0,
        early: Vec::new(),
        described: false,
        channel: None,
        blobs,
    };
    // A panic within must not leave the PeerConnection to itself.
    let ended = AssertUnwindSafe(life.live(remote, &mut inbox, &mut world)).catch_unwind().await;
    let ended = ended.unwrap_or_else(|_| Err(Fault::new(CloseReason::Local, "panicked")));
    // Whatever happened: nothing of it may stay.
    if let Some(channel) = life.channel.take()
        && ended.is_ok()
    {
        channel.flush().await;
    }
    if let Err(error) = connection.close().await {
        tracing::debug!(%error, "closing a link");
    }
    ended
}

struct Life {
    told: Told,
    purpose: LinkPurpose,
    offerer: bool,
    connection: Arc<dyn PeerConnection>,
    meter: Arc<Meter>,
    happenings: mpsc::Sender<Happening>,
    fingerprint: [u8; 32],
    own_addresses: Vec<IpAddr>,
    loopback: bool,
    /// Candidates of the other side that were looked at.
    candidates: usize,
    /// Candidates that came before the answer.
    early: Vec<String>,
    /// The remote description is set.
    described: bool,
    channel: Option<Channel>,
    blobs: Arc<dyn BlobIo>,
}

/// The channel and the tasks at it, which end when it is dropped.
struct Channel {
    channel: Arc<dyn DataChannel>,
    reader: JoinHandle<()>,
    writer: JoinHandle<()>,
    outbox: Outbox,
}

impl Channel {
    /// Waits until what was sent has been acknowledged, for a moment.
    async fn flush(&self) {
        let flushed = async {
            while !self.outbox.is_empty() || self.channel.outstanding_bytes().await.unwrap_or(0) > 0 {
                tokio::time::sleep(FLUSH_LOOK).await;
            }
        };
        let _ = tokio::time::timeout(FLUSH, flushed).await;
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.reader.abort();
        self.writer.abort();
    }
}

impl Life {
    async fn live(
        &mut self,
        remote: Option<SessionParams>,
        inbox: &mut mpsc::Receiver<LinkCommand>,
        world: &mut mpsc::Receiver<Happening>,
    ) -> Result<(), Fault> {
        self.describe(remote, world).await?;
        let mut patience: Option<(Instant, CloseReason)> = None;
        let mut connected = false;
        let meter = Arc::clone(&self.meter);
        loop {
            let lost = async {
                let Some((until, reason)) = patience else { return std::future::pending().await };
                tokio::time::sleep_until(until).await;
                reason
            };
            tokio::select! {
                reason = lost => return Err(Fault::new(reason, "out of patience")),
                () = meter.refused() => return Err(Fault::new(CloseReason::Handshake, "a certificate that was not signed")),
                () = meter.stopped() => return Err(Fault::new(CloseReason::Local, "the driver stopped")),
                command = inbox.recv() => match command {
                    None | Some(LinkCommand::Close) => return Ok(()),
                    Some(command) => self.obey(command).await?,
                },
                happening = world.recv() => match happening {
                    None => return Err(Fault::new(CloseReason::Local, "the crate is gone")),
                    // ICE goes on refining a path that is in use.
                    Some(Happening::Path) if !connected => {
                        patience.get_or_insert((Instant::now() + HANDSHAKE, CloseReason::Handshake));
                    }
                    Some(Happening::State(RTCPeerConnectionState::Connected)) => {
                        connected = true;
                        patience = None;
                    }
                    Some(Happening::State(RTCPeerConnectionState::Disconnected)) => {
                        patience = Some((Instant::now() + DISCONNECTED, CloseReason::Unreachable));
                    }
                    Some(happening) => self.witness(happening).await?,
                },
            }
        }
    }

    async fn witness(&mut self, happening: Happening) -> Result<(), Fault> {
        match happening {
            Happening::Candidate(candidate) => {
                self.told.tell(LinkEvent::Candidate(candidate)).await;
                Ok(())
            }
            Happening::Channel(channel) => self.accept(channel).await,
            Happening::Ended(reason) => Err(Fault::new(reason, "the channel ended")),
            Happening::State(RTCPeerConnectionState::Failed) => Err(Fault::new(CloseReason::Unreachable, "failed")),
            Happening::State(RTCPeerConnectionState::Closed) => {
                self.last_words().await;
                Err(Fault::new(CloseReason::Remote, "closed"))
            }
            // New and Connecting say nothing new, nor does what the crate may add one day.
            Happening::State(_) | Happening::Path | Happening::Gathered => Ok(()),
        }
    }

    /// Makes the local description, waits a moment for candidates, and tells both.
    async fn describe(
        &mut self,
        remote: Option<SessionParams>,
        world: &mut mpsc::Receiver<Happening>,
    ) -> Result<(), Fault> {
        let local = match remote {
            None => {
                // Ordered and reliable is what the defaults say.
                let init = RTCDataChannelInit::default();
                let channel = self.connection.create_data_channel(label(self.purpose), Some(init)).await?;
                self.attach(channel);
                self.connection.create_offer(None).await?
            }
            Some(params) => {
                self.set_remote(params, RTCSdpType::Offer).await?;
                self.connection.create_answer(None).await?
            }
        };
        self.connection.set_local_description(local).await?;
        let mut candidates = Vec::new();
        let deadline = Instant::now() + GATHERING;
        loop {
            match tokio::time::timeout_at(deadline, world.recv()).await {
                Ok(Some(Happening::Candidate(candidate))) => candidates.push(candidate),
                Ok(Some(Happening::Gathered)) | Err(_) => break,
                Ok(Some(happening)) => self.witness(happening).await?,
                Ok(None) => return Err(Fault::new(CloseReason::Local, "the crate is gone")),
            }
        }
        let later = candidates.split_off(candidates.len().min(CANDIDATES));
        let description = self.connection.local_description().await;
        let read = description.and_then(|description| sdp::read_own(&description.sdp));
        let Some(sdp::Own { ufrag, pwd, setup }) = read else {
            return Err(Fault::new(CloseReason::Local, "no local description"));
        };
        let params = SessionParams { fingerprint: self.fingerprint, ufrag, pwd, setup, candidates };
        self.told.tell(LinkEvent::Described(params)).await;
        for candidate in later {
            self.told.tell(LinkEvent::Candidate(candidate)).await;
        }
        Ok(())
    }

    async fn set_remote(&mut self, params: SessionParams, kind: RTCSdpType) -> Result<(), Fault> {
        let of = if kind == RTCSdpType::Offer { sdp::Of::Offer } else { sdp::Of::Answer };
        let protocol = |detail: &str| Fault::new(CloseReason::Protocol, detail);
        if self.described || (of == sdp::Of::Answer && !self.offerer) {
            return Err(protocol("a second description"));
        }
        let text = sdp::write(&params, of).map_err(|bad| protocol(&bad.to_string()))?;
        let description = match of {
            sdp::Of::Offer => RTCSessionDescription::offer(text)?,
            sdp::Of::Answer => RTCSessionDescription::answer(text)?,
        };
        self.connection.set_remote_description(description).await?;
        self.described = true;
        for candidate in params.candidates.into_iter().chain(std::mem::take(&mut self.early)) {
            self.add_candidate(candidate).await;
        }
        Ok(())
    }

    /// Takes a candidate of the other side, if it is one to send packets to; beyond the limit they are ignored.
    async fn add_candidate(&mut self, candidate: String) {
        if !self.described {
            if self.early.len() < CANDIDATES {
                self.early.push(candidate);
            }
            return;
        }
        if self.candidates >= CANDIDATES || !is_acceptable(&candidate, &self.own_addresses, self.loopback) {
            return;
        }
        self.candidates += 1;
        let init = RTCIceCandidateInit {
            candidate,
            sdp_mid: Some(sdp::MID.to_owned()),
            sdp_mline_index: Some(0),
            ..Default::default()
        };
        if let Err(error) = self.connection.add_ice_candidate(init).await {
            tracing::debug!(link = self.told.id.0, %error, "a candidate was not taken");
        }
    }

    async fn obey(&mut self, command: LinkCommand) -> Result<(), Fault> {
        match command {
            LinkCommand::SetRemote(params) => self.set_remote(params, RTCSdpType::Answer).await?,
            LinkCommand::AddCandidate(candidate) => self.add_candidate(candidate).await,
            LinkCommand::Send(bytes) => {
                if bytes.len() > MAX_MESSAGE {
                    return Err(Fault::new(CloseReason::Protocol, "a message over 64 KiB"));
                }
                if let Some(Channel { outbox: Outbox::Chat(queue), .. }) = &self.channel
                    && queue.try_send(bytes).is_err()
                {
                    return Err(Fault::new(CloseReason::Local, "the send queue is full"));
                }
            }
            LinkCommand::FetchBlob { blob, size } => self.order(bulk::Order::Fetch { blob, size }),
            LinkCommand::ServeBlob { blob, allowed } => self.order(bulk::Order::Serve { blob, allowed }),
            // Only the first command opens; `Close` was taken by the loop.
            LinkCommand::Open { .. } | LinkCommand::Close => {}
        }
        Ok(())
    }

    fn order(&self, order: bulk::Order) {
        if let Some(Channel { outbox: Outbox::Bulk(orders), .. }) = &self.channel {
            // Full means that the engine orders blobs faster than a link can fail them: it asks again elsewhere.
            let _ = orders.try_send(order);
        }
    }

    /// The offerer opens the one channel there is; whoever opens another breaks the rule.
    async fn accept(&mut self, channel: Arc<dyn DataChannel>) -> Result<(), Fault> {
        let fits = !self.offerer
            && self.channel.is_none()
            && channel.label().await? == label(self.purpose)
            && channel.ordered().await?
            && channel.max_retransmits().await?.is_none()
            && channel.max_packet_life_time().await?.is_none();
        if !fits {
            return Err(Fault::new(CloseReason::Protocol, "a channel that is not ours"));
        }
        self.attach(channel);
        Ok(())
    }

    /// Starts reading and writing a channel.
    fn attach(&mut self, channel: Arc<dyn DataChannel>) {
        let opened = Arc::new(Notify::new());
        let (outbox, writer, incoming) = match self.purpose {
            LinkPurpose::Chat => {
                let (queue, outgoing) = mpsc::channel(COMMANDS);
                let writing = channel::write(Arc::clone(&channel), Arc::clone(&opened), outgoing, self.told.clone());
                (Outbox::Chat(queue), tokio::spawn(writing), None)
            }
            LinkPurpose::Bulk => {
                let (orders, inbox) = mpsc::channel(bulk::ORDERS);
                let (messages, incoming) = mpsc::channel(bulk::INCOMING);
                let ends = bulk::Ends {
                    channel: Arc::clone(&channel),
                    opened: Arc::clone(&opened),
                    incoming,
                    orders: inbox,
                    blobs: Arc::clone(&self.blobs),
                    told: self.told.clone(),
                };
                (Outbox::Bulk(orders), tokio::spawn(bulk::run(ends)), Some(messages))
            }
        };
        let reader = Reader {
            channel: Arc::clone(&channel),
            connection: Arc::clone(&self.connection),
            local: self.fingerprint,
            meter: Arc::clone(&self.meter),
            happenings: self.happenings.clone(),
            told: self.told.clone(),
            opened,
            bulk: incoming,
        };
        self.channel = Some(Channel { channel, reader: tokio::spawn(reader.run()), writer, outbox });
    }

    /// What had arrived before the other side closed is still told.
    async fn last_words(&mut self) {
        if let Some(channel) = &mut self.channel {
            let _ = tokio::time::timeout(LAST_WORDS, &mut channel.reader).await;
        }
    }
}

/// A candidate as the crate writes it, if it is one that another device will take.
fn own_candidate(candidate: String) -> Option<String> {
    parse(&candidate).map(|_| candidate)
}
