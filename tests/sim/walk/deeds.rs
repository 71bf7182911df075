//! What people do.

use super::{INVITES, Night, ROOMS};
use crate::node::NodeId;
use crate::people::{one, party};
use natter_engine::ids::{DeviceId, EntryHash, RoomId};
use natter_engine::port::{Command, JoinState, Profile, Reply, Role, Standing, StoredEntry};
use natter_engine::rooms::InviteTerms;
use natter_engine::wire::{Act, RoomBody, Text, kind};
use natter_store::Store;
use std::collections::BTreeSet;
use std::time::Duration;

impl Night {
    pub(super) fn found(&mut self) {
        if self.world.rooms().len() < ROOMS
            && let Some(who) = self.somebody()
        {
            self.world.ask(who, Command::CreateRoom { name: "Room".into() });
            self.world.run(Duration::from_millis(500));
        }
    }

    pub(super) fn invite(&mut self) {
        let Some((who, room)) = self.insider() else { return };
        let views = self.world.nodes.iter().filter_map(|node| node.host.rooms.get(&room));
        let live: BTreeSet<_> = views.flat_map(|view| view.invites.iter().map(|invite| invite.invite)).collect();
        if live.len() >= INVITES {
            return;
        }
        let creator = self.world[who]
            .room(room)
            .members
            .iter()
            .any(|member| member.device == self.world[who].device && member.role >= Role::Admin);
        let terms = match self.world.chance.below(6) {
            0 | 1 if creator => party(),
            2 if creator => InviteTerms { approval: false, ..one() },
            3 => InviteTerms { uses: 0, ..one() },
            4 => InviteTerms { uses: 3, ..one() },
            _ => one(),
        };
        let id = self.world.ask(who, Command::CreateInvite { room, terms });
        self.world.run(Duration::from_millis(700));
        if let Some(Ok(Reply::Invite(link))) = self.world[who].host.replies.get(&id) {
            let link = link.clone();
            self.links.push(link);
        }
    }

    /// Whoever founded a room lets anybody in who likes.
    pub(super) fn open_house(&mut self) {
        let Some((who, room)) = self.admin() else { return };
        let id = self.world.ask(who, Command::CreateInvite { room, terms: party() });
        self.world.run(Duration::from_millis(1500));
        if let Some(Ok(Reply::Invite(link))) = self.world[who].host.replies.get(&id) {
            self.links.push(link.clone());
        }
    }

    pub(super) fn revoke(&mut self) {
        let Some((who, room)) = self.insider() else { return };
        let invites: Vec<_> = self.world[who].room(room).invites.iter().map(|invite| invite.invite).collect();
        if let Some(invite) = self.world.chance.pick(&invites) {
            self.world.ask(who, Command::RevokeInvite { room, invite });
        }
    }

    pub(super) fn join(&mut self) {
        if let Some(who) = self.somebody() {
            self.join_as(who);
        }
    }

    pub(super) fn join_as(&mut self, who: NodeId) {
        // Old links are mostly spent; now and then somebody tries one all the same.
        let recent = self.links.len().saturating_sub(if self.world.chance.percent(80) { 3 } else { usize::MAX });
        let Some(invite) = self.world.chance.pick(&self.links[recent..]) else { return };
        let room = invite.room;
        let outside = self.world[who].host.rooms.get(&room).is_none_or(|view| view.standing != Standing::Member);
        if outside && (self.walk.strays || self.is_missed_by_nobody(who, room)) {
            self.world.ask(who, Command::Join { invite });
        }
    }

    /// Whoever left a room and forgot it comes back when all who are in know the end of what it wrote.
    fn is_missed_by_nobody(&self, who: NodeId, room: RoomId) -> bool {
        if !self.world[who].forgot.contains(&room) {
            return true;
        }
        let device = self.world[who].device;
        let mut ends = BTreeSet::new();
        for other in self.people.iter().filter(|other| **other != who) {
            let boot = self.world[*other].disk.boot().expect("reads").expect("an identity");
            let known = boot.rooms.into_iter().find(|known| known.room == room && known.standing == Standing::Member);
            if let Some(known) = known {
                let view = self.world[*other].host.rooms.get(&room);
                if view.is_none_or(|view| view.members.iter().any(|member| member.device == device)) {
                    return false;
                }
                let own = known.heads.iter().filter(|head| head.log.author == device);
                ends.insert(own.map(|head| (head.log, head.seq)).collect::<Vec<_>>());
            }
        }
        ends.len() <= 1
    }

