//! Knocks: at the door with a proof that does not hold, and from a door that lies.

use super::{ended, members, outsider, still_serves, tolerated};
use natter_engine::ids::{LogId, LogKey, RoomId};
use natter_engine::port::{
    Command, Input, JoinState, LinkEvent, Notify, Profile, Reply, Setup, SignalEvent, SignalKind, Standing,
};
use natter_engine::rooms::InviteTerms;
use natter_engine::signaling::envelope::{Ends, SealingKey, seal};
use natter_engine::wire::limits::{REQUESTS_PER_ROOM, STRANGERS};
use natter_engine::wire::{Body, Frame, InviteLink, KnockState, SignedSession};
use natter_sim::people::{one, party};
use natter_sim::puppet::{BROKER, Dialog, Puppet, Stage, Way, described, proof, text};
use natter_store::Store;
use std::time::Duration;

fn knock_states(frames: &[Frame]) -> Vec<KnockState> {
    let state = |frame: &Frame| {
        if let Frame::KnockState { state, .. } = frame { Some(*state) } else { None }
    };
    frames.iter().filter_map(state).collect()
}

/// Knocks and returns all that the door says.
fn knock(stage: &mut Stage, who: &mut Puppet, invite: &InviteLink) -> (Dialog, Vec<Frame>) {
    let dialog = who.link(stage, invite.room, Way::Invite(invite));
    let frame = who.knock(invite);
    who.say(stage, &dialog, &frame);
    let said = stage.take_sent(dialog.link);
    (dialog, said)
}

/// The proof of another device, of another invite, none at all; and a good one on a link of another kind.
#[test]
fn a_knock_without_the_invites_word_ends_the_link() {
    for flaw in 0..5 {
        let (mut stage, room, invite, mut mallory) = outsider();
        let other = stage.invite(room, party());
        let way = if flaw == 4 { super::by_room(&stage, room) } else { Way::Invite(&invite) };
        let stored = stage.entries(room).len();
        let dialog = mallory.link(&mut stage, room, way);
        let profile = Profile { name: "Mallory".into(), avatar: None };
        let (named, word) = match flaw {
            0 => (&invite, proof(&invite, Puppet::new(7).device)),
            1 => (&invite, proof(&other, mallory.device)),
            2 => (&invite, [0; 64]),
            // A good proof of an invite at whose door she does not stand.
            3 => (&other, proof(&other, mallory.device)),
            _ => (&invite, proof(&invite, mallory.device)),
        };
        let frame = Frame::Knock { room, invite: named.id(), proof: word, profile };
        mallory.say(&mut stage, &dialog, &frame);
        ended(&stage, dialog.link, "a knock without the invite's word", stored, room);
        assert!(!members(&stage, room).contains(&mallory.device));
        still_serves(&mut stage, &invite);
    }
}

/// Used up, expired, withdrawn: each is said, and nothing else is.
#[test]
fn a_spent_invite_opens_no_door_and_says_why() {
    let (mut stage, room, invite, mut mallory) = outsider();
    let single = stage.invite(room, InviteTerms { approval: false, ..one() });
    Puppet::new(50).enter(&mut stage, &single);
    let before = members(&stage, room);
    let (dialog, said) = knock(&mut stage, &mut mallory, &single);
    assert_eq!(said.len(), 1, "one word and no key: {said:?}");
    assert_eq!(knock_states(&said), [KnockState::UsedUp]);
    tolerated(&stage, dialog.link);

    let withdrawn = stage.invite(room, party());
    stage.command(Command::RevokeInvite { room, invite: withdrawn.id() }).expect("withdrawn");
    let (_, said) = knock(&mut stage, &mut Puppet::new(67), &withdrawn);
    assert_eq!((said.len(), knock_states(&said)), (1, vec![KnockState::Void]));
    assert_eq!(members(&stage, room), before);
    still_serves(&mut stage, &invite);
}

/// An invite that ran out while its link was being made. Later its door is not held at all.
#[test]
fn an_expired_invite_opens_no_door() {
    let (mut stage, room, invite, mut mallory) = outsider();
    let short = stage.invite(room, InviteTerms { lifetime: Duration::from_secs(5), ..party() });
    let before = members(&stage, room);
    let dialog = mallory.link(&mut stage, room, Way::Invite(&short));
    stage.run(Duration::from_secs(7));
    let frame = mallory.knock(&short);
    mallory.say(&mut stage, &dialog, &frame);
    let said = stage.take_sent(dialog.link);
    assert_eq!((said.len(), knock_states(&said)), (1, vec![KnockState::Expired]));
    assert_eq!(members(&stage, room), before);
    let session = mallory.session(&stage, room, Way::Invite(&short), natter_engine::port::LinkPurpose::Chat);
    mallory.offer(&mut stage, Way::Invite(&short), &session);
    assert_eq!(stage.opened.len(), 0);
    still_serves(&mut stage, &invite);
}

