//! Stories of who is in, told in entries; each is also told in every order that causes allow, with the same end.

mod devices;

use super::*;
use crate::identity::SecretKey;
use crate::ids::BlobHash;
use crate::time::Hlc;
use crate::wire::frame::{device_proof_bytes, invite_proof_bytes};
use crate::wire::{InviteKeys, RoomBody};
use proptest::prelude::*;

const DAY: u64 = 86_400;

fn key(n: u8) -> SecretKey {
    SecretKey::from_seed(&[n; 32])
}

/// Real keys, since a device signs whose it is; made once, as the tales name them over and over.
fn device(n: u8) -> DeviceId {
    static KEYS: std::sync::OnceLock<Vec<DeviceId>> = std::sync::OnceLock::new();
    KEYS.get_or_init(|| (0..=u8::MAX).map(|n| key(n).device()).collect())[usize::from(n)]
}

fn number(device: DeviceId) -> u8 {
    (0..=u8::MAX).find(|n| self::device(*n) == device).expect("one of the tales' devices")
}

fn leave(heads: Vec<(LogId, u64)>) -> Body {
    Body::Leave { heads, others: Vec::new() }
}

fn remove(device: DeviceId, heads: Vec<(LogId, u64)>) -> Body {
    Body::Remove { device, heads, others: Vec::new() }
}

fn log(n: u8) -> LogKey {
    LogKey { author: device(n), log: LogId([n; 16]) }
}

fn profile(n: u8) -> Profile {
    Profile { name: format!("device {n}"), avatar: None }
}

/// A room's history, with who had seen what.
#[derive(Clone)]
struct Tale {
    room: RoomId,
    entries: Vec<StoredEntry>,
}

impl Tale {
    /// Device 0 founds the room.
    fn begin() -> Self {
        let mut tale = Self { room: RoomId([0; 32]), entries: Vec::new() };
        tale.write(log(0), &[], Body::Genesis { name: "Kitchen".into(), profile: profile(0), nonce: [0; 16] });
        tale.room = RoomId(tale.entries[0].order.hash.0);
        tale
    }

    /// An entry whose author had seen these (and their own log).
    fn write(&mut self, log: LogKey, seen: &[EntryHash], body: Body) -> EntryHash {
        let before = self.entries.iter().rfind(|entry| entry.log == log);
        // A membership entry names the ends of the membership entries, whatever words stand between.
        let words = |hash: &EntryHash| {
            self.entries.iter().any(|entry| entry.order.hash == *hash && entry.kind >= kind::FIRST_MESSAGE)
        };
        let speaks = body.kind() >= kind::FIRST_MESSAGE;
        let seen: Vec<EntryHash> = seen.iter().copied().filter(|hash| speaks || !words(hash)).collect();
        // Of one nothing can stand below another.
        let several = seen.iter().filter(|_| seen.len() > 1);
        let below: BTreeSet<EntryHash> = several.flat_map(|hash| self.causes(hash)).collect();
        let mut parents: Vec<EntryHash> = seen.iter().copied().filter(|hash| !below.contains(hash)).collect();
        parents.sort_unstable();
        parents.dedup();
        assert!(parents.len() <= crate::wire::limits::PARENTS);
        let causes = self.entries.iter().filter(|entry| parents.contains(&entry.order.hash)).chain(before);
        let clock = Hlc(causes.map(|entry| entry.order.clock.0 + 1).max().unwrap_or(1));
        let (seq, prev) = (before.map_or(0, |entry| entry.seq) + 1, before.map(|entry| entry.order.hash));
        let payload = body.encode();
        let header = Header {
            kind: body.kind(),
            flags: 0,
            room: self.room,
            log,
            seq,
            prev,
            clock,
            written: UnixMillis(1000),
            parents,
            payload_len: 0,
            // Told apart by what they say.
            commitment: blake3::hash(&payload).into(),
        };
        let bytes = header.encode();
        let hash = EntryHash(blake3::hash(&bytes).into());
        let blobs: Vec<BlobHash> = Vec::new();
        self.entries.push(StoredEntry {
            room: self.room,
            log,
            seq,
            order: OrderKey { clock, author: log.author, hash },
            kind: body.kind(),
            header: bytes,
            signature: [0; 64],
            salt: [0; 16],
            payload: Some(payload),
            blobs,
            target: None,
            words: None,
            expires: None,
            first_seen: UnixMillis(1000),
            shown: UnixMillis(1000),
        });
        hash
    }

