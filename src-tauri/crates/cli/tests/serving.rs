//! `natter-cli serve` as a browser meets it, and as another site's page does.

mod common;

use common::{SOON, natter, png};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

struct Server {
    child: Child,
    address: String,
    token: String,
}

struct Answer {
    status: u16,
    headers: String,
    body: Vec<u8>,
}

impl Server {
    fn start(profile: &Path) -> Self {
        let mut child = natter(&[
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--no-lan",
            "--no-embedded-broker",
            "--name",
            "Ada",
            "--unprotected",
            "--data-dir",
        ])
        .arg(profile)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("says where");
        let url = line.trim().strip_prefix("http://").expect("an address");
        let (address, token) = url.split_once("/#token=").expect("a token");
        Self { child, address: address.to_owned(), token: token.to_owned() }
    }

    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(&self.address).expect("listens");
        stream.set_read_timeout(Some(SOON)).expect("set");
        let mut head = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
        if !headers.iter().any(|(name, _)| *name == "host") {
            head.push_str(&format!("host: {}\r\n", self.address));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        stream.write_all(format!("{head}\r\n").as_bytes()).expect("sent");
        // A refusal may come, and close, before the whole body is read.
        let _ = stream.write_all(body);
        let mut whole = Vec::new();
        let _ = stream.read_to_end(&mut whole);
        let split = whole.windows(4).position(|w| w == b"\r\n\r\n").expect("a head");
        let headers = String::from_utf8_lossy(&whole[..split]).to_lowercase();
        let status = headers[9..12].parse().expect("a status");
        Answer { status, headers, body: whole[split + 4..].to_vec() }
    }

    fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send("GET", path, headers, b"")
    }

    fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    fn media(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.get(&format!("/media/{path}?token={}", self.token), headers)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

type Socket = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

async fn open(server: &Server, token: &str, origin: Option<&str>) -> Result<Socket, u16> {
    let mut request = format!("ws://{}/api?token={token}", server.address).into_client_request().expect("a URL");
    if let Some(origin) = origin {
        request.headers_mut().insert("origin", origin.parse().expect("a value"));
    }
    match tokio_tungstenite::connect_async(request).await {
        Ok((socket, _)) => Ok(socket),
        Err(tokio_tungstenite::tungstenite::Error::Http(response)) => Err(response.status().as_u16()),
        Err(error) => panic!("no answer: {error}"),
    }
}

async fn next(socket: &mut Socket) -> Value {
    loop {
        match tokio::time::timeout(SOON, socket.next()).await.expect("in time").expect("open").expect("whole") {
            Message::Text(line) => return serde_json::from_str(&line).expect("JSON"),
            Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("unexpected: {other:?}"),
        }
    }
}

async fn ask(socket: &mut Socket, id: u64, command: Value) -> Value {
    socket.send(Message::Text(json!({"id": id, "command": command}).to_string().into())).await.expect("sent");
    loop {
        let line = next(socket).await;
        if line["id"] == id {
            return line;
        }
    }
}

#[tokio::test]
async fn a_page_talks_uploads_and_shows() {
    let dir = tempfile::tempdir().expect("a directory");
    let server = Server::start(dir.path());
    let origin = server.origin();

    let page = server.get("/", &[]);
    assert!(page.status == 200 && page.body.starts_with(b"<!doctype html>"));
    for part in [
        "content-security-policy: default-src 'none'; script-src 'self'",
        "frame-ancestors 'none'",
        "nosniff",
        "no-referrer",
        "x-frame-options: deny",
    ] {
        assert!(page.headers.contains(part), "{part} in {}", page.headers);
    }
    assert!(!page.headers.contains("unsafe"));
    assert_eq!(server.get("/main.js", &[]).status, 200);
    assert_eq!(server.get("/../Cargo.toml", &[]).status, 404);

    let mut socket = open(&server, &server.token, Some(&origin)).await.expect("let in");
    let first = next(&mut socket).await;
    assert_eq!((&first["type"], &first["snapshot"]["phase"]), (&json!("snapshot"), &json!("ready")));
    let room = ask(&mut socket, 1, json!({"type": "createRoom", "name": "Kitchen"})).await["reply"]["room"].clone();
    let path = json!({"type": "stageFile", "path": "/etc/passwd"});
    assert_eq!(ask(&mut socket, 2, path).await["error"]["code"], "badRequest", "a page names no paths");

    let bytes = png(300, 200);
    let bearer = format!("Bearer {}", server.token);
    let stage = |body: &[u8], extra: &[(&str, &str)]| {
        let headers = [
            &[("origin", origin.as_str()), ("authorization", bearer.as_str()), ("x-name", "K%C3%A4tzchen.png")],
            extra,
        ]
        .concat();
        server.send("POST", "/stage", &headers, body)
    };
    let staged = stage(&bytes, &[]);
    let staged: Value =
        serde_json::from_slice(&staged.body[staged.body.iter().position(|b| *b == b'{').expect("JSON")..])
            .expect("JSON");
    assert_eq!(
        (&staged["type"], &staged["staged"]["name"], &staged["staged"]["width"]),
        (&json!("staged"), &json!("Kätzchen.png"), &json!(300))
    );
    let refused = stage(b"<svg/>", &[]);
    assert!(refused.status == 400 && String::from_utf8_lossy(&refused.body).contains("notAPicture"));
    assert_eq!(stage(&vec![0; 26 * 1024 * 1024], &[]).status, 413);

    let send = json!({"type": "sendPicture", "room": room, "staged": staged["staged"]["id"]});
    assert_eq!(ask(&mut socket, 3, send).await["reply"]["type"], "sent");
    let timeline = ask(&mut socket, 4, json!({"type": "timeline", "room": room})).await;
    let messages = timeline["reply"]["messages"].as_array().expect("a page").clone();
    let picture = messages.last().expect("the picture")["body"]["picture"].clone();
    let url = picture["url"].as_str().expect("a path");
    let whole = server.media(url, &[]);
    assert!(whole.status == 200 && whole.body == bytes);
    for part in [
        "content-type: image/png",
        "x-content-type-options: nosniff",
        "content-security-policy: default-src 'none'; sandbox",
        "accept-ranges: bytes",
    ] {
        assert!(whole.headers.contains(part), "{part} in {}", whole.headers);
    }
    let part = server.media(url, &[("range", "bytes=1-3")]);
    assert!(
        part.status == 206
            && part.body == b"PNG"
            && part.headers.contains(&format!("content-range: bytes 1-3/{}", bytes.len()))
    );
    assert_eq!(server.media(url, &[("range", "bytes=999999999-")]).status, 416);
    assert_eq!(server.media("blob/x/y", &[]).status, 404);
    assert_eq!(server.media("../../etc/passwd", &[]).status, 404);
}

#[tokio::test]
async fn nobody_else_gets_in() {
    let dir = tempfile::tempdir().expect("a directory");
    let server = Server::start(dir.path());
    let origin = server.origin();
    assert_eq!(open(&server, "wrong", Some(&origin)).await.err(), Some(401));
    assert_eq!(open(&server, &server.token, Some("http://evil.example")).await.err(), Some(403));
    assert_eq!(open(&server, &server.token, None).await.err(), Some(403));

    let rebound = [("host", "evil.example")];
    assert_eq!(server.get("/", &rebound).status, 403, "a name that was pointed here");
    assert_eq!(server.get("/media/staged/x", &[]).status, 401);
    assert_eq!(server.media("staged/x", &[("sec-fetch-site", "cross-site")]).status, 403);
    let bearer = format!("Bearer {}", server.token);
    let from =
        |origin: &str| server.send("POST", "/stage", &[("origin", origin), ("authorization", &bearer)], b"x").status;
    assert_eq!((from("http://evil.example"), from("null"), from(&origin)), (403, 403, 400));
    assert_eq!(server.send("POST", "/stage", &[("origin", &origin)], b"x").status, 401);
    assert_eq!(server.send("DELETE", "/", &[("origin", &origin)], b"").status, 405);
}

#[tokio::test]
async fn the_first_good_request_earns_a_cookie_that_scripts_cannot_read() {
    let dir = tempfile::tempdir().expect("a directory");
    let server = Server::start(dir.path());
    let answer = server.media("staged/none", &[]);
    let cookie = answer.headers.lines().find_map(|line| line.strip_prefix("set-cookie: ")).expect("a cookie");
    assert!(cookie.contains("httponly") && cookie.contains("samesite=strict"));
    let port = server.address.rsplit(':').next().expect("a port");
    let cookie = format!("natter_{port}={}", server.token);
    assert_eq!(server.get("/media/staged/none", &[("cookie", &cookie)]).status, 404, "known, and nothing there");
}

#[tokio::test]
async fn a_seventeenth_page_is_turned_away() {
    let dir = tempfile::tempdir().expect("a directory");
    let server = Server::start(dir.path());
    let origin = server.origin();
    let mut pages = Vec::new();
    for _ in 0..16 {
        pages.push(open(&server, &server.token, Some(&origin)).await.expect("let in"));
    }
    assert_eq!(open(&server, &server.token, Some(&origin)).await.err(), Some(503));
}
