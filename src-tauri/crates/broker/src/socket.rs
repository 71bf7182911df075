//! A WebSocket (RFC 6455) between a client and the hub.
//!
//! Reading and writing go on side by side, so a client that does not read can neither stop us hearing its close nor keep
//! its task from ending. The outgoing queue is the hub's, and bounded there.

use crate::config::LINGER;
use crate::hub::Frame;
use crate::hub::outbox::{Close, Outgoing};
use crate::protocol::Refusal;
use crate::shared::Attached;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code};
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use tokio::time::{sleep, timeout};

/// Who ended the conversation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// The client closed, or its line broke.
    Theirs,
    /// We sent a close frame.
    Ours,
    /// There is nobody to say goodbye to.
    Dropped,
}

/// Tells a client why it gets no id, and closes.
pub(crate) async fn refuse(socket: WebSocket, refusal: Refusal) {
    tracing::debug!(?refusal, "refused a socket");
    let (mut sink, mut stream) = socket.split();
    let goodbye = async {
        if sink.send(Message::Text(refusal.frame().into())).await.is_ok() {
            let _ = sink.send(Message::Close(None)).await;
        }
    };
    if timeout(LINGER, goodbye).await.is_ok() {
        linger(&mut stream).await;
    }
}

/// Carries frames between a client and the hub until either ends.
#[tracing::instrument(name = "socket", skip_all, fields(id = attached.socket.0))]
pub(crate) async fn run(socket: WebSocket, attached: Attached) {
    tracing::debug!("attached");
    let (mut sink, mut stream) = socket.split();
    let end = tokio::select! {
        () = read(&mut stream, &attached) => End::Theirs,
        end = write(&mut sink, &attached) => end,
        () = attached.line.drop.notified() => End::Dropped,
        () = overdue(&attached) => End::Dropped,
    };
    if end == End::Ours {
        tokio::select! {
            () = linger(&mut stream) => {}
            () = attached.line.drop.notified() => {}
        }
    }
    tracing::debug!("detached");
}

async fn read(stream: &mut (impl Stream<Item = Result<Message, axum::Error>> + Unpin), attached: &Attached) {
    while let Some(Ok(message)) = stream.next().await {
        match message {
            Message::Text(text) => attached.receive(Frame::Message(text.as_bytes())),
            Message::Binary(bytes) => attached.receive(Frame::Message(&bytes)),
            Message::Ping(bytes) | Message::Pong(bytes) => attached.receive(Frame::Control(bytes.len())),
            Message::Close(_) => {
                // The id is free before our close frame goes back: whoever sees the close may claim it. Reading on sends
                // that frame, and a client that does not take it is not waited for.
                attached.detach();
                return linger(stream).await;
            }
        }
    }
}

async fn write(sink: &mut (impl Sink<Message, Error = axum::Error> + Unpin), attached: &Attached) -> End {
    loop {
        let outgoing = attached.shared.with(|hub, _| hub.take(attached.socket));
        let sent = match outgoing {
            Some(Outgoing::Text(text)) => sink.send(Message::Text(text.into())).await,
            Some(Outgoing::Close(close)) => {
                let sent = sink.send(Message::Close(frame(close))).await;
                return if sent.is_ok() { End::Ours } else { End::Dropped };
            }
            None => {
                attached.line.write.notified().await;
                Ok(())
            }
        };
        if sent.is_err() {
            return End::Dropped;
        }
    }
}

/// Ends when the hub has said its last and the client still has not taken it.
async fn overdue(attached: &Attached) {
    attached.line.finish.notified().await;
    sleep(LINGER).await;
}

/// Reads what is still coming: closing on unread bytes resets the connection, and a reset may eat our last frames.
async fn linger(stream: &mut (impl Stream<Item = Result<Message, axum::Error>> + Unpin)) {
    let _ = timeout(LINGER, async { while let Some(Ok(_)) = stream.next().await {} }).await;
}

fn frame(close: Close) -> Option<CloseFrame> {
    let (code, reason) = match close {
        Close::Plain => return None,
        Close::GoingAway => (close_code::AWAY, "broker stopped"),
        Close::Policy => (close_code::POLICY, "too many messages"),
        Close::TooBig => (close_code::SIZE, "message too big"),
    };
    Some(CloseFrame { code, reason: Utf8Bytes::from_static(reason) })
}