    /// Everything that an entry follows.
    fn causes(&self, hash: &EntryHash) -> BTreeSet<EntryHash> {
        let mut found = BTreeSet::new();
        let mut next = vec![*hash];
        while let Some(hash) = next.pop() {
            let entry = self.entries.iter().find(|entry| entry.order.hash == hash).expect("written before");
            let header = Header::decode(&entry.header).expect("just written");
            next.extend(header.parents.iter().chain(&header.prev).copied().filter(|cause| found.insert(*cause)));
        }
        found
    }

    /// An entry whose author had seen everything.
    fn then(&mut self, author: u8, body: Body) -> EntryHash {
        let seen = self.all();
        self.write(log(author), &seen, body)
    }

    fn all(&self) -> Vec<EntryHash> {
        self.entries.iter().map(|entry| entry.order.hash).collect()
    }

    fn invite(&mut self, author: u8, n: u8, uses: u32, approval: bool) -> EntryHash {
        self.then(author, invite(n, uses, approval))
    }

    /// Device 0 opens a party link and lets 1, 2, … in; the first `admins` of them are admins.
    fn party(guests: u8, admins: u8) -> Self {
        let mut tale = Self::begin();
        tale.invite(0, 100, 0, false);
        for n in 1..=guests {
            let admit = tale.admit(100, n);
            tale.then(0, admit);
            if n <= admins {
                tale.then(0, Body::Grant { device: device(n), role: Role::Admin });
            }
        }
        tale
    }

    fn admit(&self, invite: u8, n: u8) -> Body {
        let keys = InviteKeys::derive(&[invite; 32]);
        let key = SecretKey::from_seed(&keys.signing);
        let proof = key.sign(Context::InviteProof, &invite_proof_bytes(self.room, device(n)));
        Body::Admit { device: device(n), invite: InviteId(key.device().0), proof, profile: profile(n) }
    }

    /// DEVICE: `n` becomes a device of whoever `author` is.
    fn link_as(&self, author: u8, n: u8) -> Body {
        let person = fold(self.room, &self.entries).person(device(author));
        let proof = key(n).sign(Context::Device, &device_proof_bytes(self.room, person));
        Body::Device { device: device(n), person, proof }
    }

    /// A REMOVE that names all that is there of all devices of somebody.
    fn remove_person(&self, by: u8, n: u8) -> Body {
        let told = fold(self.room, &self.entries);
        let mut heads: BTreeMap<LogKey, u64> = BTreeMap::new();
        for entry in &self.entries {
            heads.insert(entry.log, entry.seq);
        }
        let own = heads.iter().filter(|(log, _)| log.author == device(n)).map(|(log, seq)| (log.log, *seq)).collect();
        let alone = told.person(device(by)) == told.person(device(n));
        let others = if alone { Vec::new() } else { told.closing_others(device(n), &heads) };
        Body::Remove { device: device(n), heads: told.closing(device(n), &own), others }
    }

    fn remove(&self, n: u8) -> Body {
        let last = self.entries.iter().filter(|entry| entry.log == log(n)).map(|entry| entry.seq).max();
        remove(device(n), last.map(|seq| (log(n).log, seq)).into_iter().collect())
    }

