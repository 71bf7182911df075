//! Logs, their causal order, and the sync that fills them.
//!
//! A room's history is one signed, hash-linked `log` per author; entries name their causal parents, so together they
//! form a graph with one order that all members compute alike. `sync` compares how far each side holds each log
//! (version vectors) and asks any member for what is missing; `branches` keeps both histories of who wrote one log twice.

pub mod branches;
pub(crate) mod log;
pub(crate) mod sync;

pub use crate::wire::{Body, Picture};
