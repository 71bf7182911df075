//! Golden vectors: the exact bytes of every wire type, in `tests/vectors/wire.txt`. Bytes that change break every peer
//! that is out there, so this test fails on any change; a deliberate one is written with `NATTER_REGENERATE=1`.

use super::invite::{Ask, Told};
use super::session::{Session, SignedSession, Trickle};
use super::*;
use crate::identity::SecretKey;
use crate::ids::*;
use crate::port::{LinkPurpose, OrderKey, Profile, Role, SessionParams, Setup, SignalKind};
use crate::time::{Hlc, UnixMillis};
use proptest::prelude::*;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/vectors/wire.txt");

fn key() -> SecretKey {
    SecretKey::from_seed(&[1; 32])
}

fn log() -> LogKey {
    LogKey { author: key().device(), log: LogId([2; 16]) }
}

fn profile() -> Profile {
    Profile { name: "Ada".into(), avatar: Some(vec![9, 8, 7]) }
}

fn bodies() -> Vec<(&'static str, Body)> {
    let picture = Picture {
        blob: BlobHash([3; 32]),
        size: 70_000,
        mime: "image/png".into(),
        width: 640,
        height: 480,
        thumbhash: vec![1, 2, 3],
        preview: vec![4, 5],
        name: "cat.png".into(),
        caption: "look".into(),
        reply_to: Some(EntryHash([4; 32])),
        lives: Some(86_400),
    };
    let named = Text {
        text: "Hello @Ada 👋".into(),
        mentions: vec![Mention { device: DeviceId([6; 32]), start: 6, length: 4 }],
        reply_to: Some(EntryHash([4; 32])),
        lives: Some(3600),
    };
    let about = |act| Body::About { target: EntryHash([4; 32]), act };
    let upto = OrderKey { clock: Hlc(5 << 16), author: DeviceId([6; 32]), hash: EntryHash([7; 32]) };
    let invite = InviteBody {
        invite: InviteId([8; 32]),
        rendezvous: [9; 32],
        sealing: [10; 32],
        uses: 1,
        expires: 1_800_000_000,
        approval: true,
        role: Role::Member,
        vouch: None,
    };
    vec![
        ("genesis", Body::Genesis { name: "Kitchen".into(), profile: profile(), nonce: [11; 16] }),
        ("invite", Body::Invite(invite)),
        ("invite_spoken", Body::Invite(InviteBody { vouch: Some([14; 64]), ..invite })),
        (
            "admit",
            Body::Admit { device: DeviceId([12; 32]), invite: InviteId([8; 32]), proof: [13; 64], profile: profile() },
        ),
        ("device", Body::Device { device: DeviceId([12; 32]), person: DeviceId([6; 32]), proof: [13; 64] }),
        ("leave", Body::Leave { heads: vec![(LogId([4; 16]), 9)], others: Vec::new() }),
        ("leave_person", Body::Leave { heads: Vec::new(), others: vec![(log(), 9)] }),
        ("remove", remove(Vec::new())),
        ("remove_person", remove(vec![(log(), 9)])),
        ("grant", Body::Grant { device: DeviceId([12; 32]), role: Role::Admin }),
        ("revoke", Body::Revoke { device: DeviceId([12; 32]), role: Role::Guest }),
        ("room", Body::Room(RoomBody { name: Some("Hall".into()), about: Some("Soup".into()), lives: Some(0) })),
        ("room_same", Body::Room(RoomBody::default())),
        ("revoke_invite", Body::RevokeInvite { invite: InviteId([8; 32]) }),
        ("text", Body::Text(Text::plain("Hello 👋"))),
        ("text_named", Body::Text(named.clone())),
        ("picture", Body::Picture(picture)),
        ("profile", Body::Profile(Profile { name: "Ada".into(), avatar: None })),
        ("receipt", Body::Receipt { upto }),
        ("edit", about(Act::Edit(Text { reply_to: None, lives: None, ..named }))),
        ("delete", about(Act::Delete)),
        ("reaction", about(Act::React { emoji: "👍🏽".into(), on: true })),
        ("pin", about(Act::Pin { on: false })),
    ]
}

