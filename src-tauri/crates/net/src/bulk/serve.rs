//! The server's side: one blob at a time, no faster than the requester grants.

use super::wire::{CHUNK, Message, Request};
use super::{BlobIo, Broken, PIECE, blocking};
use bytes::{Buf, BytesMut};
use natter_engine::ids::BlobHash;
use natter_engine::port::BlobTrouble;
use std::io::{self, Read};
use std::pin::Pin;
use std::sync::Arc;

type Reader = Box<dyn Read + Send>;
/// A reader, and the next piece that it gave; an empty one is the end.
type Piece = (Reader, BytesMut);
type Reading = Pin<Box<dyn Future<Output = Result<Piece, BlobTrouble>> + Send>>;

/// What is asked of us, and what goes out.
pub(super) struct Serving {
    blobs: Arc<dyn BlobIo>,
    /// A GET that the engine has not judged.
    asked: Option<Asked>,
    current: Option<Current>,
}

struct Asked {
    request: Request,
    blob: BlobHash,
    offset: u64,
    credit: u64,
}

struct Current {
    request: Request,
    credit: u64,
    state: State,
}

enum State {
    /// The engine said no, or the disk did.
    Refused,
    /// The disk is at work.
    Reading(Reading),
    /// A piece waits for credit.
    Holding(Reader, BytesMut),
}

impl Serving {
    pub(super) fn new(blobs: Arc<dyn BlobIo>) -> Self {
        Self { blobs, asked: None, current: None }
    }

    /// A GET came. It ends what was being sent: a requester has one wish at a time.
    pub(super) fn asked(&mut self, request: Request, blob: BlobHash, offset: u64, credit: u32) -> Result<(), Broken> {
        if self.asked.is_some() {
            return Err(Broken);
        }
        self.current = None;
        self.asked = Some(Asked { request, blob, offset, credit: credit.into() });
        Ok(())
    }

    /// The engine's word on a GET.
    pub(super) fn answer(&mut self, blob: BlobHash, allowed: bool) {
        let Some(asked) = self.asked.take_if(|asked| asked.blob == blob) else { return };
        let blobs = Arc::clone(&self.blobs);
        let state = if allowed {
            State::Reading(Box::pin(blocking(move || {
                let mut reader = blobs.reader(blob)?;
                skip(&mut reader, asked.offset)?;
                read(reader)
            })))
        } else {
            State::Refused
        };
        self.current = Some(Current { request: asked.request, credit: asked.credit, state });
    }

    pub(super) fn granted(&mut self, request: Request, credit: u32) -> Result<(), Broken> {
        let waiting = self.asked.as_mut().filter(|asked| asked.request == request).map(|asked| &mut asked.credit);
        let going =
            self.current.as_mut().filter(|current| current.request == request).map(|current| &mut current.credit);
        if let Some(granted) = waiting.or(going) {
            *granted = granted.checked_add(credit.into()).ok_or(Broken)?;
        }
        // For another request: it crossed our END or REFUSED.
        Ok(())
    }

    /// The next message to send; pending while there is none. Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> BytesMut {
        loop {
            let Some(current) = &mut self.current else { return std::future::pending().await };
            let request = current.request;
            match &mut current.state {
                State::Refused => {
                    self.current = None;
                    return Message::Refused { request }.encode();
                }
                State::Reading(reading) => match reading.await {
                    Err(_) => current.state = State::Refused,
                    Ok((_, piece)) if piece.is_empty() => {
                        self.current = None;
                        return Message::End { request }.encode();
                    }
                    Ok((reader, piece)) => current.state = State::Holding(reader, piece),
                },
                State::Holding(_, _) if current.credit == 0 => return std::future::pending().await,
                State::Holding(_, piece) if !piece.is_empty() => {
                    let granted = usize::try_from(current.credit).unwrap_or(usize::MAX);
                    let bytes = piece.split_to(CHUNK.min(piece.len()).min(granted));
                    current.credit -= bytes.len() as u64;
                    let message = Message::Data { request, bytes: bytes.chunk() }.encode();
                    if piece.is_empty() {
                        self.read_on();
                    }
                    return message;
                }
                State::Holding(_, _) => self.read_on(),
            }
        }
    }

    /// Sends the disk for the next piece.
    fn read_on(&mut self) {
        if let Some(current) = self.current.take_if(|current| matches!(current.state, State::Holding(..)))
            && let State::Holding(reader, _) = current.state
        {
            let state = State::Reading(Box::pin(blocking(move || read(reader))));
            self.current = Some(Current { state, ..current });
        }
    }
}

/// Skips what the requester already has.
fn skip(reader: &mut Reader, offset: u64) -> Result<(), BlobTrouble> {
    let skipped = io::copy(&mut reader.take(offset), &mut io::sink()).map_err(|_| BlobTrouble::DiskFailed)?;
    // An offset beyond the end is not of this blob.
    (skipped == offset).then_some(()).ok_or(BlobTrouble::Refused)
}

fn read(mut reader: Reader) -> Result<Piece, BlobTrouble> {
    let mut piece = vec![0; PIECE];
    let mut filled = 0;
    while filled < piece.len() {
        match reader.read(&mut piece[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return Err(BlobTrouble::DiskFailed),
        }
    }
    piece.truncate(filled);
    Ok((reader, BytesMut::from(&piece[..])))
}
