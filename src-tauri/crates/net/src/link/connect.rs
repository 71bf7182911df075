//! Making a PeerConnection: fresh certificate, settings, sockets, callbacks.

use super::{Fault, Happening, own_candidate};
use crate::config::NetConfig;
use crate::runtime::{LinkRuntime, Meter};
use crate::sdp::CRATE_MESSAGE;
use natter_engine::port::CloseReason;
use rtc::peer_connection::certificate::CertificateParams;
use rtc::peer_connection::configuration::setting_engine::SctpMaxMessageSize;
use rtc::peer_connection::transport::RTCDtlsRole;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use webrtc::data_channel::DataChannel;
use webrtc::peer_connection::crypto::{RTCCryptoProvider, SignatureScheme};
use webrtc::peer_connection::{
    CipherSuiteId, PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCCertificate,
    RTCConfigurationBuilder, RTCIceConnectionState, RTCIceGatheringState, RTCIceTransportPolicy,
    RTCPeerConnectionIceEvent, RTCPeerConnectionState, SettingEngineBuilder,
};

/// Bytes that SCTP may hold unacknowledged on a channel; senders wait beyond. The crate's default is no limit.
pub(super) const SEND_BUFFER: usize = 512 * 1024;
/// Between two checks of a candidate pair. The crate's own 200 ms made a link take 600 ms to open.
const CHECK_INTERVAL: Duration = Duration::from_millis(20);
/// Checks of a pair before it is given up: two seconds, where the crate's own 7 gave a peer 1.4 s to answer.
const CHECKS: u16 = 100;
/// Silence after which ICE calls a path disconnected, then failed; and how often it keeps one alive (RFC 7675).
const ICE_TIMEOUTS: [Duration; 3] = [Duration::from_secs(5), Duration::from_secs(25), Duration::from_secs(2)];
/// How long `build` may take. Without a route the crate's mDNS join failed; nothing shall keep the app waiting.
const BUILD: Duration = Duration::from_secs(5);

/// A PeerConnection that nothing was asked of yet.
pub(super) struct Connected {
    pub(super) connection: Arc<dyn PeerConnection>,
    /// SHA-256 of its certificate.
    pub(super) fingerprint: [u8; 32],
}

struct Callbacks(mpsc::Sender<Happening>);

impl Callbacks {
    async fn tell(&self, happening: Happening) {
        // The link's task ended, and the PeerConnection is about to.
        let _ = self.0.send(happening).await;
    }
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Callbacks {
    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        if let Some(candidate) = event.candidate.to_json().ok().and_then(|init| own_candidate(init.candidate)) {
            self.tell(Happening::Candidate(candidate)).await;
        }
    }

    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.tell(Happening::Gathered).await;
        }
    }

    async fn on_ice_connection_state_change(&self, state: RTCIceConnectionState) {
        if matches!(state, RTCIceConnectionState::Connected | RTCIceConnectionState::Completed) {
            self.tell(Happening::Path).await;
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        self.tell(Happening::State(state)).await;
    }

    async fn on_data_channel(&self, channel: Arc<dyn DataChannel>) {
        self.tell(Happening::Channel(channel)).await;
    }
}

pub(super) async fn connect(
    config: &NetConfig,
    happenings: &mpsc::Sender<Happening>,
    meter: &Arc<Meter>,
) -> Result<Connected, Fault> {
    let local = |detail: &str| Fault::new(CloseReason::Local, detail);
    let provider = webrtc::peer_connection::crypto::default_provider().map_err(|error| local(&error.to_string()))?;
    let certificate = fresh_certificate(provider.as_ref())?;
    let fingerprint = fingerprint(&certificate, provider.as_ref())?;
    let settings = SettingEngineBuilder::new()
        .with_crypto_provider(provider)
        .with_ice_connection_attempts(Some(CHECK_INTERVAL), Some(CHECKS))
        .with_ice_timeouts(Some(ICE_TIMEOUTS[0]), Some(ICE_TIMEOUTS[1]), Some(ICE_TIMEOUTS[2]))
        .with_multicast_dns_mode(rtc::ice::mdns::MulticastDnsMode::Disabled)
        .with_include_loopback_candidate(config.loopback())
        .with_sctp_max_message_size(SctpMaxMessageSize::Bounded(CRATE_MESSAGE))
        .with_answering_dtls_role(RTCDtlsRole::Client)
        // AEAD only (RFC 9325 §4.2); the one suite that every implementation has for ECDSA.
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
    let building = PeerConnectionBuilder::new()
        .with_configuration(configuration)
        .with_setting_engine(settings)
        .with_handler(Arc::new(Callbacks(happenings.clone())))
        .with_runtime(Arc::new(LinkRuntime::new(Arc::clone(meter))))
        .with_data_channel_send_buffer_limit(SEND_BUFFER)
        .with_udp_addrs(config.bind_addresses())
        .build();
    let Ok(built) = tokio::time::timeout(BUILD, building).await else { return Err(local("building took too long")) };
    Ok(Connected { connection: Arc::new(built?), fingerprint })
}

/// A certificate for this connection only, so that connections cannot be told to be of one device.
fn fresh_certificate(provider: &dyn RTCCryptoProvider) -> Result<RTCCertificate, Fault> {
    let params = CertificateParams::new(vec!["natter".to_owned()])
        .map_err(|error| Fault::new(CloseReason::Local, format!("certificate parameters: {error}")))?;
    Ok(RTCCertificate::generate(provider.crypto(), SignatureScheme::EcdsaP256Sha256, params)?)
}

fn fingerprint(certificate: &RTCCertificate, provider: &dyn RTCCryptoProvider) -> Result<[u8; 32], Fault> {
    let prints = certificate.get_fingerprints(provider.crypto())?;
    let sha256 = prints.iter().find(|print| print.algorithm.eq_ignore_ascii_case("sha-256"));
    let bytes: Option<Vec<u8>> =
        sha256.and_then(|print| print.value.split(':').map(|byte| u8::from_str_radix(byte, 16).ok()).collect());
    let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| Fault::new(CloseReason::Local, "a certificate without SHA-256 fingerprint"))
}

/// SHA-256 of the certificate that the other side presented in the handshake; the crate has compared it with the one in
/// the description by then and proven possession of its key.
pub(super) async fn seen(connection: &Arc<dyn PeerConnection>) -> Option<[u8; 32]> {
    let chain = connection.sctp().await?.transport().get_remote_certificates().await.ok()?;
    chain.first().map(|der| Sha256::digest(der).into())
}
