//! The server: accepts, counts, times out, stops.

use crate::config::{Config, HEAD_BYTES, HEADERS, LINGER, Limits, STOP_GRACE};
use crate::connections::{Connections, Counted};
use crate::http::routes;
use crate::shared::Shared;
use axum::Router;
use axum::extract::{ConnectInfo, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};
use tower::ServiceExt;

/// How long to wait when the machine cannot give us another socket (it is out of file descriptors, mostly).
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Why a broker cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another program listens there.
    #[error("port {} is in use on {} by another program, or another broker", .0.port(), .0.ip())]
    PortInUse(SocketAddr),
    /// The address is not one of this machine's.
    #[error("{} is not an address of this machine", .0.ip())]
    NotOurs(SocketAddr),
    /// The system does not let this user listen there (ports below 1024, mostly).
    #[error("not allowed to listen on port {}; ports from 1024 up need no rights", .0.port())]
    NotAllowed(SocketAddr),
    /// Anything else.
    #[error("cannot listen on {0}: {1}")]
    Io(SocketAddr, #[source] io::Error),
}

/// Listens on `addr`; port 0 takes a free one.
pub async fn bind(addr: SocketAddr) -> Result<TcpListener, BindError> {
    TcpListener::bind(addr).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => BindError::PortInUse(addr),
        io::ErrorKind::AddrNotAvailable => BindError::NotOurs(addr),
        io::ErrorKind::PermissionDenied => BindError::NotAllowed(addr),
        _ => BindError::Io(addr, error),
    })
}

/// Serves until `shutdown` ends, then closes every socket (WebSocket status 1001) and returns when all are closed.
pub async fn serve(listener: TcpListener, config: Config, shutdown: impl Future<Output = ()>) {
    let limits = config.limits.clone();
    let shared = Shared::start(config);
    let app = routes(Arc::clone(&shared));
    let connections = Connections::new(&limits);
    let stopping = watch::Sender::new(());
    let mut http = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            Some(_) = http.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let Some(permit) = connections.admit(peer.ip()) else {
                    tracing::debug!("refused a connection: too many");
                    continue;
                };
                // A signaling frame is small and waited for.
                let _ = stream.set_nodelay(true);
                let stream = Counted::new(stream, permit);
                http.spawn(connection(stream, peer, app.clone(), limits.clone(), stopping.subscribe()));
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept; trying again");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    stopping.send_replace(());
    shared.with(|hub, _| hub.stop());
    if timeout(STOP_GRACE, connections.closed()).await.is_err() {
        shared.with(|hub, _| hub.drop_all());
        http.abort_all();
        // Refused sockets end by themselves within their own linger.
        let _ = timeout(LINGER, connections.closed()).await;
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Plain HTTP on one connection, until it is upgraded or its time is over.
async fn connection(io: Counted, peer: SocketAddr, app: Router, limits: Limits, mut stopping: watch::Receiver<()>) {
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        app.clone().oneshot(request)
    });
    let mut server = http1::Builder::new();
    server
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEADERS);
    let mut serving = pin!(server.serve_connection(TokioIo::new(io), service).with_upgrades());
    let served = timeout(limits.http_lifetime, async {
        tokio::select! {
            served = serving.as_mut() => served,
            _ = stopping.changed() => {
                serving.as_mut().graceful_shutdown();
                serving.await
            }
        }
    });
    match served.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a connection ended badly"),
        Err(_) => tracing::debug!("a connection stayed plain HTTP for too long"),
    }
}

/// A broker that runs in the background.
///
/// Dropping it without [`Broker::stop`] asks it to stop, and does not wait.
#[derive(Debug)]
pub struct Broker {
    local_addr: SocketAddr,
    url: String,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Broker {
    /// Listens on `addr` and serves; port 0 takes a free one. Must be called within a Tokio runtime.
    pub async fn start(addr: SocketAddr, config: Config) -> Result<Self, BindError> {
        let listener = bind(addr).await?;
        let local_addr = listener.local_addr().map_err(|error| BindError::Io(addr, error))?;
        let url = format!("http://{local_addr}{}", config.path);
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(serve(listener, config, async {
            // A dropped handle stops it too.
            let _ = stopped.await;
        }));
        Ok(Self { local_addr, url, stop, serving })
    }

    /// Where it listens, with the port it got.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// `http://ADDR:PORT/path/`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Closes every socket and returns when all are closed and the port is free.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        if let Err(error) = self.serving.await {
            tracing::error!(%error, "the broker did not stop cleanly");
        }
    }
}
