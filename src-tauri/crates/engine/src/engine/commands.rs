//! What a host asks for: checked here, so that nothing after it can be surprised.

use super::room::Room;
use super::{Engine, Pending};
use crate::identity::{Context, NameError, SecretKey, clean_name};
use crate::ids::{CommandId, LogKey, RoomId};
use crate::port::{Command, LinkCommand, Op, OrderKey, Output, Profile, Refusal, Reply, SignalCommand, Standing};
use crate::rooms::{InviteTerms, Role};
use crate::time::{Hlc, Now};
use crate::wire::body::are_sound;
use crate::wire::invite::invite_room_bytes;
use crate::wire::limits::{
    AVATAR_BYTES, COMMANDS_IN_FLIGHT, FILE_NAME_BYTES, INVITE_LIFETIME, INVITES_PER_ROOM, LIVES_SECONDS, PICTURE_BYTES,
    PICTURE_SIDE, PREVIEW_BYTES, ROOMS, TEXT_BYTES,
};
use crate::wire::{
    Body, Entry, Frame, Header, InviteBody, InviteKeys, InviteLink, PICTURE_TYPES, Picture, SPOKEN_BYTES, Text, kind,
};

impl Engine {
    pub(super) fn on_command(&mut self, id: CommandId, command: Command, now: Now) {
        if self.closing {
            return self.reply(id, Err(Refusal::ShuttingDown));
        }
        match command {
            Command::CreateRoom { name } => self.create_room(id, &name, now),
            Command::CreateInvite { room, terms } => self.create_invite(id, room, terms, None, now),
            Command::CreateSpokenInvite { room, terms, luck, seed } => {
                self.create_invite(id, room, terms, Some((luck, seed)), now);
            }
            Command::RevokeInvite { room, invite } => match self.member_of(room) {
                Err(refusal) => self.reply(id, Err(refusal)),
                Ok(state) => {
                    let me = self.me;
                    let admin = state.membership.role(me).is_some_and(|role| role >= Role::Admin);
                    match state.membership.invites().get(&invite) {
                        None => self.reply(id, Err(Refusal::NoSuchInvite)),
                        Some(record) if record.by != me && !admin => self.reply(id, Err(Refusal::NotAllowed)),
                        Some(_) => self.say(room, Some(id), Body::RevokeInvite { invite }),
                    }
                }
            },
            // Whoever is asked into a room must never find themselves among somebody's devices.
            Command::Join { invite } if self.devices.is_circle(invite.room) => {
                self.reply(id, Err(Refusal::AlreadyMember));
            }
            Command::Join { invite } => self.join(id, invite, now),
            Command::Ask { seed } => self.ask_for_room(id, &seed, now),
            Command::CancelAsk { invite } => self.cancel_ask(id, invite),
            Command::LinkDevice => self.link_device(id, now),
            Command::Link { code } => self.link_to(id, code, now),
            Command::CancelLink => self.cancel_link(id, now),
            Command::AdmitDevice { device } => self.admit_device(id, device, now),
            Command::DeclineDevice { device } => self.decline_device(id, device),
            Command::Unlink { device } => self.unlink(id, device),
            Command::CancelJoin { room } => self.cancel_join(id, room, now),
            Command::Admit { room, device } => self.admit_by_hand(id, room, device, now),
            Command::Decline { room, device } => self.decline(id, room, device),
            Command::SendText { room, text } => {
                let lives = self.rooms.get(&room).and_then(|state| state.membership.lives());
                let body = check_text(Text { lives, ..text }).map(Body::Text);
                self.speak(id, room, body);
            }
            Command::About { room, target, act } => self.about(id, room, target, act),
            Command::Remove { room, device } => self.remove(id, room, device),
            Command::SetRole { room, device, role } => self.set_role(id, room, device, role),
            Command::SetRoom { room, change } => self.set_room(id, room, change),
            Command::Typing { room } => self.typing(id, room, now),
            Command::SendPicture { room, picture } => {
                let lives = self.rooms.get(&room).and_then(|state| state.membership.lives());
                let picture = Picture { lives, ..picture };
                let body = check_picture(&picture).map(|()| Body::Picture(picture));
                self.speak(id, room, body);
            }
            Command::FetchBlob { room, blob, size } => {
                let reply = if !self.rooms.contains_key(&room) {
                    Err(Refusal::NoSuchRoom)
                } else if size == 0 || size > PICTURE_BYTES {
                    Err(Refusal::TooLong)
                } else if self.want_blob(room, blob, size) {
                    Ok(Reply::Done)
                } else {
                    Err(Refusal::TooMany)
                };
                self.reply(id, reply);
            }
            Command::SetProfile { profile } => self.set_profile(id, profile),
            Command::MarkRead { room, upto } => self.on_mark_read(id, room, upto),
            Command::SetReceipts { told } => {
                self.receipts = told;
                self.reply(id, Ok(Reply::Done));
            }
            Command::LeaveRoom { room } => match self.rooms.get(&room).map(|state| state.standing) {
                None => self.reply(id, Err(Refusal::NoSuchRoom)),
                Some(Standing::Member) if self.rooms.get(&room).is_some_and(|state| state.leaving.is_none()) => {
                    self.leave(room, id);
                }
                Some(Standing::Member | Standing::Knocking | Standing::Gone) => {
                    self.forget(room, now);
                    self.reply(id, Ok(Reply::Done));
                }
            },
            Command::Import { room, entries, branches } => self.import(id, room, entries, &branches),
            Command::SetBrokers { use_, announce } => {
                self.brokers = use_;
                self.announce = announce;
                self.rosters_due(now);
                self.reply(id, Ok(Reply::Done));
            }
            Command::NetworkChanged => {
                self.suspect_all(now);
                self.reply(id, Ok(Reply::Done));
            }
            Command::Shutdown => self.shut_down(id),
        }
    }

