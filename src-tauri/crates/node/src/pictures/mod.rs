//! Pictures on their way out: told by their bytes, measured before they are decoded, cleaned, previewed, and kept until
//! they are sent.
//!
//! A picture is hostile until read: its type comes from magic bytes (never from the name), its size from the header,
//! and only then is it decoded, one at a time, with a cap on memory. SVG and HTML are no pictures here.

mod shelf;
mod strip;

pub use shelf::Shelf;

use crate::api::{ApiError, Code};
use crate::names;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, GenericImageView, ImageDecoder, ImageFormat, ImageReader, Limits};
use natter_engine::wire::limits::{AVATAR_BYTES, PICTURE_BYTES, PICTURE_SIDE, PREVIEW_BYTES};
use std::io::Cursor;

/// Pixels of a picture: 40 megapixels, the largest that phones make.
pub const PICTURE_PIXELS: u64 = 40_000_000;
/// Longest side of a preview in pixels.
pub const PREVIEW_SIDE: u32 = 320;
/// Side of an avatar in pixels.
pub const AVATAR_SIDE: u32 = 192;
/// Memory that one decode may take: 40 megapixels of 16-bit RGBA and a row buffer.
const DECODE_BYTES: u64 = 8 * PICTURE_PIXELS + 16 * 1024 * 1024;
/// Longest side that a thumbhash is computed from.
const THUMBHASH_SIDE: u32 = 100;

/// The picture formats that are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `image/png`
    Png,
    /// `image/jpeg`
    Jpeg,
    /// `image/gif`
    Gif,
    /// `image/webp`
    Webp,
}

impl Format {
    /// What the first bytes say; nothing for anything that is not shown as a picture.
    pub fn sniff(bytes: &[u8]) -> Option<Self> {
        match infer::get(bytes)?.mime_type() {
            "image/png" => Some(Self::Png),
            "image/jpeg" => Some(Self::Jpeg),
            "image/gif" => Some(Self::Gif),
            "image/webp" => Some(Self::Webp),
            _ => None,
        }
    }

    /// The MIME type.
    pub fn mime(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
            Self::Webp => "image/webp",
        }
    }

    fn codec(self) -> ImageFormat {
        match self {
            Self::Png => ImageFormat::Png,
            Self::Jpeg => ImageFormat::Jpeg,
            Self::Gif => ImageFormat::Gif,
            Self::Webp => ImageFormat::WebP,
        }
    }
}

/// A picture ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// Without private metadata.
    pub bytes: Vec<u8>,
    /// What it is.
    pub format: Format,
    /// Pixels as shown, orientation applied.
    pub width: u32,
    /// Pixels as shown, orientation applied.
    pub height: u32,
    /// Sanitised, with the extension of the true type.
    pub name: String,
    /// JPEG of at most 320 px a side and 16 KiB.
    pub preview: Vec<u8>,
    /// At most 25 bytes.
    pub thumbhash: Vec<u8>,
    /// Whether private metadata or trailing data was cut out.
    pub stripped: bool,
}

/// Measures, cleans and previews a picture. Blocking: up to a second for the largest.
///
/// # Errors
/// [`Code::Empty`], [`Code::NotAPicture`] or [`Code::PictureTooLarge`].
pub fn prepare(name: &str, bytes: &[u8]) -> Result<Prepared, ApiError> {
    if bytes.is_empty() {
        return Err(ApiError::new(Code::Empty, "the file is empty"));
    }
    check_length(bytes.len() as u64)?;
    let Some(format) = Format::sniff(bytes) else {
        return Err(ApiError::new(Code::NotAPicture, "this is not a PNG, JPEG, GIF or WebP picture"));
    };
    let clean = strip::strip(format, bytes).map_err(|_| damaged())?;
    let shown = decode(format, &clean.bytes)?;
    let (width, height) = shown.dimensions();
    let preview = preview(&shown)?;
    let small = shown.thumbnail(THUMBHASH_SIDE, THUMBHASH_SIDE).into_rgba8();
    let thumbhash = thumbhash::rgba_to_thumb_hash(small.width() as usize, small.height() as usize, &small);
    Ok(Prepared {
        bytes: clean.bytes,
        format,
        width,
        height,
        name: names::with_true_extension(name, format.mime()),
        preview,
        thumbhash,
        stripped: clean.stripped,
    })
}

/// Refuses a length before a byte of it is read.
///
/// # Errors
/// [`Code::PictureTooLarge`] above 25 MiB.
pub fn check_length(length: u64) -> Result<(), ApiError> {
    if length > PICTURE_BYTES {
        return Err(ApiError::new(Code::PictureTooLarge, "the picture is larger than 25 MiB"));
    }
    Ok(())
}

