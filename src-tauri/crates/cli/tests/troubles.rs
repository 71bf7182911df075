//! Everything that can be in the way, with real processes: each has its own words, and nothing is lost.

mod common;

use common::liar::{Liar, Lie};
use common::namespace::{Apart, Namespace};
use common::{Peer, exit_of, natter, png};
use serde_json::{Value, json};
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

fn dir() -> tempfile::TempDir {
    tempfile::tempdir().expect("a directory")
}

fn named<'a>(name: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["--unprotected", "--name", name], more].concat()
}

fn person(dir: &Path, name: &str, more: &[&str]) -> Peer {
    let mut peer = Peer::start(&dir.join(name), &named(name, more));
    assert_eq!(peer.first()["phase"], "ready");
    peer
}

fn room(peer: &mut Peer, name: &str) -> Value {
    peer.ask(json!({"type": "createRoom", "name": name}))["room"].clone()
}

fn invite(peer: &mut Peer, room: &Value, more: Value) -> Value {
    let mut command = json!({"type": "createInvite", "room": room, "approval": false});
    command.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    peer.ask(command)["invite"].clone()
}

fn say(peer: &mut Peer, room: &Value, text: &str) {
    assert_eq!(peer.ask(json!({"type": "sendText", "room": room, "text": text}))["type"], "sent");
}

fn hears(peer: &mut Peer, text: &str) {
    peer.sees(text, |c| c["type"] == "message" && c["message"]["body"]["text"] == text);
}

fn is_in(peer: &mut Peer, room: &Value) {
    peer.sees("the room", |c| c["type"] == "room" && c["room"]["id"] == *room && c["room"]["standing"] == "member");
}

/// One line for a person, which says what to do.
fn is_clear(told: &str, words: &[&str]) {
    assert!(told.lines().count() == 1 && told.starts_with("natter-cli: ") && !told.contains("panicked"), "{told}");
    for word in words {
        assert!(told.contains(word), "{word} in: {told}");
    }
}

// ------------------------------------------------------------ invites

#[test]
fn an_invite_that_is_cut_mistyped_or_of_another_app_is_told_apart() {
    let dir = dir();
    let mut ada = person(dir.path(), "Ada", &[]);
    let mut bob = person(dir.path(), "Bob", &[]);
    let room = room(&mut ada, "Kitchen");
    let link = invite(&mut ada, &room, json!({}))["link"].as_str().expect("a link").to_owned();
    let other = if &link[40..41] == "A" { "B" } else { "A" };
    let mistyped = format!("{}{other}{}", &link[..40], &link[41..]);
    let in_two_lines = format!("{}\n{}", &link[..60], &link[60..]);
    for (text, code) in [
        (&link[..link.len() - 5], "inviteCut"),
        (&link[..20], "inviteCut"),
        ("natter://join#", "inviteCut"),
        ("natter://join", "inviteCut"),
        (&mistyped, "inviteCut"),
        (&in_two_lines, "inviteCut"),
        ("https://discord.gg/abcdefg", "inviteNotNatter"),
        ("jami:8c1d3f5a7b9e0d2c4f6a8b0c2d4e6f8a0b1c2d3e", "inviteNotNatter"),
        ("https://signal.group/#CjQKIAtd", "inviteNotNatter"),
        ("tg://join?invite=AAAAAE", "inviteNotNatter"),
        ("matrix:r/room:example.org", "inviteNotNatter"),
        ("", "inviteNotNatter"),
    ] {
        for command in [json!({"type": "readInvite", "text": text}), json!({"type": "join", "link": text})] {
            let refusal = bob.refusal(command);
            assert_eq!(refusal["code"], code, "{text}: {refusal}");
        }
    }
    let state = bob.snapshot();
    assert_eq!((&state["rooms"], &state["joins"]), (&json!([]), &json!([])), "nothing was begun");
    // The whole one still works, with the marks that people put around links.
    bob.ask(json!({"type": "join", "link": format!("here: <{link}>.")}));
    is_in(&mut bob, &room);
}

