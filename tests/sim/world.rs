//! The virtual clock, the queue of events, and the hands of those who tell stories.

use crate::broker::{Broker, Letter};
use crate::chance::Chance;
use crate::invariants::hold;
use crate::invariants::steps::Fact;
use crate::liar::Liar;
use crate::network::{End, EndId, Parcel};
use crate::node::{Host, Node, NodeId};
use crate::trace::{self, Trace};
use crate::weather::Weather;
use natter_engine::Engine;
use natter_engine::identity::SecretKey;
use natter_engine::ids::{Address, BrokerUrl, CommandId, DeviceId, EntryHash, LogId, LogKey, RoomId, Ticket};
use natter_engine::port::{
    CloseReason, Command, Fetch, Input, LinkEvent, Notify, Op, Output, Profile, Refusal, Reply, SignalEvent, Standing,
    StoreTrouble, Stored,
};
use natter_store::Store;
use natter_store::memory::MemoryStore;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How often waiting looks.
const LOOK: u64 = 50_000;

/// What is going to happen.
#[derive(Debug)]
pub(crate) enum Event {
    Input { node: NodeId, life: u32, input: Input },
    DiskWrite { node: NodeId, life: u32, ticket: Ticket, ops: Vec<Op> },
    DiskRead { node: NodeId, life: u32, fetch: Fetch },
    ToEnd { end: EndId, event: LinkEvent },
    Connect { a: EndId, b: EndId, until: u64 },
    Pump(EndId),
    Arrive { from: EndId, to: EndId, parcel: Parcel },
    Dead { end: EndId, reason: CloseReason },
    Consent { end: EndId, from: NodeId, to: NodeId, since: u64 },
    Dial { node: NodeId, life: u32, broker: BrokerUrl, address: Address, serial: u64 },
    Letter { broker: BrokerUrl, letter: Letter },
    Expire { broker: BrokerUrl, to: Address, id: u64 },
    FromBroker { node: NodeId, life: u32, event: SignalEvent },
    SocketClosed { node: NodeId, life: u32, broker: BrokerUrl, address: Address },
}

/// Everything there is.
pub struct World {
    /// Virtual microseconds since dawn.
    pub now: u64,
    /// All luck.
    pub chance: Chance,
    /// What happened.
    pub trace: Trace,
    /// How bad it is.
    pub weather: Weather,
    /// Devices.
    pub nodes: Vec<Node>,
    /// Brokers.
    pub brokers: Vec<Broker>,
    /// Devices that serve blobs with a flipped bit.
    pub corrupt_blobs: BTreeSet<NodeId>,
    /// Inputs that engines were given, in all.
    pub inputs: u64,
    /// Links.
    pub ends: BTreeMap<EndId, End>,
    /// Devices that do not keep the rules, and how they break them.
    pub liars: BTreeMap<NodeId, Liar>,
    pub(crate) cuts: BTreeMap<(NodeId, NodeId), u64>,
    pub(crate) offline: BTreeSet<NodeId>,
    queue: BTreeMap<(u64, u64), Event>,
    serial: u64,
    outbox: Vec<Output>,
    trace_outputs: bool,
}

impl World {
    /// A calm world with one broker and nobody in it.
    pub fn new(seed: u64) -> Self {
        Self::with(seed, Weather::calm())
    }

    /// A world with one broker and nobody in it.
    pub fn with(seed: u64, weather: Weather) -> Self {
        let mut world = Self {
            now: 0,
            chance: Chance::new(seed),
            trace: Trace::new(),
            weather,
            nodes: Vec::new(),
            brokers: Vec::new(),
            corrupt_blobs: BTreeSet::new(),
            inputs: 0,
            ends: BTreeMap::new(),
            liars: BTreeMap::new(),
            cuts: BTreeMap::new(),
            offline: BTreeSet::new(),
            queue: BTreeMap::new(),
            serial: 0,
            outbox: Vec::new(),
            trace_outputs: std::env::var_os("NATTER_TRACE").is_some(),
        };
        world.add_broker();
        world
    }

    /// One more broker, which devices added from now on use too.
    pub fn add_broker(&mut self) -> usize {
        let n = self.brokers.len();
        self.brokers.push(Broker::new(format!("ws://broker{n}.test/")));
        n
    }

