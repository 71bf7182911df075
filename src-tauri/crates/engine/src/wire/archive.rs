//! The records of the two files that people keep: a room's export, and the backup of a profile. `PROTOCOL.md` §10 and §11.
//!
//! ```text
//! file   = frame…                       what is around them (HTML, seals) is the shells' affair
//! frame  = length u32 big-endian | record
//! record = [tag, fields…]               at most RECORD_BYTES
//! ```
//! A room's file is ROOM_FILE, ENTRY… in the room's order, before the first entry of a branch the BRANCH… of its log, then BLOB PART… for each blob, then END. A backup is IDENTITY,
//! SETTING…, then ROOM INVITE… HELD… BRANCH… STORED… for each room, blobs as before, END. END counts, so that a file that was
//! cut between two records is not taken for a whole one.

use super::cbor::{Reader, WireError, Writer};
use super::entry::Entry;
use super::invite::InviteLink;
use super::limits::{AVATAR_BYTES, BROKER_URL_BYTES, BROKERS, EPOCHS, TEXT_BYTES};
use crate::ids::{BlobHash, BrokerUrl, DeviceId, EntryHash, LogId, LogKey, RoomId};
use crate::port::{OrderKey, Profile, Standing};
use crate::time::{Hlc, UnixMillis};

/// The version of both files that this software writes.
pub const VERSION: u64 = 1;
/// Largest record, in bytes.
pub const RECORD_BYTES: usize = 96 * 1024;
/// Bytes of a blob in one PART; only the last one of a blob has fewer.
pub const PART_BYTES: usize = 48 * 1024;
/// Marks in one HELD.
pub const HELD_MARKS: usize = 512;
/// Hashes of a room's frontier.
const FRONTIER: usize = 1024;
/// Bytes of a name: 64 graphemes of the longest kind fit.
const NAME_BYTES: usize = 4096;
/// Bytes of a setting's key and value.
const SETTING_KEY_BYTES: usize = 64;
const SETTING_BYTES: usize = 64 * 1024;
/// Bytes of an invite's link as text.
const LINK_BYTES: usize = 8 * 1024;

const ROOM_FILE: u64 = 1;
const ENTRY: u64 = 2;
const BLOB: u64 = 3;
const PART: u64 = 4;
const END: u64 = 5;
const BRANCH: u64 = 6;
const IDENTITY: u64 = 16;
const SETTING: u64 = 17;
const ROOM: u64 = 18;
const INVITE: u64 = 19;
const HELD: u64 = 20;
const STORED: u64 = 21;

/// One record. Not `Debug`: some hold keys and words.
#[derive(Clone, PartialEq, Eq)]
pub enum Record {
    /// A room's export begins.
    RoomFile {
        /// The room.
        room: RoomId,
        /// What it was called.
        name: String,
        /// When the file was made, by the clock of whoever made it.
        made: UnixMillis,
    },
    /// An entry of the room, as it travels.
    Entry(Entry),
    /// A log was written twice, and this is the first entry of one branch (`messages::branches`), without its payload. Two
    /// of them or more, one after the other, are the proof.
    Branch {
        /// The log that was written twice: the one that the entry names, or a branch of that.
        log: LogKey,
        /// The entry.
        first: Entry,
    },
    /// A blob begins; its PARTs follow.
    Blob {
        /// Its content's hash.
        blob: BlobHash,
        /// Its bytes.
        size: u64,
    },
    /// The next bytes of a blob: at most [`PART_BYTES`].
    Part(Vec<u8>),
    /// All was said.
    End {
        /// ENTRY or STORED records in the file.
        entries: u64,
        /// BLOB records in the file.
        blobs: u64,
    },
    /// A backup begins: whose it is.
    Identity {
        /// Ed25519 secret key seed.
        secret: [u8; 32],
        /// Name and picture.
        profile: Profile,
        /// When the backup was made.
        made: UnixMillis,
    },
    /// A setting of the host's.
    Setting {
        /// Its name.
        key: String,
        /// Its value.
        value: Vec<u8>,
    },
    /// A room begins: what follows up to the next one belongs to it.
    Room(Box<RoomRecord>),
    /// The link of an invite made on this device.
    Invite(InviteLink),
    /// How far members hold logs, at most [`HELD_MARKS`].
    Held(Vec<(DeviceId, LogKey, u64)>),
    /// An entry with what this device derived when it came.
    Stored {
        /// The entry, as it travels.
        entry: Entry,
        /// Its effective clock.
        clock: Hlc,
        /// When this device first had it.
        first_seen: UnixMillis,
        /// The time to show.
        shown: UnixMillis,
    },
}

