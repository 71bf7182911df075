//! Every property can fail: each is shown the evidence of an ordinary evening, which it accepts, and then the same with one
//! thing spoilt, to which it must object.

use natter_engine::ids::{DeviceId, EntryHash, RoomId};
use natter_engine::port::{Command, JoinState, OrderKey, Profile, Reply, Role, Standing};
use natter_engine::rooms::Presence;
use natter_engine::time::{Hlc, UnixMillis};
use natter_engine::wire::{Act, Header, RoomBody, Text, kind};
use natter_engine::{Load, ids::LogKey};
use natter_sim::World;
use natter_sim::invariants::evidence::{Account, Evidence};
use natter_sim::invariants::steps::{Fact, INPUTS_PER_SECOND, QUEUE_BYTES, TIMEOUTS_AT_ONCE};
use natter_sim::invariants::{AGREED, End, SOUND, STEPS, check};
use natter_sim::node::NodeId;
use natter_sim::people::PATIENCE;
use std::collections::BTreeSet;
use std::time::Duration;

/// Ada founds a room; Ben, Cleo and Dan come; all that can be said is said; Dan is removed, and they go on.
fn evening() -> Evidence {
    let mut world = World::new(700);
    let all = ["Ada", "Ben", "Cleo", "Dan"].map(|name| world.add(name));
    let [ada, ben, cleo, dan] = all;
    let room = world.gathering(&all);
    let said = world.send(ben, room, "helo");
    let other = world.send(ben, room, "a secret");
    for who in all {
        world.await_entry(who, room, other);
    }
    let about = |world: &mut World, who: NodeId, target: EntryHash, act: Act| {
        assert!(matches!(world.command(who, Command::About { room, target, act }), Ok(Reply::Sent(_))));
    };
    about(&mut world, ben, said, Act::Edit(Text::plain("hello")));
    about(&mut world, cleo, said, Act::React { emoji: "❤️".into(), on: true });
    about(&mut world, ada, said, Act::Pin { on: true });
    about(&mut world, ben, other, Act::Delete);
    let upto = world[cleo].entries(room).last().map(|entry| entry.order).expect("entries");
    assert!(world.command(cleo, Command::MarkRead { room, upto }).is_ok());
    let device = world[cleo].device;
    assert!(world.command(ada, Command::SetRole { room, device, role: Role::Admin }).is_ok());
    let change = RoomBody { name: Some("Hall".into()), ..RoomBody::default() };
    assert!(world.command(ada, Command::SetRoom { room, change }).is_ok());
    world.run(Duration::from_secs(5));
    let device = world[dan].device;
    assert!(world.command(ada, Command::Remove { room, device }).is_ok());
    world.until(PATIENCE, "Dan knows", |world| world[dan].room(room).standing == Standing::Gone);
    world.send(ada, room, "now we can talk");
    world.settle();
    world.evidence()
}

const STRANGER: DeviceId = DeviceId([0x77; 32]);
const NOTHING: EntryHash = EntryHash([0x77; 32]);

/// The record of the nth person.
fn of(evidence: &mut Evidence, n: usize) -> &mut Account {
    evidence.people[n].rooms.values_mut().next().expect("all are in one room")
}

fn ada(evidence: &mut Evidence) -> &mut Account {
    of(evidence, 0)
}

/// Where the first entry of a kind lies.
fn place(account: &Account, kind: u16) -> usize {
    account.entries.iter().position(|entry| entry.kind == kind).expect("one of each was said")
}

/// Spoils one thing.
type Spoil = fn(&mut Evidence);