fn remove(others: Vec<(LogKey, u64)>) -> Body {
    Body::Remove { device: DeviceId([12; 32]), heads: vec![(LogId([2; 16]), 7)], others }
}

fn entry() -> Entry {
    let header = Header {
        kind: kind::TEXT,
        flags: 0,
        room: RoomId([14; 32]),
        log: log(),
        seq: 2,
        prev: Some(EntryHash([15; 32])),
        clock: Hlc(1_700_000_000_000 << 16),
        written: UnixMillis(1_700_000_000_000),
        parents: vec![EntryHash([16; 32]), EntryHash([17; 32])],
        payload_len: 0,
        commitment: [0; 32],
    };
    let body = Body::Text(Text::plain("Hello 👋"));
    Entry::sign(&key(), header, [18; 16], body.encode()).0
}

fn frames() -> Vec<(&'static str, Frame)> {
    let room = RoomId([14; 32]);
    let blob = BlobHash([3; 32]);
    vec![
        ("auth", Frame::Auth { connection: ConnectionId([19; 16]), signature: [20; 64] }),
        ("ping", Frame::Ping { nonce: 21 }),
        ("pong", Frame::Pong { nonce: 21 }),
        ("bye", Frame::Bye),
        ("knock", Frame::Knock { room, invite: InviteId([8; 32]), proof: [13; 64], profile: profile() }),
        ("knock_state", Frame::KnockState { room, state: KnockState::UsedUp }),
        ("welcome", Frame::Welcome { room, epochs: vec![(1, [22; 32])], brokers: vec!["ws://127.0.0.1:9753/".into()] }),
        ("have", Frame::Have { room, asks: true, heads: vec![(log(), 7)], tips: vec![[30; 8]] }),
        ("fork", Frame::Fork { room, first: Entry { payload: None, salt: [0; 16], ..entry() }, second: entry() }),
        ("want", Frame::Want { room, log: log(), from: 3, to: 7 }),
        ("entries", Frame::Entries { room, entries: vec![entry(), Entry { payload: None, ..entry() }] }),
        (
            "signal",
            Frame::Signal {
                room,
                from: DeviceId([23; 32]),
                to: DeviceId([24; 32]),
                kind: SignalKind::Answer,
                envelope: vec![25; 40],
            },
        ),
        ("roster", Frame::Roster { room, linked: vec![DeviceId([23; 32])], brokers: vec![] }),
        ("ask_blob", Frame::AskBlob { room, blob }),
        ("blob_is", Frame::BlobIs { room, blob, here: true }),
        ("typing", Frame::Typing { room }),
        ("epoch", Frame::Epoch { room, epoch: 65_537, key: [22; 32] }),
        (
            "handover",
            Frame::Handover {
                room,
                person: DeviceId([23; 32]),
                epochs: vec![(1, [22; 32])],
                brokers: vec!["ws://127.0.0.1:9753/".into()],
            },
        ),
        ("claim", Frame::Claim { room, person: DeviceId([23; 32]), proof: [13; 64] }),
    ]
}

fn session(answers: Option<[u8; 32]>) -> Session {
    Session {
        room: RoomId([14; 32]),
        from: key().device(),
        to: answers.map(|_| DeviceId([23; 32])),
        connection: ConnectionId([19; 16]),
        nonce: [26; 16],
        purpose: LinkPurpose::Chat,
        answers,
        params: SessionParams {
            fingerprint: [27; 32],
            ufrag: "abcd".into(),
            pwd: "0123456789abcdefghijkl".into(),
            setup: if answers.is_some() { Setup::Active } else { Setup::ActPass },
            candidates: vec!["candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host".into()],
        },
    }
}