/// What a backup says of a room besides its entries.
#[derive(Clone, PartialEq, Eq)]
pub struct RoomRecord {
    /// The room.
    pub room: RoomId,
    /// Member, knocking or gone.
    pub standing: Standing,
    /// Where it meets.
    pub brokers: Vec<BrokerUrl>,
    /// While knocking: with what.
    pub invite: Option<InviteLink>,
    /// Epoch keys, ascending.
    pub epochs: Vec<(u32, [u8; 32])>,
    /// The entries that no other names.
    pub frontier: Vec<EntryHash>,
    /// The reading mark.
    pub read: Option<OrderKey>,
    /// What was begun to be written.
    pub draft: Option<String>,
}

impl Record {
    /// The record as a frame.
    ///
    /// # Errors
    /// [`WireError::OverLimit`] for one that no reader would take.
    pub fn encode(&self) -> Result<Vec<u8>, WireError> {
        let bytes = self.write();
        if bytes.len() > RECORD_BYTES {
            return Err(WireError::OverLimit);
        }
        let length = u32::try_from(bytes.len()).map_err(|_| WireError::OverLimit)?;
        let mut frame = Vec::with_capacity(4 + bytes.len());
        frame.extend_from_slice(&length.to_be_bytes());
        frame.extend_from_slice(&bytes);
        Ok(frame)
    }

    fn write(&self) -> Vec<u8> {
        match self {
            Self::RoomFile { room, name, made } => {
                Writer::record(5).uint(ROOM_FILE).uint(VERSION).bytes(&room.0).text(name).uint(made.0).finish()
            }
            Self::Entry(entry) => entry.write(Writer::record(2).uint(ENTRY)).finish(),
            Self::Branch { log, first } => {
                let writer = Writer::record(4).uint(BRANCH).bytes(&log.author.0).bytes(&log.log.0);
                first.write(writer).finish()
            }
            Self::Blob { blob, size } => Writer::record(3).uint(BLOB).bytes(&blob.0).uint(*size).finish(),
            Self::Part(bytes) => Writer::record(2).uint(PART).bytes(bytes).finish(),
            Self::End { entries, blobs } => Writer::record(3).uint(END).uint(*entries).uint(*blobs).finish(),
            Self::Identity { secret, profile, made } => Writer::record(6)
                .uint(IDENTITY)
                .uint(VERSION)
                .bytes(secret)
                .text(&profile.name)
                .optional(profile.avatar.as_deref())
                .uint(made.0)
                .finish(),
            Self::Setting { key, value } => Writer::record(3).uint(SETTING).text(key).bytes(value).finish(),
            Self::Room(room) => room.write(),
            Self::Invite(link) => Writer::record(2).uint(INVITE).text(&link.to_text()).finish(),
            Self::Held(marks) => Writer::record(2)
                .uint(HELD)
                .each(marks.iter(), |w, (holder, log, seq)| {
                    w.array(4).bytes(&holder.0).bytes(&log.author.0).bytes(&log.log.0).uint(*seq)
                })
                .finish(),
            Self::Stored { entry, clock, first_seen, shown } => {
                entry.write(Writer::record(5).uint(STORED)).uint(clock.0).uint(first_seen.0).uint(shown.0).finish()
            }
        }
    }

    /// Reads a record, without the length before it.
    ///
    /// # Errors
    /// [`WireError::UnknownVersion`] for a file from a newer version, [`WireError::UnknownKind`] for a record of one, and
    /// the others as they say.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        if bytes.len() > RECORD_BYTES {
            return Err(WireError::OverLimit);
        }
        let tag = Reader::new(bytes).tag()?;
        match tag {
            ROOM_FILE => Reader::record(bytes, 5, |r| {
                version(r)?;
                Ok(Self::RoomFile {
                    room: RoomId(r.exactly()?),
                    name: r.text(NAME_BYTES)?,
                    made: UnixMillis(r.uint()?),
                })
            }),
            ENTRY => fields(bytes, 2, |r| Ok(Self::Entry(Entry::read(r)?))),
            BRANCH => fields(bytes, 4, |r| {
                let log = LogKey { author: DeviceId(r.exactly()?), log: LogId(r.exactly()?) };
                Ok(Self::Branch { log, first: Entry::read(r)? })
            }),
            BLOB => fields(bytes, 3, |r| Ok(Self::Blob { blob: BlobHash(r.exactly()?), size: r.uint()? })),
            PART => fields(bytes, 2, |r| Ok(Self::Part(r.bytes(PART_BYTES)?.to_vec()))),
            END => fields(bytes, 3, |r| Ok(Self::End { entries: r.uint()?, blobs: r.uint()? })),
            IDENTITY => Reader::record(bytes, 6, |r| {
                version(r)?;
                let secret = r.exactly()?;
                let name = r.text(NAME_BYTES)?;
                let avatar = r.optional(|r| Ok(r.bytes(AVATAR_BYTES)?.to_vec()))?;
                Ok(Self::Identity { secret, profile: Profile { name, avatar }, made: UnixMillis(r.uint()?) })
            }),
            SETTING => fields(bytes, 3, |r| {
                Ok(Self::Setting { key: r.text(SETTING_KEY_BYTES)?, value: r.bytes(SETTING_BYTES)?.to_vec() })
            }),
            ROOM => fields(bytes, 9, |r| Ok(Self::Room(Box::new(RoomRecord::read(r)?)))),
            INVITE => fields(bytes, 2, |r| Ok(Self::Invite(link(r)?))),
            HELD => fields(bytes, 2, |r| {
                let marks = r.each(HELD_MARKS, |r| {
                    r.nested(4, |r| {
                        let holder = DeviceId(r.exactly()?);
                        let log = LogKey { author: DeviceId(r.exactly()?), log: LogId(r.exactly()?) };
                        Ok((holder, log, r.uint()?))
                    })
                })?;
                Ok(Self::Held(marks))
            }),
            STORED => fields(bytes, 5, |r| {
                Ok(Self::Stored {
                    entry: Entry::read(r)?,
                    clock: Hlc(r.uint()?),
                    first_seen: UnixMillis(r.uint()?),
                    shown: UnixMillis(r.uint()?),
                })
            }),
            _ => Err(WireError::UnknownKind),
        }
    }
}

