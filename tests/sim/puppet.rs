//! One engine on a stage, and a peer who is played by hand: for everything that no honest engine would ever do.
//!
//! [`Stage`] runs the engine with a disk that commits at once and writes down all it says. [`Puppet`] holds a key and
//! signs whatever it is told to: offers, answers, AUTH, frames, entries, in any order and with any flaw.

use crate::node::DAWN;
use natter_engine::Engine;
use natter_engine::identity::{Context, SecretKey};
use natter_engine::ids::{
    Address, BlobHash, CommandId, ConnectionId, DeviceId, EntryHash, LinkId, LogId, LogKey, RoomId,
};
use natter_engine::port::{
    Command, Input, LinkCommand, LinkEvent, LinkPurpose, Notify, Output, Profile, Refusal, Reply, SessionParams, Setup,
    SignalCommand, SignalEvent, SignalKind, Stored, StoredEntry,
};
use natter_engine::rooms::{DevicesView, InviteTerms, RoomView};
use natter_engine::signaling::address::{Day, invite_address, member_address, room_rendezvous};
use natter_engine::signaling::envelope::{Ends, SealingKey, open, seal};
use natter_engine::time::{Hlc, Instant, Now, UnixMillis};
use natter_engine::wire::frame::{auth_bytes, device_proof_bytes, invite_proof_bytes};
use natter_engine::wire::{Body, Entry, Frame, Header, InviteLink, Session, SignedSession, Text};
use natter_store::Store;
use natter_store::memory::MemoryStore;
use std::collections::BTreeMap;
use std::time::Duration;

/// The only broker of this stage.
pub const BROKER: &str = "ws://broker0.test/";

/// An engine, its disk, and everything it said.
pub struct Stage {
    /// The engine.
    pub engine: Engine,
    /// Its disk.
    pub disk: MemoryStore,
    /// Its key.
    pub device: DeviceId,
    /// Virtual microseconds.
    pub now: u64,
    /// Frames sent, by link.
    pub sent: Vec<(LinkId, Frame)>,
    /// Links asked for, with the offer that they answer.
    pub opened: Vec<(LinkId, LinkPurpose, Option<SessionParams>)>,
    /// Other link commands.
    pub link_commands: Vec<(LinkId, LinkCommand)>,
    /// Envelopes sent.
    pub signals: Vec<(Address, Address, SignalKind, Vec<u8>)>,
    /// Notices.
    pub notices: Vec<Notify>,
    /// Answers.
    pub replies: BTreeMap<CommandId, Result<Reply, Refusal>>,
    /// The last view of each room.
    pub rooms: BTreeMap<RoomId, RoomView>,
    /// The person's devices, as last told.
    pub devices: Option<DevicesView>,
    /// Reads asked of its disk.
    pub reads: usize,
    next_command: u64,
}

impl Stage {
    /// A device with its broker.
    ///
    /// # Panics
    /// Never, unless the twin store is broken.
    pub fn new(seed: u8) -> Self {
        let secret = [seed; 32];
        let disk = MemoryStore::new();
        let profile = Profile { name: "Victim".into(), avatar: None };
        disk.create(secret, LogId([seed; 16]), &profile).expect("a new disk");
        let boot = disk.boot().expect("reads").expect("an identity");
        let now = Now { mono: Instant(1_000_000), wall: UnixMillis(DAWN) };
        let engine = Engine::new(boot, [seed ^ 0xff; 32], now);
        let mut stage = Self {
            device: engine.device(),
            engine,
            disk,
            now: 0,
            sent: Vec::new(),
            opened: Vec::new(),
            link_commands: Vec::new(),
            signals: Vec::new(),
            notices: Vec::new(),
            replies: BTreeMap::new(),
            rooms: BTreeMap::new(),
            devices: None,
            reads: 0,
            next_command: 1,
        };
        let _ = stage.command(Command::SetBrokers { use_: vec![BROKER.into()], announce: Vec::new() });
        stage
    }

