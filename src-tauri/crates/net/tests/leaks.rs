//! What a link made goes with it. In a binary of its own, so that descriptors and memory are its own too.

#![cfg(target_os = "linux")]

use natter_engine::ids::{BlobHash, LinkId};
use natter_engine::port::{BlobTrouble, LinkCommand, LinkEvent, LinkPurpose, SessionParams};
use natter_net::link::Link;
use natter_net::{BlobIo, BlobSink, NetConfig};
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

const PATIENCE: Duration = Duration::from_secs(20);

/// No blobs.
struct Bare;

impl BlobIo for Bare {
    fn reader(&self, _: BlobHash) -> Result<Box<dyn Read + Send>, BlobTrouble> {
        Err(BlobTrouble::Refused)
    }

    fn writer(&self, _: BlobHash, _: u64) -> Result<Box<dyn BlobSink>, BlobTrouble> {
        Err(BlobTrouble::DiskFailed)
    }
}

struct Side {
    link: Link,
    events: mpsc::Receiver<(LinkId, LinkEvent)>,
}

impl Side {
    fn open(remote: Option<SessionParams>) -> Self {
        let (told, events) = mpsc::channel(64);
        let config = Arc::new(NetConfig { loopback: true, ..NetConfig::default() });
        let link = Link::open(LinkId(1), LinkPurpose::Chat, remote, config, Arc::new(Bare), told);
        Self { link, events }
    }

    async fn event(&mut self) -> Option<LinkEvent> {
        tokio::time::timeout(PATIENCE, self.events.recv()).await.expect("in time").map(|(_, event)| event)
    }

    async fn described(&mut self) -> SessionParams {
        match self.event().await {
            Some(LinkEvent::Described(params)) => params,
            other => panic!("expected a description, got {other:?}"),
        }
    }

    async fn opened(&mut self) {
        loop {
            match self.event().await {
                Some(LinkEvent::Open { .. }) => return,
                Some(LinkEvent::Candidate(_)) => {}
                other => panic!("expected the channel, got {other:?}"),
            }
        }
    }

    /// Closes, and waits until the link's own task is gone.
    async fn close(mut self) {
        drop(self.link);
        while tokio::time::timeout(PATIENCE, self.events.recv()).await.expect("in time").is_some() {}
    }
}

async fn pair() -> (Side, Side) {
    let mut offerer = Side::open(None);
    let mut answerer = Side::open(Some(offerer.described().await));
    let answer = answerer.described().await;
    assert!(offerer.link.command(LinkCommand::SetRemote(answer)));
    offerer.opened().await;
    answerer.opened().await;
    (offerer, answerer)
}

#[derive(Debug, PartialEq, Eq, Clone, Copy)]
struct Used {
    tasks: usize,
    descriptors: usize,
}

impl Used {
    fn now() -> Self {
        let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
        Self { tasks, descriptors: std::fs::read_dir("/proc/self/fd").expect("a Linux").count() }
    }
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("a Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("resident memory");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_links_leave_no_task_and_no_socket_and_cost_little_memory() {
    // The first makes what all share.
    let (a, b) = pair().await;
    tokio::join!(a.close(), b.close());
    let before = settled(None).await;
    let resident = resident_kib();
    let mut links = Vec::new();
    for _ in 0..25 {
        links.push(pair().await);
    }
    let each = resident_kib().saturating_sub(resident) / 50;
    println!("resident memory of an idle link: {each} KiB");
    assert!(each <= 1024, "{each} KiB a link");
    assert!(Used::now().descriptors >= before.descriptors + 50);
    for (a, b) in links {
        tokio::join!(a.close(), b.close());
    }
    assert_eq!(settled(Some(before)).await, before);
}

/// What is in use once it is what was expected, or after a while.
async fn settled(expected: Option<Used>) -> Used {
    let mut looks = tokio::time::interval(Duration::from_millis(50));
    for _ in 0..60 {
        looks.tick().await;
        if Some(Used::now()) == expected {
            break;
        }
        if expected.is_none() && Used::now().tasks == 0 {
            break;
        }
    }
    Used::now()
}
