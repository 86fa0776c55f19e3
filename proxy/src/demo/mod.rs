//! The demo: a live rename under load, from expand to contract, with proof.
