//! Brokers that are none, or not as they should be.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio_tungstenite::tungstenite::{self, Message, WebSocket};

/// How it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    /// 200 and a web page.
    WebPage,
    /// A redirect to itself.
    Redirect,
    /// Accepts, reads, and never says a word.
    Silence,
    /// Says every address is taken.
    AllTaken,
    /// Text that is no JSON.
    BrokenJson,
    /// JSON that is no message.
    WrongJson,
    /// Bytes.
    Binary,
    /// One message of a megabyte.
    HugeFrame,
    /// Messages without end.
    Flood,
    /// Is full, in the stock server's words.
    Full,
    /// Refuses the key, in the stock server's words.
    BadKey,
    /// A welcome, then types of the future, words from nobody, the answers of others, sealed rubbish.
    Nonsense,
}

/// One that listens on loopback until the test's process ends.
pub(crate) struct Liar {
    pub(crate) url: String,
    connections: Arc<AtomicUsize>,
}

impl Liar {
    pub(crate) fn start(lie: Lie) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("ws://{}/", listener.local_addr().expect("bound"));
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                count.fetch_add(1, Ordering::Relaxed);
                std::thread::spawn(move || serve(lie, stream));
            }
        });
        Self { url, connections }
    }

    /// How often somebody came.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

fn serve(lie: Lie, mut stream: TcpStream) {
    let answer = match lie {
        Lie::WebPage => Some("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 14\r\n\r\n<h1>Hello</h1>"),
        Lie::Redirect => Some("HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n"),
        Lie::Silence => Some(""),
        Lie::AllTaken
        | Lie::BrokenJson
        | Lie::WrongJson
        | Lie::Binary
        | Lie::HugeFrame
        | Lie::Flood
        | Lie::Full
        | Lie::BadKey
        | Lie::Nonsense => None,
    };
    match answer {
        Some(answer) => {
            let mut request = [0; 4096];
            // Who went already is not told anything.
            let _ = stream.read(&mut request).and_then(|_| stream.write_all(answer.as_bytes()));
            let _ = stream.read_to_end(&mut Vec::new());
        }
        None => {
            if let Ok(socket) = tungstenite::accept(stream) {
                lie_over(lie, socket);
            }
        }
    }
}

fn lie_over(lie: Lie, mut socket: WebSocket<TcpStream>) {
    let error = |msg: &str| Message::text(format!(r#"{{"type":"ERROR","payload":{{"msg":"{msg}"}}}}"#));
    let said: Vec<Message> = match lie {
        Lie::AllTaken => vec![Message::text(r#"{"type":"ID-TAKEN","payload":{"msg":"ID is taken"}}"#)],
        Lie::BrokenJson => vec![Message::text(r#"{"type":"OPEN""#)],
        Lie::WrongJson => vec![Message::text("[1, 2, 3]")],
        Lie::Binary => vec![Message::binary(vec![0xff; 64])],
        Lie::HugeFrame => vec![Message::text("x".repeat(1 << 20))],
        Lie::Flood => vec![Message::text(r#"{"type":"HEARTBEAT"}"#); 20_000],
        Lie::Full => vec![error("Server has reached its concurrent user limit")],
        Lie::BadKey => vec![error("Invalid key provided")],
        Lie::Nonsense => [
            r#"{"type":"OPEN"}"#,
            r#"{"type":"OPEN"}"#,
            r#"{"type":"TELEPORT","src":"x","dst":"y","payload":{"natter":"AAAA"}}"#,
            r#"{"type":"OFFER","payload":{"natter":"AAAA"}}"#,
            r#"{"type":"OFFER","src":"nobody","payload":{"sdp":{"type":"offer","sdp":"v=0"}}}"#,
            r#"{"type":"OFFER","src":"nobody","dst":"me","payload":{"natter":"AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="}}"#,
            r#"{"type":"ANSWER","src":"nobody","dst":"somebody else","payload":{"natter":"AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="}}"#,
            r#"{"type":"CANDIDATE","src":"nobody","payload":{"natter":"!!!"}}"#,
            r#"{"type":"EXPIRE","src":"nobody"}"#,
            r#"{"type":"LEAVE","src":"nobody"}"#,
        ]
        .map(Message::text)
        .into(),
        Lie::WebPage | Lie::Redirect | Lie::Silence => Vec::new(),
    };
    for message in said {
        if socket.send(message).is_err() {
            return;
        }
    }
    // Stays until the other side goes.
    while socket.read().is_ok() {}
}
