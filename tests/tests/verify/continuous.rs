//! continuous
