//! Envelopes and offers: from brokers that swap and replay, and from people who seal well and lie inside.

use super::{by_room, candidates_added, ignored, insider, outsider, still_serves, tolerated};
use natter_engine::identity::SecretKey;
use natter_engine::ids::{Address, DeviceId, RoomId};
use natter_engine::port::{Input, LinkEvent, LinkPurpose, Setup, SignalEvent, SignalKind};
use natter_engine::signaling::envelope::{Ends, seal};
use natter_engine::wire::limits::{
    CANDIDATES, HALF_OPEN, HALF_OPEN_KNOCKS, HALF_OPEN_PER_PEER, HELD_KNOCKS, HELD_OFFERS, LINK_SETUP,
};
use natter_engine::wire::{Frame, SignedSession, Trickle};
use natter_sim::puppet::{BROKER, Puppet, Stage, Way, described};

/// A broker keeps an offer and brings it again, while its link lives and after it has ended.
#[test]
fn a_replayed_offer_is_answered_once() {
    let (mut stage, room, invite, mut mallory) = outsider();
    let session = mallory.session(&stage, room, Way::Invite(&invite), LinkPurpose::Chat);
    let record = SignedSession::sign(&mallory.key, &session).encode();
    let letter = mallory.letter(&stage, Way::Invite(&invite), SignalKind::Offer, &record);
    stage.feed(Input::Signal(letter.clone()));
    assert_eq!(stage.opened.len(), 1, "the first is taken up");
    stage.feed(Input::Signal(letter.clone()));
    stage.run(LINK_SETUP);
    let (link, ..) = stage.opened.pop().expect("one");
    assert!(stage.has_closed(link), "nobody went on with it");
    stage.feed(Input::Signal(letter));
    ignored(&stage);
    still_serves(&mut stage, &invite);
}

/// Somebody who may talk to us in one room offers in the name of another that we are in too.
#[test]
fn an_offer_for_the_wrong_room_is_ignored() {
    let (mut stage, room, invite, mut mallory) = outsider();
    let other = stage.found("Cellar");
    for foreign in [other, RoomId([9; 32])] {
        let session = mallory.session(&stage, foreign, Way::Invite(&invite), LinkPurpose::Chat);
        mallory.offer(&mut stage, Way::Invite(&invite), &session);
        let way = by_room(&stage, room);
        let session = mallory.session(&stage, foreign, way, LinkPurpose::Chat);
        mallory.offer(&mut stage, way, &session);
    }
    ignored(&stage);
    still_serves(&mut stage, &invite);
}

/// A flipped bit anywhere in what was signed, or in the signature.
#[test]
fn an_offer_with_a_bad_signature_is_ignored() {
    let (mut stage, room, invite, mut mallory) = outsider();
    let session = mallory.session(&stage, room, Way::Invite(&invite), LinkPurpose::Chat);
    let good = SignedSession::sign(&mallory.key, &session).encode();
    for at in (0..good.len()).step_by(7) {
        // The candidates at the end are not signed: they are only hints where to look.
        if at + 60 > good.len() {
            break;
        }
        let mut bad = good.clone();
        bad[at] ^= 1;
        let letter = mallory.letter(&stage, Way::Invite(&invite), SignalKind::Offer, &bad);
        stage.feed(Input::Signal(letter));
    }
    ignored(&stage);
    let letter = mallory.letter(&stage, Way::Invite(&invite), SignalKind::Offer, &good);
    stage.feed(Input::Signal(letter));
    assert_eq!(stage.opened.len(), 1, "it was the flipped bits that mattered");
}

/// Mallory, a member, offers as Ben, another one.
#[test]
fn an_offer_in_another_ones_name_is_ignored() {
    let (mut stage, room, _, mut mallory, _) = insider();
    let ben = Puppet::new(7);
    let way = by_room(&stage, room);
    let mut session = mallory.session(&stage, room, way, LinkPurpose::Chat);
    session.from = ben.device;
    mallory.offer(&mut stage, way, &session);
    ignored(&stage);
}

