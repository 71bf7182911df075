//! What runs while a node is *ready*: the actor with engine and links, the pump that folds its notices into the state,
//! the embedded broker, and the watch over the clock and the network.

use super::wire::Wire;
use super::{Inner, Node, blocking};
use super::{deciding, watch};
use crate::api::{ApiError, Code, JoinProgress};
use crate::config::broker_urls;
use crate::library::Disk;
use crate::mirror::{AUTO_FETCH_BYTES, Mirror};
use natter_broker::Broker;
use natter_engine::identity::SecretKey;
use natter_engine::ids::{BlobHash, CommandId, DeviceId, RoomId, Ticket};
use natter_engine::port::{Boot, Command, Fetch, Input, Notify, Refusal, Reply, Standing, Stored, StoredEntry};
use natter_engine::wire::{Body, kind};
use natter_net::HostNews;
use natter_store::Store;
use natter_store::sqlite::SqliteStore;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{Notify as Notice, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Notices folded in one step.
const BATCH: usize = 256;
/// Commands that may wait for the engine's reply.
pub(crate) const COMMANDS_WAITING: usize = 1024;
/// How long the goodbye may take before the links are cut.
const GOODBYE: Duration = Duration::from_secs(3);
/// How long the actor and the broker may take to end after that.
const ENDING: Duration = Duration::from_secs(2);
/// Pictures looked at in each room at start, newest first, for bytes that never came.
const RESUMED: usize = 100;

/// Where the embedded broker listens when it can; not PeerServer's 9000, which a developer may be running.
pub(crate) const EMBEDDED_PORT: u16 = 9753;

/// A blob younger than this may belong to an entry that is still on its way into the database.
const SWEPT_AGE: Duration = Duration::from_secs(60);

const BROKERS_SETTING: &str = "brokers";
const PORT_SETTING: &str = "broker.port";

type Answer = Result<Reply, Refusal>;

/// The running half of a node.
pub(crate) struct Session {
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) own: DeviceId,
    pub(crate) unprotected: bool,
    /// Taken at the end: the actor ends when nobody can command it any more.
    inputs: Mutex<Option<mpsc::Sender<Input>>>,
    waiting: Mutex<HashMap<CommandId, oneshot::Sender<Answer>>>,
    next: AtomicU64,
    broker: Mutex<Option<Broker>>,
    /// Port of the embedded broker, if it runs.
    port: Option<u16>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    /// The watch and the sweep: they go on until they are aborted.
    errands: Mutex<Vec<JoinHandle<()>>>,
    /// One decision about others is written at a time.
    pub(super) deciding: tokio::sync::Mutex<()>,
    /// Something went that may have offered blobs.
    swept: Arc<Notice>,
}

impl Session {
    /// Starts everything and returns once the engine has told all its rooms.
    pub(super) async fn start(
        node: &Node,
        store: Arc<SqliteStore>,
        boot: Boot,
        unprotected: bool,
    ) -> Result<Arc<Self>, ApiError> {
        let config = &node.0.config;
        let own = SecretKey::from_seed(&boot.secret).device();
        let broker = if config.embedded_broker { start_broker(&store, config.lan).await } else { None };
        let (profile, knocks) = (boot.profile.clone(), knocks_of(&boot));
        let circle = boot.rooms.iter().find(|room| Some(room.room) == boot.circle);
        let linking = circle.is_some_and(|room| room.standing == Standing::Knocking && room.invite.is_some());
        let Wire { inputs, news, tasks } = Wire::start(config, Arc::clone(&store), boot)?;
        let session = Arc::new(Self {
            store,
            own,
            unprotected,
            inputs: Mutex::new(Some(inputs)),
            waiting: Mutex::default(),
            next: AtomicU64::new(1),
            port: broker.as_ref().map(|broker| broker.local_addr().port()),
            broker: Mutex::new(broker),
            tasks: Mutex::default(),
            errands: Mutex::default(),
            deciding: tokio::sync::Mutex::default(),
            swept: Arc::default(),
        });
        let (people, privacy) = deciding::kept(&session).await;
        node.update(|mirror| {
            mirror.set_own(own, profile, unprotected);
            mirror.set_people(people);
            mirror.set_privacy(privacy);
            for (room, name) in knocks {
                mirror.knocking(room, name);
            }
            mirror.set_linking(linking.then_some(JoinProgress::Connecting));
            if config.embedded_broker && session.port.is_none() {
                mirror.without_port(loopback_url(EMBEDDED_PORT));
            }
        });
        let pump = tokio::spawn(pump(Arc::downgrade(&node.0), Arc::clone(&session), news));
        lock(&session.tasks).extend(tasks);
        lock(&session.tasks).push(pump);
        session.ask(Command::SetReceipts { told: privacy.receipts }).await?;
        session.announce(node).await?;
        // Replies overtake no notice, so that after a second one the rooms of the first are folded.
        session.announce(node).await?;
        session.resume_pictures(node).await;
        let watch = watch::spawn(Arc::downgrade(&node.0), Arc::downgrade(&session));
        let sweep = tokio::spawn(sweep(Arc::downgrade(&session), Arc::clone(&session.swept)));
        lock(&session.errands).extend([watch, sweep]);
        Ok(session)
    }

