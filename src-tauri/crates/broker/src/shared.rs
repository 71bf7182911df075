//! One hub, shared by the sockets of a broker.

use crate::address::Address;
use crate::config::Config;
use crate::hub::{Frame, Hub, SocketId, Wake};
use crate::protocol::{Hello, Refusal};
use std::collections::BTreeMap;
use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Instant;
use tokio::sync::Notify;
use tokio::time::sleep_until;

/// How the hub reaches a socket's task.
#[derive(Debug, Default)]
pub(crate) struct Line {
    /// There is something to take.
    pub(crate) write: Notify,
    /// The last of what there is to take is a close.
    pub(crate) finish: Notify,
    /// The task is to end at once.
    pub(crate) drop: Notify,
}

#[derive(Debug)]
struct State {
    hub: Hub,
    lines: BTreeMap<SocketId, Arc<Line>>,
    /// When the clock task wakes up.
    armed: Option<Instant>,
}

/// The hub, its lines, and the clock that ticks it.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    clock: Arc<Notify>,
    pub(crate) config: Config,
}

impl Shared {
    /// Starts the clock, so it must be called within a Tokio runtime. The clock ends with the last reference.
    pub(crate) fn start(config: Config) -> Arc<Self> {
        let clock = Arc::new(Notify::new());
        let state = State { hub: Hub::new(&config), lines: BTreeMap::new(), armed: None };
        let shared = Arc::new(Self { state: Mutex::new(state), clock: Arc::clone(&clock), config });
        tokio::spawn(tick(Arc::downgrade(&shared), clock));
        shared
    }

    /// Calls the hub, then passes on what it has to say. Nothing here waits, so the lock is never held for long.
    pub(crate) fn with<R>(&self, call: impl FnOnce(&mut Hub, Instant) -> R) -> R {
        self.locked(|state| call(&mut state.hub, now()))
    }

    fn locked<R>(&self, call: impl FnOnce(&mut State) -> R) -> R {
        // A panic inside one call is that connection's end, not the broker's.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let result = call(&mut state);
        for (socket, wake) in state.hub.woken() {
            let Some(line) = state.lines.get(&socket) else { continue };
            match wake {
                Wake::Write => line.write.notify_one(),
                Wake::Finish => {
                    line.finish.notify_one();
                    line.write.notify_one();
                }
                Wake::Drop => line.drop.notify_one(),
            }
        }
        let due = state.hub.next_timeout();
        if due.is_some_and(|due| state.armed.is_none_or(|armed| due < armed)) {
            state.armed = due;
            self.clock.notify_one();
        }
        result
    }

    fn tick(&self) -> Option<Instant> {
        self.locked(|state| {
            state.hub.tick(now());
            state.armed = state.hub.next_timeout();
            state.armed
        })
    }

    /// Attaches a socket; it is detached when the attachment is dropped.
    pub(crate) fn attach(self: &Arc<Self>, hello: &Hello, from: Option<Address>) -> Result<Attached, Refusal> {
        let line = Arc::new(Line::default());
        let socket = self.locked(|state| {
            let socket = state.hub.connect(hello, from, now())?;
            state.lines.insert(socket, Arc::clone(&line));
            Ok(socket)
        })?;
        Ok(Attached { shared: Arc::clone(self), socket, line })
    }
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

async fn tick(shared: Weak<Shared>, clock: Arc<Notify>) {
    while let Some(due) = shared.upgrade().map(|shared| shared.tick()) {
        let sleep = async {
            match due {
                Some(due) => sleep_until(due.into()).await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = sleep => {}
            () = clock.notified() => {}
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.clock.notify_one();
    }
}

/// A socket that serves a client.
#[derive(Debug)]
pub(crate) struct Attached {
    pub(crate) shared: Arc<Shared>,
    pub(crate) socket: SocketId,
    pub(crate) line: Arc<Line>,
}

impl Attached {
    pub(crate) fn receive(&self, frame: Frame<'_>) {
        self.shared.with(|hub, now| hub.receive(self.socket, frame, now));
    }

    /// Frees the id at once; may be called more than once.
    pub(crate) fn detach(&self) {
        self.shared.locked(|state| {
            state.hub.disconnect(self.socket);
            state.lines.remove(&self.socket);
        });
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        self.detach();
    }
}
