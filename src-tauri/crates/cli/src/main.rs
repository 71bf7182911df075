//! `natter-cli`: Natter without a window.
//!
//! - `peer --json` speaks the node's API in JSON lines, for bots, tests and home servers;
//! - `serve` shows the same page as the app in a browser on this machine;
//! - `broker` runs the signaling broker alone;
//! - `link` makes this device and another one person's;
//! - `backup` and `restore` carry a profile out of the house and back.
//!
//! What goes wrong is one line on stderr and an exit code of its own ([`failure`]).

mod backup;
mod broker;
mod failure;
mod link;
mod options;
mod peer;
mod serve;
mod signals;
mod talk;
mod telling;

use clap::{Parser, Subcommand};
use failure::Failure;
use std::process::ExitCode;

/// Group chat between people's own devices, without a window.
#[derive(Debug, Parser)]
#[command(name = "natter-cli", version)]
struct Cli {
    #[command(subcommand)]
    command: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// A device that is driven by JSON lines: commands on stdin, replies and events on stdout.
    Peer(peer::PeerArgs),
    /// The app's page in a browser on this machine.
    Serve(serve::ServeArgs),
    /// The signaling broker alone.
    Broker(broker::BrokerArgs),
    /// Makes two devices one person's: shows a code here, or uses one that another device shows.
    Link(link::LinkArgs),
    /// A whole profile into one file, sealed under a passphrase.
    Backup(backup::BackupArgs),
    /// A profile out of such a file.
    Restore(backup::RestoreArgs),
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers, not errors.
            let usage = error.use_stderr();
            // A closed stdout leaves nobody to tell.
            let _ = error.print();
            return if usage { Failure::USAGE.into() } else { ExitCode::SUCCESS };
        }
    };
    log_to_stderr();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Failure::new(Failure::OTHER, format!("cannot start: {error}")).report(),
    };
    let outcome = runtime.block_on(async {
        match cli.command {
            Action::Peer(args) => peer::run(args).await,
            Action::Serve(args) => serve::run(args).await,
            Action::Broker(args) => broker::run(args).await,
            Action::Link(args) => link::run(args).await,
            Action::Backup(args) => backup::back_up(args).await,
            Action::Restore(args) => backup::restore(args).await,
        }
    });
    // A thread may still wait for a line on stdin that never comes.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// Quiet unless asked by RUST_LOG. Natter's own crates log ids, never keys, words or addresses of people.
fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "error,natter=warn".into());
    let colour = std::io::IsTerminal::is_terminal(&std::io::stderr());
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colour).with_writer(std::io::stderr).init();
}
