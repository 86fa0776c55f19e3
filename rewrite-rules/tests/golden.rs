//! Runs the golden books: whole texts are compared in every phase, without PostgreSQL.
//!
//! `GOLDEN_UPDATE=1 cargo test -p segue-rewrite-rules --test golden` makes the outcome blocks say
//! what the code does; read the difference before you keep it.

pub mod support;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use rewrite_rules::rule::{Change, Rule};
use rewrite_rules::{Construct, Generation, Outcome, Phase, SearchPath, SessionView, Shape};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, Tokenizer};
use support::book::{Book, Case, Expected, Written, updating};
use support::{read_books, replies, schema};

/// What a book cannot show, see `rewriting.rs`.
const ELSEWHERE: [Construct; 3] =
    [Construct::Backslash, Construct::MergeReturning, Construct::ThroughView];

#[test]
fn every_book_holds() {
    let books = read_books().expect("the books can be read");
    let mut report = Vec::new();
    let mut kinds = BTreeSet::new();
    let mut cases = 0;
    for book in &books {
        if updating() {
            update(book).expect("the book can be written");
            continue;
        }
        report.extend(book.faults.iter().cloned());
        for case in &book.cases {
            cases += 1;
            if let Ok(rules) = case.rules_in(Phase::Expand) {
                kinds.extend(rules.iter().map(|rule| rule.change.kind()));
            }
            for &phase in case.phases() {
                if let Err(difference) = check(case, phase) {
                    let place = format!("{}:{}", book.file_name(), case.line);
                    report.push(format!("{place}: {} [{phase}]\n{difference}", case.name));
                }
            }
        }
    }
    if updating() {
        return;
    }
    for kind in Change::KINDS {
        if !kinds.contains(kind) {
            report.push(format!("no book has a case of kind \"{kind}\""));
        }
    }
    for construct in Construct::ALL {
        let refused = format!("cannot rewrite {} on table", construct.description());
        let mut lines = books.iter().flat_map(|book| &book.lines);
        if !ELSEWHERE.contains(&construct) && !lines.any(|line| line.starts_with(&refused)) {
            report.push(format!("no book has a case that is refused as \"{refused}\""));
        }
    }
    assert!(cases > 0, "no book has a case");
    assert!(
        report.is_empty(),
        "{} faults in {cases} cases of {} books\n\n{}\n",
        report.len(),
        books.len(),
        report.join("\n\n")
    );
}

/// Compiles the case's rules in `phase` against its schema.
fn generation(case: &Case, phase: Phase) -> Result<Generation, String> {
    let catalog = schema::catalog_of(&case.schema)?;
    let rules = case.rules_in(phase)?;
    rewrite_rules::compile(1, &rules, Arc::new(catalog)).map_err(|faults| {
        let faults: Vec<String> =
            faults.iter().map(|fault| format!("{}: {}", fault.key, fault.message)).collect();
        format!("does not compile\n{}", faults.join("\n"))
    })
}

fn rewrite(generation: &Generation, text: &str, shape: Shape) -> Outcome {
    let search_path = SearchPath::default();
    generation.rewrite(text, SessionView { shape, ..SessionView::usual(&search_path) })
}

/// An outcome as a book writes it.
fn written(outcome: &Outcome) -> Expected {
    match outcome {
        Outcome::Forward | Outcome::ForwardOpaque => Expected::Text("forwarded".to_owned()),
        Outcome::Rewritten(rewritten) => Expected::Sql(rewritten.sql.clone()),
        Outcome::Refused(refusal) => {
            let mut text = format!("refused {}\n{}", refusal.sqlstate, refusal.message);
            if let Some(hint) = &refusal.hint {
                let _ = write!(text, "\nHINT: {hint}");
            }
            Expected::Text(text)
        }
    }
}

/// What a book says of an outcome.
fn written_with_reply(outcome: &Outcome) -> Written {
    let reply = match outcome {
        Outcome::Rewritten(rewritten) => replies::written(rewritten),
        Outcome::Forward | Outcome::ForwardOpaque | Outcome::Refused(_) => None,
    };
    Written { expected: written(outcome), reply }
}

