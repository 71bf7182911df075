//! The bounded CBOR (RFC 8949) that every wire type is written in: each record is an array of definite length. A
//! reader takes the fields it knows and skips what a newer version appended; it allocates nothing before it has
//! checked the length against a named limit, and nothing may follow the record.

use minicbor::{Decoder, Encoder};

/// Why bytes are not the record they should be. Peers are not told; the caller counts it against them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Not CBOR of the expected shape.
    #[error("malformed")]
    Malformed,
    /// Longer than a named limit.
    #[error("over a limit")]
    OverLimit,
    /// A value outside its range.
    #[error("out of range")]
    OutOfRange,
    /// A version that this software does not speak.
    #[error("unknown version")]
    UnknownVersion,
    /// A frame or body kind that this software does not know; not an offence.
    #[error("unknown kind")]
    UnknownKind,
}

impl From<minicbor::decode::Error> for WireError {
    fn from(_: minicbor::decode::Error) -> Self {
        Self::Malformed
    }
}

/// Writes records.
pub(crate) struct Writer(Encoder<Vec<u8>>);

/// Writing into a `Vec` has no way to fail.
const INFALLIBLE: &str = "a Vec takes every byte";

impl Writer {
    pub(crate) fn record(fields: u64) -> Self {
        let mut encoder = Encoder::new(Vec::new());
        encoder.array(fields).expect(INFALLIBLE);
        Self(encoder)
    }

    pub(crate) fn array(mut self, fields: usize) -> Self {
        self.0.array(fields as u64).expect(INFALLIBLE);
        self
    }

    pub(crate) fn uint(mut self, value: u64) -> Self {
        self.0.u64(value).expect(INFALLIBLE);
        self
    }

    pub(crate) fn flag(mut self, value: bool) -> Self {
        self.0.bool(value).expect(INFALLIBLE);
        self
    }

    pub(crate) fn bytes(mut self, value: &[u8]) -> Self {
        self.0.bytes(value).expect(INFALLIBLE);
        self
    }

    pub(crate) fn text(mut self, value: &str) -> Self {
        self.0.str(value).expect(INFALLIBLE);
        self
    }

    pub(crate) fn optional(self, value: Option<&[u8]>) -> Self {
        match value {
            Some(bytes) => self.bytes(bytes),
            None => self.null(),
        }
    }

    pub(crate) fn null(mut self) -> Self {
        self.0.null().expect(INFALLIBLE);
        self
    }

    pub(crate) fn each<T>(self, items: impl ExactSizeIterator<Item = T>, write: impl Fn(Self, T) -> Self) -> Self {
        let writer = self.array(items.len());
        items.fold(writer, write)
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0.into_writer()
    }
}

/// Reads records.
pub(crate) struct Reader<'b>(Decoder<'b>);

impl<'b> Reader<'b> {
    pub(crate) fn new(bytes: &'b [u8]) -> Self {
        Self(Decoder::new(bytes))
    }

    /// Reads one whole record of at least `fields` fields; later ones are skipped, trailing bytes are malformed.
    pub(crate) fn record<T>(
        bytes: &'b [u8],
        fields: u64,
        read: impl FnOnce(&mut Self) -> Result<T, WireError>,
    ) -> Result<T, WireError> {
        let mut reader = Self::new(bytes);
        let value = reader.nested(fields, read)?;
        if reader.0.position() != bytes.len() {
            return Err(WireError::Malformed);
        }
        Ok(value)
    }

    /// Reads one whole record that has grown: of `fields.start()` fields as it first was, of `fields.end()` as it is now.
    /// `read` is told how many of them there are.
    pub(crate) fn grown<T>(
        bytes: &'b [u8],
        fields: std::ops::RangeInclusive<u64>,
        read: impl FnOnce(&mut Self, u64) -> Result<T, WireError>,
    ) -> Result<T, WireError> {
        let present = Decoder::new(bytes).array()?.ok_or(WireError::Malformed)?;
        let known = present.clamp(*fields.start(), *fields.end());
        Self::record(bytes, known, |r| read(r, known))
    }

