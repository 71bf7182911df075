//! Cuts private metadata out of a picture's container without touching a pixel.
//!
//! Each format is walked block by block and only what a viewer needs is copied: the image, its palette, colour profile
//! and animation, and an EXIF block reduced to the orientation. Place, camera, comments, thumbnails, XMP, text chunks,
//! unknown blocks and whatever trails the end are left out; so a file that is two formats at once comes out as one.
//! Formats: JPEG (ITU-T T.81), PNG (W3C PNG 3rd ed.), GIF89a, WebP (RFC 9649), Exif 3.0.

use super::Format;
use image::metadata::Orientation;

/// A picture without private metadata.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Clean {
    /// The bytes to keep.
    pub(super) bytes: Vec<u8>,
    /// Whether anything was left out.
    pub(super) stripped: bool,
}

/// The container is not what its first bytes promise: cut short, or out of order.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// Copies what a viewer needs.
pub(super) fn strip(format: Format, bytes: &[u8]) -> Result<Clean, Malformed> {
    let kept = match format {
        Format::Png => png(bytes)?,
        Format::Jpeg => jpeg(bytes)?,
        Format::Gif => gif(bytes)?,
        Format::Webp => webp(bytes)?,
    };
    let stripped = kept != bytes;
    Ok(Clean { bytes: kept, stripped })
}

/// A cursor that never reads past the end.
struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Walk<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let end = self.at.checked_add(count).ok_or(Malformed)?;
        let part = self.bytes.get(self.at..end).ok_or(Malformed)?;
        self.at = end;
        Ok(part)
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        self.take(1).map(|b| b[0])
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.take(N)?.try_into().map_err(|_| Malformed)
    }

    fn expect(&mut self, magic: &[u8]) -> Result<(), Malformed> {
        if self.take(magic.len())? == magic { Ok(()) } else { Err(Malformed) }
    }

    fn is_done(&self) -> bool {
        self.at >= self.bytes.len()
    }
}

/// A TIFF structure with one entry, the orientation (tag 0x0112); nothing when the picture stands upright anyway.
fn upright_exif(tiff: &[u8]) -> Option<Vec<u8>> {
    let orientation = Orientation::from_exif_chunk(tiff)?;
    if orientation == Orientation::NoTransforms {
        return None;
    }
    let mut exif = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.push(orientation.to_exif());
    exif.extend_from_slice(&[0; 6]);
    Some(exif)
}

// ---------------------------------------------------------------- JPEG

const EXIF: &[u8] = b"Exif\0\0";

fn jpeg(bytes: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut walk = Walk::new(bytes);
    let mut out = Vec::with_capacity(bytes.len());
    walk.expect(&[0xff, 0xd8])?;
    out.extend_from_slice(&[0xff, 0xd8]);
    let mut scanned = false;
    let mut oriented = false;
    loop {
        if walk.byte()? != 0xff {
            return Err(Malformed);
        }
        let mut marker = walk.byte()?;
        // Fill bytes may stand before any marker (T.81 B.1.1.2).
        while marker == 0xff {
            marker = walk.byte()?;
        }
        match marker {
            0xd9 if scanned => {
                out.extend_from_slice(&[0xff, 0xd9]);
                return Ok(out);
            }
            // Stand-alone markers, a second start or an end before any scan have no business here.
            0x00 | 0x01 | 0xd0..=0xd9 => return Err(Malformed),
            _ => {}
        }
        let length = u16::from_be_bytes(walk.array()?);
        let body = walk.take(usize::from(length).checked_sub(2).ok_or(Malformed)?)?;
        match marker {
            0xe1 => {
                let small = body.strip_prefix(EXIF).filter(|_| !oriented).and_then(upright_exif);
                if let Some(tiff) = small {
                    oriented = true;
                    let content = [EXIF, &tiff].concat();
                    push_segment(&mut out, marker, &content)?;
                }
            }
            0xe0 if body.starts_with(b"JFIF\0") && body.len() >= 14 => {
                // The JFIF header without its thumbnail.
                let mut header = body[..14].to_vec();
                header[12..14].fill(0);
                push_segment(&mut out, marker, &header)?;
            }
            0xe2 if body.starts_with(b"ICC_PROFILE\0") => push_segment(&mut out, marker, body)?,
            // Says how the colours are coded: without it a CMYK or RGB picture comes out in false colours.
            0xee if body.starts_with(b"Adobe") && body.len() >= 12 => push_segment(&mut out, marker, &body[..12])?,
            0xe0..=0xef | 0xfe => {}
            0xda => {
                push_segment(&mut out, marker, body)?;
                out.extend_from_slice(entropy_coded(&mut walk)?);
                scanned = true;
            }
            // Frame, tables, restart interval, arithmetic conditioning, number of lines, hierarchy.
            0xc0..=0xcf | 0xdb..=0xdf => push_segment(&mut out, marker, body)?,
            _ => return Err(Malformed),
        }
    }
}

