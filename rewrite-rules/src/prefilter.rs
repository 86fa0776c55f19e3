//! One pass over a text's bytes: could it name a governed table, could it change what names mean,
//! could it be about prepared statements?
//!
//! It may cry wolf, it must never sleep: a governed table can only be written with the letters of
//! its name, in any case, or with escapes in `U&"…"`.

use aho_corasick::AhoCorasick;

use crate::catalog_lens::CatalogLenses;
use crate::generation::Scan;
use crate::grams::Grams;
use crate::lens::Lens;

/// Words by which a statement can change what names or texts mean in its session.
const SESSION_WORDS: [&str; 13] = [
    "search_path",
    "standard_conforming_strings",
    "client_encoding",
    "segue",
    "names",
    "discard",
    "reset",
    "role",
    "authorization",
    "temp",
    "schema",
    "rollback",
    "rename",
];

/// A function that does the same as SET, wherever it is called, and the view that calls it when it
/// is updated.
const SET_CONFIG: [&str; 2] = ["set_config", "pg_settings"];

/// Words of the statements that make, run and drop prepared statements.
const PREPARED_WORDS: [&str; 4] = ["prepare", "execute", "deallocate", "discard"];

/// A Unicode-escaped identifier can spell any name.
const ESCAPED_IDENTIFIER: &str = "u&\"";

/// First words of the statements in which the session words mean what they say.
const SESSION_VERBS: [&str; 11] = [
    "set", "reset", "discard", "create", "drop", "alter", "do", "call", "rollback", "abort",
    // EXPLAIN ANALYZE CREATE TEMP TABLE … AS makes the table.
    "explain",
];

/// First words of the statements in which INTO says what is written to.
const WRITE_VERBS: [&str; 2] = ["insert", "merge"];

/// The compiled search for one generation.
#[derive(Debug)]
pub(crate) struct Prefilter {
    /// Says no to most texts before they are searched.
    grams: Grams,
    search: Option<AhoCorasick>,
    /// What each pattern may mean, in the order in which they were given.
    meanings: Vec<Meaning>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Governed,
    /// An identifier with escapes: any name at all.
    Escaped,
    /// A catalog, or a function about one.
    Catalog,
    /// If it stands in a statement that changes the session.
    SessionWord,
    Session,
    Prepared,
}

impl Prefilter {
    /// Searches for the names of the tables, and for what `catalogs` show otherwise than the
    /// server. Where there are no tables, nothing is governed and no name means anything; but
    /// prepared statements live on into a time when there are some.
    pub(crate) fn new<'l>(
        tables: impl Iterator<Item = &'l Lens>,
        catalogs: &[&CatalogLenses],
    ) -> Self {
        let names = tables.flat_map(|lens| {
            let views = lens.views.iter().chain(&lens.halving_views);
            let names = std::iter::once(&lens.relation).chain(views).map(|it| it.name.as_str());
            // SET CONSTRAINTS names nothing else. To clients of the other shape either name is the other.
            let constraints = lens.names.constraints();
            names.chain(constraints.flat_map(|(one, other)| [one.as_str(), other.as_str()]))
        });
        Self::of_names(names, catalogs)
    }

    fn of_names<'n>(tables: impl Iterator<Item = &'n str>, catalogs: &[&CatalogLenses]) -> Self {
        let mut patterns: Vec<(String, Meaning)> =
            tables.map(|table| (ascii_part(table), Meaning::Governed)).collect();
        let governs = !patterns.is_empty();
        if governs {
            let catalogs = catalogs.iter().flat_map(|lenses| catalog_patterns(lenses));
            patterns.extend(catalogs.map(|pattern| (pattern, Meaning::Catalog)));
        }
        let mut add = |words: &[&str], meaning| {
            patterns.extend(words.iter().map(|&word| (word.to_owned(), meaning)));
        };
        add(&PREPARED_WORDS, Meaning::Prepared);
        if governs {
            add(&[ESCAPED_IDENTIFIER], Meaning::Escaped);
            add(&SESSION_WORDS, Meaning::SessionWord);
            add(&SET_CONFIG, Meaning::Session);
        }
        let (patterns, meanings): (Vec<String>, Vec<Meaning>) = patterns.into_iter().unzip();
        let search = AhoCorasick::builder().ascii_case_insensitive(true).build(&patterns).ok();
        let words = patterns.iter().map(String::as_str).filter(|it| *it != ESCAPED_IDENTIFIER);
        let grams = Grams::of(words, governs.then_some(b'&'));
        Self { grams, search, meanings }
    }

    pub(crate) fn scan(&self, text: &[u8]) -> Scan {
        // No automaton for a few words cannot happen; then everything is looked at.
        let Some(search) = &self.search else {
            return Scan { governed: true, catalog: true, session: true, prepared: true };
        };
        let mut scan = Scan::default();
        if !self.grams.may_be_in(text) {
            return scan;
        }
        let mut verb = None;
        for found in search.find_overlapping_iter(text) {
            match self.meanings.get(found.pattern().as_usize()) {
                Some(Meaning::Governed) | None => scan.governed = true,
                Some(Meaning::Escaped) => {
                    scan.governed = true;
                    scan.session = true;
                }
                Some(Meaning::Catalog) => scan.catalog = true,
                Some(Meaning::Prepared) => scan.prepared = true,
                Some(Meaning::Session) => scan.session = true,
                Some(Meaning::SessionWord) => {
                    scan.session |= *verb.get_or_insert_with(|| has_session_verb(text));
                }
            }
            if scan.governed && scan.session && scan.prepared {
                break;
            }
        }
        scan
    }
}

