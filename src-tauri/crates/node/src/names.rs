//! File names that a peer or a person gave: data, never a path.
//!
//! A name is cut at its last slash of either kind, loses every character that is invisible, changes direction or means
//! something to a shell or file system, and is prefixed when Windows would read it as a device. What is left can be
//! created in one folder on any system. Published sanitisers let U+202E, U+200B, `CON`, `COM¹` or a trailing dot
//! through (shared/FILES.md), hence this one.

use crate::api::{ApiError, Code};
use natter_engine::wire::limits::FILE_NAME_BYTES;
use unicode_normalization::UnicodeNormalization;

/// Longest name that a page may send in a header, in percent-encoded bytes.
pub const HEADER_BYTES: usize = 4096;

/// What a name becomes when nothing of it may stay.
const NAMELESS: &str = "file";

/// Names that Windows takes for devices, with any extension; `¹²³` count as digits there.
const DEVICES: &[&str] = &["con", "prn", "aux", "nul", "conin$", "conout$", "com", "lpt"];

/// The name as it is stored, sent and shown: one path component of 1 to 240 bytes, NFC.
pub fn file_name(raw: &str) -> String {
    // A hostile name may be megabytes long; nothing after this is more than linear in 4 KiB.
    let raw = &raw[raw.floor_char_boundary(raw.len().saturating_sub(4 * 1024))..];
    let last = raw.rsplit(['/', '\\']).find(|part| !part.trim_matches(['.', ' ']).is_empty()).unwrap_or(NAMELESS);
    let visible: String = last
        .nfc()
        .filter(|c| !is_invisible(*c))
        .map(|c| {
            if matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*') || is_odd_space(c) {
                if is_odd_space(c) { ' ' } else { '_' }
            } else {
                c
            }
        })
        .collect();
    let trimmed = visible.trim_matches(' ').trim_end_matches(['.', ' ']);
    let named = if trimmed.is_empty() { NAMELESS } else { trimmed };
    let safe = if is_device(named) { format!("_{named}") } else { named.to_owned() };
    shorten(&safe)
}

/// The name of an upload, as the page sends it in the header `x-name`: percent-encoded UTF-8 (RFC 3986 §2.1). What is no
/// valid escape stands for itself, what is no UTF-8 is replaced; it is not sanitised yet.
///
/// # Errors
/// `TooLong` for more than [`HEADER_BYTES`].
pub fn from_header(encoded: &[u8]) -> Result<String, ApiError> {
    if encoded.len() > HEADER_BYTES {
        return Err(ApiError::new(Code::TooLong, "The file's name is too long."));
    }
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
    Ok(String::from_utf8_lossy(&decoded).into_owned())
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// The same name with an extension that tells the truth: `cat.html` that is a PNG becomes `cat.html.png`.
pub fn with_true_extension(name: &str, mime: &str) -> String {
    let name = file_name(name);
    let (first, others): (&str, &[&str]) = match mime {
        "image/png" => ("png", &["apng"]),
        "image/jpeg" => ("jpg", &["jpeg", "jpe", "jfif"]),
        "image/gif" => ("gif", &[]),
        "image/webp" => ("webp", &[]),
        _ => return name,
    };
    let extension = name.rsplit_once('.').map(|(_, e)| e.to_lowercase());
    if extension.as_deref().is_some_and(|e| e == first || others.contains(&e)) {
        return name;
    }
    let room = FILE_NAME_BYTES - first.len() - 1;
    format!("{}.{first}", &name[..name.floor_char_boundary(room)])
}

/// Cuts the stem, not the extension, so that the file still opens with the right program.
fn shorten(name: &str) -> String {
    if name.len() <= FILE_NAME_BYTES {
        return name.to_owned();
    }
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if extension.len() <= 16 => (stem, format!(".{extension}")),
        _ => (name, String::new()),
    };
    let stem = &stem[..stem.floor_char_boundary(FILE_NAME_BYTES - extension.len())];
    format!("{}{extension}", stem.trim_end_matches(['.', ' ']))
}

fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).trim_end().to_lowercase();
    let numbered = stem.strip_suffix(|c: char| c.is_ascii_digit() || matches!(c, '¹' | '²' | '³'));
    match numbered {
        Some(base) => matches!(base, "com" | "lpt"),
        None => DEVICES.contains(&&*stem) && !matches!(&*stem, "com" | "lpt"),
    }
}

fn is_odd_space(c: char) -> bool {
    c != ' ' && c.is_whitespace()
}