#[test]
fn an_invite_that_is_over_used_up_withdrawn_or_for_a_room_one_is_in_is_told_apart() {
    let dir = dir();
    let mut ada = person(dir.path(), "Ada", &[]);
    let mut bob = person(dir.path(), "Bob", &[]);
    let mut cleo = person(dir.path(), "Cleo", &[]);
    let room = room(&mut ada, "Kitchen");
    let over = invite(&mut ada, &room, json!({"lifetimeSeconds": 1}));
    let single = invite(&mut ada, &room, json!({"uses": 1}));
    let withdrawn = invite(&mut ada, &room, json!({"uses": 0}));
    ada.ask(json!({"type": "revokeInvite", "room": room, "invite": withdrawn["id"]}));

    let own = ada.refusal(json!({"type": "join", "link": single["link"]}));
    assert_eq!(own["code"], "alreadyMember");
    let read = ada.ask(json!({"type": "readInvite", "text": single["link"]}));
    assert_eq!(read["preview"]["alreadyMember"], true, "who is in is led there");

    bob.ask(json!({"type": "join", "link": single["link"]}));
    is_in(&mut bob, &room);
    assert_eq!(bob.error(json!({"type": "join", "link": single["link"]})), "alreadyMember");

    for (link, progress) in [(&single["link"], "usedUp"), (&withdrawn["link"], "void")] {
        cleo.ask(json!({"type": "join", "link": link}));
        cleo.sees(progress, |c| c["type"] == "join" && c["join"]["progress"] == progress);
        cleo.ask(json!({"type": "cancelJoin", "room": room}));
    }
    let deadline = std::time::Instant::now() + common::SOON;
    loop {
        // A second passes; until then the invite reads as it should.
        match cleo.outcome(json!({"type": "readInvite", "text": over["link"]})) {
            Ok(read) => assert_eq!(read["preview"]["roomName"], "Kitchen"),
            Err(refusal) => {
                assert_eq!(refusal["code"], "inviteExpired", "{refusal}");
                break;
            }
        }
        assert!(std::time::Instant::now() < deadline, "never over");
    }
    assert_eq!(cleo.error(json!({"type": "join", "link": over["link"]})), "inviteExpired");
    let (code, told) = cleo.end();
    assert_eq!(code, 0);
    assert!(told.contains("is used up: ask for a new one"), "{told}");
    assert!(told.contains("was withdrawn: ask for a new one"), "{told}");
}

// ------------------------------------------------------------ brokers

fn broker_state(c: &Value, url: &str) -> Option<Value> {
    let brokers = c["network"]["brokers"].as_array()?;
    brokers.iter().find(|broker| broker["url"] == url).cloned()
}

#[test]
fn brokers_that_lie_or_flood_are_named_and_keep_nobody_from_anybody() {
    let dir = dir();
    let lies = [
        (Lie::WebPage, "misbehaving"),
        (Lie::Redirect, "misbehaving"),
        (Lie::AllTaken, "misbehaving"),
        (Lie::BrokenJson, "misbehaving"),
        (Lie::WrongJson, "misbehaving"),
        (Lie::Binary, "misbehaving"),
        (Lie::HugeFrame, "misbehaving"),
        (Lie::Flood, "misbehaving"),
        (Lie::Full, "full"),
        (Lie::BadKey, "badKey"),
        (Lie::Silence, "unreachable"),
    ];
    let liars: Vec<(Liar, &str)> = lies.iter().map(|(lie, word)| (Liar::start(*lie), *word)).collect();
    let nonsense = Liar::start(Lie::Nonsense);
    let (of_ada, of_bob) = liars.split_at(6);
    let options = |liars: &[(Liar, &str)]| -> Vec<String> {
        liars.iter().flat_map(|(liar, _)| ["--broker".to_owned(), liar.url.clone()]).collect()
    };
    let (mut for_ada, for_bob) = (options(of_ada), options(of_bob));
    for_ada.extend(["--broker".to_owned(), nonsense.url.clone()]);
    let mut ada = person(dir.path(), "Ada", &for_ada.iter().map(String::as_str).collect::<Vec<_>>());
    let mut bob = person(dir.path(), "Bob", &for_bob.iter().map(String::as_str).collect::<Vec<_>>());

    let room = room(&mut ada, "Kitchen");
    let link = invite(&mut ada, &room, json!({}))["link"].clone();
    say(&mut ada, &room, "among liars");
    bob.ask(json!({"type": "join", "link": link}));
    is_in(&mut bob, &room);
    say(&mut bob, &room, "heard you");
    hears(&mut ada, "heard you");
    assert!(bob.words(&room).contains(&"among liars".to_owned()));

    for (peer, liars) in [(&mut ada, of_ada), (&mut bob, of_bob)] {
        for (liar, word) in liars {
            peer.sees(&format!("{} as {word}", liar.url), |c| {
                broker_state(c, &liar.url).is_some_and(|state| state["trouble"] == *word && state["up"] == false)
            });
        }
    }
    let state = ada.snapshot();
    let babbler = broker_state(&state, &nonsense.url).expect("shown");
    assert_eq!((&babbler["up"], &babbler["trouble"]), (&json!(true), &Value::Null), "rubbish is dropped");
    for (liar, _) in &liars {
        // Ada and Bob with a few addresses each: a handful of attempts, no hammering.
        assert!(liar.connections() < 120, "{} was asked {} times", liar.url, liar.connections());
    }
    for (peer, liars) in [(ada, of_ada), (bob, of_bob)] {
        let (code, told) = peer.end();
        assert_eq!(code, 0, "{told}");
        for (liar, _) in liars {
            assert!(told.lines().any(|line| line.starts_with("natter-cli: ") && line.contains(&liar.url)), "{told}");
        }
    }
}