/// Who was declined knocks again, and again; the person is asked once.
#[test]
fn who_was_declined_is_not_asked_about_again() {
    let (mut stage, room, invite, mut mallory) = outsider();
    let asking = stage.invite(room, one());
    let (dialog, said) = knock(&mut stage, &mut mallory, &asking);
    assert_eq!(knock_states(&said), [KnockState::Waiting]);
    stage.command(Command::Decline { room, device: mallory.device }).expect("declined");
    stage.take_sent(dialog.link);
    for _ in 0..20 {
        let frame = mallory.knock(&asking);
        mallory.say(&mut stage, &dialog, &frame);
        assert_eq!(knock_states(&stage.take_sent(dialog.link)), [KnockState::Declined]);
        assert!(stage.rooms[&room].requests.is_empty());
    }
    still_serves(&mut stage, &invite);
}

/// A hundred and twenty devices knock at a door with approval: sixty-four wait for a person, the others are told to wait
/// and make way for each other, and the room goes on.
#[test]
fn a_flood_of_knocks_fills_the_waiting_list_and_no_more() {
    let (mut stage, room, invite, _) = outsider();
    let asking = stage.invite(room, InviteTerms { uses: 0, ..one() });
    for n in 0..120 {
        let mut another = Puppet::new(100 + n);
        let (_, said) = knock(&mut stage, &mut another, &asking);
        assert_eq!(knock_states(&said), [KnockState::Waiting]);
    }
    let load = stage.engine.load();
    assert_eq!(stage.rooms[&room].requests.len(), REQUESTS_PER_ROOM);
    assert_eq!(load.links, REQUESTS_PER_ROOM + STRANGERS, "{load:?}");
    assert_eq!(stage.broken(), [""; 0]);
    let waiting = stage.rooms[&room].requests[0].device;
    stage.command(Command::Admit { room, device: waiting }).expect("one of them is let in");
    assert!(members(&stage, room).contains(&waiting));
    still_serves(&mut stage, &invite);
}

/// A hundred and fifty devices make links by a party link and never knock: whoever does knock still gets in.
#[test]
fn idlers_in_the_hall_keep_nobody_out() {
    let (mut stage, room, invite, _) = outsider();
    for n in 0..150 {
        let mut idler = Puppet::new(100 + n);
        idler.link(&mut stage, room, Way::Invite(&invite));
    }
    assert_eq!(stage.engine.load().links, STRANGERS);
    still_serves(&mut stage, &invite);
}

/// The same with the room's key, as somebody who left still has it.
#[test]
fn idlers_with_the_rooms_key_keep_nobody_out() {
    let (mut stage, room, invite, _) = outsider();
    for n in 0..150 {
        let way = super::by_room(&stage, room);
        let mut idler = Puppet::new(100 + n);
        idler.link(&mut stage, room, way);
    }
    assert_eq!(stage.engine.load().links, STRANGERS);
    still_serves(&mut stage, &invite);
}

/// Not hostile, but found by a walk: a door that leaves while somebody's link to it is being made. It said nothing to the
/// knock, and the newcomer waited there for ever.
#[test]
fn a_door_that_has_left_is_not_waited_at() {
    let (mut stage, room, invite, mut newcomer) = outsider();
    let dialog = newcomer.link(&mut stage, room, Way::Invite(&invite));
    stage.command(Command::LeaveRoom { room }).expect("left");
    let frame = newcomer.knock(&invite);
    newcomer.say(&mut stage, &dialog, &frame);
    assert!(stage.has_closed(dialog.link), "the newcomer tries another door");
    assert_eq!(stage.broken(), [""; 0]);
    let session = newcomer.session(&stage, room, Way::Invite(&invite), natter_engine::port::LinkPurpose::Chat);
    newcomer.offer(&mut stage, Way::Invite(&invite), &session);
    assert_eq!(stage.opened.len(), 0, "and is not offered this one again");
}

// ------------------------------------------------------------ the other side

