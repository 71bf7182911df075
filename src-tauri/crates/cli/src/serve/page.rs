//! The page: from the binary, or from a folder while it is being worked on.

use super::Served;
use super::guard::Guard;
use crate::failure::Failure;
use axum::extract::State;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use std::borrow::Cow;
use std::path::PathBuf;

mod files {
    include!(concat!(env!("OUT_DIR"), "/ui.rs"));
}

/// Where the page's files come from.
pub(super) enum Page {
    /// The binary.
    Inside,
    /// A folder.
    Folder(PathBuf),
}

impl Page {
    pub(super) fn new(folder: Option<PathBuf>) -> Result<Self, Failure> {
        let Some(folder) = folder else { return Ok(Self::Inside) };
        if folder.join("index.html").is_file() {
            return Ok(Self::Folder(folder));
        }
        Err(Failure::usage(format!("{} holds no index.html", folder.display())))
    }

    async fn file(&self, path: &str) -> Option<Cow<'static, [u8]>> {
        let path = if path.is_empty() { "index.html" } else { path };
        match self {
            Self::Inside => files::FILES.iter().find(|(name, _)| *name == path).map(|(_, bytes)| Cow::Borrowed(*bytes)),
            Self::Folder(folder) => {
                content_type(path)?;
                let plain = path.split('/').all(|part| {
                    let ordinary = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
                    !part.is_empty() && !part.starts_with('.') && part.bytes().all(ordinary)
                });
                let file = plain.then(|| folder.join(path))?;
                tokio::fs::read(file).await.ok().map(Cow::Owned)
            }
        }
    }
}

fn content_type(path: &str) -> Option<&'static str> {
    Some(match path.rsplit_once('.')?.1 {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "webp" => "image/webp",
        "woff2" => "font/woff2",
        _ => return None,
    })
}

/// Scripts, styles and pictures of our own; nothing from elsewhere, nothing inline, no frames around it.
fn policy(socket: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; \
         connect-src 'self' {socket}; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// One file of the page.
pub(super) async fn show(State(served): State<Served>, method: Method, uri: Uri, headers: HeaderMap) -> Response {
    if method != Method::GET && method != Method::HEAD {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let path = uri.path().trim_start_matches('/');
    let Some(bytes) = served.page.file(path).await else {
        return (StatusCode::NOT_FOUND, "not found\n").into_response();
    };
    let kind = content_type(if path.is_empty() { "index.html" } else { path }).unwrap_or("application/octet-stream");
    let headers = [
        (CONTENT_TYPE, kind.to_owned()),
        (CONTENT_SECURITY_POLICY, policy(&Guard::socket_source(&headers))),
        (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (X_FRAME_OPTIONS, "DENY".to_owned()),
        (REFERRER_POLICY, "no-referrer".to_owned()),
        (OPENER_POLICY, "same-origin".to_owned()),
        (RESOURCE_POLICY, "same-origin".to_owned()),
        // The binary may be a newer one the next time.
        (CACHE_CONTROL, "no-cache".to_owned()),
    ];
    (headers, bytes.into_owned()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_page_is_in_the_binary() {
        assert!(Page::Inside.file("").await.is_some_and(|html| html.starts_with(b"<!doctype html>")));
        assert!(Page::Inside.file("backend/websocket.js").await.is_some());
        assert!(Page::Inside.file("backend/api.d.ts").await.is_none(), "types are for editors");
        assert!(files::FILES.iter().all(|(name, _)| content_type(name).is_some()));
    }

    #[tokio::test]
    async fn a_folder_gives_nothing_beside_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let ui = dir.path().join("ui");
        std::fs::create_dir_all(ui.join("lib")).expect("made");
        std::fs::write(ui.join("index.html"), "page").expect("written");
        std::fs::write(ui.join("lib/a.js"), "code").expect("written");
        std::fs::write(ui.join(".secret.js"), "hidden").expect("written");
        std::fs::write(dir.path().join("secret.js"), "secret").expect("written");
        let page = Page::new(Some(ui)).expect("a page");
        assert_eq!(page.file("").await.as_deref(), Some(&b"page"[..]));
        assert_eq!(page.file("lib/a.js").await.as_deref(), Some(&b"code"[..]));
        for path in [
            "../secret.js",
            "lib/../../secret.js",
            ".secret.js",
            "lib//a.js",
            "lib\\a.js",
            "/etc/passwd",
            "%2e%2e/secret.js",
            "lib",
        ] {
            assert!(page.file(path).await.is_none(), "{path}");
        }
        assert!(Page::new(Some(dir.path().to_owned())).is_err(), "no index.html");
    }
}
