//! What was said of a message since: its last wording, who deleted it, reactions, whether it is pinned.
//!
//! A pure fold of the entries about it in the room's order, so that every member who has the same entries shows the
//! same. What an entry may do is judged here a second time, by the same rules as in the engine: the words of an EDIT count
//! from the message's own author alone; reactions and pins count from anybody whose entry counts.

use crate::api::{Mention, Reaction, Wording};
use natter_engine::ids::{DeviceId, EntryHash};
use natter_engine::port::StoredEntry;
use natter_engine::rooms::RoomView;
use natter_engine::time::UnixMillis;
use natter_engine::wire::{Act, Body, Mention as Bytes, Text, kind};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Different reactions shown under one message; the ones given first.
pub(crate) const REACTIONS: usize = 32;

/// What was said of one message.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// The wordings after the first, in order.
    pub(super) edits: Vec<(UnixMillis, Text)>,
    /// Who deleted it, if anybody did who wrote so.
    pub(super) deleted_by: Option<DeviceId>,
    /// First given first.
    pub(super) reactions: Vec<(String, Vec<DeviceId>)>,
    /// Whether the last word about it pins it.
    pub(super) pinned: bool,
}

/// Whose eyes look at a room.
#[derive(Clone, Debug, Default)]
pub(crate) struct Eyes {
    /// This device.
    pub(crate) own: Option<DeviceId>,
    /// Whom its person does not want to hear.
    pub(crate) blocked: Arc<BTreeSet<DeviceId>>,
}

impl Eyes {
    /// Whether what this entry says is shown: those who left or were removed speak only up to where the room heard them
    /// out, those who are blocked not at all. Own words stay before own eyes.
    pub(crate) fn see(&self, entry: &StoredEntry, view: Option<&RoomView>) -> bool {
        let author = entry.order.author;
        let person = |device: DeviceId| view.map_or(device, |view| view.person(device));
        if self.own.is_some_and(|own| person(own) == person(author)) {
            return true;
        }
        let says = kind::SPOKEN.contains(&entry.kind) || is_about(entry);
        let heard_out = |view: &RoomView| view.limits.get(&entry.log).is_none_or(|last| entry.seq <= *last);
        view.is_none_or(heard_out) && !(says && self.blocks(author, view))
    }

    /// Whether a device is of somebody whom this person does not want to hear: one of that person's devices was blocked.
    pub(crate) fn blocks(&self, device: DeviceId, view: Option<&RoomView>) -> bool {
        let person = |device: DeviceId| view.map_or(device, |view| view.person(device));
        self.blocked.iter().any(|blocked| *blocked == device || person(*blocked) == person(device))
    }
}

/// The entries about some messages, by message, each in the room's order.
pub(super) fn by_target(mut related: Vec<StoredEntry>) -> BTreeMap<EntryHash, Vec<StoredEntry>> {
    related.sort_by_key(|entry| entry.order);
    let mut by: BTreeMap<EntryHash, Vec<StoredEntry>> = BTreeMap::new();
    for entry in related {
        if let Some(target) = entry.target {
            by.entry(target).or_default().push(entry);
        }
    }
    by
}

/// Folds the entries about `message`, which are in the room's order.
pub(super) fn fold(message: &StoredEntry, related: &[StoredEntry], view: Option<&RoomView>, eyes: &Eyes) -> Said {
    let author = message.order.author;
    let person = |device: DeviceId| view.map_or(device, |view| view.person(device));
    let mut said = Said::default();
    let mut given: BTreeMap<(DeviceId, String), bool> = BTreeMap::new();
    let mut order: Vec<(DeviceId, String)> = Vec::new();
    for entry in related.iter().filter(|entry| eyes.see(entry, view)) {
        let by = entry.order.author;
        let Some(Ok(Body::About { act, .. })) = entry.payload.as_deref().map(|bytes| Body::decode(entry.kind, bytes))
        else {
            continue;
        };
        match act {
            Act::Edit(text) if by == author => said.edits.push((entry.shown, text)),
            Act::Edit(_) => {}
            // Whether they might was judged when the words went; a refused one took nothing and so says nothing.
            Act::Delete if message.payload.is_none() && (person(by) == person(author) || said.deleted_by.is_none()) => {
                said.deleted_by = Some(person(by));
            }
            Act::Delete => {}
            Act::React { emoji, on } => {
                // A person gives a sign once, and takes it off from whichever device.
                let key = (person(by), emoji);
                if given.insert(key.clone(), on) != Some(true) && on {
                    order.retain(|other| *other != key);
                    order.push(key);
                }
            }
            Act::Pin { on } => said.pinned = on,
        }
    }
    for key in order.into_iter().filter(|key| given.get(key) == Some(&true)) {
        let (by, emoji) = key;
        match said.reactions.iter().position(|(other, _)| *other == emoji) {
            Some(at) => said.reactions[at].1.push(by),
            None if said.reactions.len() < REACTIONS => said.reactions.push((emoji, vec![by])),
            None => {}
        }
    }
    said
}

