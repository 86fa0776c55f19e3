//! What a text does to the prepared statements of its session: PREPARE, EXECUTE, DEALLOCATE.
//!
//! Found by tokens, not by trees: a text that only PostgreSQL can read makes and runs statements
//! too. PostgreSQL allows the words in few places (manual, "PREPARE", "EXECUTE", "EXPLAIN", "CREATE
//! TABLE AS"), and all of them are at the beginning of a statement or behind `AS`. It may find an
//! EXECUTE too many (`EXPLAIN SELECT 1 AS execute FROM t`), never one too few.

use std::ops::Range;

use squawk_lexer::TokenKind;

use crate::name;

/// One thing that a text does to prepared statements. Names are as the catalog has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PreparedUse {
    /// `PREPARE name … AS …`.
    Prepare {
        /// Name of the statement that is made.
        name: String,
        /// Bytes of the PREPARE statement in the text.
        statement: Range<usize>,
        /// Which statement of the text it is, counted from 0.
        place: usize,
    },
    /// `EXECUTE name`, alone, under EXPLAIN or in CREATE TABLE … AS.
    Execute {
        /// Name of the statement that is run.
        name: String,
        /// First byte of the statement that runs it.
        start: usize,
        /// Which statement of the text that is, counted from 0.
        place: usize,
        /// Whether it is answered as the statement itself: neither explained nor put into a table.
        alone: bool,
    },
    /// `DEALLOCATE name`.
    Deallocate {
        /// Name of the statement that is dropped.
        name: String,
    },
    /// `DEALLOCATE ALL` and `DISCARD ALL`.
    DeallocateAll,
}

/// All that `text` does to prepared statements, in the order in which it does it.
///
/// `text` must be read under `standard_conforming_strings = on`, or have no backslash.
#[must_use]
pub fn prepared_uses(text: &str) -> Vec<PreparedUse> {
    let tokens: Vec<Token<'_>> = tokens(text).collect();
    let mut depth = 0_usize;
    let statements = tokens.split(|token| {
        match token.kind {
            TokenKind::OpenParen => depth = depth.saturating_add(1),
            TokenKind::CloseParen => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && token.kind == TokenKind::Semi
    });
    let statements = statements.filter(|statement| !statement.is_empty()).enumerate();
    statements.filter_map(|(place, statement)| used_by(statement, place)).collect()
}

/// A token that is neither white space nor comment.
#[derive(Debug, Clone, Copy)]
struct Token<'t> {
    kind: TokenKind,
    source: &'t str,
    start: usize,
}

impl Token<'_> {
    fn is(&self, word: &str) -> bool {
        self.kind == TokenKind::Ident && self.source.eq_ignore_ascii_case(word)
    }

    fn is_one_of(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(word))
    }

    fn end(&self) -> usize {
        self.start.saturating_add(self.source.len())
    }
}

fn tokens(text: &str) -> impl Iterator<Item = Token<'_>> {
    let mut end = 0_usize;
    squawk_lexer::tokenize(text).filter_map(move |token| {
        let start = end;
        end = end.saturating_add(usize::try_from(token.len).unwrap_or(usize::MAX));
        match token.kind {
            TokenKind::Whitespace
            | TokenKind::LineComment
            | TokenKind::BlockComment { .. }
            | TokenKind::Eof => None,
            kind => Some(Token { kind, source: text.get(start..end)?, start }),
        }
    })
}

/// What one statement does.
fn used_by(statement: &[Token<'_>], place: usize) -> Option<PreparedUse> {
    let (verb, rest) = statement.split_first()?;
    let executed = |rest, alone| {
        Some(PreparedUse::Execute { name: name_at(rest)?, start: verb.start, place, alone })
    };
    if verb.is("prepare") {
        prepared_by(verb, rest, place)
    } else if verb.is("execute") {
        executed(rest, true)
    } else if verb.is("deallocate") {
        deallocated_by(rest)
    } else if verb.is("discard") {
        rest.first().filter(|what| what.is("all")).map(|_all| PreparedUse::DeallocateAll)
    } else if verb.is("explain") {
        executed(explained_by(rest)?, false)
    } else if verb.is("create") {
        executed(created_by(rest)?, false)
    } else {
        None
    }
}

fn prepared_by(verb: &Token<'_>, rest: &[Token<'_>], place: usize) -> Option<PreparedUse> {
    // PREPARE TRANSACTION 'id' is the first phase of a commit; without the string it is a name.
    let is_commit = matches!(rest, [first, second, ..]
        if first.is("transaction") && matches!(second.kind, TokenKind::Literal { .. }));
    if is_commit {
        return None;
    }
    let end = rest.last()?.end();
    Some(PreparedUse::Prepare { name: name_at(rest)?, statement: verb.start..end, place })
}

fn deallocated_by(rest: &[Token<'_>]) -> Option<PreparedUse> {
    // `DEALLOCATE prepare` drops the statement of that name.
    let named = match rest {
        [first, behind @ ..] if first.is("prepare") && !behind.is_empty() => behind,
        all => all,
    };
    if named.first()?.is("all") {
        return Some(PreparedUse::DeallocateAll);
    }
    Some(PreparedUse::Deallocate { name: name_at(named)? })
}

/// What is behind EXECUTE in `[ANALYZE] [VERBOSE] | (option, …)` before EXECUTE, or before CREATE
/// TABLE AS with it.
fn explained_by<'s, 't>(rest: &'s [Token<'t>]) -> Option<&'s [Token<'t>]> {
    let mut depth = 0_usize;
    let explained = rest.iter().position(|token| {
        match token.kind {
            TokenKind::OpenParen => depth = depth.saturating_add(1),
            TokenKind::CloseParen => {
                depth = depth.saturating_sub(1);
                return false;
            }
            _ => {}
        }
        depth == 0 && !token.is_one_of(&["analyze", "analyse", "verbose"])
    })?;
    let (verb, behind) = rest.get(explained..)?.split_first()?;
    if verb.is("execute") {
        Some(behind)
    } else if verb.is("create") {
        created_by(behind)
    } else {
        None
    }
}

