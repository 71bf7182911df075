//! What a person does in the window, in their own words.

use anyhow::{Context, Result, ensure};
use natter_app_tests::{App, Desk};
use serde_json::{Value, json};

/// Chooses a name, and to leave the device unprotected: there is no keychain on the desk.
pub(crate) async fn set_up(app: &App, name: &str) -> Result<()> {
    app.enter("natter-setup input[type=text]", name).await?;
    app.press("Leave it unprotected").await?;
    app.press("I understand that this device will be unprotected").await?;
    app.press("Start").await?;
    app.reads("No rooms yet").await
}

/// Makes a room, which opens.
pub(crate) async fn create_room(app: &App, room: &str) -> Result<()> {
    let first = "return !document.querySelector('.room-item')";
    if app.run(first, vec![]).await? == json!(false) {
        app.press("New room or invite").await?;
    }
    app.press("Create a room").await?;
    app.enter("#create-room input", room).await?;
    app.press("Create").await?;
    app.reads("The room is yours").await
}

/// Makes an invite to the open room that asks before somebody comes in. Gives the link.
pub(crate) async fn invite(app: &App) -> Result<String> {
    app.press("Invite people").await?;
    app.press("Make invite").await?;
    let link =
        app.wait("the invite's link", "return document.querySelector('.invite-pass input')?.value", vec![]).await?;
    let drawn = "const code = document.querySelector('.qr img'); return code.complete && code.naturalWidth > 0";
    app.wait("the invite as a QR code", drawn, vec![]).await?;
    let link = link.as_str().context("a link")?.to_owned();
    ensure!(link.starts_with("natter://join#"), "{link}");
    Ok(link)
}

/// Turns from one window to the other, and waits until both know.
pub(crate) async fn to(desk: &Desk, app: &App, from: &App) -> Result<()> {
    desk.focus(&app.window).await?;
    app.wait("the focus", "return document.hasFocus()", vec![]).await?;
    from.wait("the loss of the focus", "return !document.hasFocus()", vec![]).await.map(drop)
}

/// Closes the dialog on top.
pub(crate) async fn close_dialog(app: &App) -> Result<()> {
    app.press_at("dialog[open] .dialog-head button").await?;
    app.wait("the dialog to close", "return !document.querySelector('dialog[open]')", vec![]).await.map(drop)
}

/// Pastes an invite and knocks.
pub(crate) async fn knock(app: &App, link: &str) -> Result<()> {
    app.press("Join with an invite").await?;
    app.enter("dialog[open] textarea", &format!("Here you are: {link} See you!")).await?;
    app.press("Ask to join").await
}

/// Writes a message and sends it.
pub(crate) async fn say(app: &App, text: &str) -> Result<()> {
    app.enter(".composer-text", text).await?;
    app.press("Send").await
}

/// A message as it stands on a screen.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    /// Name at the head.
    pub(crate) author: String,
    /// ISO 8601, in UTC.
    pub(crate) time: String,
    /// What stands beside it.
    pub(crate) clock: String,
    /// Whether it stands on the own side.
    pub(crate) own: bool,
    /// What it says; nothing for a picture alone.
    pub(crate) text: String,
}

/// Waits for the message with that text.
pub(crate) async fn message(app: &App, text: &str) -> Result<Shown> {
    let find = "
        for (const row of document.querySelectorAll('.message')) {
            if (row.querySelector('.text')?.textContent.includes(arguments[0])) return describe(row);
        }
        return null;";
    shown(app, text, find, vec![json!(text)]).await
}

/// Waits for the picture, all of it, and checks its shape.
pub(crate) async fn picture(app: &App, width: u32, height: u32) -> Result<Shown> {
    let find = "
        const loaded = (image) => image.complete && image.naturalWidth === arguments[0] && image.naturalHeight === arguments[1];
        for (const row of document.querySelectorAll('.message')) {
            if ([...row.querySelectorAll('img')].some(loaded)) return describe(row);
        }
        return null;";
    shown(app, "a picture", find, vec![json!(width), json!(height)]).await
}

/// How many messages the open room shows.
pub(crate) async fn messages(app: &App) -> Result<u64> {
    let count = app.run("return document.querySelectorAll('.message').length", vec![]).await?;
    count.as_u64().context("a number")
}

async fn shown(app: &App, what: &str, find: &str, arguments: Vec<Value>) -> Result<Shown> {
    let describe = "
        const words = (text) => {
            const copy = text?.cloneNode(true);
            copy?.querySelector('.meta')?.remove();
            return copy?.textContent ?? '';
        };
        const describe = (row) => ({
            author: row.querySelector('.author').textContent,
            time: row.querySelector('time').getAttribute('datetime'),
            clock: row.querySelector('time [aria-hidden]').textContent,
            own: row.hasAttribute('data-own'),
            text: words(row.querySelector('.text')),
        });";
    let found = app.wait(what, &format!("{describe}{find}"), arguments).await?;
    let text = |name: &str| found[name].as_str().map(str::to_owned).with_context(|| format!("no {name} in {found}"));
    let own = found["own"] == json!(true);
    Ok(Shown { author: text("author")?, time: text("time")?, clock: text("clock")?, own, text: text("text")? })
}

/// Waits until a member is shown as online.
pub(crate) async fn online(app: &App, name: &str) -> Result<()> {
    app.reads(name).await?;
    app.reads("2 online").await
}

/// Types a path into the system's save dialog.
pub(crate) async fn save_as(desk: &Desk, path: &str) -> Result<()> {
    let dialog = desk.window("Save File").await?;
    desk.focus(&dialog).await?;
    desk.xdotool(&["key", "ctrl+a"]).await?;
    desk.xdotool(&["type", "--delay", "1", path]).await?;
    desk.xdotool(&["key", "Return"]).await.map(drop)
}
