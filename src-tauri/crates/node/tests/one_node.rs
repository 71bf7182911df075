//! One device alone: first start, passphrases, bad databases, rooms, words, pictures, and what the page may fetch.

use natter_node::api::{
    Change, Code, Command, MessageBody, Phase, Protection, Reply, Role, Snapshot, SpokenState, Transfer,
};
use natter_node::{Node, NodeConfig, Unattended};
use std::path::Path;
use std::time::Duration;
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(20);

fn config(dir: &Path) -> NodeConfig {
    NodeConfig { lan: false, embedded_broker: false, ..NodeConfig::new(dir) }
}

fn named(dir: &Path, name: &str) -> NodeConfig {
    NodeConfig { name: Some(name.into()), unattended: Some(Unattended::Unprotected), ..config(dir) }
}

async fn open(config: NodeConfig) -> Node {
    Node::open(config).await.expect("the URLs are fine")
}

async fn snapshot(node: &Node) -> Snapshot {
    match node.request(Command::Snapshot).await {
        Ok(Reply::Snapshot { snapshot }) => *snapshot,
        other => panic!("no snapshot: {other:?}"),
    }
}

async fn code(node: &Node, command: Command) -> Code {
    node.request(command).await.expect_err("refused").code
}

async fn create_room(node: &Node, name: &str) -> String {
    match node.request(Command::CreateRoom { name: name.into() }).await {
        Ok(Reply::Room { room }) => room,
        other => panic!("no room: {other:?}"),
    }
}

async fn say(node: &Node, room: &str, text: &str) -> String {
    match node
        .request(Command::SendText { room: room.into(), text: text.into(), mentions: Vec::new(), reply_to: None })
        .await
    {
        Ok(Reply::Sent { message }) => message,
        other => panic!("not sent: {other:?}"),
    }
}

async fn page(node: &Node, room: &str, before: Option<String>, limit: u32) -> (Vec<natter_node::api::Message>, bool) {
    match node.request(Command::Timeline { room: room.into(), before, after: None, around: None, limit }).await {
        Ok(Reply::Timeline { messages, more, .. }) => (messages, more),
        other => panic!("no page: {other:?}"),
    }
}

fn text_of(message: &natter_node::api::Message) -> &str {
    match &message.body {
        MessageBody::Text { text, .. } => text,
        MessageBody::Created => "(created)",
        other => panic!("no text: {other:?}"),
    }
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::DynamicImage::new_rgb8(width, height).write_to(&mut bytes, image::ImageFormat::Png).expect("encodes");
    bytes.into_inner()
}

#[tokio::test]
async fn a_person_sets_up_and_finds_everything_again_behind_the_passphrase() {
    let dir = tempfile::tempdir().expect("a directory");
    let node = open(config(dir.path())).await;
    assert_eq!(snapshot(&node).await.phase, Phase::Setup);
    assert_eq!(code(&node, Command::CreateRoom { name: "x".into() }).await, Code::NotSetUp);
    let set_up = |name: &str, passphrase: &str| Command::Setup {
        name: name.into(),
        protection: Protection::Passphrase { passphrase: passphrase.into() },
    };
    assert_eq!(code(&node, set_up("Ada", "short")).await, Code::WeakPassphrase);
    assert_eq!(code(&node, set_up("  ", "correct horse")).await, Code::Empty);
    node.request(set_up("Ada", "correct horse")).await.expect("set up");
    assert_eq!(code(&node, set_up("Eve", "correct horse")).await, Code::AlreadySetUp);
    let room = create_room(&node, "Kitchen").await;
    let sent = say(&node, &room, "hello").await;
    let before = snapshot(&node).await;
    assert_eq!((before.phase, before.rooms.len()), (Phase::Ready, 1));
    assert_eq!(before.me.as_ref().map(|me| (me.name.as_str(), me.unprotected)), Some(("Ada", false)));
    node.shutdown().await;
    assert_eq!(code(&node, Command::CreateRoom { name: "x".into() }).await, Code::ShuttingDown);
    drop(node);

    let node = open(config(dir.path())).await;
    assert_eq!(snapshot(&node).await.phase, Phase::Locked);
    assert_eq!(code(&node, Command::CreateRoom { name: "x".into() }).await, Code::Locked);
    assert_eq!(code(&node, Command::Unlock { passphrase: "wrong horse".into() }).await, Code::WrongPassphrase);
    node.request(Command::Unlock { passphrase: "correct horse".into() }).await.expect("unlocked");
    let after = snapshot(&node).await;
    assert_eq!(after.me, before.me);
    assert_eq!(after.rooms[0].last.as_ref().map(|m| m.id.clone()), Some(sent));
    node.shutdown().await;

    let file = NodeConfig { unattended: Some(Unattended::Passphrase("correct horse".into())), ..config(dir.path()) };
    let node = open(file).await;
    assert_eq!(snapshot(&node).await.phase, Phase::Ready);
    node.shutdown().await;
}

