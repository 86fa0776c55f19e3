//! Decides what PostgreSQL should receive: rules and a catalog in, lenses and rewritten SQL out.
//!
//! This package is pure: no IO, no clock, no environment, no log, no async. Reading order:
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`rule`] | the migration rules as an operator writes them |
//! | [`phase`] | the phases of each kind, and which steps between them are legal |
//! | [`shape`] | which shape of the schema a client speaks |
//! | [`catalog`] | tables, columns, keys and function volatilities as plain data |
//! | [`mod@compile`] | rules + catalog → [`lens::Lens`]es, with all faults at once |
//! | [`system_catalog`] | the server's own catalogs, and what hangs on a table's columns |
//! | [`lens`] | what one governed table means: how each logical column is read and written |
//! | [`naming`] | what the server calls by names that a client does not expect |
//! | [`catalog_lens`] | the same for the server's own catalogs, and for functions about them |
//! | [`generation`] | the immutable set of lenses that a transaction lives in; the front door to rewriting |
//! | [`outcome`] | forward, rewritten, or refused |
//! | [`encoding`] | how far an encoding's bytes can be trusted |
//! | [`prepared`] | what a text does to the session's prepared statements |
//! | `prefilter` | one pass over the bytes, so that most statements cost nothing |
//! | `belief` | what is believed of a text, for tests that doubt it |
//! | `statement` | a text as tokens and trees |
//! | `lexer`, `keyword` | PostgreSQL's tokens and words; `trust` doubts them |
//! | `desugar`, `dialect` | help the parser with what it does not know of PostgreSQL |
//! | `copy_syntax` | COPY's own grammar |
//! | `scope` | names to relations |
//! | `rewrite` | one file per statement form applies lenses; `rewrite/mod.rs` is the order of work |
//! | `volatility` | may this expression be evaluated twice? |
//! | `edit` | edits to the source text, and the map of positions back |
//! | [`template`] | what becomes of all texts that differ in their values alone |
//! | `values` | a statement without its values, to be shown |
//! | [`refusal`] | every reason to refuse, with SQLSTATE, message and hint |

pub mod catalog;
pub mod catalog_lens;
pub mod compile;
pub mod encoding;
pub mod generation;
pub mod lens;
pub mod name;
pub mod naming;
pub mod outcome;
pub mod phase;
pub mod prepared;
pub mod refusal;
pub mod rule;
pub mod shape;
pub mod system_catalog;
pub mod template;

#[doc(hidden)]
pub mod belief;

mod copy_syntax;
mod desugar;
mod dialect;
mod edit;
mod grams;
mod keyword;
mod lexer;
mod prefilter;
mod rewrite;
mod scope;
mod statement;
mod trust;
mod values;
mod volatility;

pub use catalog::Catalog;
pub use compile::{Fault, compile};
pub use encoding::Encoding;
pub use generation::{Generation, Scan, SearchPath, SessionView};
pub use outcome::{
    CopyFormat, CopyHeader, CopyIn, CopyRows, HeaderName, Mirror, Notice, Outcome, PositionMap,
    Reply, Rewritten, STAGING_TABLE,
};
pub use phase::Phase;
pub use prepared::{PreparedUse, prepared_uses};
pub use refusal::{Construct, Refusal};
pub use rule::Rule;
pub use shape::Shape;
pub use statement::{Reading, reading};
pub use template::{Masked, Template};
pub use values::without_values;
