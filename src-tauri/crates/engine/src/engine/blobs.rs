//! Blobs: asking who has one, making the bulk link, judging who may have one of ours.

use super::{Engine, Pending};
use crate::ids::{BlobHash, DeviceId, LinkId, RoomId};
use crate::mesh::{Link, Route, Seal};
use crate::port::{BlobState, BlobTrouble, Fetch, LinkCommand, LinkPurpose, Notify};
use crate::time::Now;
use crate::wire::Frame;

impl Engine {
    /// Wants a blob: asks everyone who is linked.
    pub(super) fn want_blob(&mut self, room: RoomId, blob: BlobHash, size: u64) -> bool {
        if !self.files.want(room, blob, size) {
            return false;
        }
        self.notify(Notify::Blob { blob, state: BlobState::Waiting });
        for peer in self.members_linked(room) {
            self.send_to(peer, &Frame::AskBlob { room, blob });
        }
        true
    }

    /// A member has come: maybe it has what we want.
    pub(super) fn ask_for_blobs(&mut self, room: RoomId, peer: DeviceId) {
        for blob in self.files.wanted_in(room) {
            self.send_to(peer, &Frame::AskBlob { room, blob });
        }
    }

    pub(super) fn on_blob_asked(&mut self, peer: DeviceId, room: RoomId, blob: BlobHash) {
        let member = self.rooms.get(&room).is_some_and(|state| state.membership.is_member(peer));
        let asking = self.pending.values().filter(|p| matches!(p, Pending::HaveBlob(by, ..) if *by == peer)).count();
        // An honest peer asks once a blob and has few under way.
        if member && asking < crate::wire::limits::BLOB_FETCHES {
            self.fetch(Pending::HaveBlob(peer, room, blob), |ticket| Fetch::BlobRooms { ticket, blob });
        }
    }

    pub(super) fn on_blob_found(&mut self, peer: DeviceId, room: RoomId, blob: BlobHash, rooms: &[RoomId], here: bool) {
        // Only of a room that offers it: having a file is nobody else's business.
        let here = here && rooms.contains(&room);
        self.send_to(peer, &Frame::BlobIs { room, blob, here });
    }

    pub(super) fn on_blob_is(&mut self, peer: DeviceId, room: RoomId, blob: BlobHash, here: bool) {
        let member = self.rooms.get(&room).is_some_and(|state| state.membership.is_member(peer));
        if member && here {
            self.files.held(blob, peer);
        }
    }

    /// Starts the fetches that can start.
    pub(super) fn settle_blobs(&mut self, now: Now) {
        for (blob, source, room) in self.files.start() {
            let epoch = self.rooms.get(&room).and_then(|state| state.epoch());
            let (Some((epoch, _)), Some(_)) = (epoch, self.mesh.live(source)) else {
                self.files.failed(blob, source);
                continue;
            };
            match self.mesh.bulk_from(source) {
                Some(link) if self.mesh.get(link).is_some_and(Link::is_live) => self.on_bulk_open(link),
                // It is on its way up: `on_bulk_open` finds the blob.
                Some(_) => {}
                None => {
                    let routes = vec![Route::Mesh { through: source }];
                    self.offer(LinkPurpose::Bulk, Some(source), room, Seal::Epoch(epoch), routes, now);
                }
            }
        }
    }

    /// A bulk link is up: ask for what is to come over it.
    pub(super) fn on_bulk_open(&mut self, id: LinkId) {
        let Some(peer) = self.mesh.get(id).and_then(|link| link.peer) else { return };
        if let Some((blob, size)) = self.files.from(peer) {
            self.link(id, LinkCommand::FetchBlob { blob, size });
        }
    }

    pub(super) fn on_blob_progress(&mut self, id: LinkId, blob: BlobHash, have: u64) {
        if self.is_source(id, blob) {
            self.notify(Notify::Blob { blob, state: BlobState::Progress(have) });
        }
    }

    pub(super) fn on_blob_done(&mut self, id: LinkId, blob: BlobHash) {
        if !self.is_source(id, blob) {
            return;
        }
        let room = self.files.done(blob);
        self.notify(Notify::Blob { blob, state: BlobState::Here });
        self.close_idle_bulk(id);
        // Whoever asked when we had nothing to give, or whose source has gone, hears that there is one more.
        if let Some(room) = room {
            for peer in self.members_linked(room) {
                self.send_to(peer, &Frame::BlobIs { room, blob, here: true });
            }
        }
    }

