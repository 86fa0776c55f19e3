//! `change-column`: a value moves to a column of another type or form, by `up` and back by `down`.

use super::column::Subject;
use super::conversion::{self, Conversion, TypeName};
use super::{ColumnChange, Fault};
use crate::catalog::Catalog;
use crate::lens::Template;

/// The keys that only this kind has.
pub(super) struct Keys<'a> {
    pub(super) up: Option<&'a str>,
    pub(super) down: Option<&'a str>,
    pub(super) from_type: Option<&'a str>,
}

pub(super) fn compile(
    subject: &Subject<'_>,
    keys: &Keys<'_>,
    catalog: &Catalog,
) -> Result<ColumnChange, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut expression =
        |key: &'static str, text: Option<&str>, column: &str| -> Option<Template> {
            let text = text?;
            match conversion::parse(text, column, catalog) {
                Ok(template) => Some(template),
                Err(wrong) => {
                    faults.push(subject.fault(
                        key,
                        format!("\"{text}\" {wrong}"),
                        format!("write an expression over \"{column}\", like lower({column})"),
                    ));
                    None
                }
            }
        };
    let up = expression("up", keys.up, &subject.pair.from);
    let down = expression("down", keys.down, &subject.pair.to);
    let from = match (subject.from, keys.from_type) {
        (Some(from), _) => Some(TypeName::of(from)),
        (None, Some(written)) => Some(TypeName::written(written)),
        (None, None) => {
            let message = format!(
                "column \"{}\" is gone and nothing tells what type it had",
                subject.pair.from
            );
            let hint = "add from_type = \"…\", its type as \\d showed it".to_owned();
            faults.push(subject.fault("from_type", message, hint));
            None
        }
    };
    let to = subject.to.map(TypeName::of);
    for (key, known) in [("from", &from), ("to", &to)] {
        if known.as_ref().is_some_and(TypeName::cuts_elements) {
            let message = "is an array of a type with a length, to which a value cannot be cast \
                           without cutting what is too long"
                .to_owned();
            let hint = "take the length away first: it can be a CHECK constraint".to_owned();
            faults.push(subject.fault(key, message, hint));
        }
    }
    let conversion = Conversion { up, down, from, to };
    subject.check(&conversion, &mut faults);
    subject.finish(&conversion, faults)
}
