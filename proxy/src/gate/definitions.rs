//! The definition of what hangs on the old column, made over the new one.
//!
//! The server's own text is taken and the column's name in it exchanged; a view keeps the names of
//! its columns. Where the name could mean another relation's column, or the values have another
//! form, the present text is shown instead, for somebody to change it.

use rewrite_rules::compile::renamed;
use rewrite_rules::name::quoted;

use super::dependents::{Dependent, Kind};
use super::step::{Member, Step, counterpart_name, free_name};
use super::triggers::show_function;

/// The statements that move a dependent to the new column.
pub(super) fn over_new_column(
    step: &Step<'_>,
    member: &Member<'_>,
    dependent: &Dependent,
) -> Vec<String> {
    let Dependent { name, owner, definition, second, columns, .. } = dependent;
    // A table or schema of the column's name would be taken for the column.
    let is_table = [&member.name.name, &member.name.schema].contains(&&step.pair.from);
    let is_sure = !dependent.ambiguous && !is_table && step.keeps_values();
    let column = |text: &str| renamed(text, &step.pair.from, &step.pair.to);
    let body = definition.as_deref().unwrap_or_default().trim().trim_end_matches(';');
    match dependent.kind {
        Kind::View if is_sure => {
            vec![replaced_view(name, columns, second.as_deref(), &column(body))]
        }
        Kind::View => vec![show("pg_get_viewdef", "regclass", name)],
        Kind::MaterializedView if is_sure => {
            made_anew(name, columns, second.as_deref(), &column(body))
        }
        Kind::MaterializedView => vec![show("pg_get_viewdef", "regclass", name)],
        Kind::Policy if !is_sure => vec![show_policy(name, owner)],
        Kind::Policy => {
            let using = definition.as_ref().map(|it| format!(" USING ({})", column(it)));
            let check = second.as_ref().map(|it| format!(" WITH CHECK ({})", column(it)));
            let parts: String = using.into_iter().chain(check).collect();
            vec![format!("ALTER POLICY {name} ON {owner}{parts};")]
        }
        Kind::Trigger => trigger(name, owner, body, second.is_some(), &column),
        Kind::GeneratedColumn => {
            let type_name = second.as_deref().unwrap_or_default();
            vec![format!(
                "ALTER TABLE {owner} DROP COLUMN {name}, ADD COLUMN {name} {type_name} \
                 GENERATED ALWAYS AS ({}) STORED;",
                column(body)
            )]
        }
        Kind::ForeignKey => foreign_key(name, owner, body, None, &column),
        Kind::Publication => {
            let mut kept: Vec<String> = Vec::new();
            for listed in columns.iter().map(|it| column(it)) {
                if !kept.contains(&listed) {
                    kept.push(listed);
                }
            }
            let list =
                if kept.is_empty() { String::new() } else { format!(" ({})", kept.join(", ")) };
            let filter = definition.as_ref().map(|it| format!(" WHERE ({})", column(it)));
            vec![
                format!("ALTER PUBLICATION {name} DROP TABLE {owner};"),
                format!(
                    "ALTER PUBLICATION {name} ADD TABLE {owner}{list}{};",
                    filter.unwrap_or_default()
                ),
            ]
        }
        Kind::Rule if is_sure && owner != &member.sql => {
            vec![format!("CREATE OR REPLACE {};", column(body.trim_start_matches("CREATE ")))]
        }
        Kind::Rule => vec![format!("DROP RULE {name} ON {owner};")],
        Kind::Function => vec![show_function(name)],
        Kind::Other => Vec::new(),
    }
}

/// A view with another query under the same names.
pub(super) fn replaced_view(
    name: &str,
    columns: &[String],
    options: Option<&str>,
    query: &str,
) -> String {
    let options = options.map(|it| format!(" WITH ({it})")).unwrap_or_default();
    format!("CREATE OR REPLACE VIEW {name} ({}){options} AS {query};", columns.join(", "))
}

/// What stands between the statements that give a materialized view back what it had.
const SEPARATOR: char = '\u{1e}';

/// A materialized view with another query, and the `rest`: its indexes, comments, privileges and owner.
pub(super) fn made_anew(
    name: &str,
    columns: &[String],
    rest: Option<&str>,
    query: &str,
) -> Vec<String> {
    let columns = columns.join(", ");
    let create = [
        format!("DROP MATERIALIZED VIEW {name};"),
        format!("CREATE MATERIALIZED VIEW {name} ({columns}) AS {query};"),
    ];
    create
        .into_iter()
        .chain(rest.iter().flat_map(|it| it.split(SEPARATOR)).map(str::to_owned))
        .collect()
}

