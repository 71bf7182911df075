//! Bytes on their way from the page to the node.

use natter_node::api::{ApiError, Code};
use tauri::http::HeaderMap;
use tauri::ipc::InvokeBody;

/// Longest file name that is taken, in percent-encoded bytes; the node shortens and sanitises what is inside.
const NAME_MAX: usize = 4096;

/// The name and the bytes of an upload.
pub(crate) fn read(headers: &HeaderMap, body: &InvokeBody) -> Result<(String, Vec<u8>), ApiError> {
    let InvokeBody::Raw(bytes) = body else {
        return Err(ApiError::new(Code::BadRequest, "A picture travels as bytes, not as JSON."));
    };
    let encoded = headers.get("x-name").map(|value| value.as_bytes()).unwrap_or_default();
    if encoded.len() > NAME_MAX {
        return Err(ApiError::new(Code::TooLong, "The file's name is too long."));
    }
    Ok((percent_decoded(encoded), bytes.clone()))
}

/// RFC 3986 §2.1; what is no valid escape stands for itself, what is no UTF-8 is replaced.
fn percent_decoded(encoded: &[u8]) -> String {
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    while let [first, after @ ..] = rest {
        let escape = match rest {
            [b'%', high, low, ..] => hex(*high).zip(hex(*low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        decoded.push(escape.unwrap_or(*first));
        rest = if escape.is_some() { &rest[3..] } else { after };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tauri::http::HeaderValue;

    fn named(name: &str) -> HeaderMap {
        HeaderMap::from_iter([("x-name".parse().expect("a name"), HeaderValue::from_str(name).expect("ASCII"))])
    }

    #[test]
    fn a_name_survives_its_journey() {
        let body = InvokeBody::Raw(vec![1, 2, 3]);
        let (name, bytes) = read(&named("caf%C3%A9%20%E2%98%95.png"), &body).expect("an upload");
        assert_eq!((name.as_str(), bytes.as_slice()), ("café ☕.png", [1, 2, 3].as_slice()));
        assert_eq!(read(&HeaderMap::new(), &body).expect("an upload").0, "");
    }

    #[test]
    fn a_broken_escape_stands_for_itself() {
        assert_eq!(percent_decoded(b"100%.png"), "100%.png");
        assert_eq!(percent_decoded(b"%4"), "%4");
        assert_eq!(percent_decoded(b"%zz%41"), "%zzA");
        assert_eq!(percent_decoded(b"%ff"), "\u{fffd}");
    }

    #[test]
    fn json_and_endless_names_are_refused() {
        let refused = read(&named("a.png"), &InvokeBody::default()).expect_err("JSON is no picture");
        assert_eq!(refused.code, Code::BadRequest);
        let long = named(&"a".repeat(NAME_MAX + 1));
        assert_eq!(read(&long, &InvokeBody::Raw(Vec::new())).expect_err("too long").code, Code::TooLong);
    }
}
