//! What the page can call. Each command only hands on: the node decides, and the shell's own modules do the rest.

pub(crate) mod host;
pub(crate) mod node;
