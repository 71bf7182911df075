//! Two people on two devices: rooms, an invite, words, a picture, a notification, a goodbye.

use super::person::{close_dialog, invite_to_new_room, knock, message, online, picture, save_as, say, set_up};
use anyhow::{Result, ensure};
use base64::Engine;
use natter_app_tests::{Desk, until};
use serde_json::json;

const HILLS: &[u8] = include_bytes!("hills.png");
const WIDTH: u32 = 120;
const HEIGHT: u32 = 80;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_people_meet_and_talk() -> Result<()> {
    let desk = Desk::set_up("two_people").await?;
    let (ada, ben) = tokio::try_join!(desk.open("ada"), desk.open("ben"))?;
    tokio::try_join!(set_up(&ada, "Ada"), set_up(&ben, "Ben"))?;

    // Ada invites, Ben knocks, Ada lets him in.
    let link = invite_to_new_room(&ada, "Garden").await?;
    desk.photograph("invite").await?;
    close_dialog(&ada).await?;
    desk.focus(&ben.window).await?;
    knock(&ben, &link).await?;
    let knocked = desk.notifications.next().await?;
    ensure!(knocked.summary == "Ben", "{knocked:?}");
    ada.press("Let in").await?;
    tokio::try_join!(online(&ada, "Ben"), online(&ben, "Ada"))?;

    // Words, with the same name and time on both screens.
    desk.focus(&ada.window).await?;
    say(&ada, "Good morning <b>Ben</b> 🌱").await?;
    let (sent, seen) = tokio::try_join!(message(&ada, "Good morning"), message(&ben, "Good morning"))?;
    ensure!(seen.author == "Ada" && !seen.own, "{seen:?}");
    ensure!(sent.author == "Ada" && sent.own, "{sent:?}");
    ensure!((&sent.time, &sent.clock) == (&seen.time, &seen.clock), "{sent:?} {seen:?}");
    let age = ben.run("return Date.now() - Date.parse(arguments[0])", vec![json!(seen.time)]).await?;
    ensure!(age.as_f64().is_some_and(|ms| (-1_000.0..120_000.0).contains(&ms)), "sent {age} ms ago");

    // To Ben, whose window is elsewhere, it also comes as a notification; the text in it is text.
    let rung = desk.notifications.next().await?;
    ensure!(rung.summary == "Ada", "{rung:?}");
    ensure!(rung.body.starts_with("Good morning &lt;b>Ben&lt;/b> 🌱\n"), "{rung:?}");
    ensure!(rung.body.ends_with("Garden") && rung.actions.contains(&"default".to_owned()), "{rung:?}");

    // A click on it brings his window forward.
    desk.notifications.click(&rung).await?;
    until("Ben's window to come forward", async || {
        Ok((desk.active().await?.as_ref() == Some(&ben.window)).then_some(()))
    })
    .await?;

    // A picture, the other way. Ada looks elsewhere now: it rings on her side, and nothing rang while she looked.
    let base64 = base64::engine::general_purpose::STANDARD.encode(HILLS);
    ben.pick("natter-composer input[type=file]", "hills of home.png", "image/png", &base64).await?;
    ben.find("natter-composer .strip img").await?;
    ben.press("Send").await?;
    let (sent, seen) = tokio::try_join!(picture(&ben, WIDTH, HEIGHT), picture(&ada, WIDTH, HEIGHT))?;
    ensure!(seen.author == "Ben" && !seen.own && sent.own && sent.time == seen.time, "{sent:?} {seen:?}");
    let rung = desk.notifications.next().await?;
    ensure!(rung.summary == "Ben", "{rung:?}");
    desk.photograph("picture").await?;

    save_the_picture(&desk, &ada).await?;
    ada.press("Close").await?;

    // Ben leaves; Ada sees it, and writes all the same.
    ben.close(&desk).await?;
    ada.reads("1 online").await?;
    say(&ada, "See you").await?;
    message(&ada, "See you").await?;
    desk.photograph("alone").await?;
    ada.close(&desk).await
}

/// Thinks better of it once, then saves, and finds the picture there.
async fn save_the_picture(desk: &Desk, ada: &natter_app_tests::App) -> Result<()> {
    desk.focus(&ada.window).await?;
    ada.press_at("natter-picture .picture-frame, .picture-frame").await?;
    ada.press("Save picture").await?;
    let dialog = desk.window("Save File").await?;
    desk.focus(&dialog).await?;
    desk.xdotool(&["key", "Escape"]).await?;
    until("the dialog to go", async || Ok((desk.active().await?.as_ref() == Some(&ada.window)).then_some(()))).await?;
    let said = ada.run("return document.body.innerText.includes('Picture saved')", vec![]).await?;
    ensure!(said == json!(false), "a cancelled save says it saved");

    let place = desk.home("ada")?.join("kept.png");
    ada.press("Save picture").await?;
    save_as(desk, &place.display().to_string()).await?;
    ada.reads("Picture saved").await?;
    let bytes = std::fs::read(&place)?;
    ensure!(bytes.starts_with(b"\x89PNG"), "{} bytes of something else", bytes.len());
    ensure!(bytes[16..20] == WIDTH.to_be_bytes() && bytes[20..24] == HEIGHT.to_be_bytes(), "another size");
    Ok(())
}