    /// Reads a record inside a record.
    pub(crate) fn nested<T>(
        &mut self,
        fields: u64,
        read: impl FnOnce(&mut Self) -> Result<T, WireError>,
    ) -> Result<T, WireError> {
        let present = self.0.array()?.ok_or(WireError::Malformed)?;
        // A newer version appends a few fields, not thousands: each skipped one costs time.
        if present < fields || present > fields + 64 {
            return Err(WireError::Malformed);
        }
        let value = read(self)?;
        for _ in fields..present {
            self.0.skip()?;
        }
        Ok(value)
    }

    /// The tag that a record begins with.
    pub(crate) fn tag(&mut self) -> Result<u64, WireError> {
        self.0.array()?.ok_or(WireError::Malformed)?;
        self.uint()
    }

    pub(crate) fn uint(&mut self) -> Result<u64, WireError> {
        Ok(self.0.u64()?)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, WireError> {
        u32::try_from(self.uint()?).map_err(|_| WireError::OutOfRange)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, WireError> {
        u16::try_from(self.uint()?).map_err(|_| WireError::OutOfRange)
    }

    pub(crate) fn flag(&mut self) -> Result<bool, WireError> {
        Ok(self.0.bool()?)
    }

    pub(crate) fn bytes(&mut self, limit: usize) -> Result<&'b [u8], WireError> {
        let bytes = self.0.bytes()?;
        if bytes.len() > limit { Err(WireError::OverLimit) } else { Ok(bytes) }
    }

    pub(crate) fn exactly<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        self.0.bytes()?.try_into().map_err(|_| WireError::OutOfRange)
    }

    pub(crate) fn text(&mut self, limit: usize) -> Result<String, WireError> {
        let text = self.0.str()?;
        if text.len() > limit { Err(WireError::OverLimit) } else { Ok(text.to_owned()) }
    }

    pub(crate) fn optional<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, WireError>,
    ) -> Result<Option<T>, WireError> {
        if self.0.datatype()? == minicbor::data::Type::Null {
            self.0.null()?;
            return Ok(None);
        }
        read(self).map(Some)
    }

    pub(crate) fn each<T>(
        &mut self,
        limit: usize,
        mut read: impl FnMut(&mut Self) -> Result<T, WireError>,
    ) -> Result<Vec<T>, WireError> {
        let count = self.0.array()?.ok_or(WireError::Malformed)?;
        if count > limit as u64 {
            return Err(WireError::OverLimit);
        }
        // A claimed count is only a claim: memory grows with what is really there.
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(read(self)?);
        }
        Ok(items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_a_newer_version_are_skipped_and_missing_ones_are_malformed() {
        let bytes = Writer::record(3).uint(1).text("two").bytes(&[3]).finish();
        assert_eq!(Reader::record(&bytes, 1, Reader::uint), Ok(1));
        assert_eq!(Reader::record(&bytes, 4, Reader::uint), Err(WireError::Malformed));
    }

    #[test]
    fn a_record_that_has_grown_is_read_as_it_was_and_as_it_is() {
        let read = |fields: u64| {
            let bytes = (0..fields).fold(Writer::record(fields), Writer::uint).finish();
            Reader::grown(&bytes, 2..=3, |r, fields| (0..fields).map(|_| r.uint()).sum::<Result<u64, _>>())
        };
        assert_eq!([read(1), read(2), read(3), read(4)], [Err(WireError::Malformed), Ok(1), Ok(3), Ok(3)]);
    }

    #[test]
    fn nothing_may_follow_a_record() {
        let mut bytes = Writer::record(1).uint(1).finish();
        bytes.push(0);
        assert_eq!(Reader::record(&bytes, 1, Reader::uint), Err(WireError::Malformed));
    }

    #[test]
    fn a_claimed_length_allocates_nothing() {
        let mut bytes = Writer::record(1).finish();
        // An array header that claims 2^32 items.
        bytes.extend_from_slice(&[0x9a, 0xff, 0xff, 0xff, 0xff]);
        let read = Reader::record(&bytes, 1, |r| r.each(usize::MAX, Reader::uint));
        assert_eq!(read, Err(WireError::Malformed));
        assert_eq!(Reader::record(&bytes, 1, |r| r.each(8, Reader::uint)), Err(WireError::OverLimit));
    }
}