    /// A device that has founded a room, and an invite that asks nobody.
    ///
    /// # Panics
    /// When it is refused.
    pub fn with_room(seed: u8) -> (Self, RoomId, InviteLink) {
        let mut stage = Self::new(seed);
        let room = stage.found("Kitchen");
        let link = stage.invite(room, crate::people::party());
        (stage, room, link)
    }

    /// Founds one more room.
    ///
    /// # Panics
    /// When it is refused.
    pub fn found(&mut self, name: &str) -> RoomId {
        match self.command(Command::CreateRoom { name: name.into() }) {
            Ok(Reply::Room(room)) => room,
            other => panic!("a room: {other:?}"),
        }
    }

    /// Makes an invite.
    ///
    /// # Panics
    /// When it is refused.
    pub fn invite(&mut self, room: RoomId, terms: InviteTerms) -> InviteLink {
        match self.command(Command::CreateInvite { room, terms }) {
            Ok(Reply::Invite(link)) => link,
            other => panic!("an invite: {other:?}"),
        }
    }

    /// The clocks.
    pub fn clocks(&self) -> Now {
        Now { mono: Instant(self.now + 1_000_000), wall: UnixMillis(DAWN + self.now / 1000) }
    }

    /// Gives a command; the disk is instant, so the answer is there.
    ///
    /// # Panics
    /// When it is not.
    pub fn command(&mut self, command: Command) -> Result<Reply, Refusal> {
        let id = CommandId(self.next_command);
        self.next_command += 1;
        self.feed(Input::Command(id, command));
        self.replies.remove(&id).expect("every command is answered")
    }

    /// Gives an input, and everything that follows from it at once.
    ///
    /// # Panics
    /// When the engine asks its disk for the impossible.
    pub fn feed(&mut self, input: Input) {
        let mut inputs = vec![input];
        let mut steps = 0;
        while let Some(input) = inputs.pop() {
            steps += 1;
            assert!(steps < 20_000, "one input keeps engine and disk busy for ever");
            let clocks = self.clocks();
            let mut out = Vec::new();
            self.engine.handle(input, clocks, &mut out);
            for output in out {
                match output {
                    Output::Persist(ticket, ops) => {
                        self.disk.commit(&ops).expect("a disk that works");
                        inputs.push(Input::Stored(Stored::Committed(ticket)));
                    }
                    Output::Fetch(fetch) => {
                        self.reads += 1;
                        inputs.push(Input::Stored(self.disk.fetch(&fetch).expect("reads")));
                    }
                    Output::Reply(id, reply) => {
                        self.replies.insert(id, reply);
                    }
                    Output::Notify(Notify::Room(view)) => {
                        self.rooms.insert(view.room, *view);
                    }
                    Output::Notify(Notify::Devices(view)) => self.devices = Some(*view),
                    Output::Notify(notice) => self.notices.push(notice),
                    Output::Link(link, LinkCommand::Open { purpose, remote }) => {
                        self.opened.push((link, purpose, remote));
                    }
                    Output::Link(link, LinkCommand::Send(bytes)) => {
                        self.sent.push((link, Frame::decode(&bytes).expect("our own frames are readable")));
                    }
                    Output::Link(link, command) => self.link_commands.push((link, command)),
                    Output::Signal(SignalCommand::Claim { broker, address, .. }) => {
                        inputs.push(Input::Signal(SignalEvent::Claimed { broker, address }));
                    }
                    Output::Signal(SignalCommand::Send { from, to, kind, envelope, .. }) => {
                        self.signals.push((from, to, kind, envelope));
                    }
                    Output::Signal(SignalCommand::Release { .. }) => {}
                }
            }
            self.engine.load().check().expect("within its limits, whatever is thrown at it");
        }
    }

    /// Lets time pass, with every timer that falls due.
    ///
    /// # Panics
    /// When the engine asks for the same instant over and over.
    pub fn run(&mut self, duration: Duration) {
        let until = self.now + duration.as_micros() as u64;
        let mut at_once = 0;
        while let Some((Instant(due), what)) = self.engine.next_timeout() {
            let due = due.saturating_sub(1_000_000);
            if due > until {
                break;
            }
            at_once = if due <= self.now { at_once + 1 } else { 0 };
            assert!(at_once < 4, "the timer \"{what}\" spins");
            self.now = self.now.max(due);
            self.feed(Input::Timeout);
        }
        self.now = until;
    }

