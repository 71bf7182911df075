//! The first start, on a machine with nothing on it.

use anyhow::{Result, ensure};
use natter_app_tests::Desk;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_window_opens_on_the_set_up_screen() -> Result<()> {
    let desk = Desk::set_up("first_start").await?;
    let ada = desk.open("ada").await?;
    ada.reads("Welcome to Natter").await?;
    ada.find("natter-setup input").await?;
    ada.photograph(&desk, "set-up").await?;

    let width = ada.run("return innerWidth", vec![]).await?;
    ensure!(width.as_u64() > Some(800), "the window is {width} px wide");
    ada.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_is_locked_in() -> Result<()> {
    let desk = Desk::set_up("locked_in").await?;
    let ada = desk.open("ada").await?;
    ada.reads("Welcome to Natter").await?;

    // Nothing but Natter's own commands answers.
    let refused = "
        const done = (value) => window.answer = value;
        window.__TAURI__.core.invoke(arguments[0], arguments[1] ?? {}).then(() => done('allowed'), (error) => done(String(error)));
        return true";
    for (command, arguments) in [
        ("plugin:dialog|save", json!({ "options": {} })),
        ("plugin:dialog|open", json!({ "options": {} })),
        ("plugin:opener|open_url", json!({ "url": "https://example.org" })),
        ("plugin:opener|open_path", json!({ "path": "/etc/passwd" })),
        ("plugin:notification|notify", json!({ "options": { "title": "x" } })),
        ("plugin:window|close", json!({})),
        ("plugin:webview|create_webview_window", json!({ "options": { "label": "x" } })),
        ("plugin:event|emit", json!({ "event": "x", "payload": null })),
        ("plugin:path|resolve_directory", json!({ "directory": 1 })),
        ("plugin:app|version", json!({})),
    ] {
        ada.run(&format!("window.answer = null; {refused}"), vec![json!(command), arguments]).await?;
        let answer = ada.wait("an answer", "return window.answer", vec![]).await?;
        ensure!(answer.as_str().is_some_and(|text| text.contains("not allowed")), "{command}: {answer}");
    }

    // Nothing opens, evaluates or loads from elsewhere.
    let opened = ada.run("return window.open('https://example.org') === null", vec![]).await?;
    ensure!(opened == json!(true), "a window opened");
    let went = "location.href = 'https://example.org/'; return true";
    ada.run(went, vec![]).await?;
    let framed = "
        window.blocked = [];
        document.addEventListener('securitypolicyviolation', (event) => window.blocked.push(event.effectiveDirective));
        const frame = document.createElement('iframe'); frame.src = 'https://example.org/';
        const image = document.createElement('img'); image.src = 'https://example.org/x.png';
        const script = document.createElement('script'); script.textContent = 'window.ran = true';
        const style = document.createElement('style'); style.textContent = 'body { display: none }';
        document.body.append(frame, image, script, style);
        fetch('https://example.org/').catch(() => {});
        return true";
    ada.run(framed, vec![]).await?;
    let all = "
        const wanted = ['frame-src', 'img-src', 'script-src-elem', 'style-src-elem', 'connect-src'];
        return wanted.every((directive) => window.blocked.includes(directive)) && !window.ran";
    ada.wait("every directive to hold", all, vec![]).await?;
    let frozen = ada.run("return Object.isFrozen(Object.prototype)", vec![]).await?;
    ensure!(frozen == json!(true), "the prototype can be changed");
    let here = ada.run("return location.origin", vec![]).await?;
    ensure!(here == json!("tauri://localhost"), "the page went to {here}");
    ada.close(&desk).await
}