#[test]
fn what_is_written_while_the_broker_is_down_goes_out_when_it_is_up() {
    let dir = dir();
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound").port();
    let url = format!("ws://127.0.0.1:{port}/");
    let options = ["--no-embedded-broker", "--broker", &url];
    let mut ada = person(dir.path(), "Ada", &options);
    let room = room(&mut ada, "Kitchen");
    ada.sees("no answer", |c| broker_state(c, &url).is_some_and(|state| state["trouble"] == "unreachable"));
    say(&mut ada, &room, "anybody?");
    let link = invite(&mut ada, &room, json!({}))["link"].clone();
    let mut bob = person(dir.path(), "Bob", &options);
    bob.ask(json!({"type": "join", "link": link}));
    bob.sees("connecting", |c| c["type"] == "join" && c["join"]["progress"] == "connecting");

    let listen = format!("127.0.0.1:{port}");
    let mut broker = natter(&["broker", "--listen", &listen]).stdout(Stdio::null()).spawn().expect("starts");
    is_in(&mut bob, &room);
    assert!(bob.words(&room).contains(&"anybody?".to_owned()));
    // The link needs no broker.
    broker.kill().and_then(|()| broker.wait()).expect("ended");
    ada.sees("the loss", |c| broker_state(c, &url).is_some_and(|state| !state["trouble"].is_null()));
    say(&mut ada, &room, "still here");
    hears(&mut bob, "still here");
    let (code, told) = ada.end();
    assert_eq!(code, 0);
    assert!(told.contains(&format!("the broker {url} does not answer: check the network")), "{told}");
    assert!(told.contains(&format!("the broker {url} is back")), "{told}");
}

// ------------------------------------------------------------ ports

#[test]
fn a_port_in_use_is_named_by_everything_that_listens() {
    let dir = dir();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("bound");
    let profile = dir.path().join("profile");
    let run = |command: &mut Command| {
        let out = command.stdin(Stdio::null()).output().expect("runs");
        (out.status.code(), String::from_utf8_lossy(&out.stderr).into_owned())
    };
    let port = address.port().to_string();
    for command in ["broker", "serve"] {
        let mut natter = natter(&[command, "--listen", &address.to_string()]);
        if command == "serve" {
            natter.arg("--data-dir").arg(&profile);
        }
        let (code, told) = run(&mut natter);
        assert_eq!(code, Some(2), "{told}");
        is_clear(&told, &[&port, "in use", "--listen"]);
    }
    assert!(!profile.exists(), "the profile stays untouched");
    let (code, told) = run(&mut natter(&["broker", "--listen", "203.0.113.7:9000"]));
    assert_eq!(code, Some(1));
    is_clear(&told, &["not an address of this machine", "--listen"]);
    let (code, told) = run(&mut natter(&["broker", "--listen", "9000"]));
    assert_eq!(code, Some(64));
    assert!(told.contains("such as 127.0.0.1:9000"), "{told}");
}

// ------------------------------------------------------------ the profile

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for file in fs::read_dir(from).expect("read").map(|file| file.expect("read")) {
        if file.path().is_dir() {
            copy(&file.path(), &to.join(file.file_name()));
        } else {
            fs::copy(file.path(), to.join(file.file_name())).expect("copied");
        }
    }
}

/// A damage, by its name.
type Damage<'a> = (&'a str, &'a dyn Fn(&Path));

