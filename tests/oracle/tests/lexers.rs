//! Random texts: whatever the rewriting believes of a text's tokens, PostgreSQL's scanner sees too.

use oracle::runs::runner;
use oracle::scan::{Kind, Scanned, scan};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestCaseError;
use rewrite_rules::belief::{Belief, BelievedKind, belief};

/// Parts in which lexers differ.
const PARTS: &[&str] = &[
    "users",
    "Username",
    "\"users\"",
    "\"a\"\"b\"",
    "\"",
    "\"users",
    "u&\"users\"",
    "U&\"\\0075\"",
    "u&'d\\0061t'",
    "U&'x' UESCAPE '!'",
    "u &",
    "straße",
    "übersicht",
    "日本",
    "_x",
    "a$b",
    "x1",
    "'users'",
    "''",
    "'it''s'",
    "'",
    "'a\\'",
    "e'a\\'b'",
    "E'\\\\'",
    "E'x",
    "b'01'",
    "x'1F'",
    "B'",
    "n'abc'",
    "N'x''y'",
    "'a'\n'b'",
    "'a' --c\n 'b'",
    "'a' 'b'",
    "$$users$$",
    "$a$ $$ $a$",
    "$a$",
    "$$",
    "$1",
    "$2a",
    "$",
    "a$1",
    "$users$ -- $users$",
    "--",
    "-- users\n",
    "--users",
    "/*",
    "*/",
    "/* users */",
    "/* /* users */ */",
    "/*/",
    "/*/ users */",
    "/**/",
    "/* -- */",
    "--/*\n",
    "-",
    "+",
    "*",
    "/",
    "<",
    ">",
    "=",
    "~",
    "!",
    "@",
    "#",
    "%",
    "^",
    "&",
    "|",
    "`",
    "?",
    "<>",
    "<=",
    "->",
    "->>",
    "#>",
    "#>>",
    "@>",
    "<@",
    "?|",
    "?&",
    "||",
    "!~*",
    "::",
    ":",
    ":=",
    "..",
    ".",
    ",",
    ";",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "\\",
    "=>",
    "<>--",
    "<>-- users\n",
    "&>",
    "&&/*",
    "+-",
    "*/-",
    "1",
    "1.5",
    ".5",
    "1.",
    "1e5",
    "1e",
    "1e+",
    "0x1F",
    "0b1",
    "0o7",
    "1_000",
    "1_",
    "1a",
    "1.e",
    "1..2",
    "10users",
    "select",
    "SELECT",
    "from",
    "where",
    "as",
    "only",
    "end",
    "table",
    "null",
    " ",
    "\n",
    "\t",
    "\r",
    "\r\n",
    "\u{b}",
    "\u{c}",
    "\u{a0}",
    "\u{2003}",
    "\u{feff}",
    "\u{85}",
    "\u{301}",
    "🙂",
];

/// Ways to put parts together that leave something to read.
const FRAMES: &[(&str, &str)] = &[
    ("", ""),
    ("select ", " from users"),
    ("select a ", " b from users where x = 1"),
    ("select 1 from users where ", ""),
    ("update users set a = ", " where b = 2"),
    ("insert into users (a) values (", ")"),
    ("select ", "; select 2"),
];

fn text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        12 => select(PARTS).prop_map(str::to_owned),
        1 => "[ -~]{1,4}",
        1 => "[\u{20}-\u{2ff}]{1,3}",
    ];
    let glue = select(&["", "", " ", "\n"][..]);
    let parts = proptest::collection::vec((part, glue), 1..8);
    (select(FRAMES), parts).prop_map(|((before, after), parts)| {
        let middle: String = parts.into_iter().map(|(part, glue)| part + glue).collect();
        format!("{before}{middle}{after}")
    })
}