    pub(super) fn member_of(&self, room: RoomId) -> Result<&Room, Refusal> {
        let state = self.rooms.get(&room).filter(|state| state.founding.is_none()).ok_or(Refusal::NoSuchRoom)?;
        if state.standing != Standing::Member || state.leaving.is_some() {
            return Err(Refusal::NotAMember);
        }
        if state.logs.drafts() >= COMMANDS_IN_FLIGHT {
            return Err(Refusal::TooMany);
        }
        Ok(state)
    }

    fn speak(&mut self, id: CommandId, room: RoomId, body: Result<Body, Refusal>) {
        match self.member_of(room).and(body) {
            Ok(body) => self.say(room, Some(id), body),
            Err(refusal) => self.reply(id, Err(refusal)),
        }
    }

    fn create_room(&mut self, id: CommandId, name: &str, now: Now) {
        let name = match clean_name(name) {
            Ok(name) => name,
            Err(error) => return self.reply(id, Err(name_refusal(error))),
        };
        self.found(id, name, now);
    }

    /// Founds a room; none, and the answer said, when there are too many.
    pub(super) fn found(&mut self, id: CommandId, name: String, now: Now) -> Option<RoomId> {
        if self.rooms.len() >= ROOMS {
            self.reply(id, Err(Refusal::TooMany));
            return None;
        }
        let own = LogKey { author: self.me, log: self.log };
        let body = Body::Genesis { name, profile: self.profile.clone(), nonce: self.random() };
        let header = Header {
            kind: kind::GENESIS,
            flags: 0,
            room: RoomId([0; 32]),
            log: own,
            seq: 1,
            prev: None,
            clock: Hlc::next(Hlc::default(), now.wall),
            written: now.wall,
            parents: Vec::new(),
            payload_len: 0,
            commitment: [0; 32],
        };
        let salt = self.random();
        let (entry, header, hash) = Entry::sign(&self.key, header, salt, body.encode());
        let room = RoomId(hash.0);
        let epoch_key = self.random();
        let mut state = Room::new(room, own, Standing::Member);
        state.epochs.insert(1, epoch_key);
        state.founding = Some(id);
        state.preamble = vec![
            Op::PutRoom { room, standing: Standing::Member, brokers: Vec::new(), invite: None },
            Op::PutEpoch { room, epoch: 1, key: epoch_key },
        ];
        state.logs.take(own, entry, header, hash, true, &state.membership);
        self.rooms.insert(room, state);
        Some(room)
    }