impl RoomRecord {
    fn write(&self) -> Vec<u8> {
        let standing = match self.standing {
            Standing::Member => 1,
            Standing::Knocking => 2,
            Standing::Gone => 3,
        };
        let writer = Writer::record(9)
            .uint(ROOM)
            .bytes(&self.room.0)
            .uint(standing)
            .each(self.brokers.iter(), |w, url| w.text(url));
        let writer = match &self.invite {
            Some(link) => writer.text(&link.to_text()),
            None => writer.null(),
        };
        let writer = writer
            .each(self.epochs.iter(), |w, (epoch, key)| w.array(2).uint(u64::from(*epoch)).bytes(key))
            .each(self.frontier.iter(), |w, hash| w.bytes(&hash.0));
        let writer = match &self.read {
            Some(read) => writer.array(3).uint(read.clock.0).bytes(&read.author.0).bytes(&read.hash.0),
            None => writer.null(),
        };
        match &self.draft {
            Some(text) => writer.text(text),
            None => writer.null(),
        }
        .finish()
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            room: RoomId(r.exactly()?),
            standing: match r.uint()? {
                1 => Standing::Member,
                2 => Standing::Knocking,
                3 => Standing::Gone,
                _ => return Err(WireError::OutOfRange),
            },
            brokers: r.each(BROKERS, |r| r.text(BROKER_URL_BYTES))?,
            invite: r.optional(link)?,
            epochs: r.each(EPOCHS, |r| r.nested(2, |r| Ok((r.u32()?, r.exactly()?))))?,
            frontier: r.each(FRONTIER, |r| Ok(EntryHash(r.exactly()?)))?,
            read: r.optional(|r| {
                r.nested(3, |r| {
                    Ok(OrderKey {
                        clock: Hlc(r.uint()?),
                        author: DeviceId(r.exactly()?),
                        hash: EntryHash(r.exactly()?),
                    })
                })
            })?,
            draft: r.optional(|r| r.text(TEXT_BYTES))?,
        })
    }
}

