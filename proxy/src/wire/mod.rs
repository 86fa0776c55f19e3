//! PostgreSQL frontend/backend protocol: framing and the few messages that are inspected.
