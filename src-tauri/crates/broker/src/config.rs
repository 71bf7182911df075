//! What an owner may set, and every limit by name.
//!
//! Stock PeerServer has one limit, 5,000 clients. The others are ours (SECURITY.md, "Limits"), and are chosen so that a
//! member who comes online in a mesh of 32 (31 offers with up to 16 ICE candidates each, at once) never meets one.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// The port that PeerServer and PeerJS agree on.
pub const PORT: u16 = 9000;
/// The key that PeerServer and PeerJS agree on.
pub const KEY: &str = "peerjs";

/// Clients connected at once.
pub const SOCKETS: usize = 256;
/// Clients connected at once from one address (IPv4) or one network (IPv6 /64).
pub const SOCKETS_PER_ADDRESS: usize = 20;
/// TCP connections beyond the clients, for `GET`s and for sockets that are still saying goodbye; in all.
pub const SPARE_CONNECTIONS: usize = 64;
/// The same, of one address.
pub const SPARE_CONNECTIONS_PER_ADDRESS: usize = 16;
/// Bytes of one message.
pub const MESSAGE_BYTES: usize = 64 * 1024;
/// Messages a client may send in a second, sustained.
pub const MESSAGES_PER_SECOND: u32 = 50;
/// Messages a client may send at once: a member of 32 who comes online sends 31 × 17.
pub const MESSAGES_BURST: u32 = 1_000;
/// Bytes a client may send in a second, sustained.
pub const BYTES_PER_SECOND: u32 = 256 * 1024;
/// Bytes a client may send at once; half of what an outgoing queue holds, so that no single sender can fill another's.
pub const BYTES_BURST: u32 = 1024 * 1024;
/// Messages that wait for an id nobody holds.
pub const QUEUED_PER_ID: usize = 16;
/// Bytes that wait for ids nobody holds, in all.
pub const QUEUED_BYTES_TOTAL: usize = 16 * 1024 * 1024;
/// What one address may take of them: a share, so that one sender cannot end queueing for the others.
pub const QUEUED_SHARE_PER_ADDRESS: usize = 4;
/// What a waiting message is charged beyond its text and ids, in bytes, so that tiny ones are not free.
pub const QUEUED_OVERHEAD: usize = 128;
/// Messages on their way to one client; a client that is this far behind is disconnected.
pub const OUTGOING_MESSAGES: usize = 2_048;
/// Bytes on their way to one client.
pub const OUTGOING_BYTES: usize = 2 * 1024 * 1024;
/// Bytes on their way to all clients; past it the one that is furthest behind is disconnected.
pub const OUTGOING_BYTES_TOTAL: usize = 64 * 1024 * 1024;
/// Characters of an id.
pub const ID_CHARS: usize = 64;
/// Bytes of a token.
pub const TOKEN_BYTES: usize = 128;
/// How long a message waits for its recipient before its sender is told EXPIRE.
pub const EXPIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a client may go without a HEARTBEAT (PeerJS sends one every 5 s).
pub const ALIVE_TIMEOUT: Duration = Duration::from_secs(90);
/// How long a request's head may take, and how long an idle connection is kept.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection may stay plain HTTP, however busy it is.
pub const HTTP_LIFETIME: Duration = Duration::from_secs(30);
/// Bytes of a request's head.
pub const HEAD_BYTES: usize = 16 * 1024;
/// Headers of a request.
pub const HEADERS: usize = 64;
/// How long we read on after our close frame, so that what we said last is not lost to a TCP reset.
pub const LINGER: Duration = Duration::from_secs(2);
/// How long a stop waits for clients to answer our close; whoever is silent is cut off.
pub const STOP_GRACE: Duration = Duration::from_millis(500);
/// Bytes of the read buffer of a socket.
pub(crate) const READ_BUFFER: usize = 16 * 1024;

/// How a broker is served.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Where it is mounted.
    pub path: MountPath,
    /// What a client must say to get a socket; not a secret.
    pub key: Key,
    /// Who may list the ids that are online.
    pub discovery: Discovery,
    /// What a client may take.
    pub limits: Limits,
}

/// Whether `GET /{key}/peers` answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Discovery {
    /// 401, as stock PeerServer does by default.
    #[default]
    Refused,
    /// The ids that are online, to anybody who asks.
    Allowed,
}

