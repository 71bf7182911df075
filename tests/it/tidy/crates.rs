//! Who may depend on whom, and on what from outside.

use super::{cargo, none, read};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// Our crates, what each is built from, and what only its tests may add: engine ← {store, net} ← node ← {natter, cli}.
const DIRECTION: &[(&str, &[&str], &[&str])] = &[
    ("natter-engine", &[], &[]),
    ("natter-store", &["natter-engine"], &[]),
    ("natter-net", &["natter-engine"], &["natter-broker"]),
    ("natter-broker", &[], &[]),
    ("natter-node", &["natter-broker", "natter-engine", "natter-net", "natter-store"], &[]),
    ("natter-cli", &["natter-broker", "natter-node"], &[]),
    ("natter", &["natter-node"], &[]),
    ("natter-sim", &["natter-engine", "natter-store"], &[]),
    (
        "natter-tests",
        &[],
        &["natter-broker", "natter-engine", "natter-net", "natter-node", "natter-sim", "natter-store"],
    ),
    ("natter-app-tests", &[], &[]),
];

static METADATA: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(&cargo(&["metadata", "--format-version=1"])).expect("cargo's own JSON"));

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The workspace's packages.
fn ours() -> impl Iterator<Item = &'static Value> {
    list(&METADATA["packages"]).iter().filter(|package| package["source"].is_null())
}

/// A package's dependencies: true in `wanted(is ours, is only for tests)`.
fn depends(package: &Value, wanted: impl Fn(bool, bool) -> bool) -> BTreeSet<&str> {
    let of = list(&package["dependencies"]).iter();
    of.filter(|d| wanted(!d["path"].is_null(), d["kind"] == "dev")).map(|d| text(&d["name"])).collect()
}

#[test]
fn crates_depend_one_way() {
    let known: BTreeSet<&str> = DIRECTION.iter().map(|(name, ..)| *name).collect();
    assert_eq!(
        ours().map(|package| text(&package["name"])).collect::<BTreeSet<_>>(),
        known,
        "each crate has its place"
    );
    for package in ours() {
        let name = text(&package["name"]);
        let (_, built, tested) = DIRECTION.iter().find(|(known, ..)| *known == name).expect("each has its place");
        let wrong = |found: BTreeSet<&str>, allowed: &[&str]| -> Vec<String> {
            found
                .into_iter()
                .filter(|other| !allowed.contains(other))
                .map(|other| format!("{name} → {other}"))
                .collect()
        };
        none(
            "Dependencies run one way (DESIGN, ARCHITECTURE.md):",
            wrong(depends(package, |ours, dev| ours && !dev), built),
        );
        let allowed = [*built, *tested].concat();
        none("So do those of the tests:", wrong(depends(package, |ours, dev| ours && dev), &allowed));
    }
    // The table itself, against a slip of the pen.
    none(
        "Nobody depends on the window, and the engine on nobody:",
        DIRECTION
            .iter()
            .filter(|(name, built, tested)| {
                built.iter().chain(*tested).any(|other| *other == "natter")
                    || *name == "natter-engine" && !built.is_empty()
            })
            .map(|(name, ..)| (*name).to_owned()),
    );
}

#[test]
fn versions_live_in_the_workspace_and_every_dependency_is_used() {
    let workspace: toml::Table = read("Cargo.toml").parse().expect("TOML");
    let shared = workspace["workspace"]["dependencies"].as_table().expect("a table");
    let mut used = BTreeSet::new();
    let mut offences = Vec::new();
    for package in ours() {
        let manifest = text(&package["manifest_path"]);
        let folder = manifest.strip_suffix("Cargo.toml").expect("a manifest");
        let manifest: toml::Table = read(manifest).parse().expect("TOML");
        let sources = sources_below(folder);
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(section) = manifest.get(section).and_then(toml::Value::as_table) else { continue };
            for (name, wanted) in section {
                if wanted.get("workspace").is_none() {
                    offences.push(format!("{folder}: {name} names a version of its own"));
                }
                let ident = name.replace('-', "_");
                let is_word = |c: char| c.is_alphanumeric() || c == '_';
                if !sources.split(|c| !is_word(c)).any(|word| word == ident) {
                    offences.push(format!("{folder} depends on {name} and never names it"));
                }
                used.insert(name.clone());
            }
        }
    }
    offences.extend(shared.keys().filter(|name| !used.contains(*name)).map(|name| format!("nobody uses {name}")));
    none("Dependencies:", offences);
}

/// All Rust of one package: what stands below its folder and in no other package.
fn sources_below(folder: &str) -> String {
    let nested: Vec<&str> = ours()
        .map(|package| text(&package["manifest_path"]).trim_end_matches("Cargo.toml"))
        .filter(|other| *other != folder && other.starts_with(folder))
        .collect();
    let top = super::root();
    let files = super::tracked(&[".rs"]).into_iter().map(|file| top.join(file));
    let own = files.filter(|file| file.starts_with(folder) && !nested.iter().any(|other| file.starts_with(other)));
    own.map(read).collect()
}

#[test]
fn each_dependency_from_outside_has_its_reason() {
    let architecture = read("src-tauri/ARCHITECTURE.md");
    let section = architecture.split("\n## ").find(|section| section.starts_with("Dependencies")).expect("the section");
    let rows = section.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| crate"));
    let mut explained = BTreeMap::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        assert!(cells.len() == 3 && cells.iter().all(|cell| !cell.is_empty()), "crate, what for, why this one: {row}");
        for name in cells[0].split(", ") {
            assert!(explained.insert(name, row).is_none(), "{name} is explained twice");
        }
    }
    let direct: BTreeSet<&str> = ours().flat_map(|package| depends(package, |ours, _| !ours)).collect();
    let explained: BTreeSet<&str> = explained.into_keys().collect();
    none("ARCHITECTURE.md does not say why:", direct.difference(&explained).map(|name| (*name).to_owned()));
    none("ARCHITECTURE.md explains what nobody uses:", explained.difference(&direct).map(|name| (*name).to_owned()));
}

/// cargo-deny checks this too, and advisories with it; this needs no cargo-deny.
#[test]
fn licences_and_sources_are_those_that_we_allow() {
    let deny: toml::Table = read(".deny.toml").parse().expect("TOML");
    let allowed: Vec<&str> =
        deny["licenses"]["allow"].as_array().expect("a list").iter().filter_map(toml::Value::as_str).collect();
    let banned: Vec<&str> =
        deny["bans"]["deny"].as_array().expect("a list").iter().filter_map(|ban| ban["crate"].as_str()).collect();
    let mut offences = Vec::new();
    for package in list(&METADATA["packages"]).iter().filter(|package| !package["source"].is_null()) {
        let (name, licence) = (text(&package["name"]), text(&package["license"]));
        if package["source"] != "registry+https://github.com/rust-lang/crates.io-index" {
            offences.push(format!("{name} comes from {}", package["source"]));
        }
        if banned.contains(&name) {
            offences.push(format!("{name} is banned in .deny.toml"));
        }
        // Old manifests write `/` for OR.
        let terms = spdx::Expression::parse_mode(licence, spdx::ParseMode::LAX);
        if !terms.is_ok_and(|terms| terms.evaluate(|one| allowed.contains(&one.to_string().as_str()))) {
            offences.push(format!("{name}: `{licence}` is not allowed in .deny.toml"));
        }
    }
    none("Licences and sources:", offences);
}
