//! The messages of a bulk link, as bytes. All integers big endian.

use bytes::{BufMut, BytesMut};
use natter_engine::ids::BlobHash;

use crate::sdp::MAX_MESSAGE;

const GET: u8 = 1;
const REFUSED: u8 = 2;
const DATA: u8 = 3;
const MORE: u8 = 4;
const END: u8 = 5;

/// Bytes before those of the blob in a DATA.
const DATA_HEADER: usize = 5;
/// Most bytes of a blob in one DATA.
pub(super) const CHUNK: usize = MAX_MESSAGE - DATA_HEADER;

/// Names a GET on its link, so that what still comes for an earlier one is told apart.
pub(super) type Request = u32;

/// One message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message<'b> {
    /// Send this blob from `offset` on, `credit` bytes at first.
    Get { request: Request, blob: BlobHash, offset: u64, credit: u32 },
    /// The blob will not come, or no more of it.
    Refused { request: Request },
    /// The next bytes, at least one.
    Data { request: Request, bytes: &'b [u8] },
    /// `credit` bytes more may be sent.
    More { request: Request, credit: u32 },
    /// That was all of it.
    End { request: Request },
}

impl<'b> Message<'b> {
    pub(super) fn encode(&self) -> BytesMut {
        let mut out = BytesMut::with_capacity(64);
        match self {
            Self::Get { request, blob, offset, credit } => {
                out.put_u8(GET);
                out.put_u32(*request);
                out.put_slice(&blob.0);
                out.put_u64(*offset);
                out.put_u32(*credit);
            }
            Self::Refused { request } => {
                out.put_u8(REFUSED);
                out.put_u32(*request);
            }
            Self::Data { request, bytes } => {
                out.reserve(DATA_HEADER + bytes.len());
                out.put_u8(DATA);
                out.put_u32(*request);
                out.put_slice(bytes);
            }
            Self::More { request, credit } => {
                out.put_u8(MORE);
                out.put_u32(*request);
                out.put_u32(*credit);
            }
            Self::End { request } => {
                out.put_u8(END);
                out.put_u32(*request);
            }
        }
        out
    }

    /// Reads one message; `None` for what is not exactly one.
    pub(super) fn decode(message: &'b [u8]) -> Option<Self> {
        let (kind, rest) = message.split_first()?;
        let (request, rest) = rest.split_first_chunk().map(|(request, rest)| (u32::from_be_bytes(*request), rest))?;
        match *kind {
            GET => {
                let (blob, rest) = rest.split_first_chunk()?;
                let (offset, rest) = rest.split_first_chunk()?;
                let credit = u32::from_be_bytes(rest.try_into().ok()?);
                Some(Self::Get { request, blob: BlobHash(*blob), offset: u64::from_be_bytes(*offset), credit })
            }
            REFUSED => rest.is_empty().then_some(Self::Refused { request }),
            DATA => (!rest.is_empty() && rest.len() <= CHUNK).then_some(Self::Data { request, bytes: rest }),
            MORE => Some(Self::More { request, credit: u32::from_be_bytes(rest.try_into().ok()?) }),
            END => rest.is_empty().then_some(Self::End { request }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<(Message<'static>, &'static str)> {
        let blob = BlobHash([0xb1; 32]);
        let get = concat!(
            "0100000007",
            "b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1",
            "000000000000000900400000"
        );
        vec![
            (Message::Get { request: 7, blob, offset: 9, credit: 4 << 20 }, get),
            (Message::Refused { request: 7 }, "0200000007"),
            (Message::Data { request: 7, bytes: b"abc" }, "0300000007616263"),
            (Message::More { request: 7, credit: 256 }, "040000000700000100"),
            (Message::End { request: 7 }, "0500000007"),
        ]
    }

    #[test]
    fn the_bytes_are_these() {
        for (message, hex) in all() {
            let bytes = message.encode();
            let written: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(written, hex);
            assert_eq!(Message::decode(&bytes), Some(message));
        }
    }

    #[test]
    fn what_is_cut_or_longer_is_no_message() {
        for (message, _) in all() {
            let mut bytes = message.encode().to_vec();
            let data = bytes[0] == DATA;
            bytes.pop();
            if !data {
                assert_eq!(Message::decode(&bytes), None, "{message:?} cut");
                bytes.extend_from_slice(&[0; 2]);
                assert_eq!(Message::decode(&bytes), None, "{message:?} longer");
            }
        }
        assert_eq!(Message::decode(&[]), None);
        assert_eq!(Message::decode(&[9, 0, 0, 0, 0]), None);
        assert_eq!(Message::decode(&[DATA, 0, 0, 0, 0]), None, "no bytes");
        assert_eq!(Message::decode(&vec![DATA; DATA_HEADER + CHUNK + 1]), None, "too many");
        assert_eq!(Message::Data { request: 0, bytes: &[0; CHUNK] }.encode().len(), MAX_MESSAGE);
    }
}