#[test]
fn a_damaged_profile_is_told_and_its_file_left_as_it_is() {
    let dir = dir();
    let whole = dir.path().join("whole");
    let mut ada = Peer::start(&whole, &named("Ada", &[]));
    ada.first();
    let room = room(&mut ada, "Kitchen");
    for n in 0..60 {
        say(&mut ada, &room, &format!("{n} {}", "x".repeat(4000)));
    }
    assert_eq!(ada.end().0, 0);
    let page = 4096_usize;
    let garbage = |at: usize| {
        move |db: &Path| {
            let mut bytes = fs::read(db).expect("there");
            let end = (at + page).min(bytes.len());
            bytes[at..end].iter_mut().enumerate().for_each(|(n, byte)| *byte ^= n as u8 | 1);
            fs::write(db, bytes).expect("written");
        }
    };
    let cut = |length: u64| {
        move |db: &Path| fs::File::options().write(true).open(db).expect("there").set_len(length).expect("cut")
    };
    let pages = fs::metadata(whole.join("natter.db")).expect("there").len() as usize / page;
    assert!(pages > 40, "{pages}");
    let (zero, one, first, half) = (cut(0), cut(1), cut(page as u64), cut((pages / 2 * page + 77) as u64));
    let (head, second, middle, last) =
        (garbage(0), garbage(page), garbage(pages / 2 * page), garbage((pages - 1) * page));
    let damages: [Damage<'_>; 9] = [
        ("zero bytes", &zero),
        ("one byte", &one),
        ("the first page alone", &first),
        ("cut in half", &half),
        ("the first page garbage", &head),
        ("the second page garbage", &second),
        ("a page in the middle garbage", &middle),
        ("the last page garbage", &last),
        ("another program's file", &|db| fs::write(db, "dear diary ".repeat(2000)).expect("written")),
    ];
    for (name, damage) in damages {
        let hurt = dir.path().join(name);
        copy(&whole, &hurt);
        damage(&hurt.join("natter.db"));
        let before = fs::read(hurt.join("natter.db")).expect("there");
        let (code, told) = exit_of(&hurt, &[]);
        assert_eq!(code, 4, "{name}: {told}");
        is_clear(&told, &[name, "nothing was changed", "backup"]);
        assert!(fs::read(hurt.join("natter.db")).expect("there") == before, "{name}: changed");
        // The backup in its place, and all is there.
        fs::copy(whole.join("natter.db"), hurt.join("natter.db")).expect("restored");
        let mut ada = Peer::start(&hurt, &[]);
        assert_eq!(ada.first()["phase"], "ready", "{name}");
        assert_eq!(ada.words(&room).len(), 60, "{name}");
    }
}