    fn create_invite(
        &mut self,
        id: CommandId,
        room: RoomId,
        terms: InviteTerms,
        spoken: Option<([u8; SPOKEN_BYTES], [u8; 32])>,
        now: Now,
    ) {
        let me = self.me;
        let state = match self.member_of(room) {
            Ok(state) => state,
            Err(refusal) => return self.reply(id, Err(refusal)),
        };
        // Without approval whoever holds the link is in: that is an admin's decision.
        let least = if terms.approval { Role::Member } else { Role::Admin };
        if state.membership.role(me).is_none_or(|role| role < least) || terms.role > Role::Member {
            return self.reply(id, Err(Refusal::NotAllowed));
        }
        let live = state.membership.invites().values().filter(|invite| invite.admits(now.wall).is_ok()).count();
        if live >= INVITES_PER_ROOM || terms.lifetime > INVITE_LIFETIME {
            return self.reply(id, Err(Refusal::TooMany));
        }
        self.write_invite(id, room, terms, spoken, now);
    }

    /// Writes the INVITE of a new link, whose seed is new or was stretched from the luck in its words.
    pub(super) fn write_invite(
        &mut self,
        id: CommandId,
        room: RoomId,
        terms: InviteTerms,
        spoken: Option<([u8; SPOKEN_BYTES], [u8; 32])>,
        now: Now,
    ) {
        let Some(state) = self.rooms.get(&room) else { return self.reply(id, Err(Refusal::NoSuchRoom)) };
        // Whoever opens the code of a device sees whose it is.
        let circle = self.devices.is_circle(room);
        let room_name = if circle { self.profile.name.clone() } else { state.membership.name().to_owned() };
        let seed = spoken.map_or_else(|| self.random(), |(_, seed)| seed);
        let keys = InviteKeys::derive(&seed);
        let expires = now.wall.0 / 1000 + terms.lifetime.as_secs();
        let brokers = self.meeting_points(room);
        let spoken = spoken.map(|(luck, _)| luck);
        let link = InviteLink { seed, room, room_name, brokers, expires, spoken };
        let invite = link.id();
        let vouch = spoken
            .map(|_| SecretKey::from_seed(&keys.signing).sign(Context::InviteRoom, &invite_room_bytes(room, expires)));
        let body = Body::Invite(InviteBody {
            invite,
            rendezvous: keys.rendezvous,
            sealing: keys.sealing,
            uses: terms.uses,
            expires,
            approval: terms.approval,
            role: terms.role,
            vouch,
        });
        if let Some(state) = self.rooms.get_mut(&room) {
            // Kept with the entry it belongs to: written together or not at all.
            state.preamble.push(Op::PutInvite { room, link: link.clone() });
            state.invite_links.insert(invite, link);
        }
        self.say(room, Some(id), body);
    }

    fn set_profile(&mut self, id: CommandId, profile: Profile) {
        let name = match clean_name(&profile.name) {
            Ok(name) => name,
            Err(error) => return self.reply(id, Err(name_refusal(error))),
        };
        if profile.avatar.as_ref().is_some_and(|avatar| avatar.len() > AVATAR_BYTES) {
            return self.reply(id, Err(Refusal::TooLong));
        }
        let profile = Profile { name, avatar: profile.avatar };
        self.persist(Pending::Profile(id, profile.clone()), vec![Op::PutProfile(profile)]);
    }

