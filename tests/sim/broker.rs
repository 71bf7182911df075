//! A PeerServer, and the client that `net` keeps for it: PEERSERVER's rules for claims, tokens, queues and EXPIRE.

use crate::invariants::hold;
use crate::invariants::steps::Fact;
use crate::node::NodeId;
use crate::world::{Event, World};
use natter_engine::ids::{Address, BrokerUrl};
use natter_engine::port::{BrokerTrouble, Input, SignalCommand, SignalEvent, SignalKind};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// How long a queue waits for its reader.
const EXPIRE: Duration = Duration::from_secs(5);
/// Longest wait between two attempts of a client.
const BACKOFF_LAST: u64 = 10_000;
/// How long a broker may take to see that a host died without a word.
const LINGER: u64 = 60_000;

/// A socket as the broker knows it.
#[derive(Clone, Debug)]
struct Socket {
    node: Option<NodeId>,
    life: u32,
    token: String,
}

/// An envelope on its way.
#[derive(Clone, Debug)]
pub struct Letter {
    /// From which address, as the broker knows it.
    pub from: Address,
    /// To which address.
    pub to: Address,
    /// Type.
    pub kind: SignalKind,
    /// Sealed.
    pub envelope: Vec<u8>,
}

/// A broker.
pub struct Broker {
    /// Where.
    pub url: BrokerUrl,
    /// Whether it answers.
    pub up: bool,
    sockets: BTreeMap<Address, Socket>,
    queues: BTreeMap<Address, VecDeque<(u64, Letter)>>,
    next: u64,
    /// All that ever passed, for those who replay.
    pub seen: Vec<Letter>,
}

/// One device's sockets.
#[derive(Default)]
pub(crate) struct Client {
    claims: BTreeMap<(BrokerUrl, Address), Claim>,
}

struct Claim {
    token: String,
    held: bool,
    failures: u32,
    /// Events of an earlier claim of the same address come to nobody.
    serial: u64,
}

impl Broker {
    pub(crate) fn new(url: BrokerUrl) -> Self {
        Self { url, up: true, sockets: BTreeMap::new(), queues: BTreeMap::new(), next: 0, seen: Vec::new() }
    }

    /// Addresses that somebody holds.
    pub fn held(&self) -> Vec<Address> {
        self.sockets.keys().cloned().collect()
    }

    /// Somebody who is no device of ours takes an address, if it is free.
    pub fn squat(&mut self, address: Address) -> bool {
        if self.sockets.contains_key(&address) {
            return false;
        }
        self.sockets.insert(address, Socket { node: None, life: 0, token: "squatter".into() });
        true
    }

    /// All squatters go.
    pub fn evict_squatters(&mut self) {
        self.sockets.retain(|_, socket| socket.node.is_some());
    }
}

impl World {
    pub(crate) fn on_signal_command(&mut self, node: NodeId, command: SignalCommand) {
        match command {
            SignalCommand::Claim { broker, address, token } => {
                hold(&self.nodes[node.0].name, &Fact::Claims(&token));
                let serial = self.next_serial();
                let client = &mut self.nodes[node.0].client;
                let key = (broker.clone(), address.clone());
                if client.claims.contains_key(&key) {
                    return;
                }
                client.claims.insert(key, Claim { token, held: false, failures: 0, serial });
                self.dial(node, broker, address, serial, 0);
            }
            SignalCommand::Release { broker, address } => {
                self.nodes[node.0].client.claims.remove(&(broker.clone(), address.clone()));
                let life = self.nodes[node.0].life;
                let delay = self.signal_delay();
                self.after(delay, Event::SocketClosed { node, life, broker, address });
            }
            SignalCommand::Send { broker, from, to, kind, envelope } => {
                let held = self.nodes[node.0].client.claims.get(&(broker.clone(), from.clone()));
                if held.is_none_or(|claim| !claim.held) {
                    return;
                }
                hold(&self.nodes[node.0].name, &Fact::Envelope(envelope.len()));
                let letter = Letter { from, to, kind, envelope };
                self.post(&broker, letter);
            }
        }
    }

