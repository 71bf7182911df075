//! What happens to people: power cuts, broken networks and brokers, full disks, wrong clocks.

use super::Night;
use crate::network::EndId;
use crate::node::NodeId;
use natter_engine::port::Command;
use std::time::Duration;

/// A year, in milliseconds.
const YEAR: u64 = 365 * 24 * 3_600_000;

impl Night {
    pub(super) fn power(&mut self) {
        let people = self.people.clone();
        let Some(who) = self.world.chance.pick(&people) else { return };
        if self.world[who].is_up() {
            self.world.crash(who);
        } else {
            self.world.start(who);
        }
        // Mostly somebody is there.
        let down: Vec<NodeId> = people.into_iter().filter(|who| !self.world[*who].is_up()).collect();
        if down.len() > 2
            && let Some(who) = self.world.chance.pick(&down)
        {
            self.world.start(who);
        }
    }

    pub(super) fn close_app(&mut self) {
        if let Some(who) = self.somebody() {
            self.world.ask(who, Command::Shutdown);
            self.world.run(Duration::from_millis(100));
            self.world.crash(who);
        }
    }

    pub(super) fn broker(&mut self) {
        let n = self.world.chance.below(self.world.brokers.len() as u64) as usize;
        if self.world.brokers[n].up { self.world.stop_broker(n) } else { self.world.start_broker(n) }
    }

    pub(super) fn network(&mut self) {
        let Some((a, b)) = self.pair() else { return };
        match self.world.chance.below(6) {
            0 => self.world.cut(a, b),
            1 => self.world.partition(a, b),
            2 => self.world.unplug(a),
            _ => {
                self.world.plug(a);
                self.world.mend(a, b);
                self.world.mend(b, a);
            }
        }
    }

    pub(super) fn reset(&mut self) {
        let pairs: Vec<(EndId, EndId)> = self.world.pairs();
        if let Some(pair) = self.world.chance.pick(&pairs) {
            self.world.reset(pair);
        }
    }

    pub(super) fn disk(&mut self) {
        let people = self.people.clone();
        let Some(who) = self.world.chance.pick(&people) else { return };
        if self.world[who].disk_full { self.world.clear_disk(who) } else { self.world.fill_disk(who) }
    }

    pub(super) fn news(&mut self) {
        if let Some(who) = self.somebody() {
            self.world.ask(who, Command::NetworkChanged);
        }
    }

    /// Somebody's wall clock is set: mostly a little wrong, now and then by up to a year, or right again.
    pub(super) fn clock(&mut self) {
        let people = self.people.clone();
        let Some(who) = self.world.chance.pick(&people) else { return };
        let span = match self.world.chance.below(4) {
            0 => 0,
            1 => 240_000,
            2 => 24 * 3_600_000,
            _ => 2 * YEAR,
        };
        let skew = if span == 0 { 0 } else { self.world.chance.below(span) as i64 - (span / 2) as i64 };
        self.world.set_clock(who, skew);
    }

    /// Somebody's disk is put back to what it was some time ago, as a restored backup or a disk that lied about fsync
    /// does it.
    pub(super) fn rollback(&mut self) {
        if !self.walk.rollbacks {
            return;
        }
        let people = self.people.clone();
        let Some(who) = self.world.chance.pick(&people) else { return };
        if self.world.has_backup(who) && self.world.chance.percent(50) {
            self.world.roll_back(who);
        } else {
            self.world.back_up(who);
        }
    }

    pub(super) fn nap(&mut self) {
        if let Some(who) = self.somebody() {
            let long = Duration::from_millis(self.world.chance.below(90_000));
            self.world.sleep(who, long);
        }
    }
}