    /// The profile is durable: tell every room.
    pub(super) fn on_profile_saved(&mut self, id: CommandId, profile: Profile) {
        self.profile = profile;
        self.reply(id, Ok(Reply::Done));
        let rooms: Vec<RoomId> = self.rooms.keys().copied().collect();
        for room in rooms {
            if self.member_of(room).is_ok() {
                self.say(room, None, Body::Profile(self.profile.clone()));
            }
        }
    }

    fn on_mark_read(&mut self, id: CommandId, room: RoomId, upto: OrderKey) {
        let Some(state) = self.rooms.get(&room) else { return self.reply(id, Err(Refusal::NoSuchRoom)) };
        if state.read.is_some_and(|read| read >= upto) {
            return self.reply(id, Ok(Reply::Done));
        }
        self.persist(Pending::Read(id, room, upto), vec![Op::PutRead { room, upto }]);
    }

    /// The reading mark is durable: tell the others, once a few have gathered.
    pub(super) fn on_read_saved(&mut self, id: CommandId, room: RoomId, upto: OrderKey, now: Now) {
        if let Some(state) = self.rooms.get_mut(&room) {
            state.read = state.read.max(Some(upto));
            self.mark_read(room, now.mono);
            self.changed.insert(room);
        }
        self.reply(id, Ok(Reply::Done));
    }

    fn shut_down(&mut self, id: CommandId) {
        for link in self.mesh.ids() {
            let chat = self.mesh.get(link).is_some_and(|l| l.is_live() && l.purpose == crate::port::LinkPurpose::Chat);
            if chat {
                self.send(link, &Frame::Bye);
            }
            self.link(link, LinkCommand::Close);
            self.mesh.remove(link);
        }
        for (broker, address) in self.claims.all() {
            self.out.push(Output::Signal(SignalCommand::Release { broker, address }));
        }
        self.closing = true;
        // What is being written is still answered by its commit.
        let drafts: Vec<_> = self.rooms.values_mut().flat_map(|room| room.logs.take_drafts()).collect();
        self.refuse_drafts(drafts, Refusal::ShuttingDown);
        let imports: Vec<_> = self.rooms.values_mut().filter_map(|room| room.importing.take()).collect();
        for import in imports {
            self.refuse_import(Some(import), Refusal::ShuttingDown);
        }
        self.reply(id, Ok(Reply::Done));
    }
}

pub(super) fn name_refusal(error: NameError) -> Refusal {
    match error {
        NameError::Empty => Refusal::Empty,
        NameError::TooLong => Refusal::TooLong,
        NameError::Unprintable => Refusal::BadName,
    }
}

pub(super) fn check_text(text: Text) -> Result<Text, Refusal> {
    if text.text.trim().is_empty() {
        return Err(Refusal::Empty);
    }
    if text.text.len() > TEXT_BYTES || text.lives.is_some_and(|seconds| seconds > LIVES_SECONDS) {
        return Err(Refusal::TooLong);
    }
    if !are_sound(&text.mentions, &text.text) {
        return Err(Refusal::BadMention);
    }
    // None is how it is said that it stays.
    Ok(Text { lives: text.lives.filter(|seconds| *seconds > 0), ..text })
}

fn check_picture(picture: &Picture) -> Result<(), Refusal> {
    let sides = 1..=PICTURE_SIDE;
    let fits = sides.contains(&picture.width)
        && sides.contains(&picture.height)
        && (1..=PICTURE_BYTES).contains(&picture.size)
        && picture.preview.len() <= PREVIEW_BYTES
        && picture.thumbhash.len() <= 32
        && picture.name.len() <= FILE_NAME_BYTES
        && picture.lives.is_none_or(|seconds| (1..=LIVES_SECONDS).contains(&seconds))
        && picture.caption.len() <= TEXT_BYTES / 2;
    if !fits {
        return Err(Refusal::TooLong);
    }
    if !PICTURE_TYPES.contains(&&*picture.mime) {
        return Err(Refusal::BadName);
    }
    Ok(())
}
