//! The facade that every host holds.
//!
//! A node is always in one [`Phase`]: *setup* (no identity yet), *locked* (a passphrase is needed), *ready*, or
//! *broken* (the database cannot be opened and was left as it is). Only in *ready* is there a session: store, engine,
//! links and the embedded broker. Commands outside it are refused with the code that says why.

mod commands;
mod deciding;
mod keeping;
mod opening;
mod pictures;
mod reading;
mod session;
mod watch;
mod wire;

use crate::api::{ApiError, Code, Command, Event, Phase, Reply, Snapshot};
use crate::config::NodeConfig;
use crate::mirror::Mirror;
use crate::pictures::Shelf;
use natter_store::StoreKey;
use natter_store::sqlite::SqliteStore;
use session::Session;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use tokio::sync::{Semaphore, broadcast};

pub use keeping::{Imported, backup_profile, restore_profile};
pub use pictures::File;

/// Events that a subscriber may leave unread; after that it has lagged and takes a new snapshot.
pub const EVENTS_QUEUED: usize = 1024;

/// A running node. Clones share it.
#[derive(Clone)]
pub struct Node(Arc<Inner>);

struct Inner {
    config: NodeConfig,
    face: Mutex<Face>,
    events: broadcast::Sender<Event>,
    shelf: Mutex<Shelf>,
    /// One picture is decoded at a time: each may take a third of a gigabyte.
    decoding: Semaphore,
    /// Held while the phase changes, which takes a while.
    stage: tokio::sync::Mutex<Stage>,
    session: RwLock<Option<Arc<Session>>>,
}

/// What hosts see, and why if it is broken.
struct Face {
    mirror: Mirror,
    broken: Option<ApiError>,
}

/// Where the node stands, with what it needs to go on.
enum Stage {
    /// No identity yet.
    Setup(Begun),
    /// The passphrase is needed.
    Locked,
    /// There is a session.
    Ready,
    /// See `Face::broken`.
    Broken,
    /// Shut down.
    Closed,
}

/// What a set-up that was cut short left: a key perhaps, and perhaps an empty database. The next try goes on from there.
#[derive(Clone, Default)]
struct Begun {
    key: Option<StoreKey>,
    store: Option<Arc<SqliteStore>>,
}

impl Node {
    /// Opens a profile. Whatever is wrong with its database does not fail here but is the phase *broken*: nothing is
    /// destroyed, and the host can say so. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// [`Code::BadBroker`] or [`Code::TooMany`] for the configuration's URLs.
    pub async fn open(config: NodeConfig) -> Result<Self, ApiError> {
        let config = config.checked()?;
        let node = Self(Arc::new(Inner {
            config,
            face: Mutex::new(Face { mirror: Mirror::new(Phase::Setup), broken: None }),
            events: broadcast::Sender::new(EVENTS_QUEUED),
            shelf: Mutex::default(),
            decoding: Semaphore::new(1),
            stage: tokio::sync::Mutex::new(Stage::Closed),
            session: RwLock::new(None),
        }));
        node.begin().await;
        Ok(node)
    }

    /// Carries out one command.
    ///
    /// # Errors
    /// An [`ApiError`] with its code; nothing changed then.
    pub async fn request(&self, command: Command) -> Result<Reply, ApiError> {
        commands::request(self, command).await
    }

    /// The state, and every change after it. A subscriber that leaves 1,024 events unread has lagged
    /// (`RecvError::Lagged`) and subscribes again.
    pub fn subscribe(&self) -> (Snapshot, broadcast::Receiver<Event>) {
        let mut face = self.face();
        let events = self.0.events.subscribe();
        let snapshot = face.mirror.snapshot();
        // A host that comes late must hear why nothing works.
        if let Some(error) = face.broken.clone() {
            face.mirror.trouble(error);
            self.publish(&mut face);
        }
        (snapshot, events)
    }

    /// Why the phase is *broken*, if it is.
    pub fn broken(&self) -> Option<ApiError> {
        self.face().broken.clone()
    }

    /// Own messages in all rooms that no other device holds yet: what would be gone with this one.
    pub fn unheld(&self) -> u32 {
        self.face().mirror.snapshot().rooms.iter().map(|room| room.unheld).fold(0, u32::saturating_add)
    }

    /// Says goodbye on every link, releases every address and closes the database. Takes at most 5 s; later commands
    /// are refused.
    pub async fn shutdown(&self) {
        let mut stage = self.0.stage.lock().await;
        *stage = Stage::Closed;
        let session = self.0.session.write().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(session) = session {
            session.end().await;
        }
    }

    fn face(&self) -> MutexGuard<'_, Face> {
        self.0.face.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.0.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and tells everyone, as one step.
    fn update<T>(&self, change: impl FnOnce(&mut Mirror) -> T) -> T {
        let mut face = self.face();
        let result = change(&mut face.mirror);
        self.publish(&mut face);
        result
    }

    /// Only with the face locked: events leave in the order of their revisions, and none between a snapshot and its
    /// subscription.
    fn publish(&self, face: &mut Face) {
        for event in face.mirror.take_events() {
            // Without subscribers there is nobody to tell.
            let _ = self.0.events.send(event);
        }
    }

    fn session(&self) -> Result<Arc<Session>, ApiError> {
        let session = self.0.session.read().unwrap_or_else(PoisonError::into_inner).clone();
        session.ok_or_else(|| self.not_ready())
    }

    fn not_ready(&self) -> ApiError {
        let face = self.face();
        match (face.mirror.phase(), &face.broken) {
            (Phase::Broken, Some(error)) => error.clone(),
            (Phase::Setup, _) => ApiError::new(Code::NotSetUp, "this device is not set up yet: choose a name first"),
            (Phase::Locked, _) => ApiError::new(Code::Locked, "the database waits for its passphrase"),
            (Phase::Ready | Phase::Broken, _) => ApiError::closing(),
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let session = self.session.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(session) = session {
            session.cut();
        }
    }
}

/// Runs blocking work apart from the runtime's threads.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| ApiError::internal(format!("a task of Natter's ended badly: {error}")))
}
