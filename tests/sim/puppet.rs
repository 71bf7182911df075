//! Placeholder until the hostile set lands.