    /// Asks the engine and waits for its answer.
    pub(crate) async fn ask(&self, command: Command) -> Result<Reply, ApiError> {
        let id = CommandId(self.next.fetch_add(1, Ordering::Relaxed));
        let (answer, answered) = oneshot::channel();
        let inputs = lock(&self.inputs).clone().ok_or_else(ApiError::closing)?;
        {
            let mut waiting = lock(&self.waiting);
            if waiting.len() >= COMMANDS_WAITING {
                return Err(Refusal::TooMany.into());
            }
            waiting.insert(id, answer);
        }
        if inputs.send(Input::Command(id, command)).await.is_err() {
            lock(&self.waiting).remove(&id);
            return Err(ApiError::closing());
        }
        drop(inputs);
        match answered.await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(ApiError::closing()),
        }
    }

    /// Tells the engine which brokers to use and under which URLs others reach ours; they change with the network.
    pub(crate) async fn announce(&self, node: &Node) -> Result<(), ApiError> {
        let store = Arc::clone(&self.store);
        let set = blocking(move || configured(&store)).await?;
        let embedded = self.embedded_urls(node.0.config.lan);
        let mut configured = node.0.config.brokers.clone();
        configured.extend(set.into_iter().filter(|url| !node.0.config.brokers.contains(url)));
        let mut use_ = configured.clone();
        if let Some(port) = self.port {
            use_.push(loopback_url(port));
        }
        node.update(|mirror| mirror.set_brokers(configured, embedded.clone()));
        self.ask(Command::SetBrokers { use_, announce: embedded }).await?;
        Ok(())
    }

    /// Writes down the brokers that the person set and uses them from now on.
    pub(crate) async fn set_brokers(&self, node: &Node, urls: Vec<String>) -> Result<(), ApiError> {
        let store = Arc::clone(&self.store);
        let text = serde_json::to_vec(&urls).map_err(|error| ApiError::internal(error.to_string()))?;
        blocking(move || store.put_setting(BROKERS_SETTING, Some(&text))).await??;
        self.announce(node).await
    }

    /// The URLs under which others reach the embedded broker: this machine's addresses, then loopback.
    pub(crate) fn embedded_urls(&self, lan: bool) -> Vec<String> {
        let Some(port) = self.port else { return Vec::new() };
        let addresses = if lan { super::wire::local_addresses() } else { Vec::new() };
        let mut urls: Vec<String> =
            addresses.iter().map(|ip| format!("ws://{}/", std::net::SocketAddr::new(*ip, port))).collect();
        urls.truncate(natter_engine::wire::limits::BROKERS / 2);
        urls.push(loopback_url(port));
        urls
    }

    /// Says goodbye and ends everything, in at most 5 s.
    pub(super) async fn end(&self) {
        for errand in lock(&self.errands).drain(..) {
            errand.abort();
        }
        match timeout(GOODBYE, self.ask(Command::Shutdown)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::debug!(code = ?error.code, "no goodbye"),
            Err(_) => tracing::warn!("the goodbye took too long"),
        }
        drop(lock(&self.inputs).take());
        let broker = lock(&self.broker).take();
        let tasks: Vec<_> = lock(&self.tasks).drain(..).collect();
        let ended = async {
            if let Some(broker) = broker {
                broker.stop().await;
            }
        };
        let (broker_ended, ()) = tokio::join!(timeout(ENDING, ended), join(tasks));
        if broker_ended.is_err() {
            tracing::debug!("the embedded broker is still closing its sockets");
        }
    }

    /// Ends without a goodbye: the last handle of the node went without a shutdown.
    pub(super) fn cut(&self) {
        for errand in lock(&self.errands).drain(..) {
            errand.abort();
        }
        drop(lock(&self.inputs).take());
        drop(lock(&self.broker).take());
    }

    /// Asks for a small picture's bytes; what cannot be asked for now is asked for when it is next looked at.
    pub(crate) async fn fetch_small(&self, wanted: Vec<(RoomId, BlobHash, u64)>) {
        for (room, blob, size) in wanted {
            match self.ask(Command::FetchBlob { room, blob, size }).await {
                Ok(_) => {}
                Err(error) if matches!(error.code, Code::TooMany | Code::ShuttingDown) => return,
                Err(error) => tracing::debug!(code = ?error.code, "a picture is not fetched now"),
            }
        }
    }

    async fn resume_pictures(&self, node: &Node) {
        let rooms: Vec<RoomId> = node.update(|mirror| mirror.rooms().map(|view| view.room).collect());
        let store = Arc::clone(&self.store);
        let wanted = blocking(move || {
            let pages = rooms.into_iter().filter_map(|room| store.timeline(room, None, RESUMED, &[kind::PICTURE]).ok());
            let entries: Vec<StoredEntry> = pages.flatten().collect();
            sweep_blobs(&store);
            small_and_missing(&entries, &store)
        });
        if let Ok(wanted) = wanted.await {
            self.fetch_small(wanted).await;
        }
    }
}

