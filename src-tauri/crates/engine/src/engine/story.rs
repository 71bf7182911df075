//! The shortest story of all, in a perfect world: two engines meet by invite and talk. Faults are the simulator's
//! (`tests/sim`); this one is here so that a broken engine is seen within a second.

use super::Engine;
use crate::ids::{Address, CommandId, EntryHash, LinkId, LogId, RoomId};
use crate::port::*;
use crate::rooms::{InviteTerms, Presence, RoomView};
use crate::time::{Instant, Now, UnixMillis};
use crate::wire::{Body, InviteLink, Text};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

const BROKER: &str = "ws://broker.test/";

#[derive(Default)]
struct World {
    nodes: Vec<Node>,
    claims: BTreeMap<Address, usize>,
    queue: VecDeque<(usize, Input)>,
    clock: u64,
    /// The broker calls every address taken.
    lies: bool,
    /// How often an address was asked for.
    asked: usize,
}

struct Node {
    engine: Engine,
    next_command: u64,
    replies: BTreeMap<u64, Result<Reply, Refusal>>,
    entries: Vec<StoredEntry>,
    views: BTreeMap<RoomId, RoomView>,
    joins: Vec<JoinState>,
    brokers: Vec<Option<BrokerTrouble>>,
    holders: BTreeSet<crate::ids::DeviceId>,
    /// Own certificate, and the node and link at the other end once both sides are described.
    certs: BTreeMap<LinkId, [u8; 32]>,
    ends: BTreeMap<LinkId, (usize, LinkId)>,
    remotes: BTreeMap<LinkId, [u8; 32]>,
}

impl World {
    fn add(&mut self, name: &str) -> usize {
        let n = self.nodes.len();
        let boot = Boot {
            secret: [n as u8 + 1; 32],
            log: LogId([n as u8; 16]),
            profile: Profile { name: name.into(), avatar: None },
            rooms: Vec::new(),
            circle: None,
        };
        let engine = Engine::new(boot, [n as u8 + 50; 32], self.now());
        self.nodes.push(Node {
            engine,
            next_command: 1,
            replies: BTreeMap::new(),
            entries: Vec::new(),
            views: BTreeMap::new(),
            joins: Vec::new(),
            brokers: Vec::new(),
            holders: BTreeSet::new(),
            certs: BTreeMap::new(),
            ends: BTreeMap::new(),
            remotes: BTreeMap::new(),
        });
        self.command(n, Command::SetBrokers { use_: vec![BROKER.into()], announce: Vec::new() }).expect("brokers");
        n
    }

    fn now(&self) -> Now {
        Now { mono: Instant(self.clock), wall: UnixMillis(1_700_000_000_000 + self.clock / 1000) }
    }

    fn command(&mut self, n: usize, command: Command) -> Result<Reply, Refusal> {
        let id = self.nodes[n].next_command;
        self.nodes[n].next_command += 1;
        self.queue.push_back((n, Input::Command(CommandId(id), command)));
        self.run();
        self.nodes[n].replies.remove(&id).expect("every command is answered")
    }

    fn run(&mut self) {
        let mut steps = 0;
        while let Some((n, input)) = self.queue.pop_front() {
            steps += 1;
            assert!(steps < 100_000, "the world does not come to rest");
            self.clock += 100;
            let now = self.now();
            let mut out = Vec::new();
            self.nodes[n].engine.handle(input, now, &mut out);
            for output in out {
                self.carry(n, output);
            }
        }
    }

    fn wait(&mut self, seconds: u64) {
        let end = self.clock + seconds * 1_000_000;
        loop {
            self.run();
            let due =
                self.nodes.iter().enumerate().filter_map(|(n, node)| Some((node.engine.next_timeout()?.0.0, n))).min();
            let Some((at, n)) = due.filter(|(at, _)| *at <= end) else { break };
            self.clock = self.clock.max(at);
            self.queue.push_back((n, Input::Timeout));
        }
        self.clock = self.clock.max(end);
    }

    fn carry(&mut self, n: usize, output: Output) {
        match output {
            Output::Reply(id, reply) => {
                self.nodes[n].replies.insert(id.0, reply);
            }
            Output::Notify(notify) => match notify {
                Notify::Room(view) => {
                    self.nodes[n].views.insert(view.room, *view);
                }
                Notify::Join { state, .. } => self.nodes[n].joins.push(state),
                Notify::Held { holder, .. } => {
                    self.nodes[n].holders.insert(holder);
                }
                Notify::Broker { trouble, .. } => self.nodes[n].brokers.push(trouble),
                Notify::PeerMisbehaved { rule, .. } => panic!("node {n} saw: {rule}"),
                _ => {}
            },
            Output::Persist(ticket, ops) => {
                for op in ops {
                    if let Op::PutEntry(entry) = op {
                        self.nodes[n].entries.push(entry);
                    }
                }
                self.queue.push_back((n, Input::Stored(Stored::Committed(ticket))));
            }
            Output::Fetch(fetch) => {
                let stored = self.read(n, &fetch);
                self.queue.push_back((n, Input::Stored(stored)));
            }
            Output::Signal(command) => self.signal(n, command),
            Output::Link(id, command) => self.link(n, id, command),
        }
    }

