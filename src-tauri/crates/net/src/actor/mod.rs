//! The actor that owns the engine: inputs in, outputs carried out, one at a time, in order.
//!
//! ```text
//! host, store ─→ inputs ─┐                    ┌─→ links, brokers   (never waits)
//! links ─────→ events ───┼─→ brain.handle ────┼─→ store            (backlog, then Failed)
//! brokers ───→ events ───┤                    └─→ host             (backlog)
//! time ──────────────────┘
//! ```
//! It waits for nobody that may wait for it. Links and brokers are commanded without waiting: a link whose queue is full
//! has a peer that does not read, and is closed. What store or host have no room for waits in a backlog, in order;
//! while one is not empty the actor takes nothing from links and brokers, so that slowness reaches the peers and not this
//! device's memory, but goes on to take what the host and the store say, so that neither waits in a circle. Past its
//! limit the store's backlog refuses (a failed write, which the engine undoes), and past the host's the actor waits for
//! the host alone: one that commands without end and never listens.

mod backlog;
#[cfg(test)]
mod tests;
mod traced;

use crate::brokers::Brokers;
use crate::bulk::BlobIo;
use crate::config::NetConfig;
use crate::link::Link;
use backlog::{Backlog, Overflow};
use natter_engine::Engine;
use natter_engine::ids::{CommandId, LinkId, Ticket};
use natter_engine::port::{
    CloseReason, Command, Fetch, Input, LinkCommand, LinkEvent, Notify, Op, Output, Refusal, Reply, SignalEvent,
    StoreTrouble, Stored,
};
use natter_engine::time::{Instant, Now, UnixMillis};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc;

/// Events of all links that wait for the engine; more make links wait, and their peers.
const LINK_EVENTS: usize = 256;
/// Events of all brokers that wait for the engine.
const SIGNAL_EVENTS: usize = 1024;
/// Links at one time, half-open and bulk included; beyond, opening fails.
const LINKS: usize = 256;
/// Orders that wait behind the store's own queue.
const ORDERS: usize = 4096;
/// News that wait behind the host's own queue.
const NEWS: usize = 16_384;
/// No timer is sooner than this after the last: a brain that is never content does not spin.
const TICK: Duration = Duration::from_millis(1);
/// How long farewells to peers, and the last words to store and host, may take each.
const FAREWELL: Duration = Duration::from_secs(1);
const LAST_WORDS: Duration = Duration::from_secs(5);

/// What the actor owns and asks: the engine, or a test's stand-in for it.
pub trait Brain: Send {
    /// As [`Engine::handle`].
    fn handle(&mut self, input: Input, now: Now, out: &mut Vec<Output>);
    /// As [`Engine::next_timeout`].
    fn next_timeout(&self) -> Option<(Instant, &'static str)>;
}

impl Brain for Engine {
    fn handle(&mut self, input: Input, now: Now, out: &mut Vec<Output>) {
        Self::handle(self, input, now, out);
    }

    fn next_timeout(&self) -> Option<(Instant, &'static str)> {
        Self::next_timeout(self)
    }
}

/// An order to the store.
#[derive(Debug)]
pub enum StoreOrder {
    /// One transaction; answer with `Stored::Committed` or `Stored::Failed`.
    Persist(Ticket, Vec<Op>),
    /// One read; answer with the matching `Stored`.
    Fetch(Fetch),
}

impl StoreOrder {
    fn ticket(&self) -> Ticket {
        match self {
            Self::Persist(ticket, _)
            | Self::Fetch(
                Fetch::Entries { ticket, .. }
                | Fetch::Lookup { ticket, .. }
                | Fetch::Expired { ticket, .. }
                | Fetch::BlobRooms { ticket, .. },
            ) => *ticket,
        }
    }
}

/// News for the host.
#[derive(Debug)]
pub enum HostNews {
    /// The answer to a command.
    Reply(CommandId, Result<Reply, Refusal>),
    /// Something changed.
    Notify(Notify),
    /// Links that are up, whenever it changes.
    Links(u32),
}

/// The actor's ends of the channels that join it to its host.
#[derive(Debug)]
pub struct Ports {
    /// Commands of the host and answers of the store.
    pub inputs: mpsc::Receiver<Input>,
    /// Orders to the store, carried out in order.
    pub store: mpsc::Sender<StoreOrder>,
    /// News for the host.
    pub host: mpsc::Sender<HostNews>,
}

/// Both clocks of this machine.
#[derive(Clone, Copy, Debug)]
pub struct Clock(std::time::Instant);

impl Default for Clock {
    fn default() -> Self {
        Self(std::time::Instant::now())
    }
}

impl Clock {
    /// Now, by both.
    pub fn now(&self) -> Now {
        let mono = u64::try_from(self.0.elapsed().as_micros()).unwrap_or(u64::MAX);
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now { mono: Instant(mono), wall: UnixMillis(u64::try_from(wall.as_millis()).unwrap_or(u64::MAX)) }
    }

