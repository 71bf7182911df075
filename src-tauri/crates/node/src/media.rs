//! Bytes for the page: avatars, previews, pictures and QR codes, under paths that the views name.
//!
//! What is shown is told by its own first bytes, never by what a peer called it, and only types of a short list are
//! shown at all; everything else comes as a download. Hosts add [`HEADERS`] to every answer and honour ranges
//! (RFC 9110 §14) with [`byte_range`].

use crate::pictures;
use natter_store::blobs::BlobReader;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::ops::Range;

/// What every answer carries: no sniffing, no scripts, no embedding elsewhere, no traces in a shared cache.
pub const HEADERS: [(&str, &str); 5] = [
    ("x-content-type-options", "nosniff"),
    ("content-security-policy", "default-src 'none'; sandbox"),
    ("cross-origin-resource-policy", "same-origin"),
    ("referrer-policy", "no-referrer"),
    ("cache-control", "private, max-age=3600"),
];

/// Types that a page may show or play.
pub const SHOWN: &[&str] = &[
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "video/mp4",
    "video/webm",
    "audio/ogg",
    "audio/opus",
    "audio/mpeg",
];

/// The type of everything else.
pub const DOWNLOAD: &str = "application/octet-stream";

/// Bytes that are looked at to tell a type.
const SNIFFED: usize = 512;

/// What stands behind a media path.
pub struct MediaBody {
    /// From the allow-list, or [`DOWNLOAD`], or `image/svg+xml` for the QR codes made here.
    pub mime: &'static str,
    /// Length in bytes.
    pub len: u64,
    /// A file name, when it is to be saved and not shown.
    pub download: Option<String>,
    source: Source,
}

enum Source {
    Bytes(Cursor<Vec<u8>>),
    Blob(Box<BufReader<BlobReader>>),
}

impl MediaBody {
    /// Bytes that this device made or a person chose, of a type known for certain.
    pub(crate) fn own(mime: &'static str, bytes: Vec<u8>) -> Self {
        Self { mime, len: bytes.len() as u64, download: None, source: Source::Bytes(Cursor::new(bytes)) }
    }

    /// Bytes that a peer gave in a message.
    pub(crate) fn foreign(bytes: Vec<u8>, name: &str) -> Self {
        let mime = sniff(&bytes[..bytes.len().min(SNIFFED)]);
        let fits = !mime.starts_with("image/") || pictures::fits(&mut Cursor::new(&bytes));
        Self::judged(mime, fits, name, bytes.len() as u64, Source::Bytes(Cursor::new(bytes)))
    }

    /// A blob that a peer offered. Blocking.
    pub(crate) fn blob(reader: BlobReader, name: &str) -> io::Result<Self> {
        let len = reader.size();
        let mut reader = BufReader::new(reader);
        let mut head = vec![0; SNIFFED.min(usize::try_from(len).unwrap_or(SNIFFED))];
        reader.read_exact(&mut head)?;
        let mime = sniff(&head);
        reader.rewind()?;
        let fits = !mime.starts_with("image/") || pictures::fits(&mut reader);
        reader.rewind()?;
        Ok(Self::judged(mime, fits, name, len, Source::Blob(Box::new(reader))))
    }

    /// A picture larger than any screen's memory would be decoded by the page without mercy: it is not shown.
    fn judged(mime: &'static str, fits: bool, name: &str, len: u64, source: Source) -> Self {
        if mime == DOWNLOAD || !fits {
            return Self { mime: DOWNLOAD, len, download: Some(crate::names::file_name(name)), source };
        }
        Self { mime, len, download: None, source }
    }

    /// Reads a part; shorter only at the end. Blocking.
    ///
    /// # Errors
    /// The disk's, `InvalidData` when a blob is damaged there.
    pub fn read(&mut self, part: Range<u64>) -> io::Result<Vec<u8>> {
        let part = part.start.min(self.len)..part.end.min(self.len);
        let count = part.end.saturating_sub(part.start);
        let mut bytes = Vec::with_capacity(usize::try_from(count).map_err(|_| io::ErrorKind::OutOfMemory)?);
        match &mut self.source {
            Source::Bytes(source) => read_part(source, part.start, count, &mut bytes)?,
            Source::Blob(source) => read_part(source, part.start, count, &mut bytes)?,
        }
        Ok(bytes)
    }
}

fn read_part(source: &mut (impl Read + Seek), start: u64, count: u64, into: &mut Vec<u8>) -> io::Result<()> {
    source.seek(SeekFrom::Start(start))?;
    source.take(count).read_to_end(into)?;
    Ok(())
}

fn sniff(head: &[u8]) -> &'static str {
    let Some(kind) = infer::get(head) else { return DOWNLOAD };
    SHOWN.iter().copied().find(|shown| *shown == kind.mime_type()).unwrap_or(DOWNLOAD)
}