/// Sweeps whenever something went, and once more when what is now too young to be swept no longer is.
async fn sweep(session: Weak<Session>, swept: Arc<Notice>) {
    loop {
        swept.notified().await;
        for pause in [Duration::ZERO, SWEPT_AGE + Duration::from_secs(1)] {
            tokio::time::sleep(pause).await;
            let Some(session) = session.upgrade() else { return };
            if blocking(move || sweep_blobs(&session.store)).await.is_err() {
                return;
            }
        }
    }
}

/// Removes the blobs that no entry offers any more: of a room that was left, of messages that are gone. Blocking.
pub(crate) fn sweep_blobs(store: &SqliteStore) {
    let swept = store.blobs().sweep(SWEPT_AGE, |blob| {
        let asked = store.fetch(&Fetch::BlobRooms { ticket: Ticket(0), blob: *blob }).map_err(ApiError::from)?;
        Ok::<bool, ApiError>(!matches!(asked, Stored::BlobRooms(_, rooms, _) if rooms.is_empty()))
    });
    match swept {
        Ok(0) => {}
        Ok(gone) => tracing::info!(gone, "removed pictures that no room offers any more"),
        Err(error) => tracing::warn!("not all old pictures are gone: {error}"),
    }
}

/// Pictures among these that are fetched without being asked for and are not here.
pub(crate) fn small_and_missing(entries: &[StoredEntry], store: &SqliteStore) -> Vec<(RoomId, BlobHash, u64)> {
    entries
        .iter()
        .filter(|entry| entry.kind == kind::PICTURE)
        .filter_map(|entry| match Body::decode(entry.kind, entry.payload.as_deref()?) {
            Ok(Body::Picture(picture)) => Some((entry.room, picture.blob, picture.size)),
            Ok(_) | Err(_) => None,
        })
        .filter(|(_, blob, size)| *size <= AUTO_FETCH_BYTES && !store.blobs().has(blob))
        .collect()
}

/// Folds what the engine says into the state, in batches, until the actor ends.
async fn pump(node: Weak<Inner>, session: Arc<Session>, mut heard: mpsc::Receiver<HostNews>) {
    let mut batch = Vec::with_capacity(BATCH);
    while heard.recv_many(&mut batch, BATCH).await > 0 {
        let mut replies = Vec::new();
        let mut news = Vec::new();
        for from in batch.drain(..) {
            match from {
                HostNews::Reply(id, answer) => replies.push((id, answer)),
                HostNews::Notify(notice) => news.push(notice),
                // The rooms' presence says the same, and of whom.
                HostNews::Links(_) => {}
            }
        }
        if !news.is_empty()
            && let Some(inner) = node.upgrade()
        {
            let (node, of) = (Node(inner), Arc::clone(&session));
            match blocking(move || fold(&node, &of, news)).await {
                Ok(wanted) if wanted.is_empty() => {}
                Ok(wanted) => {
                    // Apart from the pump, which must stay free to carry the replies.
                    let session = Arc::clone(&session);
                    tokio::spawn(async move { session.fetch_small(wanted).await });
                }
                Err(error) => tracing::error!("the state may be behind: {error}"),
            }
        }
        // After the news, so that whoever hears the reply already has what it brought.
        for (id, answer) in replies {
            if let Some(asker) = lock(&session.waiting).remove(&id) {
                // Whoever asked may have gone.
                let _ = asker.send(answer);
            }
        }
    }
    lock(&session.waiting).clear();
}

