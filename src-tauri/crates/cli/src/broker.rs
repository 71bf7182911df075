//! `natter-cli broker`: the signaling broker on its own, for a LAN, a server, or tests.

use crate::failure::Failure;
use crate::options;
use crate::signals::End;
use natter_broker::config::{KEY, SOCKETS, SOCKETS_PER_ADDRESS};
use natter_broker::{Broker, Config, Discovery, Key, Limits, MountPath};
use std::io::Write;
use std::net::SocketAddr;

/// Serves the PeerServer protocol until SIGINT or SIGTERM.
#[derive(Debug, clap::Args)]
pub(crate) struct BrokerArgs {
    /// Where to listen, as ADDRESS:PORT; port 0 takes a free one.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:9000", value_parser = options::listen)]
    listen: SocketAddr,
    /// Where the broker is mounted.
    #[arg(long, default_value_t)]
    path: MountPath,
    /// What clients must say to get a socket.
    #[arg(long, default_value = KEY, value_parser = clap::builder::NonEmptyStringValueParser::new())]
    key: String,
    /// Tells anybody who asks which ids are online (GET …/peers).
    #[arg(long)]
    allow_discovery: bool,
    /// Clients connected at once.
    #[arg(long, value_name = "N", default_value_t = SOCKETS)]
    max_sockets: usize,
    /// Clients connected at once from one address; 0 lifts the limit.
    #[arg(long, value_name = "N", default_value_t = SOCKETS_PER_ADDRESS)]
    max_per_address: usize,
}

/// Serves, and says on one line of stdout where.
pub(crate) async fn run(args: BrokerArgs) -> Result<(), Failure> {
    let per_address = (args.max_per_address > 0).then_some(args.max_per_address);
    let config = Config {
        path: args.path,
        key: Key(args.key),
        discovery: if args.allow_discovery { Discovery::Allowed } else { Discovery::Refused },
        limits: Limits { sockets: args.max_sockets, per_address, ..Limits::default() },
    };
    // Before listening: a signal that comes right after must find us ready.
    let mut end = End::listen()?;
    let broker = Broker::start(args.listen, config).await?;
    let said = writeln!(std::io::stdout(), "listening on {}", broker.url());
    said.map_err(|error| Failure::new(Failure::OTHER, format!("cannot write to stdout: {error}")))?;
    end.asked().await;
    broker.stop().await;
    Ok(())
}
