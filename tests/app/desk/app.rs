//! One Natter in its window, seen and pressed through WebDriver (W3C) as a person would.

use crate::desk::Desk;
use crate::process::Process;
use crate::wait::{DEADLINE, until};
use anyhow::{Context, Result, bail, ensure};
use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// After how long a key that did nothing is pressed again.
const PRESS_AGAIN: Duration = Duration::from_secs(2);
/// How many ports are tried: between finding a free one and listening on it somebody else may have taken it.
const PORTS: usize = 3;

/// Puts a picture into the file input as a drop or the picker would: WebKitWebDriver cannot type into it.
const PICK: &str = "
    const [selector, name, type, base64] = arguments;
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name, { type }));
    const input = document.querySelector(selector);
    input.files = transfer.files;
    input.dispatchEvent(new Event('change', { bubbles: true }));";

/// Types at once, as an input method does: WebDriver's keys lose emoji.
const TYPE: &str = "
    const [input, text] = arguments;
    input.focus();
    input.value = text;
    input.dispatchEvent(new Event('input', { bubbles: true }));";

/// By what an app is told whose profile it opens.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Chosen {
    /// `--profile NAME`
    ByArgument,
    /// `NATTER_PROFILE=NAME`
    ByEnvironment,
}

/// One app.
pub struct App {
    /// Its profile, which its window's title shows.
    pub name: String,
    /// The X id of its window.
    pub window: String,
    process: u32,
    log: PathBuf,
    page: Client,
    _driver: Process,
}

impl App {
    pub(crate) async fn open(desk: &Desk, name: &str, chosen: Chosen) -> Result<Self> {
        let title = format!("Natter · {name}");
        let others = desk.windows(&title).await?;
        let (args, profile) = match chosen {
            Chosen::ByArgument => (json!(["--profile", name]), None),
            Chosen::ByEnvironment => (json!([]), Some(name)),
        };
        let (driver, port) = start_driver(desk, name, profile).await?;
        let options = json!({ "binary": desk.natter(), "args": args });
        let page = timeout(DEADLINE, connect(port, &options)).await.context("the app's page does not answer")??;
        let window = until(&format!("a window named {title}"), async || {
            Ok(desk.windows(&title).await?.into_iter().find(|window| !others.contains(window)))
        })
        .await?;
        desk.place(&window).await?;
        let process = desk.xdotool(&["getwindowpid", &window]).await?.parse().context("a process id")?;
        Ok(Self { name: name.to_owned(), window, process, log: driver.log().to_owned(), page, _driver: driver })
    }

    /// Waits for an element and gives it.
    ///
    /// # Errors
    /// When none comes.
    pub async fn find(&self, css: &str) -> Result<Element> {
        self.seen(Locator::Css(css)).await
    }

    async fn seen(&self, place: Locator<'_>) -> Result<Element> {
        until(&format!("{place:?} on {}'s screen", self.name), async || {
            for element in self.page.find_all(place).await? {
                // It may be gone again: then the next look finds its successor.
                if element.is_displayed().await.unwrap_or(false) {
                    return Ok(Some(element));
                }
            }
            Ok(None)
        })
        .await
    }

    /// Waits for the button that says so, and presses it.
    ///
    /// # Errors
    /// When none comes.
    pub async fn press(&self, words: &str) -> Result<()> {
        let quoted = format!("\"{words}\"");
        let says = format!("normalize-space(.)={quoted} or @aria-label={quoted}");
        let path = format!("//button[not(@disabled) and ({says})] | //label[{says}] | //a[{says}]");
        until(&format!("the button {words:?} on {}'s screen", self.name), async || {
            for element in self.page.find_all(Locator::XPath(&path)).await? {
                if element.is_displayed().await.unwrap_or(false) && element.click().await.is_ok() {
                    return Ok(Some(()));
                }
            }
            Ok(None)
        })
        .await
    }

    /// Presses an element.
    ///
    /// # Errors
    /// When none comes.
    pub async fn press_at(&self, css: &str) -> Result<()> {
        until(&format!("{css} to press on {}'s screen", self.name), async || {
            for element in self.page.find_all(Locator::Css(css)).await? {
                if element.is_displayed().await.unwrap_or(false) && element.click().await.is_ok() {
                    return Ok(Some(()));
                }
            }
            Ok(None)
        })
        .await
    }

    /// Types into a field.
    ///
    /// # Errors
    /// When it does not come.
    pub async fn enter(&self, css: &str, text: &str) -> Result<()> {
        let field = serde_json::to_value(self.find(css).await?)?;
        self.page.execute(TYPE, vec![field, json!(text)]).await?;
        Ok(())
    }

    /// Gives a picture to a file input.
    ///
    /// # Errors
    /// When the page refuses.
    pub async fn pick(&self, css: &str, name: &str, mime: &str, base64: &str) -> Result<()> {
        self.page.execute(PICK, vec![json!(css), json!(name), json!(mime), json!(base64)]).await?;
        Ok(())
    }

