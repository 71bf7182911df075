//! The HTTP half: what PeerServer serves under its path, and the upgrade to a WebSocket.
//!
//! | request | answer |
//! |---|---|
//! | `GET {path}` | `{"name", "description", "website"}` |
//! | `GET {path}{any key}/id` | a fresh UUID v4, as text |
//! | `GET {path}{any key}/peers` | the ids that are online as a JSON array, or 401 |
//! | WebSocket `{path}peerjs?key=&id=&token=` | the protocol |
//!
//! Every answer may be read by any page (`Access-Control-Allow-Origin` reflects the Origin), as with stock PeerServer.

use crate::address::Address;
use crate::config::{Config, MountPath, READ_BUFFER};
use crate::protocol::Hello;
use crate::shared::Shared;
use crate::socket;
use axum::Json;
use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{ConnectInfo, RawQuery, Request, State};
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;
use uuid::Uuid;

/// A broker to nest into somebody else's server.
///
/// Must be called within a Tokio runtime. Serve it with `into_make_service_with_connect_info::<SocketAddr>()`: without
/// the peer's address, limits per address do not apply. Limits on connections and slow requests are the server's own;
/// [`crate::Broker`] has them.
pub fn router(config: Config) -> Router {
    routes(Shared::start(config))
}

pub(crate) fn routes(shared: Arc<Shared>) -> Router {
    let base = shared.config.path.clone();
    let base = base.as_str();
    let mut router = Router::new()
        .route(base, get(about))
        .route(&format!("{base}peerjs"), get(upgrade))
        .route(&format!("{base}{{key}}/id"), get(fresh_id))
        .route(&format!("{base}{{key}}/peers"), get(peers));
    if shared.config.path != MountPath::default() {
        router = router.route(base.trim_end_matches('/'), get(about));
    }
    router.layer(from_fn(cross_origin)).with_state(shared)
}

/// Byte for byte what stock says: some clients look for it to recognise a PeerServer.
const ABOUT: &str = concat!(
    r#"{"name":"PeerJS Server","#,
    r#""description":"A server side element to broker connections between PeerJS clients.","#,
    r#""website":"https://peerjs.com/"}"#
);

async fn about() -> Response {
    ([(header::CONTENT_TYPE, "application/json; charset=utf-8")], ABOUT).into_response()
}

async fn fresh_id(State(shared): State<Arc<Shared>>) -> Html<String> {
    loop {
        let id = Uuid::new_v4().to_string();
        if !shared.with(|hub, _| hub.holds(&id)) {
            // As stock does it: the type is text/html, the body the bare id.
            return Html(id);
        }
    }
}

async fn peers(State(shared): State<Arc<Shared>>) -> Response {
    let ids = shared.with(|hub, _| hub.discover().map(|ids| json!(ids)));
    match ids {
        Some(ids) => Json(ids).into_response(),
        None => (StatusCode::UNAUTHORIZED, "Unauthorized").into_response(),
    }
}

async fn upgrade(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
    extensions: Extensions,
    upgrade: WebSocketUpgrade,
) -> Response {
    let hello = Hello::from_query(query.as_deref().unwrap_or_default());
    let from = extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| Address::from(peer.ip()));
    // A message a little over the limit is refused in words; one over twice the limit ends the socket while it is read.
    let largest = shared.config.limits.message_bytes.saturating_mul(2);
    upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_message_size(largest)
        .max_frame_size(largest)
        .on_upgrade(async move |websocket| match shared.attach(&hello, from) {
            Ok(attached) => socket::run(websocket, attached).await,
            Err(refusal) => socket::refuse(websocket, refusal).await,
        })
}

/// CORS as the npm package `cors` does it with `origin: true`, which is stock PeerServer's setting.
async fn cross_origin(request: Request, next: Next) -> Response {
    const METHODS: HeaderValue = HeaderValue::from_static("GET,HEAD,PUT,PATCH,POST,DELETE");
    let asked = request.headers();
    let origin = asked.get(header::ORIGIN).cloned();
    let wanted = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    let preflight = request.method() == Method::OPTIONS;
    let mut response = if preflight { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    let headers = response.headers_mut();
    vary(headers, header::ORIGIN);
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
    if preflight {
        vary(headers, header::ACCESS_CONTROL_REQUEST_HEADERS);
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        if let Some(wanted) = wanted {
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted);
        }
    }
    response
}

fn vary(headers: &mut HeaderMap, on: HeaderName) {
    headers.append(header::VARY, on.into());
}
