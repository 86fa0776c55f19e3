//! What a transaction of each phase writes and reads, as the real rewriter has it.

use std::sync::Arc;

use rewrite_rules::rule::{Change, ColumnPair};
use rewrite_rules::{Outcome, Phase, Rule, SearchPath, SessionView, Shape};
use segue_tests::golden::schema;

/// The table of the model.
const DDL: &str = "CREATE TABLE users (id bigint PRIMARY KEY, username text, handle text);";

/// The two sides of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Sides {
    pub(crate) old: bool,
    pub(crate) new: bool,
}

impl Sides {
    /// Which of the two columns `sql` names.
    fn in_text(sql: &str) -> Self {
        let names =
            |name: &str| sql.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == name);
        Self { old: names("username"), new: names("handle") }
    }
}

/// What one phase does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Word {
    pub(crate) insert: Sides,
    pub(crate) update: Sides,
    pub(crate) read: Sides,
}

/// What every phase does.
#[derive(Debug)]
pub(crate) struct Words([Word; 5]);

impl Words {
    /// Asks the rewriter.
    pub(crate) fn of_the_rewriter() -> Self {
        let words = Self(Phase::TWO_SIDED.map(word));
        // Or it has rewritten nothing, and the model would be of nothing.
        let writes = |phase| words.of(phase).update;
        assert_eq!(writes(Phase::Expand), Sides { old: true, new: false });
        assert_eq!(writes(Phase::Contract), Sides { old: false, new: true });
        words
    }

    pub(crate) fn of(&self, phase: Phase) -> Word {
        let at = Phase::TWO_SIDED.iter().position(|known| *known == phase).unwrap_or_default();
        let Self([expand, dual_write, switch_reads, stop_dual_write, contract]) = self;
        *[expand, dual_write, switch_reads, stop_dual_write, contract]
            .get(at)
            .copied()
            .unwrap_or(contract)
    }
}

fn word(phase: Phase) -> Word {
    let change = Change::RenameColumn(ColumnPair::new("users", "username", "handle"));
    let rule = Rule { name: "m".to_owned(), change, phase };
    let catalog = Arc::new(schema::catalog_of(DDL).expect("DDL that is understood"));
    let generation = rewrite_rules::compile(1, &[rule], catalog).expect("a rule that fits");
    let search_path = Arc::new(SearchPath::default());
    let rewritten = |sql: &str| {
        let session = SessionView {
            search_path: &search_path,
            standard_conforming_strings: true,
            shape: Shape::Old,
        };
        match generation.rewrite(sql, session) {
            Outcome::Forward => sql.to_owned(),
            Outcome::Rewritten(rewritten) => rewritten.sql,
            other @ (Outcome::ForwardOpaque | Outcome::Refused(_)) => panic!("{sql}: {other:?}"),
        }
    };
    let read = rewritten("SELECT 1 FROM users WHERE username = 'v'");
    Word {
        insert: Sides::in_text(&rewritten("INSERT INTO users (id, username) VALUES (1, 'v')")),
        update: Sides::in_text(&rewritten("UPDATE users SET username = 'v' WHERE id = 1")),
        read: Sides::in_text(&read),
    }
}
