//! The order of work on one text, from the client's bytes to what PostgreSQL receives.
//!
//! 1. Which lenses does it name? None: forward.
//! 2. Read it ([`statement`]), and distrust what was read ([`crate::trust`]).
//! 3. Walk it: resolve every name, note what each one is ([`References`](reference)).
//! 4. Decide for each occurrence of a governed table: names replaced where they stand, or a
//!    derived table in its place.
//! 5. Turn that into edits of the source, apply them, and check the result.

mod answers;
mod apart;
mod apart_assigned;
mod apart_from;
mod apart_halves;
mod apart_insert;
mod apart_key;
mod apart_new_key;
mod apart_update;
mod apart_upsert;
mod apart_upsert_beside;
mod apart_upsert_both;
mod apart_upsert_copy;
mod apart_upsert_stored;
mod apart_values;
mod apart_whole;
mod asked_once;
mod assignment;
mod assignment_row;
mod call;
mod carried;
mod carried_key;
mod catalog;
mod catalog_call;
mod catalog_cast;
mod catalog_view;
mod check;
mod conflict;
mod copy;
mod copy_from;
mod copy_staged;
mod cursor;
mod delete;
mod expression;
mod extent;
mod from;
mod from_function;
mod gathered;
mod gathered_conflict;
mod gathered_insert;
mod gathered_key;
mod gathered_next;
mod gathered_own;
mod gathered_update;
mod grouped;
mod half;
mod half_delete;
mod half_insert;
mod halves;
mod insert;
mod insert_rows;
mod insert_select;
mod joined;
mod label;
mod merge;
mod merged;
mod merged_conflict;
mod merged_insert;
mod mirror;
mod named;
mod occurrence;
mod part;
mod passed_row;
mod query;
mod reference;
mod refused;
mod repeat;
mod row;
mod row_lock;
mod row_lock_found;
mod row_lock_from;
mod set_constraints;
mod sort_keys;
mod stack;
mod star;
mod through_view;
mod update;
mod upsert_refused;
mod utility;
mod whole_tables;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use sqlparser::ast::{Ident, Statement};
use sqlparser::tokenizer::Token;

use crate::catalog::RelationName;
use crate::catalog_lens::CatalogLenses;
use crate::copy_syntax::CopySyntax;
use crate::desugar::Piece as ParsedPiece;
use crate::edit::{Edits, Piece};
use crate::generation::{Generation, SessionView};
use crate::lens::Lens;
use crate::name;
use crate::outcome::{Outcome, Reply, Rewritten};
use crate::refusal::{Construct, Missing, Refusal};
use crate::scope::{Columns, Cte, Lenses, Level};
use crate::statement::{self, Lexeme, Parsed, Unparsed, start_byte};

use answers::Spoken;
use asked_once::Walked;
use carried::{Carried, Place};
use catalog_call::Call;
pub(crate) use catalog_view::stand_in;
use check::check_result;
use cursor::Cursor;
use named::{Named, Relation, opaque};
use occurrence::Occurrence;
use passed_row::Passing;
use reference::{Label, Reference};
use row::RowUse;
use row_lock::RowLock;
pub(crate) use stack::rewrite;
use star::Star;

/// A walk ends early with a refusal. Boxed, since it is the rare case.
pub(crate) type Walk<T> = Result<T, Box<Refusal>>;

