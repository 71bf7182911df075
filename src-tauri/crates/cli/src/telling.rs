//! What goes wrong while `peer` and `serve` run, as lines for a person on stderr. Programs read the same from the events.
//!
//! Each trouble is told when it begins and not again while it lasts; that a broker is back is told only after it was away.

use natter_node::Node;
use natter_node::api::{BrokerState, BrokerTrouble, Change, Devices, Join, JoinProgress, Network};
use std::collections::BTreeMap;
use tokio::sync::broadcast::error::RecvError;

/// Brokers whose last trouble is remembered; the node shows no more than this many.
const BROKERS: usize = 64;

/// Tells from now on, until the node closes.
pub(crate) fn start(node: Node) {
    let (snapshot, mut events) = node.subscribe();
    tokio::spawn(async move {
        let mut told = Told::default();
        say(told.network(&snapshot.network));
        loop {
            match events.recv().await {
                Ok(event) => say(told.change(&event.change)),
                Err(RecvError::Lagged(_)) => {
                    let (snapshot, anew) = node.subscribe();
                    events = anew;
                    say(told.network(&snapshot.network));
                }
                Err(RecvError::Closed) => return,
            }
        }
    });
}

fn say(sentences: Vec<String>) {
    for sentence in sentences {
        // Names of rooms come from others: one line, whatever is in them.
        eprintln!("natter-cli: {}", sentence.replace(char::is_control, " "));
    }
}

/// What was told already.
#[derive(Default)]
struct Told {
    brokers: BTreeMap<String, BrokerTrouble>,
    /// Fingerprints of devices that wait to be linked; the node lets no more than 64 wait.
    waiting: Vec<String>,
    linking: Option<JoinProgress>,
}

impl Told {
    fn change(&mut self, change: &Change) -> Vec<String> {
        match change {
            Change::Network { network } => self.network(network),
            Change::Trouble { error } => vec![error.message.clone()],
            Change::Join { join } => ended(join).into_iter().collect(),
            Change::Devices { devices } => self.devices(devices),
            Change::Phase { .. }
            | Change::Me { .. }
            | Change::Room { .. }
            | Change::RoomRemoved { .. }
            | Change::Message { .. }
            | Change::Delivery { .. }
            | Change::Blob { .. }
            | Change::Typing { .. }
            | Change::Reread { .. }
            | Change::Privacy { .. }
            | Change::Ring { .. } => Vec::new(),
        }
    }

    /// Who waits to be linked, once each; and how waiting for that came to an end here.
    fn devices(&mut self, devices: &Devices) -> Vec<String> {
        let waiting: Vec<String> = devices.requests.iter().map(|request| request.fingerprint.clone()).collect();
        let mut said: Vec<String> = waiting
            .iter()
            .filter(|fingerprint| !self.waiting.contains(fingerprint))
            .map(|fingerprint| format!("a device wants to be linked with this one; its fingerprint is {fingerprint}"))
            .collect();
        self.waiting = waiting;
        if self.linking != devices.linking {
            self.linking = devices.linking;
            said.extend(devices.linking.and_then(not_linked).map(str::to_owned));
        }
        said
    }

    fn network(&mut self, network: &Network) -> Vec<String> {
        self.brokers.retain(|url, _| network.brokers.iter().any(|broker| broker.url == *url));
        network.brokers.iter().take(BROKERS).filter_map(|broker| self.broker(broker)).collect()
    }

    fn broker(&mut self, broker: &BrokerState) -> Option<String> {
        let url = &broker.url;
        match broker.trouble {
            Some(trouble) => {
                let before = self.brokers.insert(url.clone(), trouble);
                (before != Some(trouble)).then(|| away(url, trouble))
            }
            None if broker.up => self.brokers.remove(url).map(|_| format!("the broker {url} is back")),
            None => None,
        }
    }
}

fn away(url: &str, trouble: BrokerTrouble) -> String {
    match trouble {
        BrokerTrouble::Unreachable => {
            format!("the broker {url} does not answer: check the network and the address; trying again by itself")
        }
        BrokerTrouble::Full => format!("the broker {url} is full: name another with --broker; trying again by itself"),
        BrokerTrouble::BadKey => {
            format!("the broker {url} serves another app and refuses this one: name another with --broker")
        }
        BrokerTrouble::Misbehaving => {
            format!("{url} does not behave like a broker: check the address, or name another with --broker")
        }
        BrokerTrouble::Closed => format!("the broker {url} closed the connection; trying again by itself"),
        BrokerTrouble::NoPort => "no port is free for the broker inside, so others cannot meet here: \
             end what holds ports 9753 to 9816, or name a broker elsewhere with --broker"
            .to_owned(),
    }
}

