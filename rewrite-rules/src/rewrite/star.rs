//! `*` and `t.*`: the logical columns, in the old shape's order, for ever.
//!
//! Sound: outside JOIN … USING and NATURAL, `*` is the concatenation of its relations' columns in
//! FROM order, so a governed relation's part can be spelled out and every other one's left as
//! `t.*`. Where columns are merged, the governed relations become derived tables instead, which
//! show just the old shape, and the `*` stays as it is.

use sqlparser::ast::{Expr, Ident, SelectItemQualifiedWildcardKind, WildcardAdditionalOptions};
use sqlparser::tokenizer::Token;

use super::extent::Range;
use super::occurrence::{Need, Stance};
use super::query::Output;
use super::{Rewriter, Walk};
use crate::edit::Piece;
use crate::lens::LogicalColumn;
use crate::name;
use crate::refusal::Construct;
use crate::scope::Columns;
use crate::statement::{end_byte, start_byte};

/// A `*` in a select list.
#[derive(Debug, Clone)]
pub(super) struct Star {
    /// Bytes, qualifier included.
    pub(super) span: (usize, usize),
    pub(super) elements: Vec<Element>,
    /// Whether the columns must be written qualified.
    pub(super) qualify: bool,
    /// What the client wrote before the `*`, without the dot.
    written: Option<String>,
    /// Whether the columns stand where no label can.
    unlabelled: bool,
    /// The target of a statement whose RETURNING it stands in: spelled out even if that would show the same.
    returned: Option<usize>,
}

impl Star {
    /// A star in a select list, and what the client wrote before it.
    pub(super) fn items(
        span: (usize, usize),
        elements: Vec<Element>,
        qualify: bool,
        written: Option<String>,
    ) -> Self {
        Self { span, elements, qualify, written, unlabelled: false, returned: None }
    }

    /// Its columns are those that are known, whatever else there may be when it runs: of the target, and of relations that
    /// are not governed.
    pub(super) fn spell(&mut self, target: usize) {
        self.returned = Some(target);
    }

    /// A star over one relation inside a row constructor.
    pub(super) fn values(span: (usize, usize), occurrence: usize) -> Self {
        let elements = vec![Element::Governed(occurrence)];
        Self { span, elements, qualify: true, written: None, unlabelled: true, returned: None }
    }
}

/// One relation that a `*` stands for.
#[derive(Debug, Clone)]
pub(super) enum Element {
    Governed(usize),
    /// How SQL text refers to it, and its columns where they are known.
    Other(String, Option<Vec<String>>),
}

fn known(columns: &Columns) -> Option<Vec<String>> {
    match columns {
        Columns::Known(names) => Some(names.clone()),
        Columns::Unknown => None,
    }
}

/// The text with a label where PostgreSQL would not name the output as the client expects.
pub(super) fn labelled(text: String, column: &LogicalColumn, qualifier: &str) -> String {
    let name = name::quoted(&column.name);
    if text == format!("{qualifier}{name}") { text } else { format!("{text} AS {name}") }
}

