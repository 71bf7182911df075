//! The broker's state machine: told of sockets, frames and time; yields what to send.
//!
//! It follows `peer` 1.0.2 in everything a client can see. A client is an id and a token; a socket serves one client.
//! A second socket with the same token replaces the first WITHOUT a new OPEN, one with another token hears ID-TAKEN.
//! What clients say to each other is relayed at once, or waits for a recipient who is about to come ([`waiting`]).
//!
//! The shell calls in, then asks [`Hub::woken`] which sockets have news and lets each take its own ([`Hub::take`]).

pub(crate) mod outbox;
#[cfg(test)]
mod tests;
mod waiting;

use crate::address::{Address, Tally};
use crate::config::{Config, Discovery, Limits};
use crate::protocol::{self, FLOOD, Hello, Id, Keeps, Kind, Message, OPEN, Refusal, TOO_BIG, Token};
use crate::rate::Bucket;
use outbox::{Close, Outbox, Outgoing, Room};
use std::collections::BTreeMap;
use std::time::Instant;
use waiting::{Kept, Letter, Waiting};

/// Names a socket for as long as the broker runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SocketId(pub(crate) u64);

/// What a socket's tasks have to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wake {
    /// Take what is outgoing.
    Write,
    /// Take what is outgoing, soon: the last of it is a close.
    Finish,
    /// End at once: it reads too slowly for a goodbye to arrive.
    Drop,
}