/// The key of a broker: `peerjs` unless set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(pub String);

impl Default for Key {
    fn default() -> Self {
        Self(KEY.to_owned())
    }
}

/// What a client may take, and for how long. The defaults are the constants of this module.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Clients connected at once.
    pub sockets: usize,
    /// Clients connected at once from one address; `None` lifts it (many peers on loopback, or a proxy in front).
    pub per_address: Option<usize>,
    /// Bytes of one message.
    pub message_bytes: usize,
    /// Messages a client may send in a second, sustained.
    pub messages_per_second: u32,
    /// Messages a client may send at once.
    pub messages_burst: u32,
    /// Bytes a client may send in a second, sustained.
    pub bytes_per_second: u32,
    /// Bytes a client may send at once.
    pub bytes_burst: u32,
    /// Messages that wait for an id nobody holds.
    pub queued_per_id: usize,
    /// Bytes that wait for ids nobody holds.
    pub queued_bytes_total: usize,
    /// Messages on their way to one client.
    pub outgoing_messages: usize,
    /// Bytes on their way to one client.
    pub outgoing_bytes: usize,
    /// Bytes on their way to all clients.
    pub outgoing_bytes_total: usize,
    /// How long a message waits for its recipient.
    pub expire_timeout: Duration,
    /// How long a client may go without a HEARTBEAT.
    pub alive_timeout: Duration,
    /// How long a request's head may take.
    pub head_timeout: Duration,
    /// How long a connection may stay plain HTTP.
    pub http_lifetime: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sockets: SOCKETS,
            per_address: Some(SOCKETS_PER_ADDRESS),
            message_bytes: MESSAGE_BYTES,
            messages_per_second: MESSAGES_PER_SECOND,
            messages_burst: MESSAGES_BURST,
            bytes_per_second: BYTES_PER_SECOND,
            bytes_burst: BYTES_BURST,
            queued_per_id: QUEUED_PER_ID,
            queued_bytes_total: QUEUED_BYTES_TOTAL,
            outgoing_messages: OUTGOING_MESSAGES,
            outgoing_bytes: OUTGOING_BYTES,
            outgoing_bytes_total: OUTGOING_BYTES_TOTAL,
            expire_timeout: EXPIRE_TIMEOUT,
            alive_timeout: ALIVE_TIMEOUT,
            head_timeout: HEAD_TIMEOUT,
            http_lifetime: HTTP_LIFETIME,
        }
    }
}

/// Where a broker is mounted: `/`, or `/a/b/` with segments of letters, digits and `-._~` (RFC 3986 "unreserved").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MountPath(String);

/// A mount path that cannot be one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a path: segments are letters, digits and - . _ ~, as in /natter/broker")]
pub struct BadPath(String);

impl MountPath {
    /// With a slash at both ends.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for MountPath {
    fn default() -> Self {
        Self("/".to_owned())
    }
}

impl fmt::Display for MountPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for MountPath {
    type Err = BadPath;

    /// Slashes at the ends may be left out, as PeerJS allows.
    fn from_str(text: &str) -> Result<Self, BadPath> {
        let inner = text.strip_prefix('/').unwrap_or(text);
        let inner = inner.strip_suffix('/').unwrap_or(inner);
        if inner.is_empty() {
            return Ok(Self::default());
        }
        let unreserved = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        let segment = |s: &str| !s.is_empty() && s != "." && s != ".." && s.chars().all(unreserved);
        if inner.split('/').all(segment) { Ok(Self(format!("/{inner}/"))) } else { Err(BadPath(text.to_owned())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_written_with_or_without_its_slashes() {
        for (text, path) in [("", "/"), ("/", "/"), ("a", "/a/"), ("/a", "/a/"), ("/a/", "/a/"), ("/a/b.c", "/a/b.c/")]
        {
            assert_eq!(text.parse::<MountPath>().expect("a path").as_str(), path, "{text:?}");
        }
        for bad in ["///", "/a//b", "/{key}", "/a b", "/..", "/a/../b", "/ä", "/a?b"] {
            assert!(bad.parse::<MountPath>().is_err(), "{bad:?}");
        }
    }
}
