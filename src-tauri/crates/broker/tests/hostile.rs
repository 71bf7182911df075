//! What clients must not be able to do to a broker, over real sockets. Each story ends with the broker serving others.

mod common;

use common::{Client, Raw, broker, request, within};
use futures_util::SinkExt;
use natter_broker::Broker;
use std::time::Duration;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

const FULL: &str = r#"{"type":"ERROR","payload":{"msg":"Server has reached its concurrent user limit"}}"#;

async fn still_serves(broker: Broker) {
    let (mut one, mut two) = (Client::join(&broker, "well1").await, Client::join(&broker, "well2").await);
    one.say(r#"{"type":"LEAVE","dst":"well2"}"#).await;
    two.hears(r#"{"type":"LEAVE","src":"well1","dst":"well2"}"#).await;
    within("the stop", broker.stop()).await;
}

#[tokio::test]
async fn a_flood_ends_its_sender() {
    let broker = broker(|config| config.limits.messages_burst = 20).await;
    let mut eve = Client::join(&broker, "eve").await;
    for _ in 0..100 {
        // The later ones may find the socket closed.
        let _ = eve.0.send(Message::text("x")).await;
    }
    eve.hears(r#"{"type":"ERROR","payload":{"msg":"Too many messages"}}"#).await;
    eve.hears_close(Some(CloseCode::Policy)).await;
    still_serves(broker).await;
}

#[tokio::test]
async fn a_flood_of_pings_ends_its_sender() {
    let broker = broker(|config| config.limits.messages_burst = 20).await;
    let mut eve = Client::join(&broker, "eve").await;
    for _ in 0..100 {
        let _ = eve.0.send(Message::Ping(vec![0; 100].into())).await;
    }
    while let Some(message) = eve.next().await {
        if let Message::Close(frame) = message {
            assert_eq!(frame.expect("a status").code, CloseCode::Policy);
        }
    }
    still_serves(broker).await;
}

#[tokio::test]
async fn a_message_that_is_too_big_ends_its_sender() {
    let broker = broker(|_| {}).await;
    let mut eve = Client::join(&broker, "eve").await;
    eve.say(&"x".repeat(64 * 1024 + 1)).await;
    eve.hears(r#"{"type":"ERROR","payload":{"msg":"Message is too big"}}"#).await;
    eve.hears_close(Some(CloseCode::Size)).await;
    still_serves(broker).await;
}

#[tokio::test]
async fn a_huge_message_is_not_even_read() {
    let broker = broker(|_| {}).await;
    let mut eve = Client::join(&broker, "eve").await;
    let _ = within("a write", eve.0.send(Message::text("x".repeat(50_000_000)))).await;
    while eve.next().await.is_some() {}
    let mut eve = Client::join(&broker, "eve").await;
    // In pieces: RFC 6455 §5.4 fragments that never end.
    use tokio_tungstenite::tungstenite::protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    };
    let mut piece = OpCode::Data(Data::Text);
    while eve.0.send(Message::Frame(Frame::message(vec![b'x'; 16_000], piece, false))).await.is_ok() {
        piece = OpCode::Data(Data::Continue);
    }
    still_serves(broker).await;
}

#[tokio::test]
async fn broken_frames_end_their_sender() {
    let broker = broker(|_| {}).await;
    let mut eve = Raw::to(broker.local_addr()).await;
    eve.write(
        "GET /peerjs?key=peerjs&id=eve&token=t HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    )
    .await;
    eve.read_until("OPEN").await;
    eve.write("this is no frame, and it is not masked either").await;
    eve.ends().await;
    still_serves(broker).await;
}

#[tokio::test]
async fn a_reader_that_never_reads_is_dropped() {
    let broker = broker(|config| {
        config.limits.messages_burst = 1_000_000;
        config.limits.bytes_burst = u32::MAX;
        config.limits.expire_timeout = Duration::from_millis(100);
    })
    .await;
    let _deaf = Client::join(&broker, "deaf").await;
    let eve = Client::join(&broker, "eve").await;
    let offer = format!(r#"{{"type":"OFFER","dst":"deaf","payload":"{}"}}"#, "x".repeat(60_000));
    use futures_util::StreamExt;
    let (mut sink, mut stream) = eve.0.split();
    let flood = async {
        // What the kernel buffers, and then 2 MiB of ours.
        loop {
            sink.send(Message::text(offer.as_str())).await.expect("the sender itself is well-behaved");
        }
    };
    let expired = async {
        // Once the id is free, its mail waits and expires: that is how a sender learns of it.
        let heard = stream.next().await.expect("a frame").expect("a frame");
        assert_eq!(heard, Message::text(r#"{"type":"EXPIRE","src":"deaf","dst":"eve"}"#));
    };
    within("the drop", async {
        tokio::select! {
            () = flood => {}
            () = expired => {}
        }
    })
    .await;
    Client::knock(&broker, "key=peerjs&id=deaf&token=new").await.hears(r#"{"type":"OPEN"}"#).await;
    still_serves(broker).await;
}

#[tokio::test]
async fn a_full_broker_says_so_and_has_room_again_later() {
    let broker = broker(|config| config.limits.sockets = 2).await;
    let mut ann = Client::join(&broker, "ann").await;
    let mut bob = Client::join(&broker, "bob").await;
    let mut eve = Client::knock(&broker, "key=peerjs&id=eve&token=t").await;
    eve.hears(FULL).await;
    eve.hears_close(None).await;
    for client in [&mut ann, &mut bob] {
        client.0.close(None).await.expect("closes");
        client.hears_close(None).await;
    }
    still_serves(broker).await;
}

#[tokio::test]
async fn one_address_gets_its_share_of_sockets() {
    let broker = broker(|config| config.limits.per_address = Some(2)).await;
    let mut ann = Client::join(&broker, "ann").await;
    let mut bob = Client::join(&broker, "bob").await;
    Client::knock(&broker, "key=peerjs&id=eve&token=t").await.hears(FULL).await;
    for client in [&mut ann, &mut bob] {
        client.0.close(None).await.expect("closes");
        client.hears_close(None).await;
    }
    still_serves(broker).await;
}

#[tokio::test]
async fn one_address_gets_its_share_of_connections_whatever_it_says_on_them() {
    let broker = broker(|config| config.limits.per_address = Some(2)).await;
    let mut held = Vec::new();
    for _ in 0..2 + natter_broker::config::SPARE_CONNECTIONS_PER_ADDRESS {
        let mut raw = Raw::to(broker.local_addr()).await;
        raw.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert!(raw.read_until("peerjs.com").await.starts_with("HTTP/1.1 200"));
        held.push(raw);
    }
    Raw::to(broker.local_addr()).await.ends().await;
    held.clear();
    // The broker notices closed connections one by one.
    within("room", async { while request(broker.local_addr(), "GET", "/", "").await.is_empty() {} }).await;
    within("the stop", broker.stop()).await;
}

#[tokio::test]
async fn sixty_four_peers_on_loopback_fit_when_the_share_is_lifted() {
    let broker = broker(|config| config.limits.per_address = None).await;
    let mut peers = Vec::new();
    for n in 0..64 {
        peers.push(Client::join(&broker, &format!("peer{n}")).await);
    }
    still_serves(broker).await;
}

#[tokio::test]
async fn slow_headers_run_out_of_time() {
    let broker = broker(|config| config.limits.head_timeout = Duration::from_millis(200)).await;
    let mut silent = Raw::to(broker.local_addr()).await;
    let mut slow = Raw::to(broker.local_addr()).await;
    slow.write("GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ").await;
    silent.ends().await;
    slow.ends().await;
    still_serves(broker).await;
}

#[tokio::test]
async fn an_idle_connection_is_not_kept() {
    let broker = broker(|config| config.limits.head_timeout = Duration::from_millis(200)).await;
    let mut idle = Raw::to(broker.local_addr()).await;
    idle.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(idle.read_until("peerjs.com").await.starts_with("HTTP/1.1 200"));
    idle.ends().await;
    still_serves(broker).await;
}

#[tokio::test]
async fn a_busy_connection_does_not_stay_plain_http_for_ever() {
    let broker = broker(|config| config.limits.http_lifetime = Duration::from_millis(300)).await;
    let mut busy = Raw::to(broker.local_addr()).await;
    use tokio::io::AsyncWriteExt;
    while busy.0.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.is_ok() {
        if busy.read_until("peerjs.com").await.is_empty() {
            break;
        }
    }
    still_serves(broker).await;
}

#[tokio::test]
async fn a_request_that_is_all_headers_is_refused() {
    let broker = broker(|_| {}).await;
    let large = format!("X-Large: {}\r\n", "x".repeat(40_000));
    let many = "X-Many: 1\r\n".repeat(100);
    for headers in [large, many] {
        let mut eve = Raw::to(broker.local_addr()).await;
        use tokio::io::AsyncWriteExt;
        let _ = eve.0.write_all(format!("GET / HTTP/1.1\r\nHost: x\r\n{headers}\r\n").as_bytes()).await;
        let answer = eve.read_until("no such text").await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
    still_serves(broker).await;
}

#[tokio::test]
async fn a_client_that_ignores_our_close_is_closed_all_the_same() {
    let broker = broker(|config| config.limits.alive_timeout = Duration::from_millis(200)).await;
    let mut deaf = Raw::to(broker.local_addr()).await;
    deaf.write(
        "GET /peerjs?key=peerjs&id=deaf&token=t HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    )
    .await;
    deaf.ends().await;
    within("the stop", broker.stop()).await;
}
