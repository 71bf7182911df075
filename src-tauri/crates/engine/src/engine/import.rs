//! Entries out of a room's file (`wire::archive`): taken in as if a peer had sent them, so that a file can say nothing that
//! a peer could not. They wait for their causes, are judged by the fold, written in batches and told to the host; the
//! answer comes when nothing of it can move any more, which is what paces whoever reads the file.

use super::Engine;
use super::forks::Proof;
use super::room::Room;
use crate::ids::{CommandId, LogKey, RoomId};
use crate::messages::branches::Filed;
use crate::messages::log::Taken;
use crate::port::{Refusal, Reply, Standing, StoreTrouble};
use crate::wire::limits::{BRANCHES_PER_AUTHOR, IMPORT_ENTRIES, ROOMS};
use crate::wire::{Entry, kind};

/// One import that is under way in a room.
pub(super) struct Import {
    command: CommandId,
    /// What was not here, by its place.
    taken: Vec<(LogKey, u64)>,
    known: u32,
    held_back: u32,
}

impl Engine {
    /// The command. All of it is verified before any of it is taken.
    pub(super) fn import(&mut self, id: CommandId, room: RoomId, entries: Vec<Entry>, branches: &[Entry]) {
        if let Err(refusal) = self.may_import(room, &entries, branches) {
            return self.reply(id, Err(refusal));
        }
        let mut opened = Vec::with_capacity(entries.len());
        for entry in entries {
            match entry.open() {
                Ok((header, hash)) if header.room_of(hash) == room => opened.push((entry, header, hash)),
                Ok(_) | Err(_) => return self.reply(id, Err(Refusal::BadEntry)),
            }
        }
        let Some(proofs) = Proof::all(room, branches) else { return self.reply(id, Err(Refusal::BadEntry)) };
        let own = LogKey { author: self.me, log: self.log };
        let state = self.rooms.entry(room).or_insert_with(|| {
            // Nobody let this device in: it may read what the file says, and nothing else.
            let mut state = Room::new(room, own, Standing::Gone);
            state.unsaved = true;
            state
        });
        let mut import = Import { command: id, taken: Vec::new(), known: 0, held_back: 0 };
        for (entry, header, hash) in opened {
            let Filed::In(log) = state.logs.file(&header, hash) else {
                import.held_back += 1;
                continue;
            };
            let place = (log, header.seq);
            if header.seq <= state.logs.head(log) {
                import.known += 1;
                continue;
            }
            match state.logs.take(log, entry, header, hash, false, &state.membership) {
                Taken::Queued | Taken::Duplicate => import.taken.push(place),
                Taken::Full => import.held_back += 1,
            }
        }
        state.forks.suspect(proofs);
        state.importing = Some(import);
    }

    fn may_import(&self, room: RoomId, entries: &[Entry], branches: &[Entry]) -> Result<(), Refusal> {
        if entries.len() > IMPORT_ENTRIES || branches.len() > BRANCHES_PER_AUTHOR {
            return Err(Refusal::TooMany);
        }
        match self.rooms.get(&room) {
            Some(state) if state.founding.is_some() => Err(Refusal::NoSuchRoom),
            Some(state) if state.standing == Standing::Knocking || state.leaving.is_some() => Err(Refusal::NotAMember),
            Some(state) if state.importing.is_some() => Err(Refusal::TooMany),
            Some(_) => Ok(()),
            None if self.rooms.len() >= ROOMS => Err(Refusal::TooMany),
            // The first word of a room that was never here must be the one that founds it.
            None => {
                let first = entries.first().and_then(|entry| entry.open().ok());
                let founds =
                    first.is_some_and(|(header, hash)| header.kind == kind::GENESIS && header.room_of(hash) == room);
                if founds { Ok(()) } else { Err(Refusal::NoSuchRoom) }
            }
        }
    }

    /// Answers an import of which nothing can move any more.
    pub(super) fn settle_import(&mut self, id: RoomId) {
        let Some(room) = self.rooms.get_mut(&id) else { return };
        let logs = &room.logs;
        let rests = !logs.is_busy() && room.retry_at.is_none() && room.forks.rest();
        let done = |import: &mut Import| {
            rests || !import.taken.is_empty() && import.taken.iter().all(|(log, seq)| *seq <= logs.head(*log))
        };
        let Some(import) = room.importing.take_if(done) else { return };
        let is_new = |(log, seq): &&(LogKey, u64)| *seq <= logs.head(*log);
        let new = u32::try_from(import.taken.iter().filter(is_new).count()).unwrap_or(u32::MAX);
        let held_back = import.held_back + u32::try_from(import.taken.len()).unwrap_or(u32::MAX) - new;
        self.reply(import.command, Ok(Reply::Imported { new, known: import.known, held_back }));
    }

    /// The disk did not take it: what was written before stays, the rest can be imported again.
    pub(super) fn fail_import(&mut self, id: RoomId, trouble: StoreTrouble) {
        let Some(room) = self.rooms.get_mut(&id) else { return };
        let Some(import) = room.importing.take() else { return };
        // Nothing is left of a room that only this import made.
        if room.standing == Standing::Gone && room.logs.heads().is_empty() {
            self.rooms.remove(&id);
        }
        self.reply(import.command, Err(Refusal::NotSaved(trouble)));
    }

    /// The room goes, or the engine: whoever waits hears it.
    pub(super) fn refuse_import(&mut self, import: Option<Import>, refusal: Refusal) {
        if let Some(import) = import {
            self.reply(import.command, Err(refusal));
        }
    }
}
