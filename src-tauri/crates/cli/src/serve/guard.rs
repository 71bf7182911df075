//! Who may ask.
//!
//! *From here*: the Host header must name this machine by address (or as `localhost`), because a name that some DNS
//! server gives may have been pointed at 127.0.0.1 by an attacker (DNS rebinding); an Origin must be our own; and what a
//! browser says of the request's site (Fetch Metadata) must not be "another". *Knows the token*: compared in constant
//! time, taken from the query, from `Authorization: Bearer`, or from the cookie that the first good request earns
//! (HttpOnly, SameSite=Strict).

use super::Served;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, COOKIE, HOST, ORIGIN, SET_COOKIE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::net::{IpAddr, SocketAddr};

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// 256 random bits, for one run.
#[derive(Clone)]
pub(super) struct Token(String);

impl Token {
    pub(super) fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// As it stands in the address.
    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// Takes as long for any guess of the right length.
    fn is(&self, guess: &str) -> bool {
        let (own, guess) = (self.0.as_bytes(), guess.as_bytes());
        own.len() == guess.len() && own.iter().zip(guess).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
    }
}

/// What is asked of every request.
pub(super) struct Guard {
    address: SocketAddr,
    token: Token,
    cookie: String,
}

impl Guard {
    pub(super) fn new(address: SocketAddr, token: Token) -> Self {
        // Cookies know no ports: two servers on one machine must not take each other's.
        Self { address, token, cookie: format!("natter_{}", address.port()) }
    }

    /// Whether a Host header names this server by address.
    fn is_own_host(&self, host: &str) -> bool {
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.contains(']') => (name, port.parse::<u16>().ok()),
            _ => (host, Some(80)),
        };
        if port != Some(self.address.port()) {
            return false;
        }
        if name.eq_ignore_ascii_case("localhost") {
            return true;
        }
        let Ok(ip) = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() else { return false };
        if self.address.ip().is_loopback() { ip.is_loopback() } else { true }
    }

    fn comes_from_here(&self, method: &Method, path: &str, headers: &HeaderMap) -> bool {
        let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("(unreadable)"));
        let Some(host) = text(&HOST).filter(|host| self.is_own_host(host)) else { return false };
        let private = is_private(path);
        match text(&ORIGIN) {
            Some(origin) if origin != format!("http://{host}") => return false,
            // Browsers always say it of what can change something, WebSockets included.
            None if private && (method != Method::GET || path == "/api") => return false,
            Some(_) | None => {}
        }
        match text(&FETCH_SITE) {
            Some("same-origin" | "none") | None => true,
            // A link to the page in a mail is harmless; anything behind it is not for other sites.
            Some(_) => !private && method == Method::GET,
        }
    }

    fn cookie_of(&self, headers: &HeaderMap) -> Option<String> {
        let cookies =
            headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
        let mut named = cookies.filter_map(|cookie| cookie.trim().split_once('='));
        named.find(|(name, _)| *name == self.cookie).map(|(_, value)| value.to_owned())
    }

    fn knows_token(&self, query: Option<&str>, headers: &HeaderMap) -> bool {
        let in_query = query.unwrap_or_default().split('&').find_map(|pair| pair.strip_prefix("token="));
        let bearer = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let cookie = self.cookie_of(headers);
        [in_query, bearer, cookie.as_deref()].into_iter().flatten().any(|guess| self.token.is(guess))
    }

    /// The authority for the page's own policy.
    pub(super) fn socket_source(headers: &HeaderMap) -> String {
        headers.get(HOST).and_then(|host| host.to_str().ok()).map(|host| format!("ws://{host}")).unwrap_or_default()
    }
}

fn is_private(path: &str) -> bool {
    path == "/api" || path == "/stage" || path.starts_with("/media/")
}

/// Turns away what another site, or another name for this machine, asks for.
pub(super) async fn comes_from_here(State(served): State<Served>, request: Request, next: Next) -> Response {
    if !served.guard.comes_from_here(request.method(), request.uri().path(), request.headers()) {
        return (StatusCode::FORBIDDEN, "this page is for this machine alone\n").into_response();
    }
    next.run(request).await
}

