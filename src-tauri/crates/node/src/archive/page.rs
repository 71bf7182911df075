//! The part of an export that people read: one HTML page without a script, a font or anything from elsewhere. Words are
//! text and nothing else; pictures are `data:` URLs of the four types that Natter shows, told by their bytes.

use super::time::Moment;
use crate::api::{Message, MessageBody, Role};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{self, Write};

const STYLE: &str = "
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 46rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
header { border-block-end: 1px solid; margin-block-end: 1rem; }
h2 { font-size: 0.9rem; text-align: center; margin-block: 2rem 1rem; }
article { margin-block: 0.75rem; }
p { margin: 0; }
time, .small { font-size: 0.85rem; opacity: 0.75; }
.words { white-space: pre-wrap; }
.gone, .notice { font-style: italic; opacity: 0.75; }
.notice { text-align: center; }
img { display: block; max-width: 100%; height: auto; max-height: 80vh; margin-block: 0.25rem; border-radius: 0.5rem; }
";

/// Bytes of a picture that are turned into text at a time: a multiple of 3.
const CHUNK: usize = 48 * 1024;

/// What stands above the messages.
pub(crate) struct Head<'a> {
    /// The room's name.
    pub(crate) room: &'a str,
    /// What it is for; may be empty.
    pub(crate) about: &'a str,
    /// Who exports it.
    pub(crate) by: &'a str,
    /// When, in milliseconds since 1970 UTC.
    pub(crate) made: u64,
}

/// A picture's bytes for the page.
pub(crate) struct Shown {
    pub(crate) mime: &'static str,
    pub(crate) bytes: Vec<u8>,
    /// Whether it is the small preview.
    pub(crate) preview: Preview,
}

/// Whether a picture is shown whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Preview {
    Yes,
    No,
}

/// Writes the page.
pub(crate) struct Page<W: Write> {
    out: W,
    names: BTreeMap<String, String>,
    day: Option<u64>,
}

impl<W: Write> Page<W> {
    /// `names` by device id; whoever has none goes by the id's beginning.
    pub(crate) fn begin(mut out: W, head: &Head<'_>, names: BTreeMap<String, String>) -> io::Result<Self> {
        let (room, made) = (escape(head.room), Moment::of(head.made));
        // RFC 9110 has no word for a page that is opened from a disk: the page itself says what it may do.
        let style = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
        write!(
            out,
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; \
             style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'\">\n\
             <meta name=\"referrer\" content=\"no-referrer\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{room} · Natter</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<header>\n\
             <h1 dir=\"auto\">{room}</h1>\n"
        )?;
        if !head.about.is_empty() {
            writeln!(out, "<p class=\"words\" dir=\"auto\">{}</p>", escape(head.about))?;
        }
        writeln!(
            out,
            "<p class=\"small\">Exported by <bdi>{}</bdi> on <time datetime=\"{}\">{}, {}</time>. All times are UTC. \
             Natter can take this file in again.</p>\n</header>\n<main>",
            escape(head.by),
            made.stamp(),
            made.long_date(),
            made.clock()
        )?;
        Ok(Self { out, names, day: None })
    }

    /// One message; `picture` where it is one and its bytes, or a preview, are here.
    pub(crate) fn message(&mut self, message: &Message, picture: Option<Shown>) -> io::Result<()> {
        let time = Moment::of(message.time);
        if self.day != Some(time.day) {
            self.day = Some(time.day);
            writeln!(self.out, "<h2><time datetime=\"{}\">{}</time></h2>", time.stamp(), time.long_date())?;
        }
        let who = self.name(&message.author);
        let at = format!("<time datetime=\"{}\">{}</time>", time.stamp(), time.clock());
        if let Some(notice) = self.notice(message, &who) {
            return writeln!(
                self.out,
                "<article id=\"m-{}\" class=\"notice\">{notice} {at}</article>",
                escape(&message.id)
            );
        }
        let edited = if message.edited.is_some() { " <span class=\"small\">edited</span>" } else { "" };
        let pinned = if message.pinned { " <span class=\"small\">pinned</span>" } else { "" };
        let id = escape(&message.id);
        writeln!(self.out, "<article id=\"m-{id}\">\n<p><b>{who}</b> {at}{edited}{pinned}</p>")?;
        if let Some(to) = &message.reply_to {
            writeln!(self.out, "<p class=\"small\"><a href=\"#m-{}\">in reply to</a></p>", escape(to))?;
        }
        match &message.body {
            MessageBody::Text { text, .. } => self.words(text)?,
            MessageBody::Picture { picture: view, caption } => {
                match picture {
                    Some(shown) => self.picture(&shown, &view.name, view.width, view.height)?,
                    None => writeln!(self.out, "<p class=\"gone\">Picture: {}</p>", escape(&view.name))?,
                }
                if !caption.is_empty() {
                    self.words(caption)?;
                }
            }
            MessageBody::Deleted { by } => {
                let by = self.name(by);
                writeln!(self.out, "<p class=\"gone\">Deleted by {by}.</p>")?;
            }
            MessageBody::Expired => writeln!(self.out, "<p class=\"gone\">This message disappeared.</p>")?,
            MessageBody::Created
            | MessageBody::Joined { .. }
            | MessageBody::Left { .. }
            | MessageBody::DeviceLinked { .. }
            | MessageBody::DeviceUnlinked { .. }
            | MessageBody::Removed { .. }
            | MessageBody::RoleChanged { .. }
            | MessageBody::RoomChanged { .. }
            | MessageBody::Unknown => writeln!(self.out, "<p class=\"gone\">From a newer version of Natter.</p>")?,
        }
        for reaction in &message.reactions {
            let by: Vec<String> = reaction.by.iter().map(|device| self.name(device)).collect();
            writeln!(self.out, "<p class=\"small\">{} {}</p>", escape(&reaction.emoji), by.join(", "))?;
        }
        writeln!(self.out, "</article>")
    }

