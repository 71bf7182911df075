//! What this person has decided about others: whom they verified, whom they do not want to hear. It lies in the encrypted
//! settings and never leaves the device.

use natter_engine::identity::safety_number;
use natter_engine::ids::DeviceId;
use std::collections::BTreeMap;
use unicode_security::confusable_detection::skeleton;

/// Where it lies among the settings.
pub(crate) const SETTING: &str = "people";
/// Devices that something was decided about.
pub(crate) const PEOPLE: usize = 1024;

const VERIFIED: u8 = 1;
const BLOCKED: u8 = 2;
const RECORD: usize = 33;
/// What a code to scan begins with.
const CODE: &str = "natter://verify#";

/// What was decided about one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Marks {
    /// The safety number was compared.
    pub(crate) verified: bool,
    /// What they say is not shown.
    pub(crate) blocked: bool,
}

/// What was decided, by device.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct People(BTreeMap<DeviceId, Marks>);

impl People {
    /// As it lies on the disk; what is not understood is passed over.
    pub(crate) fn decode(bytes: &[u8]) -> Self {
        let one = |record: &[u8]| {
            let (device, marks) = record.split_first_chunk::<32>()?;
            let marks = marks.first()?;
            let marks = Marks { verified: marks & VERIFIED != 0, blocked: marks & BLOCKED != 0 };
            Some((DeviceId(*device), marks))
        };
        Self(bytes.chunks_exact(RECORD).filter_map(one).collect())
    }

    /// The same as bytes: of each device its key and its flags.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len() * RECORD);
        for (device, marks) in &self.0 {
            bytes.extend(device.0);
            bytes.push((u8::from(marks.verified) * VERIFIED) | (u8::from(marks.blocked) * BLOCKED));
        }
        bytes
    }

    pub(crate) fn of(&self, device: DeviceId) -> Marks {
        self.0.get(&device).copied().unwrap_or_default()
    }

    /// Whom this person does not want to hear.
    pub(crate) fn blocked(&self) -> impl Iterator<Item = DeviceId> {
        self.0.iter().filter(|(_, marks)| marks.blocked).map(|(device, _)| *device)
    }

    /// False when there are [`PEOPLE`] already.
    pub(crate) fn set(&mut self, device: DeviceId, marks: Marks) -> bool {
        if marks == Marks::default() {
            self.0.remove(&device);
            return true;
        }
        if !self.0.contains_key(&device) && self.0.len() >= PEOPLE {
            return false;
        }
        self.0.insert(device, marks);
        true
    }
}

/// The code that this device shows another: who it is and which number both must come to.
pub(crate) fn code(own: DeviceId, other: DeviceId) -> String {
    format!("{CODE}{own}{}", safety_number(own, other).replace(' ', ""))
}

/// What somebody scanned, pasted or typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// A whole code: who showed it, and its digits.
    Whole(DeviceId, String),
    /// Digits alone.
    Digits(String),
}

/// Reads it, spaces or not. None when it is neither.
pub(crate) fn read(text: &str) -> Option<Code> {
    let text: String = text.split_whitespace().collect();
    let is_number = |digits: &str| digits.len() == 60 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_number(&text) {
        return Some(Code::Digits(text));
    }
    let (device, digits) = text.strip_prefix(CODE)?.split_at_checked(64)?;
    is_number(digits).then_some(())?;
    Some(Code::Whole(DeviceId::from_hex(device)?, digits.to_owned()))
}

/// Whether the digits are those of the two devices.
pub(crate) fn matches(digits: &str, own: DeviceId, other: DeviceId) -> bool {
    safety_number(own, other).replace(' ', "") == digits
}

/// A name as the eye takes it (UTS 39: what looks the same is the same), without case and spaces.
pub(crate) fn face(name: &str) -> String {
    let shape = |text: &str| skeleton(text).collect::<String>();
    // Twice: lower-casing makes letters that look like others.
    shape(&shape(name).to_lowercase()).chars().filter(|letter| !letter.is_whitespace()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: DeviceId = DeviceId([1; 32]);
    const BEN: DeviceId = DeviceId([2; 32]);

    #[test]
    fn what_was_decided_comes_back_from_the_disk_and_is_bounded() {
        let mut people = People::default();
        assert!(people.set(ADA, Marks { verified: true, blocked: false }));
        assert!(people.set(BEN, Marks { verified: true, blocked: true }));
        assert_eq!(People::decode(&people.encode()), people);
        assert!(people.set(BEN, Marks::default()));
        assert_eq!((people.of(BEN), people.of(ADA).verified, people.0.len()), (Marks::default(), true, 1));
        for n in 1..PEOPLE {
            let mut key = [9; 32];
            key[..8].copy_from_slice(&n.to_be_bytes());
            assert!(people.set(DeviceId(key), Marks { verified: true, blocked: false }));
        }
        assert!(!people.set(BEN, Marks { verified: true, blocked: false }), "full");
        assert!(people.set(ADA, Marks { verified: true, blocked: true }), "who is there can be changed");
        assert!(people.encode().len() <= natter_store::limits::SETTING_BYTES);
        assert_eq!(People::decode(&[7; 40]).0.len(), 1, "a torn record is passed over");
    }

    #[test]
    fn a_code_is_read_as_it_was_shown_and_fits_only_its_pair() {
        let shown = code(ADA, BEN);
        let Some(Code::Whole(device, digits)) = read(&shown) else { panic!("not read") };
        assert_eq!(device, ADA);
        assert!(matches(&digits, BEN, ADA) && !matches(&digits, BEN, DeviceId([3; 32])));
        assert_eq!(read(&safety_number(ADA, BEN)), Some(Code::Digits(digits)));
        for bad in ["", "natter://verify#", "natter://join#abc", &shown[..shown.len() - 1], &format!("{shown}0"), "é"]
        {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn names_that_look_the_same_have_one_face() {
        for (one, other) in [("Ada", "АdA"), ("paypal", "pаypal"), ("Ben", "B en"), ("Al", "A1"), ("rn", "m")] {
            assert_eq!(face(one), face(other), "{one} {other}");
        }
        assert_ne!(face("Ada"), face("Ben"));
    }
}
