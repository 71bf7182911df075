//! Two people on two devices: a room, an invite, words, a picture, notifications, a goodbye.

use super::person::{
    close_dialog, create_room, invite, knock, message, messages, online, picture, save_as, say, set_up, to,
};
use anyhow::{Result, ensure};
use base64::Engine;
use natter_app_tests::{App, Desk, Notification, until};
use serde_json::json;

const HILLS: &[u8] = include_bytes!("hills.png");
const WIDTH: u32 = 120;
const HEIGHT: u32 = 80;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_people_meet_and_talk() -> Result<()> {
    let desk = Desk::set_up("two_people").await?;
    let (ada, ben) = tokio::try_join!(desk.open("ada"), desk.open("ben"))?;
    tokio::try_join!(set_up(&ada, "Ada"), set_up(&ben, "Ben"))?;
    meet(&desk, &ada, &ben).await?;

    // Words, with the same name and time on both screens. To Ben, whose window is elsewhere, they come as a
    // notification as well; the text in it is text.
    to(&desk, &ada, &ben).await?;
    say(&ada, "Good morning <b>Ben</b> 🌱").await?;
    let (sent, seen) = tokio::try_join!(message(&ada, "Good morning"), message(&ben, "Good morning"))?;
    ensure!(seen.author == "Ada" && !seen.own, "{seen:?}");
    ensure!(sent.author == "Ada" && sent.own, "{sent:?}");
    ensure!((&sent.time, &sent.clock) == (&seen.time, &seen.clock), "{sent:?} {seen:?}");
    ensure!(seen.text == "Good morning <b>Ben</b> 🌱" && sent.text == seen.text, "{sent:?} {seen:?}");
    let age = ben.run("return Date.now() - Date.parse(arguments[0])", vec![json!(seen.time)]).await?;
    ensure!(age.as_f64().is_some_and(|ms| (-1_000.0..120_000.0).contains(&ms)), "sent {age} ms ago");
    let rung = rings(&desk, "Ada").await?;
    ensure!(rung.body == "Good morning &lt;b>Ben&lt;/b> 🌱\nGarden", "{rung:?}");
    ensure!(rung.app == "natter" && rung.actions.contains(&"default".to_owned()), "{rung:?}");
    comes_forward(&desk, &rung, &ben).await?;

    // A picture, the other way. Ada looks elsewhere now: it rings on her side.
    let base64 = base64::engine::general_purpose::STANDARD.encode(HILLS);
    ben.pick("natter-composer input[type=file]", "hills of home.png", "image/png", &base64).await?;
    ben.find("natter-composer .strip img").await?;
    ben.press("Send").await?;
    let (sent, seen) = tokio::try_join!(picture(&ben, WIDTH, HEIGHT), picture(&ada, WIDTH, HEIGHT))?;
    ensure!(seen.author == "Ben" && !seen.own && sent.own && sent.time == seen.time, "{sent:?} {seen:?}");
    rings(&desk, "Ben").await?;
    tokio::try_join!(ada.photograph(&desk, "picture"), ben.photograph(&desk, "picture"))?;
    save_the_picture(&desk, &ada).await?;

    part(&desk, &ada, ben).await?;
    ensure!(desk.notifications.none().await, "something rang that should not have");
    ada.close(&desk).await
}

/// Ada makes a room and invites, Ben pastes the invite and knocks, Ada lets him in.
async fn meet(desk: &Desk, ada: &App, ben: &App) -> Result<()> {
    create_room(ada, "Garden").await?;
    let link = invite(ada).await?;
    ada.photograph(desk, "invite").await?;
    close_dialog(ada).await?;
    to(desk, ben, ada).await?;
    knock(ben, &link).await?;
    let rung = rings(desk, "Ben").await?;
    ensure!(rung.body == "Would like to come in\nGarden", "{rung:?}");
    tokio::try_join!(ben.reads("Waiting for someone to let you in"), ada.reads("would like to come in"))?;
    tokio::try_join!(ada.photograph(desk, "knock"), ben.photograph(desk, "knock"))?;
    ada.press("Let in").await?;
    tokio::try_join!(online(ada, "Ben"), online(ben, "Ada"))?;
    Ok(())
}