fn on_this_stack(generation: &Generation, text: &str, session: SessionView<'_>) -> Outcome {
    let lenses = generation.lenses(session.shape);
    let catalogs = generation.catalogs(session.shape);
    let plain = session.standard_conforming_strings;
    let Ok(parsed) = statement::read(text, plain) else {
        // Without tokens, whatever the scan found may be a name.
        let named = match generation.scan(text.as_bytes()).governed {
            true => Named::by_substrings(generation, session.shape, text),
            false => Named::default(),
        };
        return match opaque(&named) {
            Outcome::Forward => Outcome::ForwardOpaque,
            outcome => outcome,
        };
    };
    let named = Named::by_tokens(generation, session.shape, &parsed.lexemes);
    let reads_catalog = catalog::is_read(catalogs, &parsed.lexemes);
    let blame = match (named.lenses.first().copied().or(named.absent), lenses.first()) {
        (Some(blame), _) => blame,
        (None, Some(blame)) if reads_catalog => blame,
        (None, _) => return Outcome::Forward,
    };
    // A prepared statement's text may be read again when the setting has changed.
    if parsed.unsettled {
        return match named.lenient() {
            true => Outcome::ForwardOpaque,
            false => Outcome::Refused(Refusal::construct(Construct::Backslash, blame)),
        };
    }
    let attempt = |catalogs: Option<&CatalogLenses>| {
        let mut rewriter = Rewriter::new(generation, text, session, &parsed, blame);
        rewriter.catalogs = catalogs;
        rewriter.run(&parsed.statements)
    };
    let mut attempted = attempt(reads_catalog.then_some(catalogs));
    // Where a catalog cannot be shown otherwise it is shown as it is.
    if attempted.is_err() && reads_catalog {
        if named.lenses.is_empty() && named.absent.is_none() {
            return Outcome::ForwardOpaque;
        }
        attempted = attempt(None);
    }
    match attempted {
        Ok(Some(rewritten)) => Outcome::Rewritten(rewritten),
        // A catalog that it reads is shown as it is.
        Ok(None) if reads_catalog && parsed.statements.iter().any(Result::is_err) => {
            Outcome::ForwardOpaque
        }
        Ok(None) => Outcome::Forward,
        Err(refusal) if named.lenient() && refusal.is_unsupported() => Outcome::ForwardOpaque,
        Err(refusal) => Outcome::Refused(*refusal),
    }
}

