//! The client against our own broker, and against servers that are none.

use super::*;
use futures_util::{SinkExt, StreamExt};
use natter_broker::{Broker, Config};
use natter_engine::port::SignalKind;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

const PATIENCE: Duration = Duration::from_secs(20);

/// A client with short waits, and what it heard.
struct Client {
    brokers: Brokers,
    events: mpsc::Receiver<SignalEvent>,
}

impl Client {
    fn new() -> Self {
        let (told, events) = mpsc::channel(64);
        let mut brokers = Brokers::new(told);
        brokers.limits.backoff_first = Duration::from_millis(20);
        brokers.limits.backoff_last = Duration::from_millis(100);
        brokers.limits.silent_open = Duration::from_millis(200);
        Self { brokers, events }
    }

    fn claim(&mut self, broker: &str, address: &str, token: &str) {
        let (broker, address, token) = (broker.into(), Address(address.into()), token.into());
        self.brokers.command(SignalCommand::Claim { broker, address, token });
    }

    fn release(&mut self, broker: &str, address: &str) {
        self.brokers.command(SignalCommand::Release { broker: broker.into(), address: Address(address.into()) });
    }

    fn send(&mut self, broker: &str, from: &str, to: &str, envelope: &[u8]) {
        self.brokers.command(SignalCommand::Send {
            broker: broker.into(),
            from: Address(from.into()),
            to: Address(to.into()),
            kind: SignalKind::Offer,
            envelope: envelope.into(),
        });
    }

    async fn event(&mut self) -> SignalEvent {
        tokio::time::timeout(PATIENCE, self.events.recv()).await.expect("an event in time").expect("an event")
    }

    async fn claimed(&mut self, whom: &str) {
        match self.event().await {
            SignalEvent::Claimed { address, .. } => assert_eq!(address.0, whom),
            other => panic!("expected {whom} to be claimed, got {other:?}"),
        }
    }

    async fn lost(&mut self) -> BrokerTrouble {
        match self.event().await {
            SignalEvent::Lost { trouble, .. } => trouble,
            other => panic!("expected a loss, got {other:?}"),
        }
    }
}

async fn broker() -> (Broker, String) {
    let broker = Broker::start(([127, 0, 0, 1], 0).into(), Config::default()).await.expect("a broker");
    let url = broker.url().to_owned();
    (broker, url)
}

/// A WebSocket server of the test's own: `serve` gets each connection with its number.
async fn server<F>(serve: impl Fn(u32, WebSocketStream<TcpStream>) -> F + Send + 'static) -> String
where
    F: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("ws://{}/", listener.local_addr().expect("bound"));
    tokio::spawn(async move {
        for number in 0.. {
            let Ok((stream, _)) = listener.accept().await else { return };
            if let Ok(socket) = tokio_tungstenite::accept_async(stream).await {
                serve(number, socket).await;
            }
        }
    });
    url
}

#[tokio::test]
async fn an_envelope_goes_from_address_to_address() {
    let (broker, url) = broker().await;
    let (mut ada, mut bob) = (Client::new(), Client::new());
    ada.claim(&url, "ada", "1");
    bob.claim(&url, "bob", "2");
    ada.claimed("ada").await;
    bob.claimed("bob").await;
    let envelope = vec![7; ENVELOPE_BYTES];
    ada.send(&url, "ada", "bob", &envelope);
    match bob.event().await {
        SignalEvent::Message { to, from, kind: SignalKind::Offer, envelope: got, .. } => {
            assert_eq!((to.0.as_str(), from.0.as_str(), got), ("bob", "ada", envelope));
        }
        other => panic!("{other:?}"),
    }
    // One byte too long is not sent, and what follows is.
    bob.send(&url, "bob", "ada", &vec![7; ENVELOPE_BYTES + 1]);
    bob.send(&url, "bob", "ada", b"short");
    assert!(matches!(ada.event().await, SignalEvent::Message { envelope, .. } if envelope == b"short"));
    broker.stop().await;
}