impl Rewriter<'_> {
    pub(super) fn plain_star(&self, options: &WildcardAdditionalOptions) -> Walk<()> {
        let WildcardAdditionalOptions {
            wildcard_token: _,
            opt_ilike: None,
            opt_exclude: None,
            opt_except: None,
            opt_replace: None,
            opt_rename: None,
            opt_alias: None,
        } = options
        else {
            return self.refuse(Construct::NotPostgres("an option of *"));
        };
        let star = self.lexeme_at(start_byte(options.wildcard_token.0.span));
        let before = star.checked_sub(1).and_then(|before| self.lexeme(before));
        // The star of `(TABLE users)` is not in the text.
        let written = self.lexeme(star).is_some_and(|star| star.token == Token::Mul);
        if written && before.is_some_and(|before| before.token == Token::LParen) {
            return self.refuse(Construct::NotPostgres("* in brackets"));
        }
        Ok(())
    }

    pub(super) fn qualified_star<'q>(
        &mut self,
        kind: &SelectItemQualifiedWildcardKind,
        options: &WildcardAdditionalOptions,
    ) -> Walk<Vec<Option<Output<'q>>>> {
        match kind {
            SelectItemQualifiedWildcardKind::ObjectName(qualifier) => {
                let parts = name::parts(qualifier).unwrap_or_default();
                parts.iter().for_each(|part| self.account(part));
                Ok(self.star(Some(&parts), options))
            }
            SelectItemQualifiedWildcardKind::Expr(expression) => {
                self.starred_expression(expression, options)
            }
        }
    }

    /// `(u).*` means `u.*`; of anything else it takes the fields.
    fn starred_expression<'q>(
        &mut self,
        expression: &Expr,
        options: &WildcardAdditionalOptions,
    ) -> Walk<Vec<Option<Output<'q>>>> {
        let Some(row) = self.whole_row_name(expression) else {
            self.allow_any_relations_row(expression);
            self.expression(expression)?;
            return Ok(vec![None]);
        };
        self.account(row);
        // The brackets belong to what is spelled out.
        let star = self.lexeme_at(start_byte(options.wildcard_token.0.span));
        let open = self.open_bracket(star.saturating_sub(2)).and_then(|open| self.lexeme(open));
        let start = open.map_or_else(|| start_byte(row.span), |open| open.start);
        let outputs = self.star(Some(&[row]), options);
        if let Some(star) = self.stars.last_mut() {
            star.span.0 = start;
        }
        Ok(outputs)
    }

    /// The same where it is an expression, which stands at `span`.
    pub(super) fn expanded<'q>(
        &mut self,
        expression: &Expr,
        span: Range,
    ) -> Walk<Vec<Option<Output<'q>>>> {
        let row = match expression {
            Expr::CompoundFieldAccess { root, access_chain } if access_chain.len() == 1 => {
                self.whole_row_name(root)
            }
            _ => None,
        };
        let Some(row) = row else {
            self.expression(expression)?;
            return Ok(vec![None]);
        };
        self.account(row);
        let outputs = self.star_at(Some(&[row]), span);
        if let Some(star) = self.stars.last_mut() {
            star.span = span;
        }
        Ok(outputs)
    }

    /// Notes a star to be spelled out, and says which columns it gives.
    pub(super) fn star<'q>(
        &mut self,
        qualifier: Option<&[&Ident]>,
        options: &WildcardAdditionalOptions,
    ) -> Vec<Option<Output<'q>>> {
        let token = options.wildcard_token.0.span;
        self.star_at(qualifier, (start_byte(token), end_byte(token)))
    }

    fn star_at<'q>(
        &mut self,
        qualifier: Option<&[&Ident]>,
        token: Range,
    ) -> Vec<Option<Output<'q>>> {
        let first = qualifier.and_then(|parts| parts.first());
        let span = (first.map_or(token.0, |ident| start_byte(ident.span)), token.1);
        let names = qualifier.map(|parts| {
            let names: Vec<String> = parts.iter().map(|part| name::folded(part)).collect();
            names
        });
        let Some(level) = self.levels.last() else { return vec![None] };
        let sources = self.star_sources(names.as_deref());
        let merges = qualifier.is_none() && (level.merges_unknown || !level.merged.is_empty());
        let alone = level.sources.len() == 1 && qualifier.is_none();
        let mut outputs = Vec::new();
        let mut elements = Vec::new();
        let mut width = Some(0);
        for source in sources {
            elements.push(match source.occurrence {
                Some(occurrence) => Element::Governed(occurrence),
                None => Element::Other(source.reference.clone(), known(&source.columns)),
            });
            width = match (&source.columns, merges) {
                (Columns::Known(names), false) => width.map(|width| width + names.len()),
                (Columns::Known(_) | Columns::Unknown, _) => None,
            };
            match &source.columns {
                Columns::Known(names) if !merges => outputs.extend(
                    names.iter().map(|name| Some(Output { name: name.clone(), expression: None })),
                ),
                Columns::Known(_) | Columns::Unknown => outputs.push(None),
            }
        }
        let unnameable = elements
            .iter()
            .any(|element| matches!(element, Element::Other(reference, _) if reference.is_empty()));
        self.star_widths.push((span.1, width));
        if merges || unnameable {
            let governed = elements.iter().filter_map(|element| match element {
                Element::Governed(occurrence) => Some(*occurrence),
                Element::Other(..) => None,
            });
            let governed: Vec<usize> = governed.collect();
            let reason = "* over merged columns";
            governed.into_iter().for_each(|at| self.need(at, Need::Shaped, reason));
        } else {
            let written = qualifier.and_then(|parts| Some((parts.first()?, parts.last()?)));
            let written = written.map(|(first, last)| {
                self.slice((start_byte(first.span), end_byte(last.span))).to_owned()
            });
            self.stars.push(Star::items(span, elements, !alone, written));
        }
        outputs
    }
}

