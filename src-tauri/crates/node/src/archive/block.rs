//! The part of an export that machines read: records of `natter_engine::wire::archive` in base64, in a block that no
//! browser runs (a script of a type that it does not know), and a checksum against accidents.
//!
//! ```text
//! <script type="application/x-natter-room" id="natter-room">      a line of its own
//! base64 of the frames, 1,024 characters a line                   RFC 4648 §4, with padding in the last line
//! .BLAKE3 of the frames, hex
//! </script>
//! ```
//! Words of people are escaped in the page above, so that the first line stands in a file only once. The reader takes
//! nothing on trust: lines and records are bounded, and nothing may be missing.

use super::{damaged, not_a_room_file, too_new};
use crate::api::ApiError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use natter_engine::wire::WireError;
use natter_engine::wire::archive::{RECORD_BYTES, Record};
use std::io::{self, BufRead, Read, Write};

const OPENS: &str = r#"<script type="application/x-natter-room" id="natter-room">"#;
const CLOSES: &str = "</script>";
/// Bytes of a line before base64: a multiple of 3.
const LINE: usize = 768;
/// Characters of a line that are read, its end included.
const LINE_CHARS: u64 = 2048;

/// Writes the block.
pub(crate) struct BlockWriter<W: Write> {
    out: W,
    hasher: blake3::Hasher,
    line: Vec<u8>,
}

impl<W: Write> BlockWriter<W> {
    pub(crate) fn begin(mut out: W) -> io::Result<Self> {
        writeln!(out, "{OPENS}")?;
        Ok(Self { out, hasher: blake3::Hasher::new(), line: Vec::with_capacity(LINE) })
    }

    pub(crate) fn put(&mut self, record: &Record) -> io::Result<()> {
        // The store holds nothing larger than the records do.
        let frame = record.encode().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        self.hasher.update(&frame);
        let mut rest = &frame[..];
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(LINE - self.line.len()));
            self.line.extend_from_slice(now);
            rest = later;
            if self.line.len() == LINE {
                self.flush()?;
            }
        }
        Ok(())
    }

    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.flush()?;
        writeln!(self.out, ".{}\n{CLOSES}", self.hasher.finalize().to_hex())?;
        Ok(self.out)
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.line.is_empty() {
            writeln!(self.out, "{}", STANDARD.encode(&self.line))?;
            self.line.clear();
        }
        Ok(())
    }
}

/// Reads the block of a file that may hold anything.
pub(crate) struct BlockReader<R: BufRead> {
    from: R,
    hasher: blake3::Hasher,
    /// Decoded bytes that no record has taken yet.
    bytes: Vec<u8>,
    ended: bool,
}

impl<R: BufRead> BlockReader<R> {
    /// Finds the block.
    pub(crate) fn begin(mut from: R) -> Result<Self, ApiError> {
        loop {
            match line(&mut from).map_err(|error| unreadable(&error))? {
                Some(line) if line == OPENS.as_bytes() => break,
                // A page has long lines: pictures.
                Some(_) => {}
                None => return Err(not_a_room_file()),
            }
        }
        Ok(Self { from, hasher: blake3::Hasher::new(), bytes: Vec::new(), ended: false })
    }

    /// The next record; none at the end, once the checksum has proved right. A record of a newer version is passed over.
    pub(crate) fn next(&mut self) -> Result<Option<Record>, ApiError> {
        loop {
            let Some(length) = self.peek(4)? else {
                return if self.bytes.is_empty() { Ok(None) } else { Err(damaged("it is cut short")) };
            };
            let mut head = [0; 4];
            head.copy_from_slice(length);
            let length = u32::from_be_bytes(head) as usize;
            if length > RECORD_BYTES {
                return Err(damaged("a record is too long"));
            }
            let whole = self.peek(4 + length)?.ok_or_else(|| damaged("it is cut short"))?;
            let record = Record::decode(&whole[4..]);
            self.bytes.drain(..4 + length);
            match record {
                Ok(record) => return Ok(Some(record)),
                Err(WireError::UnknownKind) => {}
                Err(WireError::UnknownVersion) => return Err(too_new()),
                Err(WireError::Malformed | WireError::OverLimit | WireError::OutOfRange) => {
                    return Err(damaged("a record cannot be read"));
                }
            }
        }
    }

