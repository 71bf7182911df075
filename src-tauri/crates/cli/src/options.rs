//! What `peer` and `serve` have in common: a profile, opened without a person.

use crate::failure::Failure;
use clap::Args;
use natter_node::api::{Command, Phase, Protection};
use natter_node::{Node, NodeConfig, Unattended};
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Bytes of a passphrase file that are read.
const PASSPHRASE_FILE: u64 = 4096;

/// How the profile is opened.
#[derive(Debug, Args)]
pub(crate) struct NodeOptions {
    /// Your name, for the first start: with it, set-up happens by itself.
    #[arg(long)]
    name: Option<String>,
    /// A broker to use besides the embedded one: ws(s):// or http(s)://, any PeerServer. May be given up to 8 times.
    #[arg(long = "broker", value_name = "URL")]
    brokers: Vec<String>,
    /// A STUN or TURN server: stun:HOST:PORT or turn:USER:PASSWORD@HOST:PORT.
    #[arg(long = "ice-server", value_name = "URL")]
    ice_servers: Vec<String>,
    /// Connect through TURN servers only: members never learn this device's address.
    #[arg(long)]
    relay_only: bool,
    /// Do not let other machines of the local network reach the embedded broker.
    #[arg(long)]
    no_lan: bool,
    /// Run no broker inside.
    #[arg(long)]
    no_embedded_broker: bool,
    /// The file whose first line protects the database.
    #[arg(long, value_name = "FILE", conflicts_with = "unprotected")]
    passphrase_file: Option<PathBuf>,
    /// Keep the database's key in the clear beside it.
    #[arg(long)]
    unprotected: bool,
}

impl NodeOptions {
    /// Opens the profile in a folder, made if it is not there, as far as it goes without a person; says on stderr if it
    /// lies unprotected.
    pub(crate) async fn open(self, dir: PathBuf) -> Result<Node, Failure> {
        let passphrase = self.passphrase_file.as_deref().map(read_passphrase).transpose()?;
        let unattended = match &passphrase {
            Some(passphrase) => Unattended::Passphrase(passphrase.clone()),
            None if self.unprotected => Unattended::Unprotected,
            None => Unattended::KeychainElseUnprotected,
        };
        let name = self.name.clone();
        let of_profile = |error| Failure::of_profile(error, &dir);
        let config = NodeConfig {
            data_dir: dir.clone(),
            brokers: self.brokers,
            ice_servers: self.ice_servers,
            relay_only: self.relay_only,
            lan: !self.no_lan,
            embedded_broker: !self.no_embedded_broker,
            name: self.name,
            unattended: Some(unattended),
        };
        let node = Node::open(config).await?;
        if let Some(error) = node.broken() {
            return Err(of_profile(error));
        }
        let (state, _) = node.subscribe();
        match (state.phase, passphrase, name) {
            // It was tried and did not work: once more, to hear why.
            (Phase::Locked, Some(passphrase), _) => {
                node.request(Command::Unlock { passphrase }).await.map_err(of_profile)?;
            }
            (Phase::Setup, Some(passphrase), Some(name)) => {
                let protection = Protection::Passphrase { passphrase };
                node.request(Command::Setup { name, protection }).await.map_err(of_profile)?;
            }
            (Phase::Setup, None, Some(name)) => {
                let protection = Protection::Unprotected;
                node.request(Command::Setup { name, protection }).await.map_err(of_profile)?;
            }
            (Phase::Setup | Phase::Locked | Phase::Ready | Phase::Broken, ..) => {}
        }
        if node.subscribe().0.me.is_some_and(|me| me.unprotected) {
            eprintln!(
                "natter-cli: WARNING: the key of {} lies UNPROTECTED beside it: whoever reads this disk reads everything. \
                 A profile made with --passphrase-file would not.",
                dir.display()
            );
        }
        Ok(node)
    }
}

/// Reads `--listen`.
pub(crate) fn listen(text: &str) -> Result<SocketAddr, String> {
    let example = "give an IP address and a port, such as 127.0.0.1:9000 or [::1]:9000";
    let numbers = text.strip_prefix("localhost:").map_or_else(|| text.to_owned(), |port| format!("127.0.0.1:{port}"));
    numbers.parse().map_err(|_| example.to_owned())
}

pub(crate) fn read_passphrase(path: &Path) -> Result<String, Failure> {
    let unreadable = |why: String| {
        Failure::new(Failure::PASSPHRASE, format!("cannot read the passphrase from {}: {why}", path.display()))
    };
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(|error| unreadable(error.to_string()))?;
    file.take(PASSPHRASE_FILE).read_to_string(&mut text).map_err(|error| unreadable(error.to_string()))?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(line.to_owned()),
        Some(_) | None => Err(unreadable("its first line is empty".to_owned())),
    }
}
