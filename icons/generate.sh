#!/usr/bin/env bash
# Draws the icon set from natter.svg (48 px and more) and natter-small.svg (32 px and less).
# Needs: apt-get install librsvg2-bin imagemagick icnsutils. The set is committed, so that building needs none of them.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for size in 16 24 32; do rsvg-convert -w $size -h $size natter-small.svg -o "$work/$size.png"; done
for size in 48 64 128 256 512 1024; do rsvg-convert -w $size -h $size natter.svg -o "$work/$size.png"; done
# Tauri takes RGBA only: name the format, or ImageMagick may choose a palette.
for size in 32 64 128 512; do convert "$work/$size.png" "PNG32:${size}x${size}.png"; done
convert "$work/256.png" "PNG32:128x128@2x.png"
convert "$work"/{16,24,32,48,64,256}.png icon.ico
png2icns icon.icns "$work"/{16,32,48,128,256,512,1024}.png >/dev/null
