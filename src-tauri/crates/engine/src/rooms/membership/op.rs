//! One membership entry, and what its author had seen of the others.

use crate::ids::{DeviceId, EntryHash, LogKey};
use crate::port::OrderKey;
use crate::time::UnixMillis;
use crate::wire::Body;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How far each log's membership entries lie in an entry's causal past (a version vector over membership entries only).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Past(Arc<BTreeMap<LogKey, u64>>);

impl Past {
    pub(super) fn holds(&self, op: &Op) -> bool {
        self.0.get(&op.log).is_some_and(|seq| *seq >= op.seq)
    }

    /// What lies in the past of whoever has seen all of these.
    pub(super) fn of<'o>(seen: impl IntoIterator<Item = &'o Op>) -> Self {
        let mut past: BTreeMap<LogKey, u64> = BTreeMap::new();
        for op in seen {
            for (log, seq) in op.past.0.iter().chain(std::iter::once((&op.log, &op.seq))) {
                let known = past.entry(*log).or_insert(0);
                *known = *seq.max(known);
            }
        }
        Self(Arc::new(past))
    }
}

/// A membership entry.
#[derive(Debug)]
pub(super) struct Op {
    pub(super) order: OrderKey,
    pub(super) log: LogKey,
    pub(super) seq: u64,
    pub(super) shown: UnixMillis,
    /// When its author says it was written. Invites expire by this and not by the clock, which one device that lives in
    /// the future drags along for everyone.
    pub(super) written: UnixMillis,
    pub(super) body: Body,
    /// The entries that it names beside its predecessor.
    pub(super) parents: Vec<EntryHash>,
    /// ADMIT: whether the invite's key really vouched; DEVICE: whether the new device's did. Checked once: the fold runs often.
    pub(super) proven: bool,
    pub(super) past: Past,
    /// What its right to be rests on, judged by its own past; none when that gives it no right. Never changes.
    pub(super) rests_on: Option<Grounds>,
}

/// What an entry's right rests on.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(super) struct Grounds {
    /// The entries that made its author a member, gave them their role, and the invite it goes by.
    pub(super) entries: Vec<EntryHash>,
    /// Where its author's role comes from: of two who take each other's rights the one with the older role is heard first.
    pub(super) rank: Option<OrderKey>,
    /// Whether its author is the creator.
    pub(super) by_creator: bool,
    /// Whose device its author is.
    pub(super) person: Option<DeviceId>,
    /// REMOVE and REVOKE: who loses something.
    pub(super) takes: Takes,
}

/// Who loses something by a REMOVE or REVOKE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Takes {
    /// Nobody: it is neither.
    #[default]
    Nothing,
    /// One device, out by another of its person.
    Device(DeviceId),
    /// A person, with all their devices.
    Person(DeviceId),
}

impl Op {
    pub(super) fn hash(&self) -> EntryHash {
        self.order.hash
    }

    /// Whether neither author had seen the other's entry.
    pub(super) fn is_beside(&self, other: &Op) -> bool {
        !self.past.holds(other) && !other.past.holds(self) && self.hash() != other.hash()
    }

    /// Whether it is a REMOVE or REVOKE: somebody loses something.
    pub(super) fn takes(&self) -> bool {
        matches!(self.body, Body::Remove { .. } | Body::Revoke { .. })
    }

    /// REMOVE: how far it lets a log of those whom it names be heard.
    pub(super) fn hears(&self, log: LogKey) -> Option<u64> {
        let Body::Remove { device, heads, others } = &self.body else { return None };
        let named = heads.iter().map(|(name, seq)| (LogKey { author: *device, log: *name }, *seq));
        named.chain(others.iter().copied()).find(|(named, _)| *named == log).map(|(_, seq)| seq)
    }

    /// Whether it gives somebody something (and so falls with the right of its author), or takes.
    pub(super) fn gives(&self) -> bool {
        matches!(
            self.body,
            Body::Invite(_) | Body::Admit { .. } | Body::Device { .. } | Body::Grant { .. } | Body::Room(_)
        )
    }
}
