//! The configuration: file → raw → checked, with all faults at once.
