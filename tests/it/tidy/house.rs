//! What holds for every file: where it may stand, how long it may get, and that no test is left out.

use super::source::{Part, Source};
use super::{none, read, tracked};
use std::collections::BTreeSet;

/// The top of the tree, as the user asked for it. Dot-files stand beside it.
const TOP: &[&str] =
    &["Cargo.lock", "Cargo.toml", "LICENSE", "Makefile", "README.md", "icons", "src-tauri", "tests", "ui"];

/// Lines that a file may have at most: more than that and it does two things.
const CAPS: &[(&str, usize)] = &[(".rs", 900), (".js", 250), (".mjs", 250)];

/// Files that may be longer. There are none.
const LONGER: &[&str] = &[];

#[test]
fn the_top_of_the_tree_is_what_was_asked_for() {
    let top: BTreeSet<String> = tracked(&[])
        .iter()
        .filter_map(|path| path.split('/').next())
        .filter(|name| !name.starts_with('.'))
        .map(str::to_owned)
        .collect();
    assert_eq!(top, TOP.iter().map(|name| (*name).to_owned()).collect());
}

#[test]
fn no_file_is_too_long() {
    let mut offences = Vec::new();
    for (ending, cap) in CAPS {
        for file in tracked(&[ending]).into_iter().filter(|file| !LONGER.contains(&file.as_str())) {
            let lines = read(&file).lines().count();
            if lines > *cap {
                offences.push(format!("{file}: {lines} lines, {cap} at most"));
            }
        }
    }
    none("Files that do too much:", offences);
}

/// Words that no file may hold; this one writes them in two halves.
const UNFINISHED: &[(&str, &[&str])] = &[
    (concat!("not ", "implemented"), &[".rs", ".js", ".mjs", ".html", ".css", ".json"]),
    (concat!("FIX", "ME"), &[".rs", ".js", ".mjs", ".html", ".css"]),
    (concat!("TO", "DO"), &[".rs", ".js", ".mjs", ".html", ".css"]),
    (concat!(".sk", "ip("), &[".mjs"]),
    (concat!(".on", "ly("), &[".mjs"]),
    (concat!("{ sk", "ip:"), &[".mjs"]),
    (concat!("{ to", "do:"), &[".mjs"]),
];

#[test]
fn nothing_is_left_undone_and_no_test_left_out() {
    let mut offences = Vec::new();
    for (words, endings) in UNFINISHED {
        let found = tracked(endings)
            .into_iter()
            .filter(|file| !file.ends_with("package-lock.json") && read(file).contains(words));
        offences.extend(found.map(|file| format!("{file}: {words}")));
    }
    for file in tracked(&[".rs"]) {
        let source = Source::of(&file, Part::Everything);
        let undone = source.macros.iter().filter(|name| ["todo", "unimplemented", "dbg"].contains(&name.as_str()));
        offences.extend(undone.map(|name| format!("{file}: {name}!")));
        offences
            .extend(source.attributes.iter().filter(|name| *name == "ignore").map(|_| format!("{file}: #[ignore]")));
    }
    none("Unfinished, or a test that does not run:", offences);
}

#[test]
fn a_test_waits_for_a_condition_and_never_for_a_time() {
    let is_test = |file: &String| file.starts_with("tests/") || file.contains("/tests/") || file.ends_with("/tests.rs");
    let asleep = tracked(&[".rs"]).into_iter().filter(is_test).filter(|file| {
        let source = Source::of(file, Part::Everything);
        source
            .resolved()
            .any(|path| ["time::sleep", "thread::sleep", "time::sleep_until"].iter().any(|sleep| path.ends_with(sleep)))
    });
    none("Sleeps in tests:", asleep);
}

/// A script that counts checks and prints `N passed, N failed` is one that CI must run; `bench` prints figures.
#[test]
fn ci_runs_every_script_that_prints_results() {
    let stages = read(".ci/test");
    let prints = |file: &String| {
        file.starts_with("tests/ui/") && read(file).lines().any(|line| line == "finish();" || line == "report();")
    };
    let scripts: Vec<String> = tracked(&[".mjs"]).into_iter().filter(prints).collect();
    assert!(scripts.len() >= 5, "the scripts are found: {scripts:?}");
    none(
        "Add a stage to .ci/test for:",
        scripts.iter().filter(|file| !stages.contains(&format!("node {file}\n"))).cloned(),
    );
    let gone = stages
        .lines()
        .filter_map(|line| line.split(" node ").nth(1))
        .filter(|script| !scripts.iter().any(|one| one == script));
    none(".ci/test runs what is not there, or what ends without its result:", gone.map(str::to_owned));
    for stage in [
        "cargo fmt",
        "cargo clippy --workspace",
        "cargo doc --workspace",
        "cargo test --workspace",
        ".ci/deny",
        "run --silent unit",
        "run --silent types",
    ] {
        assert!(stages.contains(stage), ".ci/test has no stage `{stage}`");
    }
}

/// What lies in .ci is called by something.
#[test]
fn no_script_is_a_leftover() {
    let callers: String =
        tracked(&[]).iter().filter(|file| *file == "Makefile" || file.starts_with(".ci/")).map(read).collect();
    let unused = tracked(&[])
        .into_iter()
        .filter(|file| file.starts_with(".ci/") && file != ".ci/run" && !callers.contains(file.as_str()));
    none("Nobody calls:", unused);
}
