//! What happened, as one hash, and on request as lines to read.

use natter_engine::port::{Input, LinkCommand, LinkEvent, Output, SignalCommand, SignalEvent, Stored};
use natter_engine::wire::Frame;
use std::fmt::Write as _;

/// The record of a night. With NATTER_TRACE set, each line is also written to stderr.
pub struct Trace {
    hasher: blake3::Hasher,
    line: String,
    aloud: bool,
}

impl Trace {
    /// An empty record.
    pub fn new() -> Self {
        let aloud = std::env::var_os("NATTER_TRACE").is_some();
        Self { hasher: blake3::Hasher::new(), line: String::new(), aloud }
    }

    /// The hash of all that happened so far.
    pub fn hash(&self) -> String {
        self.hasher.finalize().to_hex()[..16].to_owned()
    }

    /// Takes one event down.
    pub fn note(&mut self, at: u64, who: &str, what: std::fmt::Arguments<'_>) {
        self.line.clear();
        // Writing into a String cannot fail.
        let _ = write!(self.line, "{:>12.6} {who:>6} {what}", at as f64 / 1e6);
        self.hasher.update(self.line.as_bytes());
        if self.aloud {
            eprintln!("{}", self.line);
        }
    }
}

impl Default for Trace {
    fn default() -> Self {
        Self::new()
    }
}

fn tag(bytes: &[u8]) -> String {
    format!("{}#{}", bytes.len(), &blake3::hash(bytes).to_hex()[..6])
}

fn frame(bytes: &[u8]) -> String {
    match Frame::decode(bytes) {
        Ok(Frame::Auth { .. }) => "AUTH".to_owned(),
        Ok(Frame::Knock { .. }) => "KNOCK".to_owned(),
        Ok(Frame::Welcome { epochs, .. }) => format!("WELCOME epochs={}", epochs.len()),
        Ok(Frame::Entries { entries, .. }) => format!("ENTRIES {} {}", entries.len(), tag(bytes)),
        Ok(Frame::Have { heads, .. }) => {
            let heads: Vec<String> = heads.iter().map(|(log, seq)| format!("{:?}:{seq}", log.author)).collect();
            format!("HAVE {}", heads.join(" "))
        }
        Ok(Frame::Fork { .. }) => format!("FORK {}", tag(bytes)),
        Ok(Frame::Want { log, from, to, .. }) => format!("WANT {:?} {from}..={to}", log.author),
        Ok(Frame::Signal { from, to, kind, envelope, .. }) => {
            format!("SIGNAL {kind:?} {from:?}->{to:?} {}", tag(&envelope))
        }
        Ok(Frame::Roster { linked, .. }) => format!("ROSTER {linked:?}"),
        Ok(other @ (Frame::Ping { .. } | Frame::Pong { .. } | Frame::Bye | Frame::KnockState { .. })) => {
            format!("{other:?}")
        }
        Ok(Frame::Epoch { epoch, .. }) => format!("EPOCH {epoch}"),
        Ok(Frame::Handover { room, epochs, .. }) => format!("HANDOVER {room:?} epochs={}", epochs.len()),
        Ok(Frame::Claim { room, person, .. }) => format!("CLAIM {room:?} {person:?}"),
        Ok(other @ (Frame::Typing { .. } | Frame::AskBlob { .. } | Frame::BlobIs { .. })) => format!("{other:?}"),
        Err(error) => format!("garbage ({error}) {}", tag(bytes)),
    }
}

/// An input in a few words.
pub fn input(input: &Input) -> String {
    match input {
        Input::Command(id, command) => {
            let mut text = format!("{command:?}");
            text.truncate(text.char_indices().nth(160).map_or(text.len(), |(at, _)| at));
            format!("<- {} {text}", id.0)
        }
        Input::Link(link, LinkEvent::Message(bytes)) => format!("<- link {} {}", link.0, frame(bytes)),
        Input::Link(link, LinkEvent::Described(params)) => format!("<- link {} described {}", link.0, params.ufrag),
        Input::Link(link, LinkEvent::Open { .. }) => format!("<- link {} open", link.0),
        Input::Link(link, event) => format!("<- link {} {event:?}", link.0),
        Input::Signal(SignalEvent::Message { broker, from, kind, envelope, .. }) => {
            format!("<- {broker} {kind:?} from {} {}", &from.0[..6], tag(envelope))
        }
        Input::Signal(event) => format!("<- {event:?}"),
        Input::Stored(Stored::Entries(ticket, entries)) => format!("<- read {} {}", ticket.0, entries.len()),
        Input::Stored(stored) => format!("<- {stored:?}"),
        Input::Timeout => "<- timeout".to_owned(),
    }
}

/// An output in a few words.
pub fn output(output: &Output) -> String {
    match output {
        Output::Link(link, LinkCommand::Send(bytes)) => format!("   -> link {} {}", link.0, frame(bytes)),
        Output::Link(link, LinkCommand::Open { purpose, remote }) => {
            format!("   -> link {} open {purpose:?} answers={}", link.0, remote.is_some())
        }
        Output::Link(link, LinkCommand::SetRemote(_)) => format!("   -> link {} set remote", link.0),
        Output::Link(link, command) => format!("   -> link {} {command:?}", link.0),
        Output::Signal(SignalCommand::Send { to, kind, envelope, .. }) => {
            format!("   -> {kind:?} to {} {}", &to.0[..6], tag(envelope))
        }
        Output::Signal(command) => format!("   -> {command:?}"),
        Output::Persist(ticket, ops) => format!("   -> persist {} {} ops", ticket.0, ops.len()),
        Output::Fetch(fetch) => format!("   -> {fetch:?}"),
        Output::Reply(id, reply) => {
            let mut text = format!("{reply:?}");
            text.truncate(text.char_indices().nth(160).map_or(text.len(), |(at, _)| at));
            format!("   -> reply {} {text}", id.0)
        }
        Output::Notify(notify) => {
            let mut text = format!("{notify:?}");
            text.truncate(text.char_indices().nth(120).map_or(text.len(), |(at, _)| at));
            format!("   -> {text}")
        }
    }
}
