//! The server side of a connection: connecting and TLS.
