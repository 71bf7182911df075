//! Coming together.

use natter_engine::port::{Command, Input, JoinState, LinkEvent, Refusal, Reply, Standing, StoreTrouble};
use natter_engine::rooms::InviteTerms;
use natter_engine::signaling::envelope::{Ends, SealingKey, open};
use natter_engine::wire::Frame;
use natter_sim::people::{PATIENCE, one, party};
use natter_sim::puppet::{Puppet, Stage, described};
use natter_sim::{NodeId, World};
use std::collections::BTreeSet;
use std::time::Duration;

fn is_knocking(world: &World, who: NodeId, admin: NodeId, room: natter_engine::ids::RoomId) -> bool {
    let device = world[who].device;
    world[admin].room(room).requests.iter().any(|request| request.device == device)
}

#[test]
fn two_meet_by_invite_with_approval_and_talk() {
    let mut world = World::new(1);
    let (ada, ben) = (world.add("Ada"), world.add("Ben"));
    let room = world.create_room(ada, "Kitchen");
    let link = world.invite(ada, room, one());
    world.join(ben, &link);
    world.await_join(ben, room, JoinState::WaitingForApproval);
    world.admit(ada, room, ben);
    let hello = world.send(ben, room, "Hello!");
    world.await_entry(ada, room, hello);
    let reply = world.send(ada, room, "Hi Ben");
    world.await_entry(ben, room, reply);
    world.settle();
    let said: Vec<_> = world[ada].texts(room);
    assert_eq!(said, [(world[ben].device, "Hello!".to_owned()), (world[ada].device, "Hi Ben".to_owned())]);
    assert_eq!(world[ben].texts(room), said);
}

#[test]
fn a_party_link_lets_everyone_in_and_all_are_linked_with_all() {
    let mut world = World::new(2);
    let people: Vec<_> = ["Ada", "Ben", "Cleo", "Dan", "Eve"].map(|name| world.add(name)).into();
    let room = world.gathering(&people);
    for who in &people {
        world.send(*who, room, "here");
    }
    world.settle();
    assert_eq!(world[people[4]].texts(room).len(), 5);
}

#[test]
fn the_creator_is_away_and_another_member_opens_the_party_door() {
    let mut world = World::new(3);
    let (ada, ben, cleo) = (world.add("Ada"), world.add("Ben"), world.add("Cleo"));
    let room = world.create_room(ada, "Party");
    let link = world.invite(ada, room, party());
    world.join(ben, &link);
    world.await_join(ben, room, JoinState::Admitted);
    world.shut_down(ada);
    world.join(cleo, &link);
    world.await_join(cleo, room, JoinState::Admitted);
    let hash = world.send(cleo, room, "where is Ada?");
    world.await_entry(ben, room, hash);
    world.start(ada);
    world.await_entry(ada, room, hash);
    world.settle();
}

#[test]
fn who_is_declined_hears_it_and_keeps_nothing() {
    let mut world = World::new(4);
    let (ada, mal) = (world.add("Ada"), world.add("Mal"));
    let room = world.create_room(ada, "Kitchen");
    let link = world.invite(ada, room, one());
    world.join(mal, &link);
    world.until(PATIENCE, "the request shows", |world| is_knocking(world, mal, ada, room));
    let device = world[mal].device;
    assert!(matches!(world.command(ada, Command::Decline { room, device }), Ok(Reply::Done)));
    world.await_join(mal, room, JoinState::Declined);
    world.settle();
    assert!(world[mal].entries(room).is_empty());
    // Trying again does not help, and nobody is bothered.
    world.join(mal, &link);
    world.until(PATIENCE, "declined again", |world| {
        world[mal].host.joins[&room].iter().filter(|state| **state == JoinState::Declined).count() == 2
    });
    assert!(!is_knocking(&world, mal, ada, room));
}

#[test]
fn a_used_up_invite_says_so() {
    let mut world = World::new(5);
    let (ada, ben, cleo) = (world.add("Ada"), world.add("Ben"), world.add("Cleo"));
    let room = world.create_room(ada, "Kitchen");
    let link = world.invite(ada, room, InviteTerms { approval: false, ..one() });
    world.join(ben, &link);
    world.await_join(ben, room, JoinState::Admitted);
    world.join(cleo, &link);
    world.await_join(cleo, room, JoinState::UsedUp);
    world.settle();
    assert_eq!(world[ada].room(room).members.len(), 2);
}

