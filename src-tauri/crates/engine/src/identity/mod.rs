//! Who signs: a device is an Ed25519 key (RFC 8032), and everything it says is signed under a named context.
//!
//! The signed message is `length of context (1 byte) ‖ context ‖ bytes`, so that a signature made for one purpose can
//! never pass for another. Verification is strict (no small-order keys, canonical encodings only), because two
//! parties that disagree on whether a signature is valid would see different logs.

use crate::ids::{DeviceId, InviteId};
use crate::wire::limits::NAME_GRAPHEMES;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

/// What a signature is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    /// The header of a log entry.
    Entry,
    /// A session offer.
    Offer,
    /// A session answer.
    Answer,
    /// The first frame of a link.
    Auth,
    /// An invite's key vouching for the device that used it.
    InviteProof,
    /// A device saying whose it is.
    Device,
    /// An invite's key saying which room it opens.
    InviteRoom,
}

impl Context {
    fn label(self) -> &'static [u8] {
        match self {
            Self::Entry => b"natter/1 entry",
            Self::Offer => b"natter/1 offer",
            Self::Answer => b"natter/1 answer",
            Self::Auth => b"natter/1 auth",
            Self::InviteProof => b"natter/1 invite proof",
            Self::Device => b"natter/1 device",
            Self::InviteRoom => b"natter/1 invite room",
        }
    }

    fn message(self, bytes: &[u8]) -> Vec<u8> {
        let label = self.label();
        let mut message = Vec::with_capacity(1 + label.len() + bytes.len());
        // The longest label is 21 bytes.
        message.push(label.len() as u8);
        message.extend_from_slice(label);
        message.extend_from_slice(bytes);
        message
    }
}

/// A secret signing key: this device's, or the one that an invite's seed derives. Zeroed when dropped.
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// The key that a 32-byte seed is.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The public half, as a device.
    pub fn device(&self) -> DeviceId {
        DeviceId(self.0.verifying_key().to_bytes())
    }

    /// The public half, as an invite.
    pub fn invite(&self) -> InviteId {
        InviteId(self.0.verifying_key().to_bytes())
    }

    /// Signs `bytes` for one purpose.
    pub fn sign(&self, context: Context, bytes: &[u8]) -> [u8; 64] {
        self.0.sign(&context.message(bytes)).to_bytes()
    }
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SecretKey({:?})", self.device())
    }
}

/// Whether `public` signed exactly `bytes` for this purpose.
pub fn verify(public: &[u8; 32], context: Context, bytes: &[u8], signature: &[u8; 64]) -> bool {
    VerifyingKey::from_bytes(public)
        .is_ok_and(|key| key.verify_strict(&context.message(bytes), &Signature::from_bytes(signature)).is_ok())
}

/// The short fingerprint that people compare by eye: four groups of four base32 letters (80 bits of BLAKE3).
pub fn fingerprint(device: DeviceId) -> String {
    let hash = blake3::derive_key("natter 2026-11 fingerprint v1", &device.0);
    let letters = data_encoding::BASE32_NOPAD.encode(&hash[..10]);
    letters.as_bytes().chunks(4).map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ")
}

/// The number that two people compare, aloud or by eye, to know that nobody sits between them: 60 decimal digits in twelve
/// groups of five, the same on both devices (199 bits of BLAKE3 over both keys, the smaller first).
pub fn safety_number(one: DeviceId, other: DeviceId) -> String {
    let (small, large) = if one.0 <= other.0 { (one, other) } else { (other, one) };
    let mut hasher = blake3::Hasher::new_derive_key("natter 2026-11 safety number v1");
    hasher.update(&small.0).update(&large.0);
    let mut bytes = [0; 12 * 8];
    hasher.finalize_xof().fill(&mut bytes);
    let group = |eight: &[u8]| {
        let number = eight.iter().fold(0u64, |number, byte| (number << 8) | u64::from(*byte));
        format!("{:05}", number % 100_000)
    };
    bytes.chunks_exact(8).map(group).collect::<Vec<_>>().join(" ")
}

