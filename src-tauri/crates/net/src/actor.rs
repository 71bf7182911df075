//! The actor that owns the engine: inputs in, outputs carried out, one at a time, in order.
//!
//! It never waits for what waits for it. Links and brokers are commanded without waiting (a link whose queue is full has
//! a peer that does not read: it is closed); the store gets its orders without waiting (a full queue is a failed write,
//! which the engine undoes); only the host is waited for, and a host must therefore take notices without asking the
//! actor anything in between.

use crate::brokers::Brokers;
use crate::bulk::BlobIo;
use crate::config::NetConfig;
use crate::link::Link;
use natter_engine::Engine;
use natter_engine::ids::{CommandId, LinkId, Ticket};
use natter_engine::port::{
    CloseReason, Command, Fetch, Input, LinkCommand, LinkEvent, Notify, Op, Output, Refusal, Reply, StoreTrouble,
    Stored,
};
use natter_engine::time::{Instant, Now, UnixMillis};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc;

/// Events of all links and of all brokers that wait for the engine.
const EVENTS: usize = 1024;
/// Inputs taken before outputs of the host are looked at again.
const BURST: usize = 64;

/// An order to the store.
#[derive(Debug)]
pub enum StoreOrder {
    /// One transaction; answer with `Stored::Committed` or `Stored::Failed`.
    Persist(Ticket, Vec<Op>),
    /// One read; answer with the matching `Stored`.
    Fetch(Fetch),
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
    /// Orders to the store.
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

    fn at(&self, instant: Instant) -> tokio::time::Instant {
        tokio::time::Instant::from_std(self.0 + Duration::from_micros(instant.0))
    }
}