    /// Runs a script in the page; `return` gives its value.
    ///
    /// # Errors
    /// What it throws.
    pub async fn run(&self, script: &str, arguments: Vec<Value>) -> Result<Value> {
        self.page.execute(script, arguments).await.with_context(|| format!("in {}'s page: {script}", self.name))
    }

    /// Waits until a script gives neither null nor false, and gives it.
    ///
    /// # Errors
    /// Names `what` when the deadline has passed.
    pub async fn wait(&self, what: &str, script: &str, arguments: Vec<Value>) -> Result<Value> {
        until(&format!("{what} on {}'s screen", self.name), async || {
            let value = self.run(script, arguments.clone()).await?;
            Ok((!value.is_null() && value != json!(false)).then_some(value))
        })
        .await
    }

    /// Waits until the page says so anywhere.
    ///
    /// # Errors
    /// When it does not.
    pub async fn reads(&self, words: &str) -> Result<()> {
        let says = "return document.body.innerText.includes(arguments[0])";
        self.wait(&format!("the words {words:?}"), says, vec![json!(words)]).await.map(drop)
    }

    /// Waits until the window has drawn what the page holds, then takes a picture of it.
    ///
    /// # Errors
    /// When there is no window any more.
    pub async fn photograph(&self, desk: &Desk, name: &str) -> Result<()> {
        let still = "return document.getAnimations().every((animation) => animation.playState !== 'running'
            || animation.effect.getComputedTiming().iterations === Infinity)";
        self.wait("the page to stand still", still, vec![]).await?;
        let drawn = "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done(true)))";
        self.page.execute_async(drawn, vec![]).await?;
        desk.import(&self.window, &format!("{name}-{}", self.name)).await
    }

    /// Closes the window as a person does; it asks under that title, and stays when the person says so.
    ///
    /// # Errors
    /// When it does not ask, or goes.
    pub async fn stays_when_asked(&self, desk: &Desk, title: &str) -> Result<()> {
        desk.focus(&self.window).await?;
        desk.xdotool(&["key", "alt+F4"]).await?;
        let question = desk.window(title).await?;
        desk.photograph("asked").await?;
        desk.focus(&question).await?;
        desk.xdotool(&["key", "Escape"]).await?;
        desk.window_gone(title).await?;
        ensure!(!ended(self.process), "{} went without a yes", self.name);
        desk.focus(&self.window).await
    }

    /// Ends the app as a person does, by closing its window, and sees to it that its process goes too.
    ///
    /// # Errors
    /// When it does not go, or went in a panic.
    pub async fn close(self, desk: &Desk) -> Result<()> {
        desk.focus(&self.window).await?;
        let mut pressed: Option<Instant> = None;
        until(&format!("{}'s process to end", self.name), async || {
            if ended(self.process) {
                return Ok(Some(()));
            }
            // The window manager may swallow the first one. Another never meets another window.
            let again = pressed.is_none_or(|at| at.elapsed() > PRESS_AGAIN);
            if again && desk.active().await?.as_ref() == Some(&self.window) {
                pressed = Some(Instant::now());
                desk.xdotool(&["key", "alt+F4"]).await?;
            }
            Ok(None)
        })
        .await?;
        let log = std::fs::read_to_string(&self.log)?;
        ensure!(!log.contains("panicked at"), "{} panicked: see {}", self.name, self.log.display());
        Ok(())
    }
}

/// Starts a WebKitWebDriver, which will start the app, and gives its port.
async fn start_driver(desk: &Desk, name: &str, profile: Option<&str>) -> Result<(Process, u16)> {
    for _ in 0..PORTS {
        let port = free_port()?;
        let mut command = desk.command("WebKitWebDriver");
        command
            .args([format!("--port={port}"), "--host=127.0.0.1".to_owned()])
            .env("TAURI_WEBVIEW_AUTOMATION", "true")
            .env("WEBKIT_DISABLE_DMABUF_RENDERER", "1")
            .env("NATTER_LOG", "info")
            .stdout(Stdio::null());
        if let Some(profile) = profile {
            command.env("NATTER_PROFILE", profile);
        }
        let mut driver = Process::start(&mut command, name, desk.out())?;
        let listens = until("WebKitWebDriver to listen", async || {
            if driver.ended()? {
                return Ok(Some(false));
            }
            Ok(TcpStream::connect(("127.0.0.1", port)).await.is_ok().then_some(true))
        })
        .await?;
        if listens {
            return Ok((driver, port));
        }
    }
    bail!("WebKitWebDriver ends at once: see {}/{name}.log", desk.out().display())
}

/// Whether a process is gone, or only waits to be buried by its parent.
fn ended(process: u32) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{process}/stat")) else { return true };
    // The name before the state is in brackets and may hold anything.
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z'))
}

async fn connect(port: u16, options: &Value) -> Result<Client> {
    let mut builder = ClientBuilder::new(HttpConnector::new());
    builder.capabilities(serde_json::Map::from_iter([("webkitgtk:browserOptions".to_owned(), options.clone())]));
    builder.connect(&format!("http://127.0.0.1:{port}")).await.context("WebKitWebDriver takes no session")
}

/// A port that is free now. WebKitWebDriver cannot choose one itself.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