    fn read(&self, n: usize, fetch: &Fetch) -> Stored {
        let entries = &self.nodes[n].entries;
        match fetch {
            Fetch::Entries { ticket, room, log, from, to, limit } => {
                let range =
                    entries.iter().filter(|e| e.room == *room && e.log == *log && (*from..=*to).contains(&e.seq));
                Stored::Entries(*ticket, range.take(*limit).cloned().collect())
            }
            Fetch::Lookup { ticket, hashes, .. } => {
                let known = entries.iter().filter(|e| hashes.contains(&e.order.hash));
                let found = |e: &StoredEntry| Found {
                    order: e.order,
                    shown: e.shown,
                    log: e.log,
                    seq: e.seq,
                    kind: e.kind,
                    whole: e.payload.is_some(),
                };
                Stored::Known(*ticket, known.map(found).collect())
            }
            Fetch::Expired { ticket, .. } => Stored::Expired(*ticket, Vec::new(), None),
            Fetch::BlobRooms { ticket, .. } => Stored::BlobRooms(*ticket, Vec::new(), false),
        }
    }

    fn signal(&mut self, n: usize, command: SignalCommand) {
        match command {
            SignalCommand::Claim { broker, address, .. } => {
                self.asked += 1;
                let holder = *self.claims.entry(address.clone()).or_insert(n);
                let event = if holder == n && !self.lies {
                    SignalEvent::Claimed { broker, address }
                } else {
                    SignalEvent::Taken { broker, address }
                };
                self.queue.push_back((n, Input::Signal(event)));
            }
            SignalCommand::Release { address, .. } => {
                self.claims.remove(&address);
            }
            SignalCommand::Send { broker, from, to, kind, envelope } => match self.claims.get(&to) {
                Some(holder) => {
                    let event = SignalEvent::Message { broker, to, from, kind, envelope };
                    self.queue.push_back((*holder, Input::Signal(event)));
                }
                None => {
                    let event = SignalEvent::Expired { broker, to: from, missing: to };
                    self.queue.push_back((n, Input::Signal(event)));
                }
            },
        }
    }

    fn link(&mut self, n: usize, id: LinkId, command: LinkCommand) {
        match command {
            LinkCommand::Open { remote, .. } => {
                let mut cert = [0; 32];
                cert[0] = n as u8 + 1;
                cert[1..9].copy_from_slice(&id.0.to_be_bytes());
                self.nodes[n].certs.insert(id, cert);
                let params = SessionParams {
                    fingerprint: cert,
                    ufrag: "abcd".into(),
                    pwd: "0123456789abcdefghijkl".into(),
                    setup: Setup::ActPass,
                    candidates: Vec::new(),
                };
                self.queue.push_back((n, Input::Link(id, LinkEvent::Described(params))));
                if let Some(remote) = remote {
                    self.nodes[n].remotes.insert(id, remote.fingerprint);
                }
            }
            LinkCommand::SetRemote(remote) => {
                self.nodes[n].remotes.insert(id, remote.fingerprint);
                let (peer, theirs) = self
                    .nodes
                    .iter()
                    .enumerate()
                    .find_map(|(p, node)| {
                        node.certs.iter().find(|(_, cert)| **cert == remote.fingerprint).map(|(id, _)| (p, *id))
                    })
                    .expect("the other side exists");
                self.nodes[n].ends.insert(id, (peer, theirs));
                self.nodes[peer].ends.insert(theirs, (n, id));
                for (a, link, b, other) in [(n, id, peer, theirs), (peer, theirs, n, id)] {
                    let event =
                        LinkEvent::Open { local: self.nodes[a].certs[&link], remote: self.nodes[b].certs[&other] };
                    self.queue.push_back((a, Input::Link(link, event)));
                }
            }
            LinkCommand::Send(bytes) => {
                let drained = LinkEvent::Drained(bytes.len());
                self.queue.push_back((n, Input::Link(id, drained)));
                if let Some((peer, theirs)) = self.nodes[n].ends.get(&id).copied() {
                    self.queue.push_back((peer, Input::Link(theirs, LinkEvent::Message(bytes))));
                }
            }
            LinkCommand::Close => {
                if let Some((peer, theirs)) = self.nodes[n].ends.remove(&id) {
                    self.queue.push_back((peer, Input::Link(theirs, LinkEvent::Closed(CloseReason::Remote))));
                }
            }
            LinkCommand::AddCandidate(_) | LinkCommand::FetchBlob { .. } | LinkCommand::ServeBlob { .. } => {}
        }
    }

