//! A child process and what it says.

#![allow(dead_code, reason = "each test binary uses its part")]

pub(crate) mod liar;
pub(crate) mod namespace;

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// How long anything may take on a loaded machine.
pub(crate) const SOON: Duration = Duration::from_secs(60);

pub(crate) fn natter(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_natter-cli"));
    // No keychain of the developer's, no noise.
    command.args(args).env_remove("DBUS_SESSION_BUS_ADDRESS").env_remove("RUST_LOG").env_remove("RUST_BACKTRACE");
    command
}

/// Runs a peer whose stdin is at its end; exit code and stderr.
pub(crate) fn exit_of(profile: &Path, args: &[&str]) -> (i32, String) {
    let mut command = natter(&["peer", "--json", "--no-lan", "--no-embedded-broker", "--data-dir"]);
    let out = command.arg(profile).args(args).stdin(Stdio::null()).output().expect("runs");
    (out.status.code().expect("not killed"), String::from_utf8_lossy(&out.stderr).into_owned())
}

/// A `natter-cli peer`.
pub(crate) struct Peer {
    child: Child,
    stdin: Option<ChildStdin>,
    stderr: Option<ChildStderr>,
    lines: Receiver<Value>,
    /// Events that went by while an answer was awaited.
    pub(crate) events: Vec<Value>,
    next: u64,
}

impl Peer {
    pub(crate) fn start(profile: &Path, args: &[&str]) -> Self {
        Self::spawn(natter(&["peer", "--json", "--no-lan", "--data-dir"]).arg(profile).args(args))
    }

    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
        let (to, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if to.send(serde_json::from_str(&line).expect("every line is JSON")).is_err() {
                    return;
                }
            }
        });
        let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
        Self { child, stdin, stderr, lines, events: Vec::new(), next: 1 }
    }

    fn line(&mut self) -> Value {
        match self.lines.recv_timeout(SOON) {
            Ok(line) => line,
            Err(_) => {
                let _ = self.child.kill();
                panic!("nothing more was said; stderr: {}", self.wait().1)
            }
        }
    }

    /// The snapshot that comes first.
    pub(crate) fn first(&mut self) -> Value {
        let line = self.line();
        assert_eq!(line["type"], "snapshot", "{line}");
        line["snapshot"].clone()
    }

    pub(crate) fn write(&mut self, line: &str) {
        writeln!(self.stdin.as_mut().expect("open"), "{line}").expect("heard");
    }

    /// The next line that is no event.
    pub(crate) fn answer(&mut self) -> Value {
        loop {
            let line = self.line();
            if line.get("rev").is_none() {
                return line;
            }
            self.events.push(line);
        }
    }

    fn request(&mut self, command: &Value) -> Value {
        let id = self.next;
        self.next += 1;
        self.write(&json!({"id": id, "command": command}).to_string());
        loop {
            let answer = self.answer();
            if answer["id"] == id {
                return answer;
            }
        }
    }

    /// What a command brought.
    pub(crate) fn ask(&mut self, command: Value) -> Value {
        let answer = self.request(&command);
        assert_eq!(answer["type"], "reply", "{command}: {answer}");
        answer["reply"].clone()
    }

    /// The code with which a command is refused.
    pub(crate) fn error(&mut self, command: Value) -> Value {
        self.refusal(command)["code"].clone()
    }

    /// The refusal of a command.
    pub(crate) fn refusal(&mut self, command: Value) -> Value {
        self.request(&command)["error"].clone()
    }

    /// What a command brought, or why not.
    pub(crate) fn outcome(&mut self, command: Value) -> Result<Value, Value> {
        let answer = self.request(&command);
        if answer["type"] == "reply" { Ok(answer["reply"].clone()) } else { Err(answer["error"].clone()) }
    }

    /// The state as it is now.
    pub(crate) fn snapshot(&mut self) -> Value {
        self.ask(json!({"type": "snapshot"}))["snapshot"].clone()
    }

    /// The words in a room, oldest first.
    pub(crate) fn words(&mut self, room: &Value) -> Vec<String> {
        let (mut words, mut before) = (Vec::new(), Value::Null);
        loop {
            let page = self.ask(json!({"type": "timeline", "room": room, "before": before, "limit": 200}));
            let messages = page["messages"].as_array().expect("messages").clone();
            before = messages.first().map_or(Value::Null, |message| message["id"].clone());
            let texts = messages.iter().filter_map(|message| message["body"]["text"].as_str());
            words.splice(0..0, texts.map(str::to_owned));
            if page["more"] != true {
                return words;
            }
        }
    }

    /// Waits for an event.
    pub(crate) fn sees(&mut self, what: &str, so: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.events.iter().position(|event| so(&event["change"])) {
            return self.events.remove(at)["change"].clone();
        }
        let deadline = Instant::now() + SOON;
        while Instant::now() < deadline {
            let line = self.line();
            if line.get("rev").is_some() && so(&line["change"]) {
                return line["change"].clone();
            }
            self.events.push(line);
        }
        panic!("never saw {what}");
    }

    #[cfg(unix)]
    pub(crate) fn terminate(&self) {
        let killed = Command::new("kill").arg(self.child.id().to_string()).status().expect("kill runs");
        assert!(killed.success());
    }

    /// Ends it by the end of its stdin; exit code and stderr.
    pub(crate) fn end(mut self) -> (i32, String) {
        self.wait()
    }

    pub(crate) fn wait(&mut self) -> (i32, String) {
        drop(self.stdin.take());
        let mut stderr = String::new();
        if let Some(mut pipe) = self.stderr.take() {
            let _ = pipe.read_to_string(&mut stderr);
        }
        let status = self.child.wait().expect("ends");
        (status.code().unwrap_or(-1), stderr)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::DynamicImage::new_rgb8(width, height).write_to(&mut bytes, image::ImageFormat::Png).expect("encodes");
    bytes.into_inner()
}
