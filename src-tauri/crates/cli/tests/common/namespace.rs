//! A mount or network of the test's own (namespaces(7)), where the machine permits it: root may, and so may anybody
//! where user namespaces are open.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// What is apart from the machine's.
#[derive(Clone, Copy)]
pub(crate) enum Apart {
    Mounts,
    Network,
}

/// A process that does nothing but keep a namespace.
pub(crate) struct Namespace {
    holder: Child,
    flags: Vec<&'static str>,
}

impl Namespace {
    /// Makes one and prepares it with a shell command. None where that is not permitted, which is said.
    pub(crate) fn new(apart: Apart, prepare: &str) -> Option<Self> {
        let flag = match apart {
            Apart::Mounts => "--mount",
            Apart::Network => "--net",
        };
        let as_root = (vec![flag], vec![flag]);
        let as_user = (vec!["--user", "--map-root-user", flag], vec!["--user", "--preserve-credentials", flag]);
        for (unshare, enter) in [as_root, as_user] {
            let script = format!("({prepare}) >&2 && echo ready && exec sleep 1000");
            let begun = Command::new("unshare")
                .args(unshare)
                .args(["sh", "-c", &script])
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn();
            let Ok(mut holder) = begun else { continue };
            let mut line = String::new();
            let mut out = BufReader::new(holder.stdout.take().expect("piped"));
            if out.read_line(&mut line).is_ok() && line == "ready\n" {
                return Some(Self { holder, flags: enter });
            }
            let _ = holder.kill();
            let _ = holder.wait();
        }
        eprintln!("no namespaces here: this story is told only where unshare(1) may make them");
        None
    }

    /// A program in it.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new("nsenter");
        command.arg("--target").arg(self.holder.id().to_string()).args(&self.flags).arg("--").arg(program.as_ref());
        command.env_remove("DBUS_SESSION_BUS_ADDRESS").env_remove("RUST_LOG").env_remove("RUST_BACKTRACE");
        command
    }

    /// Runs a shell command in it.
    pub(crate) fn sh(&self, script: &str) {
        let status = self.command("sh").args(["-c", script]).status().expect("nsenter runs");
        assert!(status.success(), "{script}");
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
