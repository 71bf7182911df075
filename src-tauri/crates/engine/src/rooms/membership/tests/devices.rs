//! Stories of people with several devices, told in entries, in every order that causes allow.

use super::*;
use crate::wire::limits::DEVICES_PER_PERSON;

fn link(tale: &mut Tale, author: u8, n: u8) -> EntryHash {
    let body = tale.link_as(author, n);
    tale.then(author, body)
}

fn unlink(tale: &mut Tale, author: u8, n: u8) -> EntryHash {
    let body = tale.remove_person(author, n);
    tale.then(author, body)
}

fn says(tale: &mut Tale, n: u8, words: &str) -> EntryHash {
    tale.then(n, Body::Text(crate::wire::Text::plain(words)))
}

fn people(membership: &Membership) -> Vec<(u8, u8)> {
    let mut people: Vec<(u8, u8)> =
        membership.members().iter().map(|(device, member)| (number(*device), number(member.person))).collect();
    people.sort_unstable();
    people
}

#[test]
fn a_second_device_is_the_same_person_with_the_same_role_and_name() {
    let mut tale = Tale::party(2, 1);
    link(&mut tale, 1, 11);
    link(&mut tale, 11, 12);
    let told = tale.told();
    assert_eq!(people(&told), [(0, 0), (1, 1), (2, 2), (11, 1), (12, 1)]);
    assert_eq!(told.role(device(12)), Some(Role::Admin));
    assert_eq!(told.profile(device(12)).name, "device 1");
    tale.then(12, Body::Profile(profile(99)));
    assert_eq!(tale.told().profile(device(1)).name, "device 99", "a name is the person's, whichever device says it");
}

#[test]
fn nobody_calls_a_device_theirs_that_does_not_say_so() {
    let mut tale = Tale::party(2, 1);
    let theirs = tale.link_as(1, 11);
    let Body::Device { device: new, person, proof } = theirs else { unreachable!("just made") };
    // Somebody else's word for it, a bent word, and the word for another person.
    tale.then(2, Body::Device { device: new, person, proof });
    tale.then(2, Body::Device { device: new, person: device(2), proof });
    tale.then(1, Body::Device { device: new, person, proof: [7; 64] });
    tale.then(1, Body::Device { device: device(12), person, proof });
    // A device that is somebody already.
    let taken = tale.link_as(1, 2);
    tale.then(1, taken);
    let told = tale.told();
    assert_eq!(people(&told), [(0, 0), (1, 1), (2, 2)]);
    assert!(!told.knows(new) && !told.knows(device(12)));
}

#[test]
fn the_word_for_one_room_is_none_in_another() {
    let mut tale = Tale::party(1, 0);
    let proof = key(11).sign(Context::Device, &device_proof_bytes(RoomId([9; 32]), device(1)));
    tale.then(1, Body::Device { device: device(11), person: device(1), proof });
    assert!(!tale.told().knows(device(11)));
}

#[test]
fn the_ninth_device_is_one_too_many_also_when_two_come_at_once() {
    let mut tale = Tale::party(1, 0);
    for n in 0..DEVICES_PER_PERSON as u8 - 2 {
        link(&mut tale, 1, 11 + n);
    }
    let seen = tale.all();
    // Two beside each other have each the right by what they had seen; the first in the order is in.
    let (a, b) = (tale.link_as(1, 50), tale.link_as(11, 51));
    tale.write(log(1), &seen, a);
    tale.write(log(11), &seen, b);
    let told = tale.told();
    assert_eq!(told.devices_of(device(1)).count(), DEVICES_PER_PERSON);
    assert_ne!(told.is_member(device(50)), told.is_member(device(51)));
    link(&mut tale, 1, 60);
    let told = tale.told();
    assert!(!told.is_member(device(60)) && !told.knows(device(60)));
    unlink(&mut tale, 1, 11);
    link(&mut tale, 1, 60);
    assert!(tale.told().is_member(device(60)), "there is room again");
}

#[test]
fn who_is_removed_goes_with_all_devices_and_adds_none() {
    let mut tale = Tale::party(3, 1);
    link(&mut tale, 2, 12);
    says(&mut tale, 2, "from one");
    says(&mut tale, 12, "from the other");
    let seen = tale.all();
    let removal = tale.remove_person(1, 12);
    let r = tale.write(log(1), &seen, removal);
    // Behind the remover's back: one more device, which adds another.
    let (a, b) = (tale.link_as(2, 13), tale.link_as(12, 14));
    let a = tale.write(log(2), &seen, a);
    tale.write(log(12), &seen, b);
    let mut all = seen.clone();
    all.push(a);
    let proof = key(15).sign(Context::Device, &device_proof_bytes(tale.room, device(2)));
    tale.write(log(13), &all, Body::Device { device: device(15), person: device(2), proof });
    let told = tale.told();
    assert_eq!(people(&told), [(0, 0), (1, 1), (3, 3)]);
    assert_eq!((told.limit(log(2)), told.limit(log(12))), (Some(2), Some(1)), "what was heard stays");
    // And after it, by whoever knows of it.
    let mut all = tale.all();
    all.push(r);
    tale.write(log(2), &all, Body::Device { device: device(15), person: device(2), proof });
    assert!(!tale.told().is_member(device(15)));
}

#[test]
fn a_device_that_was_removed_with_its_person_comes_back_by_no_friend_and_by_an_invite_with_them() {
    let mut tale = Tale::party(3, 1);
    link(&mut tale, 2, 12);
    unlink(&mut tale, 1, 2);
    assert_eq!(people(&tale.told()), [(0, 0), (1, 1), (3, 3)]);
    for n in [2, 12] {
        let as_friends = tale.link_as(3, n);
        tale.then(3, as_friends);
    }
    assert_eq!(people(&tale.told()), [(0, 0), (1, 1), (3, 3)]);
    let admit = tale.admit(100, 2);
    tale.then(0, admit);
    link(&mut tale, 2, 12);
    assert_eq!(people(&tale.told()), [(0, 0), (1, 1), (2, 2), (3, 3), (12, 2)]);
}