    /// A device of somebody's, switched on.
    pub fn add(&mut self, name: &str) -> NodeId {
        let secret: [u8; 32] = self.chance.bytes();
        let log = LogId(self.chance.bytes());
        let disk = MemoryStore::new();
        disk.create(secret, log, &Profile { name: name.into(), avatar: None }).expect("a new disk");
        self.add_with(name, disk)
    }

    /// A device that goes on from this disk, switched on.
    ///
    /// # Panics
    /// When there is no identity on it.
    pub fn add_with(&mut self, name: &str, disk: MemoryStore) -> NodeId {
        let id = NodeId(self.nodes.len());
        let boot = disk.boot().expect("the disk reads").expect("an identity");
        let (secret, log) = (boot.secret, boot.log);
        let brokers: Vec<BrokerUrl> = self.brokers.iter().map(|broker| broker.url.clone()).collect();
        self.nodes.push(Node {
            name: name.to_owned(),
            device: SecretKey::from_seed(&secret).device(),
            secret,
            log,
            life: 0,
            engine: None,
            disk,
            disk_full: false,
            disk_free: 0,
            skew: 0,
            born: 0,
            asleep: 0,
            timer: None,
            client: crate::broker::Client::default(),
            links: BTreeMap::new(),
            brokers,
            announce: Vec::new(),
            next_command: 1,
            acknowledged: BTreeMap::new(),
            forgot: BTreeSet::new(),
            clock_set: None,
            rolled_back: false,
            backup: None,
            knocking: BTreeMap::new(),
            knocked: std::collections::BTreeMap::new(),
            busy: (0, 0),
            idle_timeouts: (0, 0),
            host: Host::default(),
        });
        self.start(id);
        id
    }

    pub(crate) fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    pub(crate) fn at(&mut self, at: u64, event: Event) {
        let serial = self.next_serial();
        self.queue.insert((at.max(self.now), serial), event);
    }

    pub(crate) fn after(&mut self, delay: Duration, event: Event) {
        self.at(self.now + delay.as_micros() as u64, event);
    }

    pub(crate) fn note(&mut self, who: &str, what: std::fmt::Arguments<'_>) {
        self.trace.note(self.now, who, what);
    }

    // ------------------------------------------------------------ time

    /// Lets so much time pass.
    pub fn run(&mut self, duration: Duration) {
        let until = self.now + duration.as_micros() as u64;
        while self.step(until) {}
        self.now = until;
    }

    /// Lets time pass until something is so.
    ///
    /// # Panics
    /// When it is not so within `limit`.
    pub fn until(&mut self, limit: Duration, what: &str, mut is_so: impl FnMut(&Self) -> bool) {
        let deadline = self.now + limit.as_micros() as u64;
        while !is_so(self) {
            assert!(self.now < deadline, "within {limit:?}: {what}");
            let look = (self.now + LOOK).min(deadline);
            while self.step(look) {}
            self.now = look;
        }
    }

    /// Does the next thing, if there is one before `until`.
    fn step(&mut self, until: u64) -> bool {
        let queued = self.queue.keys().next().copied().filter(|(at, _)| *at < until);
        let timer = self
            .nodes
            .iter()
            .enumerate()
            .filter_map(|(n, node)| node.timer.map(|(at, what)| (at.max(node.asleep).max(self.now), NodeId(n), what)))
            .min_by_key(|(at, node, _)| (*at, *node))
            .filter(|(at, ..)| *at < until);
        match (queued, timer) {
            (Some((at, serial)), timer) if timer.is_none_or(|(due, ..)| at <= due) => {
                self.now = at;
                if let Some(event) = self.queue.remove(&(at, serial)) {
                    self.happen(event);
                }
                true
            }
            (_, Some((at, node, what))) => {
                self.now = at;
                self.time_out(node, what);
                true
            }
            (Some(_) | None, None) => false,
        }
    }