    /// Gives a broker a letter, through the weather.
    pub fn post(&mut self, broker: &BrokerUrl, letter: Letter) {
        if self.chance.percent(self.weather.signal_lost) {
            return;
        }
        let copies = if self.chance.percent(self.weather.signal_twice) { 2 } else { 1 };
        for _ in 0..copies {
            let mut delay = self.signal_delay();
            if self.chance.percent(self.weather.signal_late) {
                delay += self.chance.millis(&(0..30_000));
            }
            self.after(delay, Event::Letter { broker: broker.clone(), letter: letter.clone() });
        }
    }

    fn dial(&mut self, node: NodeId, broker: BrokerUrl, address: Address, serial: u64, wait: u64) {
        let delay = self.signal_delay() + Duration::from_millis(wait);
        let life = self.nodes[node.0].life;
        self.after(delay, Event::Dial { node, life, broker, address, serial });
    }

    fn signal_delay(&mut self) -> Duration {
        let range = self.weather.signal.clone();
        self.chance.millis(&range)
    }

    pub(crate) fn broker_mut(&mut self, url: &BrokerUrl) -> Option<&mut Broker> {
        self.brokers.iter_mut().find(|broker| broker.url == *url)
    }

    /// A client's socket reaches the broker, or does not.
    pub(crate) fn on_dial(&mut self, node: NodeId, broker: BrokerUrl, address: Address, serial: u64) {
        let life = self.nodes[node.0].life;
        let key = (broker.clone(), address.clone());
        let Some(claim) = self.nodes[node.0].client.claims.get(&key).filter(|claim| claim.serial == serial) else {
            return;
        };
        let token = claim.token.clone();
        let offline = self.is_offline(node);
        let Some(server) = self.broker_mut(&broker).filter(|server| server.up && !offline) else {
            return self.client_lost(node, broker, address, BrokerTrouble::Unreachable);
        };
        match server.sockets.get(&address) {
            Some(socket) if socket.token != token => {
                self.nodes[node.0].client.claims.remove(&key);
                self.tell(node, Input::Signal(SignalEvent::Taken { broker, address }));
            }
            Some(_) | None => {
                server.sockets.insert(address.clone(), Socket { node: Some(node), life, token });
                let waiting = server.queues.remove(&address).unwrap_or_default();
                if let Some(claim) = self.nodes[node.0].client.claims.get_mut(&key) {
                    (claim.held, claim.failures) = (true, 0);
                }
                self.tell(node, Input::Signal(SignalEvent::Claimed { broker: broker.clone(), address }));
                for (_, letter) in waiting {
                    self.deliver(node, life, &broker, letter);
                }
            }
        }
    }

    fn client_lost(&mut self, node: NodeId, broker: BrokerUrl, address: Address, trouble: BrokerTrouble) {
        let jitter = self.chance.below(1000);
        let Some(claim) = self.nodes[node.0].client.claims.get_mut(&(broker.clone(), address.clone())) else { return };
        claim.held = false;
        claim.failures += 1;
        let wait = (500 << claim.failures.min(6)).min(BACKOFF_LAST) + jitter;
        let serial = claim.serial;
        self.tell(node, Input::Signal(SignalEvent::Lost { broker: broker.clone(), address: address.clone(), trouble }));
        self.dial(node, broker, address, serial, wait);
    }

    fn deliver(&mut self, node: NodeId, life: u32, broker: &BrokerUrl, letter: Letter) {
        let delay = self.signal_delay();
        let Letter { from, to, kind, envelope } = letter;
        let event = SignalEvent::Message { broker: broker.clone(), to, from, kind, envelope };
        self.after(delay, Event::FromBroker { node, life, event });
    }

