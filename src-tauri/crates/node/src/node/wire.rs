//! Interim: drives the engine and the store without links, until natter-net is there.

use crate::api::ApiError;
use crate::config::NodeConfig;
use natter_engine::Engine;
use natter_engine::ids::CommandId;
use natter_engine::port::{Boot, Command, Input, Notify, Output, Refusal, Reply};
use natter_engine::time::{Instant, Now, UnixMillis};
use natter_store::sqlite::SqliteStore;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

pub(super) enum FromEngine {
    Reply(CommandId, Result<Reply, Refusal>),
    Notify(Notify),
}

pub(super) struct Wire {
    pub(super) commands: mpsc::Sender<(CommandId, Command)>,
    pub(super) notices: mpsc::Receiver<FromEngine>,
    pub(super) actor: JoinHandle<()>,
}

impl Wire {
    pub(super) fn start(_config: &NodeConfig, store: Arc<SqliteStore>, boot: Boot) -> Result<Self, ApiError> {
        let (commands, mut inbox) = mpsc::channel(256);
        let (tell, notices) = mpsc::channel(1024);
        let (answers, mut answered) = mpsc::unbounded_channel();
        let begin = std::time::Instant::now();
        let now = move || Now {
            mono: Instant(begin.elapsed().as_micros() as u64),
            wall: UnixMillis(
                SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis() as u64
            ),
        };
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|e| ApiError::internal(e.to_string()))?;
        let mut engine = Engine::new(boot, seed, now());
        let worker = natter_store::worker::spawn(store, move |stored| {
            let _ = answers.send(stored);
        })
        .map_err(|e| ApiError::internal(e.to_string()))?;
        let actor = tokio::spawn(async move {
            let mut out = Vec::new();
            loop {
                let wait =
                    engine.next_timeout().map(|(at, _)| at.since(now().mono)).unwrap_or(Duration::from_secs(3600));
                let input = tokio::select! {
                    command = inbox.recv() => match command { Some((id, command)) => Input::Command(id, command), None => return },
                    Some(stored) = answered.recv() => Input::Stored(stored),
                    () = tokio::time::sleep(wait) => Input::Timeout,
                };
                engine.handle(input, now(), &mut out);
                for output in out.drain(..) {
                    match output {
                        Output::Persist(ticket, ops) => drop(worker.persist(ticket, ops)),
                        Output::Fetch(fetch) => drop(worker.fetch(fetch)),
                        Output::Reply(id, answer) => drop(tell.send(FromEngine::Reply(id, answer)).await),
                        Output::Notify(notice) => drop(tell.send(FromEngine::Notify(notice)).await),
                        Output::Link(..) | Output::Signal(_) => {}
                    }
                }
            }
        });
        Ok(Self { commands, notices, actor })
    }
}

pub(super) fn local_addresses() -> Vec<std::net::IpAddr> {
    Vec::new()
}
