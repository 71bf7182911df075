//! The page's conversation with the node, over a WebSocket (RFC 6455).

use super::Served;
use crate::talk::{LINE_BYTES, Paths, Talk};
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// How often a silent page is asked whether it is there.
const PING: Duration = Duration::from_secs(20);
/// How long a page may leave a line unread before it counts as gone.
const PATIENCE: Duration = Duration::from_secs(30);

/// Opens a conversation.
pub(super) async fn open(State(served): State<Served>, upgrade: WebSocketUpgrade) -> Response {
    let Ok(place) = Arc::clone(&served.sockets).try_acquire_owned() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "too many pages are open\n").into_response();
    };
    upgrade.max_message_size(LINE_BYTES).max_frame_size(LINE_BYTES).on_upgrade(move |socket| async move {
        converse(socket, served).await;
        drop(place);
    })
}

async fn converse(mut socket: WebSocket, served: Served) {
    let (mut talk, first) = Talk::begin(served.node, Paths::Refused);
    if !say(&mut socket, Message::Text(first.into())).await {
        return;
    }
    let mut pings = interval(PING);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let told = tokio::select! {
            heard = socket.recv(), if talk.has_room() => match heard {
                Some(Ok(Message::Text(line))) => {
                    talk.hear(&line);
                    true
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => true,
                // Bytes travel by HTTP.
                Some(Ok(Message::Binary(_) | Message::Close(_)) | Err(_)) | None => false,
            },
            line = talk.next() => match line {
                Some(line) => say(&mut socket, Message::Text(line.into())).await,
                None => false,
            },
            _ = pings.tick() => say(&mut socket, Message::Ping(Vec::new().into())).await,
        };
        if !told {
            return;
        }
    }
}

async fn say(socket: &mut WebSocket, message: Message) -> bool {
    matches!(timeout(PATIENCE, socket.send(message)).await, Ok(Ok(())))
}
