//! The edge towards the link layer: PeerConnections, their channels, and blobs on their way.

use crate::ids::BlobHash;

/// What a link is for: each purpose has a PeerConnection of its own, because bulk bytes starve a shared association.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkPurpose {
    /// The ordered channel `natter/1`.
    Chat,
    /// Blob bytes, while they flow.
    Bulk,
}

/// Who is who in the DTLS handshake (RFC 8842).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setup {
    /// The offer: either.
    ActPass,
    /// The answer: this side starts.
    Active,
    /// The answer: the other side starts.
    Passive,
}

/// All that one side must know of the other to connect; the SDP is rebuilt from it and never travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionParams {
    /// SHA-256 of the DTLS certificate.
    pub fingerprint: [u8; 32],
    /// ICE user fragment, 4 to 256 characters (RFC 8839).
    pub ufrag: String,
    /// ICE password, 22 to 256 characters.
    pub pwd: String,
    /// DTLS role.
    pub setup: Setup,
    /// Candidates gathered so far, each an RFC 8839 candidate-attribute value (`candidate:…`), at most 16.
    pub candidates: Vec<String>,
}

/// Engine to link layer.
#[derive(Clone, Debug)]
pub enum LinkCommand {
    /// Make a PeerConnection with a fresh certificate and gather; answered by [`LinkEvent::Described`].
    /// With `remote` it is the answerer's, else the offerer's.
    Open {
        /// Chat or bulk.
        purpose: LinkPurpose,
        /// The offer, when this side answers.
        remote: Option<SessionParams>,
    },
    /// The answer has come.
    SetRemote(SessionParams),
    /// A later candidate of the other side.
    AddCandidate(String),
    /// Put one message on the channel.
    Send(Vec<u8>),
    /// Bulk links: ask the other side for a blob's bytes and write them to the blob store as they verify.
    FetchBlob {
        /// The content.
        blob: BlobHash,
        /// Its length.
        size: u64,
    },
    /// Bulk links: the answer to [`LinkEvent::Wanted`].
    ServeBlob {
        /// The content.
        blob: BlobHash,
        /// Whether the other side may have it.
        allowed: bool,
    },
    /// Flush what was sent, close, forget. No event follows.
    Close,
}

/// Link layer to engine.
#[derive(Clone, Debug)]
pub enum LinkEvent {
    /// The local description is ready, with the candidates gathered by then (host candidates at least).
    Described(SessionParams),
    /// One more local candidate.
    Candidate(String),
    /// ICE, DTLS and the channel are up.
    Open {
        /// SHA-256 of the certificate this side presented.
        local: [u8; 32],
        /// SHA-256 of the certificate the other side presented in the handshake, as seen.
        remote: [u8; 32],
    },
    /// One message arrived.
    Message(Vec<u8>),
    /// This many bytes of what was sent have left the send queue since the last report.
    Drained(usize),
    /// Bulk links: the other side asks for a blob.
    Wanted(BlobHash),
    /// Bulk links: so many bytes are verified or received.
    BlobProgress {
        /// The content.
        blob: BlobHash,
        /// Bytes so far.
        have: u64,
    },
    /// Bulk links: the blob is whole, verified and durable in the blob store.
    BlobDone(BlobHash),
    /// Bulk links: it will not come over this link.
    BlobFailed(BlobHash, BlobTrouble),
    /// The link is gone for good; the id will not be heard of again.
    Closed(CloseReason),
}

/// Why a blob did not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlobTrouble {
    /// The other side will not or cannot give it.
    Refused,
    /// The bytes do not match the hash.
    Corrupt,
    /// The link ended first.
    LinkLost,
    /// This device's disk is full.
    DiskFull,
    /// This device's disk failed otherwise.
    DiskFailed,
}

/// Why a link ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The other side closed it.
    Remote,
    /// ICE found no path or lost it.
    Unreachable,
    /// DTLS failed: the certificate is not the one that was signed.
    Handshake,
    /// The other side broke a rule: size, an extra channel, an unfinished message.
    Protocol,
    /// This side could not make it (no sockets, no memory).
    Local,
}