    /// Ends the messages; the data block comes next.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        writeln!(self.out, "</main>")?;
        Ok(self.out)
    }

    fn words(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "<p class=\"words\" dir=\"auto\">{}</p>", escape(text))
    }

    fn picture(&mut self, shown: &Shown, name: &str, width: u32, height: u32) -> io::Result<()> {
        let name = escape(name);
        write!(
            self.out,
            "<img alt=\"{name}\" width=\"{width}\" height=\"{height}\" src=\"data:{};base64,",
            shown.mime
        )?;
        for chunk in shown.bytes.chunks(CHUNK) {
            self.out.write_all(STANDARD.encode(chunk).as_bytes())?;
        }
        writeln!(self.out, "\">")?;
        match shown.preview {
            Preview::Yes => writeln!(self.out, "<p class=\"small\">Preview of {name}</p>"),
            Preview::No => Ok(()),
        }
    }

    fn notice(&self, message: &Message, who: &str) -> Option<String> {
        Some(match &message.body {
            MessageBody::Created => format!("{who} created the room."),
            MessageBody::Joined { device } => format!("{} came in.", self.name(device)),
            MessageBody::DeviceLinked { fingerprint } => format!("{who} linked a device ({}).", escape(fingerprint)),
            MessageBody::DeviceUnlinked { fingerprint } => {
                format!("{who} unlinked a device ({}).", escape(fingerprint))
            }
            MessageBody::Left { device } => format!("{} left.", self.name(device)),
            MessageBody::Removed { device } => format!("{who} removed {}.", self.name(device)),
            MessageBody::RoleChanged { device, role } => {
                let role = match role {
                    Role::Guest => "a guest",
                    Role::Member => "a member",
                    Role::Admin => "an admin",
                    Role::Creator => "the creator",
                };
                format!("{who} made {} {role}.", self.name(device))
            }
            MessageBody::RoomChanged { name: Some(name), .. } => {
                format!("{who} named the room <bdi>{}</bdi>.", escape(name))
            }
            MessageBody::RoomChanged { .. } => format!("{who} changed the room."),
            MessageBody::Text { .. }
            | MessageBody::Picture { .. }
            | MessageBody::Deleted { .. }
            | MessageBody::Expired
            | MessageBody::Unknown => return None,
        })
    }

    fn name(&self, device: &str) -> String {
        let known = self.names.get(device).map(String::as_str);
        let shown = known.unwrap_or_else(|| device.get(..16).unwrap_or(device));
        format!("<bdi>{}</bdi>", escape(shown))
    }
}

/// Text that is nothing but text, in elements and in quoted attributes alike.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + text.len() / 8);
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(letter),
            // Not allowed in HTML, and seen by nobody.
            control if control.is_control() => escaped.push('\u{fffd}'),
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_is_more_than_text() {
        let hostile = "<script>alert(1)</script><img src=x onerror=\"x\"> & 'q' \0\u{1b}[31m";
        let escaped = escape(hostile);
        assert!(!escaped.contains(['<', '>', '"', '\'', '\0', '\u{1b}']), "{escaped}");
        assert!(escaped.starts_with("&lt;script&gt;alert(1)"));
        assert_eq!(escape("two\nlines\tand 👋"), "two\nlines\tand 👋");
    }
}
