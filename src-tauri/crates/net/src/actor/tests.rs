//! The actor with a brain that does what a test tells it.

use super::*;
use crate::bulk::BlobSink;
use natter_engine::ids::{BlobHash, RoomId};
use natter_engine::port::{BlobTrouble, LinkPurpose, SessionParams, Setup};
use std::io::Read;
use std::sync::Mutex;

const PATIENCE: Duration = Duration::from_secs(20);

/// Answers each input with what a closure says.
struct Script<F> {
    say: F,
    timeout: Arc<Mutex<Option<Instant>>>,
}

impl<F: FnMut(Input, Now) -> Vec<Output> + Send> Brain for Script<F> {
    fn handle(&mut self, input: Input, now: Now, out: &mut Vec<Output>) {
        out.extend((self.say)(input, now));
    }

    fn next_timeout(&self) -> Option<(Instant, &'static str)> {
        self.timeout.lock().expect("no test panics with it").map(|at| (at, "test"))
    }
}

struct NoBlobs;

impl BlobIo for NoBlobs {
    fn reader(&self, _: BlobHash) -> Result<Box<dyn Read + Send>, BlobTrouble> {
        Err(BlobTrouble::Refused)
    }

    fn writer(&self, _: BlobHash, _: u64) -> Result<Box<dyn BlobSink>, BlobTrouble> {
        Err(BlobTrouble::DiskFailed)
    }
}

/// The host's ends.
struct Host {
    inputs: mpsc::Sender<Input>,
    store: mpsc::Receiver<StoreOrder>,
    news: mpsc::Receiver<HostNews>,
    timeout: Arc<Mutex<Option<Instant>>>,
    actor: tokio::task::JoinHandle<()>,
}

impl Host {
    /// With queues of four.
    fn start(say: impl FnMut(Input, Now) -> Vec<Output> + Send + 'static) -> Self {
        let (inputs, inbox) = mpsc::channel(4);
        let (orders, store) = mpsc::channel(4);
        let (told, news) = mpsc::channel(4);
        let timeout = Arc::new(Mutex::new(None));
        let brain = Script { say, timeout: Arc::clone(&timeout) };
        let ports = Ports { inputs: inbox, store: orders, host: told };
        let config = NetConfig { loopback: true, ..NetConfig::default() };
        let actor = tokio::spawn(run(brain, Clock::default(), config, Arc::new(NoBlobs), ports));
        Self { inputs, store, news, timeout, actor }
    }

    async fn command(&self, number: u64, command: Command) {
        let input = Input::Command(CommandId(number), command);
        tokio::time::timeout(PATIENCE, self.inputs.send(input)).await.expect("taken in time").expect("taken");
    }

    async fn news(&mut self) -> Option<HostNews> {
        tokio::time::timeout(PATIENCE, self.news.recv()).await.expect("news in time")
    }

    async fn order(&mut self) -> StoreOrder {
        tokio::time::timeout(PATIENCE, self.store.recv()).await.expect("an order in time").expect("an order")
    }
}

fn done(id: CommandId) -> Output {
    Output::Reply(id, Ok(Reply::Done))
}

/// Nonsense that says which it is.
fn notice(number: u64) -> Output {
    let mut room = [0; 32];
    room[..8].copy_from_slice(&number.to_be_bytes());
    Output::Notify(Notify::RoomForgotten(RoomId(room)))
}

#[tokio::test]
async fn a_host_that_listens_late_hears_everything_in_order_and_is_heard_meanwhile() {
    let mut host = Host::start(|input, _| match input {
        Input::Command(id, _) => vec![notice(id.0), done(id)],
        _ => Vec::new(),
    });
    // Far more than all queues hold, without listening once.
    for n in 0..1000_u64 {
        host.command(n, Command::NetworkChanged).await;
    }
    for n in 0..1000_u64 {
        match host.news().await {
            Some(HostNews::Notify(Notify::RoomForgotten(room))) => assert_eq!(room.0[..8], n.to_be_bytes()),
            other => panic!("{other:?}"),
        }
        assert!(matches!(host.news().await, Some(HostNews::Reply(id, _)) if id.0 == n));
    }
}

