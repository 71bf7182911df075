//! Messages for ids that nobody holds.
//!
//! A newcomer's offer may overtake the socket it is meant for, so stock PeerServer keeps it for `expire_timeout`. Then the
//! whole mailbox is dropped and each sender is told once. Ours is bounded, and what does not fit is answered at once:
//! whoever waits for nothing should know it.

use crate::address::{Address, Tally};
use crate::config::{Limits, QUEUED_OVERHEAD, QUEUED_SHARE_PER_ADDRESS};
use crate::protocol::Id;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// A message, and whom to tell if it is not fetched.
#[derive(Debug)]
pub(crate) struct Letter {
    pub(crate) src: Id,
    pub(crate) from: Option<Address>,
    pub(crate) text: String,
}

/// What became of a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It waits.
    Waits,
    /// Full; but the sender has others waiting, and hears of them when they expire.
    Dropped,
    /// Full, and the sender would hear nothing: tell it now.
    Refused,
}

#[derive(Debug)]
struct Mailbox {
    deadline: Instant,
    letters: Vec<Letter>,
}

/// All mailboxes.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    boxes: BTreeMap<String, Mailbox>,
    deadlines: BTreeSet<(Instant, String)>,
    bytes: usize,
    by_address: Tally,
}

fn cost(dst: &str, letter: &Letter) -> usize {
    letter.text.len() + letter.src.as_str().len() + dst.len() + QUEUED_OVERHEAD
}

impl Waiting {
    pub(crate) fn keep(&mut self, dst: &str, letter: Letter, limits: &Limits, now: Instant) -> Kept {
        let cost = cost(dst, &letter);
        let share = limits.queued_bytes_total / QUEUED_SHARE_PER_ADDRESS;
        // Without a limit per address there are no addresses worth telling apart (a proxy stands in front, say).
        let over_share = limits.per_address.is_some()
            && letter.from.is_some_and(|address| self.by_address.of(address) + cost > share);
        let mailbox = self.boxes.get(dst);
        let crowded = mailbox.is_some_and(|mailbox| mailbox.letters.len() >= limits.queued_per_id);
        if crowded || over_share || self.bytes + cost > limits.queued_bytes_total {
            let known = mailbox.is_some_and(|mailbox| mailbox.letters.iter().any(|kept| kept.src == letter.src));
            return if known { Kept::Dropped } else { Kept::Refused };
        }
        self.bytes += cost;
        self.by_address.add(letter.from, cost);
        let deadline = now + limits.expire_timeout;
        let deadlines = &mut self.deadlines;
        let mailbox = self.boxes.entry(dst.to_owned()).or_insert_with_key(|dst| {
            deadlines.insert((deadline, dst.clone()));
            Mailbox { deadline, letters: Vec::new() }
        });
        mailbox.letters.push(letter);
        Kept::Waits
    }

    /// What waits for `dst`, oldest first.
    pub(crate) fn fetch(&mut self, dst: &str) -> Vec<Letter> {
        let Some((dst, mailbox)) = self.boxes.remove_entry(dst) else { return Vec::new() };
        for letter in &mailbox.letters {
            let cost = cost(&dst, letter);
            self.bytes -= cost;
            self.by_address.remove(letter.from, cost);
        }
        self.deadlines.remove(&(mailbox.deadline, dst));
        mailbox.letters
    }

    /// Drops the mailboxes that nobody read in time: who was missing, and which senders to tell.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<(String, BTreeSet<Id>)> {
        let mut expired = Vec::new();
        while let Some((deadline, dst)) = self.deadlines.first() {
            if *deadline > now {
                break;
            }
            let dst = dst.clone();
            let senders = self.fetch(&dst).into_iter().map(|letter| letter.src).collect();
            expired.push((dst, senders));
        }
        expired
    }

    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// Bytes charged now.
    #[cfg(test)]
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }
}
