//! A link that has ended leaves nothing: no task, no socket. In a binary of its own, for it counts those of the process.

use natter_engine::ids::{BlobHash, LinkId};
use natter_engine::port::{BlobTrouble, LinkCommand, LinkEvent, LinkPurpose};
use natter_net::link::{Events, Link};
use natter_net::{BlobIo, BlobSink, NetConfig};
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::{interval, timeout};

const PATIENCE: Duration = Duration::from_secs(20);
const ROUNDS: u64 = 25;

struct NoBlobs;

impl BlobIo for NoBlobs {
    fn reader(&self, _: BlobHash) -> Result<Box<dyn Read + Send>, BlobTrouble> {
        Err(BlobTrouble::Refused)
    }

    fn writer(&self, _: BlobHash, _: u64) -> Result<Box<dyn BlobSink>, BlobTrouble> {
        Err(BlobTrouble::DiskFailed)
    }
}

fn open(number: u64, purpose: LinkPurpose, remote: Option<natter_engine::port::SessionParams>, told: Events) -> Link {
    let config = NetConfig { loopback: true, ..NetConfig::default() };
    Link::open(LinkId(number), purpose, remote, Arc::new(config), Arc::new(NoBlobs), told)
}

/// The next event of a kind, past all others.
async fn next<T>(events: &mut mpsc::Receiver<(LinkId, LinkEvent)>, pick: impl Fn(LinkEvent) -> Option<T>) -> T {
    let found = timeout(PATIENCE, async {
        loop {
            let (_, event) = events.recv().await.expect("the link says how it ended");
            if let Some(found) = pick(event) {
                return found;
            }
        }
    });
    found.await.expect("an event in time")
}

/// One pair of links; how far it comes before it ends differs from round to round.
async fn round(number: u64) {
    let (told, mut offerers) = mpsc::channel(64);
    let (answering, mut answerers) = mpsc::channel(64);
    let described = |event| if let LinkEvent::Described(params) = event { Some(params) } else { None };
    let purpose = if number.is_multiple_of(2) { LinkPurpose::Chat } else { LinkPurpose::Bulk };
    let stage = number % 5;
    let offerer = open(1, purpose, None, told);
    if stage == 0 {
        return;
    }
    let offer = next(&mut offerers, described).await;
    let answerer = open(2, purpose, Some(offer), answering);
    let answer = next(&mut answerers, described).await;
    if stage == 1 {
        return;
    }
    assert!(offerer.command(LinkCommand::SetRemote(answer)));
    if stage == 2 {
        return;
    }
    let opened = |event| matches!(event, LinkEvent::Open { .. }).then_some(());
    next(&mut offerers, opened).await;
    next(&mut answerers, opened).await;
    if stage == 3 {
        drop(offerer);
        let closed = |event| matches!(event, LinkEvent::Closed(_)).then_some(());
        next(&mut answerers, closed).await;
    }
    drop(answerer);
}

/// Waits until no more tasks and sockets are alive than that.
async fn settles_to(tasks: usize, sockets: usize) -> Result<(), String> {
    let mut look = interval(Duration::from_millis(20));
    let settled = timeout(PATIENCE, async {
        while alive() > tasks || open_sockets() > sockets {
            look.tick().await;
        }
    });
    settled.await.map_err(|_| format!("{} tasks, {} sockets; before {tasks} and {sockets}", alive(), open_sockets()))
}

fn alive() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

/// Zero where there is no /proc: the tasks hold the sockets, so that is still worth asking.
fn open_sockets() -> usize {
    let Ok(files) = std::fs::read_dir("/proc/self/fd") else { return 0 };
    let is_socket = |file: &std::fs::DirEntry| {
        std::fs::read_link(file.path()).is_ok_and(|to| to.to_string_lossy().starts_with("socket:"))
    };
    files.flatten().filter(is_socket).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_that_ended_at_any_stage_leave_no_task_and_no_socket() {
    // The first ones set up what stays: pools, lazily made state.
    for number in 0..5 {
        round(number).await;
    }
    settles_to(0, usize::MAX).await.expect("the first links end");
    let (tasks, sockets) = (alive(), open_sockets());
    for number in 0..ROUNDS {
        round(number).await;
    }
    settles_to(tasks, sockets).await.expect("all links end");
}