/// Control, format, bidi, zero-width, private-use and noncharacters. U+200D and U+FE0F stay: emoji are made with them.
fn is_invisible(c: char) -> bool {
    (c.is_control() && !matches!(c, '\t'))
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}' | '\u{200c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{e000}'..='\u{f8ff}' | '\u{fdd0}'..='\u{fdef}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{ffff}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
            | '\u{f0000}'..='\u{10ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_survives_the_header() {
        let read = |encoded: &[u8]| from_header(encoded).expect("short");
        assert_eq!(read(b"K%C3%A4tzchen%20%26%20ich.png"), "Kätzchen & ich.png");
        assert_eq!((read(b""), read(b"100%.png"), read(b"%4")), (String::new(), "100%.png".into(), "%4".into()));
        // `+5` is a number to Rust's parser and no escape to anybody.
        assert_eq!((read(b"%zz%41"), read(b"%+5"), read(b"%ff")), ("%zzA".into(), "%+5".into(), "\u{fffd}".into()));
        assert!(from_header(&[b'a'; HEADER_BYTES]).is_ok());
        assert_eq!(from_header(&[b'a'; HEADER_BYTES + 1]).expect_err("too long").code, Code::TooLong);
    }

    #[test]
    fn ordinary_names_stay_as_they_are() {
        for name in [
            "holiday.jpg",
            "Ferien im Süden.png",
            "写真.webp",
            "a.tar.gz",
            ".profile",
            "👩\u{200d}👧.gif",
            "com.png.gif",
            "x com1.txt",
        ] {
            assert_eq!(file_name(name), name);
        }
    }

    #[test]
    fn a_path_is_never_more_than_its_last_part() {
        assert_eq!(file_name("../../etc/passwd"), "passwd");
        assert_eq!(file_name("/etc/shadow"), "shadow");
        assert_eq!(file_name(r"C:\Windows\system32\evil.png"), "evil.png");
        assert_eq!(file_name(r"\\server\share\x.png"), "x.png");
        assert_eq!(file_name("C:evil.png"), "C_evil.png");
        assert_eq!(file_name("dir/.."), "dir");
        assert_eq!(file_name("x.png/"), "x.png");
        for nothing in ["", "..", "../..", "/", ".", "...", "   ", "\\", "\u{200b}", "\u{202e}"] {
            assert_eq!(file_name(nothing), "file", "{nothing:?}");
        }
    }

    #[test]
    fn what_cannot_be_seen_does_not_stay() {
        assert_eq!(file_name("photo\u{202e}gpj.exe"), "photogpj.exe");
        assert_eq!(file_name("a\u{200b}b\u{feff}c.png"), "abc.png");
        assert_eq!(file_name("a\0b\u{1b}[31m.png"), "ab[31m.png");
        assert_eq!(file_name("a\nb\tc.png"), "ab c.png");
        assert_eq!(file_name("e\u{301}.png"), "é.png");
        assert_eq!(file_name("trailing.png. . "), "trailing.png");
        assert_eq!(file_name("a<b>c:d\"e|f?g*.png"), "a_b_c_d_e_f_g_.png");
    }

    #[test]
    fn device_names_of_windows_are_files_here() {
        for name in ["CON", "con.png", "NUL.tar.gz", "COM1", "com¹.txt", "LPT9.png", "Aux .png", "CONIN$"] {
            assert_eq!(file_name(name), format!("_{name}"), "{name}");
        }
        assert_eq!(file_name("COM.png"), "COM.png");
        assert_eq!(file_name("CONTENT.png"), "CONTENT.png");
    }

    #[test]
    fn a_long_name_keeps_its_extension() {
        let name = file_name(&format!("{}.jpeg", "ü".repeat(4000)));
        assert!(name.len() <= FILE_NAME_BYTES && name.ends_with("ü.jpeg"), "{}", name.len());
        assert_eq!(file_name(&"x".repeat(1 << 20)).len(), FILE_NAME_BYTES);
        assert!(file_name(&format!("a.{}", "x".repeat(500))).len() <= FILE_NAME_BYTES);
    }

    #[test]
    fn the_extension_tells_the_truth() {
        assert_eq!(with_true_extension("cat.html", "image/png"), "cat.html.png");
        assert_eq!(with_true_extension("cat.JPEG", "image/jpeg"), "cat.JPEG");
        assert_eq!(with_true_extension("cat", "image/gif"), "cat.gif");
        assert!(with_true_extension(&"ü".repeat(400), "image/webp").len() <= FILE_NAME_BYTES);
    }

    #[test]
    fn cleaning_twice_is_cleaning_once() {
        for name in ["../a\u{202e}b?.png", "CON.txt", "x. . .", &"ü.".repeat(300), "a\u{200b}/..\u{200b}/b"] {
            let once = file_name(name);
            assert_eq!(file_name(&once), once, "{name:?}");
        }
    }
}
