//! The window's tests: one binary, so that the desk is built once.

mod real_window;