#[test]
fn an_expired_invite_says_so_at_once_and_also_when_only_the_door_knows() {
    let mut world = World::new(6);
    let (ada, ben, cleo) = (world.add("Ada"), world.add("Ben"), world.add("Cleo"));
    // Cleo's clock is two hours slow: only the door can tell her.
    world.nodes[cleo.0].skew = -2 * 3600 * 1000;
    let room = world.create_room(ada, "Kitchen");
    let terms = InviteTerms { lifetime: Duration::from_secs(3600), ..party() };
    let link = world.invite(ada, room, terms);
    world.run(Duration::from_secs(3601));
    assert_eq!(world.command(ben, Command::Join { invite: link.clone() }).unwrap_err(), Refusal::InviteExpired);
    world.join(cleo, &link);
    // Nobody serves it any more: she hears it from the door that still listens, or from her own clock.
    world.run(Duration::from_secs(120));
    assert!(!world[cleo].host.rooms.contains_key(&room));
    assert_eq!(world[ada].room(room).members.len(), 1);
    world.run(Duration::from_secs(2 * 3600));
    assert_eq!(world[cleo].join_state(room), Some(JoinState::Expired));
}

#[test]
fn a_withdrawn_invite_opens_nothing() {
    let mut world = World::new(7);
    let (ada, ben) = (world.add("Ada"), world.add("Ben"));
    let room = world.create_room(ada, "Kitchen");
    let link = world.invite(ada, room, party());
    let invite = link.id();
    assert!(matches!(world.command(ada, Command::RevokeInvite { room, invite }), Ok(Reply::Done)));
    world.join(ben, &link);
    world.await_join(ben, room, JoinState::Void);
    assert_eq!(world[ada].room(room).members.len(), 1);
    let again = world.command(ben, Command::RevokeInvite { room, invite });
    assert_eq!(again.unwrap_err(), Refusal::NoSuchRoom);
}

#[test]
fn a_newcomer_who_is_cut_off_or_restarts_while_knocking_gets_in_later() {
    let mut world = World::new(8);
    let (ada, ben) = (world.add("Ada"), world.add("Ben"));
    let room = world.create_room(ada, "Kitchen");
    let link = world.invite(ada, room, one());
    world.join(ben, &link);
    world.until(PATIENCE, "the request shows", |world| is_knocking(world, ben, ada, room));
    world.crash(ben);
    world.until(PATIENCE * 2, "the request is gone", |world| !is_knocking(world, ben, ada, room));
    world.start(ben);
    world.until(PATIENCE, "the knock goes on by itself", |world| is_knocking(world, ben, ada, room));
    world.partition(ada, ben);
    world.run(Duration::from_secs(90));
    world.plug(ben);
    world.admit(ada, room, ben);
    world.settle();
}

/// The power goes at every millisecond around the admission, once each.
#[test]
fn a_newcomer_whose_power_goes_at_any_moment_of_the_admission_gets_in() {
    for moment in 0..60 {
        let mut world = World::new(900 + moment);
        let (ada, ben) = (world.add("Ada"), world.add("Ben"));
        let room = world.create_room(ada, "Kitchen");
        let link = world.invite(ada, room, InviteTerms { approval: false, ..one() });
        world.join(ben, &link);
        world.until(PATIENCE, "at the door", |world| {
            !world[ada].host.rooms[&room].requests.is_empty() || world[ada].room(room).members.len() == 2
        });
        world.run(Duration::from_millis(moment * 4));
        world.crash(ben);
        world.run(Duration::from_secs(2));
        world.start(ben);
        world.until(PATIENCE * 3, &format!("in, {moment}"), |world| {
            world[ben].host.rooms.get(&room).is_some_and(|view| view.standing == Standing::Member)
        });
        world.settle();
        assert_eq!(world[ada].room(room).members.len(), 2);
    }
}

