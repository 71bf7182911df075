//! Who counts as one when connections are counted.

use std::collections::BTreeMap;
use std::net::IpAddr;

/// An IPv4 address, or an IPv6 /64: one line gets a whole /64 (RFC 6177), so its addresses are not separate people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Address {
    V4(u32),
    V6(u64),
}

impl From<IpAddr> for Address {
    fn from(ip: IpAddr) -> Self {
        // A dual-stack socket shows IPv4 as ::ffff:a.b.c.d.
        match ip.to_canonical() {
            IpAddr::V4(ip) => Self::V4(ip.to_bits()),
            IpAddr::V6(ip) => Self::V6(u64::try_from(ip.to_bits() >> 64).expect("128 bits less 64 fit in 64")),
        }
    }
}

/// How much each address holds. Nothing is kept of one that holds nothing.
#[derive(Debug, Default)]
pub(crate) struct Tally(BTreeMap<Address, usize>);

impl Tally {
    pub(crate) fn of(&self, address: Address) -> usize {
        self.0.get(&address).copied().unwrap_or(0)
    }

    pub(crate) fn add(&mut self, address: Option<Address>, amount: usize) {
        if let Some(address) = address {
            *self.0.entry(address).or_insert(0) += amount;
        }
    }

    pub(crate) fn remove(&mut self, address: Option<Address>, amount: usize) {
        let Some(address) = address else { return };
        let left = self.of(address).saturating_sub(amount);
        if left == 0 {
            self.0.remove(&address);
        } else {
            self.0.insert(address, left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        text.parse::<IpAddr>().expect("an address").into()
    }

    #[test]
    fn an_ipv6_network_counts_as_one() {
        assert_eq!(address("2001:db8::1"), address("2001:db8::ffff:1"));
        assert_ne!(address("2001:db8::1"), address("2001:db8:0:1::1"));
        assert_eq!(address("::ffff:192.0.2.1"), address("192.0.2.1"));
        assert_ne!(address("192.0.2.1"), address("192.0.2.2"));
    }

    #[test]
    fn a_tally_forgets_who_holds_nothing() {
        let mut tally = Tally::default();
        let one = address("192.0.2.1");
        tally.add(Some(one), 3);
        tally.remove(Some(one), 2);
        assert_eq!(tally.of(one), 1);
        tally.remove(Some(one), 5);
        assert_eq!(tally.of(one), 0);
        assert!(tally.0.is_empty());
        tally.add(None, 1);
        assert!(tally.0.is_empty());
    }
}
