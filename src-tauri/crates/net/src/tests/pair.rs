//! Two links in one process, told and asked as the engine would.

use super::disk::Disk;
use crate::config::NetConfig;
use crate::link::Link;
use natter_engine::ids::LinkId;
use natter_engine::port::{CloseReason, LinkCommand, LinkEvent, LinkPurpose, SessionParams};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Longer than anything here takes on a busy machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// More than any side here has to say: a link waits for whoever does not listen, and so would its peer.
const EVENTS: usize = 1024;

/// One side: a link and what it said.
pub(super) struct Side {
    pub(super) link: Link,
    pub(super) disk: Disk,
    events: mpsc::Receiver<(LinkId, LinkEvent)>,
}

impl Side {
    pub(super) fn open(purpose: LinkPurpose, remote: Option<SessionParams>) -> Self {
        Self::with(purpose, remote, Disk::default(), NetConfig { loopback: true, ..NetConfig::default() })
    }

    pub(super) fn with(purpose: LinkPurpose, remote: Option<SessionParams>, disk: Disk, config: NetConfig) -> Self {
        let (told, events) = mpsc::channel(EVENTS);
        let link = Link::open(LinkId(1), purpose, remote, Arc::new(config), Arc::new(disk.clone()), told);
        Self { link, disk, events }
    }

    pub(super) fn command(&self, command: LinkCommand) {
        assert!(self.link.command(command), "the link is gone");
    }

    /// The next event, without candidates and drains.
    pub(super) async fn event(&mut self) -> LinkEvent {
        loop {
            let event = tokio::time::timeout(PATIENCE, self.events.recv()).await.expect("an event in time");
            match event.expect("the link says how it ended").1 {
                LinkEvent::Candidate(_) | LinkEvent::Drained(_) => {}
                event => return event,
            }
        }
    }

    pub(super) async fn described(&mut self) -> SessionParams {
        match self.event().await {
            LinkEvent::Described(params) => params,
            other => panic!("expected a description, got {other:?}"),
        }
    }

    pub(super) async fn opened(&mut self) -> [[u8; 32]; 2] {
        match self.event().await {
            LinkEvent::Open { local, remote } => [local, remote],
            other => panic!("expected the channel to open, got {other:?}"),
        }
    }

    pub(super) async fn message(&mut self) -> Vec<u8> {
        match self.event().await {
            LinkEvent::Message(bytes) => bytes,
            other => panic!("expected a message, got {other:?}"),
        }
    }

    /// How the link ended; what it says before is dropped.
    pub(super) async fn closed(&mut self) -> CloseReason {
        loop {
            if let LinkEvent::Closed(reason) = self.event().await {
                return reason;
            }
        }
    }

    /// Every event until the link's tasks are gone.
    pub(super) async fn rest(mut self) -> Vec<LinkEvent> {
        drop(self.link);
        let mut rest = Vec::new();
        while let Some((_, event)) = tokio::time::timeout(PATIENCE, self.events.recv()).await.expect("an end in time") {
            rest.push(event);
        }
        rest
    }

    /// The raw events, with their times of arrival left to the caller.
    pub(super) async fn raw(&mut self) -> Option<LinkEvent> {
        tokio::time::timeout(PATIENCE, self.events.recv()).await.expect("an event in time").map(|(_, event)| event)
    }
}

/// Offer and answer, then both sides open.
pub(super) async fn pair(purpose: LinkPurpose) -> (Side, Side) {
    pair_with(purpose, Disk::default(), Disk::default()).await
}

pub(super) async fn pair_with(purpose: LinkPurpose, offerers: Disk, answerers: Disk) -> (Side, Side) {
    let config = NetConfig { loopback: true, ..NetConfig::default() };
    let mut offerer = Side::with(purpose, None, offerers, config.clone());
    let offer = offerer.described().await;
    let mut answerer = Side::with(purpose, Some(offer.clone()), answerers, config);
    let answer = answerer.described().await;
    offerer.command(LinkCommand::SetRemote(answer.clone()));
    assert_eq!(offerer.opened().await, [offer.fingerprint, answer.fingerprint]);
    assert_eq!(answerer.opened().await, [answer.fingerprint, offer.fingerprint]);
    (offerer, answerer)
}