#[tokio::test]
async fn subscribers_hear_every_revision_and_late_ones_catch_up() {
    let dir = tempfile::tempdir().expect("a directory");
    let node = open(named(dir.path(), "Ada")).await;
    let (first, mut events) = node.subscribe();
    assert!(first.me.as_ref().is_some_and(|me| me.unprotected), "an unprotected device says so");
    let room = create_room(&node, "Kitchen").await;
    say(&node, &room, "hello").await;
    let mut rev = first.rev;
    let heard = timeout(SOON, async {
        loop {
            let event = events.recv().await.expect("not lagged");
            assert_eq!(event.rev, rev + 1);
            rev = event.rev;
            if let Change::Message { message, .. } = event.change
                && message.own
                && matches!(&message.body, MessageBody::Text { text, .. } if text == "hello")
            {
                return message;
            }
        }
    });
    let message = heard.await.expect("in time");
    assert_eq!(message.delivery.map(|d| d.of), Some(0));
    let (late, _) = node.subscribe();
    assert!(late.rev >= rev && late.rooms[0].name == "Kitchen");
    node.shutdown().await;
}

#[tokio::test]
async fn a_timeline_is_read_page_by_page() {
    let dir = tempfile::tempdir().expect("a directory");
    let node = open(named(dir.path(), "Ada")).await;
    let room = create_room(&node, "Kitchen").await;
    for n in 0..5 {
        say(&node, &room, &n.to_string()).await;
    }
    let (newest, more) = page(&node, &room, None, 2).await;
    assert_eq!((newest.iter().map(text_of).collect::<Vec<_>>(), more), (vec!["3", "4"], true));
    let (older, more) = page(&node, &room, Some(newest[0].id.clone()), 50).await;
    assert_eq!((older.iter().map(text_of).collect::<Vec<_>>(), more), (vec!["(created)", "0", "1", "2"], false));
    assert!(older.iter().chain(&newest).map(|m| &m.order).is_sorted());
    let timeline = |room: &str, before: &str| Command::Timeline {
        room: room.into(),
        before: Some(before.into()),
        after: None,
        around: None,
        limit: 5,
    };
    assert_eq!(code(&node, timeline(&room, "zz")).await, Code::NoSuchMessage);
    assert_eq!(code(&node, timeline(&room, &"0".repeat(64))).await, Code::NoSuchMessage);
    assert_eq!(code(&node, timeline(&"0".repeat(64), "zz")).await, Code::NoSuchRoom);
    node.shutdown().await;
}