    pub(super) fn cancel(&mut self) {
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

    pub(super) fn answer_door(&mut self) {
        self.answer_door_for(80);
    }

    /// Whoever may admit answers one knock, with yes so many times in a hundred.
    pub(super) fn answer_door_for(&mut self, yes: u64) -> bool {
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

    pub(super) fn say(&mut self) {
        let Some((who, room)) = self.insider() else { return };
        for _ in 0..=self.world.chance.below(4) {
            self.said += 1;
            let text = format!("words {}", self.said);
            self.world.ask(who, Command::SendText { room, text: Text::plain(text) });
        }
    }

    pub(super) fn rename(&mut self) {
        if let Some(who) = self.somebody() {
            self.said += 1;
            let profile = Profile { name: format!("Name {}", self.said), avatar: None };
            self.world.ask(who, Command::SetProfile { profile });
        }
    }

    pub(super) fn mark_read(&mut self) {
        let Some((who, room)) = self.insider() else { return };
        if let Some(upto) = self.world[who].entries(room).last().map(|entry| entry.order) {
            self.world.ask(who, Command::MarkRead { room, upto });
        }
    }

    pub(super) fn leave(&mut self) {
        let Some((who, room)) = self.insider() else { return };
        if self.world[who].room(room).members.len() > 2 {
            self.world.ask(who, Command::LeaveRoom { room });
        }
    }

    pub(super) fn picture(&mut self) {
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

    // ------------------------------------------------------------ of what was said

    /// Somebody and something that was said in a room they are in; of the last ones mostly.
    fn spoken(&mut self, own: bool) -> Option<(NodeId, RoomId, EntryHash)> {
        let (who, room) = self.insider()?;
        let device = self.world[who].device;
        let said = |entry: &StoredEntry| kind::SPOKEN.contains(&entry.kind) && entry.payload.is_some();
        let entries = self.world[who].entries(room);
        let said: Vec<EntryHash> = entries
            .iter()
            .rev()
            .filter(|entry| said(entry) && (!own || entry.order.author == device))
            .take(8)
            .map(|entry| entry.order.hash)
            .collect();
        Some((who, room, self.world.chance.pick(&said)?))
    }

    pub(super) fn edit(&mut self) {
        if let Some((who, room, target)) = self.spoken(true) {
            self.said += 1;
            let act = Act::Edit(Text::plain(format!("better words {}", self.said)));
            self.world.ask(who, Command::About { room, target, act });
        }
    }

    /// Mostly of one's own; of others' it is refused, unless an admin does it.
    pub(super) fn delete(&mut self) {
        let own = self.world.chance.percent(70);
        if let Some((who, room, target)) = self.spoken(own) {
            self.world.ask(who, Command::About { room, target, act: Act::Delete });
        }
    }

    pub(super) fn react(&mut self) {
        if let Some((who, room, target)) = self.spoken(false) {
            let emoji = ["❤️", "👍", "🎂"][self.world.chance.below(3) as usize].into();
            let act = Act::React { emoji, on: self.world.chance.percent(70) };
            self.world.ask(who, Command::About { room, target, act });
        }
    }

    pub(super) fn pin(&mut self) {
        if let Some((who, room, target)) = self.spoken(false) {
            let act = Act::Pin { on: self.world.chance.percent(70) };
            self.world.ask(who, Command::About { room, target, act });
        }
    }

    pub(super) fn typing(&mut self) {
        if let Some((who, room)) = self.insider() {
            for _ in 0..self.world.chance.below(5) {
                self.world.ask(who, Command::Typing { room });
            }
        }
    }

    // ------------------------------------------------------------ of who is in

    /// Somebody who may name, remove and rename, and a room.
    fn admin(&mut self) -> Option<(NodeId, RoomId)> {
        let mut admins = Vec::new();
        for who in self.people.iter().copied().filter(|who| self.world[*who].is_up()) {
            let node = &self.world[who];
            let views = node.host.rooms.values().filter(|view| view.standing == Standing::Member);
            let is_admin = |view: &&natter_engine::rooms::RoomView| {
                view.members.iter().any(|member| member.device == node.device && member.role >= Role::Admin)
            };
            admins.extend(views.filter(is_admin).map(|view| (who, view.room)));
        }
        self.world.chance.pick(&admins)
    }

    fn other_member(&mut self, who: NodeId, room: RoomId) -> Option<DeviceId> {
        let me = self.world[who].device;
        let others: Vec<DeviceId> =
            self.world[who].room(room).members.iter().map(|m| m.device).filter(|device| *device != me).collect();
        self.world.chance.pick(&others)
    }

    pub(super) fn name_role(&mut self) {
        // Now and then somebody tries who may not.
        let by = if self.world.chance.percent(90) { self.admin() } else { self.insider() };
        let Some((who, room)) = by else { return };
        let Some(device) = self.other_member(who, room) else { return };
        let role = [Role::Guest, Role::Member, Role::Admin, Role::Admin][self.world.chance.below(4) as usize];
        self.world.ask(who, Command::SetRole { room, device, role });
    }

    pub(super) fn remove(&mut self) {
        let by = if self.world.chance.percent(90) { self.admin() } else { self.insider() };
        let Some((who, room)) = by else { return };
        if self.world[who].room(room).members.len() > 2
            && let Some(device) = self.other_member(who, room)
        {
            self.world.ask(who, Command::Remove { room, device });
        }
    }

    /// Two admins take each other out at the same moment, with or without a link between them.
    pub(super) fn feud(&mut self) {
        let Some((a, room)) = self.admin() else { return };
        let me = self.world[a].device;
        let rivals: Vec<DeviceId> = self.world[a]
            .room(room)
            .members
            .iter()
            .filter(|member| member.device != me && member.role == Role::Admin)
            .map(|member| member.device)
            .collect();
        let Some(rival) = self.world.chance.pick(&rivals) else { return };
        let Some(b) = self.people.iter().copied().find(|who| self.world[*who].device == rival) else { return };
        if self.world.chance.percent(60) {
            self.world.partition(a, b);
        }
        if self.world[b].is_up() {
            self.world.ask(b, Command::Remove { room, device: me });
        }
        self.world.ask(a, Command::Remove { room, device: rival });
    }

    pub(super) fn change_room(&mut self) {
        let by = if self.world.chance.percent(90) { self.admin() } else { self.insider() };
        let Some((who, room)) = by else { return };
        self.said += 1;
        let change = match self.world.chance.below(4) {
            0 => RoomBody { name: Some(format!("Room {}", self.said)), ..RoomBody::default() },
            1 => RoomBody { about: Some(format!("About {}", self.said)), ..RoomBody::default() },
            2 => {
                let lives = [20, 60, 600][self.world.chance.below(3) as usize];
                RoomBody { lives: Some(lives), ..RoomBody::default() }
            }
            _ => RoomBody { lives: Some(0), ..RoomBody::default() },
        };
        self.world.ask(who, Command::SetRoom { room, change });
    }
}