    /// The fold, as told from first to last; and it must be the same in any other order.
    fn told(&self) -> Membership {
        let told = fold(self.room, &self.entries);
        for seed in 0..8 {
            let other = fold(self.room, &shuffled(&self.entries, seed));
            assert_eq!(summary(&other, &self.entries), summary(&told, &self.entries), "in order {seed}");
        }
        told
    }
}

fn invite(n: u8, uses: u32, approval: bool) -> Body {
    let keys = InviteKeys::derive(&[n; 32]);
    let id = InviteId(SecretKey::from_seed(&keys.signing).device().0);
    let (rendezvous, sealing, role) = (keys.rendezvous, keys.sealing, Role::Member);
    Body::Invite(InviteBody { invite: id, rendezvous, sealing, uses, expires: DAY, approval, role, vouch: None })
}

fn fold(room: RoomId, entries: &[StoredEntry]) -> Membership {
    let mut membership = Membership::new(room);
    membership.extend(entries);
    membership
}

/// The same entries in another order in which causes come first.
fn shuffled(entries: &[StoredEntry], seed: u64) -> Vec<StoredEntry> {
    let mut left: Vec<StoredEntry> = entries.to_vec();
    let mut told: Vec<StoredEntry> = Vec::new();
    let mut chance = seed;
    while !left.is_empty() {
        let ready = |entry: &StoredEntry| {
            let header = Header::decode(&entry.header).expect("just written");
            header.parents.iter().chain(&header.prev).all(|cause| told.iter().any(|t| t.order.hash == *cause))
        };
        let able: Vec<usize> = (0..left.len()).filter(|n| ready(&left[*n])).collect();
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        told.push(left.remove(able[(chance >> 33) as usize % able.len()]));
    }
    told
}

/// All that two members must agree on.
fn summary(membership: &Membership, entries: &[StoredEntry]) -> String {
    let mut lines = vec![format!("{:?} {:?} {:?}", membership.name(), membership.about(), membership.lives())];
    for (device, member) in membership.members() {
        lines.push(format!("{device:?} {:?} {:?} {:?}", member.role, member.person, membership.profile(*device).name));
    }
    for (id, invite) in membership.invites() {
        lines.push(format!("{id:?} {} {}", invite.used, invite.revoked));
    }
    let logs: BTreeSet<LogKey> = entries.iter().map(|entry| entry.log).collect();
    for log in logs {
        lines.push(format!("{log:?} {:?} {}", membership.limit(log), membership.knows(log.author)));
    }
    lines.join("\n")
}

fn roles(membership: &Membership) -> Vec<(u8, Role)> {
    let mut roles: Vec<(u8, Role)> =
        membership.members().iter().map(|(device, member)| (number(*device), member.role)).collect();
    roles.sort_unstable();
    roles
}

#[test]
fn roles_are_given_and_taken_and_the_creator_keeps_theirs() {
    let mut tale = Tale::party(3, 1);
    tale.then(1, Body::Grant { device: device(2), role: Role::Admin });
    tale.then(1, Body::Revoke { device: device(3), role: Role::Guest });
    tale.then(1, Body::Revoke { device: device(0), role: Role::Guest });
    tale.then(1, tale.clone().remove(0));
    // A guest names nobody anything, and lets nobody in.
    tale.then(3, Body::Grant { device: device(3), role: Role::Admin });
    tale.then(3, tale.clone().admit(100, 4));
    let told = tale.told();
    assert_eq!(roles(&told), [(0, Role::Creator), (1, Role::Admin), (2, Role::Admin), (3, Role::Guest)]);
    assert!(!told.knows(device(4)));
}

#[test]
fn a_member_cannot_remove_and_an_admin_can() {
    let mut tale = Tale::party(3, 1);
    tale.then(2, tale.clone().remove(3));
    assert_eq!(tale.told().members().len(), 4);
    tale.then(1, tale.clone().remove(3));
    assert_eq!(roles(&tale.told()).len(), 3);
}

