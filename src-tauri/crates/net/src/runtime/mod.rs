//! The `Runtime` that crate `webrtc` runs on: tokio, with four things mended from below (measured in 2026-11 with
//! webrtc 0.21.1).
//!
//! 1. **Sockets** get 4 MiB buffers. The crate never asks for any, and `rtc-sctp` sends in bursts: one burst that the
//!    kernel's default buffer drops stalls for a one-second retransmission timeout. Where the kernel caps them, what is
//!    sent is [paced](pacing) to fit.
//! 2. **Prompt turns.** The driver's loop runs writes, events, reads and then waits for a packet, a command or a timer.
//!    What a packet produced after the writes were polled would wait for the next timer, some 200 ms. So the first
//!    `sleep` of the driver after a packet came or went completes at once, and the loop turns again.
//! 3. **Counting.** Bytes that arrive are [counted](meter), so that a peer which feeds megabytes without ever completing
//!    a message can be cut (RFC 8831 leaves the reassembly buffer of an unfinished message unbounded).
//! 4. **Ends are noticed.** A driver that panics tells nobody; here it does, and the link ends.
//!
//! All links share the runtime that they were opened on: no thread of their own.

mod meter;
mod pacing;

pub(crate) use meter::Meter;

use pacing::{Pacer, SOCKET_BUFFER};
use std::future::Future;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::Interest;
use webrtc::runtime::{
    AsyncInterval, AsyncTcpListener, AsyncTcpStream, AsyncUdpSocket, JoinHandle, RecvMeta, Runtime, TokioRuntime,
    Transmit, UdpSockRef, UdpSocketState,
};

tokio::task_local! {
    /// Set inside the crate's driver, so that its sleeps can be told from those of the link's own tasks.
    static DRIVER: ();
}

/// Tells when the driver is gone, however it went.
struct Ending(Arc<Meter>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.stop();
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
        // The driver is all that the crate spawns without TCP candidates.
        let ending = Ending(Arc::clone(&self.meter));
        self.tokio.spawn(Box::pin(DRIVER.scope((), async move {
            let _ending = ending;
            future.await;
        })))
    }

    fn wrap_udp_socket(&self, socket: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let raw = socket2::SockRef::from(&socket);
        // Less is slower, not broken: the kernel's word is final.
        let _ = raw.set_recv_buffer_size(SOCKET_BUFFER);
        let _ = raw.set_send_buffer_size(SOCKET_BUFFER);
        let pacer = Mutex::new(Pacer::new(raw.recv_buffer_size().unwrap_or(0)));
        socket.set_nonblocking(true)?;
        let io = tokio::net::UdpSocket::from_std(socket)?;
        let batch = UdpSocketState::new(UdpSockRef::from(&io))?;
        Ok(Arc::new(Socket { io, batch, pacer, meter: Arc::clone(&self.meter) }))
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
        if DRIVER.try_with(|()| ()).is_ok() && self.meter.take_touched() {
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
    pacer: Mutex<Pacer>,
    meter: Arc<Meter>,
}

impl Socket {
    fn pacer(&self) -> std::sync::MutexGuard<'_, Pacer> {
        // Nothing panics with the lock held; a bucket is whole at every moment anyway.
        self.pacer.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
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
        ready!(self.pacer().poll_ready(cx));
        loop {
            ready!(self.io.poll_send_ready(cx))?;
            // Through `try_io`, which is how tokio learns that the socket is full.
            let sent = self.io.try_io(Interest::WRITABLE, || {
                self.batch.try_send(UdpSockRef::from(&self.io), transmit).map(|()| transmit.contents.len())
            });
            match sent {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
                Ok(bytes) => {
                    self.pacer().spent(bytes);
                    self.meter.sent(transmit.contents);
                    self.meter.touch();
                    return Poll::Ready(Ok(bytes));
                }
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
                    for (buffer, meta) in bufs.iter().zip(&mut meta[..count]) {
                        // An empty datagram reports stride 0, which the caller divides by.
                        meta.stride = meta.stride.max(1);
                        self.meter.received(&buffer[..meta.len.min(buffer.len())], meta.stride);
                    }
                    self.meter.touch();
                    return Poll::Ready(Ok(count));
                }
            }
        }
    }
}
