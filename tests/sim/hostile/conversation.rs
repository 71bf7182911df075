//! Whole conversations of nonsense: whatever a peer says, in whatever order and at whatever stage of a link, the device
//! does not fall over, keeps to its limits (`Stage::feed` weighs it after each step), loses nothing that it had said, and
//! serves the next honest newcomer.
//!
//! What is said is made from the golden vectors (`tests/vectors/wire.txt`), with the ids of this conversation in them, bent
//! in a few places or in none; from entries that Mallory signed over bent payloads; from envelopes; and from plain noise.
//! `make fuzz` tells many more of them than CI does; `NATTER_SEED` tells one again.

use super::{insider, still_serves};
use natter_engine::ids::{EntryHash, InviteId, LogId};
use natter_engine::port::{Command, Input, SignalKind};
use natter_engine::wire::{Body, Entry, Frame, InviteLink, SignedSession, Text, Trickle};
use natter_sim::chance::Chance;
use natter_sim::people::party;
use natter_sim::puppet::{Dialog, Puppet, Stage, Way};
use std::collections::BTreeSet;
use std::time::Duration;

/// Conversations that CI hears.
const HEARD: u64 = 48;
/// Kinds of entries, and some that there are not.
const KINDS: u16 = 44;
/// Keys under which Mallory comes in one.
const MALLORIES: u32 = 24;
/// Things said in one.
const SAID: u64 = 160;
/// The same luck in each run, and other luck than the walks'.
const FIRST: u64 = 70_000;

const VECTORS: &str = include_str!("../../vectors/wire.txt");

/// Golden bytes whose names begin so.
fn golden(prefix: &str) -> Vec<Vec<u8>> {
    let bytes = |line: &str| data(line.split_once(' ')?.1);
    let found: Vec<_> = VECTORS.lines().filter(|line| line.starts_with(prefix)).filter_map(bytes).collect();
    assert!(!found.is_empty(), "{prefix}");
    found
}

fn data(hex: &str) -> Option<Vec<u8>> {
    let digit = |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
    (0..hex.len()).step_by(2).map(digit).collect()
}

/// Puts the ids of this conversation where those of the vectors stand.
fn dress(bytes: &mut [u8], ids: &[(Vec<u8>, Vec<u8>)]) {
    for (golden, real) in ids {
        let mut at = 0;
        while let Some(found) = bytes[at..].windows(golden.len()).position(|window| window == golden) {
            bytes[at + found..at + found + real.len()].copy_from_slice(real);
            at += found + real.len();
        }
    }
}

/// Bends bytes in a few places: a bit, a byte, a cut, a doubling, a piece of something else.
fn bend(chance: &mut Chance, bytes: &mut Vec<u8>, others: &[Vec<u8>]) {
    for _ in 0..chance.below(4) {
        let at = chance.below(bytes.len() as u64 + 1) as usize;
        match chance.below(6) {
            0 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << chance.below(8);
                }
            }
            1 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = chance.bytes::<1>()[0];
                }
            }
            2 => bytes.truncate(at),
            3 => {
                let piece = bytes[at..].to_vec();
                bytes.extend(piece);
            }
            4 => {
                // A length or a number of another size: CBOR's heads are where they matter.
                let head = [0x18, 0x19, 0x1a, 0x1b, 0x5f, 0x9f, 0xff, 0x80, 0xa0, 0xf6][chance.below(10) as usize];
                bytes.insert(at, head);
            }
            _ => {
                if let Some(other) = chance.pick(others) {
                    let from = chance.below(other.len() as u64 + 1) as usize;
                    bytes.truncate(at);
                    bytes.extend_from_slice(&other[from..]);
                }
            }
        }
    }
}

/// Other small numbers and other ids where those of the vectors stand: bytes that mostly still decode.
fn vary(chance: &mut Chance, bytes: &mut [u8]) {
    for _ in 0..chance.below(5) {
        let at = 2 + chance.below(bytes.len() as u64) as usize;
        if let Some(byte) = bytes.get_mut(at).filter(|byte| **byte < 0x18) {
            *byte = chance.below(0x18) as u8;
        }
    }
}

struct Talk {
    chance: Chance,
    stage: Stage,
    invite: InviteLink,
    frames: Vec<Vec<u8>>,
    bodies: Vec<Vec<u8>>,
    sessions: Vec<Vec<u8>>,
    ids: Vec<(Vec<u8>, Vec<u8>)>,
    /// How many Mallories there were: who is cut off comes again under another key.
    came: u32,
}

