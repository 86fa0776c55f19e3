//! A table whose columns move to another one: what the two must have in common, whatever the migration.
//!
//! | file | what it looks at |
//! | --- | --- |
//! | [`step`] | the step, its two tables, and what is called how in each |
//! | [`columns`] | existence, NOT NULL and defaults of the moved columns |
//! | [`key`] | the unique index by which a write finds what belongs to a row |
//! | [`manner`] | how the new table is stored, and what is said of it |
//! | [`indexes`], [`constraints`] | what one table promises of the columns and the other does not |
//! | [`constraints_back`] | what the old one must promise again to be read again |
//! | [`alike`] | whether rows that leave columns to their defaults are in each other's way |
//! | [`deferrable`] | constraints that are checked sooner in the new table |
//! | [`privileges`], [`row_security`] | roles that may use one table and not the other, and the rows they see |
//! | [`owner`], [`granted`] | whose the new table is, and what others may do with it |
//! | [`triggers`] | triggers and rules that are in the way of what is carried, or no longer see it |
//! | [`dependents`] | what else hangs on the columns of the old table |
//! | [`stale`] | what goes on with the new table when it is not written any more |
//! | [`statistics`] | what the planner knows of the new table |

pub(super) mod alike;
pub(super) mod columns;
pub(super) mod constraints;
pub(super) mod constraints_back;
pub(super) mod deferrable;
pub(super) mod dependents;
pub(super) mod granted;
pub(super) mod indexes;
pub(super) mod key;
pub(super) mod manner;
pub(super) mod owner;
pub(super) mod privileges;
pub(super) mod queries;
pub(super) mod row_security;
pub(super) mod stale;
pub(super) mod statistics;
pub(super) mod step;
pub(super) mod triggers;
