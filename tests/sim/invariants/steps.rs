//! What must be so at every step: held against each fact the moment it happens.

use super::evidence::Verdict;
use natter_engine::Load;
use natter_engine::ids::DeviceId;
use natter_engine::port::{OrderKey, StoredEntry};

/// Inputs that one engine may get in a virtual second; more is a loop between engines.
pub const INPUTS_PER_SECOND: u32 = 6_000;
/// Timeouts that one engine may ask for at one instant; more is a loop with itself.
pub const TIMEOUTS_AT_ONCE: u32 = 3;
/// Frames and bulk data sent and not yet on the wire; the link layer must never need more than the engine's cap.
pub const QUEUE_BYTES: usize = 3 * 1024 * 1024;

/// Something that an engine did or said.
pub enum Fact<'a> {
    /// It shows an entry, which may have been shown before.
    Shows {
        /// The entry.
        entry: &'a StoredEntry,
        /// Whether the host has it already.
        again: bool,
    },
    /// It says that a message is sent, which is then on the disk.
    Sent {
        /// Whether it is.
        durable: bool,
    },
    /// It answers a command, which was asked and not answered yet.
    Answers {
        /// Whether it was.
        asked: bool,
    },
    /// It says how far another holds a log.
    Held {
        /// What it said before.
        had: Option<u64>,
        /// What it says.
        seq: u64,
        /// Whether the other has that much on its disk; none where that cannot be said (it lies, or forgot the room since).
        truly: Option<bool>,
    },
    /// It says how far another has read.
    Read {
        /// What it said before.
        had: Option<OrderKey>,
        /// What it says.
        upto: OrderKey,
    },
    /// It shows somebody typing.
    Typing {
        /// Who.
        who: DeviceId,
        /// Whether they are members in the room as shown.
        member: bool,
    },
    /// It was given one more input: so many in this second.
    Input(u32),
    /// It asked for a timer, the same instant for the nth time.
    Timer(u32),
    /// It sends a frame of so many bytes on a link that is open for frames, or is not.
    Frame {
        /// Length.
        bytes: usize,
        /// Whether it is open.
        open: bool,
    },
    /// So many bytes wait on a link.
    Queue(usize),
    /// It sends an envelope of so many bytes.
    Envelope(usize),
    /// It names a candidate of so many bytes.
    Candidate(usize),
    /// It opens a link by an id that may have been used before.
    Opens {
        /// Whether it was.
        used: bool,
    },
    /// It claims an address with this token.
    Claims(&'a str),
    /// A disk that works would not do what it asked.
    Disk {
        /// What the disk says.
        refused: &'a str,
    },
    /// It holds so much.
    Load(Load),
}

pub(super) fn told_once(fact: &Fact<'_>) -> Verdict {
    let Fact::Shows { entry, again: true } = fact else { return Ok(()) };
    Err(format!("{:?} was shown twice", entry.order.hash))
}

pub(super) fn sender_signed(fact: &Fact<'_>) -> Verdict {
    let Fact::Shows { entry, .. } = fact else { return Ok(()) };
    let signer = natter_engine::wire::Header::decode(&entry.header).map(|header| header.log.author);
    if signer.as_ref() == Ok(&entry.order.author) && entry.log.author == entry.order.author {
        return Ok(());
    }
    Err(format!("{:?} is shown as of {:?}, and signed by {signer:?}", entry.order.hash, entry.order.author))
}

pub(super) fn sent_is_durable(fact: &Fact<'_>) -> Verdict {
    let Fact::Sent { durable: false } = fact else { return Ok(()) };
    Err("says that a message was sent, and it is not on its disk".into())
}

pub(super) fn answered_once(fact: &Fact<'_>) -> Verdict {
    let Fact::Answers { asked: false } = fact else { return Ok(()) };
    Err("answers a command that nobody waits for".into())
}

