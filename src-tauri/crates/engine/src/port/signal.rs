//! The edge towards the brokers: addresses held there, and envelopes sent from them.

use crate::ids::{Address, BrokerUrl};

/// What an envelope at a broker carries; the PeerServer message types of the same names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SignalKind {
    /// OFFER.
    Offer,
    /// ANSWER.
    Answer,
    /// CANDIDATE.
    Candidate,
}

/// Engine to brokers.
#[derive(Clone, Debug)]
pub enum SignalCommand {
    /// Hold an address at a broker, reconnecting with backoff, until released. Idempotent.
    Claim {
        /// Where.
        broker: BrokerUrl,
        /// What.
        address: Address,
        /// The PeerServer token that goes with it: the same after a restart, so that the broker re-attaches us at once
        /// instead of holding the address for a socket that died with us. Letters and digits.
        token: String,
    },
    /// Let it go.
    Release {
        /// Where.
        broker: BrokerUrl,
        /// What.
        address: Address,
    },
    /// Send from a held address. Dropped when it is not held at that moment.
    Send {
        /// Where.
        broker: BrokerUrl,
        /// From which held address.
        from: Address,
        /// To whom.
        to: Address,
        /// Message type.
        kind: SignalKind,
        /// The sealed envelope.
        envelope: Vec<u8>,
    },
}

/// Brokers to engine.
#[derive(Clone, Debug)]
pub enum SignalEvent {
    /// The address is held there now (OPEN, or re-attached).
    Claimed {
        /// Where.
        broker: BrokerUrl,
        /// What.
        address: Address,
    },
    /// Someone else holds it there (ID-TAKEN). The shell does not retry: the engine decides.
    Taken {
        /// Where.
        broker: BrokerUrl,
        /// What.
        address: Address,
    },
    /// The socket for it is gone; the shell reconnects with backoff by itself.
    Lost {
        /// Where.
        broker: BrokerUrl,
        /// What.
        address: Address,
        /// Why.
        trouble: BrokerTrouble,
    },
    /// A message came.
    Message {
        /// Where.
        broker: BrokerUrl,
        /// To which of our addresses.
        to: Address,
        /// From whom, as the broker says.
        from: Address,
        /// Type.
        kind: SignalKind,
        /// The envelope, at most 8 KiB.
        envelope: Vec<u8>,
    },
    /// Nobody holds the address that we sent to (EXPIRE).
    Expired {
        /// Where.
        broker: BrokerUrl,
        /// Our address.
        to: Address,
        /// The one that is not there.
        missing: Address,
    },
}

/// What is wrong with a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrokerTrouble {
    /// No name, no route, refused, TLS.
    Unreachable,
    /// It is full (its own words).
    Full,
    /// It refused the key.
    BadKey,
    /// It does not speak the protocol, or floods.
    Misbehaving,
    /// The socket closed.
    Closed,
}