    /// The next bytes, if there are so many.
    fn peek(&mut self, count: usize) -> Result<Option<&[u8]>, ApiError> {
        while self.bytes.len() < count {
            if self.ended {
                return Ok(None);
            }
            let line = line(&mut self.from).map_err(|error| unreadable(&error))?;
            let line = line.ok_or_else(|| damaged("it is cut short"))?;
            if let Some(sum) = line.strip_prefix(b".") {
                if sum != self.hasher.finalize().to_hex().as_bytes() {
                    return Err(damaged("its checksum does not fit"));
                }
                self.ended = true;
                continue;
            }
            let bytes = STANDARD.decode(&line).map_err(|_| damaged("a line is not what was written"))?;
            self.hasher.update(&bytes);
            self.bytes.extend_from_slice(&bytes);
        }
        Ok(Some(&self.bytes[..count]))
    }
}

fn unreadable(error: &io::Error) -> ApiError {
    ApiError::io("the file cannot be read", error)
}

/// The next line without its end, whichever the system writes; an empty one instead of one that is too long. Constant
/// memory.
fn line(from: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    from.take(LINE_CHARS).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    if !line.ends_with(b"\n") && line.len() as u64 == LINE_CHARS {
        skip_line(from)?;
        line.clear();
    }
    while line.last().is_some_and(|last| matches!(last, b'\n' | b'\r')) {
        line.pop();
    }
    Ok(Some(line))
}

fn skip_line(from: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = from.fill_buf()?;
        let (end, count) = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(at) => (true, at + 1),
            None => (buffer.is_empty(), buffer.len()),
        };
        from.consume(count);
        if end {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Code;
    use natter_engine::ids::{BlobHash, RoomId};
    use natter_engine::time::UnixMillis;
    use natter_engine::wire::archive::PART_BYTES;

    fn records() -> Vec<Record> {
        vec![
            Record::RoomFile { room: RoomId([1; 32]), name: "Küche".into(), made: UnixMillis(2) },
            Record::Blob { blob: BlobHash([3; 32]), size: 4 },
            Record::Part(vec![5; PART_BYTES]),
            Record::End { entries: 6, blobs: 7 },
        ]
    }

    fn file() -> Vec<u8> {
        let mut page = vec![b'x'; 10_000];
        page.push(b'\n');
        let mut block = BlockWriter::begin(page).expect("a Vec takes it");
        for record in records() {
            block.put(&record).expect("a Vec takes it");
        }
        block.finish().expect("a Vec takes it")
    }

    fn read(bytes: &[u8]) -> Result<Vec<Record>, Code> {
        let mut block = BlockReader::begin(bytes).map_err(|error| error.code)?;
        let mut records = Vec::new();
        while let Some(record) = block.next().map_err(|error| error.code)? {
            records.push(record);
        }
        Ok(records)
    }

    #[test]
    fn a_block_is_read_as_it_was_written_whatever_ends_its_lines() {
        let file = file();
        assert!(read(&file) == Ok(records()));
        let other = String::from_utf8(file).expect("text").replace('\n', "\r\n");
        assert!(read(other.as_bytes()) == Ok(records()), "sent through a system of other line ends");
    }

    #[test]
    fn what_is_cut_or_bent_is_refused_and_what_is_foreign_is_told_apart() {
        let file = file();
        let begins = file.windows(OPENS.len()).position(|window| window == OPENS.as_bytes()).expect("it is there");
        for end in [0, 5, begins, begins + 20] {
            assert!(read(&file[..end]) == Err(Code::NotNatterFile), "cut at {end}");
        }
        let body = begins + OPENS.len() + 1;
        for end in (body..file.len() - CLOSES.len() - 2).step_by(997) {
            assert!(read(&file[..end]) == Err(Code::FileDamaged), "cut at {end}");
        }
        for at in (body..file.len() - CLOSES.len() - 2).step_by(499) {
            for flip in [1, 0x20, 0x80] {
                let mut bent = file.clone();
                bent[at] ^= flip;
                assert!(read(&bent).is_err(), "bent at {at}");
            }
        }
    }
}
