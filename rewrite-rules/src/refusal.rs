//! Every reason to refuse a statement, with SQLSTATE, message and hint.

mod construct;

use crate::lens::Lens;

pub use self::construct::Construct;

/// Why a statement is not sent to PostgreSQL. Worded in PostgreSQL's style.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Five characters, PostgreSQL manual appendix A; `0A000` unless PostgreSQL itself has a code
    /// for the same fault.
    pub sqlstate: &'static str,
    /// What is wrong, naming the migration and the construct.
    pub message: String,
    /// More of what is wrong, where PostgreSQL says so.
    pub detail: Option<&'static str>,
    /// The way out.
    pub hint: Option<String>,
    /// Place in the client's text, in characters counted from 1.
    pub position: Option<u32>,
    /// Whether it stands even where statements that cannot be read are forwarded.
    pub in_every_phase: bool,
}

/// `feature_not_supported`.
const NOT_SUPPORTED: &str = "0A000";
/// `serialization_failure`.
const SERIALIZATION_FAILURE: &str = "40001";
/// `cardinality_violation`.
const CARDINALITY_VIOLATION: &str = "21000";
/// `insufficient_privilege`.
const INSUFFICIENT_PRIVILEGE: &str = "42501";
/// `ambiguous_column`.
const AMBIGUOUS_COLUMN: &str = "42702";
/// `undefined_column`.
const UNDEFINED_COLUMN: &str = "42703";
/// `undefined_table`.
const UNDEFINED_TABLE: &str = "42P01";
/// `duplicate_column`.
const DUPLICATE_COLUMN: &str = "42701";
/// `syntax_error`.
const SYNTAX_ERROR: &str = "42601";
/// `wrong_object_type`.
const WRONG_OBJECT_TYPE: &str = "42809";
/// `invalid_column_reference`.
const INVALID_COLUMN_REFERENCE: &str = "42P10";
/// `invalid_cursor_definition`.
const INVALID_CURSOR: &str = "42P11";
/// `program_limit_exceeded`.
const TOO_COMPLEX: &str = "54000";
/// `statement_too_complex`.
const TOO_DEEP: &str = "54001";

/// What a statement lacks of a name in it.
#[derive(Debug)]
pub(crate) enum Missing {
    /// A relation with such a column.
    Column,
    /// The column, of the relation that is called so.
    ColumnOf(String),
    /// A relation that is called so.
    Table(String),
    /// The same, but one that has the name otherwise: under an alias.
    Reference(String),
}

/// What a cursor may be besides a way forward through rows that are there now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CursorKind {
    /// WITH HOLD.
    Holdable,
    /// SCROLL.
    Scrollable,
    /// INSENSITIVE.
    Insensitive,
}

impl Refusal {
    pub(crate) fn construct(construct: Construct, lens: &Lens) -> Self {
        Self {
            sqlstate: NOT_SUPPORTED,
            message: format!(
                "cannot rewrite {} on table \"{}\" during migration {}",
                construct.description(),
                lens.relation,
                migrations(lens),
            ),
            detail: None,
            hint: Some(construct.hint().to_owned()),
            position: None,
            in_every_phase: false,
        }
    }

    /// Whether the statement is only beyond what can be rewritten, and not itself at fault.
    pub(crate) fn is_unsupported(&self) -> bool {
        matches!(self.sqlstate, NOT_SUPPORTED | TOO_DEEP) && !self.in_every_phase
    }

    /// Where the new column exists already, it would show: that is refused in every phase.
    pub(crate) fn no_derived_table(reason: &'static str, lens: &Lens) -> Self {
        Self {
            in_every_phase: lens.hidden_exists,
            ..Self::construct(Construct::NoDerivedTable(reason), lens)
        }
    }

    /// ON CONFLICT DO UPDATE of a row that the statement has written, worded as PostgreSQL words it.
    pub(crate) fn updated_twice() -> Self {
        Self {
            sqlstate: CARDINALITY_VIOLATION,
            message: "ON CONFLICT DO UPDATE command cannot affect row a second time".to_owned(),
            detail: None,
            hint: Some(
                "Ensure that no rows proposed for insertion within the same command have duplicate \
                 constrained values."
                    .to_owned(),
            ),
            position: None,
            in_every_phase: false,
        }
    }

