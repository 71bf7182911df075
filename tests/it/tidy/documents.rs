//! The documents name what is there.

use super::{none, read, root, tracked};
use std::path::Path;

/// Where a path in a document may start, beside the document's own folder.
const FROM: &[&str] = &["", "src-tauri/", "src-tauri/crates/", "src-tauri/crates/engine/src/"];

#[test]
fn what_the_documents_name_is_there() {
    let documents = tracked(&[".md"]);
    assert!(documents.len() >= 4, "{documents:?}");
    let mut offences = Vec::new();
    for document in documents {
        let text = read(&document);
        let own = Path::new(&document).parent().expect("a folder");
        for named in text.split('`').skip(1).step_by(2).filter(|named| is_path(named)) {
            let named = named.trim_start_matches("../");
            if !FROM.iter().map(Path::new).chain([own]).any(|from| root().join(from).join(named).exists()) {
                offences.push(format!("{document}: `{named}`"));
            }
        }
        for target in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            if !target.is_empty() && !target.contains("://") && !root().join(own).join(target).exists() {
                offences.push(format!("{document}: ]({target})"));
            }
        }
    }
    none("A document names what is not there:", offences);
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
