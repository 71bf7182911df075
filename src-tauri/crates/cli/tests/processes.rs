//! The binary as scripts and people meet it: lines in, lines out, exit codes, and a browser's requests.

mod common;

use common::{Peer, exit_of, natter, png};
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::process::Stdio;

fn dir() -> tempfile::TempDir {
    tempfile::tempdir().expect("a directory")
}

#[test]
fn a_bot_founds_a_room_and_finds_it_again() {
    let dir = dir();
    let mut peer = Peer::start(dir.path(), &["--name", "Ada", "--unprotected"]);
    let first = peer.first();
    assert_eq!(
        (&first["phase"], &first["me"]["name"], &first["me"]["unprotected"]),
        (&json!("ready"), &json!("Ada"), &json!(true))
    );
    let room = peer.ask(json!({"type": "createRoom", "name": "Kitchen"}))["room"].as_str().expect("an id").to_owned();
    let sent = peer.ask(json!({"type": "sendText", "room": room, "text": "hello 👋"}));
    assert_eq!(sent["type"], "sent");
    let (code, stderr) = peer.end();
    assert_eq!(code, 0);
    assert!(stderr.contains("UNPROTECTED"), "never silent: {stderr}");

    let mut peer = Peer::start(dir.path(), &[]);
    let first = peer.first();
    assert_eq!(first["rooms"][0]["last"]["body"]["text"], "hello 👋");
    peer.terminate();
    assert_eq!(peer.wait().0, 0, "SIGTERM is a clean end");
}

