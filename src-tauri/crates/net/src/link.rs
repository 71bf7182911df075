//! One link: a PeerConnection with one data channel, driven by commands, telling events.
//!
//! Each link is a task that owns its PeerConnection, plus one task that reads its channel. Commands arrive over a bounded
//! queue, events leave over one that all links share; when the engine is slow the reader stops, SCTP's receive window
//! closes, and the peer waits. Ending the task ends everything: channel, PeerConnection, sockets.

use crate::bulk::{self, BlobIo};
use crate::candidates::{is_acceptable, local_addresses};
use crate::config::NetConfig;
use crate::runtime::{LinkRuntime, Meter};
use crate::sdp;
use anyhow::{Context, Result, bail};
use bytes::BytesMut;
use natter_engine::ids::LinkId;
use natter_engine::port::{CloseReason, LinkCommand, LinkEvent, LinkPurpose, SessionParams, Setup};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use webrtc::data_channel::{DataChannel, DataChannelEvent, RTCDataChannelInit};
use webrtc::peer_connection::crypto::{RTCCryptoProvider, SignatureScheme};
use webrtc::peer_connection::{
    CipherSuiteId, PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCCertificate,
    RTCConfigurationBuilder, RTCIceCandidateInit, RTCIceGatheringState, RTCIceTransportPolicy,
    RTCPeerConnectionIceEvent, RTCPeerConnectionState, RTCSdpType, RTCSessionDescription, SettingEngineBuilder,
};

/// Commands of one link that wait. The engine bounds bytes (1 MiB a peer); a frame has at least a few dozen.
const COMMANDS: usize = 16_384;
/// Bytes that SCTP may hold unacknowledged on a channel.
const SEND_BUFFER: usize = 512 * 1024;
/// Bytes a peer may send without completing a message (SECURITY, "Limits").
const UNFINISHED: u64 = 2 * 1024 * 1024;
/// How long gathering may take before what there is goes out.
const GATHERING: Duration = Duration::from_millis(100);
/// How long a closing link may take to flush its last frames.
const FLUSH: Duration = Duration::from_millis(500);
/// How long ICE may be disconnected before the link is given up; the engine pings meanwhile.
const DISCONNECTED: Duration = Duration::from_secs(10);

/// The events of all links.
pub type Events = mpsc::Sender<(LinkId, LinkEvent)>;

/// A running link.
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
            let ended = run(&told, purpose, remote, &config, blobs, inbox).await;
            let reason = match ended {
                Ok(None) => return,
                Ok(Some(reason)) => reason,
                Err(error) => {
                    tracing::debug!(link = id.0, %error, "link failed");
                    CloseReason::Local
                }
            };
            told.tell(LinkEvent::Closed(reason)).await;
        });
        Self { commands }
    }

    /// Hands a command on; false when the link is gone or its queue is full, which ends it.
    pub fn command(&self, command: LinkCommand) -> bool {
        self.commands.try_send(command).is_ok()
    }
}

/// Where a link's events go.
#[derive(Clone)]
pub(crate) struct Told {
    pub(crate) id: LinkId,
    events: Events,
}

impl Told {
    /// Waits for room in the engine's inbox: this is the back-pressure that reaches the peer.
    pub(crate) async fn tell(&self, event: LinkEvent) {
        // The receiver is gone only when the app closes; nobody needs the event then.
        let _ = self.events.send((self.id, event)).await;
    }
}

/// What the crate's callbacks say.
enum Happening {
    Candidate(String),
    Gathered,
    State(RTCPeerConnectionState),
    Channel(Arc<dyn DataChannel>),
    Opened(Arc<dyn DataChannel>),
    Ended(CloseReason),
}

struct Callbacks(mpsc::Sender<Happening>);

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Callbacks {
    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        if let Ok(init) = event.candidate.to_json()
            && !init.candidate.is_empty()
        {
            let _ = self.0.send(Happening::Candidate(init.candidate)).await;
        }
    }

    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            let _ = self.0.send(Happening::Gathered).await;
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        let _ = self.0.send(Happening::State(state)).await;
    }

    async fn on_data_channel(&self, channel: Arc<dyn DataChannel>) {
        let _ = self.0.send(Happening::Channel(channel)).await;
    }
}

fn label(purpose: LinkPurpose) -> &'static str {
    match purpose {
        LinkPurpose::Chat => "natter/1",
        LinkPurpose::Bulk => "natter-bulk/1",
    }
}

