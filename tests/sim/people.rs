//! What people do, in their own words: the vocabulary of the stories.

use crate::network::EndId;
use crate::node::NodeId;
use crate::world::World;
use natter_engine::ids::{BlobHash, DeviceId, EntryHash, RoomId};
use natter_engine::port::{Command, JoinState, Profile, Reply, Standing};
use natter_engine::rooms::{InviteTerms, Presence, Role};
use natter_engine::wire::{InviteLink, Picture, Text};
use std::time::Duration;

/// How long people wait before they call it broken.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// An invite that asks nobody.
pub fn party() -> InviteTerms {
    InviteTerms { uses: 0, lifetime: Duration::from_secs(24 * 3600), approval: false, role: Role::Member }
}

/// An invite for one, with approval.
pub fn one() -> InviteTerms {
    InviteTerms::default()
}

impl World {
    /// Founds a room.
    ///
    /// # Panics
    /// When it is refused.
    pub fn create_room(&mut self, who: NodeId, name: &str) -> RoomId {
        match self.command(who, Command::CreateRoom { name: name.into() }) {
            Ok(Reply::Room(room)) => room,
            other => panic!("a room: {other:?}"),
        }
    }

    /// Makes an invite.
    ///
    /// # Panics
    /// When it is refused.
    pub fn invite(&mut self, who: NodeId, room: RoomId, terms: InviteTerms) -> InviteLink {
        match self.command(who, Command::CreateInvite { room, terms }) {
            Ok(Reply::Invite(link)) => link,
            other => panic!("an invite: {other:?}"),
        }
    }

    /// Knocks.
    ///
    /// # Panics
    /// When it is refused.
    pub fn join(&mut self, who: NodeId, link: &InviteLink) {
        // As it really travels: through a chat message.
        let invite = InviteLink::parse(&format!("come: {}", link.to_text())).expect("own link");
        // Earlier knocks are history.
        let earlier = self.nodes[who.0].host.joins.remove(&link.room);
        let reply = self.command(who, Command::Join { invite });
        if let Some(mut states) = earlier {
            states.extend(self.nodes[who.0].host.joins.remove(&link.room).unwrap_or_default());
            self.nodes[who.0].host.joins.insert(link.room, states);
        }
        assert!(matches!(reply, Ok(Reply::Room(room)) if room == link.room), "joining: {reply:?}");
    }

    /// Waits until a knock stands so.
    ///
    /// # Panics
    /// When it does not within a minute.
    pub fn await_join(&mut self, who: NodeId, room: RoomId, state: JoinState) {
        let name = self[who].name.clone();
        self.until(PATIENCE, &format!("{name}'s knock is {state:?}"), |world| {
            world[who].join_state(room) == Some(state)
        });
    }

    /// Waits until an admin sees the knock, and says yes.
    ///
    /// # Panics
    /// When nobody knocks within a minute.
    pub fn admit(&mut self, admin: NodeId, room: RoomId, who: NodeId) {
        let device = self[who].device;
        self.until(PATIENCE, "the request shows", |world| {
            world[admin].room(room).requests.iter().any(|request| request.device == device)
        });
        assert!(matches!(self.command(admin, Command::Admit { room, device }), Ok(Reply::Done)));
        self.await_join(who, room, JoinState::Admitted);
    }

    /// A room with these people in it, all linked: the first founds it, the others come by one party link.
    ///
    /// # Panics
    /// When they do not get together within a minute.
    pub fn gathering(&mut self, people: &[NodeId]) -> RoomId {
        let founder = people[0];
        let room = self.create_room(founder, "The gathering");
        if people.len() > 1 {
            let link = self.invite(founder, room, party());
            for who in &people[1..] {
                self.join(*who, &link);
            }
            for who in &people[1..] {
                self.await_join(*who, room, JoinState::Admitted);
            }
            self.await_all_linked(people, room);
        }
        room
    }

    /// Waits until everyone sees everyone online.
    ///
    /// # Panics
    /// When they do not within two minutes.
    pub fn await_all_linked(&mut self, people: &[NodeId], room: RoomId) {
        self.until(PATIENCE * 2, "everyone sees everyone", |world| {
            people.iter().all(|a| people.iter().all(|b| world.sees(*a, *b, room)))
        });
    }

    /// Whether one sees another online.
    pub fn sees(&self, a: NodeId, b: NodeId, room: RoomId) -> bool {
        let device = self[b].device;
        self[a].host.rooms.get(&room).is_some_and(|view| {
            view.members.iter().any(|member| member.device == device && member.presence == Presence::Online)
        })
    }

