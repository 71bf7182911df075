//! Random nights of people with several devices: linked, unlinked, switched off and on, in rooms that come and go. What
//! must hold at the end is what always must; and where nobody was taken out, a person's devices are in the same rooms.

use natter_engine::ids::RoomId;
use natter_engine::port::{Command, Profile, Reply, Role, Standing};
use natter_engine::wire::Text;
use natter_sim::World;
use natter_sim::node::NodeId;
use natter_sim::people::party;
use natter_sim::weather::Weather;
use std::collections::BTreeSet;
use std::time::Duration;

const PEOPLE: usize = 3;
const DEVICES: usize = 3;
const DEEDS: usize = 60;

/// Whether anybody takes anybody out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Temper {
    Gentle,
    Rough,
}

struct Night {
    world: World,
    /// Each person's devices; of these only the first comes into rooms by an invite.
    people: Vec<Vec<NodeId>>,
}

impl Night {
    fn begin(seed: u64, temper: Temper) -> Self {
        let weather = if temper == Temper::Gentle { Weather::calm() } else { Weather::rough() };
        let mut world = World::with(seed, weather);
        let people =
            (0..PEOPLE).map(|person| (0..DEVICES).map(|n| world.add(&format!("{person}.{n}"))).collect()).collect();
        Self { world, people }
    }

    fn somebody(&mut self) -> Option<NodeId> {
        let up: Vec<NodeId> = self.people.iter().flatten().copied().filter(|who| self.world[*who].is_up()).collect();
        self.world.chance.pick(&up)
    }

    fn rooms_of(&self, who: NodeId) -> BTreeSet<RoomId> {
        let views = self.world[who].host.rooms.values();
        views.filter(|view| view.standing == Standing::Member).map(|view| view.room).collect()
    }

    fn room_of(&mut self, who: NodeId) -> Option<RoomId> {
        let rooms: Vec<RoomId> = self.rooms_of(who).into_iter().collect();
        self.world.chance.pick(&rooms)
    }

    fn linked(&self, who: NodeId) -> usize {
        self.world[who].host.devices.as_ref().map_or(0, |view| view.devices.len())
    }

    fn found(&mut self) -> Option<()> {
        let who = self.somebody().filter(|_| self.world.rooms().len() < 4)?;
        self.world.ask(who, Command::CreateRoom { name: "Room".into() });
        Some(())
    }

    fn come_in(&mut self) -> Option<()> {
        let who = self.somebody()?;
        let room = self.room_of(who)?;
        let id = self.world.ask(who, Command::CreateInvite { room, terms: party() });
        self.world.run(Duration::from_secs(2));
        let Some(Ok(Reply::Invite(invite))) = self.world[who].host.replies.get(&id).cloned() else { return None };
        let person = self.world.chance.below(PEOPLE as u64) as usize;
        let newcomer = self.people[person][0];
        // As what they are already they would come in as two.
        let inside = self.people[person].iter().any(|device| self.world[*device].host.rooms.contains_key(&room));
        if !inside && self.world[newcomer].is_up() {
            self.world.ask(newcomer, Command::Join { invite });
        }
        Some(())
    }

    fn link(&mut self) -> Option<()> {
        let person = self.world.chance.below(PEOPLE as u64) as usize;
        let devices = self.people[person].clone();
        let old = self.world.chance.pick(&devices)?;
        let new = self.world.chance.pick(&devices[1..])?;
        // Who has been linked before hands on what they have; who has not would make a second person of this one.
        let first = devices[0];
        let knows = old == first || self.linked(old) > 1;
        if old == new || !knows || self.linked(new) > 1 || !self.world[old].is_up() || !self.world[new].is_up() {
            return None;
        }
        let id = self.world.ask(old, Command::LinkDevice);
        self.world.run(Duration::from_secs(2));
        let Some(Ok(Reply::Invite(code))) = self.world[old].host.replies.get(&id).cloned() else { return None };
        self.world.ask(new, Command::Link { code });
        self.world.run(Duration::from_secs(8));
        self.answer()
    }

    fn answer(&mut self) -> Option<()> {
        for who in self.people.iter().flatten().copied().collect::<Vec<_>>() {
            let asked = self.world[who].host.devices.as_ref().and_then(|view| view.requests.first().cloned());
            if let Some(request) = asked.filter(|_| self.world[who].is_up()) {
                self.world.ask(who, Command::AdmitDevice { device: request.device });
            }
        }
        Some(())
    }

    fn take_out(&mut self, temper: Temper) -> Option<()> {
        let who = self.somebody().filter(|_| temper == Temper::Rough)?;
        let room = self.room_of(who)?;
        let members: Vec<_> = self.world[who].room(room).members.iter().map(|member| member.device).collect();
        let device = self.world.chance.pick(&members)?;
        let command = match self.world.chance.below(4) {
            0 => Command::Remove { room, device },
            1 => Command::SetRole { room, device, role: Role::Admin },
            2 => Command::SetRole { room, device, role: Role::Guest },
            _ => Command::Unlink { device },
        };
        self.world.ask(who, command);
        Some(())
    }

    fn deed(&mut self, n: usize, temper: Temper) {
        let done = match self.world.chance.below(12) {
            0 => self.found(),
            1 | 2 => self.come_in(),
            3 | 4 => self.link(),
            5 => self.answer(),
            6 => self.take_out(temper),
            7 => self.somebody().map(|who| self.world.crash(who)),
            8 | 9 => {
                let all: Vec<NodeId> = self.people.iter().flatten().copied().collect();
                self.world.chance.pick(&all).map(|who| self.world.start(who))
            }
            10 => self.somebody().map(|who| {
                let profile = Profile { name: format!("Name {n}"), avatar: None };
                self.world.ask(who, Command::SetProfile { profile });
            }),
            _ => self.somebody().and_then(|who| {
                let room = self.room_of(who)?;
                self.world.ask(who, Command::SendText { room, text: Text::plain(format!("words {n}")) });
                Some(())
            }),
        };
        let pause = if done.is_some() { 3000 } else { 200 };
        let pause = self.world.chance.below(pause);
        self.world.run(Duration::from_millis(pause));
    }

    fn end(mut self, temper: Temper) {
        self.world.mend_all();
        self.world.run(Duration::from_secs(120));
        self.answer();
        self.world.run(Duration::from_secs(60));
        self.world.settle();
        if temper == Temper::Rough {
            return;
        }
        for devices in &self.people {
            let linked: Vec<NodeId> = devices.iter().copied().filter(|device| self.linked(*device) > 1).collect();
            for device in &linked {
                assert_eq!(self.rooms_of(*device), self.rooms_of(linked[0]), "{}", self.world[*device].name);
                assert_eq!(self.linked(*device), linked.len());
            }
        }
    }
}

fn night(seed: u64, temper: Temper) {
    let mut night = Night::begin(seed, temper);
    for n in 0..DEEDS {
        night.deed(n, temper);
    }
    night.end(temper);
}

#[test]
fn on_gentle_nights_a_persons_devices_end_in_the_same_rooms() {
    (950..956).for_each(|seed| night(seed, Temper::Gentle));
}

#[test]
fn on_rough_nights_all_agree_on_who_is_in_with_which_device() {
    // In the first of these a key was drawn while a device was on its way in.
    [2062].into_iter().chain(960..965).for_each(|seed| night(seed, Temper::Rough));
}