    /// All entries on its disk.
    ///
    /// # Panics
    /// Never, unless the twin store is broken.
    pub fn entries(&self, room: RoomId) -> Vec<StoredEntry> {
        let kinds: Vec<u16> = (1..11).chain(32..40).collect();
        self.disk.timeline(room, None, 200, &kinds).expect("reads")
    }

    /// The rules that were broken, in order.
    pub fn broken(&self) -> Vec<&'static str> {
        let rule = |notice: &Notify| match notice {
            Notify::PeerMisbehaved { rule, .. } => Some(*rule),
            Notify::Room(_)
            | Notify::RoomForgotten(_)
            | Notify::Entry { .. }
            | Notify::Erased { .. }
            | Notify::Typing { .. }
            | Notify::Held { .. }
            | Notify::Read { .. }
            | Notify::Join { .. }
            | Notify::Ask { .. }
            | Notify::Found { .. }
            | Notify::Blob { .. }
            | Notify::Broker { .. }
            | Notify::Devices(_)
            | Notify::Linking(_)
            | Notify::Profile(_)
            | Notify::StoreTrouble(_) => None,
        };
        self.notices.iter().filter_map(rule).collect()
    }

    /// Whether a link was closed from this side.
    pub fn has_closed(&self, link: LinkId) -> bool {
        self.link_commands.iter().any(|(id, command)| *id == link && matches!(command, LinkCommand::Close))
    }

    /// Frames sent on a link since the last look. Looking is reading: it makes room in the link's queue.
    pub fn take_sent(&mut self, link: LinkId) -> Vec<Frame> {
        let (here, rest) = std::mem::take(&mut self.sent).into_iter().partition(|(id, _)| *id == link);
        self.sent = rest;
        let here: Vec<(LinkId, Frame)> = here;
        let here: Vec<Frame> = here.into_iter().map(|(_, frame)| frame).collect();
        let bytes = here.iter().map(|frame| frame.encode().len()).sum();
        self.feed(Input::Link(link, LinkEvent::Drained(bytes)));
        here
    }

    /// Bytes that wait for the peer of a link to read them.
    pub fn unread(&self, link: LinkId) -> usize {
        self.sent.iter().filter(|(id, _)| *id == link).map(|(_, frame)| frame.encode().len()).sum()
    }

    /// Its own log.
    ///
    /// # Panics
    /// Never, unless the twin store is broken.
    pub fn own_log(&self) -> LogKey {
        let boot = self.disk.boot().expect("reads").expect("an identity");
        LogKey { author: self.device, log: boot.log }
    }

    /// The last offer that it sent: from which address to which, its hash and what it says.
    ///
    /// # Panics
    /// When it sent none, or one that cannot be opened this way.
    pub fn offer_sent(&mut self, way: Way<'_>) -> (Address, Address, [u8; 32], Session) {
        let (_, key) = Puppet::way(self, way);
        let (from, to, kind, envelope) = self.signals.pop().expect("an offer");
        assert_eq!(kind, SignalKind::Offer);
        let ends = Ends::Broker { from: from.clone(), to: to.clone() };
        let record = open([((), key)], &ends, kind, &envelope).expect("sealed with this key").1;
        let (signed, session) = SignedSession::decode(&record).expect("signed by the engine");
        (from, to, signed.hash(), session)
    }

    /// Whether it took the other side's description of a link that it offered.
    pub fn remote_set(&self, link: LinkId) -> bool {
        self.link_commands.iter().any(|(id, command)| *id == link && matches!(command, LinkCommand::SetRemote(_)))
    }

    /// The key of the room's first epoch.
    ///
    /// # Panics
    /// When this device is not in the room.
    pub fn epoch_key(&self, room: RoomId) -> [u8; 32] {
        let boot = self.disk.boot().expect("reads").expect("an identity");
        let room = boot.rooms.into_iter().find(|known| known.room == room).expect("in the room");
        room.epochs[0].1
    }

    fn day(&self) -> Day {
        Day::of(self.clocks().wall)
    }
}

