//! Links tell the truth, keep what they are told, and end for the right reason.

use super::pair::{Side, pair};
use crate::sdp::MAX_MESSAGE;
use natter_engine::port::{CloseReason, LinkCommand, LinkEvent, LinkPurpose, SessionParams};
use std::time::Instant;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_of_64_kib_pass_whole_and_in_order() {
    let (offerer, mut answerer) = pair(LinkPurpose::Chat).await;
    for n in 0..64_u8 {
        offerer.command(LinkCommand::Send(vec![n; MAX_MESSAGE]));
        offerer.command(LinkCommand::Send(vec![n]));
    }
    for n in 0..64_u8 {
        assert_eq!(answerer.message().await, vec![n; MAX_MESSAGE]);
        assert_eq!(answerer.message().await, [n]);
    }
    answerer.command(LinkCommand::Send(b"thanks".to_vec()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_that_is_sent_is_told_as_drained() {
    let (mut offerer, mut answerer) = pair(LinkPurpose::Chat).await;
    for _ in 0..100 {
        offerer.command(LinkCommand::Send(vec![7; 10_000]));
    }
    let mut drained = 0;
    while drained < 1_000_000 {
        match offerer.raw().await {
            Some(LinkEvent::Drained(bytes)) => drained += bytes,
            Some(LinkEvent::Candidate(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(drained, 1_000_000);
    for _ in 0..100 {
        answerer.message().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_sent_before_close_arrives_and_the_other_side_hears_the_end() {
    let (offerer, mut answerer) = pair(LinkPurpose::Chat).await;
    for n in 0..20_u8 {
        offerer.command(LinkCommand::Send(vec![n; 10_000]));
    }
    offerer.command(LinkCommand::Close);
    for n in 0..20_u8 {
        assert_eq!(answerer.message().await, vec![n; 10_000]);
    }
    let told = Instant::now();
    assert_eq!(answerer.closed().await, CloseReason::Remote);
    assert!(told.elapsed().as_secs() < 5, "the end came late: {:?}", told.elapsed());
    let rest = offerer.rest().await;
    assert!(rest.iter().all(|event| matches!(event, LinkEvent::Drained(_))), "no event follows: {rest:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_certificate_than_the_signed_one_ends_in_handshake() {
    let mut offerer = Side::open(LinkPurpose::Chat, None);
    let offer = offerer.described().await;
    let mut answerer = Side::open(LinkPurpose::Chat, Some(offer));
    let answer = answerer.described().await;
    offerer.command(LinkCommand::SetRemote(SessionParams { fingerprint: [9; 32], ..answer }));
    assert_eq!(offerer.closed().await, CloseReason::Handshake);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn params_that_are_none_end_in_protocol() {
    let mut offerer = Side::open(LinkPurpose::Chat, None);
    let offer = offerer.described().await;
    let bad = SessionParams { ufrag: "a\r\na=x".into(), ..offer };
    let mut answerer = Side::open(LinkPurpose::Chat, Some(bad.clone()));
    assert_eq!(answerer.closed().await, CloseReason::Protocol);
    offerer.command(LinkCommand::SetRemote(bad));
    assert_eq!(offerer.closed().await, CloseReason::Protocol);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_over_the_limit_is_not_sent() {
    let (mut offerer, _answerer) = pair(LinkPurpose::Chat).await;
    offerer.command(LinkCommand::Send(vec![0; MAX_MESSAGE + 1]));
    assert_eq!(offerer.closed().await, CloseReason::Protocol);
}