    fn time_out(&mut self, id: NodeId, what: &'static str) {
        let now = self.now;
        let node = &mut self.nodes[id.0];
        let count = if node.idle_timeouts.0 == now { node.idle_timeouts.1 + 1 } else { 1 };
        node.idle_timeouts = (now, count);
        hold(&format!("{} ({what})", node.name), &Fact::Timer(count));
        self.tell(id, Input::Timeout);
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Input { node, life, input } => {
                if self.nodes[node.0].life == life {
                    self.tell(node, input);
                }
            }
            Event::DiskWrite { node, life, ticket, ops } => self.on_disk_write(node, life, ticket, &ops),
            Event::DiskRead { node, life, fetch } => {
                if self.nodes[node.0].life == life {
                    let stored = self.nodes[node.0].disk.fetch(&fetch).expect("reads work");
                    self.tell(node, Input::Stored(stored));
                }
            }
            Event::ToEnd { end, event } => self.on_end_event(end, event),
            Event::Connect { a, b, until } => self.on_connect(a, b, until),
            Event::Pump(end) => self.on_pump(end),
            Event::Arrive { from, to, parcel } => self.on_arrive(from, to, parcel),
            Event::Dead { end, reason } => self.end_dies(end, reason),
            Event::Consent { end, from, to, since } => self.on_consent(end, from, to, since),
            Event::Dial { node, life, broker, address, serial } => {
                if self.nodes[node.0].life == life {
                    self.on_dial(node, broker, address, serial);
                }
            }
            Event::Letter { broker, letter } => self.on_letter(&broker, letter),
            Event::Expire { broker, to, id } => self.on_expire(&broker, &to, id),
            Event::FromBroker { node, life, event } => {
                if self.nodes[node.0].life == life {
                    self.on_from_broker(node, event);
                }
            }
            Event::SocketClosed { node, life, broker, address } => {
                self.on_socket_closed(node, life, &broker, &address);
            }
        }
    }

    fn on_disk_write(&mut self, id: NodeId, life: u32, ticket: Ticket, ops: &[Op]) {
        let node = &mut self.nodes[id.0];
        if node.life != life {
            return;
        }
        let stored = match node.disk.commit(ops) {
            Ok(()) => Stored::Committed(ticket),
            Err(error) if node.disk_full => Stored::Failed(ticket, error.trouble()),
            Err(error) => {
                hold(&node.name, &Fact::Disk { refused: &format!("{error}: {ops:?}") });
                Stored::Failed(ticket, error.trouble())
            }
        };
        // Durable is one thing, having heard of it another: a crash can fall in between.
        let delay = Duration::from_micros(self.chance.below(800));
        self.after(delay, Event::Input { node: id, life, input: Input::Stored(stored) });
    }

    // ------------------------------------------------------------ engines

    /// Gives an engine an input, now or when it wakes, and carries out what it wants.
    pub fn tell(&mut self, id: NodeId, input: Input) {
        let now = self.now;
        let node = &mut self.nodes[id.0];
        if node.asleep > now {
            let (at, life) = (node.asleep, node.life);
            return self.at(at, Event::Input { node: id, life, input });
        }
        let clocks = node.clocks(now);
        let Some(mut engine) = node.engine.take() else { return };
        let second = now / 1_000_000;
        let count = if node.busy.0 == second { node.busy.1 + 1 } else { 1 };
        node.busy = (second, count);
        let name = node.name.clone();
        hold(&name, &Fact::Input(count));
        self.trace.note(now, &name, format_args!("{}", trace::input(&input)));
        self.inputs += 1;
        let mut outbox = std::mem::take(&mut self.outbox);
        engine.handle(input, clocks, &mut outbox);
        let late = if outbox.is_empty() { 0 } else { self.chance.below(self.weather.timer_late.end * 1000) };
        let node = &mut self.nodes[id.0];
        node.timer = engine.next_timeout().map(|(at, what)| {
            let at = node.virtual_time(at);
            // Timers fire late, never early; but one that is due now must not be put off for ever.
            (if at > now { at + late } else { at }, what)
        });
        node.engine = Some(engine);
        for output in outbox.drain(..) {
            if self.trace_outputs {
                self.trace.note(now, &name, format_args!("{}", trace::output(&output)));
            }
            self.carry_out(id, output);
        }
        self.outbox = outbox;
    }

    fn carry_out(&mut self, id: NodeId, output: Output) {
        let life = self.nodes[id.0].life;
        match output {
            Output::Link(link, command) => self.on_link_command(id, link, command),
            Output::Signal(command) => self.on_signal_command(id, command),
            Output::Persist(ticket, ops) => {
                let range = self.weather.commit.clone();
                let takes = self.chance.millis(&range).as_micros() as u64;
                let node = &mut self.nodes[id.0];
                // One writer: transactions become durable in the order in which they were asked for.
                node.disk_free = node.disk_free.max(self.now) + takes;
                let at = node.disk_free;
                self.at(at, Event::DiskWrite { node: id, life, ticket, ops });
            }
            Output::Fetch(fetch) => {
                let range = self.weather.read.clone();
                let delay = self.chance.millis(&range);
                self.after(delay, Event::DiskRead { node: id, life, fetch });
            }
            Output::Reply(command, reply) => self.on_reply(id, command, reply),
            Output::Notify(notify) => self.on_notify(id, notify),
        }
    }

    fn on_reply(&mut self, id: NodeId, command: CommandId, reply: Result<Reply, Refusal>) {
        let node = &mut self.nodes[id.0];
        let name = node.name.clone();
        if let Ok(Reply::Sent(hash)) = &reply {
            let rooms: Vec<_> = node.host.rooms.keys().copied().collect();
            let has = |room: &RoomId| node.disk.entry(*room, *hash).is_ok_and(|entry| entry.is_some());
            let room = rooms.into_iter().find(has);
            hold(&name, &Fact::Sent { durable: room.is_some() });
            node.acknowledged.entry(room.unwrap_or(RoomId([0; 32]))).or_default().insert(*hash);
        }
        // A knock that is refused leaves the one before it as it was.
        let knock = node.knocking.remove(&command);
        if let (Some((room, invite)), Ok(_)) = (knock, &reply) {
            node.knocked.insert(room, invite);
        }
        node.host.answered(&name, command, reply);
    }

    fn on_notify(&mut self, id: NodeId, notify: Notify) {
        let truly = if let Notify::Held { room, holder, log, seq } = &notify {
            self.holds(*room, *holder, *log, *seq)
        } else {
            None
        };
        let node = &mut self.nodes[id.0];
        match &notify {
            Notify::RoomForgotten(room) => {
                node.acknowledged.remove(room);
                node.forgot.insert(*room);
            }
            Notify::Room(view) => {
                let moved = node
                    .host
                    .rooms
                    .get(&view.room)
                    .is_some_and(|shown| shown.limits != view.limits || shown.forks != view.forks);
                if moved {
                    // Other entries count than before: the host reads its timeline again.
                    let all = node.entries(view.room).into_iter().map(|entry| entry.order.hash).collect();
                    node.host.reread.insert(view.room, all);
                }
            }
            Notify::Entry { .. }
            | Notify::Erased { .. }
            | Notify::Typing { .. }
            | Notify::Held { .. }
            | Notify::Read { .. }
            | Notify::Join { .. }
            | Notify::Ask { .. }
            | Notify::Found { .. }
            | Notify::Blob { .. }
            | Notify::Broker { .. }
            | Notify::PeerMisbehaved { .. }
            | Notify::Devices(_)
            | Notify::Linking(_)
            | Notify::Profile(_)
            | Notify::StoreTrouble(_) => {}
        }
        let name = node.name.clone();
        node.host.hear(&name, notify, truly);
    }

    /// Whether an honest device has so much of a log on its disk; none where nobody can say.
    fn holds(&self, room: RoomId, holder: DeviceId, log: LogKey, seq: u64) -> Option<bool> {
        // A restored copy is the same person: one of them having it is what was said.
        let of: Vec<(usize, &Node)> = self.nodes.iter().enumerate().filter(|(_, node)| node.device == holder).collect();
        let unsure =
            |(n, node): &(usize, &Node)| self.is_liar(NodeId(*n)) || node.forgot.contains(&room) || node.rolled_back;
        // A log that was split is held as far as it still goes.
        let of_author: Vec<&Node> = self.nodes.iter().filter(|node| node.device == log.author).collect();
        let lies = self.nodes.iter().enumerate().any(|(n, node)| node.device == log.author && self.is_liar(NodeId(n)));
        let put_back = lies || of_author.len() > 1 || of_author.iter().any(|node| node.rolled_back);
        if of.is_empty() || of.iter().any(unsure) || put_back {
            return None;
        }
        let one_has = of.iter().any(|(_, node)| Self::has_place(node, room, log, seq) != Some(false));
        Some(one_has)
    }

    fn has_place(node: &Node, room: RoomId, log: LogKey, seq: u64) -> Option<bool> {
        let fetch = Fetch::Entries { ticket: Ticket(0), room, log, from: seq, to: seq, limit: 1 };
        match node.disk.fetch(&fetch) {
            Ok(Stored::Entries(_, entries)) => Some(!entries.is_empty()),
            Ok(
                Stored::Committed(_)
                | Stored::Failed(..)
                | Stored::Known(..)
                | Stored::Expired(..)
                | Stored::BlobRooms(..),
            )
            | Err(_) => None,
        }
    }

    // ------------------------------------------------------------ power

    /// Switches a device on: the engine goes on from what the disk holds.
    pub fn start(&mut self, id: NodeId) {
        if self.nodes[id.0].is_up() {
            return;
        }
        let seed = self.chance.bytes();
        let now = self.now;
        let node = &mut self.nodes[id.0];
        node.born = now;
        node.asleep = 0;
        node.disk_free = now;
        let boot = node.disk.boot().expect("the disk reads").expect("an identity");
        node.host = Host::default();
        for room in &boot.rooms {
            let known = node.entries(room.room).into_iter().map(|entry| entry.order.hash).collect();
            node.host.at_start.insert(room.room, known);
        }
        node.engine = Some(Engine::new(boot, seed, node.clocks(now)));
        let (use_, announce) = (node.brokers.clone(), node.announce.clone());
        self.note("world", format_args!("node {} starts", id.0));
        self.ask(id, Command::SetBrokers { use_, announce });
    }

    /// Cuts its power: what was not durable is gone, and nobody is told.
    pub fn crash(&mut self, id: NodeId) {
        if !self.nodes[id.0].is_up() {
            return;
        }
        self.note("world", format_args!("node {} crashes", id.0));
        self.sockets_died(id);
        self.ends_died(id);
        let node = &mut self.nodes[id.0];
        node.disk = node.disk.crash();
        node.engine = None;
        node.timer = None;
        node.life += 1;
    }

    /// Ends it in good order, as closing the app does.
    pub fn shut_down(&mut self, id: NodeId) {
        let command = self.ask(id, Command::Shutdown);
        assert!(matches!(self.nodes[id.0].host.replies.get(&command), Some(Ok(Reply::Done))), "Shutdown is immediate");
        self.run(Duration::from_secs(1));
        let unanswered = &self.nodes[id.0].host.waiting;
        assert!(unanswered.is_empty(), "commands without an answer after Shutdown: {unanswered:?}");
        self.crash(id);
    }

    /// Closes the lid for a while.
    pub fn sleep(&mut self, id: NodeId, duration: Duration) {
        self.nodes[id.0].asleep = self.now + duration.as_micros() as u64;
    }

    pub(crate) fn is_asleep(&self, id: NodeId) -> bool {
        self.nodes[id.0].asleep > self.now
    }

    /// Sets a wall clock: so many milliseconds wrong.
    pub fn set_clock(&mut self, id: NodeId, skew: i64) {
        let node = &mut self.nodes[id.0];
        if node.skew != skew {
            (node.skew, node.clock_set) = (skew, Some(self.now));
            self.note("world", format_args!("node {} is {skew} ms wrong", id.0));
        }
    }

    /// Holds what an engine keeps against its limits.
    pub fn weigh(&self, id: NodeId) {
        let node = &self[id];
        if let Some(engine) = &node.engine {
            hold(&node.name, &Fact::Load(engine.load()));
        }
    }

    /// Keeps a copy of a disk.
    pub fn back_up(&mut self, id: NodeId) {
        let copy = self.nodes[id.0].disk.copy();
        self.nodes[id.0].backup = Some(copy);
        self.note("world", format_args!("node {} is backed up", id.0));
    }

    /// Whether there is a copy that knows where its rooms meet now. Who was put back beyond a change of the key is asked in
    /// anew, as after a removal: their old address is one that nobody keeps for them.
    pub fn has_backup(&self, id: NodeId) -> bool {
        let node = &self.nodes[id.0];
        let Some(backup) = &node.backup else { return false };
        let rooms = backup.boot().ok().flatten().map(|boot| boot.rooms).unwrap_or_default();
        rooms.iter().all(|room| room.epochs == node.disk_epochs(room.room))
    }

    /// Cuts a device's power, puts its disk back to the copy and switches it on again: a restored backup, or a disk that
    /// said that it had written and had not.
    ///
    /// # Panics
    /// When there is no copy.
    pub fn roll_back(&mut self, id: NodeId) {
        self.crash(id);
        let node = &mut self.nodes[id.0];
        node.disk = node.backup.as_ref().expect("a backup").copy();
        node.rolled_back = true;
        self.forget_what_is_lost();
        self.note("world", format_args!("node {} is rolled back", id.0));
        self.start(id);
    }

    /// What no disk has any more is gone: whoever called it sent had been told the truth.
    fn forget_what_is_lost(&mut self) {
        let honest = |n: &usize| !self.is_liar(NodeId(*n));
        let standing = |node: &Node| -> BTreeSet<RoomId> {
            let rooms = node.disk.boot().ok().flatten().map(|boot| boot.rooms).unwrap_or_default();
            rooms.iter().filter(|room| room.standing == Standing::Member).map(|room| room.room).collect()
        };
        let nodes = (0..self.nodes.len()).filter(honest).map(|n| &self.nodes[n]);
        let disks: Vec<(&Node, BTreeSet<RoomId>)> = nodes.map(|node| (node, standing(node))).collect();
        let is_there = |room: RoomId, hash: EntryHash| {
            disks.iter().any(|(node, rooms)| {
                rooms.contains(&room) && node.disk.entry(room, hash).is_ok_and(|entry| entry.is_some())
            })
        };
        let lost: Vec<(usize, RoomId, EntryHash)> = self
            .nodes
            .iter()
            .enumerate()
            .flat_map(|(n, node)| {
                node.acknowledged.iter().flat_map(move |(room, all)| all.iter().map(move |one| (n, *room, *one)))
            })
            .filter(|(_, room, hash)| !is_there(*room, *hash))
            .collect();
        for (n, room, hash) in lost {
            if let Some(all) = self.nodes[n].acknowledged.get_mut(&room) {
                all.remove(&hash);
            }
        }
    }

    /// Fills a disk, or makes room on it.
    pub fn fill_disk(&mut self, id: NodeId) {
        self.nodes[id.0].disk_full = true;
        self.nodes[id.0].disk.fail_while(Some(StoreTrouble::DiskFull));
        self.note("world", format_args!("node {} has no space left", id.0));
    }

    /// Makes room on it again. Writes that are under way may still fail.
    pub fn clear_disk(&mut self, id: NodeId) {
        self.nodes[id.0].disk.fail_while(None);
        self.note("world", format_args!("node {} has space again", id.0));
        self.nodes[id.0].disk_full = false;
    }

    // ------------------------------------------------------------ commands

    /// Gives a command; the answer comes when it comes.
    pub fn ask(&mut self, id: NodeId, command: Command) -> CommandId {
        let node = &mut self.nodes[id.0];
        let name = CommandId(node.next_command);
        node.next_command += 1;
        node.host.waiting.insert(name);
        if let Command::Join { invite } = &command {
            node.knocking.insert(name, (invite.room, invite.id()));
        }
        self.tell(id, Input::Command(name, command));
        name
    }

    /// Gives a command and waits for its answer.
    ///
    /// # Panics
    /// When none comes within 10 s.
    pub fn command(&mut self, id: NodeId, command: Command) -> Result<Reply, Refusal> {
        let text = format!("{command:?}");
        let name = self.ask(id, command);
        self.until(Duration::from_secs(10), &format!("an answer to {text}"), |world| {
            world.nodes[id.0].host.replies.contains_key(&name)
        });
        self.nodes[id.0].host.replies[&name].clone()
    }
}

impl std::ops::Index<NodeId> for World {
    type Output = Node;

    fn index(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }
}