/// Runs an engine until the host drops its end, or after `Command::Shutdown`.
pub async fn run(engine: Engine, clock: Clock, config: NetConfig, blobs: Arc<dyn BlobIo>, mut ports: Ports) {
    let (link_events, mut links_inbox) = mpsc::channel(EVENTS);
    let (signal_events, mut signals_inbox) = mpsc::channel(EVENTS);
    let mut actor = Actor {
        engine,
        clock,
        config: Arc::new(config),
        blobs,
        links: HashMap::new(),
        open: std::collections::HashSet::new(),
        link_events,
        brokers: Brokers::new(signal_events),
        closing: None,
        out: Vec::new(),
    };
    // What the engine has to say about the state it woke up with.
    actor.handle(Input::Timeout, &ports).await;
    loop {
        let due = actor.engine.next_timeout().map(|(at, _)| actor.clock.at(at));
        let timer = async {
            match due {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let input = tokio::select! {
            input = ports.inputs.recv() => match input {
                Some(input) => input,
                None => break,
            },
            Some((id, event)) = links_inbox.recv() => Input::Link(id, event),
            Some(event) = signals_inbox.recv() => Input::Signal(event),
            () = timer => Input::Timeout,
        };
        actor.handle(input, &ports).await;
        for _ in 0..BURST {
            let Ok((id, event)) = links_inbox.try_recv() else { break };
            actor.handle(Input::Link(id, event), &ports).await;
        }
        if actor.closing.is_some() {
            break;
        }
    }
    // Nobody listens to links and brokers any more: their tasks must not wait for it.
    drop((links_inbox, signals_inbox));
    actor.close(&ports).await;
}

struct Actor {
    engine: Engine,
    clock: Clock,
    config: Arc<NetConfig>,
    blobs: Arc<dyn BlobIo>,
    links: HashMap<LinkId, Link>,
    /// Links whose channel is open.
    open: std::collections::HashSet<LinkId>,
    link_events: mpsc::Sender<(LinkId, LinkEvent)>,
    brokers: Brokers,
    /// The reply to `Shutdown`, kept until everything is closed.
    closing: Option<HostNews>,
    out: Vec<Output>,
}

impl Actor {
    async fn handle(&mut self, input: Input, ports: &Ports) {
        let before = self.open.len();
        let mut shutdown = None;
        match &input {
            Input::Link(id, LinkEvent::Open { .. }) => {
                self.open.insert(*id);
            }
            Input::Link(id, LinkEvent::Closed(_)) => {
                self.links.remove(id);
                self.open.remove(id);
            }
            Input::Command(id, Command::Shutdown) => shutdown = Some(*id),
            Input::Link(..) | Input::Command(..) | Input::Signal(_) | Input::Stored(_) | Input::Timeout => {}
        }
        let mut out = std::mem::take(&mut self.out);
        self.engine.handle(input, self.clock.now(), &mut out);
        // Carrying out can bring inputs of its own (a queue that is full): those follow at once, in order.
        let mut pending = std::collections::VecDeque::from(std::mem::take(&mut out));
        while let Some(output) = pending.pop_front() {
            if let Some(input) = self.carry(output, shutdown, ports).await {
                self.engine.handle(input, self.clock.now(), &mut out);
                pending.extend(out.drain(..));
            }
        }
        self.out = out;
        if self.open.len() != before {
            let links = u32::try_from(self.open.len()).unwrap_or(u32::MAX);
            let _ = ports.host.send(HostNews::Links(links)).await;
        }
    }

    /// Carries out one output. What comes back is an input that it caused on the spot.
    async fn carry(&mut self, output: Output, shutdown: Option<CommandId>, ports: &Ports) -> Option<Input> {
        match output {
            Output::Link(id, LinkCommand::Open { purpose, remote }) => {
                let (config, blobs) = (Arc::clone(&self.config), Arc::clone(&self.blobs));
                let link = Link::open(id, purpose, remote, config, blobs, self.link_events.clone());
                self.links.insert(id, link);
            }
            Output::Link(id, command) => {
                let closes = matches!(command, LinkCommand::Close);
                let link = self.links.get(&id)?;
                let taken = link.command(command);
                if closes || !taken {
                    // Dropping the handle ends the task, after what it already has in its queue.
                    self.links.remove(&id);
                    self.open.remove(&id);
                }
                if !taken && !closes {
                    return Some(Input::Link(id, LinkEvent::Closed(CloseReason::Local)));
                }
            }
            Output::Signal(command) => self.brokers.command(command),
            Output::Persist(ticket, ops) => {
                if ports.store.try_send(StoreOrder::Persist(ticket, ops)).is_err() {
                    return Some(Input::Stored(Stored::Failed(ticket, StoreTrouble::Failed)));
                }
            }
            Output::Fetch(fetch) => {
                let ticket = match &fetch {
                    Fetch::Entries { ticket, .. } | Fetch::Lookup { ticket, .. } | Fetch::BlobRooms { ticket, .. } => {
                        *ticket
                    }
                };
                if ports.store.try_send(StoreOrder::Fetch(fetch)).is_err() {
                    return Some(Input::Stored(Stored::Failed(ticket, StoreTrouble::Failed)));
                }
            }
            Output::Reply(id, reply) if shutdown == Some(id) => self.closing = Some(HostNews::Reply(id, reply)),
            Output::Reply(id, reply) => {
                let _ = ports.host.send(HostNews::Reply(id, reply)).await;
            }
            Output::Notify(notify) => {
                let _ = ports.host.send(HostNews::Notify(notify)).await;
            }
        }
        None
    }

    /// Waits until every link has said its goodbye and every address is released, then answers `Shutdown`.
    async fn close(mut self, ports: &Ports) {
        self.links.clear();
        // Each link task holds a sender; when the last is gone all sockets are closed.
        let events = self.link_events;
        let gone = async {
            while events.strong_count() > 1 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let _ = tokio::time::timeout(Duration::from_secs(1), gone).await;
        self.brokers.close().await;
        if let Some(reply) = self.closing {
            let _ = ports.host.send(reply).await;
        }
    }
}