    pub(super) fn on_blob_failed(&mut self, id: LinkId, blob: BlobHash, trouble: BlobTrouble, now: Now) {
        if !self.is_source(id, blob) {
            return;
        }
        let Some(peer) = self.mesh.get(id).and_then(|link| link.peer) else { return };
        if trouble == BlobTrouble::LinkLost {
            // As if the link had said so itself: the source may still be there.
            return self.drop_link(id, now);
        }
        let others = self.files.failed(blob, peer);
        match trouble {
            // It does not get better with another source.
            BlobTrouble::DiskFull | BlobTrouble::DiskFailed => {
                self.files.done(blob);
                self.notify(Notify::Blob { blob, state: BlobState::Failed(trouble) });
            }
            BlobTrouble::Refused | BlobTrouble::Corrupt | BlobTrouble::LinkLost => {
                if trouble == BlobTrouble::Corrupt {
                    self.notify(Notify::PeerMisbehaved { peer: Some(peer), rule: "bytes that are not the blob" });
                }
                let state = if others { BlobState::Waiting } else { BlobState::Failed(trouble) };
                if !others {
                    self.files.done(blob);
                }
                self.notify(Notify::Blob { blob, state });
            }
        }
        self.close_idle_bulk(id);
    }

    /// The peer's chat link is gone, and with it the bulk link.
    pub(super) fn blobs_lost(&mut self, peer: DeviceId) {
        for blob in self.files.lost(peer) {
            self.notify(Notify::Blob { blob, state: BlobState::Waiting });
        }
    }

    /// A bulk link ended by itself, before or while it was used.
    pub(super) fn bulk_gone(&mut self, link: &Link) {
        if !link.offerer {
            return;
        }
        if let Some((peer, (blob, _))) = link.peer.and_then(|peer| Some((peer, self.files.from(peer)?))) {
            let others = self.files.failed(blob, peer);
            if self.files.is_hopeless(blob) {
                self.files.done(blob);
                self.notify(Notify::Blob { blob, state: BlobState::Failed(BlobTrouble::LinkLost) });
                return;
            }
            if !others {
                // The chat link is still up: the source may well say yes again.
                let room = link.room;
                self.send_to(peer, &Frame::AskBlob { room, blob });
            }
            self.notify(Notify::Blob { blob, state: BlobState::Waiting });
        }
    }

    fn is_source(&self, id: LinkId, blob: BlobHash) -> bool {
        let peer = self.mesh.get(id).filter(|link| link.offerer).and_then(|link| link.peer);
        peer.and_then(|peer| self.files.from(peer)).is_some_and(|(coming, _)| coming == blob)
    }

    fn close_idle_bulk(&mut self, id: LinkId) {
        let Some(peer) = self.mesh.get(id).and_then(|link| link.peer) else { return };
        if self.files.from(peer).is_none() && !self.files.has_more_from(peer) {
            self.link(id, LinkCommand::Close);
            self.mesh.remove(id);
        }
    }

    // ------------------------------------------------------------ serving

    pub(super) fn on_blob_wanted(&mut self, id: LinkId, blob: BlobHash) {
        let Some(link) = self.mesh.get(id).filter(|link| link.purpose == LinkPurpose::Bulk && !link.offerer) else {
            return;
        };
        if link.peer.is_some() {
            self.fetch(Pending::Allow(id, blob), |ticket| Fetch::BlobRooms { ticket, blob });
        }
    }

    /// A blob goes to whoever is a member of a room that offers it, and to nobody else.
    pub(super) fn on_blob_judged(&mut self, id: LinkId, blob: BlobHash, rooms: &[RoomId], here: bool) {
        let Some(peer) = self.mesh.get(id).and_then(|link| link.peer) else { return };
        let allowed =
            here && rooms.iter().any(|room| self.rooms.get(room).is_some_and(|state| state.membership.is_member(peer)));
        self.link(id, LinkCommand::ServeBlob { blob, allowed });
    }
}
