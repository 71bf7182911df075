//! The event channel: the state once, then its changes, to the page that subscribed last.

use natter_node::Node;
use natter_node::api::{Event, Snapshot};
use serde::Serialize;
use std::sync::{Mutex, PoisonError};
use tauri::async_runtime::JoinHandle;
use tauri::ipc::Channel;
use tokio::sync::broadcast::error::RecvError;

/// What the page hears: `{snapshot}` first and whenever it fell behind, else `{rev, change}`.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Told {
    /// Everything anew.
    Snapshot {
        /// The state.
        snapshot: Box<Snapshot>,
    },
    /// One change.
    Event(Box<Event>),
}

/// The one subscription. A page that reloads subscribes again and takes the place of its forerunner.
#[derive(Debug, Default)]
pub(crate) struct Subscription(Mutex<Option<JoinHandle<()>>>);

impl Subscription {
    /// Puts a new one in place of the old.
    pub(crate) fn replace(&self, new: JoinHandle<()>) {
        let old = self.0.lock().unwrap_or_else(PoisonError::into_inner).replace(new);
        if let Some(old) = old {
            old.abort();
        }
    }
}

/// Tells the page until it is gone or the node closes. A page that fell behind gets the whole state again.
pub(crate) async fn tell(node: Node, page: Channel<Told>) {
    loop {
        let (snapshot, mut events) = node.subscribe();
        let mut told = page.send(Told::Snapshot { snapshot: Box::new(snapshot) });
        while told.is_ok() {
            match events.recv().await {
                Ok(event) => told = page.send(Told::Event(Box::new(event))),
                Err(RecvError::Lagged(missed)) => {
                    tracing::debug!(missed, "the page fell behind");
                    break;
                }
                Err(RecvError::Closed) => return,
            }
        }
        if told.is_err() {
            return;
        }
    }
}
