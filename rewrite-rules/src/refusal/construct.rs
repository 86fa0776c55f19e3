//! What cannot be rewritten, what it is called, and the way out.

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
    /// ON CONFLICT that gives a row a new key, of which another table holds a part under it.
    ConflictKey,
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
    /// A row lock where another table holds some columns, of rows that cannot be found first and locked by their keys.
    MovedLock,
    /// ON CONFLICT where another table holds some columns, but for DO NOTHING on what the table itself holds.
    MovedUpsert,
    /// An INSERT without the key that another table's rows need, which has no default.
    KeyWithoutDefault,
    /// More other tables that hold columns than queries can be made for.
    ManyTables,
    /// A write of a table that is gathered from more tables than are locked in one statement.
    ManySources,
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
    /// A new key for a row of a table that is merged which an INSERT meets.
    MergedKey,
    /// A new key for a row of a table that is merged, beside another write of that table.
    MergedKeyAgain,
    /// A new key for rows of a table that is merged, which a second look may not find again.
    MergedKeyRows,
    /// A write of the table that others are merged into, which is read from them as yet.
    MergedRead,
    /// A value for a part of a merged row that shall not be there, or a row without any part.
    MergedPart,
    /// A write of a column that none of the merged tables has.
    MergedColumn,
    /// One statement that writes several parts of one merged row.
    MergedParts,
    /// ON CONFLICT of a table that is merged, where another part of the row may be there alone.
    MergedUpsert,
    /// A row lock of a merged table, of rows that cannot be found first and locked by their keys.
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
    /// `DEFAULT` of a column that the server computes, where no expression stands for it.
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
    pub const ALL: [Self; 47] = [
        Self::Unreadable,
        Self::Backslash,
        Self::MergeReturning,
        Self::MergeVolatile,
        Self::MergeCarried,
        Self::ConflictKey,
        Self::ReturningUnknown,
        Self::NestedWith,
        Self::MovedAssignment,
        Self::MovedCursor,
        Self::MovedReturning,
        Self::MovedLock,
        Self::MovedUpsert,
        Self::KeyWithoutDefault,
        Self::ManyTables,
        Self::ManySources,
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
        Self::MergedKeyAgain,
        Self::MergedKeyRows,
        Self::MergedRead,
        Self::MergedPart,
        Self::MergedColumn,
        Self::MergedParts,
        Self::MergedUpsert,
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
            Self::ConflictKey => "a new key in ON CONFLICT DO UPDATE".to_owned(),
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
            Self::ManyTables => "columns that have moved to more than three tables".to_owned(),
            Self::ManySources => {
                "a write or a row lock of what more than five tables are merged into".to_owned()
            }
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
            Self::MergedKeyAgain => "a new key beside another write of the same table".to_owned(),
            Self::MergedKeyRows => {
                "a new key for rows that may be others when they are looked for again".to_owned()
            }
            Self::MergedRead => "a write of the table that others are merged into".to_owned(),
            Self::MergedPart => "a row whose values belong to no merged table".to_owned(),
            Self::MergedColumn => "a write of a column that no merged table has".to_owned(),
            Self::MergedParts => "a write of several merged tables in one statement".to_owned(),
            Self::MergedUpsert => "this ON CONFLICT on a merged table".to_owned(),
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
            Self::VolatileDefault => "DEFAULT of a generated column in this place".to_owned(),
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

    #[expect(clippy::too_many_lines, reason = "one list of every construct")]
    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::Unreadable => {
                "simplify the statement, or send it on a direct connection \
                                 while the migration is in phase \"expand\""
            }
            Self::Backslash => "set standard_conforming_strings = on",
            Self::MergeReturning => "use INSERT … ON CONFLICT … RETURNING",
            Self::MergeVolatile => "compute it in the sub-select after USING",
            Self::MergeCarried => "use INSERT … ON CONFLICT, or UPDATE and INSERT",
            Self::ConflictKey => "change the key in a statement of its own",
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
            Self::ManyTables => "finish one migration before the next begins",
            Self::ManySources => "write and lock the old tables until phase \"stop-dual-write\"",
            Self::KeyFreed => "send the INSERT as a statement of its own",
            Self::NotWritten => {
                "write the table that the columns come from: this one can be written from phase \
                 \"dual-write\" on"
            }
            Self::HalfKey => "delete the row and insert it under its new key",
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
            Self::MergedKey => "delete the row and insert it under its new key",
            Self::MergedKeyAgain => "send a statement for each",
            Self::MergedKeyRows => {
                "find the rows in a statement of its own, and name them by their keys"
            }
            Self::MergedRead => {
                "write the tables that are merged: this one can be written from phase \"dual-write\" on"
            }
            Self::MergedPart => "give values to the columns of one of the merged tables",
            Self::MergedColumn => "leave it out before phase \"switch-reads\"",
            Self::MergedParts => "send a statement for each of the tables",
            Self::MergedUpsert => {
                "name the key, ON CONFLICT (key), and set columns one by one; or use UPDATE and INSERT"
            }
            Self::MergedLock => {
                "lock its rows in a SELECT of its own; the table that others are merged into has none to lock \
                 before phase \"dual-write\""
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
            Self::VolatileDefault => "leave the generated column out of the statement",
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
