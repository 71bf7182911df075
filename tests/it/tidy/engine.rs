//! The engine decides and does nothing else: no clock, no IO, no threads, no chance of its own, and its modules know each
//! other only through the edge.

use super::source::{Source, shipped};
use super::{cargo, none};
use std::collections::BTreeSet;

const ROOT: &str = "src-tauri/crates/engine/src/lib.rs";

/// All of std that the engine may name; what is not here is a question to be asked first. `Instant`, `SystemTime`, `fs`,
/// `net`, `thread`, `env`, `io`, and maps in random order are the ones that must never come.
const STD: &[&str] = &[
    "std::borrow",
    "std::cmp",
    "std::collections::BTreeMap",
    "std::collections::BTreeSet",
    "std::collections::BinaryHeap",
    "std::collections::VecDeque",
    "std::collections::btree_map",
    "std::convert",
    "std::fmt",
    "std::iter",
    "std::mem",
    "std::num",
    "std::ops",
    "std::str",
    // Shares what is never changed; nothing locks.
    "std::sync::Arc",
    "std::time::Duration",
];

/// Crates that read a clock, a socket, a file or the system's chance, or that start threads.
const IMPURE: &[&str] = &[
    "async-io",
    "async-std",
    "crossbeam",
    "fastrand",
    "getrandom",
    "hashbrown",
    "mio",
    "rand",
    "rayon",
    "rustix",
    "smol",
    "socket2",
    "tempfile",
    "time",
    "tokio",
    "web-time",
    "windows-sys",
];

/// Modules that everyone in the engine may import: the edge, and the two that the design names.
const SHARED: &[&str] = &["identity", "ids", "port", "time", "wire"];

/// Modules that stand alone; `engine` puts them together.
const APART: &[&str] = &["files", "identity", "mesh", "messages", "rooms", "signaling", "wire"];

fn is_under(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

#[test]
fn the_engine_names_nothing_that_does_anything() {
    let sources = shipped(ROOT);
    assert!(sources.len() > 25, "the engine's modules are found: {}", sources.len());
    let paths = sources.iter().flat_map(|source| source.resolved().map(move |path| (&source.file, path)));
    let named = paths.filter(|(_, path)| {
        let path = path.replace("core::", "std::").replace("alloc::", "std::");
        is_under(&path, "std") && path != "std" && !STD.iter().any(|allowed| is_under(&path, allowed))
    });
    none("The engine may name only what `STD` lists:", named.map(|(file, path)| format!("{file}: {path}")));

    let speaks =
        ["print", "println", "eprint", "eprintln", "dbg", "thread_local", "env", "option_env", "include_bytes"];
    let called = sources.iter().flat_map(|s| {
        s.macros.iter().filter(|name| speaks.contains(&name.as_str())).map(|name| format!("{}: {name}!", s.file))
    });
    none("The engine neither prints nor reads:", called);
}

#[test]
fn the_engines_modules_meet_only_at_the_edge() {
    let mut offences = Vec::new();
    let sources = shipped(ROOT);
    for source in &sources {
        let Some(own) = source.module.first().filter(|name| APART.contains(&name.as_str())) else { continue };
        offences.extend(
            imports(source)
                .into_iter()
                .filter(|other| other != own && !SHARED.contains(&other.as_str()))
                .map(|other| format!("{}: crate::{other}", source.file)),
        );
    }
    none("A module of the engine imports only `identity`, `wire` and the edge; engine.rs hands it the rest:", offences);
    let modules: BTreeSet<&str> = sources.iter().filter_map(|s| s.module.first()).map(String::as_str).collect();
    let known: BTreeSet<&str> = APART.iter().chain(SHARED).copied().chain(["engine"]).collect();
    assert_eq!(modules, known, "a new module of the engine stands apart, is shared, or is the engine: say which, here");
}

/// The engine's modules that one of them names.
fn imports(source: &Source) -> BTreeSet<String> {
    let named = source.resolved().filter_map(|path| path.strip_prefix("crate::").map(str::to_owned));
    named.map(|path| path.split("::").next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn the_engine_stands_on_nothing_that_does_io() {
    // `cargo tree -p` and not `cargo metadata`: the features are the engine's own, not what the workspace adds to them.
    let tree =
        cargo(&["tree", "--package=natter-engine", "--edges=normal", "--prefix=none", "--target=all", "--format={p}"]);
    let names: BTreeSet<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(names.contains("natter-engine") && names.contains("ed25519-dalek"), "{tree}");
    let found = names
        .into_iter()
        .filter(|name| IMPURE.contains(name) || name.starts_with("tokio") || name.starts_with("tauri"));
    none("The engine's dependencies must not touch the world:", found.map(str::to_owned));
}
