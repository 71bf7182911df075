//! Asks before the window closes while something that was written here lies on no other device.
//!
//! A signal (`kill`, Ctrl+C, the end of the session) ends the app without a question: nothing is lost by it, it arrives
//! later. The question is for a person who could wait a moment, and for a device that may not come back.

use crate::window::MAIN;
use natter_node::Node;
use std::sync::atomic::{AtomicBool, Ordering};
use tauri::{AppHandle, CloseRequestApi, Manager, Runtime};
use tauri_plugin_dialog::{DialogExt, MessageDialogButtons, MessageDialogKind};

/// Whether the question is on the screen.
#[derive(Debug, Default)]
pub(crate) struct Leaving(AtomicBool);

/// Keeps the window open and asks, if there is something to ask about.
pub(crate) fn ask<R: Runtime>(app: &AppHandle<R>, close: &CloseRequestApi) {
    let (Some(node), Some(leaving)) = (app.try_state::<Node>(), app.try_state::<Leaving>()) else { return };
    let unheld = node.unheld();
    if unheld == 0 {
        return;
    }
    close.prevent_close();
    if leaving.0.swap(true, Ordering::Relaxed) {
        return;
    }
    let handle = app.clone();
    let dialog = app
        .dialog()
        .message(words(unheld))
        .title("Not everything has arrived")
        .kind(MessageDialogKind::Warning)
        .buttons(MessageDialogButtons::OkCancelCustom("Close anyway".to_owned(), "Stay".to_owned()));
    #[cfg(desktop)]
    let dialog = match app.get_webview_window(MAIN) {
        Some(window) => dialog.parent(&window),
        None => dialog,
    };
    dialog.show(move |sure| {
        handle.state::<Leaving>().0.store(false, Ordering::Relaxed);
        if sure {
            handle.exit(0);
        }
    });
}

fn words(unheld: u32) -> String {
    let what = if unheld == 1 {
        "A message that you wrote is".to_owned()
    } else {
        format!("{unheld} messages that you wrote are")
    };
    format!(
        "{what} on this device alone so far. The others get what you wrote as soon as one of them is online at the same \
         time as you. Nothing is lost when you close Natter now; it just arrives later."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_one_and_many_are_counted() {
        assert!(words(1).starts_with("A message that you wrote is on this device alone"));
        assert!(words(12).starts_with("12 messages that you wrote are on this device alone"));
    }
}
