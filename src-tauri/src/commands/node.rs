//! Commands that go to the node.

use crate::attention::Attention;
use crate::events::{Subscription, Told, tell};
use crate::upload;
use natter_node::Node;
use natter_node::api::{ApiError, Command, Reply, Staged};
use tauri::ipc::{Channel, Request};
use tauri::{State, async_runtime};

/// One command of the API, one reply.
#[tauri::command]
pub(crate) async fn request(
    command: Command,
    node: State<'_, Node>,
    attention: State<'_, Attention>,
) -> Result<Reply, ApiError> {
    node.request(attention.page(command)).await
}

/// The state, then its changes.
#[tauri::command]
pub(crate) async fn subscribe(
    channel: Channel<Told>,
    node: State<'_, Node>,
    subscription: State<'_, Subscription>,
) -> Result<(), ApiError> {
    subscription.replace(async_runtime::spawn(tell(node.inner().clone(), channel)));
    Ok(())
}

/// A picture's bytes, to be sent by a later `sendPicture`. Its name comes percent-encoded in the header `x-name`.
#[tauri::command]
pub(crate) async fn stage(request: Request<'_>, node: State<'_, Node>) -> Result<Staged, ApiError> {
    let (name, bytes) = upload::read(request.headers(), request.body())?;
    node.stage_bytes(&name, bytes).await
}
