//! How far own messages got, for those that a host was shown.

use super::views::delivery;
use crate::api::Delivery;
use natter_engine::ids::{DeviceId, LogKey};
use natter_engine::port::{OrderKey, StoredEntry};
use natter_engine::rooms::RoomView;
use std::collections::{BTreeMap, BTreeSet};

/// Own messages of a room whose receipts are followed; older ones are told when their page is read again.
pub(super) const WATCHED: usize = 500;

type Place = (LogKey, u64);

struct Watched {
    order: OrderKey,
    told: Delivery,
}

/// The own messages of one room that are on a screen somewhere.
#[derive(Default)]
pub(super) struct Deliveries {
    watched: BTreeMap<Place, Watched>,
    stale: BTreeSet<Place>,
}

impl Deliveries {
    pub(super) fn watch(&mut self, entry: &StoredEntry, view: &RoomView, own: DeviceId) {
        let told = delivery(entry, view, own);
        self.watched.insert((entry.log, entry.seq), Watched { order: entry.order, told });
        while self.watched.len() > WATCHED {
            self.watched.pop_first();
        }
    }

    /// A member holds a log further than before.
    pub(super) fn held(&mut self, log: LogKey, before: u64, now: u64) {
        // Less than before, where a disk was put back.
        let (low, high) = (before.min(now), before.max(now));
        if low < high {
            self.stale.extend(self.watched.range((log, low + 1)..=(log, high)).map(|(place, _)| *place));
        }
    }

    /// A member has read further than before.
    pub(super) fn read(&mut self, before: Option<OrderKey>, upto: OrderKey) {
        let newly = |watched: &Watched| before < Some(watched.order) && watched.order <= upto;
        self.stale.extend(self.watched.iter().filter(|(_, watched)| newly(watched)).map(|(place, _)| *place));
    }

    /// Who there is, or what they hold, was told anew.
    pub(super) fn view_changed(&mut self, before: &RoomView, now: &RoomView) {
        let same_people = before.members.iter().map(|m| m.device).eq(now.members.iter().map(|m| m.device));
        if !same_people || before.held != now.held || before.reads != now.reads {
            self.stale.extend(self.watched.keys().copied());
        }
    }

    /// What is different from what was told last, by message id.
    pub(super) fn settle(&mut self, view: &RoomView, own: DeviceId) -> BTreeMap<String, Delivery> {
        let mut news = BTreeMap::new();
        for place in std::mem::take(&mut self.stale) {
            let Some(watched) = self.watched.get_mut(&place) else { continue };
            let now = super::views::delivery_at(place.0, place.1, watched.order, view, own);
            if now != watched.told {
                watched.told = now.clone();
                news.insert(watched.order.hash.to_string(), now);
            }
        }
        news
    }

    #[cfg(test)]
    pub(super) fn watched(&self) -> usize {
        self.watched.len()
    }
}