fn ended(join: &Join) -> Option<String> {
    let room = &join.room_name;
    match join.progress {
        JoinProgress::Declined => Some(format!("somebody in {room} turned the request away: ask them about it")),
        JoinProgress::UsedUp => Some(format!("the invite to {room} is used up: ask for a new one")),
        JoinProgress::Expired => Some(format!("the invite to {room} has expired: ask for a new one")),
        JoinProgress::Void => Some(format!("the invite to {room} was withdrawn: ask for a new one")),
        JoinProgress::Connecting
        | JoinProgress::WaitingForMember
        | JoinProgress::WaitingForApproval
        | JoinProgress::Admitted
        | JoinProgress::AlreadyMember
        | JoinProgress::Cancelled => None,
    }
}

/// Why a device was not linked, once that is certain.
pub(crate) fn not_linked(progress: JoinProgress) -> Option<&'static str> {
    match progress {
        JoinProgress::Declined => Some("the other device said no: this one was not linked"),
        JoinProgress::UsedUp | JoinProgress::Void => {
            Some("the code links no device any more: make a new one on the other device")
        }
        JoinProgress::Expired => Some("the code has expired: make a new one on the other device"),
        JoinProgress::Connecting
        | JoinProgress::WaitingForMember
        | JoinProgress::WaitingForApproval
        | JoinProgress::Admitted
        | JoinProgress::AlreadyMember
        | JoinProgress::Cancelled => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(states: &[(&str, bool, Option<BrokerTrouble>)]) -> Network {
        let broker = |(url, up, trouble): &(&str, bool, Option<BrokerTrouble>)| BrokerState {
            url: (*url).to_owned(),
            own: false,
            configured: true,
            up: *up,
            trouble: *trouble,
        };
        Network { brokers: states.iter().map(broker).collect(), links: 0, embedded: Vec::new() }
    }

    #[test]
    fn a_broker_is_told_when_its_trouble_begins_changes_and_ends() {
        let mut told = Told::default();
        let mut hear = |up, trouble| told.network(&network(&[("ws://a/", up, trouble)]));
        assert!(hear(false, None).is_empty(), "still connecting");
        assert!(hear(true, None).is_empty(), "never away");
        assert_eq!(hear(false, Some(BrokerTrouble::Unreachable)).len(), 1);
        assert!(hear(false, Some(BrokerTrouble::Unreachable)).is_empty());
        assert_eq!(hear(false, Some(BrokerTrouble::Full)).len(), 1);
        assert_eq!(hear(true, None), ["the broker ws://a/ is back"]);
        assert!(hear(true, None).is_empty());
        assert_eq!(hear(false, Some(BrokerTrouble::Closed)).len(), 1);
    }

    #[test]
    fn brokers_no_longer_shown_are_forgotten_and_no_more_than_64_are_remembered() {
        let mut told = Told::default();
        let urls: Vec<String> = (0..BROKERS + 6).map(|n| format!("ws://b{n}/")).collect();
        let all: Vec<_> = urls.iter().map(|url| (url.as_str(), false, Some(BrokerTrouble::Full))).collect();
        assert_eq!(told.network(&network(&all)).len(), BROKERS);
        assert_eq!(told.brokers.len(), BROKERS);
        told.network(&network(&[]));
        assert!(told.brokers.is_empty());
    }

    #[test]
    fn a_device_that_wants_to_be_linked_is_told_of_once() {
        let request = natter_node::api::JoinRequest {
            device: "d".into(),
            name: "Phone".into(),
            avatar: None,
            fingerprint: "ABCD".into(),
            hue: 0,
        };
        let mut told = Told::default();
        let devices = Devices { requests: vec![request], ..Devices::default() };
        assert!(told.devices(&devices).iter().any(|said| said.contains("ABCD")));
        assert!(told.devices(&devices).is_empty());
        let void = Devices { linking: Some(JoinProgress::Void), ..Devices::default() };
        assert_eq!((told.devices(&void).len(), told.devices(&void).len()), (1, 0));
    }

    #[test]
    fn a_knock_that_ends_without_admission_says_what_to_do() {
        let join = |progress| Join { room: String::new(), room_name: "Kitchen".into(), progress, asked: None };
        for progress in [JoinProgress::Declined, JoinProgress::UsedUp, JoinProgress::Expired, JoinProgress::Void] {
            assert!(ended(&join(progress)).is_some_and(|told| told.contains("Kitchen") && told.contains("ask")));
        }
        assert_eq!(ended(&join(JoinProgress::Admitted)), None);
    }
}
