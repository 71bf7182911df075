//! A random night: people do random things while everything fails, then all is mended and must agree.

use crate::network::EndId;
use crate::node::NodeId;
use crate::people::{one, party};
use crate::weather::Weather;
use crate::world::World;
use natter_engine::ids::RoomId;
use natter_engine::port::{Command, JoinState, Profile, Standing};
use natter_engine::rooms::InviteTerms;
use natter_engine::wire::{InviteLink, Text};
use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Invites that work at one time in a room, as far as anybody knows: a device serves four at brokers, and one more may be
/// on its way to a disk.
const INVITES: usize = 3;
/// Rooms of one night.
const ROOMS: usize = 3;

/// How long a walk is.
#[derive(Clone, Copy, Debug)]
pub struct Walk {
    /// Things done.
    pub steps: u64,
}

impl Walk {
    /// The walk of a seed: mostly a short night, each tenth a long one.
    pub fn of(seed: u64) -> Self {
        Self { steps: if seed % 10 == 9 { 480 } else { 120 } }
    }
}

/// How much was walked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
}

impl std::ops::AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.walks += other.walks;
        self.nights += other.nights;
        self.inputs += other.inputs;
        self.members += other.members;
        self.entries += other.entries;
    }
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let hours = self.nights.as_secs_f64() / 3600.0;
        let Self { walks, inputs, members, entries, .. } = self;
        write!(f, "{walks} nights of {hours:.1} hours in all, {inputs} inputs to engines; ")?;
        write!(f, "at their ends {members} members of rooms hold {entries} entries")
    }
}

struct Night {
    world: World,
    people: Vec<NodeId>,
    links: Vec<InviteLink>,
    /// Who left a room does not come back to it in these walks: see PROTOCOL on logs and leaving.
    left: Vec<(NodeId, RoomId)>,
    said: u64,
}

/// Walks every seed and returns how much that was and what failed, each with the command that replays it.
pub fn run_all(seeds: std::ops::Range<u64>) -> (Figures, Vec<String>) {
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    let next = AtomicU64::new(seeds.start);
    let work = || {
        let (mut figures, mut failed) = (Figures::default(), Vec::new());
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return (figures, failed);
            }
            match run(seed, Walk::of(seed)) {
                Ok(more) => figures += more,
                Err(why) => failed.push(why),
            }
        }
    };
    std::thread::scope(|scope| {
        let handles: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let (mut figures, mut failed) = (Figures::default(), Vec::new());
        for handle in handles {
            let (more, worse) = handle.join().expect("a walk's panic is caught where it walks");
            figures += more;
            failed.extend(worse);
        }
        (figures, failed)
    })
}

/// Walks one seed.
///
/// # Errors
/// What went wrong, and how to see it again.
pub fn run(seed: u64, walk: Walk) -> Result<Figures, String> {
    let result = std::panic::catch_unwind(AssertUnwindSafe(|| {
        let mut night = Night::begin(seed);
        for _ in 0..walk.steps {
            night.step();
        }
        night.end();
        night.figures()
    }));
    result.map_err(|panic| {
        let why = panic.downcast_ref::<String>().cloned();
        let why = why.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default();
        format!(
            "seed {seed}: {why}\n  replay: NATTER_TRACE=1 NATTER_SEED={seed} cargo test -p natter-sim --test sim walks"
        )
    })
}

impl Night {
    fn begin(seed: u64) -> Self {
        let mut world = World::new(seed);
        world.weather = match world.chance.below(4) {
            0 => Weather::calm(),
            1 => Weather { consent: false, ..Weather::rough() },
            2 => Weather::storm(),
            _ => Weather::rough(),
        };
        if world.chance.percent(40) {
            world.add_broker();
        }
        let count = 3 + world.chance.below(6) as usize;
        let names = ["Ada", "Ben", "Cleo", "Dan", "Eve", "Fay", "Gus", "Hal"];
        let people: Vec<NodeId> = names[..count].iter().map(|name| world.add(name)).collect();
        for who in &people {
            if world.chance.percent(20) {
                world.nodes[who.0].skew = world.chance.below(240_000) as i64 - 120_000;
            }
        }
        let mut night = Self { world, people, links: Vec::new(), left: Vec::new(), said: 0 };
        night.found();
        night.invite();
        for who in night.people.clone() {
            if night.world.chance.percent(50) {
                night.join_as(who);
            }
        }
        night
    }

