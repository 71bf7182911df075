//! What every store must do, told as stories; and [`agree`], which lets chance write and compares every read of two.

mod earlier;
mod finding;
mod random;
mod stories;

pub use random::{Step, agree, compare, steps};

use crate::Store;
use natter_engine::ids::BlobHash;
use std::sync::Arc;

/// A store under test, with the deeds that its trait leaves out.
pub trait Subject {
    /// The store, fresh at first.
    fn store(&self) -> Arc<dyn Store>;
    /// Ends the program and starts it again: what was committed must be there.
    fn restart(&mut self);
    /// Puts a content among the blobs.
    fn put_blob(&self, bytes: &[u8]) -> BlobHash;
}

/// Every story, each over a fresh store.
///
/// # Panics
/// When the store does not do as told.
pub fn run(mut fresh: impl FnMut() -> Box<dyn Subject>) {
    for (name, story) in [stories::ALL, earlier::ALL, finding::ALL].concat() {
        println!("story: {name}");
        story(&mut *fresh());
    }
}
