//! What people do, and what they must see.

mod meeting;
