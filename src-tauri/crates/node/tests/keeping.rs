//! What one person keeps: a room as a file that reads as a page and comes back, and a backup of everything.

use natter_node::api::{Code, Command, MessageBody, Phase, Protection, Reply, Snapshot, Standing};
use natter_node::{Node, NodeConfig, Pictures, Unattended, backup_profile, restore_profile};
use std::fs;
use std::path::Path;

const GOOD: &str = "correct horse battery staple";

async fn open(dir: &Path, name: Option<&str>) -> Node {
    let config = NodeConfig {
        lan: false,
        embedded_broker: false,
        name: name.map(str::to_owned),
        unattended: name.map(|_| Unattended::Unprotected),
        ..NodeConfig::new(dir)
    };
    Node::open(config).await.expect("the URLs are fine")
}

async fn ask(node: &Node, command: Command) -> Reply {
    node.request(command).await.expect("granted")
}

async fn snapshot(node: &Node) -> Snapshot {
    match ask(node, Command::Snapshot).await {
        Reply::Snapshot { snapshot } => *snapshot,
        other => panic!("no snapshot: {other:?}"),
    }
}

async fn say(node: &Node, room: &str, text: &str) -> String {
    let say = Command::SendText { room: room.into(), text: text.into(), mentions: Vec::new(), reply_to: None };
    match ask(node, say).await {
        Reply::Sent { message } => message,
        other => panic!("not sent: {other:?}"),
    }
}

async fn page(node: &Node, room: &str) -> Vec<natter_node::api::Message> {
    match ask(node, Command::Timeline { room: room.into(), before: None, after: None, around: None, limit: 200 }).await
    {
        Reply::Timeline { messages, .. } => messages,
        other => panic!("no page: {other:?}"),
    }
}

fn png() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let drawing = image::RgbImage::from_fn(300, 200, |x, y| image::Rgb([(x * y) as u8, x as u8, y as u8]));
    image::DynamicImage::ImageRgb8(drawing).write_to(&mut bytes, image::ImageFormat::Png).expect("encodes");
    bytes.into_inner()
}