/// A broker brings an envelope to another address, from another one, or as another kind of message.
#[test]
fn a_broker_that_swaps_ends_or_kinds_breaks_the_seal() {
    let (mut stage, room, invite, mut mallory) = outsider();
    let second = stage.invite(room, natter_sim::people::party());
    let session = mallory.session(&stage, room, Way::Invite(&invite), LinkPurpose::Chat);
    let record = SignedSession::sign(&mallory.key, &session).encode();
    let good = mallory.letter(&stage, Way::Invite(&invite), SignalKind::Offer, &record);
    let SignalEvent::Message { broker, to, from, envelope, .. } = good.clone() else { panic!("a letter") };
    let elsewhere = Puppet::way(&stage, Way::Invite(&second)).0;
    let swaps = [
        (elsewhere, from.clone(), SignalKind::Offer),
        (to.clone(), Address("somebody".into()), SignalKind::Offer),
        (to.clone(), from.clone(), SignalKind::Answer),
        (to, from, SignalKind::Candidate),
    ];
    for (to, from, kind) in swaps {
        let (broker, envelope) = (broker.clone(), envelope.clone());
        stage.feed(Input::Signal(SignalEvent::Message { broker, to, from, kind, envelope }));
    }
    ignored(&stage);
    stage.feed(Input::Signal(good));
    assert_eq!(stage.opened.len(), 1, "unswapped it is read");
}

/// An offer that somebody else was meant to answer.
#[test]
fn an_offer_to_somebody_else_is_ignored() {
    let (mut stage, room, _, mut mallory, _) = insider();
    let way = by_room(&stage, room);
    for to in [Some(Puppet::new(7).device), None] {
        let mut session = mallory.session(&stage, room, way, LinkPurpose::Chat);
        session.to = to;
        mallory.offer(&mut stage, way, &session);
    }
    ignored(&stage);
}

/// Our own offer comes back to us: a link with oneself.
#[test]
fn our_own_offer_reflected_is_ignored() {
    let (mut stage, room, _, mut mallory, _) = insider();
    let myself = SecretKey::from_seed(&[1; 32]);
    assert_eq!(myself.device(), stage.device);
    let way = by_room(&stage, room);
    let mut session = mallory.session(&stage, room, way, LinkPurpose::Chat);
    session.from = stage.device;
    let record = SignedSession::sign(&myself, &session).encode();
    let letter = mallory.letter(&stage, way, SignalKind::Offer, &record);
    stage.feed(Input::Signal(letter));
    ignored(&stage);
}

/// What is no envelope, what is too large for one, and what was sealed with a key of our imagination.
#[test]
fn rubbish_from_a_broker_is_ignored() {
    let (mut stage, _, invite, mallory) = outsider();
    let (to, key) = Puppet::way(&stage, Way::Invite(&invite));
    let from = mallory.address.clone();
    let ends = Ends::Broker { from: from.clone(), to: to.clone() };
    let long = seal(key, &ends, SignalKind::Offer, [1; 24], &vec![0; 9000]);
    let empty = seal(key, &ends, SignalKind::Offer, [2; 24], &[]);
    for envelope in [vec![], vec![1], vec![0xff; 600], vec![1; 8192], long, empty] {
        for kind in [SignalKind::Offer, SignalKind::Answer, SignalKind::Candidate] {
            let (broker, to, from, envelope) = (BROKER.into(), to.clone(), from.clone(), envelope.clone());
            stage.feed(Input::Signal(SignalEvent::Message { broker, to, from, kind, envelope }));
        }
    }
    ignored(&stage);
    still_serves(&mut stage, &invite);
}