impl Talk {
    fn new(seed: u64) -> Self {
        let (mut stage, room, invite) = Stage::with_room(1);
        for words in ["one", "two", "three"] {
            stage.command(Command::SendText { room, text: Text::plain(words) }).expect("said");
        }
        let invites_id: InviteId = invite.id();
        let own = stage.own_log();
        let golden_author = data("8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c").expect("hex");
        let ids = vec![
            (vec![14; 32], room.0.to_vec()),
            (golden_author, own.author.0.to_vec()),
            (vec![2; 16], own.log.0.to_vec()),
            (vec![8; 32], invites_id.0.to_vec()),
        ];
        let sessions = [golden("session."), golden("invite.ask"), golden("invite.told")].concat();
        Self {
            chance: Chance::new(seed),
            stage,
            invite,
            frames: golden("frame."),
            bodies: golden("body."),
            sessions,
            ids,
            came: 0,
        }
    }

    /// Somebody new, at one of the stages of a link.
    fn come(&mut self) -> (Puppet, Dialog) {
        self.came += 1;
        let mut mallory = Puppet::numbered(9_000 + self.came);
        let invite = self.invite.clone();
        let dialog = match self.chance.below(4) {
            0 => mallory.dial(&mut self.stage, invite.room, Way::Invite(&invite)),
            1 => mallory.link(&mut self.stage, invite.room, Way::Invite(&invite)),
            _ => mallory.enter(&mut self.stage, &invite),
        };
        self.ids.retain(|(golden, _)| *golden != [0x17; 32] && *golden != [12; 32]);
        self.ids.extend([(vec![0x17; 32], mallory.device.0.to_vec()), (vec![12; 32], mallory.device.0.to_vec())]);
        (mallory, dialog)
    }

    fn made(&mut self, from: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = self.chance.pick(from).expect("there are vectors");
        dress(&mut bytes, &self.ids);
        if self.chance.percent(85) {
            vary(&mut self.chance, &mut bytes);
        } else {
            bend(&mut self.chance, &mut bytes, from);
        }
        bytes
    }

    /// Somewhere on the way of a frame: nothing before AUTH is more than a few KiB, and so it stays here.
    fn say(&mut self, mallory: &mut Puppet, dialog: &Dialog) {
        let room = self.invite.room;
        match self.chance.below(32) {
            0..=10 => {
                let bytes = self.made(&self.frames.clone());
                mallory.say_bytes(&mut self.stage, dialog, bytes);
            }
            11..=24 => {
                let payload = self.made(&self.bodies.clone());
                let meant: Vec<u16> = (0..KINDS).filter(|kind| Body::decode(*kind, &payload).is_ok()).collect();
                // What can be read as something mostly is meant so.
                let any = self.chance.below(u64::from(KINDS)) as u16;
                let kind = if self.chance.percent(80) { self.chance.pick(&meant).unwrap_or(any) } else { any };
                let entry = mallory.raw(room, kind, payload);
                mallory.say(&mut self.stage, dialog, &Frame::Entries { room, entries: vec![entry] });
            }
            25 | 26 => {
                let record = self.made(&self.sessions.clone());
                let kinds = [SignalKind::Offer, SignalKind::Answer, SignalKind::Candidate];
                let kind = self.chance.pick(&kinds).expect("three");
                let invite = self.invite.clone();
                let letter = mallory.letter(&self.stage, Way::Invite(&invite), kind, &record);
                self.stage.feed(Input::Signal(letter));
            }
            27..=30 => {
                let wait = self.chance.millis(&(0..20_000));
                self.stage.run(wait);
            }
            _ => {
                let noise: [u8; 96] = self.chance.bytes();
                let length = self.chance.below(96) as usize;
                mallory.say_bytes(&mut self.stage, dialog, noise[..length].to_vec());
            }
        }
    }

    /// Returns the rules that were broken, and how many entries of the Mallories were kept.
    fn tell(mut self) -> (BTreeSet<&'static str>, usize) {
        let own = self.stage.own_log();
        let of_own = |stage: &Stage, room| -> Vec<EntryHash> {
            let entries = stage.entries(room);
            entries.iter().filter(|entry| entry.order.author == own.author).map(|entry| entry.order.hash).collect()
        };
        let before = of_own(&self.stage, self.invite.room);
        let (mut mallory, mut dialog) = self.come();
        for _ in 0..SAID {
            if self.stage.has_closed(dialog.link) {
                if self.came > MALLORIES {
                    break;
                }
                (mallory, dialog) = self.come();
            }
            self.say(&mut mallory, &dialog);
        }
        let after = of_own(&self.stage, self.invite.room);
        assert!(before.iter().all(|hash| after.contains(hash)), "what was said stays");
        let kept = self.stage.entries(self.invite.room);
        let kept = kept.iter().filter(|entry| entry.order.author != own.author).count();
        let broken = self.stage.broken().into_iter().collect();
        // Her links are gone, and so is the excuse.
        self.stage.run(Duration::from_secs(120));
        let fresh = self.stage.invite(self.invite.room, party());
        still_serves(&mut self.stage, &fresh);
        (broken, kept)
    }
}

