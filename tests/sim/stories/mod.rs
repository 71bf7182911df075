//! What people do, and what they must see.

mod about;
mod delivery;
mod device_nights;
mod devices;
mod forks;
mod leaving;
mod luck;
mod meeting;
mod members;
mod outages;
mod pictures;
mod restored;
mod spoken;
mod walked;
