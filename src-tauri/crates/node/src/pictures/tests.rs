//! Pictures as cameras make them, and as an attacker does.

use super::*;
use image::{Rgba, RgbaImage};

const SECRET: &[u8] = b"51.5007N 0.1246W";

fn drawing(width: u32, height: u32) -> DynamicImage {
    DynamicImage::ImageRgba8(RgbaImage::from_fn(width, height, |x, y| {
        Rgba([(x * 7) as u8, (y * 5) as u8, (x ^ y) as u8, 255])
    }))
}

fn encoded(image: &DynamicImage, format: Format) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let image = if format == Format::Jpeg { DynamicImage::ImageRgb8(image.to_rgb8()) } else { image.clone() };
    image.write_to(&mut bytes, format.codec()).expect("encodes");
    bytes.into_inner()
}

const FORMATS: [Format; 4] = [Format::Png, Format::Jpeg, Format::Gif, Format::Webp];

/// EXIF as a phone writes it: orientation in IFD0, then a place.
fn phone_exif(orientation: u8) -> Vec<u8> {
    let mut exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    exif.extend_from_slice(&[orientation, 0, 0, 0, 0, 0, 0, 0]);
    exif.extend_from_slice(SECRET);
    exif
}

fn jpeg_segment(marker: u8, body: &[u8]) -> Vec<u8> {
    [&[0xff, marker], &u16::try_from(body.len() + 2).expect("short").to_be_bytes()[..], body].concat()
}

