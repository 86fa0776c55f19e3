//! PostgreSQL's own parser as an oracle for the rewriting: its trees, and what may differ in them.
//!
//! A workspace of its own, since `pg_query` is C and needs libclang.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`tree`] | a text's trees, without places |
//! | [`shape`] | what the migrations mean, from the specification |
//! | [`tables`] | the same of migrations over more than one table |
//! | [`conversion`] | what a value goes through between two columns |
//! | [`scope`] | what names mean in both texts |
//! | [`mod@label`] | the name of an output column |
//! | [`compare`] | both trees side by side; the list of what may differ |
//! | [`mod@mangle`] | statements changed at random |
//! | [`mod@scan`] | a text as PostgreSQL's scanner sees it |
//! | [`runs`] | how many random cases, from which seed |
//! | [`fate`] | what becomes of a statement, and whether that may be |
//! | [`texts`] | the books and the corpus |
//! | [`golden`], [`moves`], [`stage`] | their readers, shared with the other tests |

// Files of the other tests name what they share by their own crate.
extern crate self as segue_tests;

#[path = "../../../rewrite-rules/tests/support/mod.rs"]
pub mod golden;
#[path = "../../src/moves.rs"]
pub mod moves;
#[path = "../../src/stage.rs"]
pub mod stage;

#[expect(dead_code, reason = "nothing here looks at rows")]
#[path = "../../tests/parity/schemas/mod.rs"]
mod schemas;

pub mod compare;
pub mod conversion;
pub mod fate;
pub mod label;
pub mod mangle;
pub mod runs;
pub mod scan;
pub mod scope;
pub mod shape;
pub mod tables;
pub mod texts;
pub mod tree;

pub use compare::{Depth, Difference, Handling, compare};
pub use shape::Shape;
pub use texts::{Stage, Text, Texts};
