//! A person: a whole node with one pair of eyes on it, on loopback.

use natter_node::api::{
    Change, Command, DeliveryState, Event, JoinProgress, Message, MessageBody, Phase, Presence, Reply, Role, Room,
    Snapshot,
};
use natter_node::{Node, NodeConfig, Unattended};
use std::path::Path;
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::time::timeout;

/// Links are made in well under a second; a loaded machine gets a hundred times that.
const SOON: Duration = Duration::from_secs(60);

/// A node with one pair of eyes on it.
pub(crate) struct Person {
    pub(crate) node: Node,
    pub(crate) state: Snapshot,
    pub(crate) messages: Vec<Message>,
    pub(crate) rings: Vec<String>,
    pub(crate) typing: Vec<String>,
    pub(crate) events: Receiver<Event>,
}

impl Person {
    pub(crate) async fn start(dir: &Path, name: &str, broker: Option<&natter_broker::Broker>) -> Self {
        let config = NodeConfig {
            name: Some(name.into()),
            unattended: Some(Unattended::Unprotected),
            lan: false,
            embedded_broker: broker.is_none(),
            brokers: broker.map(|broker| broker.url().to_owned()).into_iter().collect(),
            ..NodeConfig::new(dir)
        };
        let node = Node::open(config).await.expect("the URLs are fine");
        let (state, events) = node.subscribe();
        assert_eq!(state.phase, Phase::Ready, "{:?}", node.broken());
        Self { node, state, messages: Vec::new(), rings: Vec::new(), typing: Vec::new(), events }
    }

    pub(crate) async fn ask(&self, command: Command) -> Reply {
        self.node.request(command).await.expect("granted")
    }

    /// Watches until it is so.
    pub(crate) async fn see<T>(&mut self, what: &str, mut so: impl FnMut(&Self) -> Option<T>) -> T {
        let seen = timeout(SOON, async {
            loop {
                if let Some(found) = so(self) {
                    return found;
                }
                let event = self.events.recv().await.expect("not lagged");
                self.apply(event);
            }
        });
        match seen.await {
            Ok(found) => found,
            Err(_) => panic!("never saw {what}; state: {:#?}\nmessages: {:#?}", self.state, self.messages),
        }
    }

    pub(crate) fn apply(&mut self, event: Event) {
        assert_eq!(event.rev, self.state.rev + 1, "no revision is lost");
        self.state.rev = event.rev;
        match event.change {
            Change::Phase { phase } => self.state.phase = phase,
            Change::Me { me } => self.state.me = Some(me),
            Change::Room { room } => {
                self.state.rooms.retain(|other| other.id != room.id);
                self.state.rooms.push(*room);
            }
            Change::RoomRemoved { room } => self.state.rooms.retain(|other| other.id != room),
            Change::Message { message, .. } => {
                self.messages.retain(|other| other.id != message.id);
                self.messages.push(*message);
            }
            Change::Delivery { delivery, .. } => {
                for message in &mut self.messages {
                    if let Some(now) = delivery.get(&message.id) {
                        message.delivery = Some(now.clone());
                    }
                }
            }
            Change::Join { join } => {
                self.state.joins.retain(|other| other.room != join.room);
                self.state.joins.push(join);
            }
            Change::Blob { blob } => {
                for message in &mut self.messages {
                    if let MessageBody::Picture { picture, .. } = &mut message.body
                        && picture.blob == blob.blob
                    {
                        picture.transfer = blob.transfer;
                    }
                }
            }
            Change::Typing { device, .. } => self.typing.push(device),
            Change::Privacy { privacy } => self.state.privacy = privacy,
            Change::Devices { devices } => self.state.devices = devices,
            Change::Reread { .. } => {}
            Change::Network { network } => self.state.network = network,
            Change::Ring { name, text, .. } => self.rings.push(format!("{name}: {text}")),
            Change::Trouble { error } => panic!("trouble: {error:?}"),
        }
    }

    pub(crate) fn room(&self) -> Option<&Room> {
        self.state.rooms.first()
    }

    pub(crate) async fn say(&self, room: &str, text: &str) -> String {
        match self
            .ask(Command::SendText { room: room.into(), text: text.into(), mentions: Vec::new(), reply_to: None })
            .await
        {
            Reply::Sent { message } => message,
            other => panic!("not sent: {other:?}"),
        }
    }