#[tokio::test]
async fn a_picture_is_staged_sent_shown_and_saved() {
    let dir = tempfile::tempdir().expect("a directory");
    let node = open(named(dir.path(), "Ada")).await;
    let room = create_room(&node, "Kitchen").await;
    let bytes = png(300, 200);
    let staged = node.stage_bytes("../cat.html", bytes.clone()).await.expect("a picture");
    assert_eq!((staged.name.as_str(), staged.width, staged.height), ("cat.html.png", 300, 200));
    assert_eq!(node.media(&staged.preview).await.expect("a preview").mime, "image/jpeg");
    let send =
        Command::SendPicture { room: room.clone(), staged: staged.id.clone(), caption: "look".into(), reply_to: None };
    let Ok(Reply::Sent { message }) = node.request(send.clone()).await else { panic!("not sent") };
    assert_eq!(code(&node, send).await, Code::NoSuchStaged);

    let (messages, _) = page(&node, &room, None, 1).await;
    let MessageBody::Picture { picture, caption } = &messages[0].body else { panic!("no picture") };
    assert_eq!((picture.transfer, caption.as_str(), messages[0].id.clone()), (Transfer::Here, "look", message.clone()));
    let mut body = node.media(&picture.url).await.expect("the bytes");
    assert_eq!((body.mime, body.len, body.download.clone()), ("image/png", bytes.len() as u64, None));
    assert_eq!(body.read(0..body.len).expect("readable"), bytes);
    assert_eq!(body.read(1..4).expect("readable"), b"PNG");
    assert_eq!(node.media(picture.preview.as_ref().expect("a preview")).await.expect("there").mime, "image/jpeg");

    let target = dir.path().join("saved.png");
    node.save_blob(&room, &message, &target).await.expect("saved");
    assert_eq!(std::fs::read(&target).expect("there"), bytes);
    assert_eq!(node.file(&room, &message).await.expect("there").name, "cat.html.png");
    let nowhere = node.save_blob(&room, &message, &dir.path().join("missing/x.png")).await;
    assert_eq!(nowhere.expect_err("no such folder").code, Code::DiskFailed);

    for path in [
        "",
        "x",
        "blob",
        "blob/../../etc/passwd",
        "avatar/x/y",
        "staged/none",
        "qr/a/b",
        "blob/a/b/c",
        &format!("blob/{room}/{}", "0".repeat(64)),
    ] {
        assert!(node.media(path).await.is_err(), "{path}");
    }
    node.shutdown().await;
}

#[tokio::test]
async fn what_is_no_picture_is_refused_by_kind() {
    let dir = tempfile::tempdir().expect("a directory");
    let node = open(config(dir.path())).await;
    let staged = |bytes: Vec<u8>| async { node.stage_bytes("x.png", bytes).await.expect_err("refused").code };
    assert_eq!(staged(b"<svg/>".to_vec()).await, Code::NotAPicture);
    assert_eq!(staged(Vec::new()).await, Code::Empty);
    assert_eq!(staged(vec![0; 25 * 1024 * 1024 + 1]).await, Code::PictureTooLarge);
    assert_eq!(node.stage_path(dir.path()).await.expect_err("a folder").code, Code::NotAPicture);
    assert_eq!(node.stage_path(&dir.path().join("none.png")).await.expect_err("missing").code, Code::DiskFailed);
    let path = dir.path().join("cat.png");
    std::fs::write(&path, png(8, 8)).expect("written");
    let staged = node.stage_path(&path).await.expect("a picture");
    node.request(Command::Unstage { staged: staged.id.clone() }).await.expect("unstaged");
    assert_eq!(code(&node, Command::Unstage { staged: staged.id }).await, Code::NoSuchStaged);
}

#[tokio::test]
async fn an_avatar_is_set_kept_and_removed() {
    let dir = tempfile::tempdir().expect("a directory");
    let node = open(named(dir.path(), "Ada")).await;
    let staged = node.stage_bytes("me.png", png(400, 300)).await.expect("a picture");
    let profile = |name: &str, avatar| Command::SetProfile { name: name.into(), avatar };
    node.request(profile("Ada", Some(Some(staged.id)))).await.expect("set");
    let path = snapshot(&node).await.me.and_then(|me| me.avatar).expect("an avatar");
    let avatar = node.media(&path).await.expect("there");
    assert!(avatar.mime == "image/jpeg" && avatar.len <= 16 * 1024);
    node.request(profile(" Ada  Lovelace ", None)).await.expect("renamed");
    let me = snapshot(&node).await.me.expect("known");
    assert_eq!((me.name.as_str(), me.avatar), ("Ada Lovelace", Some(path)));
    node.request(profile("Ada", Some(None))).await.expect("removed");
    assert_eq!(snapshot(&node).await.me.and_then(|me| me.avatar), None);
    assert_eq!(code(&node, profile("A\u{202e}da", None)).await, Code::BadName);
    node.shutdown().await;
}