/// What a `Range` header asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RangeAsked {
    /// No range, or one that may be ignored (another unit, several parts, nonsense).
    Whole,
    /// 206 with these bytes.
    Part(Range<u64>),
    /// 416.
    Unsatisfiable,
}

/// Reads a `Range` header for a body of `len` bytes (RFC 9110 §14.2: what is not understood is ignored).
pub fn byte_range(header: Option<&str>, len: u64) -> RangeAsked {
    let parsed = header
        .and_then(|header| header.trim().strip_prefix("bytes="))
        .filter(|spec| !spec.contains(','))
        .and_then(|spec| spec.split_once('-'));
    let Some((first, last)) = parsed else { return RangeAsked::Whole };
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u64>().unwrap_or(u64::MAX));
    match (first, last) {
        ("", "") => RangeAsked::Whole,
        ("", suffix) => match number(suffix) {
            None => RangeAsked::Whole,
            Some(0) => RangeAsked::Unsatisfiable,
            Some(_) if len == 0 => RangeAsked::Unsatisfiable,
            Some(count) => RangeAsked::Part(len.saturating_sub(count)..len),
        },
        (first, last) => {
            let end = if last.is_empty() { Some(u64::MAX) } else { number(last) };
            match (number(first), end) {
                (Some(first), Some(last)) if first <= last && first < len => {
                    RangeAsked::Part(first..last.saturating_add(1).min(len))
                }
                (Some(first), Some(last)) if first <= last => RangeAsked::Unsatisfiable,
                _ => RangeAsked::Whole,
            }
        }
    }
}

/// A `Content-Disposition` that saves under a name (RFC 6266, RFC 8187).
pub fn attachment(name: &str) -> String {
    let encoded: String = name
        .bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() || b"-._".contains(&b) {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect();
    format!("attachment; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_standard_says() {
        use RangeAsked::{Part, Unsatisfiable, Whole};
        for (header, answer) in [
            (None, Whole),
            (Some("bytes=0-"), Part(0..100)),
            (Some("bytes=0-0"), Part(0..1)),
            (Some("bytes=10-19"), Part(10..20)),
            (Some("bytes=90-1000"), Part(90..100)),
            (Some("bytes=90-99999999999999999999999"), Part(90..100)),
            (Some("bytes=-10"), Part(90..100)),
            (Some("bytes=-1000"), Part(0..100)),
            (Some("bytes=100-"), Unsatisfiable),
            (Some("bytes=-0"), Unsatisfiable),
            (Some("bytes=5-4"), Whole),
            (Some("bytes=0-1,5-6"), Whole),
            (Some("items=0-1"), Whole),
            (Some("bytes=a-b"), Whole),
            (Some("bytes=-"), Whole),
        ] {
            assert_eq!(byte_range(header, 100), answer, "{header:?}");
        }
        assert_eq!(byte_range(Some("bytes=0-"), 0), Unsatisfiable);
        assert_eq!(byte_range(Some("bytes=-1"), 0), Unsatisfiable);
    }

    #[test]
    fn only_listed_types_are_shown() {
        for hostile in
            [&b"<svg xmlns='http://www.w3.org/2000/svg'/>"[..], b"<html><script>1</script>", b"%PDF-1.7", b"MZ", b""]
        {
            let body = MediaBody::foreign(hostile.to_vec(), "../cat.png");
            assert_eq!((body.mime, body.download.as_deref()), (DOWNLOAD, Some("cat.png")));
        }
        let mut png = Cursor::new(Vec::new());
        image::DynamicImage::new_rgb8(4, 4).write_to(&mut png, image::ImageFormat::Png).expect("encodes");
        let mut body = MediaBody::foreign(png.get_ref().clone(), "x");
        assert_eq!((body.mime, body.download.clone()), ("image/png", None));
        assert_eq!(body.read(1..4).expect("in memory"), b"PNG");
        assert_eq!(body.read(0..u64::MAX).expect("in memory"), *png.get_ref());
    }

    #[test]
    fn a_picture_too_large_for_the_page_is_not_shown() {
        let mut gif = b"GIF89a\xff\xff\xff\xff\0\0\0".to_vec();
        gif.extend_from_slice(b"\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0\x3b");
        assert_eq!(MediaBody::foreign(gif, "bomb.gif").mime, DOWNLOAD);
    }

    #[test]
    fn a_name_in_a_header_stays_a_name() {
        assert_eq!(attachment("a b\".png"), "attachment; filename*=UTF-8''a%20b%22.png");
        assert_eq!(attachment("ü\r\n"), "attachment; filename*=UTF-8''%C3%BC%0D%0A");
    }
}
