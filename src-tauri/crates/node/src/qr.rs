//! Invite links as QR codes (ISO/IEC 18004), drawn as SVG that holds nothing but squares.

use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};

/// Side of the drawing in CSS pixels at least; an SVG scales.
const SIDE: u32 = 240;

/// The link as a QR code, black on white with its quiet zone (4 modules), because scanners want dark on light in any
/// theme. None when it is too long for one (2,953 bytes).
pub fn svg(link: &str) -> Option<String> {
    // A link fills a large code already; the lowest correction keeps the modules big enough for a phone's camera.
    let code = QrCode::with_error_correction_level(link.as_bytes(), EcLevel::L).ok()?;
    Some(
        code.render::<svg::Color<'_>>()
            .min_dimensions(SIDE, SIDE)
            .dark_color(svg::Color("#000000"))
            .light_color(svg::Color("#ffffff"))
            .build(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invite_is_drawn_without_its_text() {
        let drawn = svg("natter://join#AQIDBA").expect("short enough");
        assert!(drawn.contains("<svg") && !drawn.contains("natter://") && !drawn.contains("script"));
    }

    #[test]
    fn a_text_that_fits_no_code_has_none() {
        assert_eq!(svg(&"x".repeat(4000)), None);
    }
}