impl Rewriter<'_> {
    /// A logical column of an occurrence as an item of a select list.
    pub(super) fn star_item(&self, at: usize, column: &LogicalColumn, qualifier: &str) -> String {
        labelled(self.read(at, column, qualifier), column, qualifier)
    }

    /// Spells out every `*` that a governed table has a part in.
    pub(super) fn emit_stars(&mut self) {
        for star in std::mem::take(&mut self.stars) {
            // `TABLE t` is a query without a star of its own.
            let is_table = self.slice(star.span).eq_ignore_ascii_case("table");
            let spelled = star.elements.iter().any(|element| match element {
                Element::Governed(at) => star.returned == Some(*at) || self.is_spelled_out(*at),
                Element::Other(_, columns) => star.returned.is_some() && columns.is_some(),
            });
            if spelled {
                let items: Vec<String> = star
                    .elements
                    .iter()
                    .flat_map(|element| self.star_items(element, &star))
                    .collect();
                let (start, end) = star.span;
                let mut text = items.join(", ");
                if is_table {
                    text = format!("SELECT {text} FROM");
                }
                self.edits.replace(start, end, vec![Piece::Text(text)]);
            } else if is_table && self.is_derived(&star) {
                let (start, end) = star.span;
                self.edits.replace(start, end, vec!["SELECT * FROM".to_owned().into()]);
            } else if let Some(short) = self.unschemed(&star) {
                let (start, end) = star.span;
                self.edits.replace(start, end, vec![short.into()]);
            }
        }
    }

    /// `schema.relation.*` of what is a derived table, which has no schema.
    fn unschemed(&self, star: &Star) -> Option<String> {
        let [Element::Governed(at)] = star.elements.as_slice() else { return None };
        let reference = &self.occurrences.get(*at)?.reference;
        let is_other = star.written.as_ref().is_some_and(|written| written != reference);
        (is_other && self.is_derived(star)).then(|| format!("{reference}.*"))
    }

    /// Whether a derived table stands for a relation of it.
    fn is_derived(&self, star: &Star) -> bool {
        star.elements.iter().any(|element| match element {
            Element::Governed(at) => self.stance(*at) == Stance::Derived,
            Element::Other(..) => false,
        })
    }

    fn star_items(&self, element: &Element, star: &Star) -> Vec<String> {
        match element {
            Element::Other(reference, Some(columns)) if star.returned.is_some() => columns
                .iter()
                .map(|column| format!("{reference}.{}", name::quoted(column)))
                .collect(),
            Element::Other(reference, _) => vec![format!("{reference}.*")],
            Element::Governed(at) => {
                let Some(occurrence) = self.occurrences.get(*at) else { return Vec::new() };
                let reference = &occurrence.reference;
                if star.returned != Some(*at) && !self.is_spelled_out(*at) {
                    return vec![format!("{reference}.*")];
                }
                let written = star.written.as_ref().filter(|_| occurrence.over().is_none());
                let reference = written.unwrap_or(reference);
                let qualifier = if star.qualify { format!("{reference}.") } else { String::new() };
                let columns = occurrence.lens.shown();
                columns
                    .map(|column| match star.unlabelled {
                        true => self.read(*at, column, &qualifier),
                        false => self.star_item(*at, column, &qualifier),
                    })
                    .collect()
            }
        }
    }
}
