//! What goes in and out, for the log at level `trace`: kinds, numbers and lengths, no addresses, keys or words.

use natter_engine::port::{Input, LinkCommand, LinkEvent, Output, SignalCommand, SignalEvent};

/// Writes down an input. Commands, the store and the clock have logs of their own.
pub(super) fn input(input: &Input) {
    match input {
        Input::Link(link, event) => tracing::trace!(link = link.0, event = %heard(event), "in"),
        Input::Signal(SignalEvent::Message { kind, envelope, .. }) => {
            tracing::trace!(?kind, bytes = envelope.len(), "in: signal");
        }
        Input::Signal(SignalEvent::Claimed { .. }) => tracing::trace!("in: an address is ours"),
        Input::Signal(SignalEvent::Taken { .. }) => tracing::trace!("in: an address is taken"),
        Input::Signal(SignalEvent::Lost { trouble, .. }) => tracing::trace!(?trouble, "in: an address is lost"),
        Input::Signal(SignalEvent::Expired { .. }) => tracing::trace!("in: nobody is there"),
        Input::Command(..) | Input::Stored(_) | Input::Timeout => {}
    }
}

/// Writes down an output.
pub(super) fn output(output: &Output) {
    match output {
        Output::Link(link, command) => tracing::trace!(link = link.0, command = %said(command), "out"),
        Output::Signal(SignalCommand::Send { kind, envelope, .. }) => {
            tracing::trace!(?kind, bytes = envelope.len(), "out: signal");
        }
        Output::Signal(SignalCommand::Claim { .. }) => tracing::trace!("out: claim an address"),
        Output::Signal(SignalCommand::Release { .. }) => tracing::trace!("out: release an address"),
        Output::Persist(..) | Output::Fetch(_) | Output::Reply(..) | Output::Notify(_) => {}
    }
}

fn heard(event: &LinkEvent) -> String {
    match event {
        LinkEvent::Described(params) => format!("described, {} candidates", params.candidates.len()),
        LinkEvent::Candidate(_) => "candidate".to_owned(),
        LinkEvent::Open { .. } => "open".to_owned(),
        LinkEvent::Message(bytes) => format!("message of {} bytes, kind {:?}", bytes.len(), kind(bytes)),
        LinkEvent::Drained(bytes) => format!("drained {bytes}"),
        LinkEvent::Closed(reason) => format!("closed: {reason:?}"),
        LinkEvent::Wanted(_) => "wanted".to_owned(),
        LinkEvent::BlobProgress { .. } => "blob progress".to_owned(),
        LinkEvent::BlobDone(_) => "blob done".to_owned(),
        LinkEvent::BlobFailed(_, trouble) => format!("blob failed: {trouble:?}"),
    }
}

fn said(command: &LinkCommand) -> String {
    match command {
        LinkCommand::Open { purpose, remote } => {
            format!("open {purpose:?}, {}", if remote.is_some() { "answering" } else { "offering" })
        }
        LinkCommand::SetRemote(params) => format!("set remote, {} candidates", params.candidates.len()),
        LinkCommand::AddCandidate(_) => "add candidate".to_owned(),
        LinkCommand::Send(bytes) => format!("message of {} bytes, kind {:?}", bytes.len(), kind(bytes)),
        LinkCommand::FetchBlob { size, .. } => format!("fetch a blob of {size} bytes"),
        LinkCommand::ServeBlob { allowed, .. } => format!("serve a blob: {allowed}"),
        LinkCommand::Close => "close".to_owned(),
    }
}

/// The head of a frame, enough to know its kind by.
fn kind(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(3)]
}
