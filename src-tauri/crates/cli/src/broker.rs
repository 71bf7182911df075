//! `natter-cli broker`: the signaling broker on its own, for a LAN, a server, or tests.

use crate::failure::Failure;
use anyhow::Context;
use natter_broker::config::{KEY, SOCKETS, SOCKETS_PER_ADDRESS};
use natter_broker::{BindError, Broker, Config, Discovery, Key, Limits, MountPath};
use std::io::Write;
use std::net::SocketAddr;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Serves the PeerServer protocol until SIGINT or SIGTERM.
#[derive(Debug, clap::Args)]
pub(crate) struct BrokerArgs {
    /// Where to listen, as ADDRESS:PORT; port 0 takes a free one.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:9000")]
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
pub(crate) async fn run(args: BrokerArgs) -> anyhow::Result<()> {
    let per_address = (args.max_per_address > 0).then_some(args.max_per_address);
    let config = Config {
        path: args.path,
        key: Key(args.key),
        discovery: if args.allow_discovery { Discovery::Allowed } else { Discovery::Refused },
        limits: Limits { sockets: args.max_sockets, per_address, ..Limits::default() },
    };
    // Before listening: a signal that comes right after must find us ready.
    let (mut interrupted, mut terminated) = (catch(SignalKind::interrupt())?, catch(SignalKind::terminate())?);
    let broker = match Broker::start(args.listen, config).await {
        Ok(broker) => broker,
        Err(error @ BindError::PortInUse(_)) => {
            eprintln!("natter-cli: {error}");
            std::process::exit(i32::from(Failure::PORT_IN_USE));
        }
        Err(error) => return Err(error.into()),
    };
    writeln!(std::io::stdout(), "listening on {}", broker.url()).context("cannot write to stdout")?;
    tokio::select! {
        _ = interrupted.recv() => {}
        _ = terminated.recv() => {}
    }
    broker.stop().await;
    Ok(())
}

fn catch(kind: SignalKind) -> anyhow::Result<Signal> {
    signal(kind).context("cannot catch signals")
}