/// Turns away whoever does not have the token of this run.
pub(super) async fn knows_token(State(served): State<Served>, request: Request, next: Next) -> Response {
    if !served.guard.knows_token(request.uri().query(), request.headers()) {
        return (StatusCode::UNAUTHORIZED, "the address with the token is what natter-cli printed\n").into_response();
    }
    let first = served.guard.cookie_of(request.headers()).is_none();
    let mut response = next.run(request).await;
    let cookie = format!("{}={}; Path=/; HttpOnly; SameSite=Strict", served.guard.cookie, served.guard.token.text());
    if first && let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(address: &str) -> Guard {
        Guard::new(address.parse().expect("an address"), Token("secret".into()))
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).expect("a value")))
            .collect()
    }

    #[test]
    fn only_addresses_of_this_machine_are_hosts() {
        let guard = guard("127.0.0.1:8753");
        for host in ["127.0.0.1:8753", "localhost:8753", "LOCALHOST:8753", "[::1]:8753", "127.1.2.3:8753"] {
            assert!(guard.is_own_host(host), "{host}");
        }
        for host in [
            "evil.example:8753",
            "127.0.0.1",
            "127.0.0.1:80",
            "192.168.1.2:8753",
            "localhost.evil.example:8753",
            "",
            ":8753",
            "[::1]",
        ] {
            assert!(!guard.is_own_host(host), "{host}");
        }
        let exposed = super::tests::guard("0.0.0.0:8753");
        assert!(exposed.is_own_host("192.168.1.2:8753") && !exposed.is_own_host("evil.example:8753"));
    }

    #[test]
    fn other_sites_get_nothing_but_the_page() {
        let guard = guard("127.0.0.1:8753");
        let host = ("host", "127.0.0.1:8753");
        let own = ("origin", "http://127.0.0.1:8753");
        let get = |path, more: &[_]| guard.comes_from_here(&Method::GET, path, &headers(&[&[host], more].concat()));
        let post = |more: &[_]| guard.comes_from_here(&Method::POST, "/stage", &headers(&[&[host], more].concat()));
        assert!(
            get("/", &[]) && get("/", &[("sec-fetch-site", "none")]) && get("/", &[("sec-fetch-site", "cross-site")])
        );
        assert!(get("/api", &[own]) && get("/media/blob/a/b", &[("sec-fetch-site", "same-origin")]) && post(&[own]));
        for foreign in
            ["http://evil.example", "null", "http://localhost:8753", "https://127.0.0.1:8753", "http://127.0.0.1:9999"]
        {
            assert!(
                !get("/api", &[("origin", foreign)])
                    && !get("/", &[("origin", foreign)])
                    && !post(&[("origin", foreign)]),
                "{foreign}"
            );
        }
        assert!(!get("/api", &[]) && !post(&[]), "a browser always says where these come from");
        assert!(
            !get("/media/blob/a/b", &[("sec-fetch-site", "cross-site")])
                && !get("/media/blob/a/b", &[("sec-fetch-site", "same-site")])
        );
    }

    #[test]
    fn the_token_may_come_three_ways() {
        let guard = guard("127.0.0.1:8753");
        let knows = |query: Option<&str>, pairs: &[(&'static str, &str)]| guard.knows_token(query, &headers(pairs));
        assert!(knows(Some("token=secret"), &[]) && knows(Some("a=b&token=secret"), &[]));
        assert!(knows(None, &[("authorization", "Bearer secret")]));
        assert!(knows(None, &[("cookie", "other=1; natter_8753=secret")]));
        assert!(
            !knows(None, &[])
                && !knows(Some("token="), &[])
                && !knows(Some("token=Secret"), &[])
                && !knows(Some("token=secret1"), &[])
        );
        assert!(!knows(None, &[("cookie", "natter_8754=secret")]) && !knows(None, &[("authorization", "secret")]));
    }
}
