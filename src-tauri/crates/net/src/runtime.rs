//! The `Runtime` that crate `webrtc` runs on: tokio, with three things mended from below (WEBRTC measurements).
//!
//! 1. **Sockets** get 4 MiB buffers. The crate never asks for any, and `rtc-sctp` sends in bursts: one burst that the
//!    kernel's default buffer drops stalls for a one-second retransmission timeout.
//! 2. **Prompt turns.** The driver's loop runs writes, events, reads and then waits for a packet, a command or a timer.
//!    What a packet produced after the writes were polled would wait for the next timer, some 200 ms. So the first
//!    `sleep` after a packet completes at once and the loop turns again.
//! 3. **Counting.** Bytes that arrive are counted, so that a peer which feeds megabytes without ever completing a
//!    message can be cut (RFC 8831 leaves the reassembly buffer of an unfinished message unbounded).

use std::future::Future;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::Interest;
use webrtc::runtime::{
    AsyncInterval, AsyncTcpListener, AsyncTcpStream, AsyncUdpSocket, JoinHandle, RecvMeta, Runtime, TokioRuntime,
    Transmit, UdpSockRef, UdpSocketState,
};

/// What the kernel is asked for; it may give less (`net.core.rmem_max`).
pub(crate) const SOCKET_BUFFER: usize = 4 * 1024 * 1024;

/// What one link's sockets saw.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    /// A packet was handled since the driver last went to sleep.
    touched: AtomicBool,
    /// Bytes received since the last complete message.
    unfinished: AtomicU64,
}

impl Meter {
    /// A whole message came out: what came in before it was for something.
    pub(crate) fn message_completed(&self) {
        self.unfinished.store(0, Ordering::Relaxed);
    }

    /// Bytes received since the last complete message.
    pub(crate) fn unfinished(&self) -> u64 {
        self.unfinished.load(Ordering::Relaxed)
    }
}

/// One link's view of the runtime: shared executor, own meter.
#[derive(Debug)]
pub(crate) struct LinkRuntime {
    tokio: TokioRuntime,
    meter: Arc<Meter>,
}

impl LinkRuntime {
    /// A runtime that counts into `meter`.
    pub(crate) fn new(meter: Arc<Meter>) -> Self {
        Self { tokio: TokioRuntime, meter }
    }
}

impl Runtime for LinkRuntime {
    fn spawn(&self, future: Pin<Box<dyn Future<Output = ()> + Send>>) -> Box<dyn JoinHandle> {
        self.tokio.spawn(future)
    }

    fn wrap_udp_socket(&self, socket: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let raw = socket2::SockRef::from(&socket);
        // Less is slower, not broken: the kernel's word is final.
        let _ = raw.set_recv_buffer_size(SOCKET_BUFFER);
        let _ = raw.set_send_buffer_size(SOCKET_BUFFER);
        socket.set_nonblocking(true)?;
        let io = tokio::net::UdpSocket::from_std(socket)?;
        let batch = UdpSocketState::new(UdpSockRef::from(&io))?;
        Ok(Arc::new(Socket { io, batch, meter: Arc::clone(&self.meter) }))
    }

    fn wrap_tcp_listener(&self, listener: std::net::TcpListener) -> io::Result<Arc<dyn AsyncTcpListener>> {
        self.tokio.wrap_tcp_listener(listener)
    }

    fn connect_tcp<'a>(
        &'a self,
        remote: SocketAddr,
    ) -> Pin<Box<dyn Future<Output = io::Result<Arc<dyn AsyncTcpStream>>> + Send + 'a>> {
        self.tokio.connect_tcp(remote)
    }

    fn resolve_host<'a>(
        &'a self,
        host: &'a str,
    ) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>> {
        self.tokio.resolve_host(host)
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + 'static>> {
        if self.meter.touched.swap(false, Ordering::AcqRel) {
            return Box::pin(std::future::ready(()));
        }
        self.tokio.sleep(duration)
    }

    fn interval(&self, period: Duration) -> Box<dyn AsyncInterval> {
        self.tokio.interval(period)
    }

    fn block_on(&self, future: Pin<Box<dyn Future<Output = ()> + '_>>) {
        self.tokio.block_on(future);
    }

    fn yield_now(&self) -> Pin<Box<dyn Future<Output = ()> + Send + 'static>> {
        self.tokio.yield_now()
    }

    fn name(&self) -> &'static str {
        "natter"
    }
}

struct Socket {
    io: tokio::net::UdpSocket,
    batch: UdpSocketState,
    meter: Arc<Meter>,
}

impl std::fmt::Debug for Socket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Socket").finish_non_exhaustive()
    }
}

impl AsyncUdpSocket for Socket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.local_addr()
    }

    fn max_gso_segments(&self) -> usize {
        self.batch.max_gso_segments()
    }

    fn max_gro_segments(&self) -> usize {
        self.batch.gro_segments()
    }

    fn poll_send(&self, cx: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.io.poll_send_ready(cx))?;
            // Through `try_io`, which is how tokio learns that the socket is full.
            let sent = self.io.try_io(Interest::WRITABLE, || {
                self.batch.try_send(UdpSockRef::from(&self.io), transmit).map(|()| transmit.contents.len())
            });
            match sent {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
        }
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.io.poll_recv_ready(cx))?;
            let received = self.io.try_io(Interest::READABLE, || {
                match self.batch.recv(UdpSockRef::from(&self.io), bufs, meta)? {
                    0 => Err(io::ErrorKind::WouldBlock.into()),
                    count => Ok(count),
                }
            });
            match received {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
                Ok(count) => {
                    let mut bytes = 0;
                    for meta in &mut meta[..count] {
                        // An empty datagram reports stride 0, which the caller divides by.
                        meta.stride = meta.stride.max(1);
                        bytes += meta.len as u64;
                    }
                    self.meter.unfinished.fetch_add(bytes, Ordering::Relaxed);
                    self.meter.touched.store(true, Ordering::Release);
                    return Poll::Ready(Ok(count));
                }
            }
        }
    }
}