#[test]
fn giving_up_a_knock_is_final() {
    let mut world = World::new(9);
    let (ada, ben) = (world.add("Ada"), world.add("Ben"));
    let room = world.create_room(ada, "Kitchen");
    let link = world.invite(ada, room, one());
    world.join(ben, &link);
    world.until(PATIENCE, "the request shows", |world| is_knocking(world, ben, ada, room));
    assert!(matches!(world.command(ben, Command::CancelJoin { room }), Ok(Reply::Done)));
    world.until(PATIENCE, "the request is gone", |world| !is_knocking(world, ben, ada, room));
    assert_eq!(world[ben].join_state(room), Some(JoinState::Cancelled));
    world.crash(ben);
    world.start(ben);
    world.run(Duration::from_secs(30));
    assert!(!is_knocking(&world, ben, ada, room));
}

#[test]
fn a_knock_that_cannot_be_written_down_does_not_begin() {
    let mut world = World::new(10);
    let (ada, ben) = (world.add("Ada"), world.add("Ben"));
    let room = world.create_room(ada, "Kitchen");
    let link = world.invite(ada, room, party());
    world.fill_disk(ben);
    let reply = world.command(ben, Command::Join { invite: link.clone() });
    assert_eq!(reply.unwrap_err(), Refusal::NotSaved(StoreTrouble::DiskFull));
    world.run(Duration::from_secs(30));
    assert_eq!(world[ada].room(room).members.len(), 1, "nobody came");
    world.clear_disk(ben);
    world.join(ben, &link);
    world.await_join(ben, room, JoinState::Admitted);
    world.settle();
}

/// The knock at a second room goes to somebody who is linked already, within seconds of that link's birth: the two
/// links are a glare, one loses, and the knock must not be lost with it.
#[test]
fn two_who_share_a_room_meet_in_a_second_one_at_once() {
    for seed in 0..20 {
        let mut world = World::new(1000 + seed);
        let (ada, ben) = (world.add("Ada"), world.add("Ben"));
        let first = world.gathering(&[ada, ben]);
        let second = world.create_room(ada, "Second");
        let link = world.invite(ada, second, party());
        world.join(ben, &link);
        world.await_join(ben, second, JoinState::Admitted);
        let hash = world.send(ben, second, "here too");
        world.await_entry(ada, second, hash);
        let hash = world.send(ada, first, "and there");
        world.await_entry(ben, first, hash);
        world.settle();
    }
}

#[test]
fn a_room_that_cannot_be_written_is_not_founded() {
    let mut world = World::new(11);
    let ada = world.add("Ada");
    world.fill_disk(ada);
    let reply = world.command(ada, Command::CreateRoom { name: "Kitchen".into() });
    assert_eq!(reply.unwrap_err(), Refusal::NotSaved(StoreTrouble::DiskFull));
    assert!(world[ada].host.rooms.is_empty());
    world.clear_disk(ada);
    world.run(Duration::from_secs(20));
    assert!(world[ada].host.rooms.is_empty(), "it does not come back by itself");
    world.create_room(ada, "Kitchen");
    world.settle();
}

#[test]
fn many_invites_made_at_once_all_keep_their_links() {
    let mut world = World::new(12);
    let ada = world.add("Ada");
    let room = world.create_room(ada, "Kitchen");
    let asked: Vec<_> = (0..5).map(|_| world.ask(ada, Command::CreateInvite { room, terms: party() })).collect();
    world.run(Duration::from_secs(2));
    let links: Vec<_> = asked
        .iter()
        .map(|id| match &world[ada].host.replies[id] {
            Ok(Reply::Invite(link)) => link.id(),
            other => panic!("{other:?}"),
        })
        .collect();
    world.crash(ada);
    world.start(ada);
    world.run(Duration::from_secs(1));
    let shown: Vec<_> = world[ada].room(room).invites.iter().filter(|i| i.link.is_some()).map(|i| i.invite).collect();
    assert_eq!(shown.len(), 5);
    assert!(links.iter().all(|link| shown.contains(link)));
}

