//! Every reason to refuse a statement, with SQLSTATE, message and hint.

/// Why a statement is not sent to PostgreSQL. Worded in PostgreSQL's style.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Five characters, PostgreSQL manual appendix A; `0A000` unless PostgreSQL itself has a code
    /// for the same fault.
    pub sqlstate: &'static str,
    /// What is wrong, naming the migration and the construct.
    pub message: String,
    /// The way out.
    pub hint: Option<String>,
    /// Place in the client's text, in characters counted from 1.
    pub position: Option<u32>,
}
