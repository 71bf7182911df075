//! `natter-cli serve`: the app's page in a browser on this machine.
//!
//! A browser is full of other people's pages, and each of them can send requests to 127.0.0.1. So every request is
//! judged twice: by where it comes from (Host, against DNS rebinding; Origin and Sec-Fetch-Site, against other sites) and
//! by what it knows (a token of 256 bits, made for this run, that is printed once and travels in the fragment, which no
//! browser sends to anybody). See [`guard`]. The page itself is in the binary.

mod bytes;
mod guard;
mod page;
mod socket;

use crate::failure::Failure;
use crate::options::{self, NodeOptions};
use crate::signals::End;
use crate::telling;
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use guard::{Guard, Token};
use natter_node::Node;
use natter_node::profile::{APP_ID, DEFAULT_PROFILE, Profile};
use page::Page;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Pages that may be open at one time.
const SOCKETS: usize = 16;
/// Pictures that may be uploaded at one time, each held in memory.
const UPLOADS: usize = 2;

/// Shows the page.
#[derive(Debug, clap::Args)]
pub(crate) struct ServeArgs {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8753", value_parser = options::listen)]
    listen: SocketAddr,
    /// Listen beyond this machine: whoever has the token and can reach the port is you, and nothing is encrypted.
    #[arg(long)]
    expose: bool,
    /// Serve the page from this folder instead of the one in the binary.
    #[arg(long, value_name = "DIR")]
    ui: Option<PathBuf>,
    /// The app's profile to show: a-z, 0-9 and -, at most 32 characters.
    #[arg(long, env = "NATTER_PROFILE", value_name = "NAME", default_value = DEFAULT_PROFILE, value_parser = Profile::parse)]
    profile: Profile,
    /// Where the profile is kept, if not in the app's own folder; made if it is not there.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    node: NodeOptions,
}

/// What every handler has.
#[derive(Clone)]
struct Served {
    node: Node,
    guard: Arc<Guard>,
    page: Arc<Page>,
    sockets: Arc<Semaphore>,
    uploads: Arc<Semaphore>,
}

/// Serves until a signal comes, then says goodbye.
pub(crate) async fn run(args: ServeArgs) -> Result<(), Failure> {
    if !args.listen.ip().is_loopback() && !args.expose {
        return Err(Failure::usage(format!(
            "{} can be reached from other machines, and the page is not encrypted: listen on 127.0.0.1, or add --expose",
            args.listen.ip()
        )));
    }
    let dir = match args.data_dir {
        Some(dir) => dir,
        None => {
            let data = dirs::data_dir().ok_or_else(|| Failure::usage("there is no home: say --data-dir DIR"))?;
            args.profile.folder(&data.join(APP_ID))
        }
    };
    let page = Page::new(args.ui)?;
    let mut end = End::listen()?;
    // The port first: when it is taken, the profile stays untouched.
    let listener = natter_broker::bind(args.listen).await?;
    let address = listener.local_addr().map_err(|error| Failure::new(Failure::OTHER, error))?;
    let token = Token::random().map_err(|error| Failure::new(Failure::OTHER, error))?;
    let node = args.node.open(dir).await?;
    telling::start(node.clone());
    let served = Served {
        node: node.clone(),
        guard: Arc::new(Guard::new(address, token.clone())),
        page: Arc::new(page),
        sockets: Arc::new(Semaphore::new(SOCKETS)),
        uploads: Arc::new(Semaphore::new(UPLOADS)),
    };
    let said = writeln!(io::stdout(), "http://{address}/#token={}", token.text());
    said.map_err(|error| Failure::new(Failure::OTHER, format!("cannot write to stdout: {error}")))?;
    let serving = axum::serve(listener, router(served)).into_future();
    let outcome = tokio::select! {
        outcome = serving => outcome.map_err(|error| Failure::new(Failure::OTHER, error)),
        () = end.asked() => Ok(()),
    };
    node.shutdown().await;
    outcome
}

fn router(served: Served) -> Router {
    let private = Router::new()
        .route("/api", get(socket::open))
        .route("/stage", post(bytes::stage))
        .route("/media/{*path}", get(bytes::media))
        .route_layer(from_fn_with_state(served.clone(), guard::knows_token));
    Router::new()
        .merge(private)
        .fallback(page::show)
        .layer(from_fn_with_state(served.clone(), guard::comes_from_here))
        .with_state(served)
}