#[test]
fn two_admins_who_remove_each_other_are_both_out() {
    let mut tale = Tale::party(3, 2);
    let seen = tale.all();
    let (first, second) = (tale.remove(2), tale.remove(1));
    tale.write(log(1), &seen, first);
    tale.write(log(2), &seen, second);
    assert_eq!(roles(&tale.told()), [(0, Role::Creator), (3, Role::Member)]);
}

#[test]
fn who_is_removed_by_the_creator_takes_nobody_along() {
    let mut tale = Tale::party(3, 2);
    let seen = tale.all();
    let (by_creator, revenge) = (tale.remove(2), tale.remove(1));
    tale.write(log(0), &seen, by_creator);
    tale.write(log(2), &seen, revenge);
    assert_eq!(roles(&tale.told()), [(0, Role::Creator), (1, Role::Admin), (3, Role::Member)]);
}

#[test]
fn what_a_removed_admin_gave_at_the_same_time_is_void_with_all_that_rests_on_it() {
    let mut tale = Tale::party(3, 2);
    let seen = tale.all();
    let removal = tale.remove(2);
    tale.write(log(1), &seen, removal);
    // Behind the others' backs: a friend, made an admin, who removes whoever removed.
    let admit = tale.admit(100, 9);
    let a = tale.write(log(2), &seen, admit);
    let b = tale.write(log(2), &[a], Body::Grant { device: device(9), role: Role::Admin });
    let mut all = seen.clone();
    all.extend([a, b]);
    let friends_revenge = tale.remove(3);
    tale.write(log(9), &all, friends_revenge);
    let told = tale.told();
    assert!(!told.is_member(device(2)) && !told.is_member(device(9)));
    assert_eq!(told.limit(log(9)), Some(0), "nothing of it is shown");
    assert!(told.knows(device(9)), "but kept, since somebody may have answered it before the removal was known");
}

#[test]
fn what_the_remover_had_seen_stays_and_what_came_later_does_not() {
    let mut tale = Tale::party(2, 1);
    tale.then(2, invite(101, 1, true));
    let removal = tale.remove(2);
    tale.then(1, removal);
    let told = tale.told();
    assert_eq!(told.limit(log(2)), Some(1));
    assert!(told.counts(log(2), 1) && !told.counts(log(2), 2));
    assert_eq!(told.invites().len(), 2, "the invite that the remover knew still works");
    assert_eq!(
        told.limit(LogKey { log: LogId([77; 16]), ..log(2) }),
        Some(0),
        "a log that nobody knew has nothing to say"
    );
}

#[test]
fn of_two_removals_the_one_that_had_seen_more_counts() {
    let mut tale = Tale::party(3, 2);
    let seen = tale.all();
    let early = remove(device(3), vec![(log(3).log, 4)]);
    let late = remove(device(3), vec![(log(3).log, 6)]);
    tale.write(log(1), &seen, early);
    tale.write(log(2), &seen, late);
    assert_eq!(tale.told().limit(log(3)), Some(6));
}

#[test]
fn who_comes_back_writes_in_a_new_log_and_the_old_one_stays_closed() {
    let mut tale = Tale::party(2, 0);
    tale.then(2, leave(Vec::new()));
    let told = tale.told();
    assert!(told.has_left(device(2)) && !told.is_member(device(2)));
    let next = told.own_log(log(2));
    assert_ne!(next, log(2));
    let again = tale.admit(100, 2);
    tale.then(0, again);
    let told = tale.told();
    assert!(told.is_member(device(2)) && !told.has_left(device(2)));
    assert_eq!((told.limit(log(2)), told.limit(next)), (Some(1), None));
    // A second time.
    let seen = tale.all();
    tale.write(next, &seen, leave(Vec::new()));
    let again = tale.admit(100, 2);
    tale.then(0, again);
    let told = tale.told();
    assert!(told.is_member(device(2)));
    assert!(![log(2), next].contains(&told.own_log(log(2))));
}