    /// Worded as PostgreSQL words it.
    pub(crate) fn permission_denied(lens: &Lens) -> Self {
        Self {
            sqlstate: INSUFFICIENT_PRIVILEGE,
            message: format!("permission denied for table {}", lens.relation.name),
            detail: None,
            hint: None,
            position: None,
            in_every_phase: false,
        }
    }

    /// TRUNCATE of a table of which the role may not see all rows.
    pub(crate) fn rows_hidden(lens: &Lens) -> Self {
        Self {
            sqlstate: NOT_SUPPORTED,
            message: format!(
                "cannot truncate table \"{}\" during migration {}: a policy may hide rows of it",
                lens.relation,
                migrations(lens)
            ),
            detail: None,
            hint: Some(
                "use DELETE for the rows that are seen, or a role that no policy holds for"
                    .to_owned(),
            ),
            position: None,
            in_every_phase: true,
        }
    }

    /// TRUNCATE of a table to which another one refers, worded as PostgreSQL words it.
    pub(crate) fn referenced() -> Self {
        Self {
            sqlstate: NOT_SUPPORTED,
            message: "cannot truncate a table referenced in a foreign key constraint".to_owned(),
            detail: None,
            hint: Some("delete the rows of the tables that refer to it, then its own".to_owned()),
            position: None,
            in_every_phase: true,
        }
    }

    /// A row that is no more what the statement saw, worded as PostgreSQL words it.
    pub(crate) fn serialization_failure() -> Self {
        Self {
            sqlstate: SERIALIZATION_FAILURE,
            message: "could not serialize access due to concurrent update".to_owned(),
            detail: None,
            hint: None,
            position: None,
            in_every_phase: false,
        }
    }

    pub(crate) fn ambiguous(column: &str) -> Self {
        Self {
            sqlstate: AMBIGUOUS_COLUMN,
            message: format!("column reference \"{column}\" is ambiguous"),
            detail: None,
            hint: None,
            position: None,
            in_every_phase: false,
        }
    }

    pub(crate) fn no_column(column: &str, lens: &Lens) -> Self {
        Self {
            sqlstate: UNDEFINED_COLUMN,
            message: format!(
                "column \"{column}\" of relation \"{}\" does not exist",
                lens.relation.name
            ),
            detail: None,
            hint: None,
            position: None,
            in_every_phase: false,
        }
    }

    /// A table that is not there, worded as PostgreSQL words it.
    pub(crate) fn no_relation(name: &str) -> Self {
        Self {
            sqlstate: UNDEFINED_TABLE,
            message: format!("relation \"{name}\" does not exist"),
            detail: None,
            hint: None,
            position: None,
            in_every_phase: false,
        }
    }

    /// A name that no relation of the statement has, worded as PostgreSQL words it.
    pub(crate) fn unresolved(column: &str, missing: &Missing) -> Self {
        let (sqlstate, message) = match missing {
            Missing::Column => (UNDEFINED_COLUMN, format!("column \"{column}\" does not exist")),
            Missing::ColumnOf(table) => {
                (UNDEFINED_COLUMN, format!("column {table}.{column} does not exist"))
            }
            Missing::Table(table) => {
                (UNDEFINED_TABLE, format!("missing FROM-clause entry for table \"{table}\""))
            }
            Missing::Reference(table) => (
                UNDEFINED_TABLE,
                format!("invalid reference to FROM-clause entry for table \"{table}\""),
            ),
        };
        Self { sqlstate, message, detail: None, hint: None, position: None, in_every_phase: false }
    }

    /// A column that is assigned twice under one name, worded as PostgreSQL words it.
    pub(crate) fn assigned_again(column: &str) -> Self {
        Self {
            sqlstate: SYNTAX_ERROR,
            message: format!("multiple assignments to same column \"{column}\""),
            detail: None,
            hint: None,
            position: None,
            in_every_phase: false,
        }
    }

    pub(crate) fn assigned_twice(column: &str, lens: &Lens) -> Self {
        Self {
            sqlstate: DUPLICATE_COLUMN,
            message: format!(
                "column \"{column}\" is assigned under both of its names during migration {}",
                migrations(lens)
            ),
            detail: None,
            hint: Some("write only one of the two names, the proxy writes the other".to_owned()),
            position: None,
            in_every_phase: false,
        }
    }