    fn create(&mut self, n: usize) -> RoomId {
        match self.command(n, Command::CreateRoom { name: "Kitchen".into() }) {
            Ok(Reply::Room(room)) => room,
            other => panic!("{other:?}"),
        }
    }

    fn invite(&mut self, n: usize, room: RoomId, terms: InviteTerms) -> InviteLink {
        match self.command(n, Command::CreateInvite { room, terms }) {
            Ok(Reply::Invite(link)) => link,
            other => panic!("{other:?}"),
        }
    }

    fn text(&mut self, n: usize, room: RoomId, text: &str) -> EntryHash {
        match self.command(n, Command::SendText { room, text: Text::plain(text) }) {
            Ok(Reply::Sent(hash)) => hash,
            other => panic!("{other:?}"),
        }
    }

    fn texts(&self, n: usize) -> Vec<String> {
        let mut entries = self.nodes[n].entries.clone();
        entries.sort_by_key(|entry| entry.order);
        let body = |e: &StoredEntry| Body::decode(e.kind, e.payload.as_deref().unwrap_or_default()).ok();
        entries
            .iter()
            .filter_map(body)
            .filter_map(|body| if let Body::Text(text) = body { Some(text.text) } else { None })
            .collect()
    }
}

#[test]
fn two_people_meet_by_invite_and_talk() {
    let mut world = World::default();
    let (ada, ben) = (world.add("Ada"), world.add("Ben"));
    let room = world.create(ada);
    let invite = world.invite(ada, room, InviteTerms::default());
    world.text(ada, room, "anyone here?");
    assert!(matches!(world.command(ben, Command::Join { invite }), Ok(Reply::Room(joined)) if joined == room));
    world.wait(3);
    assert_eq!(world.nodes[ben].joins.last(), Some(&JoinState::WaitingForApproval));
    let waiting = world.nodes[ada].views[&room].requests[0].clone();
    assert_eq!(waiting.profile.name, "Ben");
    world.command(ada, Command::Admit { room, device: waiting.device }).expect("Ben waits");
    world.wait(3);
    assert_eq!(world.nodes[ben].joins.last(), Some(&JoinState::Admitted));
    world.text(ben, room, "me!");
    world.text(ada, room, "welcome");
    world.wait(3);
    for n in [ada, ben] {
        assert_eq!(world.texts(n), ["anyone here?", "me!", "welcome"]);
        let view = &world.nodes[n].views[&room];
        assert_eq!(view.members.len(), 2);
        assert!(view.members.iter().all(|member| member.presence == Presence::Online));
        assert_eq!(view.invites.len(), 0, "one use, used");
    }
}

// A knock at such a broker was repeated without a pause, and the broker was shown as reachable.
#[test]
fn a_broker_that_calls_every_address_taken_is_named_and_asked_again_at_leisure() {
    let mut world = World { lies: true, ..World::default() };
    let (ada, ben) = (world.add("Ada"), world.add("Ben"));
    let room = world.create(ada);
    let invite = world.invite(ada, room, InviteTerms { approval: false, ..InviteTerms::default() });
    world.command(ben, Command::Join { invite }).expect("knocks");
    world.wait(60);
    assert!(world.asked < 50, "asked {} times in a minute", world.asked);
    for n in [ada, ben] {
        let told = &world.nodes[n].brokers;
        let first = told.iter().position(|trouble| *trouble == Some(BrokerTrouble::Misbehaving));
        assert!(first.is_some_and(|at| at + 1 == told.len()), "named once and not taken back: {told:?}");
    }
    world.lies = false;
    world.claims.clear();
    world.wait(120);
    assert_eq!(world.nodes[ada].brokers.last(), Some(&None), "an honest broker is one again");
    assert_eq!(world.nodes[ben].joins.last(), Some(&JoinState::Admitted));
}