    /// Watches until a message says what `so` asks of it.
    pub(crate) async fn sees_message(&mut self, what: &str, id: &str, so: impl Fn(&Message) -> bool) -> Message {
        self.see(what, |p| p.messages.iter().find(|m| m.id == id && so(m)).cloned()).await
    }

    pub(crate) async fn sees_text(&mut self, text: &str) -> Message {
        self.see(text, |p| {
            p.messages.iter().find(|m| matches!(&m.body, MessageBody::Text { text: t, .. } if t == text)).cloned()
        })
        .await
    }

    pub(crate) async fn sees_online(&mut self, name: &str) {
        self.see(&format!("{name} online"), |p| {
            p.room()?.members.iter().find(|m| m.name == name && m.presence == Presence::Online).map(|_| ())
        })
        .await;
    }

    pub(crate) async fn sees_delivery(&mut self, id: &str, state: DeliveryState) {
        self.see(&format!("{state:?}"), |p| {
            let now = p.messages.iter().find(|m| m.id == id)?.delivery.as_ref()?;
            (now.state == state).then_some(())
        })
        .await;
    }
}

pub(crate) async fn create_room(person: &mut Person, name: &str) -> String {
    match person.ask(Command::CreateRoom { name: name.into() }).await {
        Reply::Room { room } => room,
        other => panic!("no room: {other:?}"),
    }
}

pub(crate) async fn invite(person: &Person, room: &str, approval: bool) -> String {
    let create =
        Command::CreateInvite { room: room.into(), uses: 1, lifetime_seconds: 3600, approval, role: Role::Member };
    match person.ask(create).await {
        Reply::Invite { invite } => invite.link.expect("made here"),
        other => panic!("no invite: {other:?}"),
    }
}

/// The same in eight words, for one who needs no yes.
pub(crate) async fn words(person: &Person, room: &str) -> String {
    let create = Command::CreateInvite {
        room: room.into(),
        uses: 1,
        lifetime_seconds: 3600,
        approval: false,
        role: Role::Member,
    };
    match person.ask(create).await {
        Reply::Invite { invite } => invite.words.expect("made here"),
        other => panic!("no invite: {other:?}"),
    }
}

/// A link that lets everybody in who has it.
pub(crate) async fn party(person: &Person, room: &str) -> String {
    let create = Command::CreateInvite {
        room: room.into(),
        uses: 0,
        lifetime_seconds: 3600,
        approval: false,
        role: Role::Member,
    };
    match person.ask(create).await {
        Reply::Invite { invite } => invite.link.expect("made here"),
        other => panic!("no invite: {other:?}"),
    }
}

/// Ada founds the kitchen and lets Bob in.
pub(crate) async fn two_in_a_kitchen(ada: &mut Person, bob: &mut Person) -> String {
    let room = create_room(ada, "Kitchen").await;
    let link = invite(ada, &room, true).await;
    bob.ask(Command::Join { link }).await;
    let request = ada.see("Bob at the door", |p| p.room()?.requests.first().cloned()).await;
    assert_eq!(request.name, "Bob");
    bob.see("the wait for approval", |p| {
        (p.state.joins.first()?.progress == JoinProgress::WaitingForApproval).then_some(())
    })
    .await;
    ada.ask(Command::Admit { room: room.clone(), device: request.device }).await;
    bob.see("the kitchen", |p| (p.room()?.name == "Kitchen").then_some(())).await;
    bob.sees_online("Ada").await;
    ada.sees_online("Bob").await;
    room
}

pub(crate) fn picture() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let drawing = image::RgbImage::from_fn(640, 480, |x, y| image::Rgb([(x * y) as u8, x as u8, y as u8]));
    image::DynamicImage::ImageRgb8(drawing).write_to(&mut bytes, image::ImageFormat::Png).expect("encodes");
    bytes.into_inner()
}

pub(crate) async fn broker() -> natter_broker::Broker {
    natter_broker::Broker::start(([127, 0, 0, 1], 0).into(), natter_broker::Config::default())
        .await
        .expect("a free port")
}

pub(crate) async fn timeline(person: &Person, room: &str) -> Vec<String> {
    match person.ask(Command::Timeline { room: room.into(), before: None, after: None, around: None, limit: 200 }).await
    {
        Reply::Timeline { messages, .. } => messages.into_iter().map(|m| m.id).collect(),
        other => panic!("no page: {other:?}"),
    }
}
