//! Anti-entropy: who holds how much of which log, and whom to ask for the rest.
//!
//! HAVE carries a version vector (Parker et al., 1983): the last contiguous sequence of each log. It acknowledges what
//! was received and offers what was not asked for yet. Whoever is behind sends WANT for bounded ranges, one per log at
//! a time, to any linked member who is ahead; an ask without progress for five seconds goes to another.

use super::log::Logs;
use crate::ids::{DeviceId, LogKey};
use crate::time::Instant;
use crate::wire::limits::{ENTRIES_BURST, ENTRIES_PER_SECOND, LOGS_PER_ROOM, WANT_ENTRIES};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long an ask may stand without progress.
const PATIENCE: Duration = Duration::from_secs(5);
/// Asks to one peer at a time: each brings up to 256 entries.
const ASKS_PER_PEER: usize = 8;

struct Peer {
    have: BTreeMap<LogKey, u64>,
    /// Tokens for unrequested entries (a bucket of `ENTRIES_BURST`, filled by `ENTRIES_PER_SECOND`), in thousandths.
    tokens: u64,
    filled: Instant,
}

struct Ask {
    peer: DeviceId,
    to: u64,
    deadline: Instant,
}

/// One WANT to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Want {
    pub(crate) peer: DeviceId,
    pub(crate) log: LogKey,
    pub(crate) from: u64,
    pub(crate) to: u64,
}

/// The sync of one room.
#[derive(Default)]
pub(crate) struct Sync {
    peers: BTreeMap<DeviceId, Peer>,
    asks: BTreeMap<LogKey, Ask>,
    /// Who let an ask lapse since everybody had a turn: the next one goes elsewhere first.
    slow: BTreeMap<LogKey, BTreeSet<DeviceId>>,
    /// Something changed since [`Self::asks`] looked last: whoever had the answer may be gone, or somebody new has it.
    stirred: bool,
}

impl Sync {
    /// A member is linked.
    pub(crate) fn join(&mut self, peer: DeviceId, now: Instant) {
        let fresh = Peer { have: BTreeMap::new(), tokens: u64::from(ENTRIES_BURST) * 1000, filled: now };
        self.peers.entry(peer).or_insert(fresh);
    }

    /// It is no longer.
    pub(crate) fn part(&mut self, peer: DeviceId) {
        self.peers.remove(&peer);
        self.asks.retain(|_, ask| ask.peer != peer);
        self.slow.retain(|_, slow| {
            slow.remove(&peer);
            !slow.is_empty()
        });
        self.stirred = true;
    }

    /// Whether the peer's entries are heard.
    pub(crate) fn is_joined(&self, peer: DeviceId) -> bool {
        self.peers.contains_key(&peer)
    }

    /// A HAVE arrived. Returns what is new in it.
    pub(crate) fn heard(&mut self, peer: DeviceId, heads: &[(LogKey, u64)]) -> Vec<(LogKey, u64)> {
        let Some(peer) = self.peers.get_mut(&peer) else { return Vec::new() };
        let mut news = Vec::new();
        for (log, seq) in heads {
            if peer.claims(*log, *seq) {
                news.push((*log, *seq));
            }
        }
        self.stirred |= !news.is_empty();
        news
    }

    /// A peer gave us an entry, or what it says is one: it holds the log so far.
    pub(crate) fn note(&mut self, peer: DeviceId, log: LogKey, seq: u64) {
        self.stirred |= self.peers.get_mut(&peer).is_some_and(|peer| peer.claims(log, seq));
    }

    /// Logs in the longest version vector that a peer told us.
    pub(crate) fn longest_claim(&self) -> usize {
        self.peers.values().map(|peer| peer.have.len()).max().unwrap_or(0)
    }

    /// How far a peer holds a log, as far as we know.
    pub(crate) fn have(&self, peer: DeviceId, log: LogKey) -> u64 {
        self.peers.get(&peer).and_then(|peer| peer.have.get(&log)).copied().unwrap_or(0)
    }

    /// The logs of a device that a peer holds something of.
    pub(crate) fn claims_of(&self, peer: DeviceId, author: DeviceId) -> impl Iterator<Item = LogKey> {
        let logs = self.peers.get(&peer).into_iter().flat_map(|peer| peer.have.keys().copied());
        logs.filter(move |log| log.author == author)
    }

    /// Whether entries up to here were asked for from this peer (then they cost no tokens).
    pub(crate) fn is_asked(&self, peer: DeviceId, log: LogKey, seq: u64) -> bool {
        self.asks.get(&log).is_some_and(|ask| ask.peer == peer && seq <= ask.to)
    }

