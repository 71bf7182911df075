//! TCP connections, counted: the first line against floods, and how a stop knows that everything is closed.
//!
//! The permit lives inside the stream, so it is held for exactly as long as the file descriptor, through the upgrade from
//! HTTP to WebSocket.

use crate::address::{Address, Tally};
use crate::config::{Limits, SPARE_CONNECTIONS, SPARE_CONNECTIONS_PER_ADDRESS};
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;

#[derive(Debug, Default)]
struct Count {
    total: usize,
    by_address: Tally,
}

/// All connections of one broker.
#[derive(Debug)]
pub(crate) struct Connections {
    count: Mutex<Count>,
    open: watch::Sender<usize>,
    most: usize,
    most_per_address: Option<usize>,
}

impl Connections {
    pub(crate) fn new(limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            count: Mutex::default(),
            open: watch::Sender::new(0),
            most: limits.sockets.saturating_add(SPARE_CONNECTIONS),
            most_per_address: limits.per_address.map(|most| most.saturating_add(SPARE_CONNECTIONS_PER_ADDRESS)),
        })
    }

    /// Counts a connection, or `None` when there are as many as there may be.
    pub(crate) fn admit(self: &Arc<Self>, from: IpAddr) -> Option<Permit> {
        let from = Address::from(from);
        let mut count = self.lock();
        let crowded = self.most_per_address.is_some_and(|most| count.by_address.of(from) >= most);
        if crowded || count.total >= self.most {
            return None;
        }
        count.total += 1;
        count.by_address.add(Some(from), 1);
        self.open.send_replace(count.total);
        Some(Permit { of: Arc::clone(self), from })
    }

    /// Waits until every connection is closed.
    pub(crate) async fn closed(&self) {
        self.open.subscribe().wait_for(|open| *open == 0).await.expect("the sender is in self");
    }

    fn lock(&self) -> MutexGuard<'_, Count> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to one connection.
#[derive(Debug)]
pub(crate) struct Permit {
    of: Arc<Connections>,
    from: Address,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut count = self.of.lock();
        count.total -= 1;
        count.by_address.remove(Some(self.from), 1);
        self.of.open.send_replace(count.total);
    }
}

/// A TCP stream that holds its permit. The stream comes first, so it is closed before it is uncounted.
#[derive(Debug)]
pub(crate) struct Counted {
    stream: TcpStream,
    _permit: Permit,
}

impl Counted {
    pub(crate) const fn new(stream: TcpStream, permit: Permit) -> Self {
        Self { stream, _permit: permit }
    }
}

impl AsyncRead for Counted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
