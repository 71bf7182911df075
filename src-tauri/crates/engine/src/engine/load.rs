//! How much the engine holds: for the doctor, and for the tests that hold it to its limits.

use super::Engine;
use crate::wire::limits::{
    BLOB_FETCHES, BRANCHES_PER_AUTHOR, FORKS_WAITING, HALF_OPEN, HELD_OFFERS, LINKS, LOGS_PER_ROOM, MEMBERS,
    PENDING_BYTES_PER_ROOM, QUEUED_BYTES_PER_PEER, ROOMS,
};

/// Store answers that may be outstanding: a batch and a lookup in each room, and what peers and the host ask for.
const PENDING: usize = 2 * ROOMS + 2 * LINKS + LINKS * BLOB_FETCHES + 1024;

/// Sizes of everything in the engine that others can make grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Rooms, knocks included.
    pub rooms: usize,
    /// Links in any state.
    pub links: usize,
    /// Of these, not live yet.
    pub half_open: usize,
    /// Offers that wait to be answered.
    pub held_offers: usize,
    /// Peers whose next dial is planned.
    pub dials: usize,
    /// Answers of the store that are outstanding.
    pub pending: usize,
    /// Bytes in the fullest send queue.
    pub queued_bytes: usize,
    /// Bytes of waiting entries in the fullest room.
    pub waiting_bytes: usize,
    /// Logs in the room with the most.
    pub logs: usize,
    /// Logs that one peer claims to hold, at the most.
    pub claimed_logs: usize,
    /// Logs that are not asked for, in the room with the most.
    pub refused_logs: usize,
    /// Proofs of forks that wait, in the room with the most.
    pub forks_waiting: usize,
    /// Branches of one author's logs, at the most.
    pub branches: usize,
    /// Blobs wanted.
    pub blobs: usize,
    /// Addresses held or asked for at brokers.
    pub claims: usize,
}

impl Load {
    /// Whether all of it is within the limits.
    ///
    /// # Errors
    /// What is over which limit.
    pub fn check(&self) -> Result<(), String> {
        let caps = [
            ("rooms", self.rooms, ROOMS),
            ("links", self.links, 2 * LINKS + LINKS + HALF_OPEN),
            ("half-open links", self.half_open, HALF_OPEN + 1),
            ("held offers", self.held_offers, HELD_OFFERS),
            ("dials", self.dials, ROOMS * MEMBERS),
            ("outstanding store answers", self.pending, PENDING),
            ("queued bytes", self.queued_bytes, 2 * QUEUED_BYTES_PER_PEER),
            ("waiting bytes", self.waiting_bytes, PENDING_BYTES_PER_ROOM),
            ("logs", self.logs, LOGS_PER_ROOM),
            ("claimed logs", self.claimed_logs, LOGS_PER_ROOM),
            ("refused logs", self.refused_logs, LOGS_PER_ROOM),
            ("waiting proofs of forks", self.forks_waiting, FORKS_WAITING),
            ("branches", self.branches, BRANCHES_PER_AUTHOR),
            ("wanted blobs", self.blobs, BLOB_FETCHES),
        ];
        match caps.iter().find(|(_, is, cap)| is > cap) {
            Some((what, is, cap)) => Err(format!("{is} {what}, of at most {cap}")),
            None => Ok(()),
        }
    }
}

impl Engine {
    /// How much it holds now.
    pub fn load(&self) -> Load {
        Load {
            rooms: self.rooms.len(),
            links: self.mesh.ids().len(),
            half_open: self.mesh.half_open(),
            held_offers: self.held.len(),
            dials: self.mesh.dials(),
            pending: self.pending.len(),
            queued_bytes: self.mesh.longest_queue(),
            waiting_bytes: self.rooms.values().map(|room| room.logs.waiting_bytes()).max().unwrap_or(0),
            logs: self.rooms.values().map(|room| room.logs.heads().len()).max().unwrap_or(0),
            claimed_logs: self.rooms.values().map(|room| room.sync.longest_claim()).max().unwrap_or(0),
            refused_logs: self.rooms.values().map(|room| room.logs.refused()).max().unwrap_or(0),
            forks_waiting: self.rooms.values().map(|room| room.forks.waiting()).max().unwrap_or(0),
            branches: self.rooms.values().map(|room| room.forks.most_branches()).max().unwrap_or(0),
            blobs: self.files.len(),
            claims: self.claims.all().len(),
        }
    }
}
