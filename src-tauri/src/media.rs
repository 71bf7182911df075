//! The `natter-media` scheme: pictures, avatars and QR codes for the page, by the paths that the API names.
//!
//! [`natter_node::media`] decides what may be shown and reads ranges; this puts its answer into a response. Bytes
//! came from peers, so that what may not be shown is not found here at all: saving goes through the system's dialog.

use natter_node::Node;
use natter_node::media::{DOWNLOAD, HEADERS, MediaBody, RangeAsked, byte_range};
use std::io;
use tauri::http::header::{ACCEPT_RANGES, CONTENT_RANGE, CONTENT_TYPE, HeaderName, RANGE};
use tauri::http::{HeaderValue, Request, Response, StatusCode};
use tauri::{Manager, UriSchemeContext, UriSchemeResponder, Wry, async_runtime};

/// The scheme's name, as tauri.conf.json's policy lets images load from it.
pub(crate) const SCHEME: &str = "natter-media";

/// Answers one request of the page.
pub(crate) fn serve(context: UriSchemeContext<'_, Wry>, request: Request<Vec<u8>>, responder: UriSchemeResponder) {
    let node = context.app_handle().try_state::<Node>().map(|node| node.inner().clone());
    async_runtime::spawn(async move {
        let path = request.uri().path().trim_start_matches('/').to_owned();
        let found = match node {
            Some(node) => node.media(&path).await.ok(),
            None => None,
        };
        let asked = request.headers().get(RANGE).and_then(|value| value.to_str().ok()).map(str::to_owned);
        // Reading decrypts and touches the disk.
        let read = async_runtime::spawn_blocking(move || answer(found, asked.as_deref())).await;
        responder.respond(read.unwrap_or_else(|_| with_status(StatusCode::INTERNAL_SERVER_ERROR, Vec::new())));
    });
}

/// The bytes or a part of them, or 404 for what is not here, not to be shown or damaged.
fn answer(found: Option<MediaBody>, asked: Option<&str>) -> Response<Vec<u8>> {
    let Some(body) = found.filter(|body| body.mime != DOWNLOAD && body.download.is_none()) else {
        return with_status(StatusCode::NOT_FOUND, Vec::new());
    };
    part(body, asked).unwrap_or_else(|error| {
        tracing::warn!(%error, "media not read");
        with_status(StatusCode::NOT_FOUND, Vec::new())
    })
}

fn part(mut body: MediaBody, asked: Option<&str>) -> io::Result<Response<Vec<u8>>> {
    let (mime, length) = (body.mime, body.len);
    let mut response = match byte_range(asked, length) {
        RangeAsked::Whole => with_status(StatusCode::OK, body.read(0..length)?),
        RangeAsked::Part(range) => {
            let (first, last) = (range.start, range.end - 1);
            let mut response = with_status(StatusCode::PARTIAL_CONTENT, body.read(range)?);
            insert(&mut response, CONTENT_RANGE, &format!("bytes {first}-{last}/{length}"));
            response
        }
        RangeAsked::Unsatisfiable => {
            let mut response = with_status(StatusCode::RANGE_NOT_SATISFIABLE, Vec::new());
            insert(&mut response, CONTENT_RANGE, &format!("bytes */{length}"));
            response
        }
    };
    insert(&mut response, CONTENT_TYPE, mime);
    insert(&mut response, ACCEPT_RANGES, "bytes");
    Ok(response)
}

fn with_status(status: StatusCode, body: Vec<u8>) -> Response<Vec<u8>> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    for (name, value) in HEADERS {
        insert(&mut response, HeaderName::from_static(name), value);
    }
    // The page's own scheme is another one, and nothing but the page can reach this one.
    insert(&mut response, HeaderName::from_static("cross-origin-resource-policy"), "cross-origin");
    response
}

fn insert(response: &mut Response<Vec<u8>>, name: HeaderName, value: &str) {
    let value = HeaderValue::from_str(value).expect("built here from numbers and fixed words");
    response.headers_mut().insert(name, value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_here_is_not_found_and_still_locked_down() {
        let response = answer(None, Some("bytes=0-1"));
        assert_eq!((response.status(), response.body().len()), (StatusCode::NOT_FOUND, 0));
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        assert_eq!(response.headers()["content-security-policy"], "default-src 'none'; sandbox");
    }
}
