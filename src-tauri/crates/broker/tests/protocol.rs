//! The PeerServer protocol over real sockets, as a client of `peer` 1.0.2 would see it.

mod common;

use common::{Client, Raw, broker, request, within};
use natter_broker::{BindError, Broker, Config, Discovery, Key};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

const OPEN: &str = r#"{"type":"OPEN"}"#;

#[tokio::test]
async fn two_clients_exchange_an_offer_and_an_answer() {
    let broker = broker(|_| {}).await;
    let (mut ann, mut bob) = (Client::join(&broker, "ann").await, Client::join(&broker, "bob").await);
    ann.say(r#"{"type":"OFFER","src":"eve","dst":"bob","payload":{"sdp":"…"},"more":1}"#).await;
    bob.hears(r#"{"type":"OFFER","src":"ann","dst":"bob","payload":{"sdp":"…"}}"#).await;
    bob.say(r#"{"type":"ANSWER","dst":"ann","payload":null}"#).await;
    ann.hears(r#"{"type":"ANSWER","src":"bob","dst":"ann","payload":null}"#).await;
    broker.stop().await;
}

#[tokio::test]
async fn bad_knocks_are_refused_in_words_and_closed_without_status() {
    let broker = broker(|config| config.key = Key("secret".to_owned())).await;
    let cases = [
        (
            "key=secret&id=ann",
            r#"{"type":"ERROR","payload":{"msg":"No id, token, or key supplied to websocket server"}}"#,
        ),
        ("", r#"{"type":"ERROR","payload":{"msg":"No id, token, or key supplied to websocket server"}}"#),
        ("key=peerjs&id=ann&token=t", r#"{"type":"ERROR","payload":{"msg":"Invalid key provided"}}"#),
        ("key=secret&id=a%2Fb&token=t", r#"{"type":"ERROR","payload":{"msg":"Invalid id provided"}}"#),
    ];
    for (query, error) in cases {
        let mut client = Client::knock(&broker, query).await;
        client.hears(error).await;
        client.hears_close(None).await;
    }
    broker.stop().await;
}

#[tokio::test]
async fn an_id_is_taken_until_its_socket_closes() {
    let broker = broker(|_| {}).await;
    let mut ann = Client::join(&broker, "ann").await;
    let mut other = Client::knock(&broker, "key=peerjs&id=ann&token=other").await;
    other.hears(r#"{"type":"ID-TAKEN","payload":{"msg":"ID is taken"}}"#).await;
    other.hears_close(None).await;
    ann.0.close(None).await.expect("closes");
    ann.hears_close(None).await;
    // Whoever has seen the close may claim the id at once.
    let mut other = Client::knock(&broker, "key=peerjs&id=ann&token=other").await;
    other.hears(OPEN).await;
    broker.stop().await;
}

#[tokio::test]
async fn the_same_token_reattaches_without_open_and_the_old_socket_is_closed() {
    let broker = broker(|_| {}).await;
    let (mut old, mut bob) = (Client::join(&broker, "ann").await, Client::join(&broker, "bob").await);
    let mut new = Client::knock(&broker, "key=peerjs&id=ann&token=ann").await;
    old.hears_close(None).await;
    bob.say(r#"{"type":"LEAVE","dst":"ann"}"#).await;
    new.hears(r#"{"type":"LEAVE","src":"bob","dst":"ann"}"#).await;
    broker.stop().await;
}

#[tokio::test]
async fn what_waits_comes_after_open_and_what_waits_too_long_expires() {
    let broker = broker(|config| config.limits.expire_timeout = Duration::from_millis(300)).await;
    let mut ann = Client::join(&broker, "ann").await;
    ann.say(r#"{"type":"OFFER","dst":"nobody","payload":0}"#).await;
    ann.hears(r#"{"type":"EXPIRE","src":"nobody","dst":"ann"}"#).await;
    ann.say(r#"{"type":"OFFER","dst":"ann2","payload":1}"#).await;
    ann.say(r#"{"type":"OFFER","dst":"ann","payload":2}"#).await;
    ann.hears(r#"{"type":"OFFER","src":"ann","dst":"ann","payload":2}"#).await;
    let mut late = Client::join(&broker, "ann2").await;
    late.hears(r#"{"type":"OFFER","src":"ann","dst":"ann2","payload":1}"#).await;
    broker.stop().await;
}

#[tokio::test]
async fn a_silent_client_is_closed_without_status() {
    let broker = broker(|config| config.limits.alive_timeout = Duration::from_millis(200)).await;
    Client::join(&broker, "ann").await.hears_close(None).await;
    broker.stop().await;
}

#[tokio::test]
async fn text_and_binary_nonsense_is_ignored() {
    let broker = broker(|_| {}).await;
    let (mut ann, mut bob) = (Client::join(&broker, "ann").await, Client::join(&broker, "bob").await);
    for nonsense in ["", "not JSON", "null", "[]", "7", r#"{"type":"OFFER"}"#, r#"{"type":"OPEN","dst":"bob"}"#] {
        ann.say(nonsense).await;
        ann.0.send_binary(nonsense.as_bytes()).await;
    }
    ann.0.send_binary(&[0xff, 0x00, 0xfe]).await;
    // Stock reads a binary frame as if it were text; so do we.
    ann.0.send_binary(br#"{"type":"LEAVE","dst":"bob"}"#).await;
    bob.hears(r#"{"type":"LEAVE","src":"ann","dst":"bob"}"#).await;
    broker.stop().await;
}

trait SendBinary {
    async fn send_binary(&mut self, bytes: &[u8]);
}

impl<S: futures_util::Sink<Message, Error: std::fmt::Debug> + Unpin> SendBinary for S {
    async fn send_binary(&mut self, bytes: &[u8]) {
        use futures_util::SinkExt;
        self.send(Message::binary(bytes.to_vec())).await.expect("the socket is open");
    }
}

#[tokio::test]
async fn http_says_who_it_is_and_hands_out_ids() {
    let broker = broker(|_| {}).await;
    let addr = broker.local_addr();
    let about = request(addr, "GET", "/", "").await;
    assert!(about.starts_with("HTTP/1.1 200"), "{about}");
    for field in [r#""name":"PeerJS Server""#, r#""description":"A server side"#, r#""website":"https://peerjs.com/""#]
    {
        assert!(about.contains(field), "{about}");
    }
    let id = request(addr, "GET", "/any-key/id?ts=1&version=1.5.5", "").await;
    assert!(id.contains("content-type: text/html; charset=utf-8"), "{id}");
    let body = id.rsplit("\r\n").next().expect("a body");
    assert!(body.len() == 36 && body.as_bytes()[14] == b'4', "{body}");
    assert!(request(addr, "GET", "/peerjs/peers", "").await.starts_with("HTTP/1.1 401"));
    assert!(request(addr, "GET", "/nothing/here", "").await.starts_with("HTTP/1.1 404"));
    assert!(request(addr, "POST", "/", "").await.starts_with("HTTP/1.1 405"));
    assert!(!request(addr, "GET", "/peerjs", "").await.starts_with("HTTP/1.1 2"));
    broker.stop().await;
}

#[tokio::test]
async fn any_page_may_read_the_answers() {
    let broker = broker(|_| {}).await;
    let addr = broker.local_addr();
    for (method, path) in [("GET", "/"), ("GET", "/peerjs/id"), ("GET", "/peerjs/peers"), ("OPTIONS", "/peerjs/id")] {
        let answer = request(addr, method, path, "Origin: http://page.example\r\n").await;
        assert!(answer.contains("access-control-allow-origin: http://page.example\r\n"), "{method} {path}: {answer}");
        assert!(answer.contains("vary: origin\r\n"), "{method} {path}: {answer}");
    }
    let headers = "Origin: null\r\nAccess-Control-Request-Headers: x-a, x-b\r\n";
    let preflight = request(addr, "OPTIONS", "/peerjs/id", headers).await;
    assert!(preflight.starts_with("HTTP/1.1 204"), "{preflight}");
    assert!(preflight.contains("access-control-allow-headers: x-a, x-b\r\n"), "{preflight}");
    assert!(preflight.contains("access-control-allow-methods: GET,HEAD,PUT,PATCH,POST,DELETE\r\n"), "{preflight}");
    broker.stop().await;
}

#[tokio::test]
async fn a_broker_that_allows_it_lists_who_is_online() {
    let broker = broker(|config| config.discovery = Discovery::Allowed).await;
    let (_bob, _ann) = (Client::join(&broker, "bob").await, Client::join(&broker, "ann").await);
    let peers = request(broker.local_addr(), "GET", "/peerjs/peers", "").await;
    assert!(peers.ends_with(r#"["ann","bob"]"#), "{peers}");
    broker.stop().await;
}

#[tokio::test]
async fn a_mounted_broker_answers_under_its_path_only() {
    let broker = broker(|config| config.path = "/my/app".parse().expect("a path")).await;
    let addr = broker.local_addr();
    assert_eq!(broker.url(), format!("http://{addr}/my/app/"));
    Client::join(&broker, "ann").await;
    for path in ["/my/app", "/my/app/", "/my/app/peerjs/id"] {
        assert!(request(addr, "GET", path, "").await.starts_with("HTTP/1.1 200"), "{path}");
    }
    for path in ["/", "/peerjs/id"] {
        assert!(request(addr, "GET", path, "").await.starts_with("HTTP/1.1 404"), "{path}");
    }
    broker.stop().await;
}

#[tokio::test]
async fn a_port_in_use_is_named_and_free_again_after_a_stop() {
    let first = broker(|_| {}).await;
    let addr = first.local_addr();
    let error = Broker::start(addr, Config::default()).await.expect_err("the port is in use");
    assert!(matches!(error, BindError::PortInUse(at) if at == addr), "{error:?}");
    assert!(error.to_string().starts_with(&format!("port {} is in use", addr.port())));
    let mut ann = Client::join(&first, "ann").await;
    within("the stop", first.stop()).await;
    ann.hears_close(Some(CloseCode::Away)).await;
    assert!(TcpStream::connect(addr).await.is_err(), "nobody listens");
    let again = Broker::start(addr, Config::default()).await.expect("the port is free");
    Client::join(&again, "ann").await;
    again.stop().await;
    let elsewhere = Broker::start(([203, 0, 113, 1], 0).into(), Config::default()).await.expect_err("not our address");
    assert!(matches!(elsewhere, BindError::NotOurs(_)), "{elsewhere:?}");
}

#[tokio::test]
async fn a_stop_does_not_wait_for_clients_that_do_not_answer() {
    let broker = broker(|_| {}).await;
    let mut idle = Raw::to(broker.local_addr()).await;
    let mut deaf = Raw::to(broker.local_addr()).await;
    let upgrade = "GET /peerjs?key=peerjs&id=deaf&token=t HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    deaf.write(upgrade).await;
    assert!(deaf.read_until("OPEN").await.contains("101 Switching Protocols"));
    within("the stop", broker.stop()).await;
    idle.ends().await;
    deaf.ends().await;
}

#[tokio::test]
async fn a_dropped_handle_stops_its_broker() {
    let broker = broker(|_| {}).await;
    let mut ann = Client::join(&broker, "ann").await;
    drop(broker);
    ann.hears_close(Some(CloseCode::Away)).await;
}

#[tokio::test]
async fn a_router_can_be_nested_in_another_server() {
    let listener = natter_broker::bind(([127, 0, 0, 1], 0).into()).await.expect("a free port");
    let addr: SocketAddr = listener.local_addr().expect("it listens");
    let app = axum::Router::new().nest("/broker", natter_broker::router(Config::default()));
    let serving = tokio::spawn(async move { axum::serve(listener, app).await });
    assert!(request(addr, "GET", "/broker/peerjs/id", "").await.starts_with("HTTP/1.1 200"));
    let url = format!("ws://{addr}/broker/peerjs?key=peerjs&id=ann&token=t");
    let mut ann = Client(within("a socket", tokio_tungstenite::connect_async(url)).await.expect("a WebSocket").0);
    ann.hears(OPEN).await;
    serving.abort();
}
