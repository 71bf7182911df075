//! The documents name what is there.

use super::{none, read, root, tracked};

/// Documents whose paths must exist.
const MAPS: &[&str] = &["src-tauri/ARCHITECTURE.md"];

/// Where a path in a document may start.
const FROM: &[&str] = &["", "src-tauri/", "src-tauri/crates/"];

#[test]
fn every_path_in_the_map_exists() {
    let mut offences = Vec::new();
    for map in MAPS {
        let text = read(map);
        for named in text.split('`').skip(1).step_by(2).filter(|named| is_path(named)) {
            let named = named.trim_start_matches("../");
            if !FROM.iter().any(|from| root().join(from).join(named).exists()) {
                offences.push(format!("{map}: {named}"));
            }
        }
    }
    none("The map names what is not there:", offences);
}

fn is_path(named: &str) -> bool {
    let ends =
        [".rs", ".js", ".mjs", ".md", ".json", ".toml", ".d.ts", ".txt", "/"].iter().any(|end| named.ends_with(end));
    (ends || named.contains('/'))
        && named.chars().all(|c| c.is_ascii_alphanumeric() || "./_-".contains(c))
        && !named.starts_with('/')
        && !named.ends_with("/1")
}

#[test]
fn every_crate_is_on_the_map() {
    let map = read("src-tauri/ARCHITECTURE.md");
    let crates =
        tracked(&["/Cargo.toml"]).into_iter().filter_map(|file| Some(file.strip_suffix("/Cargo.toml")?.to_owned()));
    let name = |folder: &String| folder.trim_start_matches("src-tauri/").to_owned();
    none("Not on the map:", crates.filter(|folder| folder != "src-tauri" && !map.contains(&name(folder))));
}
