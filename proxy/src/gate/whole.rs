//! Rows that a function's source takes as a whole, and so with columns that it does not name. A source is text, so this is
//! a guess, as with the names in it ([`words`](super::words)).

/// Behind which a star stands for columns.
const LISTS: [&str; 4] = ["select", "distinct", "all", "returning"];

/// What follows a table's name and is no other name of it.
const NO_ALIAS: [&str; 24] = [
    "where",
    "join",
    "left",
    "right",
    "inner",
    "full",
    "cross",
    "natural",
    "on",
    "using",
    "order",
    "group",
    "having",
    "window",
    "union",
    "limit",
    "offset",
    "fetch",
    "for",
    "loop",
    "set",
    "values",
    "select",
    "returning",
];

/// Whether a trigger's function in PL/pgSQL takes NEW or OLD for more than a column of it.
pub(super) fn takes_record(source: &str) -> bool {
    let tokens = tokens(source, false);
    let mut records = (0..tokens.len()).map(|at| Place { tokens: &tokens, at });
    records.any(|place| {
        matches!(place.token(0), "new" | "old")
            && match (place.token(-1), place.token(1), place.token(2)) {
                (_, ".", column) => column == "*",
                // What the trigger gives back is what it was given; the others are names of something else.
                ("return" | "." | "as", _, _) => false,
                (_, _, _) => true,
            }
    })
}

/// Whether a source that names the table takes rows of it, or of what it is read with.
pub(super) fn takes_rows(source: &str, table: &str) -> bool {
    let tokens = tokens(source, true);
    let table = table.to_lowercase();
    let places = || (0..tokens.len()).map(|at| Place { tokens: &tokens, at });
    let named = places().filter(|place| place.token(0) == table);
    let aliases: Vec<&str> = named.filter_map(|place| place.alias()).collect();
    let mut all = places();
    all.any(|place| match place.token(0) {
        "*" => place.is_star(),
        name if name == table => {
            place.token(1) == "%" && place.token(2) == "rowtype"
                || place.is_selected()
                || place.is_among(["("], [")"]) && is_word(place.token(-2))
        }
        name => {
            aliases.contains(&name)
                && (place.is_selected() || place.is_among(["(", ","], [")", ","]))
        }
    })
}

/// A token among others.
struct Place<'t> {
    tokens: &'t [String],
    at: usize,
}

impl<'t> Place<'t> {
    /// The token so many places from here; nothing if there is none.
    fn token(&self, distance: isize) -> &'t str {
        let at = self.at.checked_add_signed(distance);
        at.and_then(|at| self.tokens.get(at)).map_or("", String::as_str)
    }

    fn is_among<const N: usize>(&self, before: [&str; N], behind: [&str; N]) -> bool {
        before.contains(&self.token(-1)) && behind.contains(&self.token(1))
    }

    /// Whether a star stands for columns, and is neither the one of `count(*)` nor the sign of a product.
    fn is_star(&self) -> bool {
        match self.token(-1) {
            "(" | "" => false,
            // Of `DISTINCT ON (…) *`, or of a product.
            ")" => ["from", "into", ","].contains(&self.token(1)),
            before => LISTS.contains(&before) || !is_word(before),
        }
    }

    fn is_selected(&self) -> bool {
        LISTS.contains(&self.token(-1)) && ["from", "into", ","].contains(&self.token(1))
    }

    /// The other name that a table is given here.
    fn alias(&self) -> Option<&'t str> {
        let alias = match self.token(1) {
            "as" => self.token(2),
            other => other,
        };
        (is_word(alias) && !NO_ALIAS.contains(&alias)).then_some(alias)
    }
}

fn is_word(token: &str) -> bool {
    token.chars().next().is_some_and(|first| is_letter(first) || token.chars().nth(1).is_some())
}

fn is_letter(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_' || letter == '$'
}

/// Names, in small letters, and signs. Comments are left out, and so are strings unless they are looked into, since they
/// may be statements.
fn tokens(source: &str, into_strings: bool) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut letters = source.chars().peekable();
    while let Some(letter) = letters.next() {
        let next = letters.peek().copied();
        if letter == '-' && next == Some('-') {
            letters.by_ref().find(|it| *it == '\n');
        } else if letter == '/' && next == Some('*') {
            let mut before = ' ';
            letters
                .by_ref()
                .skip(1)
                .find(|it| std::mem::replace(&mut before, *it) == '*' && *it == '/');
        } else if letter == '\'' {
            if !into_strings {
                letters.by_ref().find(|it| *it == '\'');
            }
        } else if letter == '"' {
            let name: String = letters.by_ref().take_while(|it| *it != '"').collect();
            tokens.push(name.to_lowercase());
        } else if is_letter(letter) {
            let mut word = String::from(letter);
            while let Some(more) = letters.next_if(|it| is_letter(*it)) {
                word.push(more);
            }
            tokens.push(word.to_lowercase());
        } else if !letter.is_whitespace() {
            tokens.push(String::from(letter));
        }
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records() {
        for (source, expected) in [
            ("BEGIN RETURN NEW; END", false),
            (
                "BEGIN IF TG_OP = 'new' THEN RETURN OLD; END IF; NEW.x := OLD . y; RETURN NEW; END",
                false,
            ),
            ("-- the new row\n/* or * the old one */ RETURN NULL;", false),
            ("INSERT INTO log SELECT x AS new, t.old FROM t", false),
            ("INSERT INTO log VALUES (to_jsonb(NEW))", true),
            ("INSERT INTO log SELECT NEW.*", true),
            ("INSERT INTO log VALUES (old . *)", true),
            ("IF NEW IS DISTINCT FROM OLD THEN", true),
            ("EXECUTE 'INSERT INTO log SELECT ($1).*' USING new;", true),
            ("/* **/ x := hstore(NEW)", true),
        ] {
            assert_eq!(takes_record(source), expected, "{source}");
        }
    }

    #[test]
    fn rows() {
        for (source, expected) in [
            ("SELECT id FROM users", false),
            ("SELECT count(*) FROM users", false),
            ("SELECT score * 2, (score + 1) * 3 FROM users -- *", false),
            ("INSERT INTO users (id) VALUES (1)", false),
            ("SELECT u.id FROM x, users, users AS u WHERE (u.id) = 1", false),
            ("SELECT * FROM users", true),
            ("SELECT DISTINCT ON (id) * FROM users", true),
            ("SELECT x, u.* FROM public.users u", true),
            ("UPDATE users SET score = 1 RETURNING *", true),
            ("EXECUTE 'SELECT * FROM ' || 'users'", true),
            ("SELECT to_jsonb(u) FROM \"Users\" AS u", true),
            ("SELECT jsonb_build_object('u', u) FROM users u", true),
            ("SELECT row_to_json(users) FROM users", true),
            ("SELECT u FROM users u", true),
            ("DECLARE r public.users%ROWTYPE;", true),
        ] {
            assert_eq!(takes_rows(source, "users"), expected, "{source}");
        }
    }
}