fn png_chunk(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let check = !kind.iter().chain(body).fold(u32::MAX, |crc, b| {
        (0..8).fold(crc ^ u32::from(*b), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
    });
    [&u32::try_from(body.len()).expect("short").to_be_bytes(), &kind[..], body, &check.to_be_bytes()].concat()
}

fn riff_chunk(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let pad: &[u8] = if body.len() % 2 == 1 { &[0] } else { &[] };
    [&kind[..], &u32::try_from(body.len()).expect("short").to_le_bytes(), body, pad].concat()
}

/// The picture with everything in it that a sender would not want to send.
fn with_secrets(format: Format, bytes: &[u8], orientation: u8) -> Vec<u8> {
    match format {
        Format::Jpeg => [
            &bytes[..2],
            &jpeg_segment(0xe1, &[b"Exif\0\0", &phone_exif(orientation)[..]].concat()),
            &jpeg_segment(0xe1, &[b"http://ns.adobe.com/xap/1.0/\0", SECRET].concat()),
            &jpeg_segment(0xed, &[b"Photoshop 3.0\0", SECRET].concat()),
            &jpeg_segment(0xfe, SECRET),
            &bytes[2..],
            SECRET,
        ]
        .concat(),
        Format::Png => [
            &bytes[..33],
            &png_chunk(b"eXIf", &phone_exif(orientation)),
            &png_chunk(b"tEXt", &[b"Comment\0", SECRET].concat()),
            &png_chunk(b"tIME", &[7, 230, 1, 2, 3, 4, 5]),
            &png_chunk(b"prVt", SECRET),
            &bytes[33..],
            SECRET,
        ]
        .concat(),
        Format::Gif => {
            let table = if bytes[10] & 0x80 == 0 { 0 } else { 3usize << ((bytes[10] & 7) + 1) };
            let (head, rest) = bytes.split_at(13 + table);
            let comment = [&[0x21, 0xfe, SECRET.len() as u8], SECRET, &[0]].concat();
            let xmp = [&[0x21, 0xff, 11], &b"XMP DataXMP"[..], &[SECRET.len() as u8], SECRET, &[0]].concat();
            [head, &comment, &xmp, rest, SECRET].concat()
        }
        Format::Webp => {
            let (width, height) = image::load_from_memory(bytes).expect("ours").dimensions();
            let mut extended = vec![0b1100, 0, 0, 0];
            extended.extend_from_slice(&(width - 1).to_le_bytes()[..3]);
            extended.extend_from_slice(&(height - 1).to_le_bytes()[..3]);
            let inner = [
                b"WEBP",
                &riff_chunk(b"VP8X", &extended)[..],
                &bytes[12..],
                &riff_chunk(b"EXIF", &phone_exif(orientation)),
                &riff_chunk(b"XMP ", SECRET),
                &riff_chunk(b"prVt", SECRET),
            ]
            .concat();
            [&b"RIFF"[..], &u32::try_from(inner.len()).expect("short").to_le_bytes(), &inner, SECRET].concat()
        }
    }
}

fn tells_secret(bytes: &[u8]) -> bool {
    bytes.windows(SECRET.len()).any(|w| w == SECRET)
}

#[test]
fn an_ordinary_picture_is_measured_and_left_alone() {
    for format in FORMATS {
        let bytes = encoded(&drawing(640, 400), format);
        let ready = prepare("holiday", &bytes).expect("a picture");
        assert_eq!((ready.format, ready.width, ready.height), (format, 640, 400));
        assert!(ready.preview.len() <= PREVIEW_BYTES && ready.thumbhash.len() <= 25);
        let preview = image::load_from_memory(&ready.preview).expect("the preview decodes");
        assert_eq!(preview.dimensions(), (320, 200), "{format:?}");
        if format != Format::Jpeg {
            assert_eq!(ready.bytes, bytes, "{format:?}");
            assert!(!ready.stripped);
        }
    }
}

#[test]
fn place_camera_and_comments_do_not_travel_and_the_pixels_do() {
    for format in FORMATS {
        let plain = encoded(&drawing(64, 40), format);
        let secret = with_secrets(format, &plain, 1);
        assert!(tells_secret(&secret));
        let ready = prepare("a", &secret).expect("a picture");
        assert!(ready.stripped && !tells_secret(&ready.bytes), "{format:?}");
        let (before, after) = (image::load_from_memory(&plain), image::load_from_memory(&ready.bytes));
        assert_eq!(before.expect("ours").to_rgba8(), after.expect("still a picture").to_rgba8(), "{format:?}");
    }
}

#[test]
fn a_picture_on_its_side_is_reported_upright_and_stays_turnable() {
    for format in [Format::Png, Format::Jpeg, Format::Webp] {
        let secret = with_secrets(format, &encoded(&drawing(64, 40), format), 6);
        let ready = prepare("a", &secret).expect("a picture");
        assert_eq!((ready.width, ready.height), (40, 64), "{format:?}");
        let preview = image::load_from_memory(&ready.preview).expect("the preview decodes");
        assert_eq!(preview.dimensions(), (40, 64), "{format:?}");
        let again = prepare("a", &ready.bytes).expect("a picture");
        assert_eq!((again.width, again.height, again.stripped), (40, 64, false), "{format:?}");
        assert_eq!(again.bytes, ready.bytes, "cleaning twice is cleaning once: {format:?}");
    }
}

#[test]
fn the_colour_profile_and_the_animation_stay() {
    let plain = encoded(&drawing(8, 8), Format::Jpeg);
    let profile = jpeg_segment(0xe2, b"ICC_PROFILE\0\x01\x01profile");
    let bytes = [&plain[..2], &profile, &plain[2..]].concat();
    let kept = strip::strip(Format::Jpeg, &bytes).expect("walks").bytes;
    assert!(kept.windows(profile.len()).any(|w| w == profile));

    let frames = [drawing(8, 8), drawing(8, 8).rotate180()].map(|f| image::Frame::new(f.to_rgba8()));
    let mut gif = Vec::new();
    let mut encoder = image::codecs::gif::GifEncoder::new(&mut gif);
    encoder.set_repeat(image::codecs::gif::Repeat::Infinite).expect("encodes");
    encoder.encode_frames(frames).expect("encodes");
    drop(encoder);
    assert_eq!(strip::strip(Format::Gif, &gif).expect("walks"), strip::Clean { bytes: gif.clone(), stripped: false });
    assert_eq!(prepare("a", &gif).expect("a picture").bytes, gif);
}

#[test]
fn a_lying_extension_is_corrected_and_a_lying_type_refused() {
    let png = encoded(&drawing(8, 8), Format::Png);
    assert_eq!(prepare("../evil.html", &png).expect("a picture").name, "evil.html.png");
    for no_picture in [
        &b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"[..],
        b"<?xml version='1.0'?><svg/>",
        b"<!doctype html><script>alert(1)</script>",
        b"BM\x3a\0\0\0\0\0\0\0\x36\0\0\0",
        b"%PDF-1.7",
        b"x",
    ] {
        assert_eq!(prepare("cat.png", no_picture).expect_err("refused").code, Code::NotAPicture);
    }
    assert_eq!(prepare("cat.png", b"").expect_err("refused").code, Code::Empty);
}

#[test]
fn a_file_that_is_two_things_at_once_comes_out_as_one() {
    let zip = b"PK\x03\x04 a whole archive";
    let html = b"<script>alert(document.domain)</script>";
    for format in FORMATS {
        let polyglot = [&encoded(&drawing(16, 16), format)[..], zip, html].concat();
        let ready = prepare("a", &polyglot).expect("a picture");
        assert!(ready.stripped);
        assert!(
            !ready.bytes.windows(4).any(|w| w == b"PK\x03\x04") && !ready.bytes.windows(7).any(|w| w == b"<script"),
            "{format:?}"
        );
    }
    let jpeg = encoded(&drawing(16, 16), Format::Jpeg);
    let hidden = [&jpeg[..2], &jpeg_segment(0xfe, html), &jpeg[2..]].concat();
    assert!(!prepare("a", &hidden).expect("a picture").bytes.windows(7).any(|w| w == b"<script"));
}

#[test]
fn a_bomb_is_refused_by_its_header() {
    let mut png = encoded(&drawing(8, 8), Format::Png);
    let header = [&30_000u32.to_be_bytes()[..], &30_000u32.to_be_bytes(), &png[24..29]].concat();
    png.splice(8..33, png_chunk(b"IHDR", &header));

    let mut wide = encoded(&drawing(8, 8), Format::Png);
    let header = [&8193u32.to_be_bytes()[..], &1u32.to_be_bytes(), &wide[24..29]].concat();
    wide.splice(8..33, png_chunk(b"IHDR", &header));

    let mut many = encoded(&drawing(8, 8), Format::Png);
    let header = [&8000u32.to_be_bytes()[..], &8000u32.to_be_bytes(), &many[24..29]].concat();
    many.splice(8..33, png_chunk(b"IHDR", &header));

    let mut gif = encoded(&drawing(8, 8), Format::Gif);
    gif[6..10].fill(0xff);

    let mut jpeg = encoded(&drawing(8, 8), Format::Jpeg);
    let frame = jpeg.windows(2).position(|w| w == [0xff, 0xc0]).expect("a baseline frame");
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xea, 0x60, 0xea, 0x60]);

    let mut webp = with_secrets(Format::Webp, &encoded(&drawing(8, 8), Format::Webp), 1);
    webp[24..30].copy_from_slice(&[0xff, 0x3f, 0, 0xff, 0x3f, 0]);

    for (what, bytes) in [("png", png), ("wide", wide), ("40 MP", many), ("gif", gif), ("jpeg", jpeg), ("webp", webp)] {
        assert_eq!(prepare("a", &bytes).expect_err(what).code, Code::PictureTooLarge, "{what}");
    }
    assert_eq!(check_length(PICTURE_BYTES + 1).expect_err("too long").code, Code::PictureTooLarge);
    assert!(check_length(PICTURE_BYTES).is_ok());
}

