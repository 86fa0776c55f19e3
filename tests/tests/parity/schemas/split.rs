//! Tables that are split: `corpus/schema/split.sql` in each phase.

use rewrite_rules::rule::Change;
use rewrite_rules::{Phase, Rule};
use segue_tests::moves::quoted;
use segue_tests::stage::Shape;
use serde::Deserialize;

use super::{HALF, audit_of};

/// A table that is split, as data.
struct Split {
    /// As SQL writes it.
    table: &'static str,
    /// The new table, likewise.
    into: &'static str,
    /// Each column of the key with its name in the new table.
    key: &'static [(&'static str, &'static str)],
    /// The columns that move, in their order.
    columns: &'static [Column],
    /// The new table.
    create: &'static str,
    /// What an operator does besides before the old columns are no longer written.
    relax: &'static str,
    /// Names of constraints: the old table's and the new one's.
    constraints: &'static [(&'static str, &'static str)],
}

/// A column that moves.
struct Column {
    from: &'static str,
    to: &'static str,
    /// Place in `SELECT *`, counted from 1.
    position: u16,
    /// What the old one holds once it is no longer written: whoever reads it sees what is plainly wrong.
    stale: &'static str,
}

const fn moved(from: &'static str, to: &'static str, position: u16, stale: &'static str) -> Column {
    Column { from, to, position, stale }
}

const SPLITS: [Split; 3] = [
    Split {
        table: "users",
        into: "user_profiles",
        key: &[("id", "user_id")],
        columns: &[
            moved("first_name", "given_name", 3, "'stale'"),
            moved("bio", "bio", 4, "'stale'"),
            moved("settings", "settings", 6, r#"'["stale"]'"#),
            moved("tags", "labels", 7, "'{stale}'"),
            moved("phone", "phone", 8, "'999'"),
            moved("slug", "slug", 9, "'stale-' || id"),
            moved("balance", "balance", 10, "77777"),
            moved("seen_at", "last_seen", 12, "'1999-01-01Z'"),
            moved("country", "country", 13, "NULL"),
            moved("feels", "feels", 14, "NULL"),
        ],
        create: "CREATE TABLE user_profiles (
            user_id integer PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE,
            given_name varchar(12),
            bio text DEFAULT 'none',
            settings jsonb NOT NULL DEFAULT '{}',
            labels text[],
            phone phone_number,
            slug text UNIQUE,
            balance numeric(8,2) DEFAULT 0 CONSTRAINT profile_balance CHECK (balance >= 0),
            last_seen timestamptz,
            country char(2) CONSTRAINT profile_country REFERENCES countries (code),
            feels mood DEFAULT 'fine'
        )",
        relax: "",
        constraints: &[
            ("users_slug_key", "user_profiles_slug_key"),
            ("users_balance_check", "profile_balance"),
            ("users_country_fkey", "profile_country"),
        ],
    },
    Split {
        table: "seats",
        into: "seat_notes",
        key: &[("hall", "hall"), ("number", "seat")],
        columns: &[moved("note", "note", 4, "'stale'"), moved("price", "price", 5, "-1")],
        create: "CREATE TABLE seat_notes (
            hall text,
            seat integer,
            note text DEFAULT 'empty',
            price numeric NOT NULL,
            PRIMARY KEY (hall, seat),
            FOREIGN KEY (hall, seat) REFERENCES seats (hall, number) ON DELETE CASCADE ON UPDATE CASCADE
        )",
        relax: "ALTER TABLE seats ALTER COLUMN price DROP NOT NULL",
        constraints: &[],
    },
    Split {
        table: r#""Person""#,
        into: r#""Body of a Person""#,
        key: &[("Id", "Whose")],
        columns: &[
            moved("Größe", "Größe", 3, "-1"),
            moved("order", "group", 4, "-1"),
        ],
        create: r#"CREATE TABLE "Body of a Person" (
            "Whose" bigint PRIMARY KEY REFERENCES "Person" ("Id") ON DELETE CASCADE ON UPDATE CASCADE,
            "Größe" numeric,
            "group" integer DEFAULT 7
        )"#,
        relax: "",
        constraints: &[],
    },
];

/// Tables whose rows are audited although nothing of theirs moves.
const UNMOVED: [&str; 5] = ["posts", "follows", "badges", "imports", "countries"];

