//! Stories of clients at a broker, in virtual time.

use super::*;
use crate::config::{MESSAGES_BURST, QUEUED_PER_ID};
use std::net::IpAddr;
use std::time::Duration;

/// A hub, a clock that only stories move, and everybody's screen.
struct Story {
    hub: Hub,
    now: Instant,
}

const LAN: &str = "192.0.2.1";

impl Story {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::default();
        change(&mut config);
        Self { hub: Hub::new(&config), now: Instant::now() }
    }

    fn try_join(&mut self, id: &str, token: &str, key: &str, from: &str) -> Result<SocketId, Refusal> {
        let hello = Hello { id: id.to_owned(), token: token.to_owned(), key: key.to_owned() };
        let from: IpAddr = from.parse().expect("an address");
        self.hub.connect(&hello, Some(from.into()), self.now)
    }

    /// Joins, and expects OPEN.
    fn join(&mut self, id: &str) -> SocketId {
        let socket = self.try_join(id, "token", "peerjs", LAN).expect("joins");
        assert_eq!(self.hub.take(socket), Some(Outgoing::Text(OPEN.to_owned())), "{id}");
        socket
    }

    fn say(&mut self, socket: SocketId, text: &str) {
        self.hub.receive(socket, Frame::Message(text.as_bytes()), self.now);
    }

    fn offer(&mut self, socket: SocketId, dst: &str, payload: &str) {
        self.say(socket, &format!(r#"{{"type":"OFFER","dst":"{dst}","payload":{payload}}}"#));
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        while let Some(due) = self.hub.next_timeout().filter(|due| *due <= self.now) {
            self.hub.tick(due);
        }
    }

    /// All that is outgoing: texts, then perhaps a close.
    fn heard(&mut self, socket: SocketId) -> (Vec<String>, Option<Close>) {
        let mut texts = Vec::new();
        loop {
            match self.hub.take(socket) {
                Some(Outgoing::Text(text)) => texts.push(text),
                Some(Outgoing::Close(close)) => return (texts, Some(close)),
                None => return (texts, None),
            }
        }
    }

    fn hears(&mut self, socket: SocketId, texts: &[&str]) {
        let (heard, close) = self.heard(socket);
        assert_eq!(heard, texts);
        assert_eq!(close, None);
    }

    fn dropped(&mut self, socket: SocketId) -> bool {
        self.hub.woken().contains(&(socket, Wake::Drop))
    }
}

fn relayed(src: &str, dst: &str, payload: &str) -> String {
    format!(r#"{{"type":"OFFER","src":"{src}","dst":"{dst}","payload":{payload}}}"#)
}

#[test]
fn two_clients_talk_and_neither_can_pose_as_another() {
    let mut story = Story::new();
    let (ann, bob) = (story.join("ann"), story.join("bob"));
    story.say(ann, r#"{"type":"OFFER","src":"carl","dst":"bob","payload":{"a":1},"x":2}"#);
    story.say(bob, r#"{"type":"ANSWER","dst":"ann","payload":"b"}"#);
    story.hears(bob, &[r#"{"type":"OFFER","src":"ann","dst":"bob","payload":{"a":1}}"#]);
    story.hears(ann, &[r#"{"type":"ANSWER","src":"bob","dst":"ann","payload":"b"}"#]);
    story.offer(ann, "ann", "0");
    story.hears(ann, &[&relayed("ann", "ann", "0")]);
}

#[test]
fn who_knocks_badly_hears_why_in_the_order_of_stock() {
    let mut story = Story::with(|config| config.limits.sockets = 1);
    story.join("ann");
    let cases = [
        ("", "t", "wrong", Refusal::Incomplete),
        ("ann", "", "peerjs", Refusal::Incomplete),
        ("ann", "t", "", Refusal::Incomplete),
        ("ann", "other", "wrong", Refusal::Key),
        ("a/b", "t", "peerjs", Refusal::Id),
        (&"x".repeat(65), "t", "peerjs", Refusal::Id),
        ("bob", &"t".repeat(129), "peerjs", Refusal::Token),
        ("ann", "other", "peerjs", Refusal::Taken),
        ("bob", "t", "peerjs", Refusal::Full),
    ];
    for (id, token, key, refusal) in cases {
        assert_eq!(story.try_join(id, token, key, LAN), Err(refusal), "{id} {token} {key}");
    }
}

#[test]
fn the_same_token_takes_the_id_over_without_a_second_open() {
    let mut story = Story::with(|config| config.limits.sockets = 2);
    let (old, bob) = (story.join("ann"), story.join("bob"));
    story.offer(bob, "ann", "1");
    let new = story.try_join("ann", "token", "peerjs", LAN).expect("takes over, though the broker is full");
    assert_eq!(story.heard(old), (vec![], Some(Close::Plain)));
    story.hears(new, &[&relayed("bob", "ann", "1")]);
    story.offer(old, "bob", "2");
    story.hears(bob, &[]);
    // The old socket's end does not free the id.
    story.hub.disconnect(old);
    assert_eq!(story.try_join("ann", "other", "peerjs", LAN), Err(Refusal::Taken));
    story.offer(bob, "ann", "3");
    story.hears(new, &[&relayed("bob", "ann", "3")]);
}

#[test]
fn an_id_is_free_when_its_socket_closes_and_nobody_is_told() {
    let mut story = Story::new();
    let (ann, bob) = (story.join("ann"), story.join("bob"));
    story.hub.disconnect(ann);
    story.hub.disconnect(ann);
    story.hears(bob, &[]);
    assert!(story.try_join("ann", "other", "peerjs", LAN).is_ok());
}

#[test]
fn a_leave_to_nobody_gives_the_id_back() {
    let mut story = Story::new();
    let ann = story.join("ann");
    story.say(ann, r#"{"type":"LEAVE"}"#);
    assert_eq!(story.heard(ann), (vec![], Some(Close::Plain)));
    assert!(!story.hub.holds("ann"));
}

#[test]
fn an_offer_waits_for_a_newcomer_and_arrives_after_open_in_order() {
    let mut story = Story::new();
    let ann = story.join("ann");
    story.offer(ann, "bob", "1");
    story.say(ann, r#"{"type":"CANDIDATE","dst":"bob","payload":2}"#);
    story.say(ann, r#"{"type":"LEAVE","dst":"bob"}"#);
    story.say(ann, r#"{"type":"EXPIRE","dst":"bob"}"#);
    story.pass(Duration::from_millis(4_999));
    let bob = story.join("bob");
    story.hears(bob, &[&relayed("ann", "bob", "1"), r#"{"type":"CANDIDATE","src":"ann","dst":"bob","payload":2}"#]);
    story.pass(Duration::from_secs(10));
    story.hears(ann, &[]);
    assert_eq!(story.hub.waiting.bytes(), 0);
}

#[test]
fn each_sender_is_told_once_that_nobody_came() {
    let mut story = Story::new();
    let (ann, eve) = (story.join("ann"), story.join("eve"));
    for n in 0..3 {
        story.offer(ann, "bob", &n.to_string());
    }
    story.pass(Duration::from_secs(3));
    // A later message does not prolong the wait.
    story.offer(eve, "bob", "4");
    story.pass(Duration::from_millis(1_999));
    story.hears(ann, &[]);
    story.pass(Duration::from_millis(1));
    story.hears(ann, &[r#"{"type":"EXPIRE","src":"bob","dst":"ann"}"#]);
    story.hears(eve, &[r#"{"type":"EXPIRE","src":"bob","dst":"eve"}"#]);
    story.pass(Duration::from_secs(5));
    story.hears(ann, &[]);
    let bob = story.join("bob");
    story.hears(bob, &[]);
}

#[test]
fn a_heartbeat_keeps_a_client_and_silence_ends_it() {
    let mut story = Story::new();
    let (ann, bob) = (story.join("ann"), story.join("bob"));
    for _ in 0..30 {
        story.pass(Duration::from_secs(5));
        story.say(ann, r#"{"type":"HEARTBEAT"}"#);
    }
    assert_eq!(story.heard(bob), (vec![], Some(Close::Plain)));
    story.hears(ann, &[]);
    assert!(story.hub.holds("ann") && !story.hub.holds("bob"));
    story.pass(Duration::from_secs(90));
    assert_eq!(story.heard(ann), (vec![], Some(Close::Plain)));
    assert_eq!(story.hub.next_timeout(), None, "an empty broker sleeps");
}

#[test]
fn nonsense_is_dropped_and_the_client_stays() {
    let mut story = Story::new();
    let (ann, bob) = (story.join("ann"), story.join("bob"));
    for nonsense in
        ["", "hello", "null", "[1]", "{\"type\":\"OPEN\",\"dst\":\"bob\"}", "{\"type\":\"OFFER\"}", "\0\u{1}"]
    {
        story.say(ann, nonsense);
    }
    story.hub.receive(ann, Frame::Message(b"\xff\xfe"), story.now);
    story.hub.receive(ann, Frame::Message(br#"{"type":"OFFER","dst":"bob","payload":1}"#), story.now);
    story.hears(bob, &[&relayed("ann", "bob", "1")]);
    story.hears(ann, &[]);
}

#[test]
fn a_member_of_32_who_comes_online_may_burst_and_a_flood_may_not() {
    let mut story = Story::new();
    let ann = story.join("ann");
    let others: Vec<SocketId> = (0..31)
        .map(|n| story.try_join(&format!("peer{n}"), "token", "peerjs", &format!("192.0.2.{}", 2 + n)).expect("joins"))
        .collect();
    for n in 0..31 {
        for _ in 0..17 {
            story.offer(ann, &format!("peer{n}"), &format!("\"{}\"", "x".repeat(1_000)));
        }
    }
    for other in others {
        assert_eq!(story.heard(other).0.len(), 18);
    }
    story.hears(ann, &[]);
    for _ in 0..MESSAGES_BURST {
        story.say(ann, "x");
    }
    let flood = protocol::error(FLOOD);
    assert_eq!(story.heard(ann), (vec![flood], Some(Close::Policy)));
    assert!(!story.hub.holds("ann"));
}

#[test]
fn fifty_messages_a_second_go_on_for_ever_and_a_few_more_do_not() {
    let mut story = Story::new();
    let ann = story.join("ann");
    let second = |story: &mut Story, messages| {
        story.pass(Duration::from_secs(1));
        story.say(ann, r#"{"type":"HEARTBEAT"}"#);
        (1..messages).for_each(|_| story.hub.receive(ann, Frame::Control(0), story.now));
        story.hub.holds("ann")
    };
    assert!((0..1_000).all(|_| second(&mut story, 50)));
    assert!(!(0..1_000).all(|_| second(&mut story, 60)), "pings count as well");
}

#[test]
fn bytes_are_limited_as_well_as_messages() {
    let mut story = Story::new();
    let ann = story.join("ann");
    let large = "x".repeat(60_000);
    let sent = (0..100).take_while(|_| {
        story.say(ann, &large);
        story.hub.holds("ann")
    });
    assert_eq!(sent.count(), 17, "a burst of 1 MiB");
    assert_eq!(story.heard(ann), (vec![protocol::error(FLOOD)], Some(Close::Policy)));
}

#[test]
fn a_message_over_the_limit_ends_the_client_with_words() {
    let mut story = Story::new();
    let (ann, bob) = (story.join("ann"), story.join("bob"));
    let limit = story.hub.limits.message_bytes;
    let empty = r#"{"type":"OFFER","dst":"bob","payload":""}"#.len();
    story.offer(ann, "bob", &format!("\"{}\"", "x".repeat(limit - empty)));
    assert_eq!(story.heard(bob).0.len(), 1, "the limit itself passes");
    story.offer(ann, "bob", &format!("\"{}\"", "x".repeat(limit - empty + 1)));
    assert_eq!(story.heard(bob).0.len(), 0);
    assert_eq!(story.heard(ann), (vec![protocol::error(TOO_BIG)], Some(Close::TooBig)));
    assert!(!story.hub.holds("ann"));
}

#[test]
fn a_reader_that_falls_behind_is_dropped_and_holds_nothing() {
    let mut story = Story::with(|config| config.limits.outgoing_messages = 3);
    let (ann, bob) = (story.join("ann"), story.join("bob"));
    for n in 0..4 {
        assert!(!story.dropped(bob));
        story.offer(ann, "bob", &n.to_string());
    }
    assert!(story.dropped(bob));
    assert!(!story.hub.holds("bob"));
    assert_eq!(story.hub.outgoing_bytes, 0);
    assert_eq!(story.hub.take(bob), None);
    story.hears(ann, &[]);
}

#[test]
fn bytes_that_wait_for_a_slow_reader_are_limited_too() {
    let mut story = Story::with(|config| config.limits.outgoing_bytes = 1_000);
    let (ann, bob) = (story.join("ann"), story.join("bob"));
    story.offer(ann, "bob", &format!("\"{}\"", "x".repeat(900)));
    assert!(!story.dropped(bob));
    story.offer(ann, "bob", &format!("\"{}\"", "x".repeat(100)));
    assert!(story.dropped(bob));
}

#[test]
fn when_all_are_slow_the_slowest_goes_first() {
    let mut story = Story::with(|config| config.limits.outgoing_bytes_total = 1_000);
    let (ann, bob, eve) = (story.join("ann"), story.join("bob"), story.join("eve"));
    story.offer(ann, "bob", &format!("\"{}\"", "x".repeat(700)));
    story.offer(ann, "eve", &format!("\"{}\"", "x".repeat(400)));
    let woken = story.hub.woken();
    assert!(woken.contains(&(bob, Wake::Drop)) && !woken.contains(&(eve, Wake::Drop)));
    assert_eq!(story.heard(eve).0.len(), 1);
    assert_eq!(story.hub.outgoing_bytes, 0);
}

#[test]
fn one_address_has_its_share_of_sockets_and_gets_it_back() {
    let mut story = Story::with(|config| config.limits.per_address = Some(2));
    let ann = story.join("ann");
    story.join("bob");
    assert_eq!(story.try_join("eve", "t", "peerjs", LAN), Err(Refusal::Full));
    assert!(story.try_join("eve", "t", "peerjs", "192.0.2.2").is_ok());
    // A takeover needs no second slot, and moves the first.
    let ann = (story.try_join("ann", "token", "peerjs", "192.0.2.2").expect("takes over"), ann);
    assert!(story.try_join("carl", "t", "peerjs", LAN).is_ok());
    assert_eq!(story.try_join("dora", "t", "peerjs", "192.0.2.2"), Err(Refusal::Full));
    story.hub.disconnect(ann.1);
    assert_eq!(story.try_join("dora", "t", "peerjs", "192.0.2.2"), Err(Refusal::Full));
    story.hub.disconnect(ann.0);
    assert!(story.try_join("dora", "t", "peerjs", "192.0.2.2").is_ok());
}

#[test]
fn thirty_two_peers_on_loopback_need_the_limit_lifted() {
    let mut story = Story::with(|config| config.limits.per_address = None);
    for n in 0..256 {
        assert!(story.try_join(&format!("peer{n}"), "t", "peerjs", "127.0.0.1").is_ok());
    }
    assert_eq!(story.try_join("late", "t", "peerjs", "127.0.0.1"), Err(Refusal::Full));
}

#[test]
fn a_full_mailbox_answers_at_once_whoever_would_hear_nothing() {
    let mut story = Story::new();
    let (ann, eve) = (story.join("ann"), story.join("eve"));
    for n in 0..=QUEUED_PER_ID {
        story.offer(ann, "bob", &n.to_string());
    }
    // Ann hears when hers expire; Eve has none there.
    story.hears(ann, &[]);
    story.offer(eve, "bob", "1");
    story.hears(eve, &[r#"{"type":"EXPIRE","src":"bob","dst":"eve"}"#]);
    let bob = story.join("bob");
    let kept: Vec<String> = (0..QUEUED_PER_ID).map(|n| relayed("ann", "bob", &n.to_string())).collect();
    assert_eq!(story.heard(bob), (kept, None), "the oldest stay: an offer comes before its candidates");
}

#[test]
fn waiting_bytes_are_limited_and_one_address_cannot_take_them_all() {
    let mut story = Story::with(|config| config.limits.queued_bytes_total = 8_000);
    let ann = story.join("ann");
    for n in 0..100 {
        story.offer(ann, &format!("nobody{n}"), "1");
    }
    let held = story.hub.waiting.bytes();
    assert!((1_500..=2_000).contains(&held), "a quarter, overhead included: {held}");
    assert!(story.heard(ann).0.iter().all(|text| text.contains("EXPIRE")));
    for n in 2..10 {
        let other = story.try_join(&format!("peer{n}"), "t", "peerjs", &format!("192.0.2.{n}")).expect("joins");
        for n in 0..100 {
            story.offer(other, &format!("nobody{n}"), "1");
        }
        assert!(story.hub.waiting.bytes() <= 8_000);
    }
    assert!(story.hub.waiting.bytes() > 7_000);
    story.pass(Duration::from_secs(5));
    assert_eq!(story.hub.waiting.bytes(), 0);
}

#[test]
fn a_stop_says_goodbye_to_all_and_lets_nobody_in() {
    let mut story = Story::new();
    let (ann, bob) = (story.join("ann"), story.join("bob"));
    story.hub.stop();
    for socket in [ann, bob] {
        assert_eq!(story.heard(socket), (vec![], Some(Close::GoingAway)));
    }
    assert_eq!(story.try_join("eve", "t", "peerjs", LAN), Err(Refusal::Full));
    story.hub.woken();
    story.hub.disconnect(ann);
    story.hub.drop_all();
    assert_eq!(story.hub.woken(), [(bob, Wake::Drop)]);
}

#[test]
fn ids_are_shown_only_by_a_broker_that_allows_it() {
    let mut story = Story::new();
    story.join("ann");
    assert_eq!(story.hub.discover(), None);
    let mut story = Story::with(|config| config.discovery = Discovery::Allowed);
    story.join("bob");
    story.join("ann");
    assert_eq!(story.hub.discover(), Some(vec!["ann", "bob"]));
}
