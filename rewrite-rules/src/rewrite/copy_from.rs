//! COPY FROM: the column list gets the columns that are written besides, and the rows that the
//! client sends the fields for them.
//!
//! Sound: each added field repeats a field of the client's as it is written, so the server reads
//! the same value in both columns, which have the same type. Where it could not, or where there is
//! no stream to be changed, the rows go by way of a temporary table ([`super::copy_staged`]).

use std::collections::BTreeMap;

use super::assignment::note_written;
use super::copy::CopiedTable;
use super::extent::Range;
use super::{Rewriter, Walk};
use crate::copy_syntax::{Argument, CopySyntax, Source as Copied};
use crate::edit::Piece;
use crate::encoding::Encoding;
use crate::lens::{Lens, LogicalColumn};
use crate::name;
use crate::outcome::{CopyFormat, CopyHeader, CopyIn, CopyRows, HeaderName};
use crate::refusal::{Construct, Refusal};
use crate::scope::Columns;
use crate::statement::{end_byte, start_byte};

/// The options that do not change how rows are told apart, and those that are looked at.
const KNOWN_OPTIONS: [&str; 15] = [
    "format",
    "freeze",
    "delimiter",
    "null",
    "header",
    "quote",
    "escape",
    "force_quote",
    "force_not_null",
    "force_null",
    "encoding",
    // From PostgreSQL 16 on.
    "default",
    "on_error",
    "log_verbosity",
    "reject_limit",
];

/// Why the table must not stand for its row.
pub(super) const WHOLE_ROW: &str = "a whole row in the condition of COPY";

/// A field of the client's rows.
pub(super) struct Field<'l> {
    /// The column's name as the client means it.
    pub(super) name: String,
    /// `None` for a name that the catalog did not know when it was read.
    pub(super) column: Option<&'l LogicalColumn>,
    /// Where it is listed.
    span: Option<Range>,
}

impl<'l> Field<'l> {
    /// The physical columns that are written besides the first.
    fn added(&self) -> impl Iterator<Item = &'l String> {
        let put = self.column.into_iter().flat_map(|column| column.put.iter().skip(1));
        put.map(|access| &access.column)
    }

    /// What the server calls the column that the field itself goes to.
    fn server_name(&self) -> &str {
        let first = self.column.and_then(|column| column.put.first());
        first.map_or(&self.name, |access| &access.column)
    }
}

impl<'a> Rewriter<'a> {
    pub(super) fn copy_from(&mut self, copied: &CopiedTable<'_, 'a>) -> Walk<()> {
        let lens = copied.lens;
        let fields = fields(copied);
        let mut written = BTreeMap::new();
        for column in fields.iter().filter_map(|field| field.column) {
            note_written(column, lens, &mut written)?;
        }
        let left_out: Vec<&LogicalColumn> =
            lens.shown()
                .filter(|column| !column.default_is_shared)
                .filter(|column| {
                    !column.put.iter().any(|access| {
                        written.contains_key(&(access.beside, access.column.as_str()))
                    })
                })
                .collect();
        if !left_out.is_empty() || self.needs_staging(copied, &fields) {
            return self.stage(copied, &fields, &left_out);
        }
        let extends = fields.iter().flat_map(Field::added).next().is_some();
        let doomed = extends && self.is_doomed(copied.syntax)?;
        self.copy_list(copied, &fields, doomed);
        self.copy_forced(copied.syntax, lens);
        if let Copied::Table { name, .. } = &copied.syntax.source
            && let Some(table) = name.last()
        {
            let known = lens.shown().map(|column| column.name.clone()).collect();
            let occurrence = Some(copied.occurrence);
            let schema = lens.relation.schema.clone();
            let source = self.copied_source(table, schema, Columns::Known(known), occurrence);
            self.copy_condition(copied.condition, source)?;
        }
        // It would need a sub-select, which the condition of a COPY may not have.
        if self.rows.iter().any(|row| row.occurrence == copied.occurrence) {
            return Err(Box::new(Refusal::no_derived_table(WHOLE_ROW, lens)));
        }
        let rows = self.copy_rows(copied.syntax, &fields)?;
        if let Some(rows) = rows {
            let reply = self.replies.entry(self.statement).or_default();
            reply.copy_in = Some(CopyIn::Extended(rows));
        }
        Ok(())
    }