fn push_segment(out: &mut Vec<u8>, marker: u8, body: &[u8]) -> Result<(), Malformed> {
    let length = u16::try_from(body.len() + 2).map_err(|_| Malformed)?;
    out.extend_from_slice(&[0xff, marker]);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(body);
    Ok(())
}

/// The scan's data: everything up to the next marker that is neither a stuffed zero nor a restart.
fn entropy_coded<'a>(walk: &mut Walk<'a>) -> Result<&'a [u8], Malformed> {
    let start = walk.at;
    let mut at = start;
    loop {
        let rest = walk.bytes.get(at..).ok_or(Malformed)?;
        at += rest.iter().position(|b| *b == 0xff).ok_or(Malformed)?;
        match walk.bytes.get(at + 1) {
            Some(0x00 | 0xd0..=0xd7) => at += 2,
            Some(0xff) => at += 1,
            Some(_) => {
                walk.at = at;
                return Ok(&walk.bytes[start..at]);
            }
            None => return Err(Malformed),
        }
    }
}

// ---------------------------------------------------------------- PNG

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Image, palette, transparency, colour, size on paper and animation.
const PNG_KEPT: &[&[u8; 4]] = &[
    b"PLTE", b"IDAT", b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB", b"cICP", b"mDCV", b"cLLI", b"bKGD",
    b"pHYs", b"acTL", b"fcTL", b"fdAT",
];

fn png(bytes: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut walk = Walk::new(bytes);
    let mut out = Vec::with_capacity(bytes.len());
    walk.expect(PNG)?;
    out.extend_from_slice(PNG);
    let mut first = true;
    loop {
        let length = u32::from_be_bytes(walk.array()?) as usize;
        let kind: [u8; 4] = walk.array()?;
        let body = walk.take(length)?;
        let check = walk.take(4)?;
        if first != (&kind == b"IHDR") {
            return Err(Malformed);
        }
        first = false;
        match &kind {
            b"eXIf" => {
                if let Some(tiff) = upright_exif(body) {
                    push_chunk(&mut out, &kind, &tiff, &png_crc(&kind, &tiff).to_be_bytes());
                }
            }
            b"IEND" => {
                push_chunk(&mut out, &kind, &[], &png_crc(&kind, &[]).to_be_bytes());
                return Ok(out);
            }
            b"IHDR" => push_chunk(&mut out, &kind, body, check),
            kind if PNG_KEPT.contains(&kind) => push_chunk(&mut out, kind, body, check),
            // An upper-case first letter means that the picture cannot be shown without it.
            [b'A'..=b'Z', ..] => return Err(Malformed),
            _ => {}
        }
    }
}

fn push_chunk(out: &mut Vec<u8>, kind: &[u8; 4], body: &[u8], check: &[u8]) {
    // The length was read from four bytes.
    out.extend_from_slice(&(body.len() as u32).to_be_bytes());
    out.extend_from_slice(kind);
    out.extend_from_slice(body);
    out.extend_from_slice(check);
}

