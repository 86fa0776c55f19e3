//! The client side of a connection: accepting, TLS, startup, cancel requests.

pub mod cancel;
pub mod crew;
pub mod handshake;
pub mod listener;
pub mod stream;

pub use stream::ClientStream;
