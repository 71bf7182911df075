//! Natter's window: a thin Tauri shell around [`natter_node::Node`], and no logic of its own.
//!
//! It starts the node for one profile, opens the one window, and carries three things between them: commands and
//! events as the API defines them (`commands/`, `events.rs`), bytes by the `natter-media` scheme (`media.rs`), and
//! what only a desktop can do: notifications, the save dialog, opening links. The page can go nowhere else, call
//! nothing else and load nothing from elsewhere: `tauri.conf.json` and `capabilities/` say so, `tests/it/tidy.rs`
//! keeps them that way.

mod attention;
mod commands;
mod events;
mod external;
mod leaving;
mod media;
mod notify;
mod options;
mod save;
mod shell;
mod upload;
mod window;

use std::process::ExitCode;

/// The desktop's way in: reads the command line, runs until the window closes.
pub fn main() -> ExitCode {
    let options = <options::Options as clap::Parser>::parse();
    let shows = |name| std::env::var_os(name).is_some_and(|display| !display.is_empty());
    if cfg!(target_os = "linux") && !shows("DISPLAY") && !shows("WAYLAND_DISPLAY") {
        eprintln!("natter: there is no display here. `natter-cli serve` shows the same pages in a browser.");
        return ExitCode::from(2);
    }
    shell::run(options)
}

/// The phone's way in.
#[cfg(mobile)]
#[cfg_attr(any(target_os = "android", target_os = "ios"), tauri::mobile_entry_point)]
pub fn mobile() {
    shell::run(options::Options::mobile());
}