/// Checks everything that can be said about one case in one phase without a server.
fn check(case: &Case, phase: Phase) -> Result<(), String> {
    let expected = case.expected(phase).ok_or("the book says nothing of this phase")?;
    let generation = match generation(case, phase) {
        Ok(generation) => generation,
        Err(fault) => {
            // A book may show what keeps a phase from being entered.
            let found = Expected::Text(fault);
            return if found == *expected { Ok(()) } else { Err(difference(expected, &found)) };
        }
    };
    let outcome = rewrite(&generation, &case.client, case.shape);
    let found = written(&outcome);
    if found != *expected {
        return Err(difference(expected, &found));
    }
    let reply = written_with_reply(&outcome).reply;
    if reply.as_deref() != case.reply(phase) {
        let text = |reply: Option<&str>| Expected::Text(reply.unwrap_or_default().to_owned());
        return Err(difference(&text(case.reply(phase)), &text(reply.as_deref())));
    }
    let names_governed = generation.scan(case.client.as_bytes()).governed;
    match outcome {
        Outcome::Forward => Ok(()),
        Outcome::ForwardOpaque | Outcome::Refused(_) if !names_governed => {
            Err("the scan did not ask for this text to be looked at".to_owned())
        }
        Outcome::ForwardOpaque => Ok(()),
        Outcome::Refused(refusal) => match refusal.position {
            Some(at) if at == 0 || at as usize > case.client.chars().count() => {
                Err(format!("position {at} is outside of the client's text"))
            }
            Some(_) | None => Ok(()),
        },
        Outcome::Rewritten(_) if !names_governed => {
            Err("the scan did not ask for this text to be rewritten".to_owned())
        }
        Outcome::Rewritten(rewritten) => {
            // Several statements of ours for one of the client's: no client sends that.
            let injected = rewritten.replies.iter().any(|reply| reply.injected);
            if !injected {
                parses(&case.client, &rewritten.sql)?;
            }
            let (before, after) = (placeholders(&case.client)?, placeholders(&rewritten.sql)?);
            if before != after {
                return Err(format!("placeholders {before:?} became {after:?}"));
            }
            for at in 1..=rewritten.sql.chars().count() {
                let at = u32::try_from(at).map_err(|error| error.to_string())?;
                let Some(client) = rewritten.positions.to_client(at) else { continue };
                if client == 0 || client as usize > case.client.chars().count() + 1 {
                    return Err(format!("position {at} leads to {client}, outside of the text"));
                }
            }
            if injected {
                return Ok(());
            }
            again(&generation, &rewritten.sql, case.shape)
        }
    }
}

/// Rewriting what was rewritten changes nothing.
///
/// The exception: where both sides are written, the text assigns both, which is refused to a client
/// that does it itself, or leaves one of them to its default, which a client's text does not mean.
fn again(generation: &Generation, sql: &str, shape: Shape) -> Result<(), String> {
    let writes_both = |phase| matches!(phase, Phase::DualWrite | Phase::SwitchReads);
    // Our texts name the tables of a split or a merge as they are, and a client's as they will be, or were.
    let names_half = |rule: &Rule| match &rule.change {
        Change::SplitTable(split) => sql.contains(&split.into),
        Change::MergeTables(merge) => sql.contains(&merge.into),
        _ => false,
    };
    if generation.rules().iter().any(names_half) {
        return Ok(());
    }
    let both = generation.rules().iter().any(|rule| writes_both(rule.phase));
    match rewrite(generation, sql, shape) {
        Outcome::Forward => Ok(()),
        Outcome::Rewritten(second) if second.sql == sql => Ok(()),
        Outcome::Refused(_) if both => Ok(()),
        Outcome::Rewritten(_) if both && sql.contains("INSERT ") => Ok(()),
        Outcome::Rewritten(second) if unqualified(&second.sql) == unqualified(sql) => Ok(()),
        other @ (Outcome::Rewritten(_) | Outcome::Refused(_) | Outcome::ForwardOpaque) => {
            Err(format!(
                "rewritten again it changes\n{}",
                difference(&Expected::Sql(sql.to_owned()), &written(&other))
            ))
        }
    }
}

/// The text without qualifiers: a new name that stands unqualified in a sub-select was another
/// relation's to a client of the old shape, so a second rewriting may say so.
fn unqualified(sql: &str) -> String {
    let words = sql.split_inclusive(|c: char| !c.is_alphanumeric() && c != '_');
    words.filter(|word| !word.ends_with('.')).collect()
}