/// The whole life of a link. `None` when we closed it.
async fn run(
    told: &Told,
    purpose: LinkPurpose,
    remote: Option<SessionParams>,
    config: &NetConfig,
    blobs: Arc<dyn BlobIo>,
    mut inbox: mpsc::Receiver<LinkCommand>,
) -> Result<Option<CloseReason>> {
    let (happenings, mut world) = mpsc::channel(64);
    let meter = Arc::new(Meter::default());
    let (connection, fingerprint) = build(config, &happenings, &meter).await?;
    let mut link = Running {
        told: told.clone(),
        purpose,
        offerer: remote.is_none(),
        connection: Arc::clone(&connection),
        meter,
        happenings,
        fingerprint,
        own_addresses: local_addresses(),
        loopback: config.loopback(),
        channel: None,
        bulk: None,
        blobs,
    };
    let ended = link.live(remote, &mut inbox, &mut world).await;
    // Whatever happened: nothing of it may stay.
    if let Some(writer) = link.channel.take() {
        if matches!(ended, Ok(None)) {
            writer.flush().await;
        }
        writer.abort();
    }
    if let Err(error) = connection.close().await {
        tracing::debug!(%error, "closing a link");
    }
    ended
}

async fn build(
    config: &NetConfig,
    happenings: &mpsc::Sender<Happening>,
    meter: &Arc<Meter>,
) -> Result<(Arc<dyn PeerConnection>, [u8; 32])> {
    let provider = webrtc::peer_connection::crypto::default_provider().context("no crypto provider")?;
    let certificate = fresh_certificate(provider.as_ref())?;
    let fingerprint = own_fingerprint(&certificate, provider.as_ref())?;
    let settings = SettingEngineBuilder::new()
        .with_crypto_provider(provider)
        .with_ice_connection_attempts(Some(Duration::from_millis(20)), Some(100))
        .with_ice_timeouts(Some(Duration::from_secs(5)), Some(Duration::from_secs(25)), Some(Duration::from_secs(2)))
        .with_multicast_dns_mode(rtc::ice::mdns::MulticastDnsMode::Disabled)
        .with_include_loopback_candidate(config.loopback())
        .with_dtls_cipher_suites(vec![
            CipherSuiteId::Tls_Ecdhe_Ecdsa_With_Aes_128_Gcm_Sha256,
            CipherSuiteId::Tls_Ecdhe_Ecdsa_With_ChaCha20_Poly1305_Sha256,
        ])
        .build();
    let policy = if config.relay_only { RTCIceTransportPolicy::Relay } else { RTCIceTransportPolicy::All };
    let configuration = RTCConfigurationBuilder::new()
        .with_ice_servers(config.ice_servers())
        .with_ice_transport_policy(policy)
        .with_certificates(vec![certificate])
        .build();
    let connection = PeerConnectionBuilder::new()
        .with_configuration(configuration)
        .with_setting_engine(settings)
        .with_handler(Arc::new(Callbacks(happenings.clone())))
        .with_runtime(Arc::new(LinkRuntime::new(Arc::clone(meter))))
        .with_data_channel_send_buffer_limit(SEND_BUFFER)
        .with_udp_addrs(config.bind_addresses())
        .build()
        .await
        .context("building a PeerConnection")?;
    Ok((Arc::new(connection), fingerprint))
}

/// A certificate for this connection only, so that connections cannot be told to be of one device.
fn fresh_certificate(provider: &dyn RTCCryptoProvider) -> Result<RTCCertificate> {
    let params = rtc::peer_connection::certificate::CertificateParams::new(vec!["natter".to_owned()])
        .context("certificate parameters")?;
    RTCCertificate::generate(provider.crypto(), SignatureScheme::EcdsaP256Sha256, params).context("a certificate")
}

fn own_fingerprint(certificate: &RTCCertificate, provider: &dyn RTCCryptoProvider) -> Result<[u8; 32]> {
    let prints = certificate.get_fingerprints(provider.crypto()).context("fingerprints")?;
    let sha256 = prints.iter().find(|print| print.algorithm.eq_ignore_ascii_case("sha-256"));
    let text = &sha256.context("no SHA-256 fingerprint")?.value;
    let bytes: Option<Vec<u8>> = text.split(':').map(|byte| u8::from_str_radix(byte, 16).ok()).collect();
    bytes.and_then(|bytes| bytes.try_into().ok()).context("an odd fingerprint")
}

/// The task that writes to a channel, and the queue in front of it.
struct Writer {
    queue: mpsc::Sender<Vec<u8>>,
    task: tokio::task::JoinHandle<()>,
    reader: tokio::task::JoinHandle<()>,
    channel: Arc<dyn DataChannel>,
}

