//! Rendezvous addresses: where members meet at a broker without telling it who they are.
//!
//! `base32(first 20 bytes of BLAKE3-keyed(rendezvous key, device/zeros ‖ day ‖ n))`. The key comes from the room's
//! epoch key or from an invite, so only members (or invitees) can compute the address, and it changes every day.

use crate::ids::{Address, DeviceId};
use crate::time::UnixMillis;

/// A day since 1970 UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Day(pub u32);

impl Day {
    /// The day at a moment.
    pub fn of(wall: UnixMillis) -> Self {
        Self(u32::try_from(wall.0 / 86_400_000).unwrap_or(u32::MAX))
    }

    /// Where else to look at the `attempt`th time, besides today's first address: at one of today's other `variants`, in
    /// case of a squatter, or on a neighbouring day, when a clock may be on the other side of midnight.
    pub fn guess(self, attempt: u32, variants: u8) -> (Self, u8) {
        let others = u32::from(variants) - 1;
        let turn = attempt % (others + 2);
        match turn.checked_sub(others) {
            None => (self, u8::try_from(turn + 1).unwrap_or(0)),
            Some(0) => (self.before(), 0),
            Some(_) => (self.after(), 0),
        }
    }

    /// Where to knock at the `attempt`th time, counted from 0: mostly today; now and then on a neighbouring day, as a clock
    /// may be on the other side of midnight.
    pub fn at_attempt(self, attempt: u32) -> Self {
        match attempt % 4 {
            2 => self.before(),
            3 => self.after(),
            _ => self,
        }
    }

    /// Yesterday.
    pub fn before(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// Tomorrow.
    pub fn after(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// The key that rendezvous addresses of a room's epoch are derived from.
pub fn room_rendezvous(epoch_key: &[u8; 32]) -> [u8; 32] {
    blake3::derive_key("natter 2026-11 room rendezvous v1", epoch_key)
}

/// Where `device` can be met on `day`; `n` counts up when somebody squats on an address.
pub fn member_address(rendezvous: &[u8; 32], device: DeviceId, day: Day, n: u8) -> Address {
    address(rendezvous, &device.0, day, n)
}

/// Where members serve an invite on `day`.
pub fn invite_address(rendezvous: &[u8; 32], day: Day, n: u8) -> Address {
    address(rendezvous, &[0; 32], day, n)
}

/// An address that nobody can foresee, for a newcomer who only wants answers.
pub fn private_address(random: [u8; 20]) -> Address {
    Address(data_encoding::BASE32_NOPAD.encode(&random).to_ascii_lowercase())
}

fn address(key: &[u8; 32], who: &[u8; 32], day: Day, n: u8) -> Address {
    let mut hasher = blake3::Hasher::new_keyed(key);
    hasher.update(who).update(&day.0.to_be_bytes()).update(&[n]);
    let mut bytes = [0; 20];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..20]);
    private_address(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_tells_nothing_and_changes_daily() {
        let today = member_address(&[1; 32], DeviceId([2; 32]), Day(20_000), 0);
        assert_eq!(today.0.len(), 32);
        assert!(today.0.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
        assert_ne!(today, member_address(&[1; 32], DeviceId([2; 32]), Day(20_001), 0));
        assert_ne!(today, member_address(&[1; 32], DeviceId([2; 32]), Day(20_000), 1));
        assert_ne!(today, member_address(&[1; 32], DeviceId([3; 32]), Day(20_000), 0));
        assert_ne!(today, member_address(&[9; 32], DeviceId([2; 32]), Day(20_000), 0));
    }
}
