//! The one SDP that Natter knows (RFC 8866, RFC 8841): a single data-channel section, written from signed fields. A
//! peer's own SDP text never reaches the parser.

use natter_engine::port::{SessionParams, Setup};
use std::fmt::Write;

/// Largest message on a channel, in bytes.
pub(crate) const MAX_MESSAGE: usize = 64 * 1024;

/// Writes the description that `params` stand for. Candidates are added apart.
pub(crate) fn write(params: &SessionParams) -> String {
    let mut fingerprint = String::new();
    for (n, byte) in params.fingerprint.iter().enumerate() {
        let colon = if n == 0 { "" } else { ":" };
        write!(fingerprint, "{colon}{byte:02X}").expect("a String takes every character");
    }
    let setup = match params.setup {
        Setup::ActPass => "actpass",
        Setup::Active => "active",
        Setup::Passive => "passive",
    };
    let (ufrag, pwd) = (&params.ufrag, &params.pwd);
    [
        "v=0",
        "o=- 1 1 IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        "c=IN IP4 0.0.0.0",
        &format!("a=ice-ufrag:{ufrag}"),
        &format!("a=ice-pwd:{pwd}"),
        "a=ice-options:trickle",
        &format!("a=fingerprint:sha-256 {fingerprint}"),
        &format!("a=setup:{setup}"),
        "a=mid:0",
        "a=sctp-port:5000",
        &format!("a=max-message-size:{MAX_MESSAGE}"),
        "",
    ]
    .join("\r\n")
}

/// The ICE credentials of our own description.
pub(crate) fn credentials(sdp: &str) -> Option<(String, String)> {
    let value = |name: &str| sdp.lines().find_map(|line| line.trim_end().strip_prefix(name)).map(str::to_owned);
    Some((value("a=ice-ufrag:")?, value("a=ice-pwd:")?))
}