    /// None when it is beyond what the system's clock can tell: never, then.
    fn at(&self, instant: Instant) -> Option<tokio::time::Instant> {
        self.0.checked_add(Duration::from_micros(instant.0)).map(tokio::time::Instant::from_std)
    }
}

/// Runs an engine until the host drops its end, or `Command::Shutdown` has been answered: the reply is the last news,
/// after every link has said its goodbye and every address is released.
pub async fn run(brain: impl Brain, clock: Clock, config: NetConfig, blobs: Arc<dyn BlobIo>, ports: Ports) {
    let (link_events, mut links) = mpsc::channel(LINK_EVENTS);
    let (signal_events, mut signals) = mpsc::channel(SIGNAL_EVENTS);
    let Ports { mut inputs, store, host } = ports;
    let mut actor = Actor {
        brain,
        clock,
        config: Arc::new(config),
        blobs,
        links: HashMap::new(),
        open: HashSet::new(),
        link_events,
        brokers: Brokers::new(signal_events),
        store: Backlog::new(store, ORDERS),
        host: Backlog::new(host, NEWS),
        shutdown: None,
        answer: None,
        told: 0,
    };
    // What the engine has to say about the state it woke up with.
    actor.handle(Input::Timeout);
    let mut tick = tokio::time::Instant::now();
    while actor.answer.is_none() {
        let due = actor.brain.next_timeout().and_then(|(at, _)| actor.clock.at(at)).map(|at| at.max(tick + TICK));
        let timer = async {
            match due {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let flowing = actor.store.is_empty() && actor.host.is_empty();
        let hearing = !actor.host.is_full();
        tokio::select! {
            () = actor.store.advance() => {}
            () = actor.host.advance() => {}
            input = inputs.recv(), if hearing => match input {
                Some(input) => actor.handle(input),
                None => break,
            },
            Some((id, event)) = links.recv(), if flowing => actor.heard(id, event),
            Some(event) = signals.recv(), if flowing => actor.handle(Input::Signal(event)),
            () = timer => {
                tick = tokio::time::Instant::now();
                actor.handle(Input::Timeout);
            }
        }
    }
    actor.close(links, signals).await;
}

struct Actor<B> {
    brain: B,
    clock: Clock,
    config: Arc<NetConfig>,
    blobs: Arc<dyn BlobIo>,
    links: HashMap<LinkId, Running>,
    /// Links whose channel is open.
    open: HashSet<LinkId>,
    link_events: mpsc::Sender<(LinkId, LinkEvent)>,
    brokers: Brokers,
    store: Backlog<StoreOrder>,
    host: Backlog<HostNews>,
    /// The command that ends us.
    shutdown: Option<CommandId>,
    /// Its reply, kept until everything is closed.
    answer: Option<HostNews>,
    /// The number of open links that the host knows.
    told: usize,
}

struct Running {
    link: Link,
    begun: tokio::time::Instant,
}

impl<B: Brain> Actor<B> {
    /// An event of a link; one that was closed is not heard of again.
    fn heard(&mut self, id: LinkId, event: LinkEvent) {
        let Some(running) = self.links.get(&id) else { return };
        match &event {
            LinkEvent::Open { .. } => {
                let setup_us = running.begun.elapsed().as_micros();
                tracing::debug!(link = id.0, setup_us, "a channel is open");
                self.open.insert(id);
            }
            LinkEvent::Closed(_) => self.forget(id),
            LinkEvent::Described(_)
            | LinkEvent::Candidate(_)
            | LinkEvent::Message(_)
            | LinkEvent::Drained(_)
            | LinkEvent::Wanted(_)
            | LinkEvent::BlobProgress { .. }
            | LinkEvent::BlobDone(_)
            | LinkEvent::BlobFailed(..) => {}
        }
        self.handle(Input::Link(id, event));
    }

    fn forget(&mut self, id: LinkId) {
        // Dropping the handle ends the task, after what it already has in its queue.
        self.links.remove(&id);
        self.open.remove(&id);
    }

    fn handle(&mut self, input: Input) {
        if let Input::Command(id, Command::Shutdown) = &input {
            self.shutdown = Some(*id);
        }
        traced::input(&input);
        let mut out = Vec::new();
        self.brain.handle(input, self.clock.now(), &mut out);
        // Carrying out can bring inputs of its own (a queue that is full): those follow, after what was said before.
        let mut pending = VecDeque::from(out);
        while let Some(output) = pending.pop_front() {
            if let Some(input) = self.carry(output) {
                let mut out = Vec::new();
                self.brain.handle(input, self.clock.now(), &mut out);
                pending.extend(out);
            }
        }
        if self.open.len() != self.told {
            self.told = self.open.len();
            self.tell(HostNews::Links(u32::try_from(self.told).unwrap_or(u32::MAX)));
        }
    }

    /// Carries out one output. What comes back is an input that it caused on the spot.
    fn carry(&mut self, output: Output) -> Option<Input> {
        traced::output(&output);
        match output {
            Output::Link(id, LinkCommand::Open { .. }) if self.links.len() >= LINKS => {
                return Some(Input::Link(id, LinkEvent::Closed(CloseReason::Local)));
            }
            Output::Link(id, LinkCommand::Open { purpose, remote }) => {
                let (config, blobs) = (Arc::clone(&self.config), Arc::clone(&self.blobs));
                let link = Link::open(id, purpose, remote, config, blobs, self.link_events.clone());
                self.links.insert(id, Running { link, begun: tokio::time::Instant::now() });
            }
            Output::Link(id, LinkCommand::Close) => self.forget(id),
            Output::Link(id, command) => {
                let running = self.links.get(&id)?;
                if !running.link.command(command) {
                    self.forget(id);
                    return Some(Input::Link(id, LinkEvent::Closed(CloseReason::Local)));
                }
            }
            Output::Signal(command) => self.brokers.command(command),
            Output::Persist(ticket, ops) => return self.order(StoreOrder::Persist(ticket, ops)),
            Output::Fetch(fetch) => return self.order(StoreOrder::Fetch(fetch)),
            Output::Reply(id, reply) if self.shutdown == Some(id) => self.answer = Some(HostNews::Reply(id, reply)),
            Output::Reply(id, reply) => self.tell(HostNews::Reply(id, reply)),
            Output::Notify(notify) => self.tell(HostNews::Notify(notify)),
        }
        None
    }

    fn order(&mut self, order: StoreOrder) -> Option<Input> {
        let Overflow(order) = self.store.push(order).err()?;
        Some(Input::Stored(Stored::Failed(order.ticket(), StoreTrouble::Failed)))
    }

    fn tell(&mut self, news: HostNews) {
        // The backlog is only full of what one input brought after inputs had stopped: so much that the host is told
        // nothing more, and will find its state behind when it asks anew. Or the host is gone.
        if let Err(Overflow(news)) = self.host.push(news) {
            tracing::warn!(news = kind(&news), "the host does not listen");
        }
    }

    /// Waits until every link has said its goodbye and every address is released, then answers `Shutdown`.
    async fn close(self, mut links: mpsc::Receiver<(LinkId, LinkEvent)>, signals: mpsc::Receiver<SignalEvent>) {
        let Self { links: running, link_events, mut brokers, mut store, mut host, answer, .. } = self;
        // Sockets must not wait for anybody to hear them.
        drop((running, link_events, signals));
        // Each link's task holds a sender; when the last is gone all sockets are closed.
        let hung_up = async { while links.recv().await.is_some() {} };
        let (hung_up, ()) = tokio::join!(tokio::time::timeout(FAREWELL, hung_up), brokers.close());
        if hung_up.is_err() {
            tracing::warn!("some links were closed without a goodbye");
        }
        // What was to be written is written, though nobody will hear of it.
        if tokio::time::timeout(LAST_WORDS, store.flush()).await.is_err() {
            tracing::error!("the store took too long: the last writes are lost");
        }
        let last = async {
            host.flush().await;
            if let Some(answer) = answer
                && let Err(Overflow(_)) = host.push(answer)
            {
                tracing::debug!("nobody waits for the end");
            }
            host.flush().await;
        };
        let _ = tokio::time::timeout(LAST_WORDS, last).await;
    }
}

fn kind(news: &HostNews) -> &'static str {
    match news {
        HostNews::Reply(..) => "reply",
        HostNews::Notify(_) => "notify",
        HostNews::Links(_) => "links",
    }
}
