//! How a night ends, and what is counted of many.

use super::Night;
use crate::invariants::{AGREED, check};
use crate::weather::Weather;
use std::time::Duration;

/// How much was walked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Nights.
    pub walks: u64,
    /// Time that passed in them.
    pub nights: Duration,
    /// Inputs that engines were given.
    pub inputs: u64,
    /// Members of all rooms at the end.
    pub members: u64,
    /// Entries on all their disks.
    pub entries: u64,
    /// Things that liars did.
    pub lies: u64,
    /// Devices at the end that believed to be in a room and were not: they were removed while nobody could tell them.
    pub unaware: u64,
    /// How long each took from the mending until all agreed.
    pub settled: Vec<Duration>,
    /// How long each took from the moment when all who are in were linked.
    pub caught_up: Vec<Duration>,
    /// The hash of all that happened, of the last.
    pub trace: String,
}

impl std::ops::AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.walks += other.walks;
        self.nights += other.nights;
        self.inputs += other.inputs;
        self.members += other.members;
        self.entries += other.entries;
        self.lies += other.lies;
        self.unaware += other.unaware;
        self.settled.extend(other.settled);
        self.caught_up.extend(other.caught_up);
        self.trace = other.trace;
    }
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let hours = self.nights.as_secs_f64() / 3600.0;
        let Self { walks, inputs, members, entries, lies, unaware, .. } = self;
        write!(f, "{walks} nights of {hours:.1} hours in all, {inputs} inputs to engines, {lies} lies; ")?;
        write!(
            f,
            "at their ends {members} members of rooms hold {entries} entries, {unaware} do not know that they are out; "
        )?;
        write!(f, "after the mending all agreed within {}; ", shares(&self.settled))?;
        write!(f, "once all were linked within {}", shares(&self.caught_up))
    }
}

/// The middle, the 99th of a hundred, and the longest.
fn shares(times: &[Duration]) -> String {
    let mut times = times.to_vec();
    times.sort_unstable();
    let at = |share: usize| times.get((times.len() * share / 100).min(times.len().saturating_sub(1)));
    let seconds = |time: Option<&Duration>| time.map_or(0.0, Duration::as_secs_f64);
    let (p50, p99, max) = (seconds(at(50)), seconds(at(99)), seconds(times.last()));
    format!("{p50:.1} s (p50), {p99:.1} s (p99), {max:.1} s (max)")
}

impl Night {
    /// Everything is mended, people answer the door, and all agree.
    pub(super) fn end(mut self) -> Figures {
        for who in self.people.clone() {
            self.world.set_clock(who, 0);
        }
        self.world.weather = Weather::calm();
        self.world.mend_all();
        for who in self.people.clone() {
            // As the system tells it when the network is back.
            self.world.ask(who, natter_engine::port::Command::NetworkChanged);
        }
        let mended = self.world.now;
        let mut linked = None;
        let mut agreed = None;
        // What is measured is measured before people go on: whoever is let in now is one more to link with.
        while self.world.now < mended + 90_000_000 && agreed.is_none() {
            self.world.run(Duration::from_millis(500));
            let evidence = self.world.evidence();
            let all_linked = AGREED.iter().find(|property| property.name == "all linked");
            if all_linked.is_none_or(|property| (property.check)(&evidence).is_ok()) {
                linked.get_or_insert(self.world.now);
                if check(AGREED, &evidence).is_ok() {
                    agreed = Some(self.world.now);
                }
            } else {
                linked = None;
            }
        }
        for _ in 0..2 {
            while self.answer_door_for(100) {
                self.world.run(Duration::from_millis(200));
            }
            self.world.run(Duration::from_secs(15));
        }
        self.world.settle_as_it_is();
        self.figures(mended, linked, agreed)
    }

    fn figures(&self, mended: u64, linked: Option<u64>, agreed: Option<u64>) -> Figures {
        let evidence = self.world.evidence();
        let rooms = evidence.rooms();
        let insiders = rooms.iter().flat_map(|room| evidence.insiders(*room));
        let held: Vec<u64> = insiders.map(|(_, account)| account.entries.len() as u64).collect();
        let end = agreed.unwrap_or(self.world.now);
        let since = |from: u64| Duration::from_micros(end.saturating_sub(from));
        Figures {
            walks: 1,
            nights: Duration::from_micros(self.world.now),
            inputs: self.world.inputs,
            members: held.len() as u64,
            entries: held.iter().sum(),
            lies: self.world.liars.values().map(|liar| liar.done).sum(),
            unaware: rooms.iter().map(|room| evidence.unaware(*room).len() as u64).sum(),
            settled: vec![since(mended)],
            caught_up: linked.map(since).into_iter().collect(),
            trace: self.world.trace.hash(),
        }
    }
}
