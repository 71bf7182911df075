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

/// Makes a room, and an invite that asks before somebody comes in. Gives the link.
pub(crate) async fn invite_to_new_room(app: &App, room: &str) -> Result<String> {
    app.press("Create a room").await?;
    app.enter("#create-room input", room).await?;
    app.press("Create").await?;
    app.reads("The room is yours").await?;
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
}

/// Waits for the message with that text.
pub(crate) async fn message(app: &App, text: &str) -> Result<Shown> {
    let find = "
        for (const row of document.querySelectorAll('natter-message-row, .message')) {
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

async fn shown(app: &App, what: &str, find: &str, arguments: Vec<Value>) -> Result<Shown> {
    let describe = "
        const describe = (row) => ({
            author: row.querySelector('.author').textContent,
            time: row.querySelector('time').getAttribute('datetime'),
            clock: row.querySelector('time [aria-hidden]').textContent,
            own: row.hasAttribute('data-own'),
        });";
    let found = app.wait(what, &format!("{describe}{find}"), arguments).await?;
    let text = |name: &str| found[name].as_str().map(str::to_owned).with_context(|| format!("no {name} in {found}"));
    Ok(Shown { author: text("author")?, time: text("time")?, clock: text("clock")?, own: found["own"] == json!(true) })
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
    desk.photograph("save-dialog").await?;
    desk.xdotool(&["key", "ctrl+a"]).await?;
    desk.xdotool(&["type", "--delay", "1", path]).await?;
    desk.xdotool(&["key", "Return"]).await.map(drop)
}