#[tokio::test]
async fn an_invite_is_made_read_drawn_and_withdrawn() {
    let dir = tempfile::tempdir().expect("a directory");
    let node = open(NodeConfig { embedded_broker: true, ..named(dir.path(), "Ada") }).await;
    let room = create_room(&node, "Kitchen").await;
    let create = |lifetime_seconds| Command::CreateInvite {
        room: room.clone(),
        uses: 1,
        lifetime_seconds,
        approval: true,
        role: Role::Member,
    };
    assert_eq!(code(&node, create(366 * 24 * 3600)).await, Code::TooLong);
    let Ok(Reply::Invite { invite }) = node.request(create(3600)).await else { panic!("no invite") };
    let link = invite.link.clone().expect("made here");
    let drawn = node.media(&invite.qr.clone().expect("a code")).await.expect("drawn");
    assert_eq!(drawn.mime, "image/svg+xml");

    let read = Command::ReadInvite { text: format!("come in: {link} !") };
    let Ok(Reply::InvitePreview { preview }) = node.request(read).await else { panic!("not read") };
    assert_eq!((preview.room_name.as_str(), preview.already_member), ("Kitchen", true));
    assert!(preview.brokers.iter().any(|host| host.starts_with("127.0.0.1:")), "{:?}", preview.brokers);
    assert_eq!(code(&node, Command::Join { link: link.clone() }).await, Code::AlreadyMember);
    assert_eq!(code(&node, Command::Join { link: link[..link.len() - 4].to_owned() }).await, Code::InviteCut);
    assert_eq!(code(&node, Command::Join { link: "https://example.org".into() }).await, Code::InviteNotNatter);
    let words = invite.words.clone().expect("made here");
    let heard = |text: String| async { node.request(Command::ReadInvite { text }).await };
    let Ok(Reply::SpokenInvite { spoken }) = heard(words.to_uppercase()).await else { panic!("not heard") };
    assert_eq!((spoken.state, spoken.words.len()), (SpokenState::Whole, 8));
    let (first, rest) = words.split_once(' ').expect("eight");
    let Ok(Reply::SpokenInvite { spoken }) = heard(rest.to_owned()).await else { panic!("not heard") };
    assert_eq!((spoken.state, spoken.words.len()), (SpokenState::Unfinished, 7));
    let turned = format!("{rest} {first}");
    assert_eq!(code(&node, Command::Join { link: turned }).await, Code::InviteWords);
    let revoke = Command::RevokeInvite { room: room.clone(), invite: invite.id };
    node.request(revoke.clone()).await.expect("withdrawn");
    assert!(snapshot(&node).await.rooms[0].invites.is_empty());
    node.shutdown().await;
}

#[tokio::test]
async fn a_knock_can_be_given_up() {
    let host_dir = tempfile::tempdir().expect("a directory");
    let host = open(named(host_dir.path(), "Ada")).await;
    let room = create_room(&host, "Kitchen").await;
    let create = Command::CreateInvite {
        room: room.clone(),
        uses: 1,
        lifetime_seconds: 3600,
        approval: true,
        role: Role::Member,
    };
    let Ok(Reply::Invite { invite }) = host.request(create).await else { panic!("no invite") };
    host.shutdown().await;

    let dir = tempfile::tempdir().expect("a directory");
    let node = open(named(dir.path(), "Bob")).await;
    node.request(Command::Join { link: invite.link.expect("made here") }).await.expect("knocking");
    let joins = snapshot(&node).await.joins;
    assert_eq!((joins[0].room_name.as_str(), joins[0].room.clone()), ("Kitchen", room.clone()));
    node.shutdown().await;

    let node = open(named(dir.path(), "Bob")).await;
    assert_eq!(snapshot(&node).await.joins.len(), 1, "a restart goes on knocking");
    node.request(Command::CancelJoin { room: room.clone() }).await.expect("given up");
    assert!(snapshot(&node).await.joins.is_empty());
    assert_eq!(code(&node, Command::CancelJoin { room }).await, Code::NoSuchRoom);
    node.shutdown().await;
}