/// A key in the wrong hands.
pub struct Puppet {
    /// The key.
    pub key: SecretKey,
    /// Its public half.
    pub device: DeviceId,
    /// Where it can be answered.
    pub address: Address,
    log: LogKey,
    seq: u64,
    prev: Option<EntryHash>,
    /// Clock of its last entry.
    pub clock: Hlc,
    fresh: u8,
}

/// With which key an envelope is sealed, and to which address it therefore goes.
#[derive(Clone, Copy)]
pub enum Way<'a> {
    /// The room's.
    Room([u8; 32]),
    /// The invite's.
    Invite(&'a InviteLink),
}

/// A link between stage and puppet, as the puppet knows it.
#[derive(Clone, Debug)]
pub struct Dialog {
    /// What the engine calls it.
    pub link: LinkId,
    /// The attempt.
    pub connection: ConnectionId,
    offer: [u8; 32],
    answer: [u8; 32],
    /// The certificate that the puppet signed.
    pub ours: [u8; 32],
    /// The one that the engine signed.
    pub theirs: [u8; 32],
}

impl Dialog {
    /// A link that the engine offered and the puppet answered: hashes of offer and answer, certificates of both.
    pub fn answering(
        link: LinkId,
        connection: ConnectionId,
        (offer, answer): ([u8; 32], [u8; 32]),
        ours: [u8; 32],
        theirs: [u8; 32],
    ) -> Self {
        Self { link, connection, offer, answer, ours, theirs }
    }

    /// The hashes of offer and answer.
    pub fn sessions(&self) -> ([u8; 32], [u8; 32]) {
        (self.offer, self.answer)
    }
}

impl Puppet {
    /// A key.
    pub fn new(seed: u8) -> Self {
        let key = SecretKey::from_seed(&[seed; 32]);
        let device = key.device();
        Self {
            key,
            device,
            address: Address(format!("puppet{seed}")),
            log: LogKey { author: device, log: LogId([seed; 16]) },
            seq: 0,
            prev: None,
            clock: Hlc(DAWN << 16),
            fresh: 0,
        }
    }

    /// One of very many keys.
    pub fn numbered(n: u32) -> Self {
        let mut seed = [0xee; 32];
        seed[..4].copy_from_slice(&n.to_be_bytes());
        let mut puppet = Self::new(0);
        puppet.key = SecretKey::from_seed(&seed);
        puppet.device = puppet.key.device();
        puppet.log.author = puppet.device;
        puppet
    }

    /// Goes on in another log of its own, from the beginning.
    pub fn another_log(&mut self, n: u8) {
        self.log.log = LogId([n; 16]);
        (self.seq, self.prev) = (0, None);
    }

    fn fresh(&mut self) -> u8 {
        self.fresh = self.fresh.wrapping_add(1);
        self.fresh
    }

    /// An offer that nothing is wrong with.
    pub fn session(&mut self, stage: &Stage, room: RoomId, way: Way<'_>, purpose: LinkPurpose) -> Session {
        let fresh = self.fresh();
        let mut connection = [fresh; 16];
        connection[..8].copy_from_slice(&self.device.0[..8]);
        Session {
            room,
            from: self.device,
            to: match way {
                Way::Room(_) => Some(stage.device),
                Way::Invite(_) => None,
            },
            connection: ConnectionId(connection),
            nonce: [fresh; 16],
            purpose,
            answers: None,
            params: SessionParams {
                fingerprint: [fresh; 32],
                ufrag: "ufrag".into(),
                pwd: "password-of-a-puppet++".replace('-', "/"),
                setup: Setup::ActPass,
                candidates: vec!["candidate:1 1 udp 1 10.0.0.9 9 typ host".into()],
            },
        }
    }

    /// Where an envelope goes, and with which key.
    pub fn way(stage: &Stage, way: Way<'_>) -> (Address, SealingKey) {
        match way {
            Way::Room(key) => {
                let to = member_address(&room_rendezvous(&key), stage.device, stage.day(), 0);
                (to, SealingKey::of_epoch(&key))
            }
            Way::Invite(link) => {
                let keys = link.keys();
                (invite_address(&keys.rendezvous, stage.day(), 0), SealingKey::of_invite(&keys))
            }
        }
    }