pub(super) fn held_rises(fact: &Fact<'_>) -> Verdict {
    let Fact::Held { had, seq, truly: Some(_) } = fact else { return Ok(()) };
    if *had < Some(*seq) { Ok(()) } else { Err(format!("a receipt went from {had:?} to {seq}")) }
}

pub(super) fn held_is_true(fact: &Fact<'_>) -> Verdict {
    let Fact::Held { seq, truly: Some(false), .. } = fact else { return Ok(()) };
    Err(format!("says that another holds {seq}, and it does not"))
}

pub(super) fn reading_rises(fact: &Fact<'_>) -> Verdict {
    let Fact::Read { had, upto } = fact else { return Ok(()) };
    if *had <= Some(*upto) { Ok(()) } else { Err(format!("a reading mark went back from {had:?} to {upto:?}")) }
}

pub(super) fn members_type(fact: &Fact<'_>) -> Verdict {
    let Fact::Typing { who, member: false } = fact else { return Ok(()) };
    Err(format!("shows {who:?} typing, who is not in the room"))
}

pub(super) fn inputs_are_few(fact: &Fact<'_>) -> Verdict {
    let Fact::Input(count) = fact else { return Ok(()) };
    if *count <= INPUTS_PER_SECOND { Ok(()) } else { Err(format!("is kept busy: {count} inputs in a second")) }
}

pub(super) fn timers_move(fact: &Fact<'_>) -> Verdict {
    let Fact::Timer(count) = fact else { return Ok(()) };
    if *count <= TIMEOUTS_AT_ONCE { Ok(()) } else { Err(format!("asks for the same timer {count} times")) }
}

pub(super) fn frames_fit(fact: &Fact<'_>) -> Verdict {
    let Fact::Frame { bytes, open } = fact else { return Ok(()) };
    if *bytes > natter_engine::wire::limits::FRAME_BYTES {
        return Err(format!("sends a frame of {bytes} bytes"));
    }
    if *open { Ok(()) } else { Err("sends a frame on a link that is no open chat link".into()) }
}

pub(super) fn queues_fit(fact: &Fact<'_>) -> Verdict {
    let Fact::Queue(bytes) = fact else { return Ok(()) };
    if *bytes <= QUEUE_BYTES { Ok(()) } else { Err(format!("queues {bytes} bytes on one link")) }
}

pub(super) fn envelopes_fit(fact: &Fact<'_>) -> Verdict {
    match fact {
        Fact::Envelope(bytes) if *bytes > natter_engine::wire::limits::ENVELOPE_BYTES => {
            Err(format!("sends an envelope of {bytes} bytes"))
        }
        Fact::Candidate(bytes) if *bytes > natter_engine::wire::limits::CANDIDATE_BYTES => {
            Err(format!("sends a candidate of {bytes} bytes"))
        }
        Fact::Claims(token) if !token.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            Err(format!("claims with the token {token:?}"))
        }
        Fact::Envelope(_)
        | Fact::Candidate(_)
        | Fact::Claims(_)
        | Fact::Shows { .. }
        | Fact::Sent { .. }
        | Fact::Answers { .. }
        | Fact::Held { .. }
        | Fact::Read { .. }
        | Fact::Typing { .. }
        | Fact::Input(_)
        | Fact::Timer(_)
        | Fact::Frame { .. }
        | Fact::Queue(_)
        | Fact::Opens { .. }
        | Fact::Disk { .. }
        | Fact::Load(_) => Ok(()),
    }
}

pub(super) fn links_are_new(fact: &Fact<'_>) -> Verdict {
    let Fact::Opens { used: true } = fact else { return Ok(()) };
    Err("uses a link id twice".into())
}

pub(super) fn the_disk_can(fact: &Fact<'_>) -> Verdict {
    let Fact::Disk { refused } = fact else { return Ok(()) };
    Err(format!("asks its disk for the impossible: {refused}"))
}

pub(super) fn limits_hold(fact: &Fact<'_>) -> Verdict {
    let Fact::Load(load) = fact else { return Ok(()) };
    load.check()
}
