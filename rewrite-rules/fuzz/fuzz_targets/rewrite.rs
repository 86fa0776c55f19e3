//! Any bytes as a statement, in every phase, to clients of both shapes: no panic, and whatever is
//! sent can be read again, has the client's placeholders, and leads back into the client's text.

#![no_main]

#[path = "../../tests/support/mod.rs"]
#[expect(dead_code, reason = "only the reader of schemas is needed")]
mod support;

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use libfuzzer_sys::fuzz_target;
use rewrite_rules::belief::{Belief, belief};
use rewrite_rules::shape::Shape;
use rewrite_rules::{Generation, Outcome, Phase, Rewritten, Rule, SearchPath, SessionView};
use serde::Deserialize;

/// Tables with what makes rewriting hard: quoted names, defaults, a conversion, another schema.
const SCHEMA: &str = r#"
    CREATE TABLE users (id bigint PRIMARY KEY, username text UNIQUE, email text,
        score integer DEFAULT 0, handle text);
    CREATE UNIQUE INDEX users_handle_key ON users (handle);
    CREATE TABLE "Account" (id integer PRIMARY KEY, "userName" varchar(20), "display Name" varchar(20));
    CREATE TABLE app."Odd""Name" ("a""b" text, plain text, "select" text);
    CREATE TABLE orders (id bigint PRIMARY KEY, total integer DEFAULT 1, note text, total_big bigint
        DEFAULT 1);
    CREATE TABLE posts (id bigint PRIMARY KEY, user_id bigint, title text, handle text);
"#;

const RULES: &str = r#"
    [[rule]]
    name = "rename"
    kind = "rename-column"
    table = "users"
    from = "username"
    to = "handle"

    [[rule]]
    name = "quoted"
    kind = "rename-column"
    table = '"Account"'
    from = "userName"
    to = "display Name"

    [[rule]]
    name = "odd"
    kind = "rename-column"
    table = 'app."Odd""Name"'
    from = 'a"b'
    to = "select"

    [[rule]]
    name = "widen"
    kind = "change-column"
    table = "orders"
    from = "total"
    to = "total_big"
"#;

/// One generation for each phase.
fn generations() -> &'static [Generation] {
    static GENERATIONS: OnceLock<Vec<Generation>> = OnceLock::new();
    GENERATIONS.get_or_init(|| {
        let catalog = Arc::new(support::schema::catalog_of(SCHEMA).expect("the schema"));
        Phase::TWO_SIDED
            .iter()
            .map(|phase| {
                rewrite_rules::compile(1, &rules(*phase), Arc::clone(&catalog)).expect("the rules")
            })
            .collect()
    })
}

fn rules(phase: Phase) -> Vec<Rule> {
    #[derive(Deserialize)]
    struct File {
        rule: Vec<toml::Table>,
    }
    let file: File = toml::from_str(RULES).expect("the rules");
    let phased = file.rule.into_iter().map(|mut table| {
        table.insert("phase".to_owned(), phase.name().into());
        Rule::deserialize(table).expect("a rule")
    });
    phased.collect()
}

fn placeholders(text: &str, belief: &Belief) -> BTreeSet<String> {
    let tokens = belief.tokens.iter().filter_map(|token| text.get(token.start..token.end));
    let parameters = tokens.filter(|token| {
        token.strip_prefix('$').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    });
    parameters.map(str::to_owned).collect()
}

fn check(client: &str, rewritten: &Rewritten) {
    let before = belief(client).expect("a text that was rewritten is believed");
    let after = belief(&rewritten.sql).expect("what is sent can be read");
    let injected = rewritten.replies.iter().filter(|reply| reply.injected).count();
    assert_eq!(before.statements + injected, after.statements, "{}", rewritten.sql);
    assert_eq!(
        placeholders(client, &before),
        placeholders(&rewritten.sql, &after),
        "{}",
        rewritten.sql
    );
    let length = u32::try_from(client.chars().count()).unwrap_or(u32::MAX);
    for position in 1..=rewritten.sql.chars().count() {
        let position = u32::try_from(position).unwrap_or(u32::MAX);
        // `None` is in a statement that the client did not send.
        if let Some(place) = rewritten.positions.to_client(position) {
            assert!((1..=length + 1).contains(&place), "{position} leads to {place} of {length}");
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let path = SearchPath::default();
    for generation in generations() {
        for shape in Shape::ALL {
            let session = SessionView { shape, ..SessionView::usual(&path) };
            match generation.rewrite(text, session) {
                // What the scan does not find is sent without asking.
                Outcome::Forward | Outcome::ForwardOpaque => {}
                Outcome::Refused(refusal) => {
                    let length = text.chars().count();
                    let inside =
                        |at: u32| at >= 1 && usize::try_from(at).is_ok_and(|at| at <= length);
                    assert!(refusal.position.is_none_or(inside), "{refusal:?}");
                }
                Outcome::Rewritten(rewritten) => {
                    assert!(generation.scan(bytes).governed);
                    check(text, &rewritten);
                }
            }
        }
    }
});
