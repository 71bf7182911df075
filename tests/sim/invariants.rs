//! What must be so, by name. Three kinds: [`STEPS`] are held against each fact as it happens, [`AGREED`] must become so
//! within [`SETTLE`] after everything was mended, [`SOUND`] must never not be so, but are looked at only then, since they
//! cost too much. `proofs.rs` spoils a night's evidence once for each and sees it object.

pub mod evidence;

mod agreement;
pub mod steps;
mod truth;

use crate::node::NodeId;
use crate::world::World;
use evidence::{Evidence, Verdict};
use natter_engine::ids::RoomId;
use natter_engine::port::Standing;
use std::collections::BTreeMap;
use std::time::Duration;
use steps::Fact;

/// How long a mended world may take to agree: the longest backoff (60 s), one failed attempt (20 s) after it, and time
/// to catch up.
pub const SETTLE: Duration = Duration::from_secs(240);
/// How long it must stay so: longer than a ping.
const STAY: Duration = Duration::from_secs(20);

/// Something that must be so.
pub struct Property<E> {
    /// Its name.
    pub name: &'static str,
    /// What it says.
    pub means: &'static str,
    /// Looks.
    pub check: E,
}

/// A look at one fact.
pub type Step = Property<fn(&Fact<'_>) -> Verdict>;
/// A look at all records.
pub type End = Property<fn(&Evidence) -> Verdict>;

macro_rules! properties {
    ($($name:literal, $means:literal, $check:path;)*) => {
        &[$(Property { name: $name, means: $means, check: $check },)*]
    };
}

/// At every step.
pub const STEPS: &[Step] = properties! {
    "told once", "No entry is shown twice.", steps::told_once;
    "sender signed", "The sender shown is the key that signed.", steps::sender_signed;
    "sent is durable", "What is called sent is on the disk at that moment.", steps::sent_is_durable;
    "answered once", "Each command is answered once.", steps::answered_once;
    "held rises", "What a member is said to hold never shrinks, unless a disk was put back.", steps::held_rises;
    "held is true", "Held by k never overstates: each of the k has it on its disk.", steps::held_is_true;
    "reading rises", "Nobody's reading mark goes back.", steps::reading_rises;
    "members type", "Only members are seen typing.", steps::members_type;
    "inputs are few", "Engines do not keep each other busy for ever.", steps::inputs_are_few;
    "timers move", "No engine asks for the same instant over and over.", steps::timers_move;
    "frames fit", "Frames are within their limit, and go on open links only.", steps::frames_fit;
    "queues fit", "What is queued on one link is bounded.", steps::queues_fit;
    "envelopes fit", "Envelopes, candidates and tokens are within their limits.", steps::envelopes_fit;
    "links are new", "A link id is used once.", steps::links_are_new;
    "the disk can", "No engine asks its disk for what cannot be.", steps::the_disk_can;
    "limits hold", "Every queue and map of every engine is within its limit.", steps::limits_hold;
};

/// Once everything works again, and from then on.
pub const AGREED: &[End] = properties! {
    "commands end", "Every command is answered.", agreement::commands_end;
    "knocks end", "Whoever knocks where a door must open is let in.", agreement::knocks_end;
    "all linked", "All who are in are linked with all.", agreement::all_linked;
    "same entries", "All hold the same entries, at the same places of the order.", agreement::same_entries;
    "same members", "All see the same members.", agreement::same_members;
    "same former", "All see the same former members.", agreement::same_former;
    "same roles", "All see the same roles.", agreement::same_roles;
    "same name", "All see the same name, purpose and manners of the room.", agreement::same_name;
    "same profiles", "All see the same names and pictures of members.", agreement::same_profiles;
    "same invites", "All see the same invites, used as often.", agreement::same_invites;
    "same limits", "All show the same of logs whose authors are out.", agreement::same_limits;
    "same payloads", "All hold the same words, and the same are erased.", agreement::same_payloads;
    "same edits", "All see the same last edit of each message.", agreement::same_edits;
    "same reactions", "All see the same reactions.", agreement::same_reactions;
    "same pins", "All see the same pins, in the same order.", agreement::same_pins;
    "same key", "All meet by the same key.", agreement::same_key;
    "signed reads", "Every reading mark shown is one that its reader signed.", agreement::reads_are_signed;
    "receipts complete", "Each knows that the others hold all that it said.", agreement::receipts_complete;
    "acknowledged arrives", "What was called sent is on every member's disk.", agreement::acknowledged_arrives;
    "deleted is gone", "What its author deleted, and its edits, are on no honest disk.", agreement::deleted_is_gone;
    "expired is gone", "What has expired is on no honest disk.", agreement::expired_is_gone;
};

/// At all times.
pub const SOUND: &[End] = properties! {
    "signatures hold", "Every entry on a disk is what its author signed.", truth::signatures_hold;
    "forgeries are refused", "No forged entry is on an honest disk.", truth::forgeries_are_refused;
    "causes first", "No entry stands before what its author had seen.", truth::causes_come_first;
    "chains hold", "Each log is whole from its first entry to its last.", truth::chains_hold;
    "one entry a place", "No place of a log has two entries.", truth::one_entry_a_place;
    "once on disk", "The timeline is in order and has nothing twice.", truth::once_on_disk;
    "clocks rise", "The clock of each log rises.", truth::clocks_rise;
    "own clocks rise", "Honest devices sign clocks above all that they had seen, whatever their wall clocks say.", truth::own_clocks_rise;
    "shown times are sane", "Nothing is shown as written before its causes or far in the future.", truth::shown_times_are_sane;
    "only the admitted", "Nothing is kept of who was never let in.", truth::only_the_admitted_are_kept;
    "roles are given", "Nobody is an admin whom nobody with the right named.", truth::roles_are_given;
    "one founder", "The creator is who founded the room.", truth::one_founder;
    "the founder stays", "Nobody removes who founded the room.", truth::the_founder_stays;
    "out by right", "Whoever is out left, or was removed by somebody with the right.", truth::who_is_out_went_or_was_removed;
    "named by right", "The room has a name that somebody with the right gave it.", truth::rooms_are_named_rightly;
    "in by invite", "Whoever is in was let in by an invite of the room.", truth::members_came_by_invite;
    "accomplices stay out", "Nobody is in whom a member let in without the right.", truth::accomplices_stay_out;
    "all is shown", "What is on the disk and counts was shown.", truth::all_is_shown;
    "shown is there", "What was shown is on the disk.", truth::what_is_shown_is_there;
    "acknowledged stays", "What was called sent stays on its author's disk.", truth::acknowledged_stays;
    "a restart finds it", "The heads that a restart finds are those of the entries.", truth::a_restart_finds_it_all;
    "views are true", "No view claims more of a log than the disk has.", truth::views_name_the_heads;
    "who is in knows it", "Who stands as a member lists itself, and who does not does not.", truth::who_is_in_says_so;
    "forgotten is gone", "Nothing is left of a room that was left.", truth::nothing_is_left_of_forgotten_rooms;
    "removed reads nothing", "Who was removed holds nothing that was written after it.", truth::the_removed_read_nothing_new;
};

/// Holds all of some properties against evidence.
///
/// # Errors
/// The name of the first that does not hold, and why.
pub fn check(properties: &[End], evidence: &Evidence) -> Verdict {
    for property in properties {
        (property.check)(evidence).map_err(|why| format!("\"{}\" does not hold: {why}", property.name))?;
    }
    Ok(())
}

/// What else does not hold, for whoever looks for the cause.
fn also(evidence: &Evidence) -> String {
    let broken =
        AGREED.iter().chain(SOUND).filter_map(|property| Some((property.name, (property.check)(evidence).err()?)));
    let broken = broken.map(|(name, why)| format!("\n  \"{name}\": {}", why.lines().next().unwrap_or_default()));
    broken.skip(1).collect()
}

/// Holds a fact against all that must be so at every step.
///
/// # Errors
/// The name of the first that does not hold, and why.
pub fn check_step(fact: &Fact<'_>) -> Verdict {
    for property in STEPS {
        (property.check)(fact).map_err(|why| format!("\"{}\" does not hold: {why}", property.name))?;
    }
    Ok(())
}

/// Holds a fact of somebody's against all that must be so at every step.
///
/// # Panics
/// When something is not.
pub(crate) fn hold(who: &str, fact: &Fact<'_>) {
    if let Err(why) = check_step(fact) {
        panic!("{who}: {why}");
    }
}

impl World {
    /// Mends everything, waits until all agree, and holds the result against every property. Returns how long it took.
    ///
    /// # Panics
    /// When it takes longer than [`SETTLE`] or a property does not hold; the message says which.
    pub fn settle(&mut self) -> Duration {
        self.mend_all();
        self.settle_as_it_is()
    }

    /// Like [`Self::settle`], without mending: what is broken stays broken and is no excuse.
    ///
    /// # Panics
    /// As [`Self::settle`].
    pub fn settle_as_it_is(&mut self) -> Duration {
        let begin = self.now;
        let deadline = self.now + SETTLE.as_micros() as u64;
        while let Err(complaint) = check(AGREED, &self.evidence()) {
            if self.now >= deadline {
                panic!("{SETTLE:?} after everything was mended: {complaint}{}", also(&self.evidence()));
            }
            self.run(Duration::from_millis(500));
        }
        let took = Duration::from_micros(self.now - begin);
        self.run(STAY);
        let evidence = self.evidence();
        if let Err(complaint) = check(AGREED, &evidence).and_then(|()| check(SOUND, &evidence)) {
            panic!("after all agreed: {complaint}");
        }
        took
    }

    /// Makes everything work again. Switches everyone on. Who sleeps sleeps on: what comes in the meantime waits in its order.
    pub fn mend_all(&mut self) {
        self.weather.signal_lost = 0;
        self.weather.signal_late = 0;
        self.cuts.clear();
        self.offline.clear();
        self.corrupt_blobs.clear();
        for n in 0..self.brokers.len() {
            self.brokers[n].evict_squatters();
            self.start_broker(n);
        }
        for n in (0..self.nodes.len()).map(NodeId) {
            self.clear_disk(n);
            self.start(n);
        }
    }

    /// Rooms that somebody is in, with who is.
    pub fn rooms(&self) -> BTreeMap<RoomId, Vec<NodeId>> {
        let mut rooms: BTreeMap<RoomId, Vec<NodeId>> = BTreeMap::new();
        for (n, node) in self.nodes.iter().enumerate().filter(|(_, node)| node.is_up()) {
            for view in node.host.rooms.values().filter(|view| view.standing == Standing::Member) {
                rooms.entry(view.room).or_default().push(NodeId(n));
            }
        }
        rooms
    }
}
