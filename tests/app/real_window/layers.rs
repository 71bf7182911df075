//! What lies on top of the page: dialogs, menus, cards, words from the app. WebKitGTK lays some of it out otherwise
//! than the Chromium that `tests/ui/states.mjs` looks at, so that each is opened here too, in a wide and in a narrow
//! window, and must lie within it.

use super::person::{create_room, message, say, set_up};
use anyhow::{Context, Result, ensure};
use natter_app_tests::{App, Desk};
use serde_json::json;

/// Tallest menu or card, in px: none has more to say.
const CARD_MAX: f64 = 480.0;

/// Name of a layer, and the script that opens it.
const LAYERS: [(&str, &str); 10] = [
    ("create", "press('New room or invite'); await there('.menu'); item('Create a room')"),
    ("join", "press('New room or invite'); await there('.menu'); item('Join with an invite')"),
    ("menu", "press('New room or invite')"),
    ("settings", "press('Settings and profile')"),
    ("jump", "dispatchEvent(new KeyboardEvent('keydown', { key: 'k', ctrlKey: true, bubbles: true }))"),
    ("keys", "document.body.dispatchEvent(new KeyboardEvent('keydown', { key: '?', bubbles: true }))"),
    ("invite", "document.querySelector('.room-head [aria-label=\"Invite people\"]').click()"),
    ("message", "document.querySelector('.message .tools button:last-child').click()"),
    ("delivery", "document.querySelector('natter-delivery .delivery').click()"),
    ("person", "document.querySelector('.message .face').click()"),
];

const OPEN: &str = "
    const there = async (css) => { while (!document.querySelector(css)) await new Promise(requestAnimationFrame); };
    const press = (words) => document.querySelector(`button[aria-label=\"${words}\"]`).click();
    const item = (words) => [...document.querySelectorAll('.menu-item')].find((i) => i.textContent.includes(words)).click();
    (async () => { SCRIPT; })();";

/// The topmost layer's place, once it stands still.
const TOPMOST: &str = "
    const all = [...document.querySelectorAll('dialog[open], [popover]:popover-open:not(natter-toasts)')];
    const layer = all.at(-1);
    if (!layer || layer.matches('dialog[open]') && document.querySelector('.menu')) return null;
    const running = layer.getAnimations({ subtree: true }).filter((a) => a.effect.getComputedTiming().iterations !== Infinity);
    if (running.some((a) => a.playState === 'running')) return null;
    const { left, top, right, bottom } = layer.getBoundingClientRect();
    const card = layer.matches('[popover]');
    return { card, left, top, right, bottom, width: innerWidth, height: innerHeight, over: layer.scrollWidth - layer.clientWidth };";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_layer_lies_within_the_window() -> Result<()> {
    let desk = Desk::set_up("layers").await?;
    let ada = desk.open("ada").await?;
    set_up(&ada, "Ada").await?;
    create_room(&ada, "Garden").await?;
    say(&ada, "Good morning").await?;
    message(&ada, "Good morning").await?;
    ada.photograph(&desk, "room").await?;
    for (name, script) in LAYERS {
        lies_within(&desk, &ada, &format!("wide-{name}"), script).await?;
    }

    desk.resize(&ada.window, 400, 720).await?;
    ada.wait("a narrow window", "return innerWidth <= 400", vec![]).await?;
    ada.photograph(&desk, "narrow").await?;
    for (name, script) in LAYERS {
        lies_within(&desk, &ada, &format!("narrow-{name}"), script).await?;
    }
    ada.close(&desk).await
}

async fn lies_within(desk: &Desk, app: &App, name: &str, script: &str) -> Result<()> {
    app.run(&OPEN.replace("SCRIPT", script), vec![]).await.with_context(|| name.to_owned())?;
    app.wait(name, TOPMOST, vec![]).await?;
    app.photograph(desk, name).await?;
    // Measured again once the frame is drawn: an animation counts as over a frame before its layer arrives.
    let at = app.wait(name, TOPMOST, vec![]).await?;
    let px = |side: &str| at[side].as_f64().with_context(|| format!("{name} has no {side}"));
    let within = px("left")? >= 0.0
        && px("top")? >= 0.0
        && px("right")? <= px("width")? + 0.5
        && px("bottom")? <= px("height")? + 0.5
        && px("right")? - px("left")? > 100.0
        && (at["card"] == json!(false) || px("bottom")? - px("top")? < CARD_MAX)
        && px("over")? <= 0.0;
    ensure!(within, "{name} lies at {at}");
    let close = "
        document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true, cancelable: true }));
        for (const open of document.querySelectorAll('dialog[open]')) open.close();
        return true";
    app.run(close, vec![]).await?;
    app.wait("nothing on top", "return !document.querySelector('dialog, .popover')", vec![]).await.map(drop)
}