impl Said {
    /// Reactions as hosts show them.
    pub(super) fn reactions(&self, own: Option<DeviceId>) -> Vec<Reaction> {
        let shown = self.reactions.iter().map(|(emoji, by)| Reaction {
            emoji: emoji.clone(),
            by: by.iter().map(ToString::to_string).collect(),
            own: own.is_some_and(|own| by.contains(&own)),
        });
        shown.collect()
    }
}

/// Every wording of a message, the first one first; none when its words are gone.
pub(super) fn wordings(message: &StoredEntry, said: Said) -> Vec<Wording> {
    let first = match message.payload.as_deref().map(|payload| Body::decode(message.kind, payload)) {
        Some(Ok(Body::Text(text))) => text,
        Some(Ok(Body::Picture(picture))) => Text::plain(picture.caption),
        Some(Ok(_) | Err(_)) | None => return Vec::new(),
    };
    let all = std::iter::once((message.shown, first)).chain(said.edits);
    all.map(|(time, text)| Wording { mentions: mentions(&text), time: time.0, text: text.text }).collect()
}

/// Mentions as JavaScript counts them.
pub(super) fn mentions(text: &Text) -> Vec<Mention> {
    let units = |range: &str| u32::try_from(range.encode_utf16().count()).unwrap_or(u32::MAX);
    let shown = text.mentions.iter().filter_map(|mention| {
        let (start, end) = (mention.start as usize, mention.start as usize + mention.length as usize);
        Some(Mention {
            device: mention.device.to_string(),
            start: units(text.text.get(..start)?),
            length: units(text.text.get(start..end)?),
        })
    });
    shown.collect()
}

/// Mentions as the wire counts them; none when one does not stand in the text.
pub(crate) fn mentions_in_bytes(text: &str, mentions: &[Mention]) -> Option<Vec<Bytes>> {
    mentions.iter().map(|mention| one_in_bytes(text, mention)).collect()
}

fn one_in_bytes(text: &str, mention: &Mention) -> Option<Bytes> {
    let start = byte_at(text, mention.start)?;
    let end = byte_at(text, mention.start.checked_add(mention.length)?)?;
    Some(Bytes {
        device: DeviceId::from_hex(&mention.device)?,
        start: u32::try_from(start).ok()?,
        length: u32::try_from(end - start).ok()?,
    })
}

/// The byte at which the `units`-th UTF-16 code unit begins; none past the end or between two surrogates.
fn byte_at(text: &str, units: u32) -> Option<usize> {
    let mut at = 0u32;
    for (byte, letter) in text.char_indices() {
        if at >= units {
            return (at == units).then_some(byte);
        }
        at += u32::from(letter.len_utf16() == 2) + 1;
    }
    (at == units).then_some(text.len())
}

/// Whether something of this kind is said of another entry.
pub(super) fn is_about(entry: &StoredEntry) -> bool {
    kind::ABOUT.contains(&entry.kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(start: u32, length: u32) -> Mention {
        Mention { device: DeviceId([2; 32]).to_string(), start, length }
    }

    #[test]
    fn mentions_count_as_javascript_does_and_come_back() {
        let text = "hé 😀 @Ada";
        let shown = named(6, 4);
        let bytes = mentions_in_bytes(text, std::slice::from_ref(&shown)).expect("it stands there");
        assert_eq!(&text[bytes[0].start as usize..][..bytes[0].length as usize], "@Ada");
        assert_eq!(mentions(&Text { mentions: bytes, ..Text::plain(text) }), [shown]);
    }

    #[test]
    fn a_mention_past_the_end_or_inside_a_letter_is_none() {
        for bad in [named(4, 1), named(0, 4), named(3, 9), named(u32::MAX, 2)] {
            assert_eq!(mentions_in_bytes("hé 😀", &[bad]), None);
        }
        let nobody = Mention { device: "Ada".into(), start: 0, length: 1 };
        assert_eq!(mentions_in_bytes("hé", &[nobody]), None);
    }
}
