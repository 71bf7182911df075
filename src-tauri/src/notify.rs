//! Rings: what a person should hear about while the window is elsewhere.
//!
//! A ring becomes a desktop notification (freedesktop.org Desktop Notifications 1.2; the other systems' own through
//! the same plugin). A click brings the window forward and tells the page which room to open. Peers decide how often
//! a room rings, so that a [`Limit`] decides how much of it reaches the desktop.

use crate::window::MAIN;
use std::time::{Duration, Instant};
use tauri::{AppHandle, Emitter, Manager, Runtime};
use tauri_plugin_notification::NotificationExt;

/// The event by which the page learns that a notification was clicked: `{room, message}`.
pub(crate) const OPEN_ROOM: &str = "natter:open-room";

/// How many notifications may come at once.
const BURST: u32 = 4;
/// How long until one more may come.
const REFILL: Duration = Duration::from_secs(3);
/// Longest title and body, in characters; a notification shows two or three lines of it anyway.
const TITLE_MAX: usize = 80;
const BODY_MAX: usize = 300;
/// What a knock says: the API gives it no text.
const KNOCK: &str = "Would like to come in";

/// Something to hear about.
#[derive(Debug)]
pub(crate) struct Ring {
    /// Room id.
    pub(crate) room: String,
    /// Room name.
    pub(crate) room_name: String,
    /// Message id; none for a knock.
    pub(crate) message: Option<String>,
    /// Sender.
    pub(crate) name: String,
    /// One line of it; empty for a knock.
    pub(crate) text: String,
}

/// Shows it.
pub(crate) fn show<R: Runtime>(app: &AppHandle<R>, ring: &Ring) {
    let shown = app
        .notification()
        .builder()
        .title(shorten(&ring.name, TITLE_MAX))
        .body(body(ring))
        .extra("room", &ring.room)
        .extra("message", &ring.message)
        .show();
    if let Err(error) = shown {
        tracing::warn!(%error, room = ring.room, "no notification");
    }
}

/// Brings the window forward when a notification is clicked.
pub(crate) fn listen<R: Runtime>(app: &AppHandle<R>) -> tauri_plugin_notification::Result<()> {
    let handle = app.clone();
    app.notification().on_action(move |action| {
        let Some(window) = handle.get_webview_window(MAIN) else { return };
        #[cfg(desktop)]
        // Each may be refused by a window manager; the page opens the room all the same.
        for outcome in [window.unminimize(), window.show(), window.set_focus()] {
            if let Err(error) = outcome {
                tracing::debug!(%error, "the window stays where it is");
            }
        }
        let Some(clicked) = action.notification() else { return };
        let target =
            serde_json::json!({ "room": clicked.extra().get("room"), "message": clicked.extra().get("message") });
        if let Err(error) = window.emit(OPEN_ROOM, target) {
            tracing::debug!(%error, "the page does not hear");
        }
    })
}

/// The text (a knock has none), then the room on a line of its own. A Linux desktop reads markup in a body, and both came from peers.
fn body(ring: &Ring) -> String {
    let text =
        if ring.message.is_none() && ring.text.is_empty() { KNOCK.to_owned() } else { shorten(&ring.text, BODY_MAX) };
    let body =
        if ring.room_name == ring.name { text } else { format!("{text}\n{}", shorten(&ring.room_name, TITLE_MAX)) };
    if cfg!(target_os = "linux") { body.replace('&', "&amp;").replace('<', "&lt;") } else { body }
}

fn shorten(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// A token bucket: [`BURST`] at once, then one each [`REFILL`]. What is over is not shown; unread counts still tell.
#[derive(Debug)]
pub(crate) struct Limit {
    left: u32,
    since: Instant,
}

impl Limit {
    /// A full bucket.
    pub(crate) fn new(now: Instant) -> Self {
        Self { left: BURST, since: now }
    }

    /// Whether one more may be shown.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        while self.left < BURST && now.duration_since(self.since) >= REFILL {
            self.left += 1;
            self.since += REFILL;
        }
        if self.left == BURST {
            self.since = now;
        }
        if self.left == 0 {
            return false;
        }
        self.left -= 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(text: &str) -> Ring {
        let (room, room_name) = ("r".to_owned(), "Garden & <shed>".to_owned());
        Ring { room, room_name, message: None, name: "Ada".to_owned(), text: text.to_owned() }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_peers_text_never_becomes_markup() {
        let hostile = ring("<img src=\"file:///etc/passwd\"> & <a href='x'>y</a>");
        let expected = "&lt;img src=\"file:///etc/passwd\"> &amp; &lt;a href='x'>y&lt;/a>\nGarden &amp; &lt;shed>";
        assert_eq!(body(&hostile), expected);
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let shown = body(&ring(&"ü".repeat(BODY_MAX + 1)));
        assert!(shown.starts_with(&format!("{}…\n", "ü".repeat(BODY_MAX))));
    }

    #[test]
    fn a_knock_says_what_it_is() {
        assert!(body(&ring("")).starts_with("Would like to come in\nGarden"));
    }

    #[test]
    fn a_storm_of_rings_shows_a_few_and_then_one_at_a_time() {
        let start = Instant::now();
        let mut limit = Limit::new(start);
        assert_eq!((0..100).filter(|_| limit.take(start)).count(), BURST as usize);
        assert!(!limit.take(start + REFILL / 2));
        assert!(limit.take(start + REFILL));
        assert!(!limit.take(start + REFILL));
        let quiet = start + REFILL * 1000;
        assert_eq!((0..100).filter(|_| limit.take(quiet)).count(), BURST as usize);
    }
}
