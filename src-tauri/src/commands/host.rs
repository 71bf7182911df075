//! Commands that need the desktop or the phone around the window.

use crate::{external, save};
use natter_node::Node;
use natter_node::api::{ApiError, Code};
use tauri::{AppHandle, State, WebviewWindow};
use tauri_plugin_opener::OpenerExt;

/// Saves a message's picture where the person says. `false` when they thought better of it.
#[tauri::command]
pub(crate) async fn save_blob(
    room: String,
    message: String,
    window: WebviewWindow,
    node: State<'_, Node>,
) -> Result<bool, ApiError> {
    let file = node.file(&room, &message).await?;
    let Some(path) = save::ask(&window, &file.name).await? else { return Ok(false) };
    node.save_blob(&room, &message, &path).await?;
    Ok(true)
}

/// Opens a link in the system's browser or mail program.
#[tauri::command]
pub(crate) fn open_external(url: &str, app: AppHandle) -> Result<(), ApiError> {
    let url = external::allowed(url)?;
    app.opener().open_url(url, None::<&str>).map_err(|error| {
        ApiError::new(Code::Internal, format!("The system has no program that opens this link: {error}."))
    })
}
