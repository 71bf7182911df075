//! The one window: it shows Natter's own page and can go nowhere else.

use crate::options::Options;
use std::path::Path;
use tauri::webview::NewWindowResponse;
use tauri::{App, Runtime, Url, WebviewUrl, WebviewWindow, WebviewWindowBuilder};

/// The window's label, as capabilities/main.json names it.
pub(crate) const MAIN: &str = "main";

/// Opens it. What the page itself keeps (drafts, the theme) lies with the profile's data.
pub(crate) fn open<R: Runtime>(app: &App<R>, options: &Options, data_dir: &Path) -> tauri::Result<WebviewWindow<R>> {
    let builder = WebviewWindowBuilder::new(app, MAIN, WebviewUrl::App("index.html".into()))
        .data_directory(data_dir.join("webview"))
        .on_navigation(is_own_page)
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .on_download(|_, _| false);
    #[cfg(desktop)]
    let builder = builder
        .title(options.profile.title())
        .inner_size(1180.0, 780.0)
        .min_inner_size(360.0, 480.0)
        // Files dropped on the window are the page's to take.
        .disable_drag_drop_handler();
    #[cfg(mobile)]
    let _ = options;
    builder.build()
}

/// Whether an address is the page that came with the app: `tauri://localhost`, or where the webview wants it so,
/// `http://tauri.localhost`.
fn is_own_page(url: &Url) -> bool {
    match url.scheme() {
        "tauri" => url.host_str() == Some("localhost"),
        "http" | "https" => url.host_str() == Some("tauri.localhost") && url.port().is_none(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_stays_on_its_own_page() {
        let own = |text: &str| is_own_page(&Url::parse(text).expect("a URL"));
        assert!(own("tauri://localhost/index.html"));
        assert!(own("http://tauri.localhost/"));
        for other in [
            "https://example.org/",
            "http://localhost/",
            "http://tauri.localhost:8080/",
            "http://tauri.localhost.example.org/",
            "tauri://elsewhere/",
            "file:///etc/passwd",
            "natter-media://localhost/picture/1",
            "data:text/html,x",
            "about:blank",
            "javascript:alert(1)",
        ] {
            assert!(!own(other), "{other} was let through");
        }
    }
}