/// Both see the same words and strings in the same places, and the same comments between them.
fn agree(believed: &Belief, scanned: &[Scanned]) -> Result<(), String> {
    let is_word = |kind: &BelievedKind| matches!(kind, BelievedKind::Word(_));
    let ours = believed.tokens.iter().filter(|token| is_word(&token.kind));
    let ours: Vec<(usize, usize)> = ours.map(|token| (token.start, token.end)).collect();
    let theirs = scanned.iter().filter(|token| token.kind == Kind::Word);
    let theirs: Vec<(usize, usize)> = theirs.map(|token| (token.start, token.end)).collect();
    if ours != theirs {
        return Err(format!("words {ours:?} here, {theirs:?} there"));
    }
    let texts: Vec<(usize, usize)> = believed
        .tokens
        .iter()
        .filter(|token| token.kind == BelievedKind::Text)
        .map(|token| (token.start, token.end))
        .collect();
    // Where one constant ends and the next begins may differ: two in a row are an error, or one
    // that goes on in the next line. That they are constants may not.
    let strings: Vec<&Scanned> = scanned.iter().filter(|it| it.kind == Kind::Text).collect();
    for (start, end) in &texts {
        let outside = (*start..*end)
            .find(|at| !strings.iter().any(|token| token.start <= *at && *at < token.end));
        if let Some(at) = outside {
            return Err(format!("no string at byte {at} there"));
        }
    }
    for token in strings {
        let ours = |at: usize| texts.iter().any(|(start, end)| *start <= at && at < *end);
        if !ours(token.start) || !ours(token.end - 1) {
            return Err(format!("no string at {}..{} here", token.start, token.end));
        }
    }
    // What is a comment there must be nothing here.
    for comment in scanned.iter().filter(|token| token.kind == Kind::Comment) {
        let overlaps = |start: usize, end: usize| start < comment.end && comment.start < end;
        if let Some(token) = believed.tokens.iter().find(|it| overlaps(it.start, it.end)) {
            return Err(format!("{token:?} here, a comment there"));
        }
    }
    Ok(())
}

/// Names of relations, as PostgreSQL reads them.
fn relations(text: &str) -> Option<Vec<String>> {
    let trees = oracle::tree::parse(text).ok()?;
    let nodes = trees.iter().flat_map(|tree| tree.nodes());
    Some(nodes.filter(|node| node.is("RangeVar")).map(|it| it.text("relname").to_owned()).collect())
}

fn check(text: &str) -> Result<(bool, bool), String> {
    let Some(believed) = belief(text) else { return Ok((false, false)) };
    // What PostgreSQL's scanner refuses is its error, whatever is believed of it.
    let Ok(scanned) = scan(text) else { return Ok((true, false)) };
    if scanned.iter().any(|token| token.kind == Kind::Stray) {
        return Ok((true, false));
    }
    agree(&believed, &scanned)?;
    let Some(relations) = relations(text) else { return Ok((true, false)) };
    for relation in relations {
        let named =
            believed.tokens.iter().any(|token| token.kind == BelievedKind::Word(relation.clone()));
        if !named {
            return Err(format!("no token is the table \"{relation}\""));
        }
    }
    let (ours, theirs) = (believed.statements, oracle::tree::parse(text)?.len());
    if ours != theirs {
        return Err(format!("{ours} statements here, {theirs} there"));
    }
    Ok((true, true))
}

#[test]
fn what_is_believed_is_what_postgresql_sees() {
    let (mut believed, mut parsed) = (0_u32, 0_u32);
    let counts = std::cell::RefCell::new((&mut believed, &mut parsed));
    let result = runner("lexers", 20_000).run(&text(), |text| match check(&text) {
        Ok((here, there)) => {
            let mut counts = counts.borrow_mut();
            *counts.0 += u32::from(here);
            *counts.1 += u32::from(there);
            Ok(())
        }
        Err(why) => Err(TestCaseError::fail(format!("{why}\n  {text:?}"))),
    });
    println!("{believed} believed, {parsed} of them parsed by PostgreSQL");
    assert!(result.is_ok(), "{}", result.unwrap_err());
    assert!(believed > 1000, "only {believed} texts were believed");
}

#[test]
fn the_known_misreadings_are_not_believed() {
    for text in [
        "select a <>-- b from users /*\n from posts -- */",
        "select a &> b from users",
        "select 1 from u&\"\\0075sers\"",
        "select /* /* */ from users */ 1",
    ] {
        let checked = check(text);
        assert!(checked.is_ok(), "{text}: {checked:?}");
    }
}