/// Everything that the walk over one text collects.
pub(crate) struct Rewriter<'a> {
    generation: &'a Generation,
    session: SessionView<'a>,
    text: &'a str,
    parsed: &'a Parsed,
    lexemes: &'a [Lexeme],
    only: &'a [usize],
    /// A lens to name in messages where no occurrence is at hand.
    blame: &'a Lens,
    /// What the catalogs show. `None`: what is in them.
    catalogs: Option<&'a CatalogLenses>,
    /// Whether the text is that of a system view, which knows no search path.
    of_view: bool,
    occurrences: Vec<Occurrence<'a>>,
    references: Vec<Reference>,
    labels: Vec<Label>,
    stars: Vec<Star>,
    /// For each star, the byte behind it and how many columns it gives, if known.
    star_widths: Vec<(usize, Option<usize>)>,
    /// Tokens of the present statement.
    current: (usize, usize),
    levels: Vec<Level>,
    /// What the queries that were walked knew.
    walked: Walked,
    ctes: Vec<Cte>,
    edits: Edits,
    /// The COPY statements of the text.
    copies: &'a [CopySyntax],
    /// Uses of whole rows.
    rows: Vec<RowUse>,
    /// Queries that lock rows.
    row_locks: Vec<RowLock>,
    /// Cursors that may not lock any.
    cursors: Vec<Cursor>,
    /// Calls of functions about the catalog.
    calls: Vec<Call<'a>>,
    /// Byte offsets of whole-row references whose row type does not show.
    typeless_rows: HashSet<usize>,
    /// Whole rows that a query gives to the one around it.
    passing: Passing,
    /// What the answers to the text's statements must look like, by statement.
    replies: BTreeMap<usize, Reply>,
    /// The answers to statements that are sent before and behind one of the text's.
    around: BTreeMap<usize, (Vec<Reply>, Vec<Reply>)>,
    /// Statements whose effect must reach another table too.
    carried: Vec<Carried<'a>>,
    /// How many statements were taken apart.
    apart: usize,
    /// What stands at the ends of statements: byte and text.
    tails: Vec<(usize, Vec<Piece>)>,
    /// Tables whose keys are given up, each with the number of the statement.
    freed: Vec<(usize, &'a Lens)>,
    /// Merged tables whose rows get new keys, each with the number of the statement, and where it says so.
    moved: Vec<(usize, &'a Lens, usize)>,
    /// Tables that get rows in two places, with the number of the statement, and where it says so.
    inserted: Vec<(usize, &'a Lens, usize)>,
    /// Tables that are written, each with the number of the statement, and where it says so.
    written: Vec<(usize, &'a Lens, usize)>,
    /// What else tells which tables a report may speak of.
    spoken: Spoken,
    /// Where the statement stands that is walked next.
    place: Place,
    /// Number of the present statement in the text.
    statement: usize,
    /// Whether what is walked next gives the statement's own result.
    outermost: bool,
    /// Names that no relation in sight has: byte offset, column, and what there is not.
    unresolved: Vec<(usize, String, Missing)>,
    /// Byte offsets of identifiers whose meaning is known.
    accounted: HashSet<usize>,
}

impl Lenses for Vec<Occurrence<'_>> {
    #[expect(clippy::indexing_slicing, reason = "indices come from the pushes of this very list")]
    fn lens(&self, occurrence: usize) -> &Lens {
        self[occurrence].lens
    }
}

impl<'a> Rewriter<'a> {
    fn new(
        generation: &'a Generation,
        text: &'a str,
        session: SessionView<'a>,
        parsed: &'a Parsed,
        blame: &'a Lens,
    ) -> Self {
        Self {
            generation,
            session,
            text,
            parsed,
            lexemes: &parsed.lexemes,
            only: &parsed.only,
            blame,
            catalogs: None,
            of_view: false,
            occurrences: Vec::new(),
            references: Vec::new(),
            labels: Vec::new(),
            stars: Vec::new(),
            star_widths: Vec::new(),
            current: (0, 0),
            levels: Vec::new(),
            walked: Walked::default(),
            ctes: Vec::new(),
            edits: Edits::default(),
            copies: &parsed.copies,
            rows: Vec::new(),
            row_locks: Vec::new(),
            cursors: Vec::new(),
            calls: Vec::new(),
            typeless_rows: HashSet::new(),
            passing: Passing::default(),
            replies: BTreeMap::new(),
            around: BTreeMap::new(),
            carried: Vec::new(),
            apart: 0,
            tails: Vec::new(),
            freed: Vec::new(),
            moved: Vec::new(),
            inserted: Vec::new(),
            written: Vec::new(),
            spoken: Spoken::default(),
            place: Place::Alone,
            statement: 0,
            outermost: false,
            unresolved: Vec::new(),
            accounted: parsed.defined.iter().copied().collect(),
        }
    }

    /// The lenses of the client's shape.
    fn lenses(&self) -> &'a [Lens] {
        self.generation.lenses(self.session.shape)
    }

    /// What the text becomes; `None` if nothing changes.
    fn run(mut self, statements: &[Result<Statement, Unparsed>]) -> Walk<Option<Rewritten>> {
        self.walk(statements)?;
        self.check_places()?;
        self.check_freed()?;
        self.check_written()?;
        self.finish()
    }

    /// All statements of the text.
    fn walk(&mut self, statements: &[Result<Statement, Unparsed>]) -> Walk<()> {
        let mut from = 0;
        for (number, statement) in statements.iter().enumerate() {
            self.statement = number;
            self.spoken.before.push(self.occurrences.len());
            self.outermost = true;
            self.place = Place::Alone;
            while self.lexemes.get(from).is_some_and(|lexeme| lexeme.token == Token::SemiColon) {
                from += 1;
            }
            self.current = (from, self.statement_end(from));
            let copy = self.copies.iter().find(|copy| copy.first == from);
            match (copy, statement) {
                (_, Err(_)) if self.sets_constraints() => self.set_constraints(),
                (_, Err(why)) => self.unparsed(*why)?,
                (Some(copy), Ok(shown)) => {
                    self.outermost = false;
                    self.copy(copy, shown)?;
                }
                (None, Ok(statement)) => self.statement(statement).map(|_: Columns| ())?,
            }
            from = self.current.1;
        }
        Ok(())
    }

    /// One statement; returns the columns that it gives as a data-modifying CTE.
    fn statement(&mut self, statement: &Statement) -> Walk<Columns> {
        let outermost = std::mem::take(&mut self.outermost);
        match statement {
            Statement::Query(query) => {
                self.outermost = outermost;
                self.query(query)
            }
            Statement::Insert(insert) => self.insert(insert, outermost),
            Statement::Update(update) => self.update(update, outermost),
            Statement::Delete(delete) => self.delete(delete, outermost),
            Statement::Merge(merge) => self.merge(merge),
            other => self.utility(other).map(|()| Columns::Unknown),
        }
    }

    /// The relation that a table's name leads to.
    fn found(&self, parts: &[&Ident]) -> Option<RelationName> {
        let names: Vec<String> = parts.iter().map(|part| name::folded(part)).collect();
        match names.as_slice() {
            [table] => self.search(table),
            [schema, table] | [_, schema, table] => Some(RelationName::new(schema, table)),
            _ => None,
        }
    }

    /// What a table's name means here: a governed table's lens, a known relation, or neither.
    fn relation(&self, parts: &[&Ident]) -> Relation<'a> {
        if self.is_absent(parts) {
            return Relation::Absent;
        }
        let Some(found) = self.found(parts) else { return Relation::Unknown };
        if let Some(lens) = self.lenses().iter().find(|lens| lens.relation == found) {
            return Relation::Governed(lens);
        }
        if let Some(lens) = self.catalog_lens(&found) {
            return Relation::Governed(lens);
        }
        let catalog = self.generation.catalog();
        match (catalog.relation(&found), catalog.system.relations.get(&found)) {
            (Some(relation), _) => {
                let names = relation.columns.iter().map(|column| column.name.clone());
                Relation::Known(found.schema, names.collect())
            }
            (None, Some(relation)) => Relation::Known(found.schema, relation.columns.clone()),
            (None, None) => Relation::Unknown,
        }
    }

    /// Looks an unqualified name up along the session's search path.
    fn search(&self, table: &str) -> Option<RelationName> {
        let path = self.session.search_path;
        if path.temporary.iter().any(|temporary| temporary == table) {
            return None;
        }
        let candidates = path.schemas.iter().map(|schema| RelationName::new(schema, table));
        let catalog = self.generation.catalog();
        // A table that is gone goes on to be known as long as a rule stands for it.
        let is_governed = |name: &RelationName| self.lenses().iter().any(|it| it.relation == *name);
        candidates.into_iter().find(|name| {
            catalog.relation(name).is_some()
                || catalog.system.relations.contains_key(name)
                || is_governed(name)
        })
    }

    fn cte(&self, table: &str) -> Option<&Cte> {
        self.ctes.iter().rev().find(|cte| cte.name == table)
    }

    /// The expressions between two byte offsets that the tree does not hold.
    fn pieces(&self, from: usize, to: usize) -> impl Iterator<Item = &'a ParsedPiece> + use<'a> {
        let pieces: &'a [ParsedPiece] = &self.parsed.pieces;
        pieces.iter().filter(move |piece| piece.start >= from && piece.end <= to)
    }

    /// Resolves every name in these.
    fn walk_pieces(&mut self, from: usize, to: usize) -> Walk<()> {
        let mut expressions = self.pieces(from, to).flat_map(|piece| &piece.expressions);
        expressions.try_for_each(|expression| self.expression(expression))
    }

    /// Notes that an identifier's meaning is known.
    fn account(&mut self, ident: &Ident) {
        self.accounted.insert(start_byte(ident.span));
    }

    /// The source text of an identifier, quotes included.
    fn source_of(&self, ident: &Ident) -> String {
        let (start, end) = (start_byte(ident.span), statement::end_byte(ident.span));
        // A name that stands for what has none in the text.
        if start == end {
            return name::quoted(&name::folded(ident));
        }
        self.text.get(start..end).map_or_else(|| name::quoted(&name::folded(ident)), str::to_owned)
    }

    /// Turns what the walk found into edits and applies them; `None` if nothing changes.
    fn finish(mut self) -> Walk<Option<Rewritten>> {
        self.settle()?;
        self.emit_occurrences();
        self.emit_row_locks();
        self.emit_calls();
        self.emit_references();
        self.emit_stars();
        self.emit_rows();
        self.emit_carried();
        self.emit_tails();
        let replies = self.all_replies();
        if self.edits.is_empty() && replies.is_empty() {
            return Ok(None);
        }
        let (mentions, blame) = (Arc::new(self.mentions()), self.blame);
        let internal = |what: &str| Box::new(Refusal::internal(what, blame));
        let plain = self.session.standard_conforming_strings;
        if !plain && self.edits.has_backslash() {
            return self.refuse(Construct::Backslash);
        }
        let apply =
            |edits: Edits| edits.apply(self.text).map_err(|_| internal("two edits overlap"));
        let visible = self.edits.without_hidden().map(apply).transpose()?;
        let mut rewritten = apply(self.edits)?;
        // Statements of our own were checked when they were made.
        let checked = visible.as_ref().unwrap_or(&rewritten);
        // What stands for a catalog may be far longer than the client's text.
        let check = || check_result(self.parsed, &checked.sql, plain);
        let checked = match checked.sql.len() > self.text.len().saturating_mul(2) {
            true => stack::with_stack_for(&checked.sql, check),
            false => check(),
        };
        checked.map_err(internal)?;
        rewritten.replies = replies;
        rewritten.mentions = mentions;
        answers::place(&mut rewritten, plain).map_err(internal)?;
        Ok(Some(rewritten))
    }
}