const SPOILS: &[(&str, Spoil)] = &[
    ("commands end", |e| e.people[0].waiting = 1),
    ("knocks end", |e| {
        e.people[0].knocks.insert(RoomId([9; 32]), (JoinState::Connecting, true));
    }),
    ("all linked", |e| {
        for member in &mut ada(e).view.members {
            member.presence = Presence::Offline;
        }
    }),
    ("same entries", |e| {
        ada(e).entries.pop();
    }),
    ("same members", |e| {
        ada(e).view.members.pop();
    }),
    ("same former", |e| ada(e).view.former.clear()),
    ("same roles", |e| ada(e).view.members[0].role = Role::Guest),
    ("same name", |e| ada(e).view.about = "something else".into()),
    ("same profiles", |e| ada(e).view.members[0].profile = Profile::default()),
    ("same invites", |e| ada(e).view.invites.clear()),
    ("same limits", |e| {
        let log = LogKey { author: STRANGER, log: natter_engine::ids::LogId([9; 16]) };
        ada(e).view.limits.insert(log, 0);
    }),
    ("same payloads", |e| {
        let account = ada(e);
        let at = place(account, kind::TEXT);
        account.entries[at].payload = None;
    }),
    ("same edits", |e| ada(e).related.values_mut().for_each(|said| said.retain(|_| false))),
    ("same reactions", |e| ada(e).related.clear()),
    ("same pins", |e| ada(e).pinned.clear()),
    ("same key", |e| ada(e).epoch = None),
    ("signed reads", |e| {
        let upto = OrderKey { clock: Hlc(1), author: STRANGER, hash: NOTHING };
        ada(e).view.reads.insert(STRANGER, upto);
    }),
    ("receipts complete", |e| {
        let account = ada(e);
        account.held.clear();
        account.view.held.clear();
    }),
    ("acknowledged arrives", |e| {
        let own = ada(e).entries.last().map(|entry| entry.order.hash).expect("entries");
        ada(e).acknowledged.insert(own);
        of(e, 1).entries.pop();
    }),
    ("deleted is gone", |e| {
        let gone = ada(e).entries.iter_mut().find(|entry| entry.kind == kind::TEXT && entry.payload.is_none());
        gone.expect("one was deleted").payload = Some(vec![1]);
    }),
    ("expired is gone", |e| {
        let account = ada(e);
        let at = place(account, kind::TEXT);
        account.entries[at].expires = Some(UnixMillis(1));
    }),
    ("signatures hold", |e| ada(e).entries[3].signature[5] ^= 1),
    ("forgeries are refused", |e| {
        let hash = ada(e).entries[3].order.hash;
        e.forged.insert(hash);
    }),
    ("causes first", |e| ada(e).entries.reverse()),
    ("chains hold", |e| {
        let account = ada(e);
        let at = place(account, kind::TEXT);
        account.entries.remove(at);
    }),
    ("one entry a place", |e| {
        let mut twin = ada(e).entries[3].clone();
        twin.order.hash = NOTHING;
        ada(e).entries.push(twin);
    }),
    ("once on disk", |e| {
        let twin = ada(e).entries[3].clone();
        ada(e).entries.push(twin);
    }),
    ("clocks rise", |e| {
        let account = ada(e);
        let at = place(account, kind::ROOM);
        account.entries[at].order.clock = Hlc(0);
    }),
    ("own clocks rise", |e| {
        let account = ada(e);
        let at = place(account, kind::ROOM);
        let mut header = Header::decode(&account.entries[at].header).expect("a header");
        header.clock = Hlc(1);
        account.entries[at].header = header.encode();
    }),
    ("shown times are sane", |e| {
        let last = ada(e).entries.last_mut().expect("entries");
        last.shown = UnixMillis(last.first_seen.0 + 3_600_000);
    }),
    ("only the admitted", |e| ada(e).entries.last_mut().expect("entries").order.author = STRANGER),
    ("roles are given", |e| {
        let ben = e.people[1].device;
        let member = ada(e).view.members.iter_mut().find(|member| member.device == ben);
        member.expect("Ben is in").role = Role::Admin;
    }),
    ("one founder", |e| {
        let ben = e.people[1].device;
        let member = ada(e).view.members.iter_mut().find(|member| member.device == ben);
        member.expect("Ben is in").role = Role::Creator;
    }),
    ("the founder stays", |e| {
        let founder = e.people[0].device;
        of(e, 1).view.members.retain(|member| member.device != founder);
    }),
    ("out by right", |e| ada(e).view.former.push((STRANGER, Profile::default()))),
    ("named by right", |e| ada(e).view.name = "Mine".into()),
    ("in by invite", |e| ada(e).view.members[0].device = STRANGER),
    ("accomplices stay out", |e| {
        let ben = e.people[1].device;
        e.accomplices.insert(ben, STRANGER);
    }),
    ("all is shown", |e| ada(e).shown.clear()),
    ("shown is there", |e| {
        ada(e).shown.insert(NOTHING);
    }),
    ("acknowledged stays", |e| {
        ada(e).acknowledged.insert(NOTHING);
    }),
    ("a restart finds it", |e| ada(e).heads.clear()),
    ("views are true", |e| {
        let member = &mut ada(e).view.members[0];
        let log = LogKey { author: member.device, log: natter_engine::ids::LogId([9; 16]) };
        member.heads.insert(log, 999);
    }),
    ("who is in knows it", |e| ada(e).view.standing = Standing::Gone),
    ("forgotten is gone", |e| e.people[0].leftovers = 1),
    ("removed reads nothing", |e| {
        let all = ada(e).entries.clone();
        of(e, 3).entries = all;
    }),
];