#[test]
fn two_doors_spend_the_last_use_at_once_and_both_newcomers_are_in() {
    let mut split = 0;
    for seed in 0..30 {
        let mut world = World::new(1100 + seed);
        let people: Vec<_> = ["Ada", "Ben", "Cleo", "Dan"].map(|name| world.add(name)).into();
        let (ada, ben, cleo, dan) = (people[0], people[1], people[2], people[3]);
        let room = world.gathering(&[ada, ben]);
        let link = world.invite(ada, room, InviteTerms { approval: false, ..one() });
        world.run(Duration::from_secs(2));
        world.partition(ada, ben);
        world.partition(ada, dan);
        world.partition(ben, cleo);
        world.join(cleo, &link);
        world.join(dan, &link);
        world.run(Duration::from_secs(40));
        for who in [cleo, dan] {
            if world[who].host.rooms.contains_key(&room) {
                world.send(who, room, "I am in");
            }
        }
        let both = world[cleo].host.rooms.contains_key(&room) && world[dan].host.rooms.contains_key(&room);
        split += usize::from(both);
        world.settle();
        assert_eq!(world[ada].room(room).members.len(), if both { 4 } else { 3 });
        assert_eq!(world[ada].room(room).invites.len(), 1, "it is used up; the gathering's own remains");
    }
    assert!(split > 0, "the story happened at least once");
}

/// Several members open the same door at once, and a knock that found nobody waits at the broker for whoever opens the
/// next one: neither may keep people from each other.
#[test]
fn a_newcomer_is_linked_with_everyone_within_seconds_whoever_opened() {
    for seed in 0..20 {
        let mut world = World::new(400 + seed);
        let first = world.add("Ada");
        let room = world.create_room(first, "Party");
        let link = world.invite(first, room, party());
        let mut people = vec![first];
        for name in ["Ben", "Cleo", "Dan", "Eve", "Finn"] {
            let next = world.add(name);
            world.join(next, &link);
            people.push(next);
            let crowd = people.clone();
            world.until(Duration::from_secs(4), "the newcomer sees all and is seen by all", |world| {
                crowd.iter().all(|a| *a == next || (world.sees(*a, next, room) && world.sees(next, *a, room)))
            });
        }
    }
}

/// More people than one device opens links for at a time: they take turns, and nobody waits for a patience to end.
#[test]
fn a_class_comes_in_at_once_and_is_back_at_once_after_a_power_cut() {
    let mut world = World::new(430);
    let teacher = world.add("Teacher");
    let room = world.create_room(teacher, "Class 7b");
    let link = world.invite(teacher, room, party());
    let mut everyone = vec![teacher];
    for n in 0..31 {
        let pupil = world.add(&format!("Pupil {n}"));
        world.join(pupil, &link);
        everyone.push(pupil);
    }
    let all_see_all =
        |world: &World| everyone.iter().all(|a| everyone.iter().all(|b| a == b || world.sees(*a, *b, room)));
    world.until(Duration::from_secs(20), "the whole class is in", all_see_all);
    for who in &everyone {
        world.crash(*who);
    }
    world.run(Duration::from_secs(120));
    for who in &everyone {
        world.start(*who);
    }
    world.until(Duration::from_secs(10), "the whole class is back", all_see_all);
}

/// Cleo gives up in the moment in which the history begins to come, and knocks again. The beginning was shown to her before
/// she gave up, and was shown twice.
#[test]
fn who_gives_up_half_way_and_knocks_again_is_shown_everything_once() {
    let mut world = World::new(37);
    let (ada, cleo) = (world.add("Ada"), world.add("Cleo"));
    let room = world.create_room(ada, "Twice");
    let link = world.invite(ada, room, party());
    world.join(cleo, &link);
    let mut waited = 0;
    while world[cleo].host.told.get(&room).is_none_or(Vec::is_empty) {
        world.run(Duration::from_millis(1));
        waited += 1;
        assert!(waited < 60_000, "the history begins to come");
    }
    assert!(!world[cleo].host.rooms.contains_key(&room), "she is not in yet");
    assert!(matches!(world.command(cleo, Command::CancelJoin { room }), Ok(Reply::Done)));
    assert_eq!(world[cleo].host.forgotten, [room], "what was shown is gone");
    world.join(cleo, &link);
    world.await_join(cleo, room, JoinState::Admitted);
    world.settle();
}

