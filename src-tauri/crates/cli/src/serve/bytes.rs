//! Bytes over HTTP: pictures up, media down.

use super::Served;
use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::header::{ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, RANGE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use natter_node::api::{ApiError, Code, Reply};
use natter_node::media::{HEADERS, MediaBody, RangeAsked, attachment, byte_range};
use natter_node::names::from_header;
use natter_node::pictures::check_length;
use serde_json::json;
use std::io;
use std::ops::Range;
use tokio::sync::mpsc;

/// Bytes read from the disk at a time.
const CHUNK: u64 = 256 * 1024;
/// Chunks that wait for the network.
const CHUNKS: usize = 4;

/// Takes a picture. Its name is in `X-Name`, percent-encoded.
pub(super) async fn stage(State(served): State<Served>, request: Request) -> Response {
    let outcome = async {
        let name = from_header(request.headers().get("x-name").map(HeaderValue::as_bytes).unwrap_or_default())?;
        let announced = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        check_length(announced.unwrap_or(0))?;
        let _place =
            served.uploads.acquire().await.map_err(|_| ApiError::new(Code::ShuttingDown, "Natter is closing"))?;
        let bytes = read(request.into_body()).await?;
        served.node.stage_bytes(&name, bytes).await
    };
    match outcome.await {
        Ok(staged) => Json(Reply::Staged { staged }).into_response(),
        Err(error) => refuse(&error),
    }
}

async fn read(body: Body) -> Result<Vec<u8>, ApiError> {
    let mut bytes = Vec::new();
    let mut parts = body.into_data_stream();
    while let Some(part) = parts.next().await {
        let part = part.map_err(|_| ApiError::new(Code::BadRequest, "the upload broke off"))?;
        check_length(bytes.len() as u64 + part.len() as u64)?;
        bytes.extend_from_slice(&part);
    }
    Ok(bytes)
}

/// What stands behind a media path, whole or in part.
pub(super) async fn media(State(served): State<Served>, Path(path): Path<String>, headers: HeaderMap) -> Response {
    let body = match served.node.media(&path).await {
        Ok(body) => body,
        Err(error) => return refuse(&error),
    };
    let mut answer = HeaderMap::new();
    for (name, value) in HEADERS {
        answer.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    answer.insert(CONTENT_TYPE, HeaderValue::from_static(body.mime));
    answer.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Some(disposition) = body.download.as_deref().and_then(|name| HeaderValue::from_str(&attachment(name)).ok()) {
        answer.insert(CONTENT_DISPOSITION, disposition);
    }
    let whole = body.len;
    let asked = byte_range(headers.get(RANGE).and_then(|range| range.to_str().ok()), whole);
    let (status, part) = match asked {
        RangeAsked::Whole => (StatusCode::OK, 0..whole),
        RangeAsked::Part(part) => {
            let range = format!("bytes {}-{}/{whole}", part.start, part.end.saturating_sub(1));
            answer.extend(HeaderValue::from_str(&range).ok().map(|range| (CONTENT_RANGE, range)));
            (StatusCode::PARTIAL_CONTENT, part)
        }
        RangeAsked::Unsatisfiable => {
            answer.extend(HeaderValue::from_str(&format!("bytes */{whole}")).ok().map(|range| (CONTENT_RANGE, range)));
            return (StatusCode::RANGE_NOT_SATISFIABLE, answer).into_response();
        }
    };
    answer.insert(CONTENT_LENGTH, HeaderValue::from(part.end - part.start));
    (status, answer, stream(body, part)).into_response()
}

/// Reads on a thread of its own, as fast as the browser takes it.
fn stream(mut body: MediaBody, part: Range<u64>) -> Body {
    let (to, mut from) = mpsc::channel::<io::Result<Bytes>>(CHUNKS);
    tokio::task::spawn_blocking(move || {
        let mut at = part.start;
        while at < part.end {
            let chunk = body.read(at..part.end.min(at + CHUNK)).map(Bytes::from);
            let read = chunk.as_ref().map_or(0, Bytes::len) as u64;
            // A damaged blob ends the answer short of its length, which the browser shows as an error.
            if to.blocking_send(chunk).is_err() || read == 0 {
                return;
            }
            at += read;
        }
    });
    Body::from_stream(futures_util::stream::poll_fn(move |context| from.poll_recv(context)))
}

fn refuse(error: &ApiError) -> Response {
    let status = match error.code {
        Code::PictureTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::NoSuchMessage | Code::NoSuchRoom | Code::NoSuchInvite | Code::NoSuchStaged | Code::TransferFailed => {
            StatusCode::NOT_FOUND
        }
        Code::Internal | Code::DiskFailed | Code::DiskFull | Code::ShuttingDown => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    };
    (status, Json(json!({ "error": error }))).into_response()
}