#[tokio::test]
async fn words_are_asked_about_until_they_are_given_up() {
    let dir = tempfile::tempdir().expect("a directory");
    let node = open(named(dir.path(), "Bob")).await;
    let words = "abandon amount liberty vote save leave winner tissue";
    let Ok(Reply::Room { room }) = node.request(Command::Join { link: words.into() }).await else {
        panic!("not asked")
    };
    let joins = snapshot(&node).await.joins;
    assert_eq!((joins[0].room.clone(), joins[0].room_name.as_str()), (room.clone(), ""));
    node.request(Command::CancelJoin { room: room.clone() }).await.expect("given up");
    assert!(snapshot(&node).await.joins.is_empty());
    assert_eq!(code(&node, Command::CancelJoin { room }).await, Code::NoSuchRoom);
    node.shutdown().await;
}

#[tokio::test]
async fn brokers_are_checked_kept_and_the_port_remembered() {
    let dir = tempfile::tempdir().expect("a directory");
    let with_broker = || NodeConfig { embedded_broker: true, ..named(dir.path(), "Ada") };
    let node = open(with_broker()).await;
    let other_dir = tempfile::tempdir().expect("a directory");
    let other = open(NodeConfig { embedded_broker: true, ..named(other_dir.path(), "Bob") }).await;
    let embedded = snapshot(&node).await.network.embedded;
    assert!(embedded.iter().all(|url| url.starts_with("ws://127.0.0.1:")) && embedded.len() == 1, "{embedded:?}");
    assert_ne!(embedded, snapshot(&other).await.network.embedded, "two apps on one machine");
    let set = |url: &str| Command::SetBrokers { brokers: vec![url.into()] };
    assert_eq!(code(&node, set("broker.example.org")).await, Code::BadBroker);
    node.request(set("https://broker.invalid/x")).await.expect("set");
    node.shutdown().await;
    other.shutdown().await;

    let node = open(with_broker()).await;
    let network = snapshot(&node).await.network;
    assert_eq!(network.embedded, embedded);
    assert!(network.brokers.iter().any(|b| b.url == "wss://broker.invalid/x/" && b.configured), "{network:?}");
    node.shutdown().await;

    let bad = NodeConfig { brokers: vec!["nonsense".into()], ..config(dir.path()) };
    assert_eq!(Node::open(bad).await.err().map(|error| error.code), Some(Code::BadBroker));
}

#[tokio::test]
async fn a_profile_in_use_is_left_alone() {
    let dir = tempfile::tempdir().expect("a directory");
    let first = open(named(dir.path(), "Ada")).await;
    let second = open(config(dir.path())).await;
    let (state, mut events) = second.subscribe();
    assert_eq!((state.phase, second.broken().map(|error| error.code)), (Phase::Broken, Some(Code::DatabaseLocked)));
    let told = timeout(SOON, events.recv()).await.expect("in time").expect("told");
    assert!(matches!(told.change, Change::Trouble { error } if error.code == Code::DatabaseLocked));
    assert_eq!(code(&second, Command::CreateRoom { name: "x".into() }).await, Code::DatabaseLocked);
    create_room(&first, "Kitchen").await;
    first.shutdown().await;
    second.shutdown().await;
}