/// While Ada was off, Dan let Eve into their room. Now Dan is off, and Ada and Eve meet in another room first. Over that link
/// Eve said what she holds of Dan's room; Ada, who did not know her there, did not listen, and neither asked again.
#[test]
fn who_was_admitted_meanwhile_is_known_over_a_link_of_another_room_too() {
    let mut world = World::new(38);
    let (ada, dan, eve) = (world.add("Ada"), world.add("Dan"), world.add("Eve"));
    let dans = world.gathering(&[dan, ada]);
    let link = world.invite(dan, dans, party());
    let eves = world.create_room(eve, "Eve's");
    let elsewhere = world.invite(eve, eves, party());
    world.crash(ada);
    world.join(eve, &link);
    world.await_join(eve, dans, JoinState::Admitted);
    let hello = world.send(eve, dans, "hello");
    world.crash(dan);
    world.run(Duration::from_secs(60));
    world.start(ada);
    world.join(ada, &elsewhere);
    world.await_join(ada, eves, JoinState::Admitted);
    world.await_entry(ada, dans, hello);
    world.until(PATIENCE, "both see each other", |world| world.sees(ada, eve, dans) && world.sees(eve, ada, dans));
    world.settle();
}

/// The same the other way round: Ada knocks at Ben's door while he does not know yet that Dan has let her in elsewhere. What
/// she says of Dan's room then, nobody hears; so Ben asks once he knows.
#[test]
fn a_newcomer_who_turns_out_to_be_known_elsewhere_is_asked_again() {
    let mut world = World::new(39);
    let (ben, dan, ada) = (world.add("Ben"), world.add("Dan"), world.add("Ada"));
    let dans = world.gathering(&[dan, ben]);
    let link = world.invite(dan, dans, party());
    let bens = world.create_room(ben, "Ben's");
    let elsewhere = world.invite(ben, bens, party());
    let hello = world.send(ben, dans, "hello");
    world.await_entry(dan, dans, hello);
    world.crash(ben);
    world.join(ada, &link);
    world.await_join(ada, dans, JoinState::Admitted);
    world.await_entry(ada, dans, hello);
    world.crash(dan);
    world.run(Duration::from_secs(60));
    world.start(ben);
    world.join(ada, &elsewhere);
    world.await_join(ada, bens, JoinState::Admitted);
    world.until(PATIENCE, "Ben knows her in Dan's room", |world| world.sees(ben, ada, dans));
    world.settle_as_it_is();
}

/// Whoever gave up a knock in the moment of being let in is counted in, and knows nothing of it: it hears no offer in that
/// room's name. Such offers were made again and again, and insisted on, and the two never met in their other room either.
#[test]
fn who_does_not_answer_in_one_rooms_name_is_offered_a_link_in_the_others() {
    let (mut stage, kitchen, to_kitchen) = Stage::with_room(1);
    let cellar = stage.found("Cellar");
    let to_cellar = stage.invite(cellar, party());
    let mut ada = Puppet::new(7);
    ada.enter(&mut stage, &to_kitchen);
    // Later than a glare: the new link takes the old one's place.
    stage.run(Duration::from_secs(12));
    let dialog = ada.enter(&mut stage, &to_cellar);
    ada.say(&mut stage, &dialog, &Frame::Bye);
    let mut named = BTreeSet::new();
    for _ in 0..300 {
        stage.run(Duration::from_secs(1));
        for (link, ..) in std::mem::take(&mut stage.opened) {
            stage.signals.clear();
            stage.feed(Input::Link(link, LinkEvent::Described(described([1; 32]))));
            let (from, to, kind, envelope) = stage.signals.pop().expect("an offer");
            let keys = [kitchen, cellar].map(|room| (room, SealingKey::of_epoch(&stage.epoch_key(room))));
            named.insert(open(keys, &Ends::Broker { from, to }, kind, &envelope).expect("sealed for a room").0);
        }
    }
    assert_eq!(named, BTreeSet::from([kitchen, cellar]));
}
