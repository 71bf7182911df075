//! `natter-cli peer --json`: one command a line on stdin, replies and events on stdout.

use crate::failure::Failure;
use crate::options::NodeOptions;
use crate::signals::End;
use crate::talk::{LINE_BYTES, Paths, Talk};
use crate::telling;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

/// Lines that wait to be heard, and to be written.
const LINES: usize = 256;
/// How long commands that were begun may go on after the last line.
const FINISHING: Duration = Duration::from_secs(10);

/// Drives one device.
#[derive(Debug, clap::Args)]
pub(crate) struct PeerArgs {
    /// Speak JSON lines; the only way there is so far.
    #[arg(long)]
    json: bool,
    /// Where the profile is kept; made if it is not there.
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    #[command(flatten)]
    node: NodeOptions,
}

/// What comes from stdin.
enum Heard {
    Line(String),
    TooLong,
}

/// Runs until stdin ends or a signal comes, then says goodbye.
pub(crate) async fn run(args: PeerArgs) -> Result<(), Failure> {
    if !args.json {
        return Err(Failure::usage("peer speaks JSON lines only: add --json"));
    }
    let mut end = End::listen()?;
    let node = args.node.open(args.data_dir).await?;
    telling::start(node.clone());
    let (mut talk, first) = Talk::begin(node.clone(), Paths::Allowed);
    let (heard, mut lines) = mpsc::channel(LINES);
    let (says, to_write) = mpsc::channel(LINES);
    let spawned = std::thread::Builder::new().name("natter-stdin".to_owned()).spawn(move || hear(&heard));
    spawned.map_err(|error| Failure::new(Failure::OTHER, format!("no thread for stdin: {error}")))?;
    let writer = std::thread::Builder::new().name("natter-stdout".to_owned()).spawn(move || write(to_write));
    let writer = writer.map_err(|error| Failure::new(Failure::OTHER, format!("no thread for stdout: {error}")))?;

    let mut open = says.send(first).await.is_ok();
    let mut until: Option<Instant> = None;
    while open {
        if until.is_some() && talk.is_idle() {
            break;
        }
        let finished = async {
            match until {
                Some(until) => tokio::time::sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = end.asked() => break,
            () = finished => break,
            line = lines.recv(), if until.is_none() && talk.has_room() => match line {
                Some(Heard::Line(line)) => talk.hear(&line),
                Some(Heard::TooLong) => talk.refuse_length(),
                None => until = Some(Instant::now() + FINISHING),
            },
            line = talk.next() => match line {
                // Nobody reads any more: as good as the end of stdin.
                Some(line) => open = says.send(line).await.is_ok(),
                None => break,
            },
        }
    }
    node.shutdown().await;
    drop(says);
    // What was said is written out, unless nobody reads it.
    let written = tokio::task::spawn_blocking(move || writer.join());
    let _ = timeout_at(Instant::now() + FINISHING, written).await;
    Ok(())
}

fn hear(to: &mpsc::Sender<Heard>) {
    let mut from = BufReader::with_capacity(64 * 1024, std::io::stdin());
    loop {
        let mut line = Vec::new();
        let read = (&mut from).take(LINE_BYTES as u64 + 1).read_until(b'\n', &mut line);
        if !matches!(read, Ok(1..)) {
            return;
        }
        let heard = if line.len() > LINE_BYTES {
            if !line.ends_with(b"\n") && !skip_line(&mut from) {
                return;
            }
            Heard::TooLong
        } else {
            // What is not UTF-8 is not JSON, and is told so.
            Heard::Line(String::from_utf8_lossy(&line).trim().to_owned())
        };
        let blank = matches!(&heard, Heard::Line(line) if line.is_empty());
        if !blank && to.blocking_send(heard).is_err() {
            return;
        }
    }
}

/// Reads on to the end of the line in constant memory. False when there is no end.
fn skip_line(from: &mut impl BufRead) -> bool {
    loop {
        let Ok(buffer) = from.fill_buf() else { return false };
        if buffer.is_empty() {
            return false;
        }
        match buffer.iter().position(|b| *b == b'\n') {
            Some(at) => {
                from.consume(at + 1);
                return true;
            }
            None => {
                let all = buffer.len();
                from.consume(all);
            }
        }
    }
}

fn write(mut lines: mpsc::Receiver<String>) {
    let mut out = std::io::stdout().lock();
    while let Some(line) = lines.blocking_recv() {
        // A pipe whose reader is gone ends the conversation: the sender sees the channel close.
        if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
            return;
        }
    }
}