#[tokio::test]
async fn a_message_to_nobody_expires() {
    let (broker, url) = broker().await;
    let mut ada = Client::new();
    ada.claim(&url, "ada", "1");
    ada.claimed("ada").await;
    ada.send(&url, "ada", "nobody", b"hello?");
    assert!(matches!(ada.event().await, SignalEvent::Expired { missing, .. } if missing.0 == "nobody"));
    broker.stop().await;
}

#[tokio::test]
async fn an_address_of_somebody_else_is_taken_until_it_is_released() {
    let (broker, url) = broker().await;
    let (mut ada, mut eve) = (Client::new(), Client::new());
    ada.claim(&url, "ada", "1");
    ada.claimed("ada").await;
    eve.claim(&url, "ada", "2");
    assert!(matches!(eve.event().await, SignalEvent::Taken { .. }));
    ada.release(&url, "ada");
    ada.brokers.close().await;
    // The engine decides to try again; it is not the socket's business.
    eve.claim(&url, "ada", "2");
    eve.claimed("ada").await;
    broker.stop().await;
}

#[tokio::test]
async fn the_same_token_re_attaches_though_the_old_socket_still_lives() {
    let (broker, url) = broker().await;
    let (mut before, mut after) = (Client::new(), Client::new());
    // It would come back and re-attach in its turn: one device runs once.
    before.brokers.limits.backoff_first = 10 * PATIENCE;
    before.brokers.limits.backoff_last = 10 * PATIENCE;
    before.claim(&url, "ada", "same");
    before.claimed("ada").await;
    after.claim(&url, "ada", "same");
    after.claimed("ada").await;
    assert_eq!(before.lost().await, BrokerTrouble::Closed);
    broker.stop().await;
}

