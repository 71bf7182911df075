//! The names of things: every id is its own type, so that a room can never be passed where a device is meant.

use std::fmt;

macro_rules! bytes_id {
    ($(#[$doc:meta])* $name:ident, $len:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// Reads the id from exactly as many bytes as it has.
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }

            /// Reads the id from the lower-case hexadecimal that `Display` writes.
            pub fn from_hex(text: &str) -> Option<Self> {
                data_encoding::HEXLOWER.decode(text.as_bytes()).ok().as_deref().and_then(Self::from_slice)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), &data_encoding::HEXLOWER.encode(&self.0[..4]))
            }
        }
    };
}

bytes_id!(
    /// A device: its Ed25519 public key (RFC 8032).
    DeviceId, 32
);
bytes_id!(
    /// A room: the BLAKE3 hash of its GENESIS entry's header.
    RoomId, 32
);
bytes_id!(
    /// An entry of a log: the BLAKE3 hash of its header.
    EntryHash, 32
);
bytes_id!(
    /// One log of an author. A restored backup opens a new one, because a copied key would fork the old.
    LogId, 16
);
bytes_id!(
    /// An invite: the Ed25519 public key that its seed derives.
    InviteId, 32
);
bytes_id!(
    /// A file's content: the root of its BLAKE3 tree.
    BlobHash, 32
);
bytes_id!(
    /// One attempt to connect two devices; chosen at random by the offerer, signed by both sides.
    ConnectionId, 16
);

/// A log, named by who signs it and which of the author's logs it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LogKey {
    /// The device whose key signs every entry.
    pub author: DeviceId,
    /// Which of its logs.
    pub log: LogId,
}

/// A link between this device and one other, as the engine and the shell call it. Never reused within a run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LinkId(pub u64);

/// A write that the store was asked for; its commit is answered with the same number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Ticket(pub u64);

/// A command that the host gave; its reply carries the same number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct CommandId(pub u64);

/// A broker that the shell keeps sockets to: its WebSocket base URL, as configured (`wss://host:port/path`).
pub type BrokerUrl = String;

/// An id at a broker: lower-case base32, so that any PeerServer takes it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Address(pub String);
