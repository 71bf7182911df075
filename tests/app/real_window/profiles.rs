//! Several people on one machine, each with a profile, and one profile opened twice.

use super::person::{create_room, set_up};
use anyhow::{Result, ensure};
use natter_app_tests::Desk;
use serde_json::json;

/// What the window shows of whose it is.
const LETTER: &str = "return document.querySelector('.me-button .avatar')?.dataset.letters";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_profiles_on_one_machine_share_nothing() -> Result<()> {
    let desk = Desk::set_up("two_profiles").await?;
    let ada = desk.open("ada").await?;
    set_up(&ada, "Ada").await?;
    create_room(&ada, "Garden").await?;

    // The other way to name one. It knows nothing of Ada: not her name, not her room.
    let ben = desk.open_by_environment("ben").await?;
    ben.reads("Welcome to Natter").await?;
    set_up(&ben, "Ben").await?;
    ensure!(ada.wait("her letter", LETTER, vec![]).await? == json!("A"), "another letter than Ada's");
    ensure!(ben.wait("his letter", LETTER, vec![]).await? == json!("B"), "another letter than Ben's");
    for profile in ["ada", "ben"] {
        let folder = desk.home().join("data/org.natter.natter/profiles").join(profile);
        ensure!(folder.is_dir(), "{} is missing", folder.display());
    }
    ben.close(&desk).await?;
    ada.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_profile_that_is_open_already_says_so() -> Result<()> {
    let desk = Desk::set_up("open_twice").await?;
    let first = desk.open("ada").await?;
    set_up(&first, "Ada").await?;
    let second = desk.open("ada").await?;
    second.reads("Natter is already open").await?;
    second.reads("Another Natter on this computer uses the same profile").await?;
    second.reads("Go to the other window, or close it and try again here.").await?;
    second.photograph(&desk, "already-open").await?;

    // The first goes on as if nothing had been; once it is closed the second takes over.
    create_room(&first, "Garden").await?;
    second.press("Try again").await?;
    second.reads("Natter is already open").await?;
    first.close(&desk).await?;
    second.press("Try again").await?;
    second.reads("Garden").await?;
    second.close(&desk).await
}
