//! What holds the tree together, read off the manifests and the sources as git has them: which crate may know which, that
//! the engine stays pure, what the page may do, how long a file may get, and that no check is left out.
//!
//! A rule that only a page of prose keeps is kept until the first hurry; ARCHITECTURE.md names these and they are here.

mod crates;
mod documents;
mod engine;
mod house;
mod source;
mod window;

use std::path::{Path, PathBuf};
use std::process::Command;

/// The top of the checkout.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the checkout").to_owned()
}

/// A file's text.
fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What git tracks and the working tree still has, relative to the top, with one of these endings.
fn tracked(endings: &[&str]) -> Vec<String> {
    let listed = said("git", &["ls-files", "-z"]);
    let wanted = |path: &&str| endings.is_empty() || endings.iter().any(|ending| path.ends_with(ending));
    listed.split_terminator('\0').filter(wanted).filter(|path| root().join(path).is_file()).map(str::to_owned).collect()
}

/// What a program says when run at the top of the checkout.
fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(root()).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// What cargo says: the one that runs this test, and never the network.
fn cargo(arguments: &[&str]) -> String {
    said(env!("CARGO"), &[arguments, &["--locked", "--offline"]].concat())
}

/// Fails with a line for each offence.
#[track_caller]
fn none(rule: &str, offences: impl IntoIterator<Item = String>) {
    let offences: Vec<String> = offences.into_iter().collect();
    assert!(offences.is_empty(), "{rule}\n  {}", offences.join("\n  "));
}