#[test]
fn whatever_is_no_command_is_answered_and_the_next_line_is_heard() {
    let dir = dir();
    let mut peer = Peer::start(dir.path(), &["--name", "Ada", "--unprotected"]);
    peer.first();
    for (line, code) in [
        ("nonsense", "badRequest"),
        (r#"{"id":1}"#, "badRequest"),
        (r#"{"type":"launchRockets"}"#, "badRequest"),
        (r#"{"type":"sendText","room":"x"}"#, "badRequest"),
        (r#"{"type":"sendText","room":"x","text":"hi","colour":"red"}"#, "badRequest"),
        (r#"{"type":"sendText","room":"x","text":"hi"}"#, "noSuchRoom"),
        (r#"{"type":"stageFile"}"#, "badRequest"),
        (r#"{"type":"join","link":"https://example.org"}"#, "inviteNotNatter"),
    ] {
        peer.write(line);
        let answer = peer.answer();
        assert_eq!(answer["error"]["code"], code, "{line}: {answer}");
    }
    peer.write(&format!(r#"{{"type":"readInvite","text":"{}"}}"#, "x".repeat(200_000)));
    assert_eq!(peer.answer()["error"]["code"], "tooLong");
    peer.write(r#"{"type":"snapshot"}"#);
    let answer = peer.answer();
    assert_eq!(
        (&answer["id"], &answer["reply"]["type"]),
        (&Value::Null, &json!("snapshot")),
        "a bare command has no id"
    );
    assert_eq!(peer.ask(json!({"type": "snapshot"}))["snapshot"]["phase"], "ready");
    assert_eq!(peer.end().0, 0);
}

#[test]
fn commands_given_before_the_end_of_stdin_are_still_answered() {
    let dir = dir();
    let mut child = natter(&["peer", "--json", "--no-lan", "--unprotected", "--name", "Ada", "--data-dir"])
        .arg(dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    child
        .stdin
        .take()
        .expect("piped")
        .write_all(b"{\"id\":5,\"command\":{\"type\":\"createRoom\",\"name\":\"x\"}}\n")
        .expect("written");
    let out = child.wait_with_output().expect("ends");
    let lines: Vec<Value> =
        String::from_utf8_lossy(&out.stdout).lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    assert!(out.status.success());
    assert_eq!(lines[0]["type"], "snapshot");
    assert!(lines.iter().any(|line| line["id"] == 5 && line["reply"]["type"] == "room"), "{lines:?}");
}

#[test]
fn a_picture_goes_from_file_to_file() {
    let dir = dir();
    let (from, to) = (dir.path().join("cat.png"), dir.path().join("saved.png"));
    fs::write(&from, png(64, 48)).expect("written");
    let mut peer = Peer::start(&dir.path().join("profile"), &["--name", "Ada", "--unprotected"]);
    peer.first();
    let room = peer.ask(json!({"type": "createRoom", "name": "Kitchen"}))["room"].clone();
    let staged = peer.ask(json!({"type": "stageFile", "path": from}))["staged"].clone();
    assert_eq!((&staged["width"], &staged["height"], &staged["name"]), (&json!(64), &json!(48), &json!("cat.png")));
    let sent = peer.ask(json!({"type": "sendPicture", "room": room, "staged": staged["id"]}));
    let saved = peer.ask(json!({"type": "saveBlob", "room": room, "message": sent["message"], "path": to}));
    assert_eq!(saved["type"], "saved");
    assert_eq!(fs::read(&to).expect("saved"), fs::read(&from).expect("there"));
    assert_eq!(peer.end().0, 0);
}

#[test]
fn a_passphrase_file_opens_what_it_closed_and_a_wrong_one_does_not() {
    let dir = dir();
    let (good, bad, short) = (dir.path().join("good"), dir.path().join("bad"), dir.path().join("short"));
    fs::write(&good, "correct horse battery\n").expect("written");
    fs::write(&bad, "wrong horse battery\n").expect("written");
    fs::write(&short, "short\n").expect("written");
    let profile = dir.path().join("profile");
    let with = |file: &std::path::Path| ["--passphrase-file".to_owned(), file.display().to_string()];
    let refused = exit_of(&profile, &["--name", "Ada", &with(&short)[0], &with(&short)[1]]);
    assert_eq!(refused.0, 7, "{}", refused.1);
    let mut peer = Peer::start(&profile, &["--name", "Ada", &with(&good)[0], &with(&good)[1]]);
    assert_eq!(peer.first()["me"]["unprotected"], false);
    assert!(!peer.end().1.contains("UNPROTECTED"));
    let refused = exit_of(&profile, &[&with(&bad)[0], &with(&bad)[1]]);
    assert_eq!((refused.0, refused.1.lines().count()), (7, 1), "{}", refused.1);
    let missing = exit_of(&profile, &["--passphrase-file", "/nowhere"]);
    assert_eq!(missing.0, 7, "{}", missing.1);
    let mut peer = Peer::start(&profile, &[]);
    assert_eq!(peer.first()["phase"], "locked");
    assert_eq!(peer.error(json!({"type": "createRoom", "name": "x"})), "locked");
    peer.ask(json!({"type": "unlock", "passphrase": "correct horse battery"}));
    assert_eq!(peer.ask(json!({"type": "snapshot"}))["snapshot"]["phase"], "ready");
    assert_eq!(peer.end().0, 0);
}

#[test]
fn each_trouble_has_its_own_line_and_number() {
    let dir = dir();
    let mut peer = Peer::start(dir.path(), &["--name", "Ada", "--unprotected"]);
    peer.first();
    let locked = exit_of(dir.path(), &[]);
    assert_eq!(locked.0, 3, "{}", locked.1);
    assert_eq!(peer.end().0, 0);

    let database = dir.path().join("natter.db");
    let whole = fs::read(&database).expect("there");
    fs::write(&database, &whole[..whole.len() / 2 - 100]).expect("written");
    let damaged = exit_of(dir.path(), &[]);
    assert_eq!(damaged.0, 4, "{}", damaged.1);
    fs::remove_file(&database).expect("removed");
    assert_eq!(exit_of(dir.path(), &[]).0, 4, "a database that is gone is not made anew");

    for bad in [&["--broker", "not a url"][..], &["--ice-server", "http://x"], &["--name", "  "], &["--frobnicate"]] {
        let refused = exit_of(&dir.path().join("other"), bad);
        assert_eq!(refused.0, 64, "{bad:?}: {}", refused.1);
    }
    for told in [&locked.1, &damaged.1] {
        assert!(
            told.lines().filter(|line| line.starts_with("natter-cli: ")).count() == 1 && !told.contains("panicked"),
            "{told}"
        );
    }
}

#[test]
fn serve_says_what_is_in_its_way() {
    let dir = dir();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("bound").to_string();
    let serve = |listen: &str| {
        let out = natter(&["serve", "--listen", listen, "--data-dir"])
            .arg(dir.path().join("profile"))
            .output()
            .expect("runs");
        (out.status.code(), String::from_utf8_lossy(&out.stderr).into_owned())
    };
    let (code, told) = serve(&address);
    assert_eq!((code, told.lines().count()), (Some(2), 1), "{told}");
    let (code, told) = serve("0.0.0.0:0");
    assert_eq!((code, told.lines().count()), (Some(64), 1), "{told}");
    assert!(!dir.path().join("profile").exists(), "the profile stays untouched");
}

#[test]
fn two_processes_meet_by_a_pasted_invite_and_exchange_words_and_a_picture() {
    let dir = dir();
    let mut ada = Peer::start(&dir.path().join("ada"), &["--name", "Ada", "--unprotected"]);
    let mut bob = Peer::start(&dir.path().join("bob"), &["--name", "Bob", "--unprotected"]);
    ada.first();
    bob.first();
    let room = ada.ask(json!({"type": "createRoom", "name": "Kitchen"}))["room"].clone();
    let invite = ada.ask(json!({"type": "createInvite", "room": room}))["invite"].clone();
    bob.ask(json!({"type": "join", "link": format!("come in!\n{}\n", invite["link"].as_str().expect("a link"))}));
    let asked = ada.sees("a request", |c| c["type"] == "room" && c["room"]["requests"][0]["name"] == "Bob");
    ada.ask(json!({"type": "admit", "room": room, "device": asked["room"]["requests"][0]["device"]}));
    bob.sees("the room", |c| {
        c["type"] == "room"
            && c["room"]["name"] == "Kitchen"
            && c["room"]["members"].as_array().is_some_and(|m| m.len() == 2)
    });

    ada.ask(json!({"type": "sendText", "room": room, "text": "over a pipe"}));
    let heard = bob.sees("the words", |c| c["type"] == "message" && c["message"]["body"]["text"] == "over a pipe");
    assert_eq!(heard["message"]["own"], false);
    bob.sees("the ring", |c| c["type"] == "ring" && c["name"] == "Ada" && c["text"] == "over a pipe");

    let (from, to) = (dir.path().join("cat.png"), dir.path().join("saved.png"));
    fs::write(&from, png(320, 200)).expect("written");
    let staged = bob.ask(json!({"type": "stageFile", "path": from}))["staged"]["id"].clone();
    let sent = bob.ask(json!({"type": "sendPicture", "room": room, "staged": staged, "caption": "the cat"}));
    let offered = ada.sees("the offer", |c| c["type"] == "message" && c["message"]["id"] == sent["message"]);
    let blob = offered["message"]["body"]["picture"]["blob"].clone();
    ada.sees("the bytes", |c| {
        c["type"] == "blob" && c["blob"]["blob"] == blob && c["blob"]["transfer"]["type"] == "here"
    });
    ada.ask(json!({"type": "saveBlob", "room": room, "message": sent["message"], "path": to}));
    assert_eq!(fs::read(&to).expect("saved"), fs::read(&from).expect("there"));
    ada.terminate();
    assert_eq!(ada.wait().0, 0);
    bob.sees("Ada gone", |c| {
        c["type"] == "room"
            && c["room"]["members"]
                .as_array()
                .is_some_and(|m| m.iter().any(|m| m["name"] == "Ada" && m["presence"] == "offline"))
    });
    assert_eq!(bob.end().0, 0);
}

#[test]
fn without_a_word_on_protection_and_without_a_keychain_it_says_so_loudly() {
    let dir = dir();
    let mut peer = Peer::start(dir.path(), &["--name", "Ada"]);
    assert_eq!(peer.first()["me"]["unprotected"], true);
    let (code, told) = peer.end();
    assert!(code == 0 && told.contains("UNPROTECTED"), "{told}");
}

#[test]
fn a_profile_without_a_name_waits_to_be_set_up() {
    let dir = dir();
    let mut peer = Peer::start(dir.path(), &[]);
    assert_eq!(peer.first()["phase"], "setup");
    assert_eq!(peer.error(json!({"type": "createRoom", "name": "x"})), "notSetUp");
    let protection = json!({"type": "passphrase", "passphrase": "correct horse"});
    peer.ask(json!({"type": "setup", "name": "Ada", "protection": protection}));
    peer.sees("the phase", |c| c["type"] == "phase" && c["phase"] == "ready");
    assert_eq!(peer.end().0, 0);
}
