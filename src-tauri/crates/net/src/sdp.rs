//! The one SDP that Natter knows (RFC 8866, RFC 8841): a single data-channel section, written from signed fields. A
//! peer's own SDP text never reaches the parser, and every field is checked before it reaches ours: nothing in it can
//! break out of its line.

use natter_engine::port::{SessionParams, Setup};
use natter_engine::wire::limits::{CANDIDATE_BYTES, CANDIDATES};
use std::fmt::Write;
use thiserror::Error;

/// Largest message on a channel, in bytes.
pub const MAX_MESSAGE: usize = 64 * 1024;
/// What the crate is told instead: it drops a longer message without a word, and we want to see those that break the
/// rule, to close. What is longer than this completes nothing, and the meter's limit ends it.
pub(crate) const CRATE_MESSAGE: u32 = 2 * MAX_MESSAGE as u32;
/// The identification of the one section (RFC 5888).
pub(crate) const MID: &str = "0";
/// Lengths of user fragment and password, in characters (RFC 8839 §5.4).
const UFRAG: std::ops::RangeInclusive<usize> = 4..=256;
const PWD: std::ops::RangeInclusive<usize> = 22..=256;

/// Which of the two a description is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    Offer,
    Answer,
}

/// Session parameters that no description can be made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum BadParams {
    #[error("not an ICE user fragment")]
    Ufrag,
    #[error("not an ICE password")]
    Pwd,
    #[error("not the setup of an offer or answer")]
    Setup,
    #[error("too many or too long candidates")]
    Candidates,
}

/// Writes the description that `params` stand for. Candidates are added apart.
///
/// # Errors
/// [`BadParams`] names the field that is not what its RFC says.
pub(crate) fn write(params: &SessionParams, of: Of) -> Result<String, BadParams> {
    let (ufrag, pwd) = (&params.ufrag, &params.pwd);
    if !UFRAG.contains(&ufrag.len()) || !is_ice(ufrag) {
        return Err(BadParams::Ufrag);
    }
    if !PWD.contains(&pwd.len()) || !is_ice(pwd) {
        return Err(BadParams::Pwd);
    }
    if params.candidates.len() > CANDIDATES || params.candidates.iter().any(|line| line.len() > CANDIDATE_BYTES) {
        return Err(BadParams::Candidates);
    }
    // An offer leaves the choice to the answerer, and an answer makes it (RFC 8842 §5).
    let setup = match (of, params.setup) {
        (Of::Offer, Setup::ActPass) => "actpass",
        (Of::Answer, Setup::Active) => "active",
        (Of::Answer, Setup::Passive) => "passive",
        (Of::Offer, Setup::Active | Setup::Passive) | (Of::Answer, Setup::ActPass) => return Err(BadParams::Setup),
    };
    let mut fingerprint = String::new();
    for (n, byte) in params.fingerprint.iter().enumerate() {
        let colon = if n == 0 { "" } else { ":" };
        write!(fingerprint, "{colon}{byte:02X}").expect("a String takes every character");
    }
    Ok([
        "v=0",
        "o=- 1 1 IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        &format!("a=group:BUNDLE {MID}"),
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        "c=IN IP4 0.0.0.0",
        &format!("a=ice-ufrag:{ufrag}"),
        &format!("a=ice-pwd:{pwd}"),
        "a=ice-options:trickle",
        &format!("a=fingerprint:sha-256 {fingerprint}"),
        &format!("a=setup:{setup}"),
        &format!("a=mid:{MID}"),
        "a=sctp-port:5000",
        &format!("a=max-message-size:{CRATE_MESSAGE}"),
        "",
    ]
    .join("\r\n"))
}

/// `ice-char = ALPHA / DIGIT / "+" / "/"` (RFC 8839 §5.1).
fn is_ice(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/')
}

/// What of our own description travels.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Own {
    pub(crate) ufrag: String,
    pub(crate) pwd: String,
    pub(crate) setup: Setup,
}

/// Reads the description that the crate made for us.
pub(crate) fn read_own(sdp: &str) -> Option<Own> {
    let value = |name: &str| sdp.lines().find_map(|line| line.trim_end().strip_prefix(name)).map(str::to_owned);
    let setup = match value("a=setup:")?.as_str() {
        "actpass" => Setup::ActPass,
        "active" => Setup::Active,
        "passive" => Setup::Passive,
        _ => return None,
    };
    Some(Own { ufrag: value("a=ice-ufrag:")?, pwd: value("a=ice-pwd:")?, setup })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params() -> SessionParams {
        SessionParams {
            fingerprint: [0xab; 32],
            ufrag: "aB3+".into(),
            pwd: "p/".repeat(11),
            setup: Setup::ActPass,
            candidates: Vec::new(),
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        let sdp = write(&params(), Of::Offer).expect("good params");
        assert_eq!(read_own(&sdp), Some(Own { ufrag: "aB3+".into(), pwd: "p/".repeat(11), setup: Setup::ActPass }));
        assert!(sdp.contains("a=fingerprint:sha-256 AB:AB:AB:"));
        assert!(sdp.ends_with("a=max-message-size:131072\r\n"));
    }

    #[test]
    fn no_field_can_break_out_of_its_line() {
        for ufrag in ["abc", "", "abcd\r\na=x", "ab cd", "abç", &"a".repeat(257)] {
            assert_eq!(write(&SessionParams { ufrag: ufrag.into(), ..params() }, Of::Offer), Err(BadParams::Ufrag));
        }
        for pwd in ["a".repeat(21), format!("{}\n", "a".repeat(30)), "a".repeat(257)] {
            assert_eq!(write(&SessionParams { pwd, ..params() }, Of::Offer), Err(BadParams::Pwd));
        }
    }

    #[test]
    fn the_offer_leaves_the_role_open_and_the_answer_decides() {
        for (of, setup) in [(Of::Offer, Setup::Active), (Of::Offer, Setup::Passive), (Of::Answer, Setup::ActPass)] {
            assert_eq!(write(&SessionParams { setup, ..params() }, of), Err(BadParams::Setup));
        }
        for setup in [Setup::Active, Setup::Passive] {
            assert!(write(&SessionParams { setup, ..params() }, Of::Answer).is_ok());
        }
    }

    #[test]
    fn candidates_are_bounded() {
        let many = vec![String::new(); CANDIDATES + 1];
        let long = vec!["c".repeat(CANDIDATE_BYTES + 1)];
        for candidates in [many, long] {
            assert_eq!(write(&SessionParams { candidates, ..params() }, Of::Offer), Err(BadParams::Candidates));
        }
    }
}