/// CRC-32 as PNG's annex D gives it; the input is a few bytes, so no table.
fn png_crc(kind: &[u8; 4], body: &[u8]) -> u32 {
    !kind.iter().chain(body).fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

// ---------------------------------------------------------------- GIF

fn gif(bytes: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut walk = Walk::new(bytes);
    let mut out = Vec::with_capacity(bytes.len());
    let header = walk.take(13)?;
    if !header.starts_with(b"GIF87a") && !header.starts_with(b"GIF89a") {
        return Err(Malformed);
    }
    out.extend_from_slice(header);
    out.extend_from_slice(colour_table(&mut walk, header[10])?);
    loop {
        let start = walk.at;
        match walk.byte()? {
            0x3b => {
                out.push(0x3b);
                return Ok(out);
            }
            0x2c => {
                let descriptor = walk.take(9)?;
                colour_table(&mut walk, descriptor[8])?;
                walk.byte()?;
                sub_blocks(&mut walk)?;
                out.extend_from_slice(&bytes[start..walk.at]);
            }
            0x21 => {
                let label = walk.byte()?;
                let body = walk.at;
                sub_blocks(&mut walk)?;
                // Timing and disposal, the loop count, the colour profile; no comments, plain text or XMP.
                let application = bytes.get(body + 1..body + 12).unwrap_or_default();
                if label == 0xf9
                    || (label == 0xff
                        && [b"NETSCAPE2.0", b"ANIMEXTS1.0", b"ICCRGBG1012"].iter().any(|a| *a == application))
                {
                    out.extend_from_slice(&bytes[start..walk.at]);
                }
            }
            _ => return Err(Malformed),
        }
    }
}

fn colour_table<'a>(walk: &mut Walk<'a>, flags: u8) -> Result<&'a [u8], Malformed> {
    if flags & 0x80 == 0 { Ok(&[]) } else { walk.take(3 << ((flags & 7) + 1)) }
}

fn sub_blocks(walk: &mut Walk<'_>) -> Result<(), Malformed> {
    loop {
        let length = walk.byte()?;
        if length == 0 {
            return Ok(());
        }
        walk.take(length.into())?;
    }
}

// ---------------------------------------------------------------- WebP

fn webp(bytes: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut walk = Walk::new(bytes);
    walk.expect(b"RIFF")?;
    let length = u32::from_le_bytes(walk.array()?) as usize;
    let mut walk = Walk::new(walk.take(length)?);
    walk.expect(b"WEBP")?;
    let mut out = b"RIFF\0\0\0\0WEBP".to_vec();
    let mut flags_at = None;
    let mut oriented = false;
    while !walk.is_done() {
        let (kind, body) = riff_chunk(&mut walk)?;
        match &kind {
            b"VP8X" => {
                flags_at = Some(out.len() + 8);
                push_riff(&mut out, &kind, body);
            }
            b"VP8 " | b"VP8L" | b"ALPH" | b"ANIM" | b"ICCP" => push_riff(&mut out, &kind, body),
            b"ANMF" => {
                let frame = webp_frame(body)?;
                push_riff(&mut out, &kind, &frame);
            }
            b"EXIF" if !oriented => {
                if let Some(tiff) = upright_exif(body.strip_prefix(EXIF).unwrap_or(body)) {
                    oriented = true;
                    push_riff(&mut out, &kind, &tiff);
                }
            }
            _ => {}
        }
    }
    if let Some(flags) = flags_at.and_then(|at| out.get_mut(at)) {
        // RFC 9649 §2.7: bit 2 says XMP, bit 3 says EXIF.
        *flags = (*flags & !0b1100) | if oriented { 0b1000 } else { 0 };
    }
    let length = u32::try_from(out.len() - 8).map_err(|_| Malformed)?;
    out[4..8].copy_from_slice(&length.to_le_bytes());
    Ok(out)
}

/// One frame of an animation: a header of 16 bytes and chunks of its own, which could hide as much as the outer ones.
fn webp_frame(body: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut walk = Walk::new(body);
    let mut out = walk.take(16)?.to_vec();
    while !walk.is_done() {
        let (kind, body) = riff_chunk(&mut walk)?;
        if matches!(&kind, b"VP8 " | b"VP8L" | b"ALPH") {
            push_riff(&mut out, &kind, body);
        }
    }
    Ok(out)
}

fn riff_chunk<'a>(walk: &mut Walk<'a>) -> Result<([u8; 4], &'a [u8]), Malformed> {
    let kind = walk.array()?;
    let length = u32::from_le_bytes(walk.array()?) as usize;
    let body = walk.take(length)?;
    // Chunks are padded to even length; some writers forget it after the last.
    if length % 2 == 1 && !walk.is_done() {
        walk.byte()?;
    }
    Ok((kind, body))
}

fn push_riff(out: &mut Vec<u8>, kind: &[u8; 4], body: &[u8]) {
    out.extend_from_slice(kind);
    out.extend_from_slice(&(body.len() as u32).to_le_bytes());
    out.extend_from_slice(body);
    if body.len() % 2 == 1 {
        out.push(0);
    }
}