#[test]
fn whoever_has_one_device_takes_out_another_of_theirs_and_of_nobody_else() {
    let mut tale = Tale::party(2, 0);
    link(&mut tale, 1, 11);
    unlink(&mut tale, 1, 2);
    assert_eq!(tale.told().members().len(), 4, "a member removes nobody else");
    says(&mut tale, 1, "from the phone");
    // The phone that the person came with is lost.
    unlink(&mut tale, 11, 1);
    let told = tale.told();
    assert_eq!(people(&told), [(0, 0), (2, 2), (11, 1)]);
    assert_eq!(told.limit(log(11)), None);
    // Who finds it is nobody here, and comes in by no invite as the person that they are not.
    let admit = tale.admit(100, 1);
    tale.then(0, admit);
    link(&mut tale, 1, 13);
    tale.then(1, Body::Profile(profile(66)));
    let told = tale.told();
    assert_eq!(people(&told), [(0, 0), (2, 2), (11, 1)]);
    assert_eq!(told.profile(device(11)).name, "device 1", "and changes no name");
    // Found again: it is linked as any other.
    link(&mut tale, 11, 1);
    assert_eq!(people(&tale.told()), [(0, 0), (1, 1), (2, 2), (11, 1)]);
}

#[test]
fn the_creators_devices_are_all_creator_and_only_they_remove_each_other() {
    let mut tale = Tale::party(1, 1);
    link(&mut tale, 0, 10);
    unlink(&mut tale, 1, 10);
    tale.then(1, Body::Revoke { device: device(10), role: Role::Guest });
    assert_eq!(roles(&tale.told()), [(0, Role::Creator), (1, Role::Admin), (10, Role::Creator)]);
    unlink(&mut tale, 10, 0);
    assert_eq!(roles(&tale.told()), [(1, Role::Admin), (10, Role::Creator)]);
}

#[test]
fn two_devices_that_remove_each_other_are_both_out() {
    for author in [0, 1] {
        let mut tale = Tale::party(2, 0);
        link(&mut tale, author, 11);
        let seen = tale.all();
        let (a, b) = (tale.remove_person(author, 11), tale.remove_person(11, author));
        tale.write(log(author), &seen, a);
        tale.write(log(11), &seen, b);
        let told = tale.told();
        assert!(!told.is_member(device(author)) && !told.is_member(device(11)));
    }
}

#[test]
fn what_a_lost_device_did_while_it_was_taken_out_is_void() {
    let mut tale = Tale::party(2, 1);
    link(&mut tale, 1, 11);
    let seen = tale.all();
    let removal = tale.remove_person(1, 11);
    tale.write(log(1), &seen, removal);
    // Whoever has it links their own, names an admin and leaves in the person's name.
    let theirs = tale.link_as(11, 66);
    tale.write(log(11), &seen, theirs);
    tale.write(log(11), &seen, Body::Grant { device: device(2), role: Role::Admin });
    tale.write(log(11), &seen, leave(Vec::new()));
    let told = tale.told();
    assert_eq!(people(&told), [(0, 0), (1, 1), (2, 2)]);
    assert_eq!(told.role(device(2)), Some(Role::Member));
}

#[test]
fn who_leaves_takes_their_devices_along_and_comes_back_with_them() {
    let mut tale = Tale::party(2, 0);
    link(&mut tale, 1, 11);
    says(&mut tale, 11, "from the other");
    let heads: BTreeMap<LogKey, u64> = tale.entries.iter().map(|entry| (entry.log, entry.seq)).collect();
    let others = tale.told().closing_others(device(1), &heads);
    tale.then(1, Body::Leave { heads: Vec::new(), others });
    let told = tale.told();
    assert_eq!(people(&told), [(0, 0), (2, 2)]);
    assert_eq!(told.limit(log(11)), Some(1), "what it said stays");
    let admit = tale.admit(100, 11);
    tale.then(0, admit);
    let as_theirs = tale.link_as(11, 1);
    let seen = tale.all();
    let next = told.own_log(log(11));
    tale.write(next, &seen, as_theirs);
    assert_eq!(people(&tale.told()), [(0, 0), (1, 11), (2, 2), (11, 11)], "by the device that came first now");
}

#[test]
fn a_device_that_is_linked_beside_a_change_of_role_has_the_role_that_the_person_has() {
    for role in [Role::Guest, Role::Admin] {
        let mut tale = Tale::party(2, 0);
        let seen = tale.all();
        let (own, body) = (
            tale.link_as(1, 11),
            if role == Role::Guest {
                Body::Revoke { device: device(1), role }
            } else {
                Body::Grant { device: device(1), role }
            },
        );
        tale.write(log(1), &seen, own);
        tale.write(log(0), &seen, body);
        let told = tale.told();
        assert_eq!((told.role(device(1)), told.role(device(11))), (Some(role), Some(role)));
    }
}

#[test]
fn an_invite_of_ones_own_is_withdrawn_from_another_device() {
    let mut tale = Tale::party(2, 0);
    tale.invite(1, 101, 1, true);
    link(&mut tale, 1, 11);
    let id = tale.told().invites().iter().find(|(_, invite)| invite.by == device(1)).map(|(id, _)| *id);
    let invite = id.expect("just made");
    tale.then(2, Body::RevokeInvite { invite });
    assert!(!tale.told().invites()[&invite].revoked);
    tale.then(11, Body::RevokeInvite { invite });
    assert!(tale.told().invites()[&invite].revoked);
}
