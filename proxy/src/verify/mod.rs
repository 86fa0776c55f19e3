//! Compares the old side with the new one.
