//! What the page may do: call our commands and hear our events, with nothing inline and nothing from elsewhere.

use super::source::{Part, Source};
use super::{none, read, tracked};
use serde_json::Value;
use std::collections::BTreeSet;

/// Lines of a command, from its `fn` to its closing brace; it hands on, and the rest is elsewhere.
const COMMAND_LINES: usize = 15;

/// What each of the page's policies must say. Nobody gets more than this; `LOOSE` says who may load from where.
const STRICT: &[(&str, &str)] = &[
    ("default-src", "'none'"),
    ("script-src", "'self'"),
    ("style-src", "'self'"),
    ("base-uri", "'none'"),
    ("form-action", "'none'"),
    ("frame-ancestors", "'none'"),
];

/// Sources that the other directives may name: our own, the window's two schemes, and the socket back to this host.
const LOOSE: &[&str] = &[
    "'self'",
    "blob:",
    "data:",
    "natter-media:",
    "http://natter-media.localhost",
    "ipc:",
    "http://ipc.localhost",
    "{socket}",
];

/// Directives beside `STRICT` that a policy may have.
const OTHERS: &[&str] = &["img-src", "media-src", "connect-src", "font-src", "manifest-src"];

/// Names in quotes between two marks.
fn quoted(text: &str, from: &str, to: &str) -> BTreeSet<String> {
    let (_, rest) = text.split_once(from).unwrap_or_else(|| panic!("no {from}"));
    let (part, _) = rest.split_once(to).unwrap_or_else(|| panic!("no {to} after {from}"));
    part.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The shell's commands with the number of lines of each.
fn commands() -> Vec<(String, String, usize)> {
    let mut found = Vec::new();
    for file in tracked(&[".rs"]).into_iter().filter(|file| file.starts_with("src-tauri/src/")) {
        let text = read(&file);
        for after in text.split("#[tauri::command]\n").skip(1) {
            let (_, rest) = after.split_once("fn ").expect("a command is a function");
            let name = rest.split(['(', '<']).next().expect("a name").to_owned();
            found.push((file.clone(), name, rest.lines().take_while(|line| *line != "}").count() + 1));
        }
        let marked = Source::of(&file, Part::Everything)
            .attributes
            .iter()
            .filter(|name| name.contains("command") && (*name != "command" || file.contains("commands")))
            .count();
        assert_eq!(marked, text.matches("#[tauri::command]\n").count(), "{file}: a command in another form");
    }
    found
}

#[test]
fn the_command_list_is_the_same_everywhere() {
    let written: BTreeSet<String> = commands().into_iter().map(|(_, name, _)| name).collect();
    assert_eq!(quoted(&read("src-tauri/build.rs"), "COMMANDS: &[&str] = &[", "];"), written, "build.rs");

    let shell = read("src-tauri/src/shell.rs");
    let (_, handled) = shell.split_once("generate_handler![").expect("the handler");
    let handled =
        handled.split_once(']').expect("its end").0.split(',').filter_map(|path| path.trim().rsplit("::").next());
    assert_eq!(
        handled.filter(|name| !name.is_empty()).map(str::to_owned).collect::<BTreeSet<_>>(),
        written,
        "shell.rs"
    );

    let mut called = BTreeSet::new();
    for file in tracked(&[".js"]).into_iter().filter(|file| file.starts_with("ui/")) {
        let text = read(&file);
        called.extend(text.split("invoke(\"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned));
        let others = text.matches("invoke(").count() - text.matches("invoke(\"").count();
        // `TauriPort.invoke` itself: its head and the one call inside.
        assert_eq!(
            others,
            if file == "ui/backend/tauri.js" { 2 } else { 0 },
            "{file} calls a command by a computed name"
        );
    }
    assert_eq!(called, written, "what the page calls");

    let capability: Value = serde_json::from_str(&read("src-tauri/capabilities/main.json")).expect("JSON");
    let permitted: BTreeSet<&str> =
        capability["permissions"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    let commands: BTreeSet<String> = written.iter().map(|name| format!("allow-{}", name.replace('_', "-"))).collect();
    let events = ["core:event:allow-listen", "core:event:allow-unlisten"];
    let expected: BTreeSet<&str> = commands.iter().map(String::as_str).chain(events).collect();
    assert_eq!(permitted, expected, "capabilities/main.json allows the commands one by one and events, nothing else");
    assert_eq!(capability["windows"], serde_json::json!(["main"]));
    assert!(capability.get("remote").is_none(), "no other origin may call");
    assert_eq!(
        tracked(&[]).iter().filter(|file| file.starts_with("src-tauri/capabilities/")).count(),
        1,
        "one capability"
    );
}

#[test]
fn a_command_only_hands_on() {
    let long = commands().into_iter().filter(|(_, _, lines)| *lines > COMMAND_LINES);
    none(
        &format!("A command has at most {COMMAND_LINES} lines:"),
        long.map(|(file, name, n)| format!("{file}: {name}, {n}")),
    );
    none(
        "Commands live in src-tauri/src/commands:",
        commands()
            .into_iter()
            .filter(|(file, ..)| !file.starts_with("src-tauri/src/commands/"))
            .map(|(file, name, _)| format!("{file}: {name}")),
    );
}

/// What is loose in a policy.
fn offences(place: &str, policy: &[(String, String)]) -> Vec<String> {
    let said = |name: &str| policy.iter().find(|(directive, _)| directive == name).map(|(_, sources)| sources.as_str());
    let strict = STRICT.iter().filter(|(name, wanted)| said(name) != Some(wanted));
    let strict = strict.map(|(name, wanted)| format!("{place}: {name} is {:?} and must be {wanted}", said(name)));
    let others = policy.iter().filter(|(name, _)| !STRICT.iter().any(|(strict, _)| strict == name));
    let loose = others.flat_map(|(name, sources)| {
        let known = OTHERS.contains(&name.as_str());
        let wrong = sources.split(' ').filter(move |source| !known || !LOOSE.contains(source));
        wrong.map(move |source| format!("{place}: {name} allows {source}"))
    });
    strict.chain(loose).collect()
}

/// A policy as the header writes it.
fn directives(policy: &str) -> Vec<(String, String)> {
    let parts = policy.split(';').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| part.split_once(' ').unwrap_or((part, "")))
        .map(|(name, of)| (name.to_owned(), of.trim().to_owned()))
        .collect()
}

#[test]
fn both_hosts_keep_the_page_on_a_short_lead() {
    let configuration: Value = serde_json::from_str(&read("src-tauri/tauri.conf.json")).expect("JSON");
    let security = &configuration["app"]["security"];
    let window = security["csp"].as_object().expect("one policy, directive by directive");
    let window: Vec<_> =
        window.iter().map(|(name, sources)| (name.clone(), sources.as_str().unwrap_or_default().to_owned())).collect();
    assert!(security.get("dangerousDisableAssetCspModification").is_none() && security.get("devCsp").is_none());
    assert_eq!(security["freezePrototype"], true);
    assert_eq!(security["capabilities"], serde_json::json!(["main"]));

    let page = read("src-tauri/crates/cli/src/serve/page.rs");
    let (_, literal) = page.split_once("\"default-src ").expect("the page's policy");
    let literal = literal.split('"').next().expect("its end").replace("\\\n", " ");
    let served = directives(&format!("default-src {}", literal.split_whitespace().collect::<Vec<_>>().join(" ")));
    none(
        "A policy is looser than the house allows:",
        [offences("tauri.conf.json", &window), offences("natter-cli serve", &served)].concat(),
    );
}

#[test]
fn a_loose_policy_is_found_out() {
    let strict = "default-src 'none'; script-src 'self'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    assert!(offences("here", &directives(strict)).is_empty());
    for (from, to) in [
        ("script-src 'self'", "script-src 'self' 'unsafe-eval'"),
        ("style-src 'self'", "style-src 'self' 'unsafe-inline'"),
        ("; base-uri 'none'", ""),
        ("default-src 'none'", "default-src 'none'; img-src *"),
        ("default-src 'none'", "default-src 'none'; worker-src 'self'"),
        ("default-src 'none'", "default-src 'none'; connect-src https:"),
    ] {
        assert!(!offences("here", &directives(&strict.replace(from, to))).is_empty(), "{to}");
    }
}
