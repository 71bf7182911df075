//! ICE candidates (RFC 8839 §5.1) of this device and of others: which addresses we gather from, which we take.
//!
//! A candidate makes this device send packets to an address of somebody else's choosing. So only UDP, only unicast, never
//! link-local; private and loopback addresses only where this device has such an address itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// This device's addresses, without loopback and link-local; loopback alone when there is nothing else.
pub fn local_addresses() -> Vec<IpAddr> {
    let mut addresses: Vec<IpAddr> = if_addrs::get_if_addrs()
        .unwrap_or_default()
        .into_iter()
        .map(|interface| interface.ip())
        .filter(|ip| !ip.is_loopback() && !is_link_local(*ip))
        .collect();
    addresses.sort_unstable();
    addresses.dedup();
    // Docker bridges and VPNs can be many; each costs a socket and a round of checks.
    addresses.truncate(MAX_ADDRESSES);
    addresses
}

/// Addresses that a link gathers from.
const MAX_ADDRESSES: usize = 6;

/// Whether checks may be sent to a candidate of another device. `loopback` when links on this machine are wanted.
pub(crate) fn is_acceptable(candidate: &str, own: &[IpAddr], loopback: bool) -> bool {
    let Some((address, port)) = parse(candidate) else { return false };
    if port == 0 {
        return false;
    }
    match address {
        _ if address.is_loopback() => loopback,
        _ if address.is_unspecified() || address.is_multicast() || is_link_local(address) => false,
        IpAddr::V4(v4) if v4.is_broadcast() || v4.octets()[0] == 0 => false,
        _ if is_private(address) => own.iter().any(|ours| is_private(*ours) && ours.is_ipv4() == address.is_ipv4()),
        IpAddr::V4(_) | IpAddr::V6(_) => true,
    }
}

/// Reads address and port of a UDP candidate of component 1; `None` for everything else, host names included.
pub(crate) fn parse(candidate: &str) -> Option<(IpAddr, u16)> {
    let mut fields = candidate.trim().strip_prefix("candidate:")?.split(' ');
    let foundation = fields.next()?;
    if foundation.is_empty()
        || foundation.len() > 32
        || !foundation.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'/')
    {
        return None;
    }
    if fields.next()? != "1" || !fields.next()?.eq_ignore_ascii_case("udp") {
        return None;
    }
    fields.next()?.parse::<u32>().ok()?;
    let address = fields.next()?.parse().ok()?;
    let port = fields.next()?.parse().ok()?;
    if fields.next()? != "typ" || !matches!(fields.next()?, "host" | "srflx" | "prflx" | "relay") {
        return None;
    }
    // Extensions: printable ASCII, no line can be broken out of.
    candidate.bytes().all(|b| (0x20..0x7f).contains(&b)).then_some((address, port))
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    }
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_private() || is_shared(v4),
        IpAddr::V6(v6) => is_unique_local(v6),
    }
}

/// Carrier-grade NAT (RFC 6598).
fn is_shared(v4: Ipv4Addr) -> bool {
    let octets = v4.octets();
    octets[0] == 100 && (64..128).contains(&octets[1])
}

fn is_unique_local(v6: Ipv6Addr) -> bool {
    v6.segments()[0] & 0xfe00 == 0xfc00
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(address: &str) -> String {
        format!("candidate:1 1 udp 2130706431 {address} 5000 typ host")
    }

    #[test]
    fn checks_go_only_where_a_peer_could_be() {
        let own: Vec<IpAddr> = vec!["192.168.1.5".parse().expect("an address")];
        let yes = |address: &str| is_acceptable(&host(address), &own, false);
        assert!(yes("203.0.113.9"));
        assert!(yes("192.168.1.9"));
        assert!(yes("10.0.0.9"), "several private networks may be joined by routers");
        assert!(yes("2001:db8::1"));
        for bad in [
            "127.0.0.1",
            "::1",
            "0.0.0.0",
            "224.0.0.1",
            "169.254.1.1",
            "fe80::1",
            "255.255.255.255",
            "ff02::1",
            "fd00::1",
        ] {
            assert!(!yes(bad), "{bad}");
        }
        assert!(is_acceptable(&host("127.0.0.1"), &own, true));
        assert!(!is_acceptable(&host("192.168.1.9"), &[], false), "no private address of our own");
    }

    #[test]
    fn what_is_no_udp_candidate_is_refused() {
        for bad in [
            "",
            "candidate:",
            "candidate:1 2 udp 1 203.0.113.9 5000 typ host",
            "candidate:1 1 tcp 1 203.0.113.9 9 typ host tcptype active",
            "candidate:1 1 udp 1 example.local 5000 typ host",
            "candidate:1 1 udp 1 203.0.113.9 99999 typ host",
            "candidate:1 1 udp 1 203.0.113.9 5000 typ host\r\na=evil:1",
            "a=candidate:1 1 udp 1 203.0.113.9 5000 typ host",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
