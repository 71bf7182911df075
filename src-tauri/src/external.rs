//! Which addresses may leave the app for the system's browser or mail program.
//!
//! The page asks; this decides again, since what it asks for came from a peer's message. Only `https` and `mailto`
//! pass (a `file:`, `smb:` or custom scheme would make the system run something), and what is handed over is the
//! parsed address written out again (WHATWG URL), so that the browser sees the host that was checked.

use natter_node::api::{ApiError, Code};
use url::Url;

/// Longest address that is handed over, in bytes.
const URL_MAX: usize = 2048;

/// The address to hand to the system.
pub(crate) fn allowed(text: &str) -> Result<String, ApiError> {
    let refuse = |why: &str| ApiError::new(Code::BadRequest, format!("Natter does not open this link: {why}."));
    if text.len() > URL_MAX {
        return Err(refuse("it is too long"));
    }
    let mut url = Url::parse(text).map_err(|_| refuse("it is not a whole address"))?;
    match url.scheme() {
        "https" if !url.username().is_empty() || url.password().is_some() => {
            // `https://bank.example@evil.example` shows one host and opens another.
            Err(refuse("it hides its host behind a user name"))
        }
        "https" => Ok(url.into()),
        "mailto" => {
            // Header fields: some mail programs attach local files for `?attach=`.
            url.set_query(None);
            url.set_fragment(None);
            Ok(url.into())
        }
        _ => Err(refuse("only https and mailto links open")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn web_and_mail_addresses_open_as_they_were_checked() {
        assert_eq!(allowed("https://example.org/a?b#c").expect("https"), "https://example.org/a?b#c");
        assert_eq!(allowed("HTTPS://EXAMPLE.org").expect("https"), "https://example.org/");
        assert_eq!(allowed("https://bücher.example/").expect("https"), "https://xn--bcher-kva.example/");
        assert_eq!(allowed("mailto:a@example.org?attach=/etc/passwd").expect("mail"), "mailto:a@example.org");
    }

    #[test]
    fn everything_else_stays_closed() {
        let long = format!("https://example.org/{}", "x".repeat(URL_MAX));
        for bad in [
            "http://example.org",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "data:text/html,x",
            "smb://host/share",
            "natter://join#x",
            "tauri://localhost/",
            "vbscript:x",
            "-flag",
            "//example.org",
            "example.org",
            "",
            "https://",
            "https://bank.example@evil.example/",
            "https://a:b@evil.example/",
            &long,
        ] {
            assert!(allowed(bad).is_err(), "{bad:?} was let through");
        }
    }
}
