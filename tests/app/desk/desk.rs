//! The screen, the bus, and the keyboard.

use crate::app::Chosen;
use crate::process::{self, Process};
use crate::wait::until;
use crate::{App, Notifications};
use anyhow::{Context, Result, bail, ensure};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::PoisonError;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::sync::{Mutex, MutexGuard};

/// Room for two windows side by side, so that neither covers the other.
const SCREEN: &str = "2400x900x24";
/// Where the two stand, from the left.
const PLACES: [&str; 2] = ["5", "1205"];

/// A bus that starts nothing by itself: no accessibility bus, no dconf, nothing that would outlive the desk.
const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
    <allow own="*"/>
    <allow user="*"/>
  </policy>
</busconfig>
"#;

/// One desk at a time: two would only be slower, on a machine with two cores.
static FREE: Mutex<()> = Mutex::const_new(());

/// The desk.
pub struct Desk {
    /// What was asked to be shown.
    pub notifications: Notifications,
    display: String,
    bus: String,
    natter: PathBuf,
    out: PathBuf,
    placed: std::sync::Mutex<[Option<String>; PLACES.len()]>,
    home: TempDir,
    _window_manager: Process,
    _bus: Process,
    _screen: Process,
    _turn: MutexGuard<'static, ()>,
}

impl Desk {
    /// Sets it up. Logs and pictures go to `tests/app/out/NAME`.
    ///
    /// # Errors
    /// Says what to install or to build first when something is missing.
    pub async fn set_up(name: &str) -> Result<Self> {
        process::check()?;
        let natter = built()?;
        let turn = FREE.lock().await;
        let out = Path::new(env!("CARGO_MANIFEST_DIR")).join("out").join(name);
        // What an earlier run left there would be taken for this one's.
        if out.exists() {
            std::fs::remove_dir_all(&out)?;
        }
        std::fs::create_dir_all(&out)?;
        let home = tempfile::Builder::new().prefix("natter-desk-").tempdir()?;

        let mut xvfb = Command::new("Xvfb");
        xvfb.args(["-displayfd", "1", "-screen", "0", SCREEN, "-nolisten", "tcp", "-noreset"]).stdout(Stdio::piped());
        let (screen, number) = with_first_line(xvfb, "xvfb", &out).await?;
        let display = format!(":{number}");

        let config = home.path().join("bus.conf");
        std::fs::write(&config, BUS)?;
        let mut daemon = Command::new("dbus-daemon");
        daemon.arg("--config-file").arg(&config);
        daemon.args(["--nofork", "--nopidfile", "--print-address=1"]).stdout(Stdio::piped());
        let (bus_process, bus) = with_first_line(daemon, "dbus", &out).await?;
        let notifications = Notifications::serve(&bus).await?;

        let mut openbox = Command::new("openbox");
        openbox.env("DISPLAY", &display).env("HOME", home.path()).stdout(Stdio::null());
        let window_manager = Process::start(&mut openbox, "openbox", &out)?;
        let desk = Self {
            notifications,
            display,
            bus,
            natter,
            out,
            placed: std::sync::Mutex::default(),
            home,
            _window_manager: window_manager,
            _bus: bus_process,
            _screen: screen,
            _turn: turn,
        };
        until("a window manager", async || {
            let known = desk.command("xdotool").args(["getactivewindow"]).output().await?;
            let managed = desk.command("xdotool").arg("get_desktop").output().await?;
            Ok((known.status.success() || managed.status.success()).then_some(()))
        })
        .await?;
        Ok(desk)
    }

    /// Opens the app for a profile that its command line names.
    ///
    /// # Errors
    /// When its window does not come.
    pub async fn open(&self, profile: &str) -> Result<App> {
        App::open(self, profile, Chosen::ByArgument).await
    }

    /// Opens the app for a profile that its environment names.
    ///
    /// # Errors
    /// When its window does not come.
    pub async fn open_by_environment(&self, profile: &str) -> Result<App> {
        App::open(self, profile, Chosen::ByEnvironment).await
    }

    /// Puts a new window where no other stands, if there is room.
    pub(crate) async fn place(&self, window: &str) -> Result<()> {
        let there = self.windows("Natter.*").await?;
        let place = {
            let mut placed = self.placed.lock().unwrap_or_else(PoisonError::into_inner);
            let free = placed.iter().position(|held| held.as_ref().is_none_or(|held| !there.contains(held)));
            let place = free.unwrap_or(0);
            placed[place] = Some(window.to_owned());
            PLACES[place]
        };
        self.xdotool(&["windowmove", window, place, "30"]).await.map(drop)
    }

    /// Gives a window another size, in px.
    ///
    /// # Errors
    /// When it is gone.
    pub async fn resize(&self, window: &str, width: u32, height: u32) -> Result<()> {
        self.xdotool(&["windowsize", window, &width.to_string(), &height.to_string()]).await.map(drop)
    }

    /// The binary under test.
    pub(crate) fn natter(&self) -> &Path {
        &self.natter
    }

    /// Where logs and pictures go.
    pub(crate) fn out(&self) -> &Path {
        &self.out
    }

    /// The home of whoever sits here: one for all profiles, as on a real machine. It goes away with the desk.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// A program that runs on this desk.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env("DISPLAY", &self.display)
            .env("DBUS_SESSION_BUS_ADDRESS", &self.bus)
            .env("HOME", self.home())
            .env("XDG_DATA_HOME", self.home().join("data"))
            .env("XDG_CONFIG_HOME", self.home().join("config"))
            .env("XDG_CACHE_HOME", self.home().join("cache"))
            // There is no accessibility bus here.
            .env("NO_AT_BRIDGE", "1")
            // One language and one clock, wherever the tests run.
            .env("LANG", "C.UTF-8")
            .env_remove("LANGUAGE")
            .env_remove("LC_ALL")
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

    /// The windows with that title, by X id.
    ///
    /// # Errors
    /// When xdotool cannot be run.
    pub async fn windows(&self, title: &str) -> Result<Vec<String>> {
        let exact = format!("^{title}$");
        // Without a match xdotool ends with 1 and prints nothing.
        let output = self.command("xdotool").args(["search", "--onlyvisible", "--name", &exact]).output().await?;
        Ok(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
    }

    /// Waits for a window with that title and gives its X id.
    ///
    /// # Errors
    /// When none comes.
    pub async fn window(&self, title: &str) -> Result<String> {
        until(&format!("a window named {title}"), async || Ok(self.windows(title).await?.pop())).await
    }

    /// Waits until no window has that title.
    ///
    /// # Errors
    /// When one stays.
    pub async fn window_gone(&self, title: &str) -> Result<()> {
        until(&format!("the window {title} to go"), async || Ok(self.windows(title).await?.is_empty().then_some(())))
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
    pub async fn photograph(&self, name: &str) -> Result<()> {
        self.import("root", name).await
    }

    /// Takes a picture of one window.
    pub(crate) async fn import(&self, window: &str, name: &str) -> Result<()> {
        let file = self.out.join(format!("{name}.png"));
        let output = self.command("import").args(["-window", window]).arg(&file).output().await?;
        said(&output).context("a picture of the screen").map(drop)
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