#[tokio::test]
async fn a_claim_is_idempotent_and_outlives_the_broker() {
    let (first, url) = broker().await;
    let at = first.local_addr();
    let mut ada = Client::new();
    for _ in 0..3 {
        ada.claim(&url, "ada", "1");
    }
    ada.claimed("ada").await;
    first.stop().await;
    assert_eq!(ada.lost().await, BrokerTrouble::Closed);
    let second = loop {
        // The port may take a moment to be free.
        match Broker::start(at, Config::default()).await {
            Ok(broker) => break broker,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    loop {
        match ada.event().await {
            SignalEvent::Lost { trouble, .. } => assert_eq!(trouble, BrokerTrouble::Unreachable),
            SignalEvent::Claimed { .. } => break,
            other => panic!("{other:?}"),
        }
    }
    second.stop().await;
}

#[tokio::test]
async fn silence_after_the_handshake_is_a_re_attachment() {
    let url = server(|_, mut socket| async move { while socket.next().await.is_some() {} }).await;
    let mut ada = Client::new();
    ada.claim(&url, "ada", "1");
    ada.claimed("ada").await;
}

#[tokio::test]
async fn a_message_before_open_is_a_re_attachment_too() {
    let url = server(|_, mut socket| async move {
        let offer = r#"{"type":"OFFER","src":"bob","dst":"ada","payload":{"natter":"AQID"}}"#;
        let _ = socket.send(Message::text(offer)).await;
        while socket.next().await.is_some() {}
    })
    .await;
    let mut ada = Client::new();
    ada.brokers.limits.silent_open = PATIENCE;
    ada.claim(&url, "ada", "1");
    ada.claimed("ada").await;
    assert!(matches!(ada.event().await, SignalEvent::Message { envelope, .. } if envelope == [1, 2, 3]));
}

#[tokio::test]
async fn a_broker_that_floods_or_babbles_is_left_for_a_while() {
    let nothing = r#"{"type":"LEAVE","src":"x"}"#;
    let cases = [
        vec![Message::text(nothing); 1000],
        vec![Message::text("hello")],
        vec![Message::binary(vec![1, 2, 3])],
        vec![Message::text(format!(r#"{{"type":"LEAVE","src":"{}"}}"#, "x".repeat(MESSAGE_BYTES)))],
        vec![Message::text(
            r#"{"type":"ERROR","payload":{"msg":"No id, token, or key supplied to websocket server"}}"#,
        )],
    ];
    for messages in cases {
        let url = server(move |_, mut socket| {
            let messages = messages.clone();
            async move {
                for message in messages {
                    let _ = socket.send(message).await;
                }
                while let Some(Ok(_)) = socket.next().await {}
            }
        })
        .await;
        let mut ada = Client::new();
        ada.claim(&url, "ada", "1");
        assert_eq!(ada.lost().await, BrokerTrouble::Misbehaving);
        ada.brokers.close().await;
    }
}

#[tokio::test]
async fn a_full_broker_and_one_with_another_key_say_so() {
    for (msg, trouble) in [
        ("Server has reached its concurrent user limit", BrokerTrouble::Full),
        ("Invalid key provided", BrokerTrouble::BadKey),
    ] {
        let url = server(move |_, mut socket| async move {
            let error = format!(r#"{{"type":"ERROR","payload":{{"msg":"{msg}"}}}}"#);
            let _ = socket.send(Message::text(error)).await;
            let _ = socket.close(None).await;
        })
        .await;
        let mut ada = Client::new();
        ada.claim(&url, "ada", "1");
        assert_eq!(ada.lost().await, trouble);
    }
}

#[tokio::test]
async fn a_broker_that_no_longer_answers_is_dead_though_tcp_does_not_say_so() {
    // Open, and never read: no PING is answered.
    let url = server(|_, mut socket| async move {
        let _ = socket.send(Message::text(r#"{"type":"OPEN"}"#)).await;
        std::future::pending::<()>().await;
    })
    .await;
    let mut ada = Client::new();
    ada.brokers.limits.heartbeat = Duration::from_millis(20);
    ada.brokers.limits.dead = Duration::from_millis(100);
    ada.claim(&url, "ada", "1");
    ada.claimed("ada").await;
    assert_eq!(ada.lost().await, BrokerTrouble::Closed);
}

#[tokio::test]
async fn what_is_no_broker_is_told_apart_from_what_is_not_there() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let at = listener.local_addr().expect("bound");
    let mut ada = Client::new();
    // TLS to a server that has none must fail like any other, whatever crypto the build chose.
    for scheme in ["ws", "wss"] {
        let url = format!("{scheme}://{at}/");
        ada.claim(&url, "ada", "1");
        let (mut stream, _) = listener.accept().await.expect("a client");
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            .await
            .expect("written");
        let expected = if scheme == "ws" { BrokerTrouble::Misbehaving } else { BrokerTrouble::Unreachable };
        assert_eq!(ada.lost().await, expected, "{scheme}");
        ada.release(&url, "ada");
    }
    drop(listener);
    for url in [format!("ws://{at}/"), "ftp://127.0.0.1/".into(), "no url".into()] {
        ada.claim(&url, "ada", "1");
        assert_eq!(ada.lost().await, BrokerTrouble::Unreachable, "{url}");
        ada.release(&url, "ada");
        ada.brokers.close().await;
    }
}

#[tokio::test]
async fn claims_beyond_the_limit_are_lost_at_once() {
    let mut ada = Client::new();
    let url = server(|_, mut socket| async move { while socket.next().await.is_some() {} }).await;
    // Only one is taken at a time by this server: the rest wait, and that is enough.
    for n in 0..SOCKETS {
        ada.claim(&url, &n.to_string(), "1");
    }
    ada.claim(&url, "one too many", "1");
    loop {
        if let SignalEvent::Lost { address, trouble, .. } = ada.event().await
            && address.0 == "one too many"
        {
            assert_eq!(trouble, BrokerTrouble::Unreachable);
            break;
        }
    }
    ada.brokers.close().await;
}
