//! Logs, their causal order, and the sync that fills them.

pub use crate::wire::{Body, Picture};