/// What is behind EXECUTE in `… TABLE … AS EXECUTE name`.
fn created_by<'s, 't>(rest: &'s [Token<'t>]) -> Option<&'s [Token<'t>]> {
    let at = rest.windows(2).position(|pair| match pair {
        [first, second] => first.is("as") && second.is("execute"),
        _ => false,
    })?;
    rest.get(at.saturating_add(2)..)
}

/// The name at the front.
fn name_at(tokens: &[Token<'_>]) -> Option<String> {
    let (first, rest) = tokens.split_first()?;
    match first.kind {
        TokenKind::Ident | TokenKind::QuotedIdent { terminated: true, uescape: false } => {
            Some(name::folded_source(first.source))
        }
        TokenKind::QuotedIdent { terminated: true, uescape: true } => {
            let escape = match rest {
                [word, character, ..] if word.is("uescape") => {
                    character.source.trim_matches('\'').chars().next()?
                }
                _ => '\\',
            };
            name::unescaped(first.source, escape)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a text does, in short: `+` made, `!` run, `!!` run inside another statement, `-`
    /// dropped, `--` all dropped.
    fn uses(text: &str) -> String {
        let shown: Vec<String> = prepared_uses(text)
            .into_iter()
            .map(|used| match used {
                PreparedUse::Prepare { name, statement, .. } => {
                    format!("+{name}[{}]", text.get(statement).unwrap())
                }
                PreparedUse::Execute { name, start, alone, .. } => {
                    format!("{}{name}@{start}", if alone { "!" } else { "!!" })
                }
                PreparedUse::Deallocate { name } => format!("-{name}"),
                PreparedUse::DeallocateAll => "--".to_owned(),
            })
            .collect();
        shown.join(" ")
    }

    #[test]
    fn statements_are_found_wherever_postgresql_allows_them() {
        let cases = [
            ("prepare A as select 1", "+a[prepare A as select 1]"),
            (
                "/* ; */ PREPARE \"A;\" (int, text[]) AS SELECT ';' -- ;\n; ",
                "+A;[PREPARE \"A;\" (int, text[]) AS SELECT ';']",
            ),
            ("execute a(1, ';'); EXECUTE \"b\"\"c\"", "!a@0 !b\"c@19"),
            ("explain execute a", "!!a@0"),
            ("explain (analyze, format json) execute a (1)", "!!a@0"),
            ("Explain Analyze Verbose Execute a", "!!a@0"),
            ("create table t as execute a", "!!a@0"),
            (
                "begin; create temp table if not exists t (n) with (fillfactor=70) on commit drop as execute a(1) with no data",
                "!!a@7",
            ),
            ("explain create unlogged table t as execute a", "!!a@0"),
            (
                "deallocate a; DEALLOCATE PREPARE b; deallocate prepare; deallocate all; deallocate prepare all; discard all",
                "-a -b -prepare -- -- --",
            ),
            (
                "prepare transaction as select 1; prepare prepare as select 2",
                "+transaction[prepare transaction as select 1] +prepare[prepare prepare as select 2]",
            ),
            (
                "prepare a as select 1; execute a; deallocate a",
                "+a[prepare a as select 1] !a@23 -a",
            ),
            (
                "create rule r as on insert to t do also (delete from u; delete from v); execute a",
                "!a@72",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(uses(text), expected, "{text}");
        }
    }

    #[test]
    fn statements_are_counted_as_postgresql_counts_them() {
        let places = |text: &str| -> Vec<usize> {
            let place = |used| match used {
                PreparedUse::Prepare { place, .. } | PreparedUse::Execute { place, .. } => {
                    Some(place)
                }
                PreparedUse::Deallocate { .. } | PreparedUse::DeallocateAll => None,
            };
            prepared_uses(text).into_iter().filter_map(place).collect()
        };
        assert_eq!(places("; ; execute a;; /* ; */ select 1; prepare a as select 1"), [0, 2]);
    }

    #[test]
    fn the_words_mean_nothing_elsewhere() {
        for text in [
            "select 'prepare a as select 1; execute a'",
            "select execute, prepare from deallocate",
            "select $$; execute a; $$",
            "select e'\\'; execute a; '",
            "prepare transaction 'a'",
            "create trigger t before insert on u for each row execute function f()",
            "explain select execute from t",
            "explain (costs off) select 1",
            "discard plans",
            "discard",
            "deallocate",
            "execute",
            "execute 'a'",
            "prepare",
            "",
        ] {
            assert_eq!(uses(text), "", "{text}");
        }
    }

    #[test]
    fn names_are_those_of_the_catalog() {
        let long = "x".repeat(70);
        assert_eq!(uses(&format!("execute {long}")), format!("!{}@0", "x".repeat(63)));
        assert_eq!(uses("execute U&\"\\0061\\+000062\\\\\"\"\""), "!ab\\\"@0");
        assert_eq!(uses("deallocate u&\"q!0062!!\" UESCAPE '!'"), "-qb!");
        assert_eq!(uses("execute \u{c4}B"), "!\u{c4}b@0");
        assert_eq!(uses("execute U&\"\\00\""), "", "PostgreSQL cannot read it either");
    }
}