    fn step(&mut self) {
        let pause = match self.world.chance.below(10) {
            0..4 => self.world.chance.below(50),
            4..9 => self.world.chance.below(2_000),
            _ => self.world.chance.below(40_000),
        };
        self.world.run(Duration::from_millis(pause));
        match self.world.chance.below(100) {
            0..30 => self.say(),
            30..42 => self.join(),
            42..52 => self.answer_door(),
            52..55 => self.invite(),
            55..57 => self.revoke(),
            57..60 => self.rename(),
            60..64 => self.mark_read(),
            64..66 => self.leave(),
            66..67 => self.found(),
            67..69 => self.picture(),
            69..75 => self.power(),
            75..80 => self.broker(),
            80..86 => self.network(),
            86..90 => self.reset(),
            90..93 => self.disk(),
            93..96 => self.news(),
            96..97 => self.cancel(),
            97..98 => self.nap(),
            _ => self.close_app(),
        }
    }

    /// Everything is mended, people answer the door, and all agree.
    fn end(&mut self) {
        self.world.mend_all();
        for _ in 0..6 {
            self.world.run(Duration::from_secs(15));
            while self.answer_door_for(100) {
                self.world.run(Duration::from_millis(200));
            }
        }
        self.world.settle();
    }

    fn figures(&self) -> Figures {
        let rooms = self.world.rooms();
        let held = rooms.iter().flat_map(|(room, insiders)| insiders.iter().map(|who| self.world[*who].entries(*room)));
        let held: Vec<u64> = held.map(|entries| entries.len() as u64).collect();
        let nights = Duration::from_micros(self.world.now);
        let (members, entries) = (held.len() as u64, held.iter().sum());
        Figures { walks: 1, nights, inputs: self.world.inputs, members, entries }
    }

    fn somebody(&mut self) -> Option<NodeId> {
        let up: Vec<NodeId> = self.people.iter().copied().filter(|who| self.world[*who].is_up()).collect();
        self.world.chance.pick(&up)
    }

    /// Somebody and a room they are in.
    fn insider(&mut self) -> Option<(NodeId, RoomId)> {
        let who = self.somebody()?;
        let views = self.world[who].host.rooms.values();
        let rooms: Vec<RoomId> = views.filter(|view| view.standing == Standing::Member).map(|view| view.room).collect();
        Some((who, self.world.chance.pick(&rooms)?))
    }

    fn pair(&mut self) -> Option<(NodeId, NodeId)> {
        let people = self.people.clone();
        let (a, b) = (self.world.chance.pick(&people)?, self.world.chance.pick(&people)?);
        (a != b).then_some((a, b))
    }

    fn found(&mut self) {
        if self.world.rooms().len() < ROOMS
            && let Some(who) = self.somebody()
        {
            self.world.ask(who, Command::CreateRoom { name: "Room".into() });
            self.world.run(Duration::from_millis(500));
        }
    }

    fn invite(&mut self) {
        let Some((who, room)) = self.insider() else { return };
        let views = self.world.nodes.iter().filter_map(|node| node.host.rooms.get(&room));
        let live: BTreeSet<_> = views.flat_map(|view| view.invites.iter().map(|invite| invite.invite)).collect();
        if live.len() >= INVITES {
            return;
        }
        let creator =
            self.world[who].room(room).members.iter().any(|member| {
                member.device == self.world[who].device && member.role >= natter_engine::rooms::Role::Admin
            });
        let terms = match self.world.chance.below(6) {
            0 | 1 if creator => party(),
            2 if creator => InviteTerms { approval: false, ..one() },
            3 => InviteTerms { uses: 0, ..one() },
            4 => InviteTerms { uses: 3, ..one() },
            _ => one(),
        };
        let id = self.world.ask(who, Command::CreateInvite { room, terms });
        self.world.run(Duration::from_millis(700));
        if let Some(Ok(natter_engine::port::Reply::Invite(link))) = self.world[who].host.replies.get(&id) {
            let link = link.clone();
            self.links.push(link);
        }
    }

    fn revoke(&mut self) {
        let Some((who, room)) = self.insider() else { return };
        let invites: Vec<_> = self.world[who].room(room).invites.iter().map(|invite| invite.invite).collect();
        if let Some(invite) = self.world.chance.pick(&invites) {
            self.world.ask(who, Command::RevokeInvite { room, invite });
        }
    }

    fn join(&mut self) {
        if let Some(who) = self.somebody() {
            self.join_as(who);
        }
    }

    fn join_as(&mut self, who: NodeId) {
        let Some(invite) = self.world.chance.pick(&self.links) else { return };
        let room = invite.room;
        let outside = self.world[who].host.rooms.get(&room).is_none_or(|view| view.standing != Standing::Member);
        if outside && !self.left.contains(&(who, room)) {
            self.world.ask(who, Command::Join { invite });
        }
    }

    fn cancel(&mut self) {
        let Some(who) = self.somebody() else { return };
        let knocking: Vec<RoomId> = self.world[who]
            .host
            .joins
            .iter()
            .filter(|(_, states)| states.last() == Some(&JoinState::WaitingForMember))
            .map(|(room, _)| *room)
            .collect();
        if let Some(room) = self.world.chance.pick(&knocking) {
            self.world.ask(who, Command::CancelJoin { room });
        }
    }

