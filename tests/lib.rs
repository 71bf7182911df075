//! The tests that need the real thing: sockets, WebRTC, browsers. What a virtual clock can do is `tests/sim`.
