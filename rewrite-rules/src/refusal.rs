//! Every reason to refuse a statement, with SQLSTATE, message and hint.

use crate::lens::Lens;

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
    /// Whether it stands even where statements that cannot be read are forwarded.
    pub in_every_phase: bool,
}

/// `feature_not_supported`.
const NOT_SUPPORTED: &str = "0A000";
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
/// `program_limit_exceeded`.
const TOO_COMPLEX: &str = "54000";
/// `statement_too_complex`.
const TOO_DEEP: &str = "54001";

/// A construct that cannot be rewritten, by what an operator would call it.
///
/// A list and not a text, so that the documentation and the tests can go through all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Construct {
    /// The parser could not read the text, or must not be believed.
    Unreadable,
    /// A backslash while `standard_conforming_strings` is off.
    Backslash,
    /// `MERGE … RETURNING`.
    MergeReturning,
    /// A value of MERGE's INSERT that must be evaluated once and stored twice.
    MergeVolatile,
    /// MERGE into a table whose columns another table holds too.
    MergeCarried,
    /// A write of a row's key together with what another table holds under it.
    KeyAndMoved,
    /// RETURNING a `*` of which the columns are not known, of what another table holds too.
    ReturningUnknown,
    /// A data-modifying WITH query that has a WITH of its own, of what another table holds too.
    NestedWith,
    /// SET of several columns at once, or of a part of one, where another table holds some.
    MovedAssignment,
    /// WHERE CURRENT OF where another table holds some columns.
    MovedCursor,
    /// RETURNING of a statement over several relations where another table holds some columns.
    MovedReturning,
    /// A row lock over several relations, or one that must not lock more than it returns, where another
    /// table holds some columns.
    MovedLock,
    /// ON CONFLICT where another table holds some columns, but for DO NOTHING on what the table itself holds.
    MovedUpsert,
    /// An INSERT without the key that another table's rows need, which has no default.
    KeyWithoutDefault,
    /// Several other tables that hold columns under different keys.
    SeveralKeys,
    /// An INSERT, where the statement gives up keys whose rows in the other table go when it ends.
    KeyFreed,
    /// A write of a table that columns move to while only the table that they come from is written.
    NotWritten,
    /// A new key for a row of the table that columns move to.
    HalfKey,
    /// A column of the table that columns move to of which the other table knows nothing.
    OtherColumn,
    /// One statement that writes both the table that columns move to and the one that they come from.
    BothHalves,
    /// DELETE from the table that columns move to, where they cannot be NULL in the other one.
    HalfNotNull,
    /// ON CONFLICT DO UPDATE of the table that columns move to, with more than the new values.
    HalfUpsert,
    /// ON CONFLICT of the table that columns move to, by anything but its key.
    HalfArbiter,
    /// Another command on the table that columns move to.
    HalfCommand,
    /// A new key for a row of a table that is merged, or that others are merged into.
    MergedKey,
    /// A write of the table that others are merged into, which is read from them as yet.
    MergedRead,
    /// One statement that writes several parts of one merged row.
    MergedParts,
    /// ON CONFLICT of a table that is merged, where another part of the row may be there alone.
    MergedUpsert,
    /// SET of the column that tells whether a row has a part, while that part is written elsewhere too.
    MergedPresence,
    /// A row lock of a merged table beside other relations, or while its rows are gathered.
    MergedLock,
    /// Another command on a table that is merged, or that others are merged into.
    MergedCommand,
    /// An option of COPY that could say that the rows are told apart in another way.
    CopyOption,
    /// COPY rows in an encoding in which they cannot be told apart.
    CopyEncoding,
    /// `COPY … FROM … (FREEZE)` by way of a temporary table.
    CopyFreeze,
    /// A COPY that leaves to the server what only the server can compute, and only in the table
    /// itself.
    CopyDefault,
    /// Any other statement that names a governed table: DDL, privileges, rules, triggers.
    Utility,
    /// A whole-row reference, or what else needs a derived table, where none can stand.
    NoDerivedTable(&'static str),
    /// A governed name in a place that was not recognised.
    UnknownPlace,
    /// An INSERT whose source's columns cannot be counted.
    InsertSource,
    /// `DEFAULT` of a server-assigned column beside a volatile expression.
    VolatileDefault,
    /// `SET (a, b) = (SELECT …)` or `= ROW(…)` in a form that cannot be extended.
    RowAssignment,
    /// `ON CONFLICT ON CONSTRAINT` with a name that may be that of a constraint that is gone.
    ConflictConstraint,
    /// INSERT, UPDATE or MERGE of a view over the table.
    ThroughView,
    /// A subscript or field of a column that is stored twice, beside what cannot be repeated.
    ColumnPart,
    /// A syntax that PostgreSQL does not have.
    NotPostgres(&'static str),
}

impl Construct {
    /// All that have one description.
    pub const ALL: [Self; 43] = [
        Self::Unreadable,
        Self::Backslash,
        Self::MergeReturning,
        Self::MergeVolatile,
        Self::MergeCarried,
        Self::KeyAndMoved,
        Self::ReturningUnknown,
        Self::NestedWith,
        Self::MovedAssignment,
        Self::MovedCursor,
        Self::MovedReturning,
        Self::MovedLock,
        Self::MovedUpsert,
        Self::KeyWithoutDefault,
        Self::SeveralKeys,
        Self::KeyFreed,
        Self::NotWritten,
        Self::HalfKey,
        Self::OtherColumn,
        Self::BothHalves,
        Self::HalfNotNull,
        Self::HalfUpsert,
        Self::HalfArbiter,
        Self::HalfCommand,
        Self::MergedKey,
        Self::MergedRead,
        Self::MergedParts,
        Self::MergedUpsert,
        Self::MergedPresence,
        Self::MergedLock,
        Self::MergedCommand,
        Self::CopyOption,
        Self::CopyEncoding,
        Self::CopyFreeze,
        Self::CopyDefault,
        Self::Utility,
        Self::UnknownPlace,
        Self::InsertSource,
        Self::VolatileDefault,
        Self::RowAssignment,
        Self::ConflictConstraint,
        Self::ThroughView,
        Self::ColumnPart,
    ];

    /// What it is called in the message of a refusal.
    #[must_use]
    pub fn description(self) -> String {
        match self {
            Self::Unreadable => "a statement that could not be read".to_owned(),
            Self::Backslash => "a backslash while standard_conforming_strings is off".to_owned(),
            Self::MergeReturning => "RETURNING of MERGE".to_owned(),
            Self::MergeVolatile => "a volatile value in MERGE's INSERT".to_owned(),
            Self::MergeCarried => "MERGE into a table of which columns move to another".to_owned(),
            Self::KeyAndMoved => "a new key together with a column that moves".to_owned(),
            Self::ReturningUnknown => "a * in RETURNING over a relation not known".to_owned(),
            Self::NestedWith => "a WITH inside a data-modifying WITH query".to_owned(),
            Self::MovedAssignment => {
                "SET of several columns at once or of a part of one".to_owned()
            }
            Self::MovedCursor => "WHERE CURRENT OF with a column that has moved".to_owned(),
            Self::MovedReturning => {
                "RETURNING over several relations, with columns that have moved,".to_owned()
            }
            Self::MovedLock => "this row lock with columns that have moved".to_owned(),
            Self::MovedUpsert => "ON CONFLICT with columns that have moved".to_owned(),
            Self::KeyWithoutDefault => "INSERT without the key, which has no default,".to_owned(),
            Self::SeveralKeys => "columns that have moved under different keys".to_owned(),
            Self::KeyFreed => "an INSERT beside a DELETE or a new key".to_owned(),
            Self::NotWritten => "a write of the table that columns move to".to_owned(),
            Self::HalfKey => "a new key for a row that columns move to".to_owned(),
            Self::OtherColumn => "a column that nothing is moved to".to_owned(),
            Self::BothHalves => "a write of both tables of a split in one statement".to_owned(),
            Self::HalfNotNull => {
                "DELETE of what cannot be NULL in the table that it comes from".to_owned()
            }
            Self::HalfUpsert => "ON CONFLICT DO UPDATE that reads what is there".to_owned(),
            Self::HalfArbiter => "ON CONFLICT of anything but the key".to_owned(),
            Self::HalfCommand => "this command on the table that columns move to".to_owned(),
            Self::MergedKey => "a new key for a row of a merged table".to_owned(),
            Self::MergedRead => "a write of the table that others are merged into".to_owned(),
            Self::MergedParts => "a write of several merged tables in one statement".to_owned(),
            Self::MergedUpsert => "this ON CONFLICT on a merged table".to_owned(),
            Self::MergedPresence => "SET of the column that tells which rows are there".to_owned(),
            Self::MergedLock => "this row lock of a merged table".to_owned(),
            Self::MergedCommand => "this command on a merged table".to_owned(),
            Self::CopyOption => "COPY FROM with this option".to_owned(),
            Self::CopyEncoding => {
                "COPY FROM in an encoding whose bytes can look like ASCII".to_owned()
            }
            Self::CopyFreeze => "COPY FROM with FREEZE".to_owned(),
            Self::CopyDefault => "COPY FROM that needs a column's own default".to_owned(),
            Self::Utility => "this statement".to_owned(),
            Self::NoDerivedTable(reason) => reason.to_owned(),
            Self::UnknownPlace => "a governed name in this place".to_owned(),
            Self::InsertSource => "INSERT from a source whose columns are not known".to_owned(),
            Self::VolatileDefault => {
                "DEFAULT of a generated column beside a volatile expression".to_owned()
            }
            Self::RowAssignment => {
                "assignment of a row or sub-select to several columns".to_owned()
            }
            Self::ConflictConstraint => {
                "ON CONFLICT ON CONSTRAINT of a constraint that may be gone".to_owned()
            }
            Self::ThroughView => "a write through a view".to_owned(),
            Self::ColumnPart => "an assignment to a part of a column".to_owned(),
            Self::NotPostgres(what) => what.to_owned(),
        }
    }

    fn hint(self) -> &'static str {
        match self {
            Self::Unreadable => {
                "simplify the statement, or send it on a direct connection \
                                 while the migration is in phase \"expand\""
            }
            Self::Backslash => "set standard_conforming_strings = on",
            Self::MergeReturning => "use INSERT … ON CONFLICT … RETURNING",
            Self::MergeVolatile => "compute it in the sub-select after USING",
            Self::MergeCarried => "use INSERT … ON CONFLICT, or UPDATE and INSERT",
            Self::KeyAndMoved => "change the key in a statement of its own",
            Self::ReturningUnknown => "name the columns that are needed one by one",
            Self::NestedWith => "put its queries into the outer WITH list",
            Self::MovedAssignment => "assign each column by itself",
            Self::MovedCursor => "name the row by its key",
            Self::MovedReturning => "read the rows in a statement of their own",
            Self::MovedLock => {
                "lock the rows in a statement of their own that names columns that stay, and read the others \
                 then"
            }
            Self::MovedUpsert => "use INSERT … ON CONFLICT (key) DO NOTHING, and UPDATE",
            Self::KeyWithoutDefault => "give the key a value",
            Self::SeveralKeys => "split a table by one key at a time",
            Self::KeyFreed => "send the INSERT as a statement of its own",
            Self::NotWritten => {
                "write the table that the columns come from: this one can be written from phase \
                 \"dual-write\" on"
            }
            Self::HalfKey | Self::MergedKey => "delete the row and insert it under its new key",
            Self::OtherColumn => {
                "name the columns that have moved one by one: the others can be used from phase \
                 \"stop-dual-write\" on"
            }
            Self::BothHalves => "send two statements, in one transaction",
            Self::HalfNotNull => "update the row, or drop the old column's NOT NULL first",
            Self::HalfUpsert => {
                "set each column to a new value, to EXCLUDED's for example, or use \
                 INSERT … ON CONFLICT DO NOTHING, and UPDATE"
            }
            Self::HalfArbiter => {
                "name the key, ON CONFLICT (key), as rows may not have been copied to this table yet"
            }
            Self::HalfCommand => {
                "use SELECT, INSERT, UPDATE or DELETE, or wait for phase \"stop-dual-write\""
            }
            Self::MergedRead => {
                "write the tables that are merged: this one can be written from phase \"switch-reads\" on"
            }
            Self::MergedParts => "send a statement for each of the tables",
            Self::MergedUpsert => {
                "name the key, ON CONFLICT (key), and set columns one by one; or use UPDATE and INSERT"
            }
            Self::MergedPresence => {
                "insert or delete the row of the old table, or wait for phase \"stop-dual-write\""
            }
            Self::MergedLock => {
                "lock its rows in a SELECT of its own; the table that others are merged into has none to lock \
                 before phase \"switch-reads\""
            }
            Self::MergedCommand => "use SELECT, INSERT, UPDATE or DELETE",
            Self::CopyOption => "leave the option out, or write it as a plain literal",
            Self::CopyEncoding => "send the rows in UTF8",
            Self::CopyFreeze => "leave FREEZE out",
            Self::CopyDefault => "list the column and send its values, or use INSERT",
            Self::Utility => "run it on a direct connection to PostgreSQL, not through the proxy",
            Self::NoDerivedTable(_) => "name the columns that are needed one by one",
            Self::UnknownPlace => {
                "write the name qualified by its table's alias, or rename the \
                                   other object of that name"
            }
            Self::InsertSource => "name the source's columns one by one",
            Self::VolatileDefault => "leave the generated column out of the INSERT",
            Self::RowAssignment => "assign the columns one by one",
            Self::ConflictConstraint => {
                "name the column, ON CONFLICT (column), or let the migration say what took the constraint's \
                 place: constraints = { old_name = \"new_name\" }"
            }
            Self::ThroughView => "write to the table itself",
            Self::ColumnPart => "assign the whole column",
            Self::NotPostgres(_) => "write it as PostgreSQL's manual has it",
        }
    }
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

    pub(crate) fn ambiguous(column: &str) -> Self {
        Self {
            sqlstate: AMBIGUOUS_COLUMN,
            message: format!("column reference \"{column}\" is ambiguous"),
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
            hint: None,
            position: None,
            in_every_phase: false,
        }
    }

    /// A name that no relation of the statement has, worded as PostgreSQL words it.
    pub(crate) fn unresolved(column: &str, table: Option<&str>) -> Self {
        let (sqlstate, message) = match table {
            Some(table) => {
                (UNDEFINED_TABLE, format!("missing FROM-clause entry for table \"{table}\""))
            }
            None => (UNDEFINED_COLUMN, format!("column \"{column}\" does not exist")),
        };
        Self { sqlstate, message, hint: None, position: None, in_every_phase: false }
    }

    pub(crate) fn assigned_twice(column: &str, lens: &Lens) -> Self {
        Self {
            sqlstate: DUPLICATE_COLUMN,
            message: format!(
                "column \"{column}\" is assigned under both of its names during migration {}",
                migrations(lens)
            ),
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
