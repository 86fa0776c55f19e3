//! Loads what the database really has into `rewrite_rules::Catalog`.