// The page could only reload itself, which mended nothing: the app had to be ended and started anew.
#[tokio::test]
async fn what_was_in_the_way_goes_away_and_the_profile_opens_without_a_new_start() {
    let dir = tempfile::tempdir().expect("a directory");
    let first = open(named(dir.path(), "Ada")).await;
    let room = create_room(&first, "Kitchen").await;
    let second = open(config(dir.path())).await;
    let (state, _) = second.subscribe();
    assert_eq!(state.phase, Phase::Broken);
    assert_eq!(code(&second, Command::Reopen).await, Code::DatabaseLocked, "it is still in the way");
    first.shutdown().await;
    drop(first);
    second.request(Command::Reopen).await.expect("opened");
    let state = snapshot(&second).await;
    assert_eq!((state.phase, state.rooms[0].id == room), (Phase::Ready, true));
    assert!(second.broken().is_none());
    second.request(Command::Reopen).await.expect("nothing to do");
    second.shutdown().await;
    assert_eq!(code(&second, Command::Reopen).await, Code::ShuttingDown);

    let path = dir.path().join("natter.db");
    let whole = std::fs::read(&path).expect("there");
    std::fs::write(&path, &whole[..whole.len() / 2]).expect("written");
    let third = open(config(dir.path())).await;
    assert_eq!(code(&third, Command::Reopen).await, Code::DatabaseDamaged);
    std::fs::write(&path, &whole).expect("a backup");
    third.request(Command::Reopen).await.expect("opened");
    assert_eq!(snapshot(&third).await.rooms[0].id, room);
    third.shutdown().await;
}

#[tokio::test]
async fn a_damaged_database_is_told_and_never_touched() {
    let dir = tempfile::tempdir().expect("a directory");
    let node = open(named(dir.path(), "Ada")).await;
    create_room(&node, "Kitchen").await;
    node.shutdown().await;
    drop(node);
    let path = dir.path().join("natter.db");
    let mut bytes = std::fs::read(&path).expect("there");
    let at = bytes.len() / 2;
    bytes[at..at + 64].fill(0xaa);
    bytes[4096..4160].fill(0xaa);
    std::fs::write(&path, &bytes).expect("written");
    let node = open(named(dir.path(), "Ada")).await;
    assert_eq!(node.broken().map(|error| error.code), Some(Code::DatabaseDamaged));
    assert_eq!(snapshot(&node).await.phase, Phase::Broken);
    node.shutdown().await;
    assert_eq!(std::fs::read(&path).expect("there"), bytes, "not a byte changed");
}

#[tokio::test]
async fn a_key_that_is_gone_is_not_made_anew() {
    let dir = tempfile::tempdir().expect("a directory");
    let node = open(named(dir.path(), "Ada")).await;
    node.shutdown().await;
    drop(node);
    std::fs::remove_file(dir.path().join("UNPROTECTED.key")).expect("there");
    let node = open(named(dir.path(), "Ada")).await;
    assert_eq!(node.broken().map(|error| error.code), Some(Code::DatabaseDamaged));
    assert!(!dir.path().join("UNPROTECTED.key").exists());
}

#[tokio::test]
async fn a_subscriber_that_does_not_read_lags_and_starts_anew() {
    use tokio::sync::broadcast::error::RecvError;
    let dir = tempfile::tempdir().expect("a directory");
    let node = open(named(dir.path(), "Ada")).await;
    let (_, mut events) = node.subscribe();
    for n in 0..=natter_node::node::EVENTS_QUEUED {
        node.request(Command::SetFocus { focused: true, room: None }).await.expect("taken");
        node.request(Command::SetProfile { name: format!("Ada {n}"), avatar: None }).await.expect("renamed");
    }
    assert!(matches!(events.recv().await, Err(RecvError::Lagged(1..))));
    let (anew, _) = node.subscribe();
    assert_eq!(anew.me.map(|me| me.name), Some(format!("Ada {}", natter_node::node::EVENTS_QUEUED)));
    node.shutdown().await;
}

#[tokio::test]
async fn leaving_a_room_takes_its_pictures_along() {
    let dir = tempfile::tempdir().expect("a directory");
    let node = open(named(dir.path(), "Ada")).await;
    let room = create_room(&node, "Kitchen").await;
    let staged = node.stage_bytes("cat.png", png(8, 8)).await.expect("a picture").id;
    let send = Command::SendPicture { room: room.clone(), staged, caption: String::new(), reply_to: None };
    node.request(send).await.expect("sent");
    let blobs =
        || std::fs::read_dir(dir.path().join("blobs")).expect("there").map(|file| file.expect("readable").path());
    let path = blobs().next().expect("the picture");
    let an_hour_ago = std::time::SystemTime::now() - Duration::from_secs(3600);
    std::fs::File::options().write(true).open(&path).expect("opens").set_modified(an_hour_ago).expect("backdated");
    let (_, mut events) = node.subscribe();
    node.request(Command::LeaveRoom { room: room.clone() }).await.expect("left");
    let gone = timeout(SOON, async {
        while !matches!(events.recv().await.expect("not lagged").change, Change::RoomRemoved { room: left } if left == room)
        {
        }
    });
    gone.await.expect("in time");
    node.shutdown().await;
    drop(node);
    let node = open(named(dir.path(), "Ada")).await;
    assert!(snapshot(&node).await.rooms.is_empty());
    assert_eq!(blobs().count(), 0);
    node.shutdown().await;
}

