//! Puts the app together: plugins, node, window, and a clean end.

use crate::attention::Attention;
use crate::events::Subscription;
use crate::leaving::{self, Leaving};
use crate::notify::{self, Limit, Ring};
use crate::options::Options;
use crate::{commands, media, window};
use natter_node::api::{ApiError, Change};
use natter_node::{Node, NodeConfig};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tauri::{App, AppHandle, Manager, RunEvent, WindowEvent, async_runtime};
use tauri_plugin_dialog::{DialogExt, MessageDialogKind};
use tauri_plugin_notification::NotificationExt;
use tokio::sync::broadcast::error::RecvError;

/// How long the goodbye to other members may take.
const GOODBYE: Duration = Duration::from_secs(2);

/// Runs until the window closes or the system asks the app to end.
pub(crate) fn run(options: Options) -> ExitCode {
    log_to_stderr();
    let built = tauri::Builder::default()
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_notification::init())
        .plugin(tauri_plugin_opener::Builder::new().open_js_links_on_click(false).build())
        .register_asynchronous_uri_scheme_protocol(media::SCHEME, media::serve)
        .invoke_handler(tauri::generate_handler![
            commands::host::open_external,
            commands::host::save_blob,
            commands::node::request,
            commands::node::stage,
            commands::node::subscribe,
        ])
        .setup(move |app| Ok(set_up(app, &options)?))
        .build(tauri::generate_context!());
    match built {
        Ok(app) => ExitCode::from(u8::try_from(app.run_return(on_event)).unwrap_or(1)),
        Err(error) => {
            eprintln!("natter: {error}");
            ExitCode::FAILURE
        }
    }
}

fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("NATTER_LOG").unwrap_or_else(|_| "warn".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}

fn set_up(app: &mut App, options: &Options) -> anyhow::Result<()> {
    let data_dir = options.data_dir(&app.path().app_data_dir()?);
    let node = match async_runtime::block_on(Node::open(NodeConfig::new(data_dir.clone()))) {
        Ok(node) => node,
        Err(error) => {
            refuse(app, &error);
            return Ok(());
        }
    };
    app.manage(node.clone());
    app.manage(Attention::default());
    app.manage(Subscription::default());
    app.manage(Leaving::default());
    notify::listen(app.handle())?;
    async_runtime::spawn(ring(app.handle().clone(), node));
    #[cfg(unix)]
    async_runtime::spawn(end_on_signal(app.handle().clone()));
    window::open(app, options, &data_dir)?;
    Ok(())
}

/// The profile cannot be opened at all: says why, then ends.
fn refuse(app: &App, error: &ApiError) {
    tracing::error!(code = ?error.code, "cannot start: {error}");
    eprintln!("natter: {error}");
    let handle = app.handle().clone();
    app.dialog()
        .message(&error.message)
        .title("Natter cannot start")
        .kind(MessageDialogKind::Error)
        .show(move |_| handle.exit(1));
}

fn on_event(app: &AppHandle, event: RunEvent) {
    match event {
        RunEvent::WindowEvent { event: WindowEvent::Focused(focused), .. } => on_focus(app, focused),
        RunEvent::WindowEvent { event: WindowEvent::CloseRequested { api, .. }, .. } => leaving::ask(app, &api),
        RunEvent::Exit => {
            let Some(node) = app.try_state::<Node>() else { return };
            let goodbye = async { tokio::time::timeout(GOODBYE, node.shutdown()).await };
            if async_runtime::block_on(goodbye).is_err() {
                tracing::warn!("left without a goodbye to everyone");
            }
        }
        // RunEvent is non-exhaustive and not ours.
        _ => {}
    }
}

fn on_focus(app: &AppHandle, focused: bool) {
    let (Some(node), Some(attention)) = (app.try_state::<Node>(), app.try_state::<Attention>()) else { return };
    let (node, command) = (node.inner().clone(), attention.window(focused));
    async_runtime::spawn(async move {
        // Before set-up the node has nothing to focus, and says so.
        if let Err(error) = node.request(command).await {
            tracing::debug!(code = ?error.code, "focus not taken");
        }
    });
    if focused && let Err(error) = app.notification().remove_all_active() {
        tracing::debug!(%error, "notifications stay");
    }
}

/// Rings while the window is elsewhere.
async fn ring(app: AppHandle, node: Node) {
    let mut limit = Limit::new(Instant::now());
    let (_, mut events) = node.subscribe();
    loop {
        let change = match events.recv().await {
            Ok(event) => event.change,
            Err(RecvError::Lagged(_)) => continue,
            Err(RecvError::Closed) => return,
        };
        let Change::Ring { room, room_name, message, name, text } = change else { continue };
        if !app.state::<Attention>().focused() && limit.take(Instant::now()) {
            notify::show(&app, &Ring { room, room_name, message, name, text });
        }
    }
}

/// `kill` and Ctrl+C end the app as closing the window does.
#[cfg(unix)]
async fn end_on_signal(app: AppHandle) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::warn!("signals end the app without a goodbye");
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    app.exit(0);
}
