//! Commands that read the disk: pages of a timeline, what was said of a message, search; and drafts, which lie there.

use super::commands::{entry, entry_at, message_id, no_such_message};
use super::session::{Session, small_and_missing};
use super::{Node, blocking};
use crate::api::{ApiError, Code, Hit, Reply};
use crate::library::Disk;
use natter_engine::ids::{DeviceId, EntryHash, RoomId};
use natter_engine::port::{self, OrderKey, StoredEntry};
use natter_engine::rooms::RoomView;
use natter_engine::time::UnixMillis;
use natter_engine::wire::kind;
use natter_engine::wire::limits::TEXT_BYTES;
use natter_store::{Place, Store};
use std::sync::Arc;

/// Messages of one page of a timeline.
const PAGE: u32 = 200;
/// Messages of one page of a search.
const HITS: u32 = 100;
/// Bytes of what is searched for.
const QUERY_BYTES: usize = 256;

/// From where a page is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    /// The end.
    Newest,
    /// What stands before a message.
    Before(EntryHash),
    /// What stands after it.
    After(EntryHash),
    /// It and its neighbours.
    Around(EntryHash),
}

impl From {
    /// At most one of the three may be there.
    fn of(marks: &[Option<String>; 3]) -> Result<Self, ApiError> {
        match marks {
            [None, None, None] => Ok(Self::Newest),
            [Some(id), None, None] => Ok(Self::Before(message_id(id)?)),
            [None, Some(id), None] => Ok(Self::After(message_id(id)?)),
            [None, None, Some(id)] => Ok(Self::Around(message_id(id)?)),
            _ => Err(ApiError::new(Code::BadRequest, "a page is before, after or around one message")),
        }
    }
}

/// Entries in order, whether there are older ones, whether there are newer ones.
struct Page {
    entries: Vec<StoredEntry>,
    more: bool,
    newer: bool,
}

/// `marks`: the ids of messages before, after or around which to read; at most one of them is there.
pub(super) async fn timeline(
    node: &Node,
    room: RoomId,
    marks: [Option<String>; 3],
    limit: u32,
) -> Result<Reply, ApiError> {
    let session = node.session()?;
    let view = view_of(node, room)?;
    let from = From::of(&marks)?;
    let at = match from {
        From::Newest => None,
        From::Before(hash) | From::After(hash) | From::Around(hash) => Some(entry_at(&session, room, hash).await?),
    };
    let limit = limit.clamp(1, PAGE) as usize;
    let (node, of) = (node.clone(), Arc::clone(&session));
    let (answer, wanted) = blocking(move || {
        let library = Disk { store: &of.store, own: of.own, eyes: node.face().mirror.eyes() };
        let page = read(&library, &view, from, at, limit)?;
        let messages = node.update(|mirror| {
            mirror.watch(room, &page.entries);
            mirror.show_all(room, &page.entries, &library)
        });
        let answer = Reply::Timeline { messages, more: page.more, newer: page.newer };
        Ok::<_, ApiError>((answer, small_and_missing(&page.entries, &of.store)))
    })
    .await??;
    if !wanted.is_empty() {
        tokio::spawn(async move { session.fetch_small(wanted).await });
    }
    Ok(answer)
}

fn read(
    library: &Disk<'_>,
    view: &RoomView,
    from: From,
    at: Option<StoredEntry>,
    limit: usize,
) -> Result<Page, ApiError> {
    let older = |order: Option<OrderKey>, limit: usize| {
        let mut entries = library.before(view, order, limit + 1)?;
        let more = entries.len() > limit;
        if more {
            entries.remove(0);
        }
        Ok::<_, ApiError>((entries, more))
    };
    let newer = |order: OrderKey, limit: usize| {
        let mut entries = library.after(view, order, limit + 1, kind::SHOWN)?;
        let more = entries.len() > limit;
        entries.truncate(limit);
        Ok::<_, ApiError>((entries, more))
    };
    let Some(at) = at else {
        let (entries, more) = older(None, limit)?;
        return Ok(Page { entries, more, newer: false });
    };
    let order = at.order;
    match from {
        From::Newest | From::Before(_) => {
            let (entries, more) = older(Some(order), limit)?;
            Ok(Page { entries, more, newer: true })
        }
        From::After(_) => {
            let (entries, newer) = newer(order, limit)?;
            Ok(Page { entries, more: true, newer })
        }
        From::Around(_) => {
            let is_shown = kind::SHOWN.contains(&at.kind);
            let (mut entries, more) = older(Some(order), limit / 2)?;
            entries.extend(Some(at).filter(|_| is_shown));
            let (after, newer) = newer(order, limit.saturating_sub(entries.len()).max(1))?;
            entries.extend(after);
            Ok(Page { entries, more, newer })
        }
    }
}