/// What a text must have in it to read a catalog, or to call a function about one. The views of
/// `information_schema` have everyday names, so that of the schema is looked for.
fn catalog_patterns(lenses: &CatalogLenses) -> Vec<String> {
    let relations = lenses.relations.iter().map(|lens| &lens.relation);
    let relations = relations.map(|name| match name.schema.as_str() {
        "pg_catalog" => name.name.as_str(),
        schema => schema,
    });
    let functions = lenses.functions.iter().map(|function| function.name);
    // A name becomes the oid of a table by a cast.
    let casts = lenses.gone.first().map(|_| "regclass");
    let names = relations.chain(functions).chain(casts);
    let mut patterns: Vec<String> = names.map(str::to_owned).collect();
    patterns.sort_unstable();
    patterns.dedup();
    patterns
}

/// The part of a name that is the same bytes in every client encoding: its longest run of ASCII
/// letters, as written in SQL. An empty pattern is found in every text, as it must be then.
fn ascii_part(name: &str) -> String {
    let runs = name.split(|letter: char| !letter.is_ascii());
    let longest = runs.max_by_key(|run| run.len()).unwrap_or_default();
    longest.replace('"', "\"\"")
}

/// Whether the first word is one that changes the session, or there may be several statements.
fn has_session_verb(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    let body = text.strip_suffix(b";").unwrap_or(text);
    if body.contains(&b';') || body.starts_with(b"--") || body.starts_with(b"/*") {
        return true;
    }
    let word = body.split(|byte| !byte.is_ascii_alphabetic()).next().unwrap_or_default();
    let is = |verbs: &[&str]| verbs.iter().any(|verb| verb.as_bytes().eq_ignore_ascii_case(word));
    is(&SESSION_VERBS)
        // SELECT … INTO TEMP makes a table that hides others.
        || !is(&WRITE_VERBS) && body.windows(4).any(|window| window.eq_ignore_ascii_case(b"into"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_however_they_are_written() {
        let prefilter = Prefilter::of_names(["users", "Odd\"Name"].into_iter(), &[]);
        let scan = |text: &str| {
            let scan = prefilter.scan(text.as_bytes());
            (scan.governed, scan.session)
        };
        for text in ["select * from USERS", "\"users\"", "\"Odd\"\"Name\""] {
            assert_eq!(scan(text), (true, false), "{text}");
        }
        assert_eq!(scan("u&\"\\0075sers\""), (true, true), "it may be a setting's name as well");
        assert_eq!(scan("select 1 from orders"), (false, false));
    }

    #[test]
    fn a_name_beyond_ascii_is_found_in_every_encoding() {
        let scan = |name: &str, text: &[u8]| {
            Prefilter::of_names([name].into_iter(), &[]).scan(text).governed
        };
        assert!(scan("stra\u{df}e", b"select * from stra\xdfe"));
        assert!(scan("\u{fc}", b"select * from \xfc"));
        assert!(!scan("stra\u{df}e", b"select 1"));
    }

    #[test]
    fn statements_about_prepared_statements_are_found() {
        let prefilter = Prefilter::of_names(["users"].into_iter(), &[]);
        let prepared = |text: &str| prefilter.scan(text.as_bytes()).prepared;
        for text in [
            "Prepare a as select 1",
            "explain EXECUTE a",
            "select * from users; set role x; deallocate a",
            "DISCARD ALL",
        ] {
            assert!(prepared(text), "{text}");
        }
        assert!(!prepared("select * from users; set role x"));
        assert!(prefilter.scan(b"discard all").session, "two meanings of one word");
        let nothing = Prefilter::of_names([].into_iter(), &[]);
        let scan = Scan { prepared: true, ..Scan::default() };
        assert_eq!(nothing.scan(b"set role x; execute u&\"a\""), scan);
    }

    #[test]
    fn statements_that_change_the_session_are_found() {
        let prefilter = Prefilter::of_names(["users"].into_iter(), &[]);
        let session = |text: &str| prefilter.scan(text.as_bytes()).session;
        for text in [
            "SET search_path = app",
            "select set_config('search_path', 'a', true)",
            "update pg_settings set setting = $1 where name = $2",
            "DISCARD ALL",
            "CREATE TEMP TABLE users (id int)",
            "select 1; set role x",
            "SELECT 1 INTO TEMP t",
            "ROLLBACK TO SAVEPOINT a",
            "/* x */ set names 'utf8'",
            "SET LOCAL segue.shape TO new",
            "SET \"segue\" . shape = new",
            "SET U&\"search\\005fpath\" = app",
            "EXPLAIN ANALYZE CREATE TEMP TABLE users AS SELECT 1",
        ] {
            assert!(session(text), "{text}");
        }
        for text in [
            "select role from accounts",
            "select names from t",
            "INSERT INTO renamed (role) VALUES ($1)",
            "COMMIT",
        ] {
            assert!(!session(text), "{text}");
        }
    }
}