    /// Whether the rows cannot go to the table as they come, whatever is added to them.
    fn needs_staging(&self, copied: &CopiedTable<'_, 'a>, fields: &[Field<'_>]) -> bool {
        let syntax = copied.syntax;
        let matched = syntax.option("header").and_then(header) == Some(Header::Matched);
        let renamed = fields.iter().any(|field| field.name != field.server_name());
        let added = fields.iter().flat_map(Field::added).next().is_some();
        let no_stream = !syntax.stream && (added || (matched && renamed));
        let mut columns = fields.iter().filter_map(|field| field.column);
        // A marker in the data stands for the default of the column that its field goes to.
        let marked = syntax.option("default").is_some();
        let mut beside = copied.lens.beside.iter();
        let carried = copied.lens.is_apart() || beside.any(|it| !it.copies.is_empty());
        no_stream
            || carried
            || copied.lens.is_merged()
            || columns.any(|column| {
                (marked && !column.default_is_shared)
                    || self.needs_server_values(column, copied.lens)
            })
    }

    /// Whether the server must compute what a write of the column stores: then a field cannot simply
    /// be repeated. Columns of different types do not read the same in the same bytes.
    fn needs_server_values(&self, column: &LogicalColumn, lens: &Lens) -> bool {
        let relation = self.generation.catalog().relation(&lens.relation);
        let mut types = column.put.iter().map(|access| {
            relation?.column(&access.column).map(|physical| physical.type_name.as_str())
        });
        let first = types.next();
        column.put.iter().any(|access| access.through.is_some())
            || types.any(|other| Some(other) != first)
    }

    /// Whether the server will refuse the options: it asks for no rows, and none are changed.
    fn is_doomed(&self, syntax: &CopySyntax) -> Walk<bool> {
        if !syntax.stream {
            return Ok(false);
        }
        Ok(self.copy_header(syntax)?.is_none() || self.copy_format(syntax)?.is_none())
    }

    /// The column list: the client's with the added columns, or a new one.
    fn copy_list(&mut self, copied: &CopiedTable<'_, 'a>, fields: &[Field<'_>], doomed: bool) {
        let added = fields.iter().flat_map(Field::added).filter(|_| !doomed);
        let added = added.map(|column| name::quoted(column));
        let Some(close) = copied.close else {
            if doomed {
                return;
            }
            let own = fields.iter().map(|field| name::quoted(field.server_name()));
            let list: Vec<String> = own.chain(added).collect();
            let at = copied.name.1;
            self.edits.insert(at, vec![format!(" ({})", list.join(", ")).into()]);
            return;
        };
        let added: String = added.map(|column| format!(", {column}")).collect();
        for field in fields {
            self.rename_copied(field.span, &field.name, field.server_name());
        }
        if !added.is_empty() {
            self.edits.insert(close.0, vec![added.into()]);
        }
    }

    fn rename_copied(&mut self, span: Option<Range>, from: &str, to: &str) {
        if let Some((start, end)) = span.filter(|_| from != to) {
            self.edits.replace(start, end, vec![name::quoted(to).into()]);
        }
    }

    /// The columns of FORCE_NOT_NULL and FORCE_NULL: what holds for a field must hold for the field
    /// that repeats it.
    fn copy_forced(&mut self, syntax: &CopySyntax, lens: &Lens) {
        for option in &syntax.options {
            let Argument::Columns(listed) = &option.value else { continue };
            let mut added: Vec<Piece> = Vec::new();
            for item in listed {
                let Some(column) = lens.column(&item.name) else { continue };
                let mut put = column.put.iter().map(|access| &access.column);
                self.rename_copied(Some(item.span), &item.name, put.next().unwrap_or(&item.name));
                added.extend(put.map(|more| Piece::Text(format!(", {}", name::quoted(more)))));
            }
            if let Some(last) = listed.last()
                && !added.is_empty()
            {
                self.edits.insert(last.span.1, added);
            }
        }
    }

    /// How the client's rows must be changed; `None` where they need not be, or where the server
    /// will refuse the options anyway.
    fn copy_rows(&self, syntax: &CopySyntax, fields: &[Field<'_>]) -> Walk<Option<CopyRows>> {
        let name = |field: &Field<'_>| HeaderName {
            client: field.name.clone(),
            server: field.server_name().to_owned(),
        };
        let names: Vec<HeaderName> = fields.iter().map(name).collect();
        let added: Vec<String> = fields.iter().flat_map(Field::added).cloned().collect();
        let renamed = names.iter().any(|name| name.client != name.server);
        if !syntax.stream || (added.is_empty() && !renamed) {
            return Ok(None);
        }
        let Some(header) = self.copy_header(syntax)? else { return Ok(None) };
        if added.is_empty() && header != Header::Matched {
            return Ok(None);
        }
        let known = |name: &str| KNOWN_OPTIONS.contains(&name);
        if syntax.options.iter().any(|option| !known(&option.name)) {
            return self.refuse(Construct::CopyOption);
        }
        let Some(format) = self.copy_format(syntax)? else { return Ok(None) };
        let ascii = names.iter().map(|name| &name.client).chain(&added).all(|name| name.is_ascii());
        let encoding = match (format, header) {
            (CopyFormat::Binary, _) => Encoding::Overlapping,
            (_, Header::Matched) if !ascii => Encoding::Utf8,
            (CopyFormat::Text { .. } | CopyFormat::Csv { .. }, _) => Encoding::AsciiSafe,
        };
        let encoding = match syntax.option("encoding") {
            None => encoding,
            Some(Argument::Text(Some(name))) if Encoding::named(name) >= encoding => {
                Encoding::Overlapping
            }
            Some(_) => return self.refuse(Construct::CopyEncoding),
        };
        let header = match header {
            Header::Absent => CopyHeader::Absent,
            Header::Skipped => CopyHeader::Skipped,
            Header::Matched => CopyHeader::Matched { names, added },
        };
        let places = fields.iter().enumerate();
        let repeat = places.flat_map(|(at, field)| field.added().map(move |_| at)).collect();
        Ok(Some(CopyRows { format, fields: fields.len(), repeat, header, encoding }))
    }

    fn copy_format(&self, syntax: &CopySyntax) -> Walk<Option<CopyFormat>> {
        let byte = |name: &str, default: u8| match syntax.option(name) {
            None => Ok(Some(default)),
            Some(Argument::Text(Some(text))) => match text.as_bytes() {
                [byte] => Ok(Some(*byte)),
                _ => Ok(None),
            },
            Some(Argument::Text(None)) => self.refuse(Construct::CopyOption),
            Some(Argument::Absent | Argument::Star | Argument::Columns(_)) => Ok(None),
        };
        let format = match syntax.option("format") {
            None => "text",
            Some(Argument::Text(Some(format))) => format,
            Some(Argument::Text(None)) => return self.refuse(Construct::CopyOption),
            Some(Argument::Absent | Argument::Star | Argument::Columns(_)) => return Ok(None),
        };
        Ok(match format {
            "text" => byte("delimiter", b'\t')?.map(|delimiter| CopyFormat::Text { delimiter }),
            "csv" => {
                let (delimiter, quote) = (byte("delimiter", b',')?, byte("quote", b'"')?);
                let escape = byte("escape", quote.unwrap_or(b'"'))?;
                match (delimiter, quote, escape) {
                    (Some(delimiter), Some(quote), Some(escape)) => {
                        Some(CopyFormat::Csv { delimiter, quote, escape })
                    }
                    _ => None,
                }
            }
            "binary" => Some(CopyFormat::Binary),
            _ => None,
        })
    }

    fn copy_header(&self, syntax: &CopySyntax) -> Walk<Option<Header>> {
        Ok(match syntax.option("header") {
            None => Some(Header::Absent),
            Some(argument @ (Argument::Absent | Argument::Text(Some(_)))) => header(argument),
            Some(Argument::Text(None)) => return self.refuse(Construct::CopyOption),
            Some(Argument::Star | Argument::Columns(_)) => None,
        })
    }
}

/// What HEADER can say.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Header {
    Absent,
    Skipped,
    Matched,
}

fn header(argument: &Argument) -> Option<Header> {
    let Argument::Text(Some(text)) = argument else { return Some(Header::Skipped) };
    match text.to_ascii_lowercase().as_str() {
        "true" | "on" | "1" => Some(Header::Skipped),
        "false" | "off" | "0" => Some(Header::Absent),
        "match" => Some(Header::Matched),
        _ => None,
    }
}

fn fields<'l>(copied: &CopiedTable<'_, 'l>) -> Vec<Field<'l>> {
    let lens = copied.lens;
    if copied.listed.is_empty() {
        let shown = lens.shown().filter(|column| !column.generated);
        let field = |column: &'l LogicalColumn| Field {
            name: column.name.clone(),
            column: Some(column),
            span: None,
        };
        return shown.map(field).collect();
    }
    let listed = copied.listed.iter().map(|ident| {
        let name = name::folded(ident);
        let span = Some((start_byte(ident.span), end_byte(ident.span)));
        // A name that is not known is PostgreSQL's to judge: the catalog may be behind.
        Field { column: lens.column(&name), name, span }
    });
    listed.collect()
}
