//! `natter-cli link`: makes two devices one person's.
//!
//! On the device that has the rooms it prints a code and asks, on the terminal, whether the device that comes with it is
//! the right one; on the new device, which is in no room yet, it is given that code. Both print the new device's fingerprint,
//! so that a person can see that they mean the same. Each ends once they are linked and no more rooms change hands.

use crate::failure::Failure;
use crate::options::NodeOptions;
use crate::signals::End;
use crate::telling::{self, not_linked};
use natter_node::Node;
use natter_node::api::{Command, Devices, JoinRequest, Reply, Snapshot, Standing};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::mpsc;

/// How long nothing may change until all rooms count as handed over.
const QUIET: Duration = Duration::from_secs(5);

/// Links two devices.
#[derive(Debug, clap::Args)]
pub(crate) struct LinkArgs {
    /// On the new device: the code that the other one shows, natter://link#… Without it a code is made and shown.
    code: Option<String>,
    /// Where the profile is kept; made if it is not there.
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    #[command(flatten)]
    node: NodeOptions,
}

/// Runs until the two are linked, or a signal comes.
pub(crate) async fn run(args: LinkArgs) -> Result<(), Failure> {
    let mut end = End::listen()?;
    let node = args.node.open(args.data_dir).await?;
    telling::start(node.clone());
    let work = async {
        match &args.code {
            Some(code) => use_code(&node, code).await,
            None => show_code(&node).await,
        }
    };
    let outcome = tokio::select! {
        () = end.asked() => Ok(()),
        outcome = work => outcome,
    };
    node.shutdown().await;
    outcome
}

/// The new device.
async fn use_code(node: &Node, code: &str) -> Result<(), Failure> {
    node.request(Command::UseDeviceCode { text: code.to_owned() }).await?;
    let own = node.subscribe().0.me.map(|me| me.fingerprint).unwrap_or_default();
    say(&format!("this device's fingerprint is {own}: say yes on the other device if it shows the same"));
    let devices = watch(node, |state| {
        let ended = state.devices.linking.and_then(not_linked);
        (ended.is_some() || !state.devices.linked.is_empty()).then(|| (ended, state.devices.clone()))
    });
    match devices.await {
        (Some(why), _) => Err(Failure::new(Failure::OTHER, why)),
        (None, devices) => {
            linked(&devices);
            settled(node).await;
            let rooms = node.subscribe().0.rooms.iter().filter(|room| room.standing == Standing::Member).count();
            say(&format!("{rooms} rooms are here; what is still on its way comes whenever both devices run"));
            Ok(())
        }
    }
}

/// The device that has the rooms.
async fn show_code(node: &Node) -> Result<(), Failure> {
    let Reply::DeviceCode { code } = node.request(Command::LinkDevice).await? else {
        return Err(Failure::new(Failure::OTHER, "no code came back"));
    };
    say(
        "on the new device: natter-cli link CODE, or in the app: Link with another device. It works once, for ten minutes:",
    );
    say(&code.link);
    let mut answers = hear()?;
    let mut refused: BTreeSet<String> = BTreeSet::new();
    let before = node.subscribe().0.devices.linked.len();
    loop {
        let asked = watch(node, |state| {
            if state.devices.linked.len() > before.max(1) {
                return Some(None);
            }
            state.devices.requests.iter().find(|request| !refused.contains(&request.device)).cloned().map(Some)
        });
        let Some(request) = asked.await else { break };
        if answer(&request, &mut answers).await {
            node.request(Command::AdmitDevice { device: request.device }).await?;
            watch(node, |state| (state.devices.linked.len() > before.max(1)).then_some(())).await;
            break;
        }
        refused.insert(request.device.clone());
        node.request(Command::DeclineDevice { device: request.device }).await?;
    }
    linked(&node.subscribe().0.devices);
    settled(node).await;
    Ok(())
}

async fn answer(request: &JoinRequest, answers: &mut mpsc::Receiver<String>) -> bool {
    say(&format!(
        "link the device with the fingerprint {}? It must show the same. Type yes or no:",
        request.fingerprint
    ));
    // The end of stdin is no yes.
    answers.recv().await.is_some_and(|line| line.eq_ignore_ascii_case("yes"))
}

fn linked(devices: &Devices) {
    say(&format!("linked: {} devices are one person's now", devices.linked.len()));
}

/// Waits until the state is so.
async fn watch<T>(node: &Node, mut so: impl FnMut(&Snapshot) -> Option<T>) -> T {
    let (mut state, mut events) = node.subscribe();
    loop {
        if let Some(found) = so(&state) {
            return found;
        }
        // Whatever changed: what is looked at is small, and this is done once in a device's life.
        let _ = events.recv().await;
        (state, events) = node.subscribe();
    }
}

/// Waits until rooms, and who is in them, have not changed for a while.
async fn settled(node: &Node) {
    let shape = || -> Vec<(String, u32)> {
        let rooms = node.subscribe().0.rooms;
        let own = |room: &natter_node::api::Room| room.members.iter().find(|m| m.own).map_or(0, |m| m.devices);
        rooms.iter().map(|room| (room.id.clone(), own(room))).collect()
    };
    let mut before = shape();
    loop {
        tokio::time::sleep(QUIET).await;
        let now = shape();
        if now == before {
            return;
        }
        before = now;
    }
}

fn say(line: &str) {
    // A closed stdout leaves nobody to tell.
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Lines from stdin.
fn hear() -> Result<mpsc::Receiver<String>, Failure> {
    let (to, lines) = mpsc::channel(1);
    let spawned = std::thread::Builder::new().name("natter-stdin".to_owned()).spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if to.blocking_send(line.trim().to_owned()).is_err() {
                return;
            }
        }
    });
    spawned.map_err(|error| Failure::new(Failure::OTHER, format!("no thread for stdin: {error}")))?;
    Ok(lines)
}
