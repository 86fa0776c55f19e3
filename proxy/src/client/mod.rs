//! The client side of a connection: accepting, TLS, startup, cancel requests.