impl Writer {
    /// Waits until what was queued has been acknowledged, for a moment.
    async fn flush(&self) {
        let deadline = Instant::now() + FLUSH;
        while Instant::now() < deadline {
            let queued = self.queue.max_capacity() - self.queue.capacity();
            let unacknowledged = self.channel.outstanding_bytes().await.unwrap_or(0);
            if queued == 0 && unacknowledged == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn abort(&self) {
        self.task.abort();
        self.reader.abort();
    }
}

struct Running {
    told: Told,
    purpose: LinkPurpose,
    offerer: bool,
    connection: Arc<dyn PeerConnection>,
    meter: Arc<Meter>,
    happenings: mpsc::Sender<Happening>,
    fingerprint: [u8; 32],
    own_addresses: Vec<std::net::IpAddr>,
    loopback: bool,
    channel: Option<Writer>,
    bulk: Option<mpsc::Sender<bulk::Order>>,
    blobs: Arc<dyn BlobIo>,
}

impl Running {
    async fn live(
        &mut self,
        remote: Option<SessionParams>,
        inbox: &mut mpsc::Receiver<LinkCommand>,
        world: &mut mpsc::Receiver<Happening>,
    ) -> Result<Option<CloseReason>> {
        self.describe(remote, world).await?;
        let mut patience: Option<Instant> = None;
        loop {
            let lost = async {
                match patience {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = lost => return Ok(Some(CloseReason::Unreachable)),
                command = inbox.recv() => match command {
                    None | Some(LinkCommand::Close) => return Ok(None),
                    Some(command) => self.obey(command).await?,
                },
                happening = world.recv() => match happening {
                    None => return Ok(Some(CloseReason::Local)),
                    Some(Happening::Ended(reason)) => return Ok(Some(reason)),
                    Some(Happening::Gathered) => {}
                    Some(Happening::Candidate(candidate)) => self.told.tell(LinkEvent::Candidate(candidate)).await,
                    Some(Happening::Channel(channel)) => {
                        // The offerer opens the one channel there is; whoever opens another breaks the rule.
                        if self.offerer || self.channel.is_some() || channel.label().await.ok().as_deref() != Some(label(self.purpose)) {
                            return Ok(Some(CloseReason::Protocol));
                        }
                        self.attach(channel);
                    }
                    Some(Happening::Opened(channel)) => self.opened(&channel).await?,
                    Some(Happening::State(state)) => match state {
                        RTCPeerConnectionState::Connected => patience = None,
                        RTCPeerConnectionState::Disconnected => {
                            patience.get_or_insert(Instant::now() + DISCONNECTED);
                        }
                        RTCPeerConnectionState::Failed => return Ok(Some(self.why_failed().await)),
                        RTCPeerConnectionState::Closed => return Ok(Some(CloseReason::Remote)),
                        // The crate's enum is open; whatever comes next is on its way to one of the above.
                        _ => {}
                    },
                },
            }
        }
    }

    /// Makes the local description, waits a moment for candidates, and tells both.
    async fn describe(&mut self, remote: Option<SessionParams>, world: &mut mpsc::Receiver<Happening>) -> Result<()> {
        let local = match remote {
            None => {
                let init = RTCDataChannelInit { ordered: true, ..Default::default() };
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
                Ok(Some(Happening::Ended(_)) | None) => bail!("ended while gathering"),
                Ok(Some(Happening::State(_) | Happening::Channel(_) | Happening::Opened(_))) => {}
            }
        }
        let description = self.connection.local_description().await.context("no local description")?;
        let (ufrag, pwd) = sdp::credentials(&description.sdp).context("no ICE credentials")?;
        let setup = if self.offerer { Setup::ActPass } else { Setup::Active };
        let params = SessionParams { fingerprint: self.fingerprint, ufrag, pwd, setup, candidates };
        self.told.tell(LinkEvent::Described(params)).await;
        Ok(())
    }

    async fn set_remote(&self, params: SessionParams, kind: RTCSdpType) -> Result<()> {
        let sdp = sdp::write(&params);
        let description = match kind {
            RTCSdpType::Offer => RTCSessionDescription::offer(sdp)?,
            _ => RTCSessionDescription::answer(sdp)?,
        };
        self.connection.set_remote_description(description).await?;
        for candidate in params.candidates {
            self.add_candidate(candidate).await;
        }
        Ok(())
    }

    async fn add_candidate(&self, candidate: String) {
        if !is_acceptable(&candidate, &self.own_addresses, self.loopback) {
            return;
        }
        let init = RTCIceCandidateInit {
            candidate,
            sdp_mid: Some("0".to_owned()),
            sdp_mline_index: Some(0),
            ..Default::default()
        };
        if let Err(error) = self.connection.add_ice_candidate(init).await {
            tracing::debug!(link = self.told.id.0, %error, "a candidate was not taken");
        }
    }

    async fn obey(&mut self, command: LinkCommand) -> Result<()> {
        match command {
            LinkCommand::SetRemote(params) => self.set_remote(params, RTCSdpType::Answer).await?,
            LinkCommand::AddCandidate(candidate) => self.add_candidate(candidate).await,
            LinkCommand::Send(bytes) => {
                let Some(writer) = &self.channel else { return Ok(()) };
                if writer.queue.try_send(bytes).is_err() {
                    bail!("the send queue is full");
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
        if let Some(bulk) = &self.bulk {
            // The engine orders one blob at a time; a full queue means that it stopped listening to us.
            let _ = bulk.try_send(order);
        }
    }

    /// Starts reading and writing a channel.
    fn attach(&mut self, channel: Arc<dyn DataChannel>) {
        let (queue, outgoing) = mpsc::channel(COMMANDS);
        let (messages, incoming) = mpsc::channel(16);
        let reader = tokio::spawn(read(
            Arc::clone(&channel),
            Arc::clone(&self.meter),
            self.happenings.clone(),
            self.told.clone(),
            (self.purpose == LinkPurpose::Bulk).then_some(messages),
        ));
        let task = match self.purpose {
            LinkPurpose::Chat => tokio::spawn(write(Arc::clone(&channel), outgoing, self.told.clone())),
            LinkPurpose::Bulk => {
                let (orders, inbox) = mpsc::channel(64);
                self.bulk = Some(orders);
                let blobs = Arc::clone(&self.blobs);
                tokio::spawn(bulk::run(Arc::clone(&channel), incoming, inbox, blobs, self.told.clone()))
            }
        };
        self.channel = Some(Writer { queue, task, reader, channel });
    }

    /// The channel is open: tell both certificates, the other side's as the handshake saw it.
    async fn opened(&self, _channel: &Arc<dyn DataChannel>) -> Result<()> {
        let sctp = self.connection.sctp().await.context("no SCTP transport")?;
        let chain = sctp.transport().get_remote_certificates().await?;
        let der = chain.first().context("no remote certificate")?;
        let remote = Sha256::digest(der).into();
        self.told.tell(LinkEvent::Open { local: self.fingerprint, remote }).await;
        Ok(())
    }

    /// ICE may have found a path and DTLS refused the certificate; the two want different words.
    async fn why_failed(&self) -> CloseReason {
        let Some(sctp) = self.connection.sctp().await else { return CloseReason::Unreachable };
        match sctp.transport().state().await {
            Ok(rtc::peer_connection::transport::RTCDtlsTransportState::Failed) => CloseReason::Handshake,
            Ok(_) | Err(_) => CloseReason::Unreachable,
        }
    }
}

/// Reads a channel until it ends.
async fn read(
    channel: Arc<dyn DataChannel>,
    meter: Arc<Meter>,
    happenings: mpsc::Sender<Happening>,
    told: Told,
    bulk: Option<mpsc::Sender<Vec<u8>>>,
) {
    // A message that never ends completes nothing: the meter is looked at now and then, not only per message.
    let mut look = tokio::time::interval(Duration::from_millis(250));
    let reason = loop {
        let event = tokio::select! {
            event = channel.poll() => event,
            _ = look.tick() => {
                if meter.unfinished() > UNFINISHED {
                    break CloseReason::Protocol;
                }
                continue;
            }
        };
        match event {
            Some(DataChannelEvent::OnOpen) => {
                let _ = happenings.send(Happening::Opened(Arc::clone(&channel))).await;
            }
            Some(DataChannelEvent::OnMessage(message)) => {
                meter.message_completed();
                if message.is_string || message.data.len() > sdp::MAX_MESSAGE {
                    break CloseReason::Protocol;
                }
                match &bulk {
                    None => told.tell(LinkEvent::Message(message.data.to_vec())).await,
                    Some(bulk) => {
                        if bulk.send(message.data.to_vec()).await.is_err() {
                            break CloseReason::Protocol;
                        }
                    }
                }
            }
            Some(DataChannelEvent::OnClose | DataChannelEvent::OnClosing) | None => break CloseReason::Remote,
            // Errors that end a channel close it; buffer levels are the writer's business.
            Some(_) => {}
        }
    };
    let _ = happenings.send(Happening::Ended(reason)).await;
}

/// Writes what is queued, as fast as the peer takes it.
async fn write(channel: Arc<dyn DataChannel>, mut queue: mpsc::Receiver<Vec<u8>>, told: Told) {
    while let Some(bytes) = queue.recv().await {
        let length = bytes.len();
        if channel.send(BytesMut::from(&bytes[..])).await.is_err() {
            return;
        }
        told.tell(LinkEvent::Drained(length)).await;
    }
}