/// A newcomer who knocks at `invite`, and Mallory, who holds its address and answers.
fn at_a_false_door(mallory: &mut Puppet) -> (Stage, InviteLink, Dialog) {
    let (elsewhere, room, invite) = Stage::with_room(2);
    drop(elsewhere);
    let mut stage = Stage::new(1);
    assert!(matches!(stage.command(Command::Join { invite: invite.clone() }), Ok(Reply::Room(_))));
    let (link, ..) = stage.opened.pop().expect("it knocks");
    let theirs = [0xa1; 32];
    stage.feed(Input::Link(link, LinkEvent::Described(described(theirs))));
    let (from, to, offer, session) = stage.offer_sent(Way::Invite(&invite));
    let mut answer = session.clone();
    (answer.from, answer.to, answer.answers) = (mallory.device, Some(stage.device), Some(offer));
    answer.params.fingerprint = [0x66; 32];
    answer.params.setup = Setup::Active;
    let signed = SignedSession::sign(&mallory.key, &answer);
    let ends = Ends::Broker { from: to.clone(), to: from.clone() };
    let envelope = seal(SealingKey::of_invite(&invite.keys()), &ends, SignalKind::Answer, [3; 24], &signed.encode());
    let broker = BROKER.into();
    stage.feed(Input::Signal(SignalEvent::Message { broker, to: from, from: to, kind: SignalKind::Answer, envelope }));
    let dialog = Dialog::answering(link, session.connection, (offer, signed.hash()), [0x66; 32], theirs);
    mallory.open(&mut stage, &dialog);
    let auth = mallory.auth_as_answerer(&dialog);
    mallory.say(&mut stage, &dialog, &auth);
    let knocked = stage.take_sent(dialog.link);
    assert!(matches!(knocked[..], [Frame::Knock { room: at, .. }] if at == room), "{knocked:?}");
    (stage, invite, dialog)
}

fn join_states(stage: &Stage) -> Vec<JoinState> {
    let state = |notice: &Notify| {
        if let Notify::Join { state, .. } = notice { Some(*state) } else { None }
    };
    stage.notices.iter().filter_map(state).collect()
}

/// Whoever got hold of the invite says WELCOME without being of the room: no key of theirs is kept, nobody is in.
#[test]
fn a_welcome_from_a_false_door_lets_nobody_in() {
    let mut mallory = Puppet::new(66);
    let (mut stage, invite, dialog) = at_a_false_door(&mut mallory);
    let room = invite.room;
    let epochs = (0..256).map(|n| (n, [6; 32])).collect();
    mallory.say(&mut stage, &dialog, &Frame::Welcome { room, epochs, brokers: Vec::new() });
    let log = mallory.log();
    mallory.say(&mut stage, &dialog, &Frame::Have { room, asks: false, heads: vec![(log, 3)], tips: Vec::new() });
    let hello = mallory.entry_with(room, &text("you are in, trust me"), |_| ());
    mallory.push(&mut stage, &dialog, room, vec![hello]);
    let boot = stage.disk.boot().expect("reads").expect("an identity");
    let known = boot.rooms.iter().find(|known| known.room == room).expect("it knocks");
    assert_eq!((known.standing, known.epochs.len()), (Standing::Knocking, 0));
    assert_eq!(stage.entries(room), []);
    assert!(!join_states(&stage).contains(&JoinState::Admitted));
    assert!(!stage.rooms.contains_key(&room), "no room is shown");
}

/// The false door founds a room of its own and says that it is the one.
#[test]
fn a_false_door_cannot_pass_off_another_room() {
    let mut mallory = Puppet::new(66);
    let (mut stage, invite, dialog) = at_a_false_door(&mut mallory);
    let room = invite.room;
    mallory.say(&mut stage, &dialog, &Frame::Welcome { room, epochs: vec![(1, [6; 32])], brokers: Vec::new() });
    let body = Body::Genesis { name: "Kitchen".into(), profile: Profile::default(), nonce: [1; 16] };
    let genesis = mallory.entry_with(RoomId([0; 32]), &body, |_| ());
    mallory.push(&mut stage, &dialog, room, vec![genesis]);
    ended(&stage, dialog.link, "an entry of another room", 0, room);
    assert!(!join_states(&stage).contains(&JoinState::Admitted));
}

/// A false door says no in every way: the knock ends as it would at the true one, and nothing else happens.
#[test]
fn a_false_door_can_only_say_no() {
    let mut mallory = Puppet::new(66);
    let (mut stage, invite, dialog) = at_a_false_door(&mut mallory);
    let room = invite.room;
    let log = LogKey { author: stage.device, log: LogId([1; 16]) };
    mallory.say(&mut stage, &dialog, &Frame::Want { room, log, from: 1, to: 5 });
    mallory.say(&mut stage, &dialog, &Frame::AskBlob { room, blob: natter_sim::puppet::blob(1) });
    assert_eq!(stage.take_sent(dialog.link), [], "nothing is told to a door");
    mallory.say(&mut stage, &dialog, &Frame::KnockState { room, state: KnockState::Declined });
    assert_eq!(join_states(&stage).last(), Some(&JoinState::Declined));
    assert!(stage.has_closed(dialog.link));
    let boot = stage.disk.boot().expect("reads").expect("an identity");
    assert_eq!(boot.rooms.len(), 0);
}
