//! Joins the actor of natter-net, which owns the engine, with the store's threads and the blobs.
//!
//! ```text
//! commands ─┐                      ┌─ orders ─→ desk ─→ store threads ─┐
//!           ├─→ inputs ─→ actor ───┤                                   │
//! stored  ←─│─────────────────────────────────────────────────────────┘
//!           └─                     └─ news ─→ pump
//! ```
//! The actor has backlogs for both, and past those waits for the pump alone; the pump and the desk never wait for the
//! actor; so nothing waits in a circle. The store's threads may wait for the actor, which is how a slow engine slows the
//! disk and not the other way round.

use crate::api::ApiError;
use crate::config::NodeConfig;
use natter_engine::Engine;
use natter_engine::ids::{BlobHash, Ticket};
use natter_engine::port::{BlobTrouble, Boot, Fetch, Input, StoreTrouble, Stored};
use natter_net::{BlobIo, BlobSink, Clock, HostNews, IceServer, NetConfig, Ports, StoreOrder};
use natter_store::blobs::{BlobWriter, Blobs};
use natter_store::sqlite::SqliteStore;
use natter_store::worker::{self, Worker};
use std::io::Read;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

pub(super) use natter_net::local_addresses;

/// Commands and store answers that wait for the engine.
const INPUTS: usize = 1024;
/// Orders that wait for the desk; beyond, they wait in the actor's own backlog.
const ORDERS: usize = 1024;
/// News that wait for the pump; beyond, they wait in the actor's own backlog.
const NEWS: usize = 1024;

/// A running engine.
pub(super) struct Wire {
    /// Where commands go. When the last is dropped the actor ends.
    pub(super) inputs: mpsc::Sender<Input>,
    /// What it says.
    pub(super) news: mpsc::Receiver<HostNews>,
    /// The actor and the desk.
    pub(super) tasks: [JoinHandle<()>; 2],
}

impl Wire {
    pub(super) fn start(config: &NodeConfig, store: Arc<SqliteStore>, boot: Boot) -> Result<Self, ApiError> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)
            .map_err(|error| ApiError::internal(format!("the system has no random source: {error}")))?;
        let (inputs, inbox) = mpsc::channel(INPUTS);
        let (orders, ordered) = mpsc::channel(ORDERS);
        let (host, news) = mpsc::channel(NEWS);
        // Weak: the store's threads must not keep an actor alive that nobody commands.
        let answers = inputs.downgrade();
        let blobs = Arc::new(SealedBlobs(Arc::clone(store.blobs())));
        let worker = worker::spawn(store, {
            let answers = answers.clone();
            move |stored| {
                // Nobody left to hear it: the engine is gone and asks anew when it next starts.
                if let Some(inputs) = answers.upgrade() {
                    drop(inputs.blocking_send(Input::Stored(stored)));
                }
            }
        })
        .map_err(|error| ApiError::internal(format!("no thread for the disk: {error}")))?;
        let clock = Clock::default();
        let engine = Engine::new(boot, seed, clock.now());
        let ports = Ports { inputs: inbox, store: orders, host };
        let actor = tokio::spawn(natter_net::run(engine, clock, net_config(config), blobs, ports));
        let desk = tokio::spawn(desk(worker, ordered, answers));
        Ok(Self { inputs, news, tasks: [actor, desk] })
    }
}

/// Hands the actor's orders to the store's threads; at the end waits until they have carried out what they were given.
async fn desk(worker: Worker, mut ordered: mpsc::Receiver<StoreOrder>, answers: mpsc::WeakSender<Input>) {
    while let Some(order) = ordered.recv().await {
        let refused = match order {
            StoreOrder::Persist(ticket, ops) => worker.persist(ticket, ops).err().map(|_| ticket),
            StoreOrder::Fetch(fetch) => {
                let ticket = ticket_of(&fetch);
                worker.fetch(fetch).err().map(|_| ticket)
            }
        };
        if let Some(ticket) = refused
            && let Some(inputs) = answers.upgrade()
        {
            // A full queue is a failed write, which the engine undoes.
            let _ = inputs.send(Input::Stored(Stored::Failed(ticket, StoreTrouble::Failed))).await;
        }
    }
    if let Err(error) = tokio::task::spawn_blocking(move || drop(worker)).await {
        tracing::error!(%error, "the store's threads ended badly");
    }
}

fn ticket_of(fetch: &Fetch) -> Ticket {
    match fetch {
        Fetch::Entries { ticket, .. }
        | Fetch::Lookup { ticket, .. }
        | Fetch::Expired { ticket, .. }
        | Fetch::BlobRooms { ticket, .. } => *ticket,
    }
}

fn net_config(config: &NodeConfig) -> NetConfig {
    NetConfig {
        ice_servers: config.ice_servers.iter().map(|url| ice_server(url)).collect(),
        relay_only: config.relay_only,
        // Two apps on one machine find each other over loopback even when the network says nothing.
        loopback: true,
    }
}

/// `turn:user:password@host:port` is how people and other tools write it; RFC 7065 has no place for the two.
fn ice_server(url: &str) -> IceServer {
    let bare = || IceServer { url: url.to_owned(), username: String::new(), credential: String::new() };
    let Some((scheme, rest)) = url.split_once(':') else { return bare() };
    let Some((user, host)) = rest.rsplit_once('@') else { return bare() };
    let (username, credential) = user.split_once(':').unwrap_or((user, ""));
    IceServer { url: format!("{scheme}:{host}"), username: username.to_owned(), credential: credential.to_owned() }
}

/// The store's sealed blobs, as the links read and write them.
struct SealedBlobs(Arc<Blobs>);

impl BlobIo for SealedBlobs {
    fn reader(&self, blob: BlobHash) -> Result<Box<dyn Read + Send>, BlobTrouble> {
        let reader = self.0.reader(blob).map_err(|error| error.trouble())?;
        Ok(Box::new(reader))
    }

    fn writer(&self, blob: BlobHash, size: u64) -> Result<Box<dyn BlobSink>, BlobTrouble> {
        let writer = Arc::clone(&self.0).owned_writer(blob, size).map_err(|error| error.trouble())?;
        Ok(Box::new(SealedSink(writer)))
    }
}

struct SealedSink(BlobWriter<Arc<Blobs>>);

impl BlobSink for SealedSink {
    fn write(&mut self, bytes: &[u8]) -> Result<(), BlobTrouble> {
        self.0.write(bytes).map_err(|error| error.trouble())
    }

    fn finish(self: Box<Self>) -> Result<(), BlobTrouble> {
        self.0.finish().map(|_| ()).map_err(|error| error.trouble())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ice_server_may_bring_its_user() {
        let server = ice_server("turn:ada:p@ss:word@10.0.0.1:3478");
        assert_eq!(
            (server.url.as_str(), server.username.as_str(), server.credential.as_str()),
            ("turn:10.0.0.1:3478", "ada", "p@ss:word")
        );
        assert_eq!(ice_server("stun:stun.example.org").url, "stun:stun.example.org");
    }
}
