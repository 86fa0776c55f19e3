//! Compares an answer with what it must be.

use super::plan::Request;
use super::record::{Cell, shown};
use super::send::Answer;
use super::turn::Expected;

/// Says what is wrong with an answer; `None` if nothing is.
pub(super) fn fault(request: &Request, answer: &Answer) -> Option<String> {
    match &request.expected {
        Expected::Refused(expected) => match &answer.refusal {
            Some(refusal) if refusal == expected => None,
            Some(refusal) => Some(format!("expected {expected}, got {refusal}")),
            None => Some(format!("expected {expected}, got no error")),
        },
        Expected::Count(expected) => {
            let count = answer.count.unwrap_or(0);
            (count != *expected).then(|| format!("expected {expected} rows written, got {count}"))
        }
        Expected::Rows(expected) => wrong_columns(request, answer).or_else(|| {
            let wide = |row: &[_], width: usize| row.iter().take(width).cloned().collect();
            let got: Vec<Vec<_>> = answer
                .rows
                .iter()
                .enumerate()
                .map(|(at, row)| wide(row, expected.get(at).map_or(row.len(), Vec::len)))
                .collect();
            (got != *expected)
                .then(|| format!("expected {}, got {}", listed(expected), listed(&got)))
        }),
    }
}

/// Compares names, order and types of the columns, as far as the protocol told them.
fn wrong_columns(request: &Request, answer: &Answer) -> Option<String> {
    let expected = request.statement.columns;
    // An unnamed statement that finds no row tells the driver's caller no columns.
    if answer.names.is_empty() && answer.rows.is_empty() {
        return None;
    }
    let names: Vec<&str> = expected.iter().map(|(name, _)| *name).collect();
    if answer.names != names {
        return Some(format!("expected columns {names:?}, got {:?}", answer.names));
    }
    let types: Vec<_> = expected.iter().map(|(_, type_)| type_.clone()).collect();
    (!answer.types.is_empty() && answer.types != types)
        .then(|| format!("expected column types {types:?}, got {:?}", answer.types))
}

fn listed(rows: &[Vec<Cell>]) -> String {
    let rows: Vec<String> = rows.iter().map(|row| shown(row)).collect();
    if rows.is_empty() { "no row".to_owned() } else { rows.join(" ") }
}

#[cfg(test)]
mod tests {
    use tokio_postgres::types::Type;

    use super::super::refusal::Refusal;
    use super::super::statement::{Statement, Value};
    use super::*;

    static READ: Statement = Statement {
        text: "SELECT username FROM users ORDER BY username DESC",
        columns: &[("username", Type::VARCHAR)],
        parameters: &[],
    };
    static DELETE: Statement = Statement {
        text: "DELETE FROM users WHERE username = $1",
        columns: &[],
        parameters: &[Type::VARCHAR],
    };

    fn sorted(names: &[&str]) -> Request {
        Request {
            statement: &READ,
            values: Vec::new(),
            expected: Expected::Rows(
                names.iter().map(|name| vec![Some((*name).to_owned())]).collect(),
            ),
        }
    }

    fn answer(column: &str, names: &[&str]) -> Answer {
        Answer {
            names: vec![column.to_owned()],
            types: Vec::new(),
            rows: names.iter().map(|name| vec![Some((*name).to_owned())]).collect(),
            ..Answer::default()
        }
    }

    #[test]
    fn names_rows_and_order_must_all_be_right() {
        let request = sorted(&["b", "a"]);
        assert_eq!(fault(&request, &answer("username", &["b", "a"])), None);
        assert_eq!(
            fault(&request, &answer("handle", &["b", "a"])),
            Some("expected columns [\"username\"], got [\"handle\"]".to_owned())
        );
        assert_eq!(
            fault(&request, &answer("username", &["a", "b"])),
            Some("expected (b) (a), got (a) (b)".to_owned())
        );
        assert_eq!(
            fault(&request, &answer("username", &[])),
            Some("expected (b) (a), got no row".to_owned())
        );
    }

    #[test]
    fn a_write_must_hit_its_row() {
        let request = Request {
            statement: &DELETE,
            values: vec![Value::Text("a".to_owned())],
            expected: Expected::Count(1),
        };
        let mut answer = answer("", &[]);
        answer.count = Some(0);
        assert_eq!(fault(&request, &answer), Some("expected 1 rows written, got 0".to_owned()));
    }

    #[test]
    fn a_key_that_is_taken_must_be_refused_by_its_own_name() {
        let taken = |table| Refusal::taken(table, "id", 7);
        let request = Request {
            statement: &DELETE,
            values: Vec::new(),
            expected: Expected::Refused(taken("users")),
        };
        let judged = |refusal| fault(&request, &Answer { refusal, ..Answer::default() });
        let said = |table| {
            format!(
                "23505 duplicate key value violates unique constraint \"{table}_pkey\", \
                 detail Key (id)=(7) already exists., table {table}, constraint {table}_pkey"
            )
        };
        assert_eq!(judged(Some(taken("users"))), None);
        let (right, wrong) = (said("users"), said("people"));
        assert_eq!(judged(Some(taken("people"))), Some(format!("expected {right}, got {wrong}")));
        assert_eq!(judged(None), Some(format!("expected {right}, got no error")));
    }
}
