//! What a person sees and does in the real window.

mod first_start;
mod layers;
mod person;
mod profiles;
mod two_people;
