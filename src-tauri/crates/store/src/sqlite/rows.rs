//! How our types lie in columns.

use crate::error::StoreError;
use natter_engine::ids::{BlobHash, DeviceId, EntryHash, LogId, LogKey, RoomId};
use natter_engine::port::{OrderKey, Standing, StoredEntry};
use natter_engine::time::{Hlc, UnixMillis};
use rusqlite::Row;

/// Bytes of an order key: clock, author, hash.
const ORDER_BYTES: usize = 8 + 32 + 32;

/// The order key as bytes that sort as it does.
pub(super) fn order_bytes(order: &OrderKey) -> [u8; ORDER_BYTES] {
    let mut bytes = [0; ORDER_BYTES];
    bytes[..8].copy_from_slice(&order.clock.0.to_be_bytes());
    bytes[8..40].copy_from_slice(&order.author.0);
    bytes[40..].copy_from_slice(&order.hash.0);
    bytes
}

/// The order key that the bytes are.
pub(super) fn order_from(bytes: [u8; ORDER_BYTES]) -> OrderKey {
    let mut clock = [0; 8];
    let mut author = [0; 32];
    let mut hash = [0; 32];
    clock.copy_from_slice(&bytes[..8]);
    author.copy_from_slice(&bytes[8..40]);
    hash.copy_from_slice(&bytes[40..]);
    OrderKey { clock: Hlc(u64::from_be_bytes(clock)), author: DeviceId(author), hash: EntryHash(hash) }
}

/// A sequence to compare with: what is beyond SQLite's integers is beyond every stored one too.
pub(super) fn bound(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

/// 64 unsigned bits in a signed column.
pub(super) fn bits(value: u64) -> i64 {
    i64::from_ne_bytes(value.to_ne_bytes())
}

/// And back.
pub(super) fn unsigned(value: i64) -> u64 {
    u64::from_ne_bytes(value.to_ne_bytes())
}

/// 64 unsigned bits in a signed column, so that they sort.
pub(super) fn sortable(value: u64) -> i64 {
    bits(value ^ (1 << 63))
}

/// And back.
pub(super) fn unsorted(value: i64) -> u64 {
    unsigned(value) ^ (1 << 63)
}

pub(super) fn standing_code(standing: Standing) -> i64 {
    match standing {
        Standing::Member => 1,
        Standing::Knocking => 2,
        Standing::Gone => 3,
    }
}

pub(super) fn standing_from(code: i64) -> Result<Standing, StoreError> {
    match code {
        1 => Ok(Standing::Member),
        2 => Ok(Standing::Knocking),
        3 => Ok(Standing::Gone),
        _ => Err(StoreError::Damaged("a room stands nowhere".to_owned())),
    }
}

/// What [`entry_from`] reads, to be followed by WHERE.
pub(super) const ENTRY: &str = "SELECT l.author, l.name, e.seq, e.ord, e.kind, e.header, e.signature, e.salt, e.blobs,
  e.first_seen, e.shown, p.bytes, a.target, w.text, x.at
  FROM entry e JOIN log l ON l.id = e.log LEFT JOIN payload p ON p.entry = e.id LEFT JOIN about a ON a.entry = e.id
  LEFT JOIN wording w ON w.entry = e.id LEFT JOIN expiry x ON x.entry = e.id";

/// The entry in a row of [`ENTRY`].
pub(super) fn entry_from(room: RoomId, row: &Row<'_>) -> rusqlite::Result<StoredEntry> {
    let blobs: Vec<u8> = row.get(8)?;
    Ok(StoredEntry {
        room,
        log: LogKey { author: DeviceId(row.get(0)?), log: LogId(row.get(1)?) },
        seq: unsigned(row.get(2)?),
        order: order_from(row.get(3)?),
        kind: row.get(4)?,
        header: row.get(5)?,
        signature: row.get(6)?,
        salt: row.get(7)?,
        payload: row.get(11)?,
        blobs: blobs.chunks_exact(32).filter_map(BlobHash::from_slice).collect(),
        target: row.get::<_, Option<[u8; 32]>>(12)?.map(EntryHash),
        words: row.get(13)?,
        expires: row.get::<_, Option<i64>>(14)?.map(|at| UnixMillis(unsorted(at))),
        first_seen: UnixMillis(unsigned(row.get(9)?)),
        shown: UnixMillis(unsigned(row.get(10)?)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn orders() -> impl Strategy<Value = OrderKey> {
        (any::<u64>(), any::<[u8; 32]>(), any::<[u8; 32]>()).prop_map(|(clock, author, hash)| OrderKey {
            clock: Hlc(clock),
            author: DeviceId(author),
            hash: EntryHash(hash),
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn order_bytes_sort_like_order_keys(a in orders(), b in orders()) {
            prop_assert_eq!(a.cmp(&b), order_bytes(&a).cmp(&order_bytes(&b)));
            prop_assert_eq!(order_from(order_bytes(&a)), a);
        }

        #[test]
        fn sortable_numbers_sort(a in any::<u64>(), b in any::<u64>()) {
            prop_assert_eq!(a.cmp(&b), sortable(a).cmp(&sortable(b)));
        }

        #[test]
        fn sixty_four_bits_come_back(value in any::<u64>()) {
            prop_assert_eq!(unsigned(bits(value)), value);
            prop_assert_eq!(unsorted(sortable(value)), value);
        }
    }
}
