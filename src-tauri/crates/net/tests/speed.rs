//! How fast a link opens and carries, printed; held only to bounds that a busy machine keeps. Figures to quote come from
//! `cargo test --release -p natter-net --test speed -- --nocapture`.

use natter_engine::ids::{BlobHash, LinkId};
use natter_engine::port::{BlobTrouble, LinkCommand, LinkEvent, LinkPurpose, SessionParams};
use natter_net::link::{Link, MAX_MESSAGE};
use natter_net::{BlobIo, BlobSink, NetConfig};
use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

const PATIENCE: Duration = Duration::from_secs(60);
const BLOB: u64 = 64 << 20;

/// A disk of zeros, and one that keeps nothing.
struct Zeros;

impl BlobIo for Zeros {
    fn reader(&self, _: BlobHash) -> Result<Box<dyn Read + Send>, BlobTrouble> {
        Ok(Box::new(std::io::repeat(0).take(BLOB)))
    }

    fn writer(&self, _: BlobHash, _: u64) -> Result<Box<dyn BlobSink>, BlobTrouble> {
        Ok(Box::new(Zeros))
    }
}

impl BlobSink for Zeros {
    fn write(&mut self, _: &[u8]) -> Result<(), BlobTrouble> {
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), BlobTrouble> {
        Ok(())
    }
}

struct Side {
    link: Link,
    events: mpsc::Receiver<(LinkId, LinkEvent)>,
}

impl Side {
    fn open(purpose: LinkPurpose, remote: Option<SessionParams>) -> Self {
        let (told, events) = mpsc::channel(256);
        let config = Arc::new(NetConfig { loopback: true, ..NetConfig::default() });
        Self { link: Link::open(LinkId(1), purpose, remote, config, Arc::new(Zeros), told), events }
    }

    async fn event(&mut self) -> LinkEvent {
        tokio::time::timeout(PATIENCE, self.events.recv()).await.expect("in time").expect("an event").1
    }

    /// The next event that answers the question.
    async fn until<T>(&mut self, mut wanted: impl FnMut(LinkEvent) -> Option<T>) -> T {
        loop {
            let event = self.event().await;
            assert!(!matches!(event, LinkEvent::Closed(_)), "{event:?}");
            if let Some(found) = wanted(event) {
                return found;
            }
        }
    }

    async fn described(&mut self) -> SessionParams {
        self.until(|event| if let LinkEvent::Described(params) = event { Some(params) } else { None }).await
    }

    async fn opened(&mut self) {
        self.until(|event| matches!(event, LinkEvent::Open { .. }).then_some(())).await;
    }

    async fn message(&mut self) -> usize {
        self.until(|event| if let LinkEvent::Message(bytes) = event { Some(bytes.len()) } else { None }).await
    }

    fn command(&self, command: LinkCommand) {
        assert!(self.link.command(command), "the link is gone");
    }
}

async fn pair(purpose: LinkPurpose) -> (Side, Side) {
    let mut offerer = Side::open(purpose, None);
    let mut answerer = Side::open(purpose, Some(offerer.described().await));
    offerer.command(LinkCommand::SetRemote(answerer.described().await));
    offerer.opened().await;
    answerer.opened().await;
    (offerer, answerer)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_opens_soon_and_carries_fast() {
    let mut opening = Vec::new();
    for _ in 0..15 {
        let started = Instant::now();
        let sides = pair(LinkPurpose::Chat).await;
        opening.push(started.elapsed());
        drop(sides);
    }
    let opening = median(opening);

    let (mut here, mut there) = pair(LinkPurpose::Chat).await;
    let mut trips = Vec::new();
    for _ in 0..500 {
        let started = Instant::now();
        here.command(LinkCommand::Send(vec![0; 64]));
        there.message().await;
        there.command(LinkCommand::Send(vec![0; 64]));
        here.message().await;
        trips.push(started.elapsed());
    }
    let trip = median(trips);

    let total = 64 << 20;
    let started = Instant::now();
    let sending = async {
        let mut queued = 0;
        for _ in 0..total / MAX_MESSAGE {
            here.command(LinkCommand::Send(vec![0; MAX_MESSAGE]));
            queued += MAX_MESSAGE;
            // As the engine does: at most a mebibyte queued.
            while queued > 1 << 20 {
                queued -=
                    here.until(|event| if let LinkEvent::Drained(bytes) = event { Some(bytes) } else { None }).await;
            }
        }
    };
    let receiving = async {
        let mut received = 0;
        while received < total {
            received += there.message().await;
        }
    };
    tokio::join!(sending, receiving);
    let chat = total as f64 / 1e6 / started.elapsed().as_secs_f64();

    let (mut requester, mut server) = pair(LinkPurpose::Bulk).await;
    let started = Instant::now();
    let blob = BlobHash([0; 32]);
    requester.command(LinkCommand::FetchBlob { blob, size: BLOB });
    server.until(|event| matches!(event, LinkEvent::Wanted(_)).then_some(())).await;
    server.command(LinkCommand::ServeBlob { blob, allowed: true });
    requester.until(|event| matches!(event, LinkEvent::BlobDone(_)).then_some(())).await;
    let bulk = BLOB as f64 / 1e6 / started.elapsed().as_secs_f64();

    println!("open {opening:?}, round trip {trip:?}, chat {chat:.0} MB/s, bulk {bulk:.0} MB/s");
    assert!(opening < Duration::from_secs(2), "{opening:?}");
    assert!(trip < Duration::from_millis(50), "{trip:?}: a stalled driver");
    assert!(chat > 1.0 && bulk > 1.0, "{chat} and {bulk} MB/s: bursts are lost");
}
