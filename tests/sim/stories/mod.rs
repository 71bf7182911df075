//! What people do, and what they must see.

mod delivery;
mod leaving;
mod luck;
mod meeting;
mod outages;
mod pictures;