fn fold(node: &Node, session: &Session, news: Vec<Notify>) -> Vec<(RoomId, BlobHash, u64)> {
    let library = Disk { store: &session.store, own: session.own, eyes: node.face().mirror.eyes() };
    let entries: Vec<StoredEntry> = news
        .iter()
        .filter_map(|notice| match notice {
            Notify::Entry { entry, .. } if entry.kind == kind::PICTURE => Some((**entry).clone()),
            Notify::Entry { .. }
            | Notify::Room(_)
            | Notify::RoomForgotten(_)
            | Notify::Held { .. }
            | Notify::Read { .. }
            | Notify::Erased { .. }
            | Notify::Typing { .. }
            | Notify::Join { .. }
            | Notify::Ask { .. }
            | Notify::Found { .. }
            | Notify::Blob { .. }
            | Notify::Broker { .. }
            | Notify::PeerMisbehaved { .. }
            | Notify::Devices(_)
            | Notify::Linking(_)
            | Notify::Profile(_)
            | Notify::StoreTrouble(_) => None,
        })
        .collect();
    let gone = news.iter().any(|notice| matches!(notice, Notify::RoomForgotten(_) | Notify::Erased { .. }));
    node.update(|mirror: &mut Mirror| {
        for notice in news {
            mirror.fold(notice, &library);
        }
        mirror.settle(&library);
    });
    if gone {
        session.swept.notify_one();
    }
    small_and_missing(&entries, &session.store)
}

fn knocks_of(boot: &Boot) -> Vec<(RoomId, String)> {
    let knocking =
        boot.rooms.iter().filter(|room| room.standing == Standing::Knocking && Some(room.room) != boot.circle);
    knocking.filter_map(|room| Some((room.room, room.invite.as_ref()?.room_name.clone()))).collect()
}

fn configured(store: &SqliteStore) -> Vec<String> {
    let read = store.setting(BROKERS_SETTING).unwrap_or_else(|error| {
        tracing::warn!(%error, "the list of brokers could not be read");
        None
    });
    let urls: Vec<String> = read.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
    broker_urls(&urls).unwrap_or_default()
}

/// The port of the last run, then the well-known one, then the next free ones: two apps on one machine each get theirs.
async fn start_broker(store: &Arc<SqliteStore>, lan: bool) -> Option<Broker> {
    /// Ports tried from the well-known one up.
    const TRIED: u16 = 64;
    let ip: std::net::IpAddr = if lan { [0, 0, 0, 0].into() } else { [127, 0, 0, 1].into() };
    let reader = Arc::clone(store);
    let last = blocking(move || reader.setting(PORT_SETTING)).await.ok()?.ok().flatten();
    let last = last.and_then(|text| std::str::from_utf8(&text).ok()?.parse::<u16>().ok()).filter(|port| *port > 0);
    let well_known = EMBEDDED_PORT..EMBEDDED_PORT.saturating_add(TRIED);
    for port in last.into_iter().chain(well_known) {
        match Broker::start((ip, port).into(), natter_broker::Config::default()).await {
            Ok(broker) => {
                if last != Some(port) {
                    let writer = Arc::clone(store);
                    let kept =
                        blocking(move || writer.put_setting(PORT_SETTING, Some(port.to_string().as_bytes()))).await;
                    if !matches!(kept, Ok(Ok(()))) {
                        tracing::warn!("the embedded broker's port is not remembered");
                    }
                }
                return Some(broker);
            }
            Err(error) => tracing::debug!(%error, "the embedded broker tries the next port"),
        }
    }
    tracing::info!("no port for the embedded broker: others must be found over brokers elsewhere");
    None
}

fn loopback_url(port: u16) -> String {
    format!("ws://127.0.0.1:{port}/")
}

async fn join(tasks: Vec<JoinHandle<()>>) {
    for mut task in tasks {
        if timeout(ENDING, &mut task).await.is_err() {
            tracing::warn!("a task did not end by itself");
            task.abort();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