#[test]
fn a_picture_cut_anywhere_is_refused() {
    for format in FORMATS {
        let whole = encoded(&drawing(24, 24), format);
        for end in 1..whole.len() - 1 {
            assert!(prepare("a", &whole[..end]).is_err(), "{format:?} cut at {end} of {}", whole.len());
        }
    }
}

#[test]
fn flipped_bytes_never_panic() {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for format in FORMATS {
        let whole = with_secrets(format, &encoded(&drawing(24, 24), format), 6);
        for _ in 0..120 {
            let mut bytes = whole.clone();
            for _ in 0..=random() % 6 {
                let at = random() as usize % bytes.len();
                bytes[at] = random() as u8;
            }
            if let Ok(ready) = prepare("a", &bytes) {
                assert!(ready.preview.len() <= PREVIEW_BYTES && ready.width <= PICTURE_SIDE);
            }
        }
    }
}

#[test]
fn an_avatar_is_square_and_small() {
    let noise = DynamicImage::ImageRgba8(RgbaImage::from_fn(900, 500, |x, y| {
        let n = x.wrapping_mul(2_654_435_761).wrapping_add(y.wrapping_mul(40_503)).wrapping_mul(2_246_822_519);
        Rgba([(n >> 8) as u8, (n >> 16) as u8, (n >> 24) as u8, 255])
    }));
    let ready = prepare("me.png", &encoded(&noise, Format::Png)).expect("a picture");
    assert!(ready.preview.len() <= PREVIEW_BYTES);
    let avatar = avatar(&ready).expect("an avatar");
    let (width, height) = image::load_from_memory(&avatar).expect("decodes").dimensions();
    assert!(avatar.len() <= AVATAR_BYTES && width == height && width <= AVATAR_SIDE);
}
