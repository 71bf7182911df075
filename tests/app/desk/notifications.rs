//! A notification daemon that writes down what it is asked to show (freedesktop.org Desktop Notifications 1.2).

use crate::wait::DEADLINE;
use anyhow::{Context, Result};
use std::collections::HashMap;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;
use zbus::zvariant::OwnedValue;
use zbus::{Connection, connection, interface, object_server::SignalEmitter};

const PATH: &str = "/org/freedesktop/Notifications";

/// What an app asked to be shown.
#[derive(Clone, Debug)]
pub struct Notification {
    /// The daemon's number for it.
    pub id: u32,
    /// Who asks.
    pub app: String,
    /// The title.
    pub summary: String,
    /// The text, with markup.
    pub body: String,
    /// Keys and labels by turns.
    pub actions: Vec<String>,
}

/// The daemon.
pub struct Notifications {
    connection: Connection,
    shown: Mutex<UnboundedReceiver<Notification>>,
}

impl Notifications {
    /// Takes the well-known name on a session bus.
    pub(crate) async fn serve(bus: &str) -> Result<Self> {
        let (tell, shown) = unbounded_channel();
        let daemon = connection::Builder::address(bus)?
            .serve_at(PATH, Daemon { tell, last: 0 })?
            .name("org.freedesktop.Notifications")?
            .build();
        let connection = timeout(DEADLINE, daemon).await.context("the bus does not answer")??;
        Ok(Self { connection, shown: Mutex::new(shown) })
    }

    /// The next notification.
    ///
    /// # Errors
    /// When none comes before the deadline.
    pub async fn next(&self) -> Result<Notification> {
        let next = timeout(DEADLINE, async { self.shown.lock().await.recv().await }).await;
        next.context("no notification came")?.context("the daemon is gone")
    }

    /// Whether none came that was not taken yet.
    pub async fn none(&self) -> bool {
        self.shown.lock().await.is_empty()
    }

    /// A click on it.
    ///
    /// # Errors
    /// When the bus is gone.
    pub async fn click(&self, notification: &Notification) -> Result<()> {
        let daemon = self.connection.object_server().interface::<_, Daemon>(PATH).await?;
        Daemon::action_invoked(daemon.signal_emitter(), notification.id, "default").await?;
        Ok(())
    }
}

struct Daemon {
    tell: UnboundedSender<Notification>,
    last: u32,
}

#[interface(name = "org.freedesktop.Notifications")]
impl Daemon {
    fn get_capabilities(&self) -> Vec<&str> {
        vec!["actions", "body", "body-markup"]
    }

    #[expect(clippy::too_many_arguments, reason = "the specification's signature")]
    fn notify(
        &mut self,
        app: String,
        replaces: u32,
        _icon: String,
        summary: String,
        body: String,
        actions: Vec<String>,
        _hints: HashMap<String, OwnedValue>,
        _expires: i32,
    ) -> u32 {
        self.last += 1;
        let id = if replaces == 0 { self.last } else { replaces };
        // The test may have seen enough and be gone.
        drop(self.tell.send(Notification { id, app, summary, body, actions }));
        id
    }

    async fn close_notification(
        &self,
        id: u32,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
    ) -> zbus::fdo::Result<()> {
        // 3: closed by a call.
        Self::notification_closed(&emitter, id, 3).await?;
        Ok(())
    }

    fn get_server_information(&self) -> (&str, &str, &str, &str) {
        ("natter-tests", "Natter", "1", "1.2")
    }

    #[zbus(signal)]
    async fn action_invoked(emitter: &SignalEmitter<'_>, id: u32, key: &str) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn notification_closed(emitter: &SignalEmitter<'_>, id: u32, reason: u32) -> zbus::Result<()>;
}
