//! What was worked out for one text holds for all that differ from it in their values alone: all books and the coverage corpus, with
//! other values, one by one and by way of a template.

#![expect(clippy::expect_used, reason = "a failure is a panic")]

pub mod support;

use std::sync::Arc;

use rewrite_rules::{Generation, Masked, Outcome, Phase, SearchPath, SessionView, Shape, Template};
use support::{coverage, read_books, schema};

/// Values that a rewriting could mistake for something else.
const INTEGERS: [&str; 6] = ["0", "1", "2", "7", "2147483648", "99999999999999999999"];
const DECIMALS: [&str; 3] = ["0.", "1.50", "123456789.987654321"];
const TEXTS: [&str; 9] = [
    "''",
    "'1'",
    "'users'",
    "'username'",
    "'handle'",
    "'O''Neill; DROP TABLE users --'",
    "'ünïcödé 🦀'",
    "'/*'",
    "'$1'",
];
const COMMENTS: [&str; 4] = ["/**/", "/* username 'é */", "/*--*/", "/* $$ \" U&\" */"];

/// Numbers that follow upon one another without a pattern, the same in each run.
struct Dice(u64);

impl Dice {
    fn one_of<'v>(&mut self, values: &[&'v str]) -> &'v str {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let count = u64::try_from(values.len()).expect("few");
        let index = usize::try_from((self.0 >> 33) % count).expect("few");
        values.get(index).expect("one of them")
    }

    /// Another text of the same pattern.
    fn other(&mut self, pattern: &str) -> String {
        let mut other = String::new();
        for sign in pattern.chars() {
            match sign {
                '\u{1}' => other.push_str(self.one_of(&INTEGERS)),
                '\u{2}' => other.push_str(self.one_of(&DECIMALS)),
                '\u{3}' => other.push_str(self.one_of(&TEXTS)),
                '\u{4}' => other.push_str(self.one_of(&COMMENTS)),
                sign => other.push(sign),
            }
        }
        other
    }
}

/// The text as a driver sends it that writes values into it.
fn with_values(text: &str, value: &str) -> String {
    let mut written = String::new();
    let mut parts = text.split('$');
    written.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let behind = part.trim_start_matches(|sign: char| sign.is_ascii_digit());
        written.push_str(if behind.len() < part.len() { value } else { "$" });
        written.push_str(behind);
    }
    written
}

/// Holds the template of a text against rewriting, for other values. Returns whether there is one.
fn check(generation: &Generation, text: &str, shape: Shape, dice: &mut Dice) -> bool {
    let search_path = SearchPath::default();
    let session = SessionView { shape, ..SessionView::usual(&search_path) };
    let rewrite = |text: &str| generation.rewrite(text, session);
    let Some(masked) = generation.masked(text, generation.scan(text.as_bytes())) else {
        return false;
    };
    let template = Template::new(&masked, rewrite);
    assert!(template.is_some(), "it depends on its values, so it must keep them: {text}");
    let Some(template) = template else { return false };
    for _ in 0..2 {
        let other = dice.other(masked.pattern());
        let Some(masked_other) = generation.masked(&other, generation.scan(other.as_bytes()))
        else {
            assert!(generation.scan(other.as_bytes()).catalog, "it has values: {other}");
            continue;
        };
        assert_eq!(masked_other.pattern(), masked.pattern(), "{other}");
        let found = template.fill(&masked_other);
        assert_eq!(found, rewrite(&other), "{text}\n{other}");
    }
    template_holds_positions(&template, &masked);
    true
}

/// Each position of what is sent leads to a character of the client's text.
fn template_holds_positions(template: &Template, masked: &Masked<'_>) {
    let Outcome::Rewritten(rewritten) = template.fill(masked) else { return };
    let characters = u32::try_from(rewritten.sql.chars().count()).expect("short");
    let places = (1..=characters).filter_map(|position| rewritten.positions.to_client(position));
    assert!(places.max().is_some_and(|last| last >= 1), "{}", rewritten.sql);
}

/// The text with values in place of its parameters.
fn texts(text: &str) -> Vec<String> {
    let commented = format!("/* by */ {text}");
    match text.contains('$') {
        true => ["5", "'x'"].iter().map(|value| with_values(&commented, value)).collect(),
        false => vec![commented],
    }
}

#[test]
fn the_books_hold_for_other_values() {
    let mut dice = Dice(1);
    let mut held = 0;
    for book in read_books().expect("the books can be read") {
        for case in &book.cases {
            let catalog = schema::catalog_of(&case.schema).map(Arc::new);
            for &phase in case.phases() {
                let (Ok(catalog), Ok(rules)) = (&catalog, case.rules_in(phase)) else { continue };
                let Ok(generation) = rewrite_rules::compile(1, &rules, Arc::clone(catalog)) else {
                    continue;
                };
                for text in texts(&case.client) {
                    held += usize::from(check(&generation, &text, case.shape, &mut dice));
                }
            }
        }
    }
    assert!(held > 3_000, "{held}");
}

#[test]
fn the_coverage_corpus_holds_for_other_values() {
    let mut dice = Dice(2);
    let mut held = 0;
    for phase in [Phase::DualWrite, Phase::SwitchReads, Phase::Contract] {
        let generation = coverage::generation(phase).expect("the corpus compiles");
        for class in coverage::classes().expect("the corpus can be read") {
            for entry in &class.statements {
                held += usize::from(check(&generation, &entry.text, Shape::Old, &mut dice));
            }
        }
    }
    assert!(held > 500, "{held}");
}