/// One more candidate than anybody may have, in an offer and after it.
#[test]
fn candidates_over_the_limit_are_refused() {
    let (mut stage, room, invite, mut mallory) = outsider();
    let way = Way::Invite(&invite);
    let mut session = mallory.session(&stage, room, way, LinkPurpose::Chat);
    session.params.candidates = vec!["candidate:1 1 udp 1 10.0.0.9 9 typ host".into(); CANDIDATES + 1];
    mallory.offer(&mut stage, way, &session);
    ignored(&stage);

    let dialog = mallory.dial(&mut stage, room, way);
    for n in 0..10 * CANDIDATES {
        let candidate = format!("candidate:{n} 1 udp 1 10.0.0.9 9 typ host");
        let record = Trickle { connection: dialog.connection, candidate }.encode();
        let letter = mallory.letter(&stage, way, SignalKind::Candidate, &record);
        stage.feed(Input::Signal(letter));
    }
    assert_eq!(candidates_added(&stage, dialog.link), CANDIDATES - 1, "one came with the offer");
    tolerated(&stage, dialog.link);
    still_serves(&mut stage, &invite);
}

/// Candidates for a link that was made under another key: a stranger with an invite cannot steer a member's link.
#[test]
fn a_candidate_sealed_with_another_key_is_ignored() {
    let (mut stage, room, invite, mut mallory) = outsider();
    let mut ben = Puppet::new(7);
    ben.enter(&mut stage, &invite);
    let way = by_room(&stage, room);
    let dialog = ben.dial(&mut stage, room, way);
    let record =
        Trickle { connection: dialog.connection, candidate: "candidate:1 1 udp 1 6.6.6.6 6 typ host".into() }.encode();
    let letter = mallory.letter(&stage, Way::Invite(&invite), SignalKind::Candidate, &record);
    stage.feed(Input::Signal(letter));
    assert_eq!(candidates_added(&stage, dialog.link), 0);
    let letter = ben.letter(&stage, way, SignalKind::Candidate, &record);
    stage.feed(Input::Signal(letter));
    assert_eq!(candidates_added(&stage, dialog.link), 1, "with the room's key it is taken");
}

/// Forty devices offer by an invite and never go on: four are waited for at a time, for twenty seconds, and all that is
/// kept of the others is some offers for as long. One device alone gets two.
#[test]
fn a_flood_of_offers_takes_a_quarter_of_the_half_open_links() {
    let (mut stage, room, invite, mut mallory) = outsider();
    let way = Way::Invite(&invite);
    for _ in 0..2 * HALF_OPEN {
        let session = mallory.session(&stage, room, way, LinkPurpose::Chat);
        mallory.offer(&mut stage, way, &session);
    }
    assert_eq!(stage.opened.len(), HALF_OPEN_PER_PEER);
    for n in 100..140 {
        let mut another = Puppet::new(n);
        let session = another.session(&stage, room, way, LinkPurpose::Chat);
        another.offer(&mut stage, way, &session);
    }
    assert_eq!(stage.opened.len(), HALF_OPEN_KNOCKS);
    assert!((1..=HELD_KNOCKS).contains(&stage.engine.load().held_offers), "{:?}", stage.engine.load());
    stage.run(2 * LINK_SETUP);
    let load = stage.engine.load();
    assert_eq!((load.links, load.held_offers), (0, 0), "all were given up");
    stage.opened.clear();
    still_serves(&mut stage, &invite);
}

/// The same by the room's key, which a former member still has: members' own offers keep their half.
#[test]
fn a_flood_of_offers_by_the_rooms_key_is_bounded_too() {
    let (mut stage, room, invite, _) = outsider();
    for n in 100..220 {
        let way = by_room(&stage, room);
        let mut another = Puppet::new(n);
        let session = another.session(&stage, room, way, LinkPurpose::Chat);
        another.offer(&mut stage, way, &session);
    }
    assert_eq!(stage.opened.len(), HALF_OPEN);
    assert!(stage.engine.load().held_offers <= HELD_OFFERS, "{:?}", stage.engine.load());
    stage.run(2 * LINK_SETUP);
    let load = stage.engine.load();
    assert_eq!((load.links, load.held_offers), (0, 0), "all were given up");
    stage.opened.clear();
    still_serves(&mut stage, &invite);
}

