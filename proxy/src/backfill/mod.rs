//! Copies the old side to the new one in batches.