#[test]
fn who_leaves_from_a_second_log_stays_heard_in_the_first() {
    let mut tale = Tale::party(2, 0);
    let first = log(2);
    let seen = tale.all();
    tale.write(first, &seen, Body::Text(crate::wire::Text::plain("hello")));
    let second = LogKey { log: LogId([77; 16]), ..first };
    let seen = tale.all();
    tale.write(second, &seen, leave(vec![(first.log, 1)]));
    let told = tale.told();
    assert!(!told.is_member(device(2)));
    assert_eq!((told.limit(first), told.limit(second)), (Some(1), Some(1)));
    assert_eq!(told.limit(LogKey { log: LogId([78; 16]), ..first }), Some(0));
}

#[test]
fn no_leave_gets_a_removed_member_heard_any_further() {
    let mut tale = Tale::party(3, 1);
    let seen = tale.all();
    let target = log(3);
    let removal = remove(target.author, vec![(target.log, 1)]);
    tale.write(target, &seen, Body::Text(crate::wire::Text::plain("heard")));
    tale.write(log(1), &seen, removal);
    // Beside the removal, so that it may stand on either side of it in the order.
    for n in 0..3 {
        tale.write(target, &[], Body::Text(crate::wire::Text::plain(format!("unheard {n}"))));
    }
    tale.write(target, &[], leave(Vec::new()));
    assert_eq!(tale.told().limit(target), Some(1));
    // And after it.
    let mut tale = Tale::party(3, 1);
    let seen = tale.all();
    tale.write(log(1), &seen, remove(target.author, Vec::new()));
    tale.then(3, Body::Text(crate::wire::Text::plain("unheard")));
    tale.then(3, leave(Vec::new()));
    assert_eq!(tale.told().limit(target), Some(0));
}

#[test]
fn a_removal_that_the_door_had_not_seen_stands() {
    let mut tale = Tale::party(3, 2);
    let seen = tale.all();
    let removal = tale.remove(3);
    let r = tale.write(log(1), &seen, removal.clone());
    // Ben removes too, then lets Dan in again, knowing only of his own removal.
    let b = tale.write(log(2), &seen, removal);
    let mut bens = seen.clone();
    bens.push(b);
    let admit = tale.admit(100, 3);
    tale.write(log(2), &bens, admit);
    assert!(!tale.told().is_member(device(3)), "Ada's removal was not undone by somebody who had not seen it");
    let mut all = tale.all();
    all.push(r);
    let admit = tale.admit(100, 3);
    tale.write(log(2), &all, admit);
    assert!(tale.told().is_member(device(3)), "knowing of both, it is");
}

#[test]
fn a_role_that_is_taken_beside_being_given_is_taken() {
    let mut tale = Tale::party(3, 2);
    tale.then(0, Body::Grant { device: device(3), role: Role::Admin });
    tale.then(0, Body::Revoke { device: device(3), role: Role::Member });
    let seen = tale.all();
    tale.write(log(1), &seen, Body::Grant { device: device(3), role: Role::Admin });
    tale.write(log(2), &seen, Body::Grant { device: device(3), role: Role::Admin });
    let granted = tale.told();
    assert_eq!(granted.role(device(3)), Some(Role::Admin));
    // Another partition, which has seen one of the two grants, takes it.
    let mut one = seen;
    one.push(tale.entries[tale.entries.len() - 2].order.hash);
    tale.write(log(0), &one, Body::Revoke { device: device(3), role: Role::Guest });
    assert_eq!(tale.told().role(device(3)), Some(Role::Guest));
}

#[test]
fn an_invite_counts_by_what_its_door_had_seen() {
    let mut tale = Tale::party(2, 2);
    tale.invite(0, 101, 1, true);
    let seen = tale.all();
    // Two doors that do not know of each other spend its one use: both newcomers are in.
    let (a, b) = (tale.admit(101, 5), tale.admit(101, 6));
    tale.write(log(1), &seen, a);
    tale.write(log(2), &seen, b);
    let told = tale.told();
    assert!(told.is_member(device(5)) && told.is_member(device(6)));
    // A third that knows of them does not.
    let c = tale.admit(101, 7);
    tale.then(1, c);
    assert!(!tale.told().is_member(device(7)));
}

