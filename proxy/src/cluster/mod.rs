//! Finds PostgreSQL server binaries and runs throw-away clusters with them.