    /// An entry that is new arrived from a peer; the log is held or waits up to `reach` now. Only whoever was asked can
    /// make progress: else anybody who repeats what is known would keep an ask standing that nobody answers.
    pub(crate) fn progressed(&mut self, peer: DeviceId, log: LogKey, seq: u64, reach: u64, now: Instant) {
        let Some(ask) = self.asks.get_mut(&log).filter(|ask| ask.peer == peer) else {
            return self.reached(log, reach);
        };
        ask.deadline = now.plus(PATIENCE);
        let answered = seq >= ask.to;
        self.reached(log, if answered { u64::MAX } else { reach });
    }

    /// A log ends here: whoever says more of it does not know yet that it was written twice.
    pub(crate) fn cut(&mut self, log: LogKey, last: u64) {
        for peer in self.peers.values_mut() {
            if let Some(seq) = peer.have.get_mut(&log) {
                *seq = last.min(*seq);
            }
        }
        self.asks.remove(&log);
        self.slow.remove(&log);
        self.stirred = true;
    }

    /// The log is held or waits up to `reach`: an ask for no more than that is answered, whoever brought it.
    pub(crate) fn reached(&mut self, log: LogKey, reach: u64) {
        if self.asks.get(&log).is_some_and(|ask| ask.to <= reach) {
            self.asks.remove(&log);
            self.stirred = true;
        }
    }

    /// Takes one token for an unrequested entry; false when the peer is over its rate.
    pub(crate) fn spend(&mut self, peer: DeviceId, now: Instant) -> bool {
        let Some(peer) = self.peers.get_mut(&peer) else { return false };
        let gained = now.since(peer.filled).as_millis() as u64 * u64::from(ENTRIES_PER_SECOND);
        peer.filled = now;
        peer.tokens = (peer.tokens + gained).min(u64::from(ENTRIES_BURST) * 1000);
        let Some(rest) = peer.tokens.checked_sub(1000) else { return false };
        peer.tokens = rest;
        true
    }

    /// Whether [`Self::asks`] may have something to say.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.stirred || self.next_timeout().is_some_and(|due| due <= now)
    }

    /// What to ask for now.
    pub(crate) fn asks(&mut self, logs: &Logs, now: Instant) -> Vec<Want> {
        self.stirred = false;
        let lapsed: Vec<(LogKey, DeviceId)> =
            self.asks.iter().filter(|(_, ask)| ask.deadline <= now).map(|(log, ask)| (*log, ask.peer)).collect();
        for (log, peer) in lapsed {
            self.asks.remove(&log);
            self.slow.entry(log).or_default().insert(peer);
        }
        let mut wants = Vec::new();
        let mut load: BTreeMap<DeviceId, usize> = BTreeMap::new();
        for ask in self.asks.values() {
            *load.entry(ask.peer).or_default() += 1;
        }
        for (log, peer, ahead) in self.ahead(logs) {
            if self.slow.get(&log).is_some_and(|slow| slow.contains(&peer)) {
                // Everybody who is ahead was slow once: the next round begins.
                self.slow.remove(&log);
            }
            let busy = load.entry(peer).or_default();
            if *busy >= ASKS_PER_PEER {
                continue;
            }
            *busy += 1;
            let from = logs.reach(log) + 1;
            let to = ahead.min(from + WANT_ENTRIES - 1);
            self.asks.insert(log, Ask { peer, to, deadline: now.plus(PATIENCE) });
            wants.push(Want { peer, log, from, to });
        }
        wants
    }

    /// The next instant at which [`Self::asks`] has something to do by itself.
    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        self.asks.values().map(|ask| ask.deadline).min()
    }

    /// Each log that some peer holds further than we do and nobody is asked for: with whom to ask, and how far it goes.
    fn ahead(&self, logs: &Logs) -> Vec<(LogKey, DeviceId, u64)> {
        // Ranked by (was not slow, how far it goes).
        let mut best: BTreeMap<LogKey, (bool, u64, DeviceId)> = BTreeMap::new();
        for (device, peer) in &self.peers {
            for (log, seq) in &peer.have {
                let over = logs.branches().split_at(*log).is_some() || logs.is_refused(*log);
                if self.asks.contains_key(log) || *seq <= logs.head(*log) || over {
                    continue;
                }
                if *seq <= logs.reach(*log) || !logs.has_room_for(log.author) {
                    continue;
                }
                let slow = self.slow.get(log).is_some_and(|slow| slow.contains(device));
                let rank = (!slow, *seq, *device);
                best.entry(*log).and_modify(|known| *known = rank.max(*known)).or_insert(rank);
            }
        }
        best.into_iter().map(|(log, (_, seq, device))| (log, device, seq)).collect()
    }
}

impl Peer {
    /// Takes down how far it says it holds a log; false when that is nothing new, or one log too many.
    fn claims(&mut self, log: LogKey, seq: u64) -> bool {
        if self.have.len() >= LOGS_PER_ROOM && !self.have.contains_key(&log) {
            return false;
        }
        let had = self.have.entry(log).or_insert(0);
        let news = seq > *had;
        *had = seq.max(*had);
        news
    }
}
