//! Bytes on their way from the page to the node.

use natter_node::api::{ApiError, Code};
use natter_node::names::from_header;
use tauri::http::HeaderMap;
use tauri::ipc::InvokeBody;

/// The name and the bytes of an upload.
pub(crate) fn read(headers: &HeaderMap, body: &InvokeBody) -> Result<(String, Vec<u8>), ApiError> {
    let InvokeBody::Raw(bytes) = body else {
        return Err(ApiError::new(Code::BadRequest, "A picture travels as bytes, not as JSON."));
    };
    let encoded = headers.get("x-name").map(|value| value.as_bytes()).unwrap_or_default();
    Ok((from_header(encoded)?, bytes.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use natter_node::names::HEADER_BYTES;
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
    fn json_and_endless_names_are_refused() {
        let refused = read(&named("a.png"), &InvokeBody::default()).expect_err("JSON is no picture");
        assert_eq!(refused.code, Code::BadRequest);
        let long = named(&"a".repeat(HEADER_BYTES + 1));
        assert_eq!(read(&long, &InvokeBody::Raw(Vec::new())).expect_err("too long").code, Code::TooLong);
    }
}
