//! What the network layer is told by its host.

use crate::candidates::local_addresses;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use webrtc::peer_connection::RTCIceServer;

/// A STUN or TURN server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IceServer {
    /// `stun:host:port` or `turn:host:port`.
    pub url: String,
    /// TURN only.
    pub username: String,
    /// TURN only.
    pub credential: String,
}

/// What the network layer is told by its host.
#[derive(Clone, Debug, Default)]
pub struct NetConfig {
    /// STUN and TURN servers, in order.
    pub ice_servers: Vec<IceServer>,
    /// Use relays only: members never learn this device's addresses.
    pub relay_only: bool,
    /// Whether to gather and take loopback candidates: two apps on one machine, and tests. Always so when there is no
    /// other address.
    pub loopback: bool,
}

impl NetConfig {
    /// Whether loopback candidates are in use now.
    pub(crate) fn loopback(&self) -> bool {
        self.loopback || local_addresses().is_empty()
    }

    pub(crate) fn ice_servers(&self) -> Vec<RTCIceServer> {
        self.ice_servers
            .iter()
            .map(|server| RTCIceServer {
                urls: vec![server.url.clone()],
                username: server.username.clone(),
                credential: server.credential.clone(),
            })
            .collect()
    }

    /// One socket for each address: a wildcard's candidates would say 0.0.0.0.
    pub(crate) fn bind_addresses(&self) -> Vec<SocketAddr> {
        let mut addresses: Vec<IpAddr> = local_addresses();
        if self.loopback() {
            addresses.push(IpAddr::V4(Ipv4Addr::LOCALHOST));
        }
        addresses.into_iter().map(|ip| SocketAddr::new(ip, 0)).collect()
    }
}