    /// Seals a record as the broker would bring it.
    pub fn letter(&mut self, stage: &Stage, way: Way<'_>, kind: SignalKind, record: &[u8]) -> SignalEvent {
        let (to, key) = Self::way(stage, way);
        let ends = Ends::Broker { from: self.address.clone(), to: to.clone() };
        let envelope = seal(key, &ends, kind, [self.fresh(); 24], record);
        SignalEvent::Message { broker: BROKER.into(), to, from: self.address.clone(), kind, envelope }
    }

    /// Signs a session as it is and has the broker bring it as an offer.
    pub fn offer(&mut self, stage: &mut Stage, way: Way<'_>, session: &Session) {
        let record = SignedSession::sign(&self.key, session).encode();
        let letter = self.letter(stage, way, SignalKind::Offer, &record);
        stage.feed(Input::Signal(letter));
    }

    /// The same as a frame that a member carries.
    pub fn signal_frame(&mut self, stage: &Stage, way: Way<'_>, session: &Session) -> Frame {
        let record = SignedSession::sign(&self.key, session).encode();
        let (from, to, kind) = (self.device, stage.device, SignalKind::Offer);
        let key = Self::way(stage, way).1;
        let envelope = seal(key, &Ends::Mesh { from, to }, kind, [self.fresh(); 24], &record);
        Frame::Signal { room: session.room, from, to, kind, envelope }
    }

    /// Offers a link and reads the answer.
    ///
    /// # Panics
    /// When the engine does not answer.
    pub fn dial(&mut self, stage: &mut Stage, room: RoomId, way: Way<'_>) -> Dialog {
        let session = self.session(stage, room, way, LinkPurpose::Chat);
        let signed = SignedSession::sign(&self.key, &session);
        let letter = self.letter(stage, way, SignalKind::Offer, &signed.encode());
        stage.feed(Input::Signal(letter));
        let (link, ..) = stage.opened.pop().expect("the offer is taken up");
        let (_, key) = Self::way(stage, way);
        self.answered(stage, link, &session, signed.hash(), key)
    }

    /// Describes the engine's side of a link that answers `session`, and reads the answer that goes out.
    ///
    /// # Panics
    /// When none does.
    pub fn answered(
        &mut self,
        stage: &mut Stage,
        link: LinkId,
        session: &Session,
        offer: [u8; 32],
        key: SealingKey,
    ) -> Dialog {
        let theirs = [0xa0 ^ link.0 as u8; 32];
        stage.feed(Input::Link(link, LinkEvent::Described(described(theirs))));
        let (from, to, kind, envelope) = stage.signals.pop().expect("an answer");
        assert_eq!(kind, SignalKind::Answer);
        let record = open([((), key)], &Ends::Broker { from, to }, kind, &envelope).expect("sealed for us").1;
        let (signed, answer) = SignedSession::decode(&record).expect("signed by the engine");
        assert_eq!(answer.answers, Some(offer));
        let ours = session.params.fingerprint;
        Dialog { link, connection: session.connection, offer, answer: signed.hash(), ours, theirs }
    }

    /// Both certificates are seen as they were signed; the engine's AUTH comes back.
    ///
    /// # Panics
    /// When it does not.
    pub fn open(&self, stage: &mut Stage, dialog: &Dialog) -> Frame {
        stage.feed(Input::Link(dialog.link, LinkEvent::Open { local: dialog.theirs, remote: dialog.ours }));
        let auth = stage.take_sent(dialog.link).pop().expect("AUTH");
        assert!(matches!(auth, Frame::Auth { .. }));
        auth
    }

    /// The AUTH that an honest offerer would send.
    pub fn auth(&self, dialog: &Dialog) -> Frame {
        let bytes = auth_bytes(true, dialog.connection, &dialog.offer, &dialog.answer, &dialog.ours, &dialog.theirs);
        Frame::Auth { connection: dialog.connection, signature: self.key.sign(Context::Auth, &bytes) }
    }