/// Reads the fields after the tag of a record of `count` fields, the tag among them.
fn fields<T>(
    bytes: &[u8],
    count: u64,
    read: impl FnOnce(&mut Reader<'_>) -> Result<T, WireError>,
) -> Result<T, WireError> {
    Reader::record(bytes, count, |r| {
        r.uint()?;
        read(r)
    })
}

/// Reads tag and version of a record that begins a file.
fn version(r: &mut Reader<'_>) -> Result<(), WireError> {
    r.uint()?;
    if r.uint()? == VERSION { Ok(()) } else { Err(WireError::UnknownVersion) }
}

fn link(r: &mut Reader<'_>) -> Result<InviteLink, WireError> {
    InviteLink::parse(&r.text(LINK_BYTES)?).map_err(|_| WireError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records() -> Vec<Record> {
        let link = InviteLink {
            seed: [3; 32],
            room: RoomId([4; 32]),
            room_name: "Küche 🍲".into(),
            brokers: vec!["ws://127.0.0.1:9753/".into()],
            expires: 1_800_000_000,
            spoken: None,
        };
        let log = LogKey { author: DeviceId([5; 32]), log: LogId([6; 16]) };
        let entry = Entry { header: vec![7; 200], signature: [8; 64], salt: [9; 16], payload: Some(vec![10; 50]) };
        let room = RoomRecord {
            room: RoomId([4; 32]),
            standing: Standing::Knocking,
            brokers: vec!["wss://broker.example/".into()],
            invite: Some(link.clone()),
            epochs: vec![(1, [11; 32]), (70_000, [12; 32])],
            frontier: vec![EntryHash([13; 32]); FRONTIER],
            read: Some(OrderKey { clock: Hlc(14), author: DeviceId([15; 32]), hash: EntryHash([16; 32]) }),
            draft: Some("x".repeat(TEXT_BYTES)),
        };
        let bare = RoomRecord { invite: None, read: None, draft: None, standing: Standing::Gone, ..room.clone() };
        vec![
            Record::RoomFile { room: RoomId([4; 32]), name: "Küche".into(), made: UnixMillis(17) },
            Record::Entry(entry.clone()),
            Record::Entry(Entry { payload: None, ..entry.clone() }),
            Record::Blob { blob: BlobHash([18; 32]), size: u64::MAX },
            Record::Part(vec![19; PART_BYTES]),
            Record::End { entries: 20, blobs: 21 },
            Record::Identity {
                secret: [22; 32],
                profile: Profile { name: "Ada".into(), avatar: Some(vec![23; AVATAR_BYTES]) },
                made: UnixMillis(24),
            },
            Record::Setting { key: "brokers".into(), value: vec![25; SETTING_BYTES] },
            Record::Room(Box::new(room)),
            Record::Room(Box::new(bare)),
            Record::Invite(link),
            Record::Held(vec![(DeviceId([26; 32]), log, 27); HELD_MARKS]),
            Record::Branch { log, first: Entry { payload: None, ..entry.clone() } },
            Record::Stored { entry, clock: Hlc(28), first_seen: UnixMillis(29), shown: UnixMillis(30) },
        ]
    }

    #[test]
    fn every_record_comes_back_within_its_limit() {
        for (n, record) in records().into_iter().enumerate() {
            let frame = record.encode().expect("within the limit");
            assert_eq!(frame[..4], (frame.len() as u32 - 4).to_be_bytes(), "record {n}");
            assert!(Record::decode(&frame[4..]) == Ok(record), "record {n}");
            assert!(Record::decode(&frame[4..frame.len() - 1]).is_err(), "record {n}, cut");
        }
    }

    #[test]
    fn the_bytes_of_every_record_stay_what_they_are() {
        const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/vectors/archive.txt");
        let names = [
            "room_file",
            "entry",
            "entry.erased",
            "blob",
            "part",
            "end",
            "identity",
            "setting",
            "room",
            "room.bare",
            "invite",
            "held",
            "branch",
            "stored",
        ];
        let lines = names.iter().zip(records()).map(|(name, record)| {
            let frame = record.encode().expect("within the limit");
            // The largest are their hashes: what matters is that they stay the same.
            let shown = if frame.len() > 1024 {
                format!("blake3:{}", blake3::hash(&frame).to_hex())
            } else {
                data_encoding::HEXLOWER.encode(&frame)
            };
            format!("{name} {shown}\n")
        });
        let text: String = lines.collect();
        assert_eq!(text.lines().count(), records().len(), "each record has a name");
        if std::env::var_os("NATTER_REGENERATE").is_some() {
            std::fs::write(FILE, &text).expect("the vectors' folder exists");
        }
        assert_eq!(text, std::fs::read_to_string(FILE).expect("the vectors are part of the tree"));
    }

    #[test]
    fn what_is_too_large_is_neither_written_nor_read() {
        assert_eq!(Record::Part(vec![0; RECORD_BYTES]).encode(), Err(WireError::OverLimit));
        let long = Record::Part(vec![0; PART_BYTES + 1]).encode().expect("fits a record");
        assert!(Record::decode(&long[4..]) == Err(WireError::OverLimit));
        assert!(Record::decode(&vec![0; RECORD_BYTES + 1]) == Err(WireError::OverLimit));
    }

    #[test]
    fn a_newer_file_and_a_newer_record_are_told_apart_from_damage() {
        let newer = Writer::record(5).uint(ROOM_FILE).uint(VERSION + 1).bytes(&[4; 32]).text("x").uint(1).finish();
        assert!(Record::decode(&newer) == Err(WireError::UnknownVersion));
        assert!(Record::decode(&Writer::record(1).uint(99).finish()) == Err(WireError::UnknownKind));
        assert!(Record::decode(&[]) == Err(WireError::Malformed));
        assert!(Record::decode(&[0xff; 40]) == Err(WireError::Malformed));
    }
}
