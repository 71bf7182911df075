//! Programs that the desk starts, and their end.

use anyhow::{Context, Result, bail};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::{Child, Command};

/// What must be installed: the program, and the Debian package that holds it.
const PROGRAMS: [(&str, &str); 6] = [
    ("Xvfb", "xvfb"),
    ("openbox", "openbox"),
    ("dbus-daemon", "dbus"),
    ("WebKitWebDriver", "webkit2gtk-driver"),
    ("xdotool", "xdotool"),
    ("import", "imagemagick"),
];

/// Checks that every program is there.
///
/// # Errors
/// Names the packages to install.
pub(crate) fn check() -> Result<()> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let missing: Vec<&str> = PROGRAMS
        .iter()
        .filter(|(program, _)| !std::env::split_paths(&path).any(|folder| folder.join(program).is_file()))
        .map(|(_, package)| *package)
        .collect();
    if !missing.is_empty() {
        bail!("the window's tests need more programs: apt-get install {}", missing.join(" "));
    }
    Ok(())
}

/// A program with all that it started, gone when this is dropped.
pub(crate) struct Process {
    child: Child,
    group: Option<u32>,
    log: PathBuf,
}

impl Process {
    /// Starts it in a process group of its own; what it says goes to a new file of that name in `logs`.
    pub(crate) fn start(command: &mut Command, name: &str, logs: &Path) -> Result<Self> {
        let mut log = logs.join(format!("{name}.log"));
        for again in 2.. {
            if !log.exists() {
                break;
            }
            log = logs.join(format!("{name}-{again}.log"));
        }
        let child = command
            .stdin(Stdio::null())
            .stderr(File::create(&log).context("a log file")?)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("starting {name}"))?;
        let group = child.id();
        Ok(Self { child, group, log })
    }

    /// What it says on stderr.
    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// Its stdout, if it was piped and not taken yet.
    pub(crate) fn stdout(&mut self) -> Option<tokio::process::ChildStdout> {
        self.child.stdout.take()
    }

    /// Whether it has ended.
    pub(crate) fn ended(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(group) = self.group {
            let killed = std::process::Command::new("kill")
                .args(["-KILL", "--", &format!("-{group}")])
                .stderr(Stdio::null())
                .status();
            if let Err(error) = killed {
                eprintln!("process group {group} may be left over: {error}");
            }
        }
    }
}