/// What would be wrong at a step.
fn wrong_facts(evidence: &Evidence) -> Vec<(&'static str, Fact<'_>)> {
    let entry = &evidence.people[0].rooms.values().next().expect("a room").entries[3];
    let upto = |n| OrderKey { clock: Hlc(n), author: STRANGER, hash: NOTHING };
    vec![
        ("told once", Fact::Shows { entry, again: true }),
        ("sent is durable", Fact::Sent { durable: false }),
        ("answered once", Fact::Answers { asked: false }),
        ("held rises", Fact::Held { had: Some(5), seq: 4, truly: Some(true) }),
        ("held is true", Fact::Held { had: Some(5), seq: 6, truly: Some(false) }),
        ("reading rises", Fact::Read { had: Some(upto(5)), upto: upto(4) }),
        ("members type", Fact::Typing { who: STRANGER, member: false }),
        ("inputs are few", Fact::Input(INPUTS_PER_SECOND + 1)),
        ("timers move", Fact::Timer(TIMEOUTS_AT_ONCE + 1)),
        ("frames fit", Fact::Frame { bytes: natter_engine::wire::limits::FRAME_BYTES + 1, open: true }),
        ("frames fit", Fact::Frame { bytes: 1, open: false }),
        ("queues fit", Fact::Queue(QUEUE_BYTES + 1)),
        ("envelopes fit", Fact::Envelope(natter_engine::wire::limits::ENVELOPE_BYTES + 1)),
        ("envelopes fit", Fact::Candidate(natter_engine::wire::limits::CANDIDATE_BYTES + 1)),
        ("envelopes fit", Fact::Claims("not letters and digits!")),
        ("links are new", Fact::Opens { used: true }),
        ("the disk can", Fact::Disk { refused: "no such room" }),
        ("limits hold", Fact::Load(Load { rooms: natter_engine::wire::limits::ROOMS + 1, ..Load::default() })),
    ]
}

fn right_facts(evidence: &Evidence) -> Vec<Fact<'_>> {
    let entry = &evidence.people[0].rooms.values().next().expect("a room").entries[3];
    vec![
        Fact::Shows { entry, again: false },
        Fact::Sent { durable: true },
        Fact::Answers { asked: true },
        Fact::Held { had: None, seq: 1, truly: Some(true) },
        Fact::Held { had: Some(1), seq: 2, truly: None },
        Fact::Typing { who: STRANGER, member: true },
        Fact::Input(INPUTS_PER_SECOND),
        Fact::Timer(1),
        Fact::Frame { bytes: 100, open: true },
        Fact::Queue(QUEUE_BYTES),
        Fact::Envelope(10),
        Fact::Candidate(10),
        Fact::Claims("abc123"),
        Fact::Opens { used: false },
        Fact::Load(Load::default()),
    ]
}

#[test]
fn every_property_accepts_an_ordinary_evening_and_objects_to_what_it_is_there_for() {
    let good = evening();
    assert_eq!(check(AGREED, &good).and_then(|()| check(SOUND, &good)), Ok(()));
    let properties: Vec<&End> = AGREED.iter().chain(SOUND).collect();
    let mut credulous = Vec::new();
    for property in &properties {
        let spoil = SPOILS.iter().find(|(name, _)| *name == property.name);
        let (_, spoil) = spoil.unwrap_or_else(|| panic!("nobody has seen \"{}\" object", property.name));
        let mut bad = good.clone();
        spoil(&mut bad);
        if (property.check)(&bad).is_ok() {
            credulous.push(property.name);
        }
    }
    assert_eq!(credulous, [""; 0], "these accept what is wrong");
    assert_eq!(SPOILS.len(), properties.len(), "each has one way to fail");
}

#[test]
fn every_step_property_objects_to_what_it_is_there_for() {
    let evidence = evening();
    for property in STEPS {
        for fact in right_facts(&evidence) {
            assert_eq!((property.check)(&fact), Ok(()), "\"{}\"", property.name);
        }
    }
    let mut seen = BTreeSet::new();
    for (name, fact) in wrong_facts(&evidence) {
        let property = STEPS.iter().find(|property| property.name == name).expect("of the list");
        assert!((property.check)(&fact).is_err(), "\"{name}\" accepts what is wrong");
        seen.insert(name);
    }
    // Shown as somebody else's than whoever signed.
    let mut stolen = evidence.people[0].rooms.values().next().expect("a room").entries[3].clone();
    stolen.order.author = STRANGER;
    let property = STEPS.iter().find(|property| property.name == "sender signed").expect("of the list");
    assert!((property.check)(&Fact::Shows { entry: &stolen, again: false }).is_err());
    seen.insert("sender signed");
    assert_eq!(seen.len(), STEPS.len(), "each was seen to object");
}

#[test]
fn the_names_of_properties_differ_and_there_are_enough_of_them() {
    let names: Vec<&str> =
        STEPS.iter().map(|step| step.name).chain(AGREED.iter().chain(SOUND).map(|end| end.name)).collect();
    let different: BTreeSet<&&str> = names.iter().collect();
    assert_eq!(different.len(), names.len());
    assert!(names.len() >= 30, "{} properties", names.len());
}
