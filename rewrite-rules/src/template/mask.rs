//! A text with its values left out: texts that differ in nothing else share what was worked out for one of them.
//!
//! Only what stands where nothing but a value can stand is left out, and where no rewriting looks at it: behind an operator, in
//! VALUES, IN, ARRAY and ANY, behind LIMIT and a few words more; and comments. `ORDER BY 1`, `GROUP BY 2`, `nextval('s')`, `'t'::regclass`
//! and `SELECT 'x'` keep theirs. Whatever is not plain at a glance (escapes, dollar quotes, line comments, what is no query) leaves the
//! whole text as it is: it is worked out for itself then.

/// Stands for a value that is left out, one for each [`Kind`]. A text that holds one itself is left as it is.
const MASKS: [char; 4] = ['\u{1}', '\u{2}', '\u{3}', '\u{4}'];

/// Most values of a text. Unit: values.
pub(super) const MOST_HOLES: usize = 9_999;

/// First words of the statements that have values.
const STATEMENTS: [&str; 5] = ["select", "insert", "update", "delete", "with"];

/// Words behind which a literal is a value and no more.
const BEFORE_A_VALUE: [&str; 14] = [
    "limit",
    "offset",
    "like",
    "ilike",
    "between",
    "and",
    "or",
    "when",
    "then",
    "else",
    "interval",
    "date",
    "timestamp",
    "timestamptz",
];

/// Words behind which a list of values opens.
const BEFORE_A_LIST: [&str; 3] = ["in", "array", "any"];

/// Words that begin a query: what stands in the brackets around it is no list of values.
const QUERY: [&str; 3] = ["select", "with", "table"];

/// What is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Integer,
    Decimal,
    Text,
    Comment,
}

/// A place where something is left out, in bytes of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hole {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) kind: Kind,
}

/// A text, and what of it may be another value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Masked<'t> {
    pub(super) text: &'t str,
    pub(super) holes: Vec<Hole>,
    pattern: String,
}

impl<'t> Masked<'t> {
    /// `None` if nothing may, or the text is not plain enough to tell.
    #[must_use]
    pub fn new(text: &'t str) -> Option<Self> {
        let holes = Reader::new(text).read()?;
        if holes.is_empty() || holes.len() > MOST_HOLES {
            return None;
        }
        let mut pattern = String::with_capacity(text.len());
        let mut at = 0;
        for hole in &holes {
            pattern.push_str(text.get(at..hole.start)?);
            pattern.push(match hole.kind {
                Kind::Integer => MASKS[0],
                Kind::Decimal => MASKS[1],
                Kind::Text => MASKS[2],
                Kind::Comment => MASKS[3],
            });
            at = hole.end;
        }
        pattern.push_str(text.get(at..)?);
        Some(Self { text, holes, pattern })
    }

    /// The text without them: equal for two texts that differ in nothing else.
    #[must_use]
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// What stands in a hole.
    pub(super) fn value(&self, hole: Hole) -> &'t str {
        self.text.get(hole.start..hole.end).unwrap_or_default()
    }
}

/// What an opening bracket would open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opens {
    /// Anything.
    Other,
    /// A list of values.
    List,
    /// The first row of VALUES.
    Row,
    /// The next one, behind a comma.
    RowBehindComma,
}

/// What a bracket has opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    Other,
    List,
    Row,
}

struct Reader<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    holes: Vec<Hole>,
    /// Whether no word of the present statement has come.
    begins: bool,
    /// Whether a literal that comes next is a value and no more.
    value: bool,
    opens: Opens,
    brackets: Vec<Inside>,
}

/// The text is not plain enough.
struct NotPlain;