/// What could be read before can be read after. The parser knows neither `OVERRIDING` nor the weaker row
/// locks, which `desugar` takes out before it: so does this.
fn parses(client: &str, sql: &str) -> Result<(), String> {
    let dialect = PostgreSqlDialect {};
    let read = |text: &str| {
        let text = text.replace("FOR NO KEY UPDATE", "FOR UPDATE");
        Parser::new(&dialect)
            .with_recursion_limit(300)
            .try_with_sql(&text.replace(" OVERRIDING SYSTEM VALUE", ""))
            .and_then(|mut parser| parser.parse_statements())
    };
    match (read(client), read(sql)) {
        (Ok(_), Err(error)) => Err(format!("the rewritten text does not parse: {error}\n{sql}")),
        (Ok(before), Ok(after)) if before.len() != after.len() => {
            Err(format!("{} statements became {}", before.len(), after.len()))
        }
        _ => Ok(()),
    }
}

fn placeholders(text: &str) -> Result<BTreeSet<String>, String> {
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, text)
        .tokenize()
        .map_err(|error| error.to_string())?;
    Ok(tokens
        .into_iter()
        .filter_map(|token| match token {
            Token::Placeholder(name) => Some(name),
            _ => None,
        })
        .collect())
}

/// Both texts, with the first place where they part.
fn difference(expected: &Expected, found: &Expected) -> String {
    let show = |expected: &Expected| match expected {
        Expected::Sql(text) | Expected::Text(text) => text.clone(),
    };
    let (left, right) = (show(expected), show(found));
    let same = left.chars().zip(right.chars()).take_while(|(a, b)| a == b).count();
    let tail = |text: &str| text.chars().skip(same).take(40).collect::<String>();
    format!(
        "  expected: {}\n  found:    {}\n  they part after {same} characters: {:?} against {:?}",
        left.replace('\n', "\n            "),
        right.replace('\n', "\n            "),
        tail(&left),
        tail(&right)
    )
}

/// Makes the book's outcome blocks say what the code does.
fn update(book: &Book) -> std::io::Result<()> {
    let outcome = |case: &Case, phase: Phase| match generation(case, phase) {
        Ok(generation) => Some(written_with_reply(&rewrite(&generation, &case.client, case.shape))),
        Err(fault) => Some(Expected::Text(fault).into()),
    };
    std::fs::write(&book.path, book.updated(&outcome))
}

mod format {
    //! The format itself: what a book may say, and what a faulty one is told.

    use super::*;

    const HEAD: &str = "# A\n\n```sql schema\nCREATE TABLE t (a int);\n```\n\n```toml rules\n\
        [[migration]]\nname = \"m\"\nkind = \"rename-column\"\ntable = \"t\"\nfrom = \"a\"\n\
        to = \"b\"\n```\n\n";

    fn book(tail: &str) -> Book {
        Book::parse("book.md".into(), &format!("{HEAD}{tail}"))
    }

    #[test]
    fn headings_nest_and_blocks_are_inherited() {
        let book = book(
            "## B\n\n### C\n\n```sql client\nSELECT a FROM t\n```\n\n```text expand dual-write\n\
             forwarded\n```\n\n```sql switch-reads stop-dual-write contract\nSELECT b AS a FROM t\n\
             ```\n",
        );
        assert_eq!(book.faults, Vec::<String>::new());
        let [case] = book.cases.as_slice() else { panic!("one case: {:?}", book.cases) };
        assert_eq!(case.name, "A / B / C");
        assert_eq!(case.schema, "CREATE TABLE t (a int);");
        assert_eq!(case.expected(Phase::Expand), Some(&Expected::Text("forwarded".into())));
        assert_eq!(
            case.expected(Phase::Contract),
            Some(&Expected::Sql("SELECT b AS a FROM t".into()))
        );
        let rules = case.rules_in(Phase::SwitchReads).expect("rules");
        assert_eq!(rules.first().map(|rule| rule.phase), Some(Phase::SwitchReads));
    }

