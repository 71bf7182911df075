//! The facade: one typed Command / Event / Snapshot API over engine, store and net.
//!
//! Every host holds a [`Node`]: the Tauri window, `natter-cli peer` and `natter-cli serve`. It opens a profile, runs
//! what the profile needs, and speaks the types of [`api`]. The pieces around it are pure and tested apart: [`mirror`]
//! folds the engine's notices into what hosts see, [`pictures`] prepares what is sent, [`names`] cleans file names,
//! [`media`] decides what a page may show, [`archive`] writes rooms into files and reads them back,
//! [`profile`] says where what is kept.

pub mod api;
pub mod archive;
pub mod config;
mod errors;
mod library;
pub mod media;
pub mod mirror;
pub mod names;
pub mod node;
mod people;
pub mod pictures;
pub mod profile;
pub mod qr;
mod spoken;

pub use config::{NodeConfig, Unattended};
pub use natter_store::backup::{Pictures, Summary};
pub use node::{Imported, Node, backup_profile, restore_profile};