/// What came in on a socket.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Frame<'a> {
    /// A text or binary message.
    Message(&'a [u8]),
    /// A ping or pong, of so many bytes; answered below us, counted here.
    Control(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Serves its client.
    Open,
    /// Has said its last, or is gone; serves nobody.
    Closing,
}

#[derive(Debug)]
struct Socket {
    client: Id,
    from: Option<Address>,
    phase: Phase,
    outbox: Outbox,
    messages: Bucket,
    bytes: Bucket,
}

#[derive(Debug)]
struct Client {
    token: Token,
    socket: SocketId,
    heard: Instant,
}

/// All clients of one broker.
#[derive(Debug)]
pub(crate) struct Hub {
    limits: Limits,
    key: String,
    clients: BTreeMap<Id, Client>,
    by_address: Tally,
    sockets: BTreeMap<SocketId, Socket>,
    next_socket: u64,
    outgoing_bytes: usize,
    waiting: Waiting,
    /// Nobody can have been silent too long before this.
    alive_check: Option<Instant>,
    woken: Vec<(SocketId, Wake)>,
    discovery: Discovery,
    stopping: bool,
}

impl Hub {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            limits: config.limits.clone(),
            key: config.key.0.clone(),
            clients: BTreeMap::new(),
            by_address: Tally::default(),
            sockets: BTreeMap::new(),
            next_socket: 0,
            outgoing_bytes: 0,
            waiting: Waiting::default(),
            alive_check: None,
            woken: Vec::new(),
            discovery: config.discovery,
            stopping: false,
        }
    }

    /// A socket asks to serve a client. Refused ones are not known here: the shell says why and closes.
    pub(crate) fn connect(&mut self, hello: &Hello, from: Option<Address>, now: Instant) -> Result<SocketId, Refusal> {
        if hello.id.is_empty() || hello.token.is_empty() || hello.key.is_empty() {
            return Err(Refusal::Incomplete);
        }
        if hello.key != self.key {
            return Err(Refusal::Key);
        }
        let id = Id::parse(&hello.id).ok_or(Refusal::Id)?;
        let token = Token::parse(&hello.token).ok_or(Refusal::Token)?;
        if self.stopping {
            return Err(Refusal::Full);
        }
        let replaced = match self.clients.get(&id) {
            Some(client) if client.token != token => return Err(Refusal::Taken),
            Some(client) => Some(client.socket),
            None if self.is_full(from) => return Err(Refusal::Full),
            None => None,
        };
        // What the old socket had not yet taken goes out on the new one.
        let outbox = replaced.map(|old| self.retire(old)).unwrap_or_default();
        let socket = SocketId(self.next_socket);
        self.next_socket += 1;
        self.outgoing_bytes += outbox.bytes();
        self.by_address.add(from, 1);
        let messages = Bucket::full(self.limits.messages_per_second, self.limits.messages_burst, now);
        let bytes = Bucket::full(self.limits.bytes_per_second, self.limits.bytes_burst, now);
        self.sockets.insert(socket, Socket { client: id.clone(), from, phase: Phase::Open, outbox, messages, bytes });
        let letters = self.waiting.fetch(id.as_str());
        self.clients.insert(id, Client { token, socket, heard: now });
        self.alive_check.get_or_insert(now + self.limits.alive_timeout);
        if replaced.is_none() {
            self.send(socket, OPEN.to_owned());
        }
        for letter in letters {
            self.send(socket, letter.text);
        }
        self.woken.push((socket, Wake::Write));
        Ok(socket)
    }

    /// A frame came in. Nonsense is dropped; too much of anything ends the socket.
    pub(crate) fn receive(&mut self, socket: SocketId, frame: Frame<'_>, now: Instant) {
        let Some(sender) = self.sockets.get_mut(&socket).filter(|socket| socket.phase == Phase::Open) else { return };
        let length = match frame {
            Frame::Message(text) => text.len(),
            Frame::Control(length) => length,
        };
        if length > self.limits.message_bytes {
            return self.close(socket, Some(protocol::error(TOO_BIG)), Close::TooBig);
        }
        if !sender.messages.take(1, now) || !sender.bytes.take(length, now) {
            return self.close(socket, Some(protocol::error(FLOOD)), Close::Policy);
        }
        let Frame::Message(text) = frame else { return };
        match protocol::parse(text) {
            Some(Message::Heartbeat) => {
                if let Some(client) = self.clients.get_mut(&sender.client) {
                    client.heard = now;
                }
            }
            Some(Message::Relay { kind, dst, payload }) => {
                let src = sender.client.clone();
                let text = protocol::encode(kind, src.as_str(), &dst, payload);
                let from = sender.from;
                self.relay(kind, &dst, Letter { src, from, text }, now);
            }
            Some(Message::Goodbye) => self.close(socket, None, Close::Plain),
            None => {}
        }
    }

    /// A socket ended, for whatever reason. Its id is free; nobody is told.
    pub(crate) fn disconnect(&mut self, socket: SocketId) {
        self.let_go(socket);
        if let Some(gone) = self.sockets.remove(&socket) {
            self.outgoing_bytes -= gone.outbox.bytes();
        }
    }

    /// Time passed: tells senders of what nobody fetched, and closes who went silent.
    pub(crate) fn tick(&mut self, now: Instant) {
        for (missing, senders) in self.waiting.expire(now) {
            for sender in senders {
                self.tell_expired(&missing, &sender);
            }
        }
        if self.alive_check.is_none_or(|check| check > now) {
            return;
        }
        let limit = self.limits.alive_timeout;
        let silent = |client: &&Client| client.heard + limit <= now;
        let silent: Vec<SocketId> = self.clients.values().filter(silent).map(|client| client.socket).collect();
        for socket in silent {
            self.close(socket, None, Close::Plain);
        }
        self.alive_check = self.clients.values().map(|client| client.heard + limit).min();
    }

    /// When [`Hub::tick`] has something to do; earlier does no harm.
    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        [self.waiting.next_timeout(), self.alive_check].into_iter().flatten().min()
    }

    /// The next thing for this socket's writer to do.
    pub(crate) fn take(&mut self, socket: SocketId) -> Option<Outgoing> {
        let outgoing = self.sockets.get_mut(&socket)?.outbox.take();
        if let Some(Outgoing::Text(text)) = &outgoing {
            self.outgoing_bytes -= text.len();
        }
        outgoing
    }

    /// Sockets that have news since the last call.
    pub(crate) fn woken(&mut self) -> Vec<(SocketId, Wake)> {
        std::mem::take(&mut self.woken)
    }

    /// Whether somebody holds this id.
    pub(crate) fn holds(&self, id: &str) -> bool {
        self.clients.contains_key(id)
    }

    /// The ids that are online, if that may be asked.
    pub(crate) fn discover(&self) -> Option<Vec<&str>> {
        match self.discovery {
            Discovery::Allowed => Some(self.clients.keys().map(Id::as_str).collect()),
            Discovery::Refused => None,
        }
    }

    /// Closes every socket and takes no more.
    pub(crate) fn stop(&mut self) {
        self.stopping = true;
        let open: Vec<SocketId> = self.clients.values().map(|client| client.socket).collect();
        for socket in open {
            self.close(socket, None, Close::GoingAway);
        }
    }

    /// Ends every socket that [`Hub::stop`] asked to leave and that is still here.
    pub(crate) fn drop_all(&mut self) {
        self.woken.extend(self.sockets.keys().map(|socket| (*socket, Wake::Drop)));
    }

    fn is_full(&self, from: Option<Address>) -> bool {
        let crowded = |limit: usize| from.is_some_and(|address| self.by_address.of(address) >= limit);
        self.clients.len() >= self.limits.sockets || self.limits.per_address.is_some_and(crowded)
    }

    fn relay(&mut self, kind: Kind, dst: &str, letter: Letter, now: Instant) {
        if let Some(client) = self.clients.get(dst) {
            return self.send(client.socket, letter.text);
        }
        match kind.keeps() {
            Keeps::Nothing => {}
            Keeps::Waiting => {
                let src = letter.src.clone();
                match self.waiting.keep(dst, letter, &self.limits, now) {
                    Kept::Waits | Kept::Dropped => {}
                    Kept::Refused => self.tell_expired(dst, &src),
                }
            }
        }
    }

    fn tell_expired(&mut self, missing: &str, sender: &Id) {
        if let Some(client) = self.clients.get(sender) {
            self.send(client.socket, protocol::expire(missing, sender));
        }
    }

    fn send(&mut self, socket: SocketId, text: String) {
        let Some(to) = self.sockets.get_mut(&socket).filter(|socket| socket.phase == Phase::Open) else { return };
        let length = text.len();
        match to.outbox.push(text, &self.limits) {
            Room::Found => self.outgoing_bytes += length,
            Room::Full => return self.drop_slow(socket),
        }
        self.woken.push((socket, Wake::Write));
        if self.outgoing_bytes > self.limits.outgoing_bytes_total {
            let behind = self.sockets.iter().max_by_key(|(_, socket)| socket.outbox.bytes()).map(|(socket, _)| *socket);
            behind.into_iter().for_each(|socket| self.drop_slow(socket));
        }
    }

    /// Ends a socket whose reader is too far behind: what it has not read is lost, as if its line had broken.
    fn drop_slow(&mut self, socket: SocketId) {
        self.let_go(socket);
        if let Some(slow) = self.sockets.get_mut(&socket) {
            self.outgoing_bytes -= slow.outbox.bytes();
            slow.outbox = Outbox::default();
        }
        self.woken.push((socket, Wake::Drop));
    }

    /// Says a last word, then closes.
    fn close(&mut self, socket: SocketId, last: Option<String>, close: Close) {
        self.let_go(socket);
        if let Some(closing) = self.sockets.get_mut(&socket) {
            let before = closing.outbox.bytes();
            closing.outbox.finish(last, close);
            self.outgoing_bytes += closing.outbox.bytes() - before;
        }
        self.woken.push((socket, Wake::Finish));
    }

    /// Closes a socket whose client has a newer one, and returns what it had not yet taken.
    fn retire(&mut self, socket: SocketId) -> Outbox {
        let mut outbox = Outbox::default();
        if let Some(old) = self.sockets.get_mut(&socket) {
            outbox = old.outbox.hand_over();
            self.outgoing_bytes -= outbox.bytes();
        }
        self.close(socket, None, Close::Plain);
        outbox
    }

    /// From here on the socket serves nobody, and its id is free.
    fn let_go(&mut self, socket: SocketId) {
        let Some(closing) = self.sockets.get_mut(&socket).filter(|socket| socket.phase == Phase::Open) else { return };
        closing.phase = Phase::Closing;
        self.by_address.remove(closing.from, 1);
        self.clients.remove(&closing.client);
    }
}