impl<'t> Reader<'t> {
    fn new(text: &'t str) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            at: 0,
            holes: Vec::new(),
            begins: true,
            value: false,
            opens: Opens::Other,
            brackets: Vec::new(),
        }
    }

    fn read(mut self) -> Option<Vec<Hole>> {
        while let Some(byte) = self.byte(0) {
            self.token(byte).ok()?;
        }
        Some(self.holes)
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at.checked_add(ahead)?).copied()
    }

    fn token(&mut self, byte: u8) -> Result<(), NotPlain> {
        match (byte, self.byte(1)) {
            (b' ' | b'\t' | b'\n' | b'\r', _) => self.at += 1,
            (b'/', Some(b'*')) => self.comment()?,
            (b'-', Some(b'-')) => return Err(NotPlain),
            (b';', _) => {
                self.sign(false, Opens::Other);
                self.begins = true;
            }
            (byte, _) if is_first_of_word(byte) => self.word()?,
            _ if self.begins => return Err(NotPlain),
            (b'\'', _) => self.string()?,
            (b'"', _) => self.quoted_name()?,
            (b'$', Some(b'0'..=b'9')) => {
                self.at += 1;
                self.digits();
                self.is_something(Opens::Other);
            }
            (b'0'..=b'9', _) => self.number()?,
            (b'(' | b'[', _) => self.open(),
            (b')' | b']', _) => {
                // Only behind a comma is another row.
                let is_row = self.brackets.pop() == Some(Inside::Row);
                self.sign(false, if is_row { Opens::RowBehindComma } else { Opens::Other });
            }
            (b',', _) => {
                let next_row = self.opens == Opens::RowBehindComma;
                let in_list = !matches!(self.brackets.last(), None | Some(Inside::Other));
                self.sign(in_list && !next_row, if next_row { Opens::Row } else { Opens::Other });
            }
            (b'.' | b':', _) => self.sign(false, Opens::Other),
            (byte, _) if is_operator(byte) => self.operator(),
            _ => return Err(NotPlain),
        }
        Ok(())
    }

    fn sign(&mut self, value: bool, opens: Opens) {
        self.at += 1;
        (self.value, self.opens) = (value, opens);
    }

    /// What came is a word, a name or a value.
    fn is_something(&mut self, opens: Opens) {
        (self.value, self.opens) = (false, opens);
    }

    fn open(&mut self) {
        let inside = match self.opens {
            Opens::List => Inside::List,
            Opens::Row => Inside::Row,
            Opens::Other | Opens::RowBehindComma => Inside::Other,
        };
        self.brackets.push(inside);
        self.sign(inside != Inside::Other, Opens::Other);
    }

    fn operator(&mut self) {
        let start = self.at;
        while let Some(byte) = self.byte(0).filter(|byte| is_operator(*byte)) {
            let comment = matches!((byte, self.byte(1)), (b'-', Some(b'-')) | (b'/', Some(b'*')));
            if comment {
                break;
            }
            self.at += 1;
        }
        // `f(name => 'x')` and `f(name := 'x')` are arguments of a function.
        let operator = self.text.get(start..self.at).unwrap_or_default();
        let named = operator == "=>"
            || (operator == "=" && start > 0 && self.bytes.get(start - 1) == Some(&b':'));
        (self.value, self.opens) = (!named, Opens::Other);
    }

    fn word(&mut self) -> Result<(), NotPlain> {
        let start = self.at;
        while self.byte(0).is_some_and(is_of_word) {
            self.at += 1;
        }
        let word = self.text.get(start..self.at).unwrap_or_default();
        let is = |words: &[&str]| words.iter().any(|it| word.eq_ignore_ascii_case(it));
        // `E'…'`, `B'…'`, `U&'…'`.
        if matches!(
            (self.byte(0), self.byte(1)),
            (Some(b'\''), _) | (Some(b'&'), Some(b'\'' | b'"'))
        ) || (self.begins && !is(&STATEMENTS))
        {
            return Err(NotPlain);
        }
        self.begins = false;
        if is(&QUERY)
            && let Some(inside) = self.brackets.last_mut()
        {
            *inside = Inside::Other;
        }
        let opens = match () {
            () if is(&["values"]) => Opens::Row,
            () if is(&BEFORE_A_LIST) => Opens::List,
            () => Opens::Other,
        };
        self.is_something(opens);
        self.value = is(&BEFORE_A_VALUE);
        Ok(())
    }

    fn quoted_name(&mut self) -> Result<(), NotPlain> {
        let rest = self.text.get(self.at + 1..).unwrap_or_default();
        let length = rest.find('"').ok_or(NotPlain)?;
        if rest.bytes().take(length).any(|byte| byte < b' ') {
            return Err(NotPlain);
        }
        self.at += length + 2;
        self.is_something(Opens::Other);
        Ok(())
    }

    fn string(&mut self) -> Result<(), NotPlain> {
        let start = self.at;
        self.at += 1;
        loop {
            match (self.byte(0), self.byte(1)) {
                (Some(b'\''), Some(b'\'')) => self.at += 2,
                (Some(b'\''), _) => break,
                // Whether a backslash escapes is a setting's matter.
                (None | Some(b'\\' | 1..=4), _) => return Err(NotPlain),
                (Some(_), _) => self.at += 1,
            }
        }
        self.at += 1;
        // `'a'` on one line and `'b'` on the next are one literal.
        if self.rest().trim_start().starts_with('\'') {
            return Err(NotPlain);
        }
        self.literal(start, Kind::Text);
        Ok(())
    }

    fn digits(&mut self) {
        while self.byte(0).is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
    }

    fn number(&mut self) -> Result<(), NotPlain> {
        let start = self.at;
        self.digits();
        let kind = match self.byte(0) {
            Some(b'.') => {
                self.at += 1;
                self.digits();
                Kind::Decimal
            }
            _ => Kind::Integer,
        };
        // `1e5`, `0x1f`, `1_000`, `1..2`.
        if self.byte(0).is_some_and(|byte| is_of_word(byte) || byte == b'.') {
            return Err(NotPlain);
        }
        self.literal(start, kind);
        Ok(())
    }

    fn comment(&mut self) -> Result<(), NotPlain> {
        let start = self.at;
        let inside = self.text.get(start + 2..).unwrap_or_default();
        let length = inside.find("*/").ok_or(NotPlain)?;
        let inside = inside.get(..length).unwrap_or_default();
        // Comments may be nested, and `/*/` begins two.
        if inside.contains("/*") || inside.ends_with('/') || inside.bytes().any(|byte| byte < 5) {
            return Err(NotPlain);
        }
        self.at += length + 4;
        self.holes.push(Hole { start, end: self.at, kind: Kind::Comment });
        Ok(())
    }

    /// A literal that ends here.
    fn literal(&mut self, start: usize, kind: Kind) {
        if self.value && !self.names_something() {
            self.holes.push(Hole { start, end: self.at, kind });
        }
        self.is_something(Opens::Other);
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Whether what follows makes the literal before it the name of a relation or the like: `'users'::regclass`. Of a type that
    /// is spelled at length, or is not plain, that is not known.
    fn names_something(&self) -> bool {
        let Some(behind) = self.rest().trim_start().strip_prefix("::") else { return false };
        let behind = behind.trim_start();
        let word =
            behind.split(|sign: char| !sign.is_ascii_alphanumeric()).next().unwrap_or_default();
        let next = behind.as_bytes().get(word.len());
        let is_reg = word.get(..3).is_some_and(|begin| begin.eq_ignore_ascii_case("reg"));
        word.is_empty() || is_reg || next.is_some_and(|byte| is_of_word(*byte) || *byte == b'.')
    }
}