/// Bulk links are agreed over the peer's own chat link: not over a broker, not by a stranger, not over a third.
#[test]
fn a_bulk_offer_is_taken_only_over_the_members_own_link() {
    let (mut stage, room, invite, mut mallory, dialog) = insider();
    let mut ben = Puppet::new(7);
    let bens = ben.enter(&mut stage, &invite);
    let way = by_room(&stage, room);
    let session = mallory.session(&stage, room, way, LinkPurpose::Bulk);
    mallory.offer(&mut stage, way, &session);
    ignored(&stage);
    let session = mallory.session(&stage, room, way, LinkPurpose::Bulk);
    let frame = mallory.signal_frame(&stage, way, &session);
    ben.say(&mut stage, &bens, &frame);
    ignored(&stage);
    let mut stranger = Puppet::new(99);
    let theirs = stranger.link(&mut stage, room, way);
    let strange = stranger.session(&stage, room, way, LinkPurpose::Bulk);
    let strange = stranger.signal_frame(&stage, way, &strange);
    stranger.say(&mut stage, &theirs, &strange);
    ignored(&stage);
    // The very frame that Ben carried in vain.
    mallory.say(&mut stage, &dialog, &frame);
    assert_eq!(stage.opened.len(), 1);
}

/// We dial Ben; Mallory, who can open the envelope as any member can, answers in his place, or changes the answer.
#[test]
fn only_whoever_was_asked_can_answer() {
    let (mut stage, room, invite, mallory) = outsider();
    let mut ben = Puppet::new(7);
    let bens = ben.enter(&mut stage, &invite);
    ben.say(&mut stage, &bens, &Frame::Bye);
    stage.signals.clear();
    stage.feed(Input::Command(natter_engine::ids::CommandId(9999), natter_engine::port::Command::NetworkChanged));
    let (link, purpose, remote) = stage.opened.pop().expect("Ben is dialled");
    assert_eq!((purpose, remote), (LinkPurpose::Chat, None));
    stage.feed(Input::Link(link, LinkEvent::Described(described([0xa1; 32]))));
    let way = by_room(&stage, room);
    let (from, to, offer, session) = stage.offer_sent(way);
    assert_eq!(session.to, Some(ben.device));

    let answer = |from: DeviceId, answers: [u8; 32]| {
        let mut answer = session.clone();
        (answer.from, answer.to, answer.answers) = (from, Some(session.from), Some(answers));
        answer.params.setup = Setup::Active;
        answer
    };
    let mut forged = vec![
        SignedSession::sign(&mallory.key, &answer(mallory.device, offer)),
        SignedSession::sign(&mallory.key, &answer(ben.device, offer)),
        SignedSession::sign(&ben.key, &answer(ben.device, [0; 32])),
    ];
    let mut wrong_room = answer(ben.device, offer);
    wrong_room.room = RoomId([9; 32]);
    forged.push(SignedSession::sign(&ben.key, &wrong_room));
    let key = Puppet::way(&stage, way).1;
    let bring = |stage: &mut Stage, signed: &SignedSession| {
        let ends = Ends::Broker { from: to.clone(), to: from.clone() };
        let envelope = seal(key, &ends, SignalKind::Answer, [3; 24], &signed.encode());
        let broker = BROKER.into();
        let (to, from) = (from.clone(), to.clone());
        stage.feed(Input::Signal(SignalEvent::Message { broker, to, from, kind: SignalKind::Answer, envelope }));
        stage.remote_set(link)
    };
    for signed in &forged {
        assert!(!bring(&mut stage, signed), "{signed:?} is no answer");
    }
    assert!(bring(&mut stage, &SignedSession::sign(&ben.key, &answer(ben.device, offer))), "Ben's own is");
}