    fn answer_door(&mut self) {
        self.answer_door_for(80);
    }

    /// Whoever may admit answers one knock, with yes so many times in a hundred.
    fn answer_door_for(&mut self, yes: u64) -> bool {
        for who in self.people.clone() {
            if !self.world[who].is_up() {
                continue;
            }
            let requests: Vec<_> = self.world[who]
                .host
                .rooms
                .values()
                .flat_map(|view| view.requests.iter().map(|request| (view.room, request.device)))
                .collect();
            let Some((room, device)) = self.world.chance.pick(&requests) else { continue };
            let admit = self.world.chance.percent(yes);
            let command = if admit { Command::Admit { room, device } } else { Command::Decline { room, device } };
            let id = self.world.ask(who, command);
            self.world.run(Duration::from_millis(300));
            // A refusal (a member who is no admin sees nobody, so this is a race) must not make the end endless.
            return self.world[who].host.replies.get(&id).is_some_and(|reply| reply.is_ok());
        }
        false
    }

    fn say(&mut self) {
        let Some((who, room)) = self.insider() else { return };
        for _ in 0..=self.world.chance.below(4) {
            self.said += 1;
            let text = format!("words {}", self.said);
            self.world.ask(who, Command::SendText { room, text: Text::plain(text) });
        }
    }

    fn rename(&mut self) {
        if let Some(who) = self.somebody() {
            self.said += 1;
            let profile = Profile { name: format!("Name {}", self.said), avatar: None };
            self.world.ask(who, Command::SetProfile { profile });
        }
    }

    fn mark_read(&mut self) {
        let Some((who, room)) = self.insider() else { return };
        if let Some(upto) = self.world[who].entries(room).last().map(|entry| entry.order) {
            self.world.ask(who, Command::MarkRead { room, upto });
        }
    }

    fn leave(&mut self) {
        let Some((who, room)) = self.insider() else { return };
        if self.world[who].room(room).members.len() > 2 {
            self.left.push((who, room));
            self.world.ask(who, Command::LeaveRoom { room });
        }
    }

    fn picture(&mut self) {
        use natter_engine::wire::{Body, Picture};
        let Some((who, room)) = self.insider() else { return };
        let offered: Vec<Picture> = self.world[who]
            .entries(room)
            .iter()
            .filter_map(|entry| match Body::decode(entry.kind, entry.payload.as_deref()?) {
                Ok(Body::Picture(picture)) => Some(picture),
                Ok(_) | Err(_) => None,
            })
            .collect();
        if let Some(picture) = self.world.chance.pick(&offered) {
            self.world.ask(who, Command::FetchBlob { room, blob: picture.blob, size: picture.size });
            return;
        }
        let bytes = self.world.chance.bytes::<32>().repeat(200);
        let blob = self.world.nodes[who.0].disk.put_blob(&bytes);
        let picture = Picture {
            blob,
            size: bytes.len() as u64,
            mime: "image/png".into(),
            width: 10,
            height: 10,
            thumbhash: Vec::new(),
            preview: Vec::new(),
            name: "p.png".into(),
            caption: String::new(),
            reply_to: None,
            lives: None,
        };
        self.world.ask(who, Command::SendPicture { room, picture });
    }

    fn power(&mut self) {
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

    fn close_app(&mut self) {
        if let Some(who) = self.somebody() {
            self.world.ask(who, Command::Shutdown);
            self.world.run(Duration::from_millis(100));
            self.world.crash(who);
        }
    }

    fn broker(&mut self) {
        let n = self.world.chance.below(self.world.brokers.len() as u64) as usize;
        if self.world.brokers[n].up { self.world.stop_broker(n) } else { self.world.start_broker(n) }
    }

    fn network(&mut self) {
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

    fn reset(&mut self) {
        let pairs: Vec<(EndId, EndId)> = self.world.pairs();
        if let Some(pair) = self.world.chance.pick(&pairs) {
            self.world.reset(pair);
        }
    }

    fn disk(&mut self) {
        let people = self.people.clone();
        let Some(who) = self.world.chance.pick(&people) else { return };
        if self.world[who].disk_full { self.world.clear_disk(who) } else { self.world.fill_disk(who) }
    }

    fn news(&mut self) {
        if let Some(who) = self.somebody() {
            self.world.ask(who, Command::NetworkChanged);
        }
    }

    fn nap(&mut self) {
        if let Some(who) = self.somebody() {
            let long = Duration::from_millis(self.world.chance.below(90_000));
            self.world.sleep(who, long);
        }
    }
}