    /// Says something on a link.
    pub fn say(&self, stage: &mut Stage, dialog: &Dialog, frame: &Frame) {
        self.say_bytes(stage, dialog, frame.encode());
    }

    /// Says any bytes on a link.
    pub fn say_bytes(&self, stage: &mut Stage, dialog: &Dialog, bytes: Vec<u8>) {
        stage.feed(Input::Link(dialog.link, LinkEvent::Message(bytes)));
    }

    /// A live link.
    pub fn link(&mut self, stage: &mut Stage, room: RoomId, way: Way<'_>) -> Dialog {
        let dialog = self.dial(stage, room, way);
        self.open(stage, &dialog);
        let auth = self.auth(&dialog);
        self.say(stage, &dialog, &auth);
        dialog
    }

    /// The AUTH that an honest answerer would send.
    pub fn auth_as_answerer(&self, dialog: &Dialog) -> Frame {
        let bytes = auth_bytes(false, dialog.connection, &dialog.offer, &dialog.answer, &dialog.theirs, &dialog.ours);
        Frame::Auth { connection: dialog.connection, signature: self.key.sign(Context::Auth, &bytes) }
    }

    /// Answers the bulk link that the engine has begun, and opens it.
    ///
    /// # Panics
    /// When the engine offers none over the chat link.
    pub fn answer_bulk(&mut self, stage: &mut Stage, chat: &Dialog, room: RoomId, link: LinkId) -> Dialog {
        let theirs = [0xb0 ^ link.0 as u8; 32];
        stage.feed(Input::Link(link, LinkEvent::Described(described(theirs))));
        let key = SealingKey::of_epoch(&stage.epoch_key(room));
        let sent = stage.take_sent(chat.link);
        let Some(Frame::Signal { from, to, kind: SignalKind::Offer, envelope, .. }) = sent.into_iter().next_back()
        else {
            panic!("an offer over the chat link");
        };
        let ends = Ends::Mesh { from, to };
        let record = open([((), key)], &ends, SignalKind::Offer, &envelope).expect("sealed with the room's key").1;
        let (signed, session) = SignedSession::decode(&record).expect("signed by the engine");
        let mut answer = session.clone();
        (answer.from, answer.to, answer.answers) = (self.device, Some(stage.device), Some(signed.hash()));
        answer.params.setup = Setup::Active;
        answer.params.fingerprint = [0x66; 32];
        let answer = SignedSession::sign(&self.key, &answer);
        let (from, to, kind) = (self.device, stage.device, SignalKind::Answer);
        let envelope = seal(key, &Ends::Mesh { from, to }, kind, [self.fresh(); 24], &answer.encode());
        self.say(stage, chat, &Frame::Signal { room, from, to, kind, envelope });
        stage.feed(Input::Link(link, LinkEvent::Open { local: theirs, remote: [0x66; 32] }));
        Dialog::answering(link, session.connection, (signed.hash(), answer.hash()), [0x66; 32], theirs)
    }

    /// A bulk link, offered over the chat link as members do, and open.
    ///
    /// # Panics
    /// When the engine does not answer.
    pub fn bulk(&mut self, stage: &mut Stage, chat: &Dialog, room: RoomId) -> Dialog {
        let way = Way::Room(stage.epoch_key(room));
        let session = self.session(stage, room, way, LinkPurpose::Bulk);
        let offer = SignedSession::sign(&self.key, &session).hash();
        let frame = self.signal_frame(stage, way, &session);
        self.say(stage, chat, &frame);
        let (link, ..) = stage.opened.pop().expect("the offer is taken up");
        let theirs = [0xb0 ^ link.0 as u8; 32];
        stage.feed(Input::Link(link, LinkEvent::Described(described(theirs))));
        let ours = session.params.fingerprint;
        stage.feed(Input::Link(link, LinkEvent::Open { local: theirs, remote: ours }));
        Dialog { link, connection: session.connection, offer, answer: [0; 32], ours, theirs }
    }

    /// KNOCK with a good proof.
    pub fn knock(&self, link: &InviteLink) -> Frame {
        let proof = proof(link, self.device);
        let profile = Profile { name: "Mallory".into(), avatar: None };
        Frame::Knock { room: link.room, invite: link.id(), proof, profile }
    }