#[test]
fn four_come_by_a_party_link_and_all_are_linked_with_all() {
    let mut world = World::default();
    let nodes: Vec<usize> = ["Ada", "Ben", "Cem", "Dora"].iter().map(|name| world.add(name)).collect();
    let room = world.create(nodes[0]);
    let terms = InviteTerms { uses: 0, approval: false, ..InviteTerms::default() };
    let invite = world.invite(nodes[0], room, terms);
    for n in &nodes[1..] {
        world.command(*n, Command::Join { invite: invite.clone() }).expect("joins");
        world.wait(5);
    }
    for n in &nodes {
        let view = &world.nodes[*n].views[&room];
        assert_eq!(view.members.len(), 4, "node {n}");
        assert!(view.members.iter().all(|member| member.presence == Presence::Online), "node {n}: {view:?}");
    }
    let hash = world.text(nodes[2], room, "hello all");
    world.wait(3);
    for n in nodes {
        assert!(world.nodes[n].entries.iter().any(|entry| entry.order.hash == hash), "node {n}");
    }
    assert_eq!(world.nodes[2].holders.len(), 3, "the author hears that everyone has it");
}

/// The entries that a node was told of, as a file would carry them: in the room's order.
fn carried(world: &World, n: usize) -> Vec<crate::wire::Entry> {
    let mut entries = world.nodes[n].entries.clone();
    entries.sort_by_key(|entry| entry.order);
    let wire = |e: StoredEntry| crate::wire::Entry {
        header: e.header,
        signature: e.signature,
        salt: e.salt,
        payload: e.payload,
    };
    entries.into_iter().map(wire).collect()
}

#[test]
fn a_file_brings_each_entry_once_and_nothing_that_does_not_verify() {
    let mut world = World::default();
    let (ada, ben, eve) = (world.add("Ada"), world.add("Ben"), world.add("Eve"));
    let room = world.create(ada);
    let invite = world.invite(ada, room, InviteTerms { approval: false, ..InviteTerms::default() });
    world.command(ben, Command::Join { invite }).expect("knocks");
    world.wait(3);
    world.text(ben, room, "before");
    world.wait(3);
    // What Ben misses: the file is all that brings it to him.
    world.nodes[ada].ends.clear();
    world.nodes[ben].ends.clear();
    world.text(ada, room, "while you were away");
    let file = carried(&world, ada);
    let import =
        |entries: &[crate::wire::Entry]| Command::Import { room, entries: entries.to_vec(), branches: Vec::new() };
    let told = |world: &World, n: usize| world.texts(n);

    let mut forged = file.clone();
    let last = forged.len() - 1;
    forged[last].payload = Some(Body::Text(Text::plain("I owe you a house")).encode());
    assert!(matches!(world.command(ben, import(&forged)), Err(Refusal::BadEntry)));
    assert_eq!(told(&world, ben), ["before"], "none of it was taken");

    let all = file.len() as u32;
    let first = world.command(ben, import(&file));
    let Ok(Reply::Imported { new: 1, known, held_back: 0 }) = first else { panic!("{first:?}") };
    assert_eq!(known, all - 1);
    assert_eq!(told(&world, ben), ["before", "while you were away"]);
    let again = world.command(ben, import(&file));
    assert!(matches!(again, Ok(Reply::Imported { new: 0, held_back: 0, known }) if known == all), "{again:?}");
    assert_eq!(told(&world, ben).len(), 2);

    // Eve was never there: she may read what the file says from its first word on, and say nothing.
    assert!(matches!(world.command(eve, import(&file[1..])), Err(Refusal::NoSuchRoom)));
    let read = world.command(eve, import(&file));
    assert!(matches!(read, Ok(Reply::Imported { known: 0, held_back: 0, new }) if new == all), "{read:?}");
    assert_eq!(told(&world, eve), ["before", "while you were away"]);
    assert_eq!(world.nodes[eve].views[&room].standing, Standing::Gone);
    assert_eq!(world.nodes[eve].views[&room].members.len(), 2);
    let said = world.command(eve, Command::SendText { room, text: Text::plain("hi") });
    assert!(matches!(said, Err(Refusal::NotAMember)));
}

#[test]
fn what_lacks_its_causes_is_held_back_and_a_file_has_its_limit() {
    let mut world = World::default();
    let (ada, eve) = (world.add("Ada"), world.add("Eve"));
    let room = world.create(ada);
    for n in 0..4 {
        world.text(ada, room, &format!("{n}"));
    }
    let mut file = carried(&world, ada);
    file.remove(2);
    let read = world.command(eve, Command::Import { room, entries: file.clone(), branches: Vec::new() });
    assert!(matches!(read, Ok(Reply::Imported { new: 2, known: 0, held_back: 2 })), "{read:?}");
    let many = vec![file[0].clone(); crate::wire::limits::IMPORT_ENTRIES + 1];
    assert!(matches!(
        world.command(eve, Command::Import { room, entries: many, branches: Vec::new() }),
        Err(Refusal::TooMany)
    ));
}