fn is_first_of_word(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn is_of_word(byte: u8) -> bool {
    is_first_of_word(byte) || byte.is_ascii_digit() || byte == b'$'
}

/// What operators are made of, in PostgreSQL's scan.l.
fn is_operator(byte: u8) -> bool {
    b"~!@#^&|`?+-*/%<>=".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pattern, with `?` for what is left out; the text itself if it is left as it is.
    fn check(text: &str, expected: &str) {
        let masked = Masked::new(text);
        let pattern = masked.map_or_else(|| text.to_owned(), |it| it.pattern.replace(MASKS, "?"));
        assert_eq!(pattern, expected, "{text}");
    }

    #[test]
    fn values_are_left_out() {
        for (text, expected) in [
            ("SELECT a FROM t WHERE b = 'x' AND c=-1.5", "SELECT a FROM t WHERE b = ? AND c=-?"),
            (
                "select 1, 'x' from t where a in (1, 'é', -2)",
                "select 1, 'x' from t where a in (?, ?, -?)",
            ),
            (
                "INSERT INTO t (a, b) VALUES (1, 'O''Neill'), (f(2, 3), DEFAULT), ($1, 4) RETURNING 5",
                "INSERT INTO t (a, b) VALUES (?, ?), (f(2, 3), DEFAULT), ($1, ?) RETURNING 5",
            ),
            (
                "UPDATE t SET a = 1, b = b + 2 WHERE c BETWEEN 3 AND 4",
                "UPDATE t SET a = ?, b = b + ? WHERE c BETWEEN ? AND ?",
            ),
            (
                "DELETE FROM t WHERE a = ANY(ARRAY[1,2]) /* request 7 */",
                "DELETE FROM t WHERE a = ANY(ARRAY[?,?]) ?",
            ),
            (
                "SELECT a FROM t WHERE b > '2020-01-01'::timestamptz LIMIT 5",
                "SELECT a FROM t WHERE b > ?::timestamptz LIMIT ?",
            ),
            (
                "SELECT CASE WHEN a = 1 THEN 'x' ELSE 'y' END FROM t",
                "SELECT CASE WHEN a = ? THEN ? ELSE ? END FROM t",
            ),
            (
                "SELECT 1 FROM t WHERE a = 1; SELECT 2 FROM t WHERE b=2",
                "SELECT 1 FROM t WHERE a = ?; SELECT 2 FROM t WHERE b=?",
            ),
        ] {
            check(text, expected);
        }
    }

    #[test]
    fn what_may_mean_more_stays() {
        for text in [
            "SELECT a, b FROM t GROUP BY 1, 2 ORDER BY 1, 2",
            "SELECT nextval('s'), f(1), f(a => 'x'), f(a := 'x')",
            "SELECT a FROM t WHERE b = 't'::regclass OR c = 1 :: \"char\" OR d = 2::pg_catalog.int4",
            "SELECT tags[1] FROM t",
            "SELECT a FROM t FETCH FIRST 5 ROWS ONLY",
            "SELECT t.a FROM t1 WHERE t.b IS NULL",
            "SELECT a FROM t WHERE b IN (SELECT 1, 2 FROM t ORDER BY 1, 2)",
            "SELECT a FROM t WHERE b LIKE c ESCAPE '!'",
        ] {
            check(text, text);
        }
    }

    #[test]
    fn what_is_not_plain_stays_as_it_is() {
        for text in [
            "SELECT a FROM t WHERE b = E'x' AND c = 1",
            "SELECT a FROM t WHERE b = U&'x' AND c = 1",
            "SELECT a FROM t WHERE b = 'x'\n'y' AND c = 1",
            "SELECT a FROM t WHERE b = 'x\\' AND c = 1",
            "SELECT a FROM t WHERE b = $$x$$ AND c = 1",
            "SELECT a FROM t WHERE b = 1e5 AND c = 1",
            "SELECT a FROM t WHERE b = 1 -- AND c = 1",
            "SELECT a FROM t WHERE b = 1 /* a /* b */ c */",
            "SELECT a FROM t WHERE b = 'x",
            "SELECT a FROM t WHERE \"b = 1",
            "SELECT a FROM t WHERE \"\u{1}\" = 1",
            "SELECT a FROM t WHERE b = '\u{3}'",
            "COPY t FROM STDIN WHERE a = 1",
            "EXPLAIN SELECT a FROM t WHERE b = 1",
            "SELECT a FROM t WHERE b = 1; SET x = 1",
            "(SELECT a FROM t WHERE b = 1)",
            "",
        ] {
            check(text, text);
        }
    }
}