    /// Becomes a member by a party invite, and stays linked.
    ///
    /// # Panics
    /// When it is not let in.
    pub fn enter(&mut self, stage: &mut Stage, invite: &InviteLink) -> Dialog {
        let dialog = self.link(stage, invite.room, Way::Invite(invite));
        let knock = self.knock(invite);
        self.say(stage, &dialog, &knock);
        let sent = stage.take_sent(dialog.link);
        assert!(sent.iter().any(|frame| matches!(frame, Frame::Welcome { .. })), "welcome: {sent:?}");
        stage.run(Duration::from_secs(1));
        self.clock = Hlc(stage.clocks().wall.0 << 16);
        dialog
    }

    /// Its word that it is this person's, in a room.
    pub fn claim(&self, room: RoomId, person: DeviceId) -> [u8; 64] {
        self.key.sign(Context::Device, &device_proof_bytes(room, person))
    }

    /// The next entry of its log, after everything that the engine has.
    pub fn entry(&mut self, stage: &Stage, room: RoomId, body: &Body) -> Entry {
        let last = stage.entries(room).last().map(|entry| entry.order.hash);
        let parents = last.filter(|last| Some(*last) != self.prev).into_iter().collect();
        self.entry_with(room, body, |header| header.parents = parents)
    }

    /// The next entry of its log, with any flaw in its header.
    pub fn entry_with(&mut self, room: RoomId, body: &Body, flaw: impl FnOnce(&mut Header)) -> Entry {
        self.signed(room, body.kind(), body.encode(), flaw)
    }

    fn signed(&mut self, room: RoomId, kind: u16, payload: Vec<u8>, flaw: impl FnOnce(&mut Header)) -> Entry {
        self.clock = Hlc(self.clock.0 + 1);
        let mut header = Header {
            kind,
            flags: 0,
            room,
            log: self.log,
            seq: self.seq + 1,
            prev: self.prev,
            clock: self.clock,
            written: self.clock.wall(),
            parents: Vec::new(),
            payload_len: 0,
            commitment: [0; 32],
        };
        flaw(&mut header);
        let salt = [self.fresh(); 16];
        let (entry, header, hash) = Entry::sign(&self.key, header, salt, payload);
        self.seq = header.seq;
        self.prev = Some(hash);
        entry
    }

    /// The next entry of its log, of any kind and with any payload.
    pub fn raw(&mut self, room: RoomId, kind: u16, payload: Vec<u8>) -> Entry {
        self.signed(room, kind, payload, |_| ())
    }

    /// Takes back its last entries, to write others in their place.
    pub fn rewind(&mut self, seq: u64, prev: Option<EntryHash>) {
        (self.seq, self.prev) = (seq, prev);
    }

    /// The hash and sequence of its last entry.
    pub fn head(&self) -> (u64, Option<EntryHash>) {
        (self.seq, self.prev)
    }

    /// Pushes entries.
    pub fn push(&self, stage: &mut Stage, dialog: &Dialog, room: RoomId, entries: Vec<Entry>) {
        self.say(stage, dialog, &Frame::Entries { room, entries });
    }

    /// Its log.
    pub fn log(&self) -> LogKey {
        self.log
    }
}

/// A plain text.
pub fn text(words: &str) -> Body {
    Body::Text(Text::plain(words))
}

/// An invite's word for a device.
pub fn proof(link: &InviteLink, device: DeviceId) -> [u8; 64] {
    SecretKey::from_seed(&link.keys().signing).sign(Context::InviteProof, &invite_proof_bytes(link.room, device))
}

/// What the link layer describes.
pub fn described(fingerprint: [u8; 32]) -> SessionParams {
    SessionParams {
        fingerprint,
        ufrag: "engine".into(),
        pwd: "password/of/the/engine".into(),
        setup: Setup::ActPass,
        candidates: Vec::new(),
    }
}

/// Something to fetch.
pub fn blob(n: u8) -> BlobHash {
    BlobHash([n; 32])
}
