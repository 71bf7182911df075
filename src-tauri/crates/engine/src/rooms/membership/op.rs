//! One membership entry, and what its author had seen of the others.

use crate::ids::{EntryHash, LogKey};
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
    /// ADMIT: whether the invite's key really vouched. Checked once: the fold runs often.
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
}

impl Op {
    pub(super) fn hash(&self) -> EntryHash {
        self.order.hash
    }

    /// Whether neither author had seen the other's entry.
    pub(super) fn is_beside(&self, other: &Op) -> bool {
        !self.past.holds(other) && !other.past.holds(self) && self.hash() != other.hash()
    }

    /// REMOVE and REVOKE: who loses something.
    pub(super) fn takes_from(&self) -> Option<crate::ids::DeviceId> {
        match &self.body {
            Body::Remove { device, .. } | Body::Revoke { device, .. } => Some(*device),
            Body::Genesis { .. }
            | Body::Invite(_)
            | Body::Admit { .. }
            | Body::Leave { .. }
            | Body::RevokeInvite { .. }
            | Body::Grant { .. }
            | Body::Room(_)
            | Body::Text(_)
            | Body::Picture(_)
            | Body::About { .. }
            | Body::Profile(_)
            | Body::Receipt { .. } => None,
        }
    }

    /// Whether it gives somebody something (and so falls with the right of its author), or takes.
    pub(super) fn gives(&self) -> bool {
        matches!(self.body, Body::Invite(_) | Body::Admit { .. } | Body::Grant { .. } | Body::Room(_))
    }
}
