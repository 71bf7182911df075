//! Blobs come whole or not at all.

use super::disk::Disk;
use super::pair::{Side, pair_with};
use super::rogue::Rogue;
use natter_engine::ids::BlobHash;
use natter_engine::port::{BlobTrouble, CloseReason, LinkCommand, LinkEvent, LinkPurpose};
use std::time::{Duration, Instant};

/// A blob of `size` bytes that look like nothing.
fn blob(size: usize) -> (BlobHash, Vec<u8>) {
    let mut bytes = vec![0; size];
    blake3::Hasher::new().finalize_xof().fill(&mut bytes);
    (BlobHash(*blake3::hash(&bytes).as_bytes()), bytes)
}

/// Grants the next wish, or does not.
async fn judge(server: &mut Side, wanted: BlobHash, allowed: bool) {
    match server.event().await {
        LinkEvent::Wanted(blob) => assert_eq!(blob, wanted),
        other => panic!("expected a wish, got {other:?}"),
    }
    server.command(LinkCommand::ServeBlob { blob: wanted, allowed });
}

/// What a fetch came to, and how often it told its progress.
async fn outcome(requester: &mut Side) -> (Result<BlobHash, (BlobHash, BlobTrouble)>, Vec<u64>) {
    let mut progress = Vec::new();
    loop {
        match requester.event().await {
            LinkEvent::BlobProgress { have, .. } => progress.push(have),
            LinkEvent::BlobDone(blob) => return (Ok(blob), progress),
            LinkEvent::BlobFailed(blob, trouble) => return (Err((blob, trouble)), progress),
            other => panic!("expected a blob, got {other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blobs_of_every_length_come_whole_over_one_link() {
    let (mut requester, mut server) = pair_with(LinkPurpose::Bulk, Disk::default(), Disk::default()).await;
    for size in [0, 1, 65_531, 65_532, 262_124, 1 << 20, (8 << 20) + 7] {
        let (hash, bytes) = blob(size);
        server.disk.put(hash, bytes.clone());
        requester.command(LinkCommand::FetchBlob { blob: hash, size: size as u64 });
        judge(&mut server, hash, true).await;
        let (outcome, progress) = outcome(&mut requester).await;
        assert_eq!(outcome, Ok(hash), "{size} bytes");
        assert!(progress.is_sorted());
        assert!(requester.disk.get(hash) == Some(bytes), "{size} bytes");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_wishes_are_granted_one_after_the_other() {
    let (mut requester, mut server) = pair_with(LinkPurpose::Bulk, Disk::default(), Disk::default()).await;
    let wishes: Vec<_> = (1..5).map(|n| blob(n * 100_000)).collect();
    for (hash, bytes) in &wishes {
        server.disk.put(*hash, bytes.clone());
        for _ in 0..2 {
            requester.command(LinkCommand::FetchBlob { blob: *hash, size: bytes.len() as u64 });
        }
    }
    for (hash, _) in &wishes {
        judge(&mut server, *hash, true).await;
        assert_eq!(outcome(&mut requester).await.0, Ok(*hash));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_sides_fetch_at_once_without_waiting_for_each_other_for_ever() {
    let (mut here, mut there) = pair_with(LinkPurpose::Bulk, Disk::default(), Disk::default()).await;
    let (ours, bytes) = blob(6 << 20);
    here.disk.put(ours, bytes);
    let (theirs, bytes) = blob(5 << 20);
    there.disk.put(theirs, bytes);
    here.command(LinkCommand::FetchBlob { blob: theirs, size: 5 << 20 });
    there.command(LinkCommand::FetchBlob { blob: ours, size: 6 << 20 });
    judge(&mut here, ours, true).await;
    judge(&mut there, theirs, true).await;
    let ((here, _), (there, _)) = tokio::join!(outcome(&mut here), outcome(&mut there));
    assert_eq!((here, there), (Ok(theirs), Ok(ours)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_engine_forbids_or_the_disk_lacks_is_refused() {
    let (mut requester, mut server) = pair_with(LinkPurpose::Bulk, Disk::default(), Disk::default()).await;
    let (hash, bytes) = blob(1000);
    requester.command(LinkCommand::FetchBlob { blob: hash, size: 1000 });
    judge(&mut server, hash, true).await;
    assert_eq!(outcome(&mut requester).await.0, Err((hash, BlobTrouble::Refused)), "it is not there");
    server.disk.put(hash, bytes);
    requester.command(LinkCommand::FetchBlob { blob: hash, size: 1000 });
    judge(&mut server, hash, false).await;
    assert_eq!(outcome(&mut requester).await.0, Err((hash, BlobTrouble::Refused)), "it may not be had");
    requester.command(LinkCommand::FetchBlob { blob: hash, size: 1000 });
    judge(&mut server, hash, true).await;
    assert_eq!(outcome(&mut requester).await.0, Ok(hash), "the link goes on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_are_not_the_blob_are_not_kept() {
    let (mut requester, mut server) = pair_with(LinkPurpose::Bulk, Disk::default(), Disk::default()).await;
    let (hash, mut bytes) = blob(1 << 20);
    let size = bytes.len() as u64;
    let whole = bytes.clone();
    bytes[700_000] ^= 1;
    let lies = [bytes, whole[..500_000].to_vec(), [&whole[..], b"and more"].concat()];
    for lie in lies {
        server.disk.put(hash, lie);
        requester.command(LinkCommand::FetchBlob { blob: hash, size });
        judge(&mut server, hash, true).await;
        let (outcome, _) = outcome(&mut requester).await;
        // One that is longer is told by its first byte too many, or was whole before it.
        if outcome != Ok(hash) {
            assert_eq!(outcome, Err((hash, BlobTrouble::Corrupt)));
            assert_eq!(requester.disk.get(hash), None);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_told_and_asks_nobody() {
    let (mut requester, _server) = pair_with(LinkPurpose::Bulk, Disk::full(), Disk::default()).await;
    let (hash, _) = blob(1000);
    requester.command(LinkCommand::FetchBlob { blob: hash, size: 1000 });
    assert_eq!(outcome(&mut requester).await.0, Err((hash, BlobTrouble::DiskFull)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn progress_is_told_ten_times_a_second_at_most() {
    let (mut requester, mut server) = pair_with(LinkPurpose::Bulk, Disk::default(), Disk::default()).await;
    let (hash, bytes) = blob(32 << 20);
    server.disk.put(hash, bytes);
    let started = Instant::now();
    requester.command(LinkCommand::FetchBlob { blob: hash, size: 32 << 20 });
    judge(&mut server, hash, true).await;
    let (outcome, progress) = outcome(&mut requester).await;
    assert_eq!(outcome, Ok(hash));
    let most = started.elapsed().as_millis() / 100 + 1;
    assert!(progress.len() as u128 <= most, "{} in {:?}", progress.len(), started.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_message_of_a_transfer_ends_the_link() {
    let get = |request: u8| [&[1, 0, 0, 0, request][..], &[7; 32], &[0; 8], &[0, 0, 1, 0]].concat();
    let rubbish: [&[&[u8]]; 4] = [
        &[b"hello"],
        // DATA and END for requests that were never made.
        &[&[3, 0, 0, 0, 9, 1]],
        &[&[5, 0, 0, 0, 1]],
        // A second GET before the engine has judged the first.
        &[&get(1), &get(2)],
    ];
    for messages in rubbish {
        let (rogue, mut side) = Rogue::opens(LinkPurpose::Bulk).await;
        for message in messages {
            rogue.send(message).await;
        }
        assert_eq!(side.closed().await, CloseReason::Protocol, "{messages:?}");
        rogue.leave().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_disk_slows_the_server_instead_of_filling_memory() {
    let (rogue, side) = Rogue::opens(LinkPurpose::Bulk).await;
    let disk = side.disk.clone();
    let held = disk.hold().await;
    let (hash, _) = blob(1);
    side.command(LinkCommand::FetchBlob { blob: hash, size: 1 << 30 });
    let get = rogue.message().await;
    assert_eq!((get[0], get.len()), (1, 49));
    let granted = u32::from_be_bytes(get[45..].try_into().expect("four bytes")) as usize;
    let mut chunk = vec![3, 0, 0, 0, 1];
    chunk.resize(65_536, 0);
    for _ in 0..granted / (chunk.len() - 5) {
        rogue.send(&chunk).await;
    }
    // Nothing is granted while nothing is written.
    let patience = Duration::from_millis(300);
    assert!(tokio::time::timeout(patience, rogue.message()).await.is_err());
    drop(held);
    let more = rogue.message().await;
    assert_eq!(more[..5], [4, 0, 0, 0, 1]);
    rogue.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_requester_that_grants_nothing_more_holds_nobody_up() {
    let (rogue, mut side) = Rogue::opens(LinkPurpose::Bulk).await;
    let (hash, bytes) = blob(1 << 20);
    side.disk.put(hash, bytes.clone());
    let get = |request: u8, offset: u64, credit: u32| {
        [&[1, 0, 0, 0, request][..], &hash.0, &offset.to_be_bytes(), &credit.to_be_bytes()].concat()
    };
    rogue.send(&get(1, 0, 10)).await;
    judge(&mut side, hash, true).await;
    assert_eq!(rogue.message().await, [&[3, 0, 0, 0, 1][..], &bytes[..10]].concat());
    // The rest of it, from where it stopped, as after a lost link.
    rogue.send(&get(2, 10, 5)).await;
    judge(&mut side, hash, true).await;
    assert_eq!(rogue.message().await, [&[3, 0, 0, 0, 2][..], &bytes[10..15]].concat());
    rogue.send(&[4, 0, 0, 0, 2, 0, 0, 0, 3]).await;
    assert_eq!(rogue.message().await, [&[3, 0, 0, 0, 2][..], &bytes[15..18]].concat());
    rogue.send(&get(3, 1 << 20, 5)).await;
    judge(&mut side, hash, true).await;
    assert_eq!(rogue.message().await, [5, 0, 0, 0, 3], "nothing is left at its end");
    rogue.send(&get(4, (1 << 20) + 1, 5)).await;
    judge(&mut side, hash, true).await;
    assert_eq!(rogue.message().await, [2, 0, 0, 0, 4], "beyond its end");
    rogue.leave().await;
    let patience = Duration::from_secs(5);
    assert_eq!(tokio::time::timeout(patience, side.closed()).await, Ok(CloseReason::Remote));
}