fn link() -> InviteLink {
    InviteLink {
        seed: [28; 32],
        room: RoomId([14; 32]),
        room_name: "Kitchen".into(),
        brokers: vec!["wss://broker.example/".into()],
        expires: 1_800_000_000,
        spoken: None,
    }
}

#[test]
fn the_bytes_of_every_wire_type_stay_what_they_are() {
    let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
    let mut lines = Vec::new();
    for (name, body) in bodies() {
        lines.push(format!("body.{name} {}", hex(&body.encode())));
    }
    lines.push(format!("entry.header {}", hex(&entry().header)));
    lines.push(format!("entry.signature {}", hex(&entry().signature)));
    lines.push(format!("entry.id {}", entry().hash()));
    for (name, frame) in frames() {
        lines.push(format!("frame.{name} {}", hex(&frame.encode())));
    }
    lines.push(format!("session.offer {}", hex(&SignedSession::sign(&key(), &session(None)).encode())));
    lines.push(format!("session.answer {}", hex(&SignedSession::sign(&key(), &session(Some([29; 32]))).encode())));
    let trickle = Trickle { connection: ConnectionId([19; 16]), candidate: "candidate:2".into() };
    lines.push(format!("session.trickle {}", hex(&trickle.encode())));
    lines.push(format!("invite.link {}", link().to_text()));
    lines.push(format!("invite.id {}", link().id()));
    lines.push(format!("invite.spoken_link {}", InviteLink { spoken: Some([7; 10]), ..link() }.to_text()));
    lines.push(format!("invite.ask {}", hex(&Ask.encode())));
    let InviteLink { room, room_name, brokers, expires, .. } = link();
    let told = Told { room, room_name, brokers, expires, vouch: [30; 64] };
    lines.push(format!("invite.told {}", hex(&told.encode())));
    lines.push(format!("invite.device_link {}", link().to_device_text()));
    let text = lines.join("\n") + "\n";
    if std::env::var_os("NATTER_REGENERATE").is_some() {
        std::fs::write(FILE, &text).expect("the vectors' folder exists");
    }
    let golden = std::fs::read_to_string(FILE).expect("the vectors are part of the tree");
    for (now, then) in text.lines().zip(golden.lines()) {
        assert_eq!(now, then);
    }
    assert_eq!(text.lines().count(), golden.lines().count());
}

#[test]
fn everything_reads_back_as_it_was_written() {
    for (name, body) in bodies() {
        assert_eq!(Body::decode(body.kind(), &body.encode()), Ok(body), "{name}");
    }
    for (name, frame) in frames() {
        assert_eq!(Frame::decode(&frame.encode()), Ok(frame), "{name}");
    }
    for answers in [None, Some([29; 32])] {
        let signed = SignedSession::sign(&key(), &session(answers));
        assert_eq!(SignedSession::decode(&signed.encode()), Ok((signed, session(answers))));
    }
    let (header, hash) = entry().open().expect("just signed");
    assert_eq!(Header::decode(&header.encode()), Ok(header));
    assert_eq!(hash, entry().hash());
}

#[test]
fn an_entry_that_is_bent_anywhere_does_not_open() {
    let good = entry();
    for at in 0..good.header.len() {
        let mut bent = good.clone();
        bent.header[at] ^= 1;
        assert!(bent.open().is_err(), "header byte {at}");
    }
    let mut bent = good.clone();
    bent.signature[3] ^= 1;
    assert_eq!(bent.open().map(|_| ()), Err(EntryError::Signature));
    let mut bent = good.clone();
    bent.salt[0] ^= 1;
    assert_eq!(bent.open().map(|_| ()), Err(EntryError::Commitment));
    let mut bent = good;
    bent.payload = Some(b"other words".to_vec());
    assert_eq!(bent.open().map(|_| ()), Err(EntryError::Commitment));
}

#[test]
fn a_session_that_somebody_else_signed_does_not_open() {
    let signed = SignedSession::sign(&SecretKey::from_seed(&[99; 32]), &session(None));
    assert!(SignedSession::decode(&signed.encode()).is_err());
}