#[test]
fn a_profile_in_use_of_a_newer_natter_without_its_key_or_on_no_disk_is_told_apart() {
    let dir = dir();
    let profile = dir.path().join("profile");
    let mut ada = Peer::start(&profile, &named("Ada", &[]));
    ada.first();
    let room = room(&mut ada, "Kitchen");
    let (code, told) = exit_of(&profile, &[]);
    assert_eq!(code, 3);
    is_clear(&told, &["profile", "another Natter", "close it"]);
    let serve = natter(&["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(&profile).output().expect("runs");
    assert_eq!(serve.status.code(), Some(3));
    is_clear(&String::from_utf8_lossy(&serve.stderr), &["profile", "another Natter", "close it"]);
    say(&mut ada, &room, "undisturbed");
    assert_eq!(ada.end().0, 0);

    let newer = dir.path().join("newer");
    copy(&profile, &newer);
    fs::remove_file(newer.join("UNPROTECTED.key")).expect("there");
    fs::write(newer.join("vault.keychain"), "natter keychain v9\nwhatever comes\n").expect("written");
    let (code, told) = exit_of(&newer, &[]);
    assert_eq!(code, 5, "{told}");
    is_clear(&told, &["newer", "update"]);

    let keyless = dir.path().join("keyless");
    copy(&profile, &keyless);
    fs::remove_file(keyless.join("UNPROTECTED.key")).expect("there");
    let (code, told) = exit_of(&keyless, &["--name", "Ada", "--unprotected"]);
    assert_eq!(code, 4, "{told}");
    is_clear(&told, &["key of this profile is gone", "backup"]);
    assert!(!keyless.join("UNPROTECTED.key").exists(), "no new key over an old database");

    let file = dir.path().join("file");
    fs::write(&file, "not a folder").expect("written");
    let (code, told) = exit_of(&file, &["--name", "Ada", "--unprotected"]);
    assert_eq!(code, 8, "{told}");
    is_clear(&told, &["check that the disk is there"]);
    assert_eq!(fs::read_to_string(&file).expect("there"), "not a folder");
}

// ------------------------------------------------------------ a full disk

#[test]
fn a_full_disk_is_told_loses_nothing_and_goes_on_once_there_is_room() {
    let dir = dir();
    let disk = dir.path().join("disk");
    fs::create_dir(&disk).expect("made");
    let mount = format!("mount -t tmpfs -o size=3m none '{}'", disk.display());
    let Some(space) = Namespace::new(Apart::Mounts, &mount) else { return };
    let resize = |size: &str| space.sh(&format!("mount -o remount,size={size} '{}'", disk.display()));
    let profile = disk.join("profile");
    let start = |more: &[&str]| {
        let mut command = space.command(env!("CARGO_BIN_EXE_natter-cli"));
        command.args(["peer", "--json", "--no-lan", "--data-dir"]).arg(&profile).args(more);
        command
    };
    let mut ada = Peer::spawn(&mut start(&named("Ada", &[])));
    ada.first();
    let room = room(&mut ada, "Kitchen");
    let picture = dir.path().join("cat.png");
    fs::write(&picture, png(64, 48)).expect("written");
    let staged = ada.ask(json!({"type": "stageFile", "path": picture}))["staged"]["id"].clone();

    let mut kept = Vec::new();
    let refusal = loop {
        let text = format!("{} {}", kept.len(), "x".repeat(8000));
        match ada.outcome(json!({"type": "sendText", "room": room, "text": text})) {
            Ok(_) => kept.push(text),
            Err(refusal) => break refusal,
        }
        assert!(kept.len() < 1000, "3 MiB hold no more");
    };
    assert!(kept.len() > 10, "{}", kept.len());
    assert_eq!(refusal["code"], "diskFull", "{refusal}");
    assert!(refusal["message"].as_str().is_some_and(|words| words.contains("nothing was lost")), "{refusal}");
    let send = json!({"type": "sendPicture", "room": room, "staged": staged});
    assert_eq!(ada.error(send.clone()), "diskFull");
    assert_eq!(ada.error(json!({"type": "createRoom", "name": "Cellar"})), "diskFull");
    assert_eq!(ada.words(&room), kept, "all that was acknowledged can be read, and no more");

    // More room than the reserve that pictures leave free.
    resize("200m");
    say(&mut ada, &room, "room again");
    ada.ask(send);
    kept.push("room again".to_owned());
    assert_eq!(ada.words(&room), kept);
    assert_eq!(ada.end().0, 0);

    let filler = profile.with_file_name("filler");
    space.sh(&format!("cat /dev/zero > '{}' 2> /dev/null; true", filler.display()));
    let out = start(&[]).stdin(Stdio::null()).output().expect("runs");
    let told = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(6), "{told}");
    is_clear(&told, &["disk is full", "some space"]);
    space.sh(&format!("rm '{}'", filler.display()));
    let mut ada = Peer::spawn(&mut start(&[]));
    ada.first();
    assert_eq!(ada.words(&room), kept);
    assert_eq!(ada.end().0, 0);
}

// ------------------------------------------------------------ no network

#[test]
fn without_any_network_one_starts_and_writes_and_it_goes_out_later() {
    let dir = dir();
    let Some(net) = Namespace::new(Apart::Network, "true") else { return };
    let start = |name: &str| {
        let mut command = net.command(env!("CARGO_BIN_EXE_natter-cli"));
        command.args(["peer", "--json", "--unprotected", "--data-dir"]).arg(dir.path().join(name));
        let mut peer = Peer::spawn(command.args(["--name", name]));
        assert_eq!(peer.first()["phase"], "ready", "{name} starts without a network");
        peer
    };
    let mut ada = start("Ada");
    let room = room(&mut ada, "Kitchen");
    ada.sees("no way out", |c| {
        c["network"]["brokers"]
            .as_array()
            .is_some_and(|all| !all.is_empty() && all.iter().all(|b| b["trouble"] == "unreachable"))
    });
    say(&mut ada, &room, "alone");
    let link = invite(&mut ada, &room, json!({}))["link"].clone();
    let mut bob = start("Bob");
    bob.ask(json!({"type": "join", "link": link}));
    bob.sees("connecting", |c| c["type"] == "join" && c["join"]["progress"] == "connecting");
    net.sh("ip link set lo up");
    is_in(&mut bob, &room);
    assert!(bob.words(&room).contains(&"alone".to_owned()));

    // Gone again, and written on both sides; then both start anew, still without.
    net.sh("ip link set lo down");
    say(&mut ada, &room, "from ada");
    say(&mut bob, &room, "from bob");
    let (code, told) = ada.end();
    assert!(told.contains("does not answer: check the network") && told.contains("is back"), "{told}");
    assert_eq!((code, bob.end().0), (0, 0));
    let (mut ada, mut bob) = (start("Ada"), start("Bob"));
    say(&mut ada, &room, "again from ada");
    net.sh("ip link set lo up");
    hears(&mut bob, "again from ada");
    hears(&mut ada, "from bob");
    let mut words = (ada.words(&room), bob.words(&room));
    words.0.sort();
    words.1.sort();
    assert_eq!(words.0, ["again from ada", "alone", "from ada", "from bob"]);
    assert_eq!(words.0, words.1);
}