    #[test]
    fn a_forgotten_and_a_repeated_phase_are_faults() {
        let book = book(
            "## B\n\n```sql client\nSELECT 1\n```\n\n```text expand expand\nforwarded\n```\n\n\
             ```text dual-write switch-reads stop-dual-write\nforwarded\n```\n",
        );
        assert_eq!(
            book.faults,
            [
                "book.md:18: \"A / B\": phase \"expand\" appears 2 times",
                "book.md:18: \"A / B\": phase \"contract\" appears 0 times"
            ]
        );
    }

    #[test]
    fn an_update_touches_outcome_blocks_only() {
        let before = book(
            "## B\n\nWhy.\n\n```sql client\nSELECT a FROM t\n```\n\nBefore.\n\n```text expand\n\
             refused 0A000\n```\n\nAfter.\n",
        );
        let made = before.updated(&|_, phase| match phase {
            Phase::Expand | Phase::DualWrite => Some(Expected::Text("forwarded".into()).into()),
            _ => Some(Expected::Sql("SELECT b AS a FROM t".into()).into()),
        });
        assert_eq!(
            made,
            format!(
                "{HEAD}## B\n\nWhy.\n\n```sql client\nSELECT a FROM t\n```\n\nBefore.\n\n\
                 ```text expand\nforwarded\n```\n\n```text dual-write\nforwarded\n```\n\n\
                 ```sql switch-reads stop-dual-write contract\nSELECT b AS a FROM t\n```\n\n\
                 After.\n"
            )
        );
    }

    #[test]
    fn an_update_keeps_each_reply_behind_its_outcome() {
        let client = "## B\n\n```sql client\nCOPY t (a) FROM STDIN\n```\n\n";
        let rest = "```sql stop-dual-write contract\nCOPY t (b) FROM STDIN\n```\n\nAfter.\n";
        let both = "```sql dual-write switch-reads\nCOPY t (a, b) FROM STDIN\n```\n\n\
            ```text reply dual-write switch-reads\ncopy: text, 1 fields, field 1 repeated\n```\n\n";
        let expand = "```text expand\nforwarded\n```\n\n";
        let outcome = |_: &Case, phase: Phase| {
            let sql = |text: &str| Expected::Sql(text.to_owned());
            Some(match phase {
                Phase::Expand => Expected::Text("forwarded".into()).into(),
                Phase::DualWrite | Phase::SwitchReads => Written {
                    expected: sql("COPY t (a, b) FROM STDIN"),
                    reply: Some("copy: text, 1 fields, field 1 repeated".to_owned()),
                },
                Phase::StopDualWrite | Phase::Contract => sql("COPY t (b) FROM STDIN").into(),
                Phase::Backfill | Phase::Enforce => return None,
            })
        };
        let whole = format!("{client}{expand}{both}{rest}");
        assert_eq!(book(&whole).updated(&outcome), format!("{HEAD}{whole}"));
        let stale = whole.replace("field 1 repeated", "field 2 repeated");
        assert_eq!(book(&stale).updated(&outcome), format!("{HEAD}{whole}"));
        let [case] = &book(&whole).cases[..] else { panic!("one case") };
        assert_eq!(case.reply(Phase::Contract), None);
        assert_eq!(case.reply(Phase::SwitchReads), Some("copy: text, 1 fields, field 1 repeated"));
    }

    #[test]
    fn types_are_printed_as_format_type_does() {
        use support::format_type::{format_type, without_typmod};
        for (written, full, base) in [
            ("VARCHAR(50)", "character varying(50)", "character varying"),
            ("int8", "bigint", "bigint"),
            ("INT[]", "integer[]", "integer[]"),
            ("char", "character(1)", "bpchar"),
            ("numeric(10, 2)", "numeric(10,2)", "numeric"),
            ("timestamptz(3)", "timestamp(3) with time zone", "timestamp with time zone"),
            (
                "TIMESTAMP(3) WITH TIME ZONE",
                "timestamp(3) with time zone",
                "timestamp with time zone",
            ),
            ("timestamp", "timestamp without time zone", "timestamp without time zone"),
            ("varchar(5)[]", "character varying(5)[]", "character varying[]"),
        ] {
            assert_eq!(format_type(written), full, "{written}");
            assert_eq!(without_typmod(full), base, "{written}");
        }
    }
}