async fn do_(node: &Node, command: Command) -> Reply {
    node.request(command).await.expect("granted")
}

#[tokio::test]
async fn what_is_said_of_a_message_is_folded_kept_and_found() {
    let dir = tempfile::tempdir().expect("a directory");
    let node = open(named(dir.path(), "Ada")).await;
    let room = create_room(&node, "Kitchen").await;
    let message = say(&node, &room, "the qick brown fox").await;
    let of = || (room.clone(), message.clone());
    let edit = |text: &str| {
        let (room, message) = of();
        Command::EditMessage { room, message, text: text.into(), mentions: Vec::new() }
    };
    do_(&node, edit("the quick brown fox")).await;
    let react = |emoji: &str| {
        let (room, message) = of();
        Command::React { room, message, emoji: emoji.into(), on: true }
    };
    do_(&node, react("🦊")).await;
    assert_eq!(code(&node, react("fox")).await, Code::NotAnEmoji);
    let (r, m) = of();
    do_(&node, Command::PinMessage { room: r, message: m, on: true }).await;
    let (messages, _) = page(&node, &room, None, 1).await;
    assert_eq!(text_of(&messages[0]), "the quick brown fox");
    assert!(messages[0].edited.is_some() && messages[0].pinned && messages[0].reactions[0].own);

    let (r, m) = of();
    let Reply::Edits { wordings } = do_(&node, Command::Edits { room: r, message: m }).await else { panic!("edits") };
    assert_eq!(
        wordings.iter().map(|w| w.text.as_str()).collect::<Vec<_>>(),
        ["the qick brown fox", "the quick brown fox"]
    );
    let pinned = Command::Pinned { room: room.clone() };
    let Reply::Messages { messages } = do_(&node, pinned.clone()).await else { panic!("pins") };
    assert_eq!(messages.iter().map(|m| m.id.as_str()).collect::<Vec<_>>(), [message.as_str()]);
    let find = |query: &str| Command::Search { query: query.into(), room: None, author: None, next: None, limit: 10 };
    let Reply::Found { hits, next } = do_(&node, find("QUICK fo")).await else { panic!("no search") };
    assert_eq!((hits.len(), hits[0].message.id.clone(), next), (1, message.clone(), None));
    let Reply::Found { hits, .. } = do_(&node, find("qick")).await else { panic!("no search") };
    assert!(hits.is_empty(), "found by the words that it has now");
    assert_eq!(code(&node, find(&"x".repeat(257))).await, Code::TooLong);
    let bad = Command::Search { query: "x".into(), room: None, author: None, next: Some("zz".into()), limit: 10 };
    assert_eq!(code(&node, bad).await, Code::BadRequest);

    let (r, m) = of();
    do_(&node, Command::DeleteMessage { room: r, message: m }).await;
    let (messages, _) = page(&node, &room, None, 1).await;
    let me = snapshot(&node).await.me.expect("known").device;
    assert_eq!(messages[0].body, MessageBody::Deleted { by: me });
    assert!(messages[0].reactions.is_empty() && !messages[0].pinned && messages[0].edited.is_none());
    let (r, m) = of();
    assert_eq!(code(&node, Command::Edits { room: r, message: m }).await, Code::NoSuchMessage);
    assert_eq!(code(&node, edit("again")).await, Code::NoSuchMessage);
    let Reply::Messages { messages } = do_(&node, pinned).await else { panic!("pins") };
    assert!(messages.is_empty());
    let Reply::Found { hits, .. } = do_(&node, find("quick")).await else { panic!("no search") };
    assert!(hits.is_empty());
    node.shutdown().await;
}