    /// Says something and waits until it is on the own disk.
    ///
    /// # Panics
    /// When it is refused.
    pub fn send(&mut self, who: NodeId, room: RoomId, text: &str) -> EntryHash {
        match self.command(who, Command::SendText { room, text: Text::plain(text) }) {
            Ok(Reply::Sent(hash)) => hash,
            other => panic!("sending: {other:?}"),
        }
    }

    /// Waits until somebody has an entry.
    ///
    /// # Panics
    /// When it is not there within two minutes.
    pub fn await_entry(&mut self, who: NodeId, room: RoomId, hash: EntryHash) {
        let name = self[who].name.clone();
        self.until(PATIENCE * 2, &format!("{name} has {hash:?}"), |world| world.has(who, room, hash));
    }

    /// Whether somebody has an entry on disk.
    pub fn has(&self, who: NodeId, room: RoomId, hash: EntryHash) -> bool {
        use natter_store::Store;
        self[who].disk.entry(room, hash).is_ok_and(|entry| entry.is_some())
    }

    /// Offers a picture of so many bytes, which the sender holds.
    ///
    /// # Panics
    /// When it is refused.
    pub fn send_picture(&mut self, who: NodeId, room: RoomId, size: usize) -> (EntryHash, BlobHash, u64) {
        let seed: [u8; 32] = self.chance.bytes();
        let bytes: Vec<u8> = (0..size).map(|n| seed[n % 32] ^ (n / 32) as u8).collect();
        let blob = self[who].disk.put_blob(&bytes);
        let picture = Picture {
            blob,
            size: size as u64,
            mime: "image/png".into(),
            width: 640,
            height: 480,
            thumbhash: vec![1, 2, 3],
            preview: Vec::new(),
            name: "photo.png".into(),
            caption: String::new(),
            reply_to: None,
            lives: None,
        };
        match self.command(who, Command::SendPicture { room, picture }) {
            Ok(Reply::Sent(hash)) => (hash, blob, size as u64),
            other => panic!("a picture: {other:?}"),
        }
    }

    /// Changes a name.
    ///
    /// # Panics
    /// When it is refused.
    pub fn rename(&mut self, who: NodeId, name: &str) {
        let profile = Profile { name: name.into(), avatar: None };
        assert!(matches!(self.command(who, Command::SetProfile { profile }), Ok(Reply::Done)));
    }

    /// A code by which another device is linked.
    ///
    /// # Panics
    /// When it is refused.
    pub fn device_code(&mut self, who: NodeId) -> InviteLink {
        match self.command(who, Command::LinkDevice) {
            Ok(Reply::Invite(code)) => code,
            other => panic!("a code: {other:?}"),
        }
    }

    /// Links a new device with one that is somebody's already, as a person does with both in hand.
    ///
    /// # Panics
    /// When it is not done within a few minutes.
    pub fn link_device(&mut self, old: NodeId, new: NodeId) {
        let text = self.device_code(old).to_device_text();
        let code = InviteLink::parse_device(&text).expect("own code");
        let reply = self.command(new, Command::Link { code });
        assert!(matches!(reply, Ok(Reply::Room(_))), "{reply:?}");
        let device = self[new].device;
        self.until(PATIENCE, "the old device asks", |world| world.asks_about(old, device));
        assert!(matches!(self.command(old, Command::AdmitDevice { device }), Ok(Reply::Done)));
        self.until(PATIENCE * 2, "both know of each other", |world| {
            world.are_linked(old, new) && world.are_linked(new, old)
        });
    }

    /// Whether a device asks its person about another that came with a code.
    pub fn asks_about(&self, who: NodeId, device: DeviceId) -> bool {
        let devices = self[who].host.devices.as_ref();
        devices.is_some_and(|view| view.requests.iter().any(|request| request.device == device))
    }

    /// Whether a device counts another among its own.
    pub fn are_linked(&self, who: NodeId, other: NodeId) -> bool {
        let device = self[other].device;
        let devices = self[who].host.devices.as_ref();
        devices.is_some_and(|view| view.devices.iter().any(|member| member.device == device))
    }

    /// Waits until a device is a member of a room.
    ///
    /// # Panics
    /// When it is not within two minutes.
    pub fn await_member(&mut self, who: NodeId, room: RoomId) {
        let name = self[who].name.clone();
        self.until(PATIENCE * 2, &format!("{name} is in {room:?}"), |world| {
            world[who].host.rooms.get(&room).is_some_and(|view| view.standing == Standing::Member)
        });
    }

    /// The chat link between two, as pairs of ends.
    pub fn links_between(&self, a: NodeId, b: NodeId) -> Vec<(EndId, EndId)> {
        let joins = |one: &EndId, two: &EndId| {
            let nodes = [self.ends[one].node, self.ends[two].node];
            nodes == [a, b] || nodes == [b, a]
        };
        self.pairs().into_iter().filter(|(one, two)| joins(one, two)).collect()
    }
}