#[test]
fn a_reaction_is_one_emoji_and_nothing_else() {
    for good in ["👍", "👍🏽", "❤️", "👩‍👩‍👧‍👦", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "1️⃣", "🇪🇪", "☕"]
    {
        assert!(is_emoji(good), "{good}");
    }
    for bad in ["", "a", "👍👍", "ok", "1", " ", "é", "漢", "\u{7}", "👍 ", "#", "\n", &"👩‍".repeat(20)] {
        assert!(!is_emoji(bad), "{bad:?}");
        let body = Body::About { target: EntryHash([1; 32]), act: Act::React { emoji: bad.to_owned(), on: true } };
        assert!(Body::decode(kind::REACTION, &body.encode()).is_err(), "{bad:?}");
    }
}

#[test]
fn mentions_stand_in_the_text_one_after_the_other() {
    let says = |text: &str, spans: &[(u32, u32)]| {
        let mentions =
            spans.iter().map(|(start, length)| Mention { device: DeviceId([6; 32]), start: *start, length: *length });
        let body = Body::Text(Text { mentions: mentions.collect(), ..Text::plain(text) });
        Body::decode(kind::TEXT, &body.encode()).map(|_| ())
    };
    assert_eq!(says("é @Ada @Ben", &[(3, 4), (8, 4)]), Ok(()));
    for bad in [&[(1, 3)][..], &[(8, 4), (3, 4)], &[(3, 4), (6, 2)], &[(3, 0)], &[(8, 5)], &[(u32::MAX, u32::MAX)]] {
        assert_eq!(says("é @Ada @Ben", bad), Err(WireError::OutOfRange), "{bad:?}");
    }
    let many: Vec<(u32, u32)> = (0..33).map(|n| (n, 1)).collect();
    assert_eq!(says(&"a".repeat(40), &many), Err(WireError::OverLimit));
}

#[test]
fn a_message_lives_for_a_second_or_a_year_and_not_for_ever_by_a_number() {
    let lives = |lives| Body::decode(kind::TEXT, &Body::Text(Text { lives, ..Text::plain("gone soon") }).encode());
    for seconds in [None, Some(1), Some(limits::LIVES_SECONDS)] {
        assert!(lives(seconds).is_ok(), "{seconds:?}");
    }
    for seconds in [Some(0), Some(limits::LIVES_SECONDS + 1)] {
        assert_eq!(lives(seconds), Err(WireError::OutOfRange), "{seconds:?}");
    }
}

#[test]
fn clocks_beyond_two_to_the_63_are_out_of_range() {
    let header = Header { clock: Hlc(1 << 63), ..entry().open().expect("good").0 };
    assert_eq!(Header::decode(&header.encode()), Err(WireError::OutOfRange));
}

#[test]
fn wants_that_are_too_long_or_backwards_are_refused() {
    let want = |from, to| Frame::Want { room: RoomId([0; 32]), log: log(), from, to }.encode();
    assert!(Frame::decode(&want(1, 256)).is_ok());
    for (from, to) in [(0, 5), (5, 4), (1, 257), (u64::MAX, 1)] {
        assert_eq!(Frame::decode(&want(from, to)), Err(WireError::OutOfRange), "{from}..{to}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), kind in 0u16..40) {
        let _ = Frame::decode(&bytes);
        let _ = Body::decode(kind, &bytes);
        let _ = Header::decode(&bytes);
        let _ = SignedSession::decode(&bytes);
        let _ = Trickle::decode(&bytes);
        let _ = InviteLink::parse(&String::from_utf8_lossy(&bytes));
        let _ = InviteLink::parse_device(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_bent_frame_makes_a_decoder_panic(which in 0usize..18, at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let mut bytes = frames()[which].1.encode();
        let at = at.index(bytes.len());
        bytes[at] = to;
        let _ = Frame::decode(&bytes);
    }
}