/// Ben goes and comes back, misses nothing, and leaves for good.
async fn part(desk: &Desk, ada: &App, ben: App) -> Result<()> {
    ben.close(desk).await?;
    ada.reads("2 people · 1 online").await?;
    say(ada, "See you").await?;
    let sent = message(ada, "See you").await?;
    ada.photograph(desk, "alone").await?;
    ada.stays_when_asked(desk, "Not everything has arrived").await?;

    let ben = desk.open("ben").await?;
    ben.wait("what came meanwhile", "return document.querySelector('.badge-count')", vec![]).await?;
    ben.photograph(desk, "back").await?;
    ben.press_at(".room-item").await?;
    let seen = message(&ben, "See you").await?;
    ensure!((seen.author.as_str(), &seen.time) == ("Ada", &sent.time), "{seen:?} {sent:?}");
    let told = messages(&ben).await?;
    ensure!(told == 3, "{told} messages after a restart: two were there and one came");
    tokio::try_join!(online(ada, "Ben"), online(&ben, "Ada"))?;

    // A click on a notification also opens the room, when something else is open.
    create_room(&ben, "Shed").await?;
    to(desk, ada, &ben).await?;
    say(ada, "Welcome back").await?;
    let rung = rings(desk, "Ada").await?;
    comes_forward(desk, &rung, &ben).await?;
    message(&ben, "Welcome back").await?;

    ben.press("Leave room").await?;
    ben.photograph(desk, "leave").await?;
    ben.press("Leave").await?;
    ada.reads("Ben left").await?;
    ada.reads("Only you so far").await?;
    ben.wait("one room", "return document.querySelectorAll('.room-item').length === 1", vec![]).await?;
    ada.photograph(desk, "left").await?;
    ben.close(desk).await
}

/// The next notification, which must be from that person.
async fn rings(desk: &Desk, name: &str) -> Result<Notification> {
    let rung = desk.notifications.next().await?;
    ensure!(rung.summary == name, "not {name}'s: {rung:?}");
    Ok(rung)
}

/// Clicks a notification, which brings the window forward.
async fn comes_forward(desk: &Desk, rung: &Notification, app: &App) -> Result<()> {
    desk.notifications.click(rung).await?;
    until(&format!("{}'s window to come forward", app.name), async || {
        Ok((desk.active().await?.as_ref() == Some(&app.window)).then_some(()))
    })
    .await
}

/// Thinks better of it once, then saves, and finds the picture there.
async fn save_the_picture(desk: &Desk, ada: &App) -> Result<()> {
    desk.focus(&ada.window).await?;
    ada.press_at(".picture-frame").await?;
    ada.press("Save picture").await?;
    let dialog = desk.window("Save File").await?;
    desk.focus(&dialog).await?;
    desk.photograph("save-dialog").await?;
    desk.xdotool(&["key", "Escape"]).await?;
    desk.window_gone("Save File").await?;
    let place = desk.home().join("kept.png");
    ensure!(!place.exists(), "a cancelled save saved");
    let said = ada.run("return document.body.innerText.includes('Picture saved')", vec![]).await?;
    ensure!(said == json!(false), "a cancelled save says it saved");

    ada.press("Save picture").await?;
    save_as(desk, &place.display().to_string()).await?;
    ada.reads("Picture saved").await?;
    ada.photograph(desk, "saved").await?;
    let bytes = std::fs::read(&place)?;
    ensure!(bytes == HILLS, "{} bytes, and not those that were sent", bytes.len());
    let tall = "return document.querySelector('.toast').getBoundingClientRect().height";
    let tall = ada.run(tall, vec![]).await?;
    ensure!(tall.as_f64().is_some_and(|px| (30.0..80.0).contains(&px)), "the toast is {tall} px tall");
    ada.press("Close").await
}