/// Whether a picture from elsewhere is small enough to be shown, by its header alone.
pub(crate) fn fits(source: &mut (impl std::io::BufRead + std::io::Seek)) -> bool {
    let Ok(mut reader) = ImageReader::new(source).with_guessed_format() else { return false };
    reader.limits(limits());
    reader.into_dimensions().is_ok_and(|(width, height)| measure(width, height).is_ok())
}

fn measure(width: u32, height: u32) -> Result<(), ApiError> {
    if width == 0 || height == 0 {
        return Err(damaged());
    }
    if width > PICTURE_SIDE || height > PICTURE_SIDE || u64::from(width) * u64::from(height) > PICTURE_PIXELS {
        return Err(too_many_pixels());
    }
    Ok(())
}

/// A square avatar of at most 16 KiB from a prepared picture's bytes. Blocking.
///
/// # Errors
/// [`Code::NotAPicture`] or [`Code::PictureTooLarge`], which [`prepare`] would have said before.
pub fn avatar(picture: &Prepared) -> Result<Vec<u8>, ApiError> {
    let shown = decode(picture.format, &picture.bytes)?;
    let side = shown.width().min(shown.height());
    let square = shown.crop_imm((shown.width() - side) / 2, (shown.height() - side) / 2, side, side);
    let side = side.min(AVATAR_SIDE);
    small_jpeg(&square.resize_exact(side, side, FilterType::Triangle), AVATAR_BYTES)
}

/// The first frame, upright. The header is judged before any pixel is decoded.
fn decode(format: Format, bytes: &[u8]) -> Result<DynamicImage, ApiError> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format.codec());
    reader.limits(limits());
    let mut decoder = reader.into_decoder().map_err(refusal)?;
    let (width, height) = decoder.dimensions();
    measure(width, height)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut shown = DynamicImage::from_decoder(decoder).map_err(refusal)?;
    shown.apply_orientation(orientation);
    Ok(shown)
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(PICTURE_SIDE);
    limits.max_image_height = Some(PICTURE_SIDE);
    limits.max_alloc = Some(DECODE_BYTES);
    limits
}

fn preview(shown: &DynamicImage) -> Result<Vec<u8>, ApiError> {
    let fits = shown.width() <= PREVIEW_SIDE && shown.height() <= PREVIEW_SIDE;
    let small = if fits { shown.clone() } else { shown.thumbnail(PREVIEW_SIDE, PREVIEW_SIDE) };
    small_jpeg(&small, PREVIEW_BYTES)
}

/// The best JPEG of it that fits: first less quality, then fewer pixels.
fn small_jpeg(image: &DynamicImage, most: usize) -> Result<Vec<u8>, ApiError> {
    let mut image = DynamicImage::ImageRgb8(on_white(image));
    loop {
        for quality in [80, 65, 50, 35] {
            let mut bytes = Vec::new();
            image.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, quality)).map_err(refusal)?;
            if bytes.len() <= most {
                return Ok(bytes);
            }
        }
        image = image.thumbnail((image.width() * 3 / 4).max(1), (image.height() * 3 / 4).max(1));
    }
}

/// JPEG has no transparency; paper is white.
fn on_white(image: &DynamicImage) -> image::RgbImage {
    let rgba = image.to_rgba8();
    image::RgbImage::from_fn(rgba.width(), rgba.height(), |x, y| {
        let [r, g, b, a] = rgba.get_pixel(x, y).0;
        image::Rgb([r, g, b].map(|c| {
            let (c, a) = (u32::from(c), u32::from(a));
            // At most 255 × 255 / 255.
            ((c * a + 255 * (255 - a)) / 255) as u8
        }))
    })
}

fn refusal(error: image::ImageError) -> ApiError {
    match error {
        image::ImageError::Limits(_) => too_many_pixels(),
        image::ImageError::Decoding(_)
        | image::ImageError::Encoding(_)
        | image::ImageError::Parameter(_)
        | image::ImageError::Unsupported(_)
        | image::ImageError::IoError(_) => damaged(),
    }
}

fn too_many_pixels() -> ApiError {
    ApiError::new(Code::PictureTooLarge, "the picture has more than 40 megapixels or 8,192 pixels along a side")
}

fn damaged() -> ApiError {
    ApiError::new(Code::NotAPicture, "the picture is cut short or damaged")
}

#[cfg(test)]
mod tests;