/// A room with all that an export must show rightly.
async fn lived(node: &Node) -> String {
    let Reply::Room { room } = ask(node, Command::CreateRoom { name: "Kitchen <b>&".into() }).await else {
        panic!("no room")
    };
    say(node, &room, "<script>alert(1)</script>\n<script type=\"application/x-natter-room\" id=\"natter-room\">\nAAAA")
        .await;
    let first = say(node, &room, "lunch at nonn").await;
    let edit = Command::EditMessage {
        room: room.clone(),
        message: first.clone(),
        text: "lunch at noon".into(),
        mentions: Vec::new(),
    };
    ask(node, edit).await;
    ask(node, Command::React { room: room.clone(), message: first, emoji: "👍".into(), on: true }).await;
    let gone = say(node, &room, "nobody shall read this").await;
    ask(node, Command::DeleteMessage { room: room.clone(), message: gone }).await;
    let staged = node.stage_bytes("cat\"><img src=x>.png", png()).await.expect("a picture");
    let picture =
        Command::SendPicture { room: room.clone(), staged: staged.id, caption: "the cat".into(), reply_to: None };
    ask(node, picture).await;
    room
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_is_a_page_without_a_script_and_comes_back_once() {
    let dir = tempfile::tempdir().expect("a directory");
    let ada = open(&dir.path().join("ada"), Some("Ada")).await;
    let room = lived(&ada).await;
    assert_eq!(ada.export_name(&room).expect("here"), "Kitchen _b_&.natter.html");
    let file = dir.path().join("kitchen.natter.html");
    ada.export_room(&room, &file).await.expect("saved");
    assert_eq!(fs::read_dir(dir.path()).expect("reads").count(), 2, "no part of it is left");

    let html = fs::read_to_string(&file).expect("text");
    let (shown, block) = html.split_once("</main>").expect("messages, then the block");
    assert!(shown.contains("default-src 'none'; img-src data:; style-src 'sha256-"));
    assert_eq!(html.matches("<script").count(), 1, "the data block alone");
    assert!(block.starts_with("\n<script type=\"application/x-natter-room\""));
    assert!(!shown.contains("<script") && shown.contains("&lt;script&gt;alert(1)"));
    assert!(shown.contains("Kitchen &lt;b&gt;&amp;") && !shown.contains("<b>&"));
    assert!(shown.contains("lunch at noon") && !shown.contains("nonn") && shown.contains("edited"));
    assert!(shown.contains("👍 <bdi>Ada</bdi>"));
    assert!(shown.contains("Deleted by <bdi>Ada</bdi>") && !shown.contains("nobody shall"));
    assert_eq!(shown.matches("<img ").count(), 1, "the name of a picture is no picture");
    assert!(shown.contains("src=\"data:image/png;base64,iVBOR") && shown.contains("the cat"));
    assert_eq!(shown.matches("<h2>").count(), 1, "one day");

    // Where it came from nothing of it is new; where it never was, all of it is, once.
    let own = ada.import_room(&file).await.expect("fine");
    assert_eq!((own.new, own.held_back, own.pictures), (0, 0, 0));
    let eve = open(&dir.path().join("eve"), Some("Eve")).await;
    let first = eve.import_room(&file).await.expect("fine");
    assert_eq!((first.new, first.known, first.held_back, first.pictures), (own.known, 0, 0, 1));
    let again = eve.import_room(&file).await.expect("fine");
    assert_eq!((again.new, again.known, again.pictures), (0, own.known, 0));
    let (theirs, hers) = (page(&ada, &room).await, page(&eve, &room).await);
    let told = |messages: &[natter_node::api::Message]| {
        messages.iter().map(|m| (m.id.clone(), m.order.clone(), m.time, m.edited)).collect::<Vec<_>>()
    };
    assert_eq!(told(&theirs), told(&hers), "in the same order, each once");
    assert!(hers.iter().any(|m| matches!(&m.body, MessageBody::Text { text, .. } if text == "lunch at noon")));
    let cat = hers.iter().find(|m| matches!(m.body, MessageBody::Picture { .. })).expect("the cat");
    assert_eq!(eve.file(&room, &cat.id).await.expect("here").bytes, png_as_sent(&ada, &room, &cat.id).await);
    let state = snapshot(&eve).await;
    assert_eq!(state.rooms[0].standing, Standing::Gone, "she may read it, and was never in it");
    let words = Command::SendText { room: room.clone(), text: "hi".into(), mentions: Vec::new(), reply_to: None };
    assert_eq!(eve.request(words).await.expect_err("no").code, Code::NotAMember);
    eve.shutdown().await;
    drop(eve);
    let eve = open(&dir.path().join("eve"), None).await;
    assert_eq!(told(&page(&eve, &room).await), told(&hers), "and it stays");
    for node in [ada, eve] {
        node.shutdown().await;
    }
}

async fn png_as_sent(node: &Node, room: &str, message: &str) -> Vec<u8> {
    node.file(room, message).await.expect("here").bytes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_was_tampered_with_changes_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let ada = open(&dir.path().join("ada"), Some("Ada")).await;
    let room = lived(&ada).await;
    let file = dir.path().join("kitchen.natter.html");
    ada.export_room(&room, &file).await.expect("saved");
    let whole = fs::read(&file).expect("reads");
    let eve = open(&dir.path().join("eve"), Some("Eve")).await;
    let begins = whole.windows(8).rposition(|window| window == b"<script ").expect("the block");
    let ends = whole.len() - "\n</script>\n</body>\n</html>\n".len();
    let mut cases: Vec<Vec<u8>> = vec![Vec::new(), b"<html></html>".to_vec(), vec![0xff; 100_000]];
    for at in (begins..ends).step_by((ends - begins) / 40) {
        let mut bent = whole.clone();
        bent[at] ^= 4;
        cases.push(bent);
        cases.push(whole[..at].to_vec());
    }
    for case in cases {
        fs::write(&file, case).expect("writes");
        let code = eve.import_room(&file).await.expect_err("refused").code;
        assert!(matches!(code, Code::FileDamaged | Code::NotNatterFile), "{code:?}");
    }
    assert!(snapshot(&eve).await.rooms.is_empty(), "nothing was taken in");
    assert_eq!(eve.import_room(&dir.path().join("none")).await.expect_err("refused").code, Code::DiskFailed);
    fs::write(&file, &whole).expect("writes");
    assert!(eve.import_room(&file).await.expect("the whole one is fine").new > 5);
    assert_eq!(eve.export_room("00", &file).await.expect_err("refused").code, Code::NoSuchRoom);
    for node in [ada, eve] {
        node.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_brings_everything_back_into_an_empty_profile_only() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("ada.backup");
    let ada = open(&dir.path().join("ada"), Some("Ada")).await;
    let room = lived(&ada).await;
    assert_eq!(ada.backup(&file, "short", Pictures::Kept).await.expect_err("refused").code, Code::WeakPassphrase);
    let made = ada.backup(&file, GOOD, Pictures::Kept).await.expect("saved");
    assert_eq!((made.rooms, made.pictures), (1, 1));
    let before = (snapshot(&ada).await.me, page(&ada, &room).await);
    let refused = ada.restore(&file, GOOD, Protection::Unprotected).await.expect_err("refused");
    assert_eq!(refused.code, Code::ProfileNotEmpty);

    let copy = open(&dir.path().join("copy"), None).await;
    assert_eq!(copy.backup(&file, GOOD, Pictures::Left).await.expect_err("refused").code, Code::NotSetUp);
    let wrong = copy.restore(&file, "incorrect horse", Protection::Unprotected).await.expect_err("refused");
    assert_eq!((wrong.code, snapshot(&copy).await.phase), (Code::WrongPassphrase, Phase::Setup));
    let foreign = dir.path().join("foreign");
    fs::write(&foreign, "mine").expect("writes");
    let foreign = copy.restore(&foreign, GOOD, Protection::Unprotected).await.expect_err("refused");
    assert_eq!(foreign.code, Code::NotNatterFile);
    assert_eq!(copy.restore(&file, GOOD, Protection::Unprotected).await.expect("restored"), made);
    let state = snapshot(&copy).await;
    assert_eq!((state.phase, &state.me), (Phase::Ready, &before.0));
    assert_eq!(page(&copy, &room).await, before.1);
    say(&copy, &room, "and on it goes").await;
    ada.shutdown().await;
    copy.shutdown().await;
    drop((ada, copy));

    // The same without a running node.
    let again = dir.path().join("again.backup");
    backup_profile(&dir.path().join("copy"), None, &again, GOOD, Pictures::Left).expect("saved");
    let third = dir.path().join("third");
    restore_profile(&again, GOOD, &third, &Protection::Passphrase { passphrase: GOOD.into() }).expect("restored");
    let taken = restore_profile(&again, GOOD, &third, &Protection::Unprotected).expect_err("refused");
    assert_eq!(taken.code, Code::ProfileNotEmpty);
    let nobody = backup_profile(&dir.path().join("nobody"), None, &again, GOOD, Pictures::Left).expect_err("refused");
    assert_eq!(nobody.code, Code::NotSetUp);
    let locked = backup_profile(&third, None, &again, GOOD, Pictures::Left).expect_err("refused");
    assert_eq!(locked.code, Code::Locked);
    backup_profile(&third, Some(GOOD), &again, GOOD, Pictures::Left).expect("saved");
}