#[tokio::test]
async fn a_timeline_is_read_around_after_and_from_a_date_and_drafts_stay() {
    let dir = tempfile::tempdir().expect("a directory");
    let node = open(named(dir.path(), "Ada")).await;
    let room = create_room(&node, "Kitchen").await;
    let mut ids = Vec::new();
    for n in 0..9 {
        ids.push(say(&node, &room, &n.to_string()).await);
    }
    let read = |after: Option<&str>, around: Option<&str>| Command::Timeline {
        room: room.clone(),
        before: None,
        after: after.map(Into::into),
        around: around.map(Into::into),
        limit: 4,
    };
    let Reply::Timeline { messages, more, newer } = do_(&node, read(None, Some(&ids[4]))).await else { panic!("page") };
    assert_eq!(messages.iter().map(text_of).collect::<Vec<_>>(), ["2", "3", "4", "5"]);
    assert!(more && newer);
    let Reply::Timeline { messages, newer, .. } = do_(&node, read(Some(&ids[5]), None)).await else { panic!("page") };
    assert_eq!((messages.iter().map(text_of).collect::<Vec<_>>(), newer), (vec!["6", "7", "8"], false));
    assert_eq!(code(&node, read(Some(&ids[0]), Some(&ids[1]))).await, Code::BadRequest);
    let at = |time| Command::At { room: room.clone(), time };
    let Reply::Place { message } = do_(&node, at(0)).await else { panic!("place") };
    let (first, _) = page(&node, &room, None, 50).await;
    assert_eq!(message, Some(first[0].id.clone()));
    let Reply::Place { message } = do_(&node, at(1 << 52)).await else { panic!("place") };
    assert_eq!(message, None);

    let draft = |text: &str| Command::SetDraft { room: room.clone(), text: text.into() };
    do_(&node, draft("I was going to")).await;
    assert_eq!(snapshot(&node).await.rooms[0].draft.as_deref(), Some("I was going to"));
    assert_eq!(code(&node, draft(&"x".repeat(16 * 1024 + 1))).await, Code::TooLong);
    node.shutdown().await;
    let node = open(named(dir.path(), "Ada")).await;
    assert_eq!(snapshot(&node).await.rooms[0].draft.as_deref(), Some("I was going to"));
    do_(&node, draft("")).await;
    assert_eq!(snapshot(&node).await.rooms[0].draft, None);
    node.shutdown().await;
}

#[tokio::test]
async fn a_deleted_picture_takes_its_bytes_along() {
    let dir = tempfile::tempdir().expect("a directory");
    let node = open(named(dir.path(), "Ada")).await;
    let room = create_room(&node, "Kitchen").await;
    let staged = node.stage_bytes("cat.png", png(300, 200)).await.expect("a picture");
    let send = Command::SendPicture { room: room.clone(), staged: staged.id, caption: "look".into(), reply_to: None };
    let Reply::Sent { message } = do_(&node, send).await else { panic!("not sent") };
    let sealed = || files_below(dir.path()).filter(|name| name.len() == 64).count();
    assert_eq!(sealed(), 1);
    do_(&node, Command::DeleteMessage { room: room.clone(), message }).await;
    node.shutdown().await;
    // A file this young might be of an entry on its way: make it an hour old.
    for entry in walk(dir.path()) {
        let file = std::fs::File::options().append(true).open(&entry).expect("a file");
        file.set_modified(std::time::SystemTime::now() - Duration::from_secs(3600)).expect("its date");
    }
    let node = open(named(dir.path(), "Ada")).await;
    assert_eq!(sealed(), 0);
    node.shutdown().await;
}

fn walk(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("readable").path();
        if path.is_dir() { found.extend(walk(&path)) } else { found.push(path) }
    }
    found
}

fn files_below(dir: &Path) -> impl Iterator<Item = String> {
    walk(dir).into_iter().filter_map(|path| path.file_name().map(|name| name.to_string_lossy().into_owned()))
}