    /// A letter has reached its broker.
    pub(crate) fn on_letter(&mut self, broker: &BrokerUrl, letter: Letter) {
        let now = self.now;
        let Some(server) = self.broker_mut(broker).filter(|server| server.up) else { return };
        server.seen.push(letter.clone());
        match server.sockets.get(&letter.to) {
            // A squatter, who says nothing.
            Some(Socket { node: None, .. }) => {}
            Some(Socket { node: Some(node), life, .. }) => {
                let (node, life) = (*node, *life);
                self.deliver(node, life, broker, letter);
            }
            None => {
                server.next += 1;
                let id = server.next;
                server.queues.entry(letter.to.clone()).or_default().push_back((id, letter.clone()));
                self.at(now + EXPIRE.as_micros() as u64, Event::Expire { broker: broker.clone(), to: letter.to, id });
            }
        }
    }

    /// A letter waited in vain.
    pub(crate) fn on_expire(&mut self, broker: &BrokerUrl, to: &Address, id: u64) {
        let Some(server) = self.broker_mut(broker) else { return };
        let Some(queue) = server.queues.get_mut(to) else { return };
        let Some(at) = queue.iter().position(|(letter, _)| *letter == id) else { return };
        let Some((_, letter)) = queue.remove(at) else { return };
        if queue.is_empty() {
            server.queues.remove(to);
        }
        let Some(Socket { node: Some(node), life, .. }) = server.sockets.get(&letter.from).cloned() else { return };
        let delay = self.signal_delay();
        let event = SignalEvent::Expired { broker: broker.clone(), to: letter.from, missing: letter.to };
        self.after(delay, Event::FromBroker { node, life, event });
    }

    /// What a broker says arrives, if the socket is still there.
    pub(crate) fn on_from_broker(&mut self, node: NodeId, event: SignalEvent) {
        let (broker, address) = match &event {
            SignalEvent::Message { broker, to, .. } | SignalEvent::Expired { broker, to, .. } => (broker, to),
            SignalEvent::Claimed { broker, address }
            | SignalEvent::Taken { broker, address }
            | SignalEvent::Lost { broker, address, .. } => (broker, address),
        };
        let claim = self.nodes[node.0].client.claims.get(&(broker.clone(), address.clone()));
        if claim.is_some_and(|claim| claim.held) && !self.is_offline(node) {
            self.tell(node, Input::Signal(event));
        }
    }

    /// A broker notices that a socket closed.
    pub(crate) fn on_socket_closed(&mut self, node: NodeId, life: u32, broker: &BrokerUrl, address: &Address) {
        let Some(server) = self.broker_mut(broker) else { return };
        let ours = server.sockets.get(address).is_some_and(|s| s.node == Some(node) && s.life == life);
        // Claimed again meanwhile: the new socket replaced the old one.
        let again = self.nodes[node.0].client.claims.contains_key(&(broker.clone(), address.clone()))
            && self.nodes[node.0].life == life;
        if ours
            && !again
            && let Some(server) = self.broker_mut(broker)
        {
            server.sockets.remove(address);
        }
    }

    /// All sockets of a device end because it died; a broker may take a minute to notice.
    pub(crate) fn sockets_died(&mut self, node: NodeId) {
        let life = self.nodes[node.0].life;
        let claims = std::mem::take(&mut self.nodes[node.0].client.claims);
        for (broker, address) in claims.into_keys() {
            let wait = if self.chance.percent(50) { 50 } else { self.chance.below(LINGER) };
            self.after(Duration::from_millis(wait), Event::SocketClosed { node, life, broker, address });
        }
    }

    /// Stops a broker: its sockets close, its queues are gone.
    pub fn stop_broker(&mut self, n: usize) {
        let broker = &mut self.brokers[n];
        if !broker.up {
            return;
        }
        broker.up = false;
        broker.queues.clear();
        let url = broker.url.clone();
        let sockets = std::mem::take(&mut broker.sockets);
        self.note("world", format_args!("broker {n} stops"));
        for (address, socket) in sockets {
            let Some(node) = socket.node.filter(|node| self.nodes[node.0].life == socket.life) else { continue };
            self.client_lost(node, url.clone(), address, BrokerTrouble::Closed);
        }
    }

    /// Starts it again.
    pub fn start_broker(&mut self, n: usize) {
        self.brokers[n].up = true;
        self.note("world", format_args!("broker {n} starts"));
    }
}