pub(super) fn show(function: &str, kind: &str, name: &str) -> String {
    format!("SELECT {function}('{}'::{kind});", name.replace('\'', "''"))
}

/// What shows a policy's conditions. Names are quoted as identifiers.
pub(super) fn show_policy(name: &str, table: &str) -> String {
    format!(
        "SELECT pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid) \
         FROM pg_policy WHERE polrelid = '{}'::regclass AND quote_ident(polname) = '{}';",
        table.replace('\'', "''"),
        name.replace('\'', "''")
    )
}

/// What shows a rule. Names are quoted as identifiers.
pub(super) fn show_rule(name: &str, table: &str) -> String {
    format!(
        "SELECT pg_get_ruledef(oid) FROM pg_rewrite WHERE ev_class = '{}'::regclass AND quote_ident(rulename) = '{}';",
        table.replace('\'', "''"),
        name.replace('\'', "''")
    )
}

/// What shows a dependent that only a human can write.
pub(super) fn shown(dependent: &Dependent) -> Option<String> {
    let Dependent { name, owner, .. } = dependent;
    match dependent.kind {
        Kind::View | Kind::MaterializedView => Some(show("pg_get_viewdef", "regclass", name)),
        Kind::Policy => Some(show_policy(name, owner)),
        Kind::Rule => Some(show_rule(name, owner)),
        Kind::Function => Some(show_function(name)),
        Kind::GeneratedColumn
        | Kind::ForeignKey
        | Kind::Trigger
        | Kind::Publication
        | Kind::Other => None,
    }
}

/// Names stand before the table, in WHEN, and nowhere else; the function's stays.
fn trigger(
    name: &str,
    owner: &str,
    definition: &str,
    is_constraint: bool,
    column: &dyn Fn(&str) -> String,
) -> Vec<String> {
    let on = format!(" ON {owner} ");
    let parts = definition.split_once(&on).and_then(|(events, rest)| {
        let (when, function) = rest.split_once(" EXECUTE FUNCTION ")?;
        let (_, events) = events.split_once(&format!(" {name} "))?;
        Some((column(events), column(when), function))
    });
    let Some((events, when, function)) = parts else {
        return vec![format!("DROP TRIGGER {name} ON {owner};")];
    };
    let rest = format!("TRIGGER {name} {events}{on}{when} EXECUTE FUNCTION {function};");
    match is_constraint {
        // They cannot be replaced.
        true => {
            vec![format!("DROP TRIGGER {name} ON {owner};"), format!("CREATE CONSTRAINT {rest}")]
        }
        false => vec![format!("CREATE OR REPLACE {rest}")],
    }
}

/// The columns of the other table keep their names.
///
/// `to`: the table that is referred to from then on, if it is another one.
pub(super) fn foreign_key(
    name: &str,
    owner: &str,
    definition: &str,
    to: Option<&str>,
    column: &dyn Fn(&str) -> String,
) -> Vec<String> {
    let Some((own, referenced)) = definition.split_once(") REFERENCES ") else { return Vec::new() };
    // Behind the table's name stand its columns, in brackets, then words.
    let (table, rest) = referenced.split_once('(').unwrap_or((referenced, ""));
    let (columns, behind) = rest.split_once(')').unwrap_or((rest, ""));
    let (columns, table) = (column(columns), to.unwrap_or(table));
    let behind = behind.replace(" NOT VALID", "");
    vec![
        format!(
            "ALTER TABLE {owner} DROP CONSTRAINT {name}, ADD CONSTRAINT {name} {own}) REFERENCES {table}({columns}){behind} NOT VALID;"
        ),
        format!("ALTER TABLE {owner} VALIDATE CONSTRAINT {name};"),
    ]
}

/// What stands between two known texts.
pub(super) fn between<'t>(text: &'t str, begin: &str, end: &str) -> Option<&'t str> {
    text.strip_prefix(begin)?.strip_suffix(end)
}

/// The text with the new column's name in the place of the old one's.
pub(super) fn renamed_in(step: &Step<'_>, text: &str) -> String {
    renamed(text, &step.pair.from, &step.pair.to)
}

/// A free name for the counterpart of a statistics object, as SQL writes it.
pub(super) fn new_name(step: &Step<'_>, member: &Member<'_>, name: &str, taken: &[&str]) -> String {
    let wanted = counterpart_name(name, step.pair, &member.name.name, "stat");
    quoted(&free_name(&wanted, taken))
}