#[test]
fn a_name_comes_from_an_admin_and_the_last_one_counts() {
    let mut tale = Tale::party(2, 1);
    let room = |name: &str| Body::Room(RoomBody { name: Some(name.into()), ..RoomBody::default() });
    tale.then(2, room("Mine"));
    tale.then(1, Body::Room(RoomBody { about: Some("Soup".into()), lives: Some(3600), ..RoomBody::default() }));
    let told = tale.told();
    assert_eq!((told.name(), told.about(), told.lives()), ("Kitchen", "Soup", Some(3600)));
    tale.then(1, room("Hall"));
    tale.then(0, Body::Room(RoomBody { lives: Some(0), ..RoomBody::default() }));
    let told = tale.told();
    assert_eq!((told.name(), told.about(), told.lives()), ("Hall", "Soup", None));
}

#[test]
fn nobody_speaks_for_ever_in_membership_entries() {
    let mut tale = Tale::party(1, 1);
    let all = tale.all();
    let mut seen = vec![all[all.len() - 1]];
    for n in 0..=crate::wire::limits::OPS_PER_AUTHOR {
        let body = Body::Room(RoomBody { about: Some(n.to_string()), ..RoomBody::default() });
        seen = vec![tale.write(log(1), &seen, body)];
    }
    let told = fold(tale.room, &tale.entries);
    assert_eq!(told.about(), (crate::wire::limits::OPS_PER_AUTHOR - 1).to_string());
}

/// What somebody does in a random tale: who, having seen how much of what is there, does what to whom.
type Deed = (u8, u8, u8, u8);

fn random_tale(deeds: &[Deed]) -> Tale {
    let mut tale = Tale::party(4, 2);
    for (n, (who, missed, what, whom)) in deeds.iter().enumerate() {
        let (who, whom) = (who % 8, whom % 8);
        // The newest few are what they had not seen; what they had seen is closed under causes only with its causes.
        let known = tale.entries.len().saturating_sub(usize::from(missed % 6)).max(8);
        let seen: Vec<EntryHash> = tale.entries[..known].iter().map(|entry| entry.order.hash).collect();
        let body = match what % 12 {
            0 | 1 => tale.admit(100, whom),
            2 | 3 => tale.remove(whom),
            4 => Body::Grant { device: device(whom), role: Role::Admin },
            5 => Body::Revoke { device: device(whom), role: if n % 2 == 0 { Role::Guest } else { Role::Member } },
            6 => leave(Vec::new()),
            7 => Body::Room(RoomBody { name: Some(format!("{n}")), ..RoomBody::default() }),
            8 => invite(110 + n as u8, 2, whom % 2 == 0),
            9 => tale.remove_person(who, whom),
            _ => tale.link_as(who, whom),
        };
        tale.write(log(who), &seen, body);
    }
    tale
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_same_entries_make_the_same_room_in_whatever_order_they_come(
        deeds in proptest::collection::vec(any::<Deed>(), 0..40),
    ) {
        let tale = random_tale(&deeds);
        let told = tale.told();
        for device in told.members().keys() {
            prop_assert!(told.knows(*device));
        }
    }

    #[test]
    fn who_is_known_once_is_known_for_good(deeds in proptest::collection::vec(any::<Deed>(), 0..30)) {
        let tale = random_tale(&deeds);
        let mut membership = Membership::new(tale.room);
        let mut known: BTreeSet<DeviceId> = BTreeSet::new();
        for entry in &tale.entries {
            membership.extend([entry]);
            let now: BTreeSet<DeviceId> = (0..8).map(device).filter(|device| membership.knows(*device)).collect();
            prop_assert!(now.is_superset(&known));
            known = now;
        }
    }
}
