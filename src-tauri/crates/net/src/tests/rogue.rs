//! A peer that speaks WebRTC but not our rules: the crate without our care around it.

use super::pair::{PATIENCE, Side};
use crate::sdp;
use bytes::BytesMut;
use natter_engine::port::{LinkPurpose, SessionParams};
use rtc::peer_connection::configuration::setting_engine::SctpMaxMessageSize;
use std::sync::Arc;
use tokio::sync::watch;
use webrtc::data_channel::{DataChannel, DataChannelEvent, RTCDataChannelInit};
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCIceCandidateInit, RTCIceGatheringState,
    RTCSessionDescription, SettingEngineBuilder,
};

struct Gathering(watch::Sender<bool>);

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Gathering {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.0.send_replace(true);
        }
    }
}

/// An offerer of its own kind.
pub(super) struct Rogue {
    pub(super) connection: Arc<dyn PeerConnection>,
    pub(super) channel: Arc<dyn DataChannel>,
}

impl Rogue {
    /// Connects to a link of ours with a channel of any label.
    pub(super) async fn meets(purpose: LinkPurpose, label: &str, init: RTCDataChannelInit) -> (Self, Side) {
        let (gathered, mut complete) = watch::channel(false);
        let settings = SettingEngineBuilder::new()
            .with_include_loopback_candidate(true)
            .with_multicast_dns_mode(rtc::ice::mdns::MulticastDnsMode::Disabled)
            .with_sctp_max_message_size(SctpMaxMessageSize::Unbounded)
            .build();
        let connection = PeerConnectionBuilder::new()
            .with_setting_engine(settings)
            .with_handler(Arc::new(Gathering(gathered)))
            .with_runtime(Arc::new(webrtc::runtime::TokioRuntime))
            .with_dedicated_reactor_pool_size(0)
            .with_udp_addrs(vec!["127.0.0.1:0"])
            .build()
            .await
            .expect("a rogue");
        let connection: Arc<dyn PeerConnection> = Arc::new(connection);
        let channel = connection.create_data_channel(label, Some(init)).await.expect("a channel");
        let offer = connection.create_offer(None).await.expect("an offer");
        connection.set_local_description(offer).await.expect("set");
        tokio::time::timeout(PATIENCE, complete.wait_for(|done| *done)).await.expect("in time").expect("gathered");
        let text = connection.local_description().await.expect("described").sdp;
        let mut side = Side::open(purpose, Some(params(&text)));
        let answer = side.described().await;
        // What the rules say about sizes is not for the likes of us.
        let sdp = sdp::write(&answer, sdp::Of::Answer).expect("ours are good");
        let sdp = sdp.replace(&format!("a=max-message-size:{}", sdp::CRATE_MESSAGE), "a=max-message-size:1073741823");
        let answered = RTCSessionDescription::answer(sdp).expect("an answer");
        connection.set_remote_description(answered).await.expect("set");
        for candidate in answer.candidates {
            let init = RTCIceCandidateInit {
                candidate,
                sdp_mid: Some(sdp::MID.into()),
                sdp_mline_index: Some(0),
                ..Default::default()
            };
            connection.add_ice_candidate(init).await.expect("a candidate");
        }
        (Self { connection, channel }, side)
    }

    /// Connects as a peer should.
    pub(super) async fn opens(purpose: LinkPurpose) -> (Self, Side) {
        let label = if purpose == LinkPurpose::Chat { "natter/1" } else { "natter-bulk/1" };
        let (rogue, mut side) = Self::meets(purpose, label, RTCDataChannelInit::default()).await;
        rogue.until_open().await;
        side.opened().await;
        (rogue, side)
    }

    async fn until_open(&self) {
        loop {
            match tokio::time::timeout(PATIENCE, self.channel.poll()).await.expect("in time") {
                Some(DataChannelEvent::OnOpen) => return,
                Some(_) => {}
                None => panic!("the channel ended"),
            }
        }
    }

    pub(super) async fn send(&self, bytes: &[u8]) {
        self.channel.send(BytesMut::from(bytes)).await.expect("sent");
    }

    /// The next message of the other side.
    pub(super) async fn message(&self) -> Vec<u8> {
        loop {
            match tokio::time::timeout(PATIENCE, self.channel.poll()).await.expect("in time") {
                Some(DataChannelEvent::OnMessage(message)) => return Vec::from(message.data),
                Some(_) => {}
                None => panic!("the channel ended"),
            }
        }
    }

    pub(super) async fn leave(self) {
        self.connection.close().await.expect("closed");
    }
}

/// What an honest engine would have signed of this description.
fn params(sdp: &str) -> SessionParams {
    let own = sdp::read_own(sdp).expect("ours");
    let print = sdp.lines().find_map(|line| line.trim_end().strip_prefix("a=fingerprint:sha-256 ")).expect("a print");
    let bytes: Vec<u8> = print.split(':').map(|byte| u8::from_str_radix(byte, 16).expect("hex")).collect();
    let candidates =
        sdp.lines().filter_map(|line| line.trim_end().strip_prefix("a=")).filter(|line| line.starts_with("candidate:"));
    SessionParams {
        fingerprint: bytes.try_into().expect("32 bytes"),
        ufrag: own.ufrag,
        pwd: own.pwd,
        setup: own.setup,
        candidates: candidates.map(str::to_owned).collect(),
    }
}