#[test]
fn nonsense_at_every_stage_of_a_link_does_no_harm() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = match number("NATTER_SEED") {
        Some(seed) => seed..seed + 1,
        None => FIRST..FIRST + number("NATTER_TALKS").unwrap_or(HEARD),
    };
    let whole = seeds.end - seeds.start >= HEARD;
    let (mut broken, mut kept, mut talks) = (BTreeSet::new(), 0, 0);
    for seed in seeds {
        let told = std::panic::catch_unwind(|| Talk::new(seed).tell());
        let Ok((rules, entries)) = told else { panic!("NATTER_SEED={seed} tells it again") };
        broken.extend(rules);
        kept += entries;
        talks += 1;
    }
    println!("{talks} conversations: {} rules broken, {kept} entries kept: {broken:?}", broken.len());
    // It gets far enough in to matter: past the door, and past each check by itself.
    assert!(!whole || (broken.len() >= 6 && kept >= 500), "{broken:?}, {kept}");
}

/// A tip of an empty log was doubted, and asked for with a WANT from 1 to 0, which no peer can read: whoever got it ended the
/// link.
#[test]
fn nobody_differs_about_an_empty_log() {
    let (mut stage, room, invite, mallory, dialog) = insider();
    let own = stage.own_log();
    stage.take_sent(dialog.link);
    for log in [own, mallory.log()] {
        let have = Frame::Have { room, asks: false, heads: vec![(log, 0)], tips: vec![[7; 8]] };
        mallory.say(&mut stage, &dialog, &have);
        stage.run(Duration::from_secs(10));
    }
    let said = stage.take_sent(dialog.link);
    assert!(!said.iter().any(|frame| matches!(frame, Frame::Want { .. })), "{said:?}");
    still_serves(&mut stage, &invite);
}

/// Whatever decodes is written back as bytes that decode to the same.
#[test]
fn what_a_decoder_takes_it_also_gives_back() {
    let mut chance = Chance::new(FIRST);
    let all = golden("body.").into_iter().chain(golden("frame.")).chain(golden("session.")).collect::<Vec<_>>();
    let mut taken = 0;
    for _ in 0..40_000 {
        let mut bytes = chance.pick(&all).expect("there are vectors");
        bend(&mut chance, &mut bytes, &all);
        for kind in 0..KINDS {
            if let Ok(body) = Body::decode(kind, &bytes) {
                assert_eq!(Body::decode(kind, &body.encode()), Ok(body));
                taken += 1;
            }
        }
        if let Ok(frame) = Frame::decode(&bytes) {
            assert_eq!(Frame::decode(&frame.encode()), Ok(frame));
            taken += 1;
        }
        if let Ok((signed, session)) = SignedSession::decode(&bytes) {
            assert_eq!(SignedSession::decode(&signed.encode()), Ok((signed, session)));
        }
        if let Ok(trickle) = Trickle::decode(&bytes) {
            assert_eq!(Trickle::decode(&trickle.encode()), Ok(trickle));
        }
        let entry = Entry { header: bytes, signature: [7; 64], salt: [1; 16], payload: None };
        assert!(entry.open().is_err(), "nobody signed this");
    }
    assert!(taken > 10_000, "{taken} of the bent ones still mean something");
}

/// Else nearly all of it would be of a room that nobody knows.
#[test]
fn the_vectors_speak_of_this_conversation() {
    let talk = Talk::new(FIRST);
    let room = talk.invite.room;
    let mut typing = golden("frame.typing").remove(0);
    dress(&mut typing, &talk.ids);
    assert_eq!(Frame::decode(&typing), Ok(Frame::Typing { room }));
    let mut want = golden("frame.want").remove(0);
    dress(&mut want, &talk.ids);
    let log = talk.stage.own_log();
    assert_ne!(log.log, LogId([2; 16]));
    assert_eq!(Frame::decode(&want), Ok(Frame::Want { room, log, from: 3, to: 7 }));
}
