//! How a node is opened, and the URLs that people type.

use crate::api::{ApiError, Code};
use natter_engine::wire::limits::{BROKER_URL_BYTES, BROKERS};
use std::path::PathBuf;
use url::{Host, Url};

/// ICE servers that a node may be given.
pub const ICE_SERVERS: usize = 8;

/// How a node is opened.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// The profile's directory; made if it is not there.
    pub data_dir: PathBuf,
    /// Brokers to use in this run besides those that the person set.
    pub brokers: Vec<String>,
    /// `stun:host:port`, `turn:user:password@host:port` and their `s` forms.
    pub ice_servers: Vec<String>,
    /// Send nothing to members but through a TURN server.
    pub relay_only: bool,
    /// Be found from other machines of the local network: the embedded broker listens beyond loopback.
    pub lan: bool,
    /// Whether to run a broker inside, so that two apps on one machine or LAN need nothing else.
    pub embedded_broker: bool,
    /// A name for the first start: with it, set-up happens without a person.
    pub name: Option<String>,
    /// What to do where a person would choose or type: none waits for `setup` and `unlock`.
    pub unattended: Option<Unattended>,
}

/// How the database's key is kept when no person is asked.
#[derive(Clone)]
pub enum Unattended {
    /// Under this passphrase, at set-up and at every start.
    Passphrase(String),
    /// In the clear: somebody said so in words.
    Unprotected,
    /// In the keychain if one answers, else in the clear, which `me.unprotected` then says.
    KeychainElseUnprotected,
}

impl std::fmt::Debug for Unattended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Passphrase(_) => "Passphrase(secret)",
            Self::Unprotected => "Unprotected",
            Self::KeychainElseUnprotected => "KeychainElseUnprotected",
        })
    }
}

impl NodeConfig {
    /// As the desktop app opens a profile.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            brokers: Vec::new(),
            ice_servers: Vec::new(),
            relay_only: false,
            lan: true,
            embedded_broker: true,
            name: None,
            unattended: None,
        }
    }

    /// Reads the URLs.
    ///
    /// # Errors
    /// [`Code::BadBroker`] names the one that cannot be used.
    pub(crate) fn checked(mut self) -> Result<Self, ApiError> {
        self.brokers = broker_urls(&self.brokers)?;
        if self.ice_servers.len() > ICE_SERVERS {
            return Err(ApiError::new(Code::TooMany, format!("at most {ICE_SERVERS} ICE servers")));
        }
        for url in &self.ice_servers {
            let known = ["stun:", "stuns:", "turn:", "turns:"].iter().any(|scheme| url.starts_with(scheme));
            if !known {
                let sentence = "an ICE server is a stun: or turn: URL, such as stun:stun.example.org:3478";
                return Err(ApiError::new(Code::BadBroker, sentence));
            }
        }
        Ok(self)
    }
}

/// Broker URLs as the engine and every member name them: `ws://` or `wss://`, with the path's last slash.
///
/// # Errors
/// [`Code::BadBroker`] names the first that cannot be used; [`Code::TooMany`] above 8.
pub fn broker_urls(typed: &[String]) -> Result<Vec<String>, ApiError> {
    let mut urls = Vec::new();
    for text in typed {
        let url = broker_url(text)?;
        if !urls.contains(&url) {
            urls.push(url);
        }
    }
    if urls.len() > BROKERS {
        return Err(ApiError::new(Code::TooMany, format!("at most {BROKERS} brokers")));
    }
    Ok(urls)
}

fn broker_url(typed: &str) -> Result<String, ApiError> {
    let bad = |why: &str| ApiError::new(Code::BadBroker, format!("the broker URL cannot be used: {why}"));
    let typed = typed.trim();
    if typed.len() > BROKER_URL_BYTES {
        return Err(bad("it is longer than 256 bytes"));
    }
    let swapped = match typed.split_once("://") {
        Some(("http", rest)) => format!("ws://{rest}"),
        Some(("https", rest)) => format!("wss://{rest}"),
        Some(_) => typed.to_owned(),
        None => return Err(bad("it must begin with ws:// or wss://, as in wss://broker.example.org/")),
    };
    let mut url = Url::parse(&swapped).map_err(|_| bad("it is not a URL, such as wss://broker.example.org/"))?;
    if !matches!(url.scheme(), "ws" | "wss") {
        return Err(bad("it must begin with ws:// or wss://"));
    }
    if url.host().is_none_or(|host| matches!(host, Host::Domain(""))) {
        return Err(bad("it names no host"));
    }
    // Every member of a room would learn it.
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad("it must not hold a user name or password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(bad("it must end with the path"));
    }
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    let text = url.to_string();
    if text.len() > BROKER_URL_BYTES {
        return Err(bad("it is longer than 256 bytes"));
    }
    Ok(text)
}

/// Host and port of a broker, to show.
pub(crate) fn broker_host(url: &str) -> String {
    let Ok(url) = Url::parse(url) else { return url.to_owned() };
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broker_urls_are_brought_into_one_form() {
        for (typed, url) in [
            ("ws://127.0.0.1:9000", "ws://127.0.0.1:9000/"),
            (" https://Broker.Example.org/app ", "wss://broker.example.org/app/"),
            ("wss://broker.example.org:443/", "wss://broker.example.org/"),
            ("http://[::1]:9753/x/", "ws://[::1]:9753/x/"),
        ] {
            assert_eq!(broker_urls(&[typed.to_owned()]).expect(typed), [url]);
        }
        assert_eq!(broker_urls(&["ws://a/".into(), "http://a".into()]).expect("one").len(), 1);
        assert_eq!(broker_host("wss://broker.example.org/x/"), "broker.example.org");
        assert_eq!(broker_host("ws://10.0.0.1:9753/"), "10.0.0.1:9753");
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_its_reason() {
        let long = format!("wss://{}/", "x".repeat(300));
        for bad in [
            "",
            "broker.example.org",
            "localhost:9000",
            "ftp://a/",
            "ws://",
            "wss://user:pw@a/",
            "ws://a/?key=x",
            "ws://a/#x",
            "ws://a b/",
            &long,
        ] {
            assert_eq!(broker_urls(&[bad.to_owned()]).expect_err(bad).code, Code::BadBroker, "{bad}");
        }
        let nine: Vec<String> = (0..9).map(|n| format!("ws://b{n}/")).collect();
        assert_eq!(broker_urls(&nine).expect_err("nine").code, Code::TooMany);
    }

    #[test]
    fn an_ice_server_must_be_one() {
        let config = |url: &str| NodeConfig { ice_servers: vec![url.into()], ..NodeConfig::new("/nowhere") };
        assert!(config("turn:user:secret@127.0.0.1:3478").checked().is_ok());
        assert_eq!(config("http://x/").checked().expect_err("no").code, Code::BadBroker);
        assert!(!format!("{:?}", Unattended::Passphrase("hunter22".into())).contains("hunter22"));
    }
}