pub(super) async fn edits(node: &Node, room: &str, message: &str) -> Result<Reply, ApiError> {
    let session = node.session()?;
    let entry = entry(&session, room, message).await?;
    with_disk(node, session, move |node, library| {
        let wordings = node.update(|mirror| mirror.wordings(&entry, library));
        if wordings.is_empty() { Err(no_such_message()) } else { Ok(Reply::Edits { wordings }) }
    })
    .await
}

pub(super) async fn pinned(node: &Node, room: RoomId) -> Result<Reply, ApiError> {
    let session = node.session()?;
    view_of(node, room)?;
    with_disk(node, session, move |node, library| {
        let mut entries = Vec::new();
        for pin in library.store.pinned(room)? {
            let target = pin.target.map(|target| library.store.entry(room, target)).transpose()?.flatten();
            entries.extend(target);
        }
        let messages = node.update(|mirror| {
            entries.retain(|entry| mirror.counts(entry));
            mirror.show_all(room, &entries, library)
        });
        Ok(Reply::Messages { messages: messages.into_iter().filter(|message| message.pinned).collect() })
    })
    .await
}

pub(super) async fn search(
    node: &Node,
    query: String,
    room: Option<RoomId>,
    author: Option<DeviceId>,
    next: Option<&str>,
    limit: u32,
) -> Result<Reply, ApiError> {
    let session = node.session()?;
    if query.len() > QUERY_BYTES {
        return Err(ApiError::new(Code::TooLong, "a search is at most 256 bytes long"));
    }
    let before = match next {
        None => None,
        Some(place) => Some(place_of(place)?),
    };
    if let Some(room) = room {
        view_of(node, room)?;
    }
    let limit = limit.clamp(1, HITS) as usize;
    with_disk(node, session, move |node, library| {
        // Of somebody with several devices what any of them wrote, found among what everybody did.
        let several = author.is_some_and(|author| {
            node.face()
                .mirror
                .rooms()
                .any(|view| view.persons.iter().any(|pair| *pair.0 == author || *pair.1 == author))
        });
        let by_key = author.filter(|_| !several);
        let found = library.store.search(&query, room, by_key, before, limit)?;
        let next = found.last().filter(|_| found.len() == limit).map(|hit| format!("{:016x}", hit.place.0));
        let hits = node.update(|mirror| {
            let theirs = |entry: &&StoredEntry| {
                let person = |device| mirror.room(entry.room).map_or(device, |view| view.person(device));
                author.is_none_or(|author| person(author) == person(entry.order.author))
            };
            let counted = found.iter().map(|hit| &hit.entry).filter(theirs).filter(|entry| mirror.counts(entry));
            let hits = counted.map(|entry| Hit { room: entry.room.to_string(), message: mirror.show(entry, library) });
            hits.collect()
        });
        Ok(Reply::Found { hits, next })
    })
    .await
}

pub(super) async fn at(node: &Node, room: RoomId, time: u64) -> Result<Reply, ApiError> {
    let session = node.session()?;
    view_of(node, room)?;
    with_disk(node, session, move |_, library| {
        let place = library.store.at(room, UnixMillis(time), kind::SHOWN)?;
        Ok(Reply::Place { message: place.map(|order| order.hash.to_string()) })
    })
    .await
}

pub(super) async fn set_draft(node: &Node, room: RoomId, text: String) -> Result<Reply, ApiError> {
    let session = node.session()?;
    view_of(node, room)?;
    if text.len() > TEXT_BYTES {
        return Err(port::Refusal::TooLong.into());
    }
    with_disk(node, session, move |node, library| {
        let draft = Some(text).filter(|text| !text.is_empty());
        library.store.put_draft(room, draft.as_deref())?;
        node.update(|mirror| mirror.set_draft(room, draft, library));
        Ok(Reply::Done)
    })
    .await
}

pub(super) async fn with_disk<T: Send + 'static>(
    node: &Node,
    session: Arc<Session>,
    work: impl FnOnce(&Node, &Disk<'_>) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    let node = node.clone();
    blocking(move || {
        let eyes = node.face().mirror.eyes();
        work(&node, &Disk { store: &session.store, own: session.own, eyes })
    })
    .await?
}

fn view_of(node: &Node, room: RoomId) -> Result<RoomView, ApiError> {
    node.face().mirror.room(room).cloned().ok_or_else(|| port::Refusal::NoSuchRoom.into())
}

fn place_of(text: &str) -> Result<Place, ApiError> {
    u64::from_str_radix(text, 16)
        .map(Place)
        .map_err(|_| ApiError::new(Code::BadRequest, "a search goes on from where the last reply said"))
}
