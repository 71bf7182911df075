//! A broker on a free port of loopback, and clients that wait for what they expect, never for time.

#![allow(dead_code, reason = "each test binary uses its part")]

use futures_util::{SinkExt, StreamExt};
use natter_broker::{Broker, Config};
use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Longer than anything here takes; only a failure waits for it.
const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(DEADLINE, future).await.unwrap_or_else(|_| panic!("waited too long for {what}"))
}

pub(crate) async fn broker(change: impl FnOnce(&mut Config)) -> Broker {
    let mut config = Config::default();
    change(&mut config);
    Broker::start(([127, 0, 0, 1], 0).into(), config).await.expect("a free port")
}

/// A WebSocket client.
pub(crate) struct Client(pub(crate) WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    /// Opens a socket and says nothing about what it hears.
    pub(crate) async fn knock(broker: &Broker, query: &str) -> Self {
        let base = broker.url().replacen("http", "ws", 1);
        let connecting = connect_async(format!("{base}peerjs?{query}"));
        Self(within("a socket", connecting).await.expect("a WebSocket").0)
    }

    /// Opens a socket and hears OPEN.
    pub(crate) async fn join(broker: &Broker, id: &str) -> Self {
        let mut client = Self::knock(broker, &format!("key=peerjs&id={id}&token={id}")).await;
        client.hears(r#"{"type":"OPEN"}"#).await;
        client
    }

    pub(crate) async fn say(&mut self, text: &str) {
        within("a write", self.0.send(Message::text(text))).await.expect("the socket is open");
    }

    pub(crate) async fn next(&mut self) -> Option<Message> {
        within("a frame", self.0.next()).await.and_then(Result::ok)
    }

    pub(crate) async fn hears(&mut self, text: &str) {
        assert_eq!(self.next().await, Some(Message::text(text)));
    }

    /// Expects a close frame with this status, then the end.
    pub(crate) async fn hears_close(&mut self, code: Option<CloseCode>) {
        match self.next().await {
            Some(Message::Close(frame)) => assert_eq!(frame.map(|frame| frame.code), code),
            other => panic!("not a close: {other:?}"),
        }
        self.ends().await;
    }

    /// Expects no further frame.
    pub(crate) async fn ends(&mut self) {
        assert_eq!(self.next().await, None);
    }
}

/// A TCP connection that speaks, or misspeaks, HTTP by hand.
pub(crate) struct Raw(pub(crate) TcpStream);

impl Raw {
    pub(crate) async fn to(addr: SocketAddr) -> Self {
        Self(within("a connection", TcpStream::connect(addr)).await.expect("connects"))
    }

    pub(crate) async fn write(&mut self, text: &str) {
        within("a write", self.0.write_all(text.as_bytes())).await.expect("the connection is open");
    }

    /// Reads until `end` shows, or the connection ends.
    pub(crate) async fn read_until(&mut self, end: &str) -> String {
        let mut text = Vec::new();
        let mut buffer = [0; 4096];
        while !String::from_utf8_lossy(&text).contains(end) {
            match within(end, self.0.read(&mut buffer)).await {
                Ok(0) | Err(_) => break,
                Ok(read) => text.extend_from_slice(&buffer[..read]),
            }
        }
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Waits until the other side closes or resets, whatever it sends before.
    pub(crate) async fn ends(&mut self) {
        let mut buffer = [0; 4096];
        while let Ok(1..) = within("the end", self.0.read(&mut buffer)).await {}
    }
}

/// A whole answer to one request on a connection of its own.
pub(crate) async fn request(addr: SocketAddr, method: &str, path: &str, headers: &str) -> String {
    let mut raw = Raw::to(addr).await;
    raw.write(&format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n")).await;
    raw.read_until("no such text").await
}
