//! The system's own save dialog. The name it suggests was sanitised by the node; where the file goes is the person's
//! word alone.

use natter_node::api::{ApiError, Code};
use std::path::PathBuf;
use tauri::{Runtime, WebviewWindow};
use tauri_plugin_dialog::DialogExt;
use tokio::sync::oneshot;

/// Asks where to save; `None` when the person cancels.
pub(crate) async fn ask<R: Runtime>(window: &WebviewWindow<R>, name: &str) -> Result<Option<PathBuf>, ApiError> {
    let (answer, answered) = oneshot::channel();
    let dialog = window.dialog().file().set_file_name(name);
    #[cfg(desktop)]
    let dialog = dialog.set_parent(window);
    // The window may be gone by the time the dialog closes: then nobody waits for the answer.
    dialog.save_file(move |path| drop(answer.send(path)));
    let Ok(Some(chosen)) = answered.await else { return Ok(None) };
    let nowhere = || ApiError::new(Code::DiskFailed, "Natter cannot save to that place. Choose a folder.");
    chosen.into_path().map(Some).map_err(|_| nowhere())
}