/// Which of the twelve hues a device has: from its key, so that taking a name does not take a colour.
pub fn hue(device: DeviceId) -> u8 {
    blake3::derive_key("natter 2026-11 hue v1", &device.0)[0] % 12
}

/// Why a name cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing visible in it.
    #[error("the name is empty")]
    Empty,
    /// More than 64 graphemes or 256 bytes.
    #[error("the name is too long")]
    TooLong,
    /// A control, bidi-override, zero-width or line-breaking character in it.
    #[error("the name has characters that cannot be shown")]
    Unprintable,
}

/// A name as it is stored and shown: NFC, inner white space folded, nothing invisible or direction-changing.
///
/// # Errors
/// [`NameError`] says which rule it breaks.
pub fn clean_name(raw: &str) -> Result<String, NameError> {
    if raw.len() > 4 * 256 {
        return Err(NameError::TooLong);
    }
    let name = raw.nfc().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ");
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.chars().any(is_unprintable) {
        return Err(NameError::Unprintable);
    }
    if name.len() > 256 || name.graphemes(true).count() > NAME_GRAPHEMES {
        return Err(NameError::TooLong);
    }
    Ok(name)
}

/// Characters that could make one name look like another or break a line. U+200D stays: emoji are joined with it.
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}' | '\u{200c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' | '\u{ad}' | '\u{61c}' | '\u{180e}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_for_one_purpose_does_not_pass_for_another() {
        let key = SecretKey::from_seed(&[7; 32]);
        let signature = key.sign(Context::Offer, b"bytes");
        assert!(verify(&key.device().0, Context::Offer, b"bytes", &signature));
        assert!(!verify(&key.device().0, Context::Answer, b"bytes", &signature));
        assert!(!verify(&key.device().0, Context::Offer, b"bytez", &signature));
    }

    #[test]
    fn a_small_order_key_verifies_nothing() {
        let mut identity_point = [0; 32];
        identity_point[0] = 1;
        assert!(!verify(&identity_point, Context::Entry, b"anything", &[0; 64]));
    }

    #[test]
    fn names_keep_emoji_and_lose_what_is_invisible() {
        assert_eq!(clean_name("  Ada   Lovelace\n"), Ok("Ada Lovelace".into()));
        assert_eq!(clean_name("👩\u{200d}👧 home"), Ok("👩\u{200d}👧 home".into()));
        assert_eq!(clean_name(" \t "), Err(NameError::Empty));
        assert_eq!(clean_name("Ada\u{202e}evil"), Err(NameError::Unprintable));
        assert_eq!(clean_name("A\u{200b}da"), Err(NameError::Unprintable));
        assert_eq!(clean_name(&"x".repeat(65)), Err(NameError::TooLong));
        assert_eq!(clean_name(&"x".repeat(64)).map(|n| n.len()), Ok(64));
    }

    #[test]
    fn the_fingerprint_is_four_groups_of_four() {
        let shown = fingerprint(DeviceId([1; 32]));
        assert_eq!(shown.split(' ').map(str::len).collect::<Vec<_>>(), [4, 4, 4, 4]);
        assert!(hue(DeviceId([1; 32])) < 12);
    }

    #[test]
    fn the_safety_number_is_the_same_on_both_sides_and_another_for_another_pair() {
        let (ada, ben, eve) = (DeviceId([1; 32]), DeviceId([2; 32]), DeviceId([3; 32]));
        let number = safety_number(ada, ben);
        assert_eq!(number, safety_number(ben, ada));
        assert_ne!(number, safety_number(ada, eve));
        assert_eq!(number.split(' ').map(str::len).collect::<Vec<_>>(), [5; 12]);
        assert!(number.bytes().all(|byte| byte.is_ascii_digit() || byte == b' '));
    }
}