/// Sequences, whose places tell how often a default was computed.
const SEQUENCES: [&str; 3] = ["users_id_seq", "code_seq", r#""Person_Id_seq""#];

const ROLE_AND_RESET: &str = r#"
    CREATE FUNCTION reset() RETURNS void LANGUAGE plpgsql AS $reset$ BEGIN
        PERFORM setseed(0.5), setval('public.users_id_seq', 100, false), setval('public.code_seq', 1000, false),
            setval('public."Person_Id_seq"', 100, false);
    END $reset$;"#;

/// What turns the unmigrated database into one of that shape.
pub(super) fn ddl(shape: Shape) -> String {
    let steps: String = match shape {
        Shape::Old => String::new(),
        Shape::New => SPLITS.iter().map(|it| it.step(Phase::Contract)).collect(),
        Shape::In(phase) => {
            let so_far = Phase::TWO_SIDED.into_iter().filter(|it| *it <= phase);
            so_far.flat_map(|phase| SPLITS.iter().map(move |it| it.step(phase))).collect()
        }
    };
    format!("{steps}\n{ROLE_AND_RESET}\n{}", audit(shape))
}

impl Split {
    /// What an operator does before a phase is entered, on top of the phases before it.
    fn step(&self, phase: Phase) -> String {
        let Self { table, into, .. } = self;
        let of_columns = |sql: &dyn Fn(&Column) -> String| -> String {
            self.columns.iter().map(sql).collect::<Vec<_>>().join(", ")
        };
        match phase {
            Phase::Expand => format!("{};\n", self.create),
            Phase::DualWrite => {
                let keys = |name: fn(&(&str, &str)) -> String| -> String {
                    self.key.iter().map(|pair| name(pair) + ", ").collect()
                };
                let own = keys(|(from, _)| quoted(from)) + &of_columns(&|it| quoted(it.from));
                let its = keys(|(_, to)| quoted(to)) + &of_columns(&|it| quoted(it.to));
                format!("INSERT INTO {into} ({its}) SELECT {own} FROM {table};\n")
            }
            Phase::SwitchReads => String::new(),
            Phase::StopDualWrite => {
                let stale = of_columns(&|it| format!("{} = {}", quoted(it.from), it.stale));
                format!("{};\nUPDATE {table} SET {stale};\n", self.relax)
            }
            Phase::Contract => {
                let drops = of_columns(&|it| format!("DROP COLUMN {}", quoted(it.from)));
                format!("ALTER TABLE {table} {drops};\n")
            }
            // A split is not of them.
            Phase::Backfill | Phase::Enforce => String::new(),
        }
    }

    /// `t.key = p.key`.
    fn joined(&self) -> String {
        let pair = |(from, to): &(&str, &str)| format!("t.{} = p.{}", quoted(from), quoted(to));
        self.key.iter().map(pair).collect::<Vec<_>>().join(" AND ")
    }

    /// The rows in the old shape.
    fn rows(&self, shape: Shape) -> String {
        let Self { table, into, .. } = self;
        let is_apart = match shape {
            Shape::Old => false,
            Shape::New | Shape::In(Phase::StopDualWrite | Phase::Contract) => true,
            Shape::In(_) => false,
        };
        if !is_apart {
            return format!("SELECT '{table} ' || to_jsonb(t)::text FROM {table} t");
        }
        let moved = |it: &Column| format!("'{}', p.{}", it.from, quoted(it.to));
        let moved: Vec<String> = self.columns.iter().map(moved).collect();
        format!(
            "SELECT '{table} ' || (to_jsonb(t) || jsonb_build_object({}))::text \
             FROM {table} t LEFT JOIN {into} p ON {}",
            moved.join(", "),
            self.joined()
        )
    }

    /// Rows that lack a half, and where both tables are written those whose halves differ.
    fn apart(&self, shape: Shape) -> Option<String> {
        let Self { table, into, .. } = self;
        let differ = match shape {
            Shape::Old | Shape::In(Phase::Expand) => return None,
            Shape::In(Phase::DualWrite | Phase::SwitchReads) => {
                let differs = |it: &Column| {
                    format!(" OR t.{} IS DISTINCT FROM p.{}", quoted(it.from), quoted(it.to))
                };
                self.columns.iter().map(differs).collect()
            }
            Shape::New | Shape::In(_) => String::new(),
        };
        Some(format!(
            "SELECT 'APART ' || coalesce(to_jsonb(t)::text, '-') || coalesce(to_jsonb(p)::text, '-') \
             FROM {table} t FULL JOIN {into} p ON {} WHERE t.ctid IS NULL OR p.ctid IS NULL{differ}",
            self.joined()
        ))
    }

    /// The old table's rows, without what moves.
    fn staying(&self) -> String {
        let table = self.table;
        let moved: Vec<&str> = self.columns.iter().map(|it| it.from).collect();
        let moved = moved.join(",");
        format!("SELECT '{table} ' || (to_jsonb(t) - '{{{moved}}}'::text[])::text FROM {table} t")
    }

    /// The new table's rows, once there are any.
    fn halves(&self, shape: Shape) -> Option<String> {
        let into = self.into;
        let query = format!("SELECT '{HALF} {into} ' || to_jsonb(p)::text FROM {into} p");
        (shape != Shape::In(Phase::Expand)).then_some(query)
    }

    /// Whether a row of the old table, `t`, has in what moves what is there of one that has no half.
    fn says_nothing(&self) -> String {
        // '{}' is the default of the only one that is NOT NULL.
        let nothing = |it: &Column| {
            let value = format!("t.{}", quoted(it.from));
            format!("({value} IS NULL OR to_jsonb({value}) = '{{}}')")
        };
        self.columns.iter().map(nothing).collect::<Vec<_>>().join(" AND ")
    }

    /// Rows of which the old table says something else than the new one, where both are written.
    fn contradicted(&self, shape: Shape) -> Option<String> {
        let Self { table, into, .. } = self;
        let Shape::In(Phase::DualWrite | Phase::SwitchReads) = shape else { return None };
        let differs =
            |it: &Column| format!("t.{} IS DISTINCT FROM p.{}", quoted(it.from), quoted(it.to));
        let differ: Vec<String> = self.columns.iter().map(differs).collect();
        Some(format!(
            "SELECT 'APART ' || coalesce(to_jsonb(t)::text, '-') || coalesce(to_jsonb(p)::text, '-') \
             FROM {table} t FULL JOIN {into} p ON {} WHERE t.ctid IS NULL \
             OR p.ctid IS NULL AND NOT ({}) OR p.ctid IS NOT NULL AND ({})",
            self.joined(),
            self.says_nothing(),
            differ.join(" OR ")
        ))
    }

    fn rule(&self, phase: Phase) -> Rule {
        let text = |text: &str| toml::Value::String(text.to_owned());
        let list = |names: Vec<&str>| toml::Value::Array(names.into_iter().map(text).collect());
        let mut key = toml::Table::new();
        key.insert("from".to_owned(), list(self.key.iter().map(|(from, _)| *from).collect()));
        key.insert("to".to_owned(), list(self.key.iter().map(|(_, to)| *to).collect()));
        let pair = |it: &Column| list(vec![it.from, it.to]);
        let named = |&(old, new): &(&str, &str)| (old.to_owned(), text(new));
        let mut written = toml::Table::new();
        let mut put = |key: &str, value| written.insert(key.to_owned(), value);
        put("kind", text(Change::SPLIT_TABLE));
        put("table", text(self.table));
        put("into", text(self.into));
        put("key", toml::Value::Table(key));
        put("columns", toml::Value::Array(self.columns.iter().map(pair).collect()));
        put("constraints", toml::Value::Table(self.constraints.iter().map(named).collect()));
        // Once the old columns are gone nothing but the rule remembers where they stood.
        if phase == Phase::Contract {
            let place =
                |it: &Column| (it.from.to_owned(), toml::Value::Integer(it.position.into()));
            put("positions", toml::Value::Table(self.columns.iter().map(place).collect()));
        }
        let change = Change::deserialize(written)
            .unwrap_or_else(|error| panic!("the split of {}: {error}", self.table));
        Rule { name: format!("split-{}", self.into), change, phase }
    }
}

/// All splits in `phase`, as an operator writes them.
pub(super) fn rules(phase: Phase) -> Vec<Rule> {
    SPLITS.iter().map(|it| it.rule(phase)).collect()
}

/// What shows the tables that stay as they are, and the sequences.
fn beside() -> impl Iterator<Item = String> {
    let rows = |table| format!("SELECT '{table} ' || to_jsonb(t)::text FROM {table} t");
    let place = |it| format!("SELECT '{it} ' || last_value || ' ' || is_called FROM {it}");
    UNMOVED.into_iter().map(rows).chain(SEQUENCES.into_iter().map(place))
}

/// `SELECT public.audit()`: see [`super::Schema`].
fn audit(shape: Shape) -> String {
    let mut parts: Vec<String> = SPLITS.iter().map(|it| it.rows(shape)).collect();
    parts.extend(SPLITS.iter().filter_map(|it| it.apart(shape)));
    parts.extend(beside());
    audit_of(&parts)
}

/// See [`super::Schema`]. Clients that insert seats without their notes want that the old table accepts those.
pub(super) fn image(shape: Shape) -> String {
    let mut parts: Vec<String> = SPLITS.iter().map(Split::staying).collect();
    parts.extend(SPLITS.iter().filter_map(|it| it.halves(shape)));
    parts.extend(SPLITS.iter().filter_map(|it| it.contradicted(shape)));
    parts.extend(beside());
    let relaxed = match shape {
        Shape::New | Shape::In(Phase::Contract) => String::new(),
        Shape::Old | Shape::In(_) => SPLITS.iter().map(|it| format!("{};\n", it.relax)).collect(),
    };
    relaxed + &audit_of(&parts)
}
