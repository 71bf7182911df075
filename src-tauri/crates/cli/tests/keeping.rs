//! Backups and exported rooms from the command line: what is said, what is left, and the number for each way to fail.

mod common;

use common::{Peer, natter};
use serde_json::json;
use std::fs;
use std::path::Path;

/// Exit code, stdout, stderr.
fn run(args: &[&str]) -> (i32, String, String) {
    let out = natter(args).output().expect("runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (out.status.code().expect("not killed"), text(&out.stdout), text(&out.stderr))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

#[test]
fn a_profile_goes_into_a_file_and_out_again_with_a_number_for_each_way_to_fail() {
    let dir = tempfile::tempdir().expect("a directory");
    let at = |name: &str| dir.path().join(name);
    let [ada, file, good, short] = ["ada", "ada.backup", "good", "short"].map(at);
    fs::write(&good, "correct horse battery\n").expect("written");
    fs::write(&short, "short\n").expect("written");
    let mut peer = Peer::start(&ada, &["--name", "Ada", "--unprotected"]);
    peer.first();
    let room = peer.ask(json!({"type": "createRoom", "name": "Kitchen"}))["room"].as_str().expect("an id").to_owned();
    peer.ask(json!({"type": "sendText", "room": room, "text": "hello"}));
    let back_up = |dir: &Path, words: &Path| {
        run(&["backup", "--data-dir", text(dir), "--to", text(&file), "--backup-passphrase-file", text(words)])
    };
    assert_eq!(back_up(&ada, &good).0, 3, "another Natter has it open");
    // That one can do it itself; and export, and take in again.
    let online = at("online.backup");
    let saved = peer.ask(json!({"type": "backup", "path": text(&online), "passphrase": "correct horse battery"}));
    assert_eq!((&saved["type"], &saved["path"]), (&json!("saved"), &json!(text(&online))));
    assert_eq!(peer.error(json!({"type": "backup", "path": text(&online), "passphrase": "short"})), "weakPassphrase");
    let export = at("kitchen.natter.html");
    peer.ask(json!({"type": "exportRoom", "room": room, "path": text(&export)}));
    assert!(fs::read_to_string(&export).expect("there").contains("hello"));
    let taken = peer.ask(json!({"type": "importRoom", "path": text(&export)}));
    assert_eq!((&taken["type"], &taken["new"], &taken["heldBack"]), (&json!("imported"), &json!(0), &json!(0)));
    assert_eq!(peer.error(json!({"type": "importRoom", "path": text(&online)})), "notNatterFile");
    let restore_here = json!({"type": "restore", "path": text(&online), "passphrase": "correct horse battery",
        "protection": {"type": "unprotected"}});
    assert_eq!(peer.error(restore_here), "profileNotEmpty");
    assert_eq!(peer.end().0, 0);

    assert_eq!(back_up(&ada, &short).0, 7);
    assert_eq!(back_up(&at("nobody"), &good).0, 1, "nothing is there, and nothing is made");
    assert!(!at("nobody").exists() && !file.exists());
    let made = back_up(&ada, &good);
    assert_eq!((made.0, made.1.as_str()), (0, "backed up: 1 rooms, 2 entries, 0 pictures\n"), "{}", made.2);

    let restore = |from: &Path, words: &Path, to: &Path| {
        let words = text(words);
        run(&[
            "restore",
            "--from",
            text(from),
            "--backup-passphrase-file",
            words,
            "--unprotected",
            "--data-dir",
            text(to),
        ])
    };
    let copy = at("copy");
    assert_eq!(restore(&file, &short, &copy).0, 7, "the wrong passphrase");
    assert_eq!(restore(&export, &good, &copy).0, 9, "no backup");
    let mut bent = fs::read(&file).expect("there");
    let last = bent.len() - 1;
    bent[last] ^= 1;
    let damaged = at("damaged");
    fs::write(&damaged, bent).expect("written");
    let refused = restore(&damaged, &good, &copy);
    assert_eq!((refused.0, refused.2.lines().count()), (9, 1), "{}", refused.2);
    assert_eq!(restore(&at("none"), &good, &copy).0, 8);
    assert!(!copy.exists(), "what failed leaves nothing");
    let restored = restore(&file, &good, &copy);
    assert_eq!((restored.0, restored.1.as_str()), (0, "restored: 1 rooms, 2 entries, 0 pictures\n"), "{}", restored.2);
    assert_eq!(restore(&file, &good, &copy).0, 10, "never over something");
    assert_eq!(run(&["restore", "--from", text(&file)]).0, 64);
    let mut peer = Peer::start(&copy, &[]);
    assert_eq!(peer.first()["rooms"][0]["last"]["body"]["text"], "hello");
    assert_eq!(peer.end().0, 0);
}
