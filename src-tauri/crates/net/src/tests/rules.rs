//! A peer that breaks a rule of the link loses it, at once and for that reason.

use super::rogue::Rogue;
use crate::sdp::MAX_MESSAGE;
use bytes::BytesMut;
use natter_engine::port::{CloseReason, LinkPurpose};
use webrtc::data_channel::RTCDataChannelInit;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rogue_that_keeps_the_rules_is_a_peer() {
    let (rogue, mut side) = Rogue::opens(LinkPurpose::Chat).await;
    rogue.send(&[1; MAX_MESSAGE]).await;
    assert_eq!(side.message().await, [1; MAX_MESSAGE]);
    rogue.leave().await;
    assert_eq!(side.closed().await, CloseReason::Remote);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_of_another_name_ends_in_protocol() {
    let (rogue, mut side) = Rogue::meets(LinkPurpose::Chat, "natter/2", RTCDataChannelInit::default()).await;
    assert_eq!(side.closed().await, CloseReason::Protocol);
    rogue.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unreliable_channel_ends_in_protocol() {
    let init = RTCDataChannelInit { ordered: false, ..Default::default() };
    let (rogue, mut side) = Rogue::meets(LinkPurpose::Chat, "natter/1", init).await;
    assert_eq!(side.closed().await, CloseReason::Protocol);
    rogue.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_channel_ends_in_protocol() {
    let (rogue, mut side) = Rogue::opens(LinkPurpose::Chat).await;
    let second = rogue.connection.create_data_channel("natter/1", None).await.expect("a channel");
    assert_eq!(side.closed().await, CloseReason::Protocol);
    drop(second);
    rogue.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_ends_in_protocol() {
    let (rogue, mut side) = Rogue::opens(LinkPurpose::Chat).await;
    rogue.channel.send_text("hello").await.expect("sent");
    assert_eq!(side.closed().await, CloseReason::Protocol);
    rogue.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_over_64_kib_ends_in_protocol() {
    let (rogue, mut side) = Rogue::opens(LinkPurpose::Chat).await;
    rogue.send(&[0; MAX_MESSAGE + 1]).await;
    assert_eq!(side.closed().await, CloseReason::Protocol);
    rogue.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn megabytes_that_complete_no_message_end_in_protocol() {
    let (rogue, mut side) = Rogue::opens(LinkPurpose::Chat).await;
    // Longer than the crate takes: it drops them, and nobody above would ever hear of it.
    let sending = async {
        while rogue.channel.send(BytesMut::from(&[0; 200 * 1024][..])).await.is_ok() {}
        std::future::pending().await
    };
    tokio::select! {
        reason = side.closed() => assert_eq!(reason, CloseReason::Protocol),
        () = sending => {}
    }
    rogue.leave().await;
}