#[tokio::test]
async fn a_slow_store_gets_its_orders_in_order_and_past_the_limit_they_fail() {
    let most = ORDERS as u64 + 4;
    let failed = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&failed);
    let mut host = Host::start(move |input, _| match input {
        Input::Command(id, _) => {
            (0..most + 10).map(|n| Output::Persist(Ticket(n), Vec::new())).chain([done(id)]).collect()
        }
        Input::Stored(Stored::Failed(ticket, _)) => {
            told.lock().expect("no test panics with it").push(ticket.0);
            Vec::new()
        }
        _ => Vec::new(),
    });
    host.command(1, Command::NetworkChanged).await;
    assert!(matches!(host.news().await, Some(HostNews::Reply(..))));
    for n in 0..most {
        assert!(matches!(host.order().await, StoreOrder::Persist(ticket, _) if ticket.0 == n));
    }
    assert_eq!(*failed.lock().expect("no test panics with it"), (most..most + 10).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_time_comes_when_it_was_set_for() {
    let (told, mut times) = mpsc::channel(64);
    let host = Host::start(move |input, now| {
        if let Input::Timeout = input {
            let _ = told.try_send(now.mono);
        }
        Vec::new()
    });
    // The first is the actor's own, at the start.
    let first = times.recv().await.expect("a start");
    let due = first.plus(Duration::from_millis(50));
    *host.timeout.lock().expect("no test panics with it") = Some(due);
    host.command(1, Command::NetworkChanged).await;
    let second = tokio::time::timeout(PATIENCE, times.recv()).await.expect("in time").expect("a timeout");
    assert!(second >= due);
}

#[tokio::test]
async fn shutting_down_is_answered_last_and_ends_the_actor() {
    let mut host = Host::start(|input, _| match input {
        Input::Command(id, Command::Shutdown) => {
            vec![done(id), Output::Persist(Ticket(1), Vec::new()), notice(1)]
        }
        _ => Vec::new(),
    });
    host.command(9, Command::Shutdown).await;
    assert!(matches!(host.order().await, StoreOrder::Persist(Ticket(1), _)));
    assert!(matches!(host.news().await, Some(HostNews::Notify(_))));
    assert!(matches!(host.news().await, Some(HostNews::Reply(CommandId(9), Ok(Reply::Done)))));
    assert!(host.news().await.is_none());
    tokio::time::timeout(PATIENCE, host.actor).await.expect("in time").expect("no panic");
}

#[tokio::test]
async fn a_host_that_goes_ends_the_actor() {
    let Host { inputs, actor, .. } = Host::start(|_, _| Vec::new());
    drop(inputs);
    tokio::time::timeout(PATIENCE, actor).await.expect("in time").expect("no panic");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_open_talk_are_counted_and_are_not_heard_of_after_close() {
    // One brain, both ends: link 1 offers, link 2 answers.
    let (here, there) = (LinkId(1), LinkId(2));
    let open = |link, remote| Output::Link(link, LinkCommand::Open { purpose: LinkPurpose::Chat, remote });
    let (told, mut heard) = mpsc::channel(64);
    let mut host = Host::start(move |input, _| match input {
        Input::Command(id, _) => vec![open(here, None), done(id)],
        Input::Link(link, LinkEvent::Described(params)) if link == here => vec![open(there, Some(params))],
        Input::Link(_, LinkEvent::Described(params)) => vec![Output::Link(here, LinkCommand::SetRemote(params))],
        Input::Link(link, LinkEvent::Open { .. }) if link == here => {
            vec![Output::Link(here, LinkCommand::Send(b"hello".to_vec()))]
        }
        Input::Link(link, LinkEvent::Message(bytes)) => {
            let _ = told.try_send((link, bytes));
            vec![Output::Link(there, LinkCommand::Close)]
        }
        Input::Link(link, LinkEvent::Closed(reason)) => {
            let _ = told.try_send((link, format!("{reason:?}").into_bytes()));
            Vec::new()
        }
        _ => Vec::new(),
    });
    host.command(1, Command::NetworkChanged).await;
    let mut heard = async || tokio::time::timeout(PATIENCE, heard.recv()).await.expect("in time").expect("something");
    assert_eq!(heard().await, (there, b"hello".to_vec()));
    assert_eq!(heard().await, (here, b"Remote".to_vec()), "and nothing of the side that closed");
    let mut counts = Vec::new();
    while counts.last() != Some(&0) {
        if let Some(HostNews::Links(count)) = host.news().await {
            counts.push(count);
        }
    }
    assert!(counts.contains(&1), "{counts:?}");
}

#[tokio::test]
async fn more_links_than_the_limit_are_closed_at_once_and_shutting_down_ends_them_all() {
    let closed = Arc::new(Mutex::new(0));
    let count = Arc::clone(&closed);
    let mut host = Host::start(move |input, _| match input {
        Input::Command(id, Command::Shutdown) => vec![done(id)],
        Input::Command(id, _) => {
            // Each would need sockets of its own; with params that are none they end by themselves.
            let bad = SessionParams {
                fingerprint: [0; 32],
                ufrag: String::new(),
                pwd: String::new(),
                setup: Setup::ActPass,
                candidates: Vec::new(),
            };
            let open = |n| {
                let open = LinkCommand::Open { purpose: LinkPurpose::Chat, remote: Some(bad.clone()) };
                Output::Link(LinkId(n), open)
            };
            (0..LINKS as u64 + 3).map(open).chain([done(id)]).collect()
        }
        Input::Link(LinkId(id), LinkEvent::Closed(CloseReason::Local)) if id >= LINKS as u64 => {
            *count.lock().expect("no test panics with it") += 1;
            Vec::new()
        }
        _ => Vec::new(),
    });
    host.command(1, Command::NetworkChanged).await;
    assert!(matches!(host.news().await, Some(HostNews::Reply(..))));
    host.command(2, Command::Shutdown).await;
    assert!(matches!(host.news().await, Some(HostNews::Reply(CommandId(2), _))));
    assert_eq!(*closed.lock().expect("no test panics with it"), 3);
}
