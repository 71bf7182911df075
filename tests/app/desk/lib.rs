//! A desk with real windows on it: Xvfb for the screen, openbox for the frames, a session bus with a notification
//! daemon of our own, one home, and for each app a profile and a WebKitWebDriver to see and press what a person would.
//!
//! ```text
//! Desk ── Xvfb :N, openbox, dbus-daemon ── Notifications (org.freedesktop.Notifications)
//!   └─ App "ada" ── WebKitWebDriver ── natter --profile ada
//!   └─ App "ben" ── WebKitWebDriver ── natter --profile ben
//! ```
//!
//! Nothing is skipped when a program is missing: the desk says what to install and the test fails. Nothing outlives
//! it: every process is in a group that is killed when its owner is dropped.

mod app;
mod desk;
mod notifications;
mod process;
mod wait;

pub use app::App;
pub use desk::Desk;
pub use notifications::{Notification, Notifications};
pub use wait::{DEADLINE, until};
