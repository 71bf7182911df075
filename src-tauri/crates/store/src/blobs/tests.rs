use super::*;
use proptest::prelude::*;
use std::io::{Read, Seek, SeekFrom};
use tempfile::TempDir;

fn key() -> StoreKey {
    StoreKey::from_bytes([7; 32])
}

fn blobs() -> (TempDir, Blobs) {
    let dir = TempDir::new().unwrap();
    let blobs = Blobs::open(dir.path(), &key()).unwrap();
    (dir, blobs)
}

fn content(size: usize) -> Vec<u8> {
    (0..size).map(|i| (i / 251) as u8 ^ (i % 253) as u8).collect()
}

fn read_all(blobs: &Blobs, hash: BlobHash) -> Result<Vec<u8>, BlobError> {
    let mut bytes = Vec::new();
    blobs.reader(hash)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[test]
fn every_size_around_a_segment_comes_back() {
    let (_dir, blobs) = blobs();
    for size in [0, 1, seal::SEGMENT - 1, seal::SEGMENT, seal::SEGMENT + 1, 2 * seal::SEGMENT, 300_000, 1_000_000] {
        let bytes = content(size);
        let hash = blobs.put(&bytes).unwrap();
        assert!(blobs.has(&hash));
        assert_eq!(blobs.reader(hash).unwrap().size(), size as u64);
        assert_eq!(read_all(&blobs, hash).unwrap(), bytes, "{size} bytes");
    }
}

#[test]
fn nothing_of_the_content_is_in_the_clear() {
    let (dir, blobs) = blobs();
    let hash = blobs.put(&[b"the quick brown fox ".as_slice(); 50].concat()).unwrap();
    let raw = std::fs::read(dir.path().join(hash.to_string())).unwrap();
    assert!(!raw.windows(5).any(|window| window == b"quick"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(dir.path().join(hash.to_string())).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn a_content_that_is_not_its_hash_is_refused_and_leaves_nothing() {
    let (dir, blobs) = blobs();
    let right = content(100_000);
    let hash = BlobHash(*blake3::hash(&right).as_bytes());
    let mut wrong = right.clone();
    wrong[70_000] ^= 1;
    for (bytes, size) in [(&wrong[..], 100_000), (&right[..99_999], 100_000)] {
        let mut writer = blobs.writer(hash, size).unwrap();
        writer.write(bytes).unwrap();
        assert!(matches!(writer.finish(), Err(BlobError::Mismatch)));
    }
    let mut writer = blobs.writer(hash, 99_999).unwrap();
    assert!(matches!(writer.write(&right), Err(BlobError::Mismatch)), "more than announced");
    drop(writer);
    assert!(!blobs.has(&hash));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    assert_eq!(blobs.total_bytes(), 0);
}

#[test]
fn the_same_content_twice_is_one_file() {
    let (dir, blobs) = blobs();
    let bytes = content(10);
    let hash = blobs.put(&bytes).unwrap();
    let before = std::fs::read(dir.path().join(hash.to_string())).unwrap();
    let mut writer = blobs.writer(hash, 10).unwrap();
    writer.write(&bytes).unwrap();
    assert_eq!(writer.finish().unwrap(), hash);
    assert_eq!(std::fs::read(dir.path().join(hash.to_string())).unwrap(), before, "not overwritten");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    assert_eq!(blobs.total_bytes(), before.len() as u64);
}

#[test]
fn a_damaged_cut_reordered_or_renamed_file_is_never_read_as_whole() {
    let (dir, blobs) = blobs();
    let bytes = content(3 * seal::SEGMENT + 5);
    let hash = blobs.put(&bytes).unwrap();
    let path = dir.path().join(hash.to_string());
    let good = std::fs::read(&path).unwrap();
    let step = seal::SEGMENT + seal::TAG;
    let at = |segment: usize| seal::HEADER + segment * step;

    for place in [0, 9, 20, at(0), at(1) + 100, at(2) - 1, good.len() - 1] {
        let mut bad = good.clone();
        bad[place] ^= 1;
        std::fs::write(&path, bad).unwrap();
        assert!(matches!(read_all(&blobs, hash), Err(BlobError::Damaged)), "byte {place}");
    }
    let mut swapped = good.clone();
    swapped[at(0)..at(2)].rotate_left(step);
    let mut shorter = good[..at(2)].to_vec();
    let claimed = (2 * seal::SEGMENT) as u64;
    for bad in [swapped, good[..at(3)].to_vec(), good[..20].to_vec(), Vec::new(), {
        // Even when the header is made to agree with the cut.
        shorter[8..16].copy_from_slice(&claimed.to_be_bytes());
        shorter
    }] {
        std::fs::write(&path, bad).unwrap();
        assert!(matches!(read_all(&blobs, hash), Err(BlobError::Damaged)));
    }
    let other = BlobHash([9; 32]);
    std::fs::write(dir.path().join(other.to_string()), &good).unwrap();
    assert!(matches!(read_all(&blobs, other), Err(BlobError::Damaged)), "another file's bytes under this name");
    std::fs::write(&path, &good).unwrap();
    assert_eq!(read_all(&blobs, hash).unwrap(), bytes);
}

#[test]
fn another_key_opens_nothing() {
    let (dir, blobs) = blobs();
    let hash = blobs.put(b"secret").unwrap();
    let other = Blobs::open(dir.path(), &StoreKey::from_bytes([8; 32])).unwrap();
    assert!(matches!(read_all(&other, hash), Err(BlobError::Damaged)));
}

#[test]
fn a_disk_nearly_full_takes_no_blob() {
    let dir = TempDir::new().unwrap();
    let blobs = Blobs::open_with(dir.path(), &key(), |_| Ok(RESERVE_BYTES + 1000)).unwrap();
    assert!(matches!(blobs.put(&content(1000)), Err(BlobError::DiskFull)));
    assert!(matches!(blobs.writer(BlobHash([1; 32]), u64::MAX), Err(BlobError::DiskFull)), "no overflow");
    assert_eq!(blobs.put(&content(1000)).unwrap_err().trouble(), BlobTrouble::DiskFull);
    blobs.put(&content(100)).unwrap();
}

#[test]
fn what_a_crash_left_half_written_is_swept_at_start() {
    let (dir, blobs) = blobs();
    let kept = blobs.put(b"kept").unwrap();
    let part = dir.path().join(format!("{}.0.part", BlobHash([1; 32])));
    std::fs::write(&part, b"half").unwrap();
    let total = blobs.total_bytes();
    let blobs = Blobs::open(dir.path(), &key()).unwrap();
    assert!(!part.exists());
    assert!(blobs.has(&kept));
    assert_eq!(blobs.total_bytes(), total);
}

#[test]
fn a_writer_dropped_leaves_nothing() {
    let (dir, blobs) = blobs();
    let mut writer = blobs.writer(BlobHash([1; 32]), 1_000_000).unwrap();
    writer.write(&content(500_000)).unwrap();
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    drop(writer);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn removing_and_sweeping_spare_what_is_kept_or_young() {
    let (_dir, blobs) = blobs();
    let kept = blobs.put(b"kept").unwrap();
    let gone = blobs.put(b"gone").unwrap();
    blobs.remove(&BlobHash([1; 32])).unwrap();
    let keep = |hash: &BlobHash| Ok::<_, BlobError>(*hash == kept);
    assert_eq!(blobs.sweep(Duration::from_secs(3600), keep).unwrap(), 0, "too young");
    assert_eq!(blobs.sweep(Duration::ZERO, keep).unwrap(), 1);
    assert!(blobs.has(&kept) && !blobs.has(&gone));
    blobs.remove(&kept).unwrap();
    assert_eq!(blobs.total_bytes(), 0);
    assert!(matches!(blobs.reader(kept), Err(BlobError::NotHere)));
}

#[test]
fn a_seek_before_the_start_is_refused_and_one_past_the_end_reads_nothing() {
    let (_dir, blobs) = blobs();
    let mut reader = blobs.reader(blobs.put(b"12345").unwrap()).unwrap();
    assert!(reader.seek(SeekFrom::Current(-1)).is_err());
    reader.seek(SeekFrom::Start(u64::MAX)).unwrap();
    assert_eq!(reader.read(&mut [0; 8]).unwrap(), 0);
    assert_eq!(reader.seek(SeekFrom::End(-2)).unwrap(), 3);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_range_reads_what_was_written(size in 1usize..300_000, start in 0usize..300_000, count in 0usize..150_000, pieces in 1usize..90_000) {
        let (_dir, blobs) = blobs();
        let bytes = content(size);
        let hash = BlobHash(*blake3::hash(&bytes).as_bytes());
        let mut writer = blobs.writer(hash, size as u64).unwrap();
        for piece in bytes.chunks(pieces) {
            writer.write(piece).unwrap();
        }
        writer.finish().unwrap();
        let start = start.min(size);
        let end = (start + count).min(size);
        let mut reader = blobs.reader(hash).unwrap();
        reader.seek(SeekFrom::Start(start as u64)).unwrap();
        let mut range = vec![0; end - start];
        reader.read_exact(&mut range).unwrap();
        prop_assert_eq!(&range[..], &bytes[start..end]);
    }
}
