//! Spoken invites: whoever has the words, or serves them, and wants more than that.

use super::{ignored, outsider, still_serves};
use natter_engine::identity::{Context, SecretKey};
use natter_engine::ids::RoomId;
use natter_engine::port::{Command, Input, JoinState, Notify, Refusal, Reply, SignalEvent, SignalKind};
use natter_engine::signaling::envelope::{Ends, SealingKey, open, seal};
use natter_engine::wire::invite::{Ask, Told, invite_room_bytes};
use natter_engine::wire::limits::{ASKS, TOLD_PER_MINUTE};
use natter_engine::wire::{InviteKeys, InviteLink};
use natter_sim::people::party;
use natter_sim::puppet::{BROKER, Puppet, Stage, Way};
use std::time::Duration;

fn spoken(stage: &mut Stage, room: RoomId) -> InviteLink {
    let terms = party();
    match stage.command(Command::CreateSpokenInvite { room, terms, luck: [3; 10], seed: [4; 32] }) {
        Ok(Reply::Invite(link)) => link,
        other => panic!("an invite: {other:?}"),
    }
}

/// What the stage told whoever asked.
fn told(stage: &mut Stage, invite: &InviteLink) -> Vec<Told> {
    let key = SealingKey::of_invite(&invite.keys());
    let read = |(from, to, kind, envelope): (_, _, SignalKind, Vec<u8>)| {
        let ends = Ends::Broker { from, to };
        let ((), record) = open([((), key)], &ends, kind, &envelope)?;
        Told::decode(&record).ok()
    };
    stage.signals.drain(..).filter_map(read).collect()
}

fn ask(stage: &mut Stage, who: &mut Puppet, invite: &InviteLink, record: &[u8], kind: SignalKind) {
    let letter = who.letter(stage, Way::Invite(invite), kind, record);
    stage.feed(Input::Signal(letter));
}

/// One envelope for one envelope, no link, and in a minute no more than so many.
#[test]
fn asking_without_end_is_answered_so_often_and_links_nobody() {
    let (mut stage, room, invite, mut mallory) = outsider();
    let words = spoken(&mut stage, room);
    stage.signals.clear();
    for _ in 0..TOLD_PER_MINUTE + 50 {
        ask(&mut stage, &mut mallory, &words, &Ask.encode(), SignalKind::Offer);
    }
    let answers = told(&mut stage, &words);
    assert_eq!(answers.len(), TOLD_PER_MINUTE as usize);
    assert!(answers.iter().all(|told| told.room == room && told.room_name == "Kitchen"));
    ignored(&stage);
    stage.run(Duration::from_secs(61));
    stage.signals.clear();
    ask(&mut stage, &mut mallory, &words, &Ask.encode(), SignalKind::Offer);
    assert_eq!(told(&mut stage, &words).len(), 1, "a minute later it tells again");
    still_serves(&mut stage, &invite);
}

/// By a link's invite nobody asks; an ASK as an answer or a candidate is none, and neither is a longer one.
#[test]
fn what_is_no_ask_at_a_spoken_invites_door_is_not_answered() {
    let (mut stage, room, invite, mut mallory) = outsider();
    let words = spoken(&mut stage, room);
    stage.signals.clear();
    ask(&mut stage, &mut mallory, &invite, &Ask.encode(), SignalKind::Offer);
    ask(&mut stage, &mut mallory, &words, &Ask.encode(), SignalKind::Answer);
    ask(&mut stage, &mut mallory, &words, &Ask.encode(), SignalKind::Candidate);
    for record in [&b""[..], &[0x81, 1], &[0x80], &[0x81, 0, 0]] {
        ask(&mut stage, &mut mallory, &words, record, SignalKind::Offer);
    }
    assert_eq!(stage.signals, []);
    ignored(&stage);
    still_serves(&mut stage, &invite);
}