    /// COPY TO of a partitioned table, worded as PostgreSQL words it.
    pub(crate) fn partitioned(lens: &Lens) -> Self {
        Self {
            sqlstate: WRONG_OBJECT_TYPE,
            message: format!("cannot copy from partitioned table \"{}\"", lens.relation.name),
            detail: None,
            hint: Some("Try the COPY (SELECT ...) TO variant.".to_owned()),
            position: None,
            in_every_phase: true,
        }
    }

    /// A column that is listed twice, worded as PostgreSQL words it for COPY.
    pub(crate) fn listed_twice(column: &str) -> Self {
        Self {
            sqlstate: DUPLICATE_COLUMN,
            message: format!("column \"{column}\" specified more than once"),
            detail: None,
            hint: None,
            position: None,
            in_every_phase: true,
        }
    }

    /// An INSERT whose values are not as many as its columns, worded as PostgreSQL words it.
    pub(crate) fn values_and_columns(more_values: bool) -> Self {
        let (more, fewer) = match more_values {
            true => ("expressions", "target columns"),
            false => ("target columns", "expressions"),
        };
        Self {
            sqlstate: SYNTAX_ERROR,
            message: format!("INSERT has more {more} than {fewer}"),
            detail: None,
            hint: None,
            position: None,
            in_every_phase: true,
        }
    }

    /// A generated column that is listed, worded as PostgreSQL words it for COPY.
    pub(crate) fn generated(column: &str) -> Self {
        Self {
            sqlstate: INVALID_COLUMN_REFERENCE,
            message: format!("column \"{column}\" is a generated column"),
            detail: None,
            hint: None,
            position: None,
            in_every_phase: true,
        }
    }

    /// A cursor that locks rows and is more than a way forward through them, worded as PostgreSQL words it. `lock`: the
    /// clause.
    pub(crate) fn cursor(kind: CursorKind, lock: &str) -> Self {
        let (sqlstate, said, detail) = match kind {
            CursorKind::Holdable => (
                NOT_SUPPORTED,
                ["CURSOR WITH HOLD", "supported"],
                "Holdable cursors must be READ ONLY.",
            ),
            CursorKind::Scrollable => (
                NOT_SUPPORTED,
                ["SCROLL CURSOR", "supported"],
                "Scrollable cursors must be READ ONLY.",
            ),
            CursorKind::Insensitive => (
                INVALID_CURSOR,
                ["INSENSITIVE CURSOR", "valid"],
                "Insensitive cursors must be READ ONLY.",
            ),
        };
        let [cursor, lacking] = said;
        Self {
            sqlstate,
            message: format!("DECLARE {cursor} ... {lock} is not {lacking}"),
            detail: Some(detail),
            hint: None,
            position: None,
            in_every_phase: true,
        }
    }

    pub(crate) fn too_large(what: &str, limit: usize) -> Self {
        Self {
            sqlstate: TOO_COMPLEX,
            message: format!(
                "statement names a table under migration and has more than {limit} {what}"
            ),
            detail: None,
            hint: Some("split the statement".to_owned()),
            position: None,
            in_every_phase: false,
        }
    }

    pub(crate) fn too_deep(limit: usize) -> Self {
        Self {
            sqlstate: TOO_DEEP,
            message: format!(
                "statement names a table under migration and nests more than {limit} levels deep"
            ),
            detail: None,
            hint: Some("nest less deeply".to_owned()),
            position: None,
            in_every_phase: false,
        }
    }

    /// A bug of ours, found by our own check: never a forward.
    pub(crate) fn internal(what: &str, lens: &Lens) -> Self {
        Self {
            sqlstate: "XX000",
            message: format!(
                "rewriting for migration {} failed its own check: {what}",
                migrations(lens)
            ),
            detail: None,
            hint: Some("please report the statement as a bug of the proxy".to_owned()),
            position: None,
            in_every_phase: false,
        }
    }

    pub(crate) fn at(self, position: u32) -> Self {
        Self { position: Some(position), ..self }
    }
}

fn migrations(lens: &Lens) -> String {
    let quoted: Vec<String> = lens.migrations.iter().map(|name| format!("\"{name}\"")).collect();
    quoted.join(", ")
}
