//! The screen, the bus, and the keyboard.

use crate::process::{self, Process};
use crate::wait::until;
use crate::{App, Notifications};
use anyhow::{Context, Result, bail, ensure};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

const SCREEN: &str = "1400x900x24";

/// The desk.
pub struct Desk {
    /// What was asked to be shown.
    pub notifications: Notifications,
    display: String,
    bus: String,
    natter: PathBuf,
    out: PathBuf,
    homes: TempDir,
    _window_manager: Process,
    _bus: Process,
    _screen: Process,
}

impl Desk {
    /// Sets it up. Logs and pictures go to `tests/app/out/NAME`.
    ///
    /// # Errors
    /// Says what to install or to build first when something is missing.
    pub async fn set_up(name: &str) -> Result<Self> {
        process::check()?;
        let natter = built()?;
        let out = Path::new(env!("CARGO_MANIFEST_DIR")).join("out").join(name);
        std::fs::create_dir_all(&out)?;
        let homes = tempfile::Builder::new().prefix("natter-desk-").tempdir()?;

        let mut xvfb = Command::new("Xvfb");
        xvfb.args(["-displayfd", "1", "-screen", "0", SCREEN, "-nolisten", "tcp", "-noreset"]).stdout(Stdio::piped());
        let (screen, number) = with_first_line(xvfb, "xvfb", &out).await?;
        let display = format!(":{number}");

        let mut daemon = Command::new("dbus-daemon");
        daemon.args(["--session", "--nofork", "--nopidfile", "--print-address=1"]).stdout(Stdio::piped());
        let (bus_process, bus) = with_first_line(daemon, "dbus", &out).await?;
        let notifications = Notifications::serve(&bus).await?;

        let mut openbox = Command::new("openbox");
        openbox.env("DISPLAY", &display).env("HOME", homes.path()).stdout(Stdio::null());
        let window_manager = Process::start(&mut openbox, "openbox", &out)?;
        let desk = Self {
            notifications,
            display,
            bus,
            natter,
            out,
            homes,
            _window_manager: window_manager,
            _bus: bus_process,
            _screen: screen,
        };
        until("a window manager", async || {
            let known = desk.command("xdotool").args(["getactivewindow"]).output().await?;
            let managed = desk.command("xdotool").arg("get_desktop").output().await?;
            Ok((known.status.success() || managed.status.success()).then_some(()))
        })
        .await?;
        Ok(desk)
    }

    /// Opens an app with a home of its own.
    ///
    /// # Errors
    /// When its window does not come.
    pub async fn open(&self, name: &str) -> Result<App> {
        App::open(self, name).await
    }

    /// The binary under test.
    pub(crate) fn natter(&self) -> &Path {
        &self.natter
    }

    /// Where logs and pictures go.
    pub(crate) fn out(&self) -> &Path {
        &self.out
    }

    /// A home for an app: a folder that goes away with the desk.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn home(&self, name: &str) -> Result<PathBuf> {
        let home = self.homes.path().join(name);
        std::fs::create_dir_all(&home)?;
        Ok(home)
    }

    /// A program that runs on this desk.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env("DISPLAY", &self.display)
            .env("DBUS_SESSION_BUS_ADDRESS", &self.bus)
            // No accessibility bus: it would start daemons that outlive the desk.
            .env("NO_AT_BRIDGE", "1")
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("NATTER_PROFILE");
        command
    }

    /// Runs `xdotool` and gives what it prints.
    ///
    /// # Errors
    /// With what it complains of.
    pub async fn xdotool(&self, args: &[&str]) -> Result<String> {
        let output = self.command("xdotool").args(args).output().await?;
        said(&output).with_context(|| format!("xdotool {}", args.join(" ")))
    }

    /// Waits for a window with that title and gives its X id.
    ///
    /// # Errors
    /// When none comes.
    pub async fn window(&self, title: &str) -> Result<String> {
        let exact = format!("^{title}$");
        until(&format!("a window named {title}"), async || {
            let output = self.command("xdotool").args(["search", "--onlyvisible", "--name", &exact]).output().await?;
            Ok(String::from_utf8_lossy(&output.stdout).lines().next_back().map(str::to_owned))
        })
        .await
    }

    /// Gives a window the keyboard, and waits until it has it.
    ///
    /// # Errors
    /// When it does not get it.
    pub async fn focus(&self, window: &str) -> Result<()> {
        self.xdotool(&["windowactivate", window]).await?;
        until("the focus to move", async || Ok((self.active().await?.as_deref() == Some(window)).then_some(()))).await
    }

    /// The X id of the window that has the keyboard.
    ///
    /// # Errors
    /// When xdotool cannot be run.
    pub async fn active(&self) -> Result<Option<String>> {
        let output = self.command("xdotool").arg("getactivewindow").output().await?;
        Ok(output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned()))
    }

    /// Takes a picture of the whole screen into `tests/app/out`.
    ///
    /// # Errors
    /// When there is no screen any more.
    pub async fn photograph(&self, name: &str) -> Result<PathBuf> {
        let file = self.out.join(format!("{name}.png"));
        let output = self.command("import").args(["-window", "root"]).arg(&file).output().await?;
        said(&output).context("a picture of the screen")?;
        Ok(file)
    }
}

/// Starts a daemon and waits for the line by which it says how to reach it.
async fn with_first_line(mut command: Command, name: &str, logs: &Path) -> Result<(Process, String)> {
    let mut process = Process::start(&mut command, name, logs)?;
    let stdout = process.stdout().context("a pipe")?;
    let line = tokio::time::timeout(crate::DEADLINE, BufReader::new(stdout).lines().next_line()).await;
    let line = line.with_context(|| format!("{name} said nothing"))??;
    Ok((process, line.with_context(|| format!("{name} ended at once: see {}", logs.display()))?))
}

fn said(output: &Output) -> Result<String> {
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// `natter` as the same cargo built it: beside this test's own folder.
fn built() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("NATTER_APP") {
        return Ok(named.into());
    }
    let test = std::env::current_exe()?;
    let profile = test.parent().and_then(Path::parent).context("a test lies in target/PROFILE/deps")?;
    let natter = profile.join("natter");
    if !natter.is_file() {
        bail!("{} is not built yet: cargo build --workspace --all-targets", natter.display());
    }
    Ok(natter)
}
