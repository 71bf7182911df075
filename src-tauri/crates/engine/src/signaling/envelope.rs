//! Envelopes: what a broker (or a member who passes it on) carries.
//!
//! ```text
//! envelope = version (1) ‖ key id (8) ‖ nonce (24) ‖ XChaCha20-Poly1305(padded record)
//! aad      = version ‖ key id ‖ kind ‖ length-prefixed source ‖ length-prefixed destination
//! padded   = length (2, big endian) ‖ record ‖ zeros, to a multiple of 512
//! ```
//! Source and destination are broker addresses, or device keys when a member carries it. A broker that swaps either,
//! or turns an offer into an answer, breaks the seal.

use crate::ids::{Address, DeviceId};
use crate::port::SignalKind;
use crate::wire::InviteKeys;
use crate::wire::frame::signal_tag;
use crate::wire::limits::{ENVELOPE_BYTES, ENVELOPE_PADDING};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};

const VERSION: u8 = 1;
const HEAD: usize = 1 + 8 + 24;

/// A key that seals: of a room's epoch, or of an invite.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SealingKey(pub(crate) [u8; 32]);

impl SealingKey {
    /// Of a room's epoch.
    pub fn of_epoch(epoch_key: &[u8; 32]) -> Self {
        Self(blake3::derive_key("natter 2026-11 room sealing v1", epoch_key))
    }

    /// Of an invite.
    pub fn of_invite(keys: &InviteKeys) -> Self {
        Self(keys.sealing)
    }

    fn id(self) -> [u8; 8] {
        let mut id = [0; 8];
        id.copy_from_slice(&blake3::derive_key("natter 2026-11 sealing key id v1", &self.0)[..8]);
        id
    }
}

/// From where to where an envelope goes, as both ends know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ends {
    /// At a broker.
    Broker {
        /// Source.
        from: Address,
        /// Destination.
        to: Address,
    },
    /// Over members.
    Mesh {
        /// Source.
        from: DeviceId,
        /// Destination.
        to: DeviceId,
    },
}

impl Ends {
    fn bytes(&self) -> (&[u8], &[u8]) {
        match self {
            Self::Broker { from, to } => (from.0.as_bytes(), to.0.as_bytes()),
            Self::Mesh { from, to } => (&from.0, &to.0),
        }
    }
}

/// Seals a record.
///
/// # Panics
/// When the record is longer than 65,535 bytes, which no session or candidate comes near.
pub fn seal(key: SealingKey, ends: &Ends, kind: SignalKind, nonce: [u8; 24], record: &[u8]) -> Vec<u8> {
    let length = u16::try_from(record.len()).expect("session records stay far below 8 KiB");
    let mut padded = length.to_be_bytes().to_vec();
    padded.extend_from_slice(record);
    padded.resize(padded.len().next_multiple_of(ENVELOPE_PADDING), 0);
    let id = key.id();
    let aad = associated_data(&id, ends, kind);
    let sealed = XChaCha20Poly1305::new(&key.0.into())
        .encrypt(&XNonce::from(nonce), Payload { msg: &padded, aad: &aad })
        .expect("XChaCha20-Poly1305 takes any message that fits in memory");
    let mut envelope = Vec::with_capacity(HEAD + sealed.len());
    envelope.push(VERSION);
    envelope.extend_from_slice(&id);
    envelope.extend_from_slice(&nonce);
    envelope.extend_from_slice(&sealed);
    envelope
}

/// Opens an envelope with whichever of `keys` sealed it, and tells which one that was.
/// `None` for everything that was not sealed for exactly these ends and this kind: a broker can send any bytes.
pub fn open<K: Copy>(
    keys: impl IntoIterator<Item = (K, SealingKey)>,
    ends: &Ends,
    kind: SignalKind,
    envelope: &[u8],
) -> Option<(K, Vec<u8>)> {
    if envelope.len() > ENVELOPE_BYTES || envelope.len() < HEAD || envelope[0] != VERSION {
        return None;
    }
    let id: [u8; 8] = envelope[1..9].try_into().ok()?;
    let nonce: [u8; 24] = envelope[9..HEAD].try_into().ok()?;
    let (name, key) = keys.into_iter().find(|(_, key)| key.id() == id)?;
    let aad = associated_data(&id, ends, kind);
    let padded = XChaCha20Poly1305::new(&key.0.into())
        .decrypt(&XNonce::from(nonce), Payload { msg: &envelope[HEAD..], aad: &aad })
        .ok()?;
    let (length, rest) = padded.split_at_checked(2)?;
    let length = usize::from(u16::from_be_bytes(length.try_into().ok()?));
    Some((name, rest.get(..length)?.to_vec()))
}

fn associated_data(id: &[u8; 8], ends: &Ends, kind: SignalKind) -> Vec<u8> {
    let (from, to) = ends.bytes();
    let mut aad = vec![VERSION];
    aad.extend_from_slice(id);
    // Tags are 0 to 2; addresses have 64 bytes at most, keys 32.
    aad.push(signal_tag(kind) as u8);
    for end in [from, to] {
        aad.push(end.len() as u8);
        aad.extend_from_slice(end);
    }
    aad
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends() -> Ends {
        Ends::Broker { from: Address("aaa".into()), to: Address("bbb".into()) }
    }

    fn open_with(key: u8, ends: &Ends, kind: SignalKind, envelope: &[u8]) -> Option<Vec<u8>> {
        open([((), SealingKey([key; 32]))], ends, kind, envelope).map(|(_, record)| record)
    }

    #[test]
    fn what_is_sealed_opens_for_the_same_ends_only() {
        let envelope = seal(SealingKey([1; 32]), &ends(), SignalKind::Offer, [5; 24], b"record");
        assert_eq!(open_with(1, &ends(), SignalKind::Offer, &envelope), Some(b"record".to_vec()));
        assert_eq!(open_with(2, &ends(), SignalKind::Offer, &envelope), None, "another key");
        assert_eq!(open_with(1, &ends(), SignalKind::Answer, &envelope), None, "another kind");
        let swapped = Ends::Broker { from: Address("bbb".into()), to: Address("aaa".into()) };
        assert_eq!(open_with(1, &swapped, SignalKind::Offer, &envelope), None, "ends swapped by the broker");
    }

    #[test]
    fn length_tells_nothing_and_no_flipped_bit_passes() {
        let short = seal(SealingKey([1; 32]), &ends(), SignalKind::Offer, [5; 24], b"x");
        let long = seal(SealingKey([1; 32]), &ends(), SignalKind::Offer, [5; 24], &[7; 500]);
        assert_eq!(short.len(), long.len());
        for at in 0..short.len() {
            let mut bent = short.clone();
            bent[at] ^= 1;
            assert_eq!(open_with(1, &ends(), SignalKind::Offer, &bent), None, "byte {at}");
        }
        for end in 0..short.len() {
            assert_eq!(open_with(1, &ends(), SignalKind::Offer, &short[..end]), None, "cut at {end}");
        }
    }
}