/// A newcomer who asks, and the address where it waits for an answer.
fn asking() -> (Stage, InviteKeys, natter_engine::ids::Address, natter_engine::ids::Address) {
    let mut stage = Stage::new(1);
    assert!(matches!(stage.command(Command::Ask { seed: [4; 32] }), Ok(Reply::Done)));
    let (from, to, ..) = stage.signals.pop().expect("it asks");
    (stage, InviteKeys::derive(&[4; 32]), from, to)
}

fn answer(
    stage: &mut Stage,
    keys: &InviteKeys,
    ends: (&natter_engine::ids::Address, &natter_engine::ids::Address),
    kind: SignalKind,
    record: &[u8],
) {
    let (to, from) = (ends.0.clone(), ends.1.clone());
    let envelope =
        seal(SealingKey::of_invite(keys), &Ends::Broker { from: from.clone(), to: to.clone() }, kind, [3; 24], record);
    stage.feed(Input::Signal(SignalEvent::Message { broker: BROKER.into(), to, from, kind, envelope }));
}

fn states(stage: &Stage) -> Vec<JoinState> {
    let state = |notice: &Notify| if let Notify::Ask { state, .. } = notice { Some(*state) } else { None };
    stage.notices.iter().filter_map(state).collect()
}

/// A member who serves the invite, and so has what seals its envelopes, leads the newcomer into a room of their own.
#[test]
fn a_member_cannot_lead_who_has_the_words_into_another_room() {
    let (mut stage, keys, from, to) = asking();
    let (true_room, other) = (RoomId([8; 32]), RoomId([7; 32]));
    let invites_own = SecretKey::from_seed(&keys.signing);
    let expires = stage.clocks().wall.0 / 1000 + 600;
    let vouched = invites_own.sign(Context::InviteRoom, &invite_room_bytes(true_room, expires));
    let good = Told { room: true_room, room_name: "Kitchen".into(), brokers: Vec::new(), expires, vouch: vouched };
    let by_another = SecretKey::from_seed(&[6; 32]).sign(Context::InviteRoom, &invite_room_bytes(other, expires));
    let as_a_proof = invites_own.sign(Context::InviteProof, &invite_room_bytes(other, expires));
    let lies = [
        Told { room: other, ..good.clone() },
        Told { expires: expires + 1, ..good.clone() },
        Told { room: other, vouch: by_another, ..good.clone() },
        Told { room: other, vouch: as_a_proof, ..good.clone() },
        Told { room: other, vouch: [0; 64], ..good.clone() },
    ];
    for lie in lies {
        answer(&mut stage, &keys, (&from, &to), SignalKind::Answer, &lie.encode());
        assert_eq!(states(&stage), [JoinState::Connecting, JoinState::WaitingForMember], "{lie:?}");
    }
    // The truth in the wrong envelope is not heard either.
    answer(&mut stage, &keys, (&from, &to), SignalKind::Offer, &good.encode());
    answer(&mut stage, &InviteKeys::derive(&[5; 32]), (&from, &to), SignalKind::Answer, &good.encode());
    assert!(stage.rooms.is_empty() && stage.opened.is_empty());
    // It goes on asking, and the truth is believed.
    answer(&mut stage, &keys, (&from, &to), SignalKind::Answer, &good.encode());
    let found = stage.notices.iter().any(|notice| matches!(notice, Notify::Found { room, .. } if *room == true_room));
    assert!(found, "{:?}", stage.notices);
    assert_eq!(stage.broken(), [""; 0]);
}

#[test]
fn no_more_words_are_asked_about_than_so_many() {
    let mut stage = Stage::new(1);
    for n in 0..ASKS {
        assert!(matches!(stage.command(Command::Ask { seed: [n as u8; 32] }), Ok(Reply::Done)));
    }
    assert_eq!(stage.command(Command::Ask { seed: [200; 32] }).unwrap_err(), Refusal::TooMany);
    let invite = InviteKeys::derive(&[0; 32]).id();
    assert!(matches!(stage.command(Command::CancelAsk { invite }), Ok(Reply::Done)));
    assert!(matches!(stage.command(Command::Ask { seed: [200; 32] }), Ok(Reply::Done)));
}
