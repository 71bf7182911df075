//! Pictures that wait to be sent: in memory, few, the oldest going first.

use super::Prepared;
use std::collections::VecDeque;
use std::sync::Arc;

/// Pictures that may wait at one time.
pub(super) const STAGED: usize = 16;
/// Bytes of pictures that may wait at one time: four of the largest.
pub(super) const STAGED_BYTES: usize = 100 * 1024 * 1024;

/// The pictures staged by this device's hosts.
#[derive(Debug, Default)]
pub struct Shelf {
    waiting: VecDeque<(String, Arc<Prepared>)>,
}

impl Shelf {
    /// Puts a picture on it. When it is over its limits the oldest fall off: a person who stages a seventeenth picture
    /// has forgotten the first.
    pub fn put(&mut self, id: String, picture: Prepared) {
        self.waiting.push_back((id, Arc::new(picture)));
        while self.waiting.len() > STAGED || (self.waiting.len() > 1 && self.bytes() > STAGED_BYTES) {
            self.waiting.pop_front();
        }
    }

    /// Looks at one.
    pub fn get(&self, id: &str) -> Option<Arc<Prepared>> {
        self.waiting.iter().find(|(other, _)| other == id).map(|(_, picture)| Arc::clone(picture))
    }

    /// Takes one off.
    pub fn take(&mut self, id: &str) -> Option<Arc<Prepared>> {
        let at = self.waiting.iter().position(|(other, _)| other == id)?;
        self.waiting.remove(at).map(|(_, picture)| picture)
    }

    fn bytes(&self) -> usize {
        self.waiting.iter().map(|(_, picture)| picture.bytes.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pictures::Format;

    fn picture(bytes: usize) -> Prepared {
        Prepared {
            bytes: vec![0; bytes],
            format: Format::Png,
            width: 1,
            height: 1,
            name: "x.png".into(),
            preview: Vec::new(),
            thumbhash: Vec::new(),
            stripped: false,
        }
    }

    #[test]
    fn the_seventeenth_picture_pushes_the_first_off() {
        let mut shelf = Shelf::default();
        for n in 0..=STAGED {
            shelf.put(n.to_string(), picture(10));
        }
        assert!(shelf.get("0").is_none() && shelf.get("1").is_some() && shelf.get("16").is_some());
        assert!(shelf.take("16").is_some() && shelf.take("16").is_none());
    }

    #[test]
    fn the_bytes_are_bounded_but_one_always_fits() {
        let mut shelf = Shelf::default();
        shelf.put("small".into(), picture(10));
        shelf.put("large".into(), picture(STAGED_BYTES + 1));
        assert!(shelf.get("small").is_none() && shelf.get("large").is_some());
    }
}
