//! Compiles the window's configuration and its permissions into the binary.

/// Every command that the page may be allowed to call; `capabilities/main.json` allows them one by one.
const COMMANDS: &[&str] = &["open_external", "request", "save_blob", "stage", "subscribe"];

fn main() {
    let attributes = tauri_build::Attributes::new().app_manifest(tauri_build::AppManifest::new().commands(COMMANDS));
    tauri_build::try_build(attributes).expect("tauri.conf.json and capabilities/ are valid");
}
