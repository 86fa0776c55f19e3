//! The channel by which `segue` commands talk to a running proxy.
