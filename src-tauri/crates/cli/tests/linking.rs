//! Two devices made one person's from the command line, as two processes that meet on loopback.

mod common;

use common::{Peer, natter};
use serde_json::json;
use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdout, Stdio};

/// A `natter-cli link`, killed when a test fails.
struct Linking {
    child: Child,
    said: Lines<BufReader<ChildStdout>>,
}

impl Linking {
    fn start(args: &[&str]) -> Self {
        let mut command = natter(&["link", "--no-lan", "--unprotected"]);
        let mut child = command
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        let said = BufReader::new(child.stdout.take().expect("piped")).lines();
        Self { child, said }
    }

    /// The next line with this in it.
    fn says(&mut self, what: &str) -> String {
        self.said.by_ref().map_while(Result::ok).find(|line| line.contains(what)).unwrap_or_else(|| panic!("{what}"))
    }

    fn answer(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().expect("piped"), "{line}").expect("heard");
    }

    fn code(&mut self) -> i32 {
        self.child.wait().expect("ends").code().expect("not killed")
    }
}

impl Drop for Linking {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_second_device_is_linked_after_a_yes_and_has_the_rooms() {
    let dir = tempfile::tempdir().expect("a directory");
    let at = |name: &str| dir.path().join(name).to_str().expect("a plain path").to_owned();
    let (ada, phone, stranger) = (at("ada"), at("phone"), at("stranger"));
    let mut peer = Peer::start(ada.as_ref(), &["--name", "Ada", "--unprotected"]);
    peer.first();
    let room = peer.ask(json!({"type": "createRoom", "name": "Kitchen"}))["room"].clone();
    peer.ask(json!({"type": "sendText", "room": room, "text": "hello"}));
    // Not a code, and one for something else.
    assert_eq!(peer.error(json!({"type": "useDeviceCode", "text": "hello"})), "inviteNotNatter");
    let invite = peer.ask(json!({"type": "createInvite", "room": room}))["invite"]["link"].clone();
    assert_eq!(peer.error(json!({"type": "useDeviceCode", "text": invite})), "otherCode");
    assert_eq!(peer.end().0, 0);

    let mut old = Linking::start(&["--data-dir", &ada]);
    let code = old.says("natter://link#");
    // Whoever comes first and is not meant.
    let mut wrong = Linking::start(&["--data-dir", &stranger, "--name", "Mallory", &code]);
    let asked = old.says("fingerprint");
    let own = wrong.says("fingerprint");
    let shown = own.split("fingerprint is ").nth(1).and_then(|rest| rest.split(':').next()).expect("shown");
    assert!(asked.contains(shown), "{asked} {own}");
    old.answer("no");
    assert_eq!(wrong.code(), 1);
    let mut new = Linking::start(&["--data-dir", &phone, "--name", "Phone", &code]);
    old.says("fingerprint");
    old.answer("yes");
    assert!(new.says("linked").contains("2 devices"));
    assert!(new.says("rooms").contains("1 rooms"));
    assert_eq!((old.code(), new.code()), (0, 0));

    let mut peer = Peer::start(phone.as_ref(), &["--unprotected"]);
    let state = peer.first();
    assert_eq!((&state["me"]["name"], &state["rooms"][0]["name"]), (&json!("Ada"), &json!("Kitchen")));
    assert_eq!(state["devices"]["linked"].as_array().map(Vec::len), Some(2));
    assert_eq!(peer.words(&room), ["hello"]);
    let other = at("third");
    let mut third = Peer::start(other.as_ref(), &["--name", "Third", "--unprotected"]);
    third.first();
    let code = third.ask(json!({"type": "linkDevice"}))["code"]["link"].clone();
    assert_eq!(peer.error(json!({"type": "useDeviceCode", "text": code})), "hasRooms");
}
