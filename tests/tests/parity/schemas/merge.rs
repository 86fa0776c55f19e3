//! Tables that are merged: `corpus/schema/merge.sql` in each phase.

use rewrite_rules::rule::Change;
use rewrite_rules::{Phase, Rule};
use segue_tests::moves::quoted;
use segue_tests::stage::Shape;
use serde::Deserialize;

use super::audit_of;

/// Tables that become one, as data.
struct Merge {
    /// The new table, as SQL writes it.
    into: &'static str,
    /// Its key.
    key: &'static [&'static str],
    sources: [Source; 2],
    /// The new table's definition.
    create: &'static str,
    /// What an operator does besides before the old tables are no longer written.
    turn: &'static str,
}

/// One of the tables that are merged.
struct Source {
    /// As SQL writes it.
    table: &'static str,
    /// Its key, in the order of the new table's.
    key: &'static [&'static str],
    /// Its other columns, each with that of the new table and what is there of a row that only the other source has.
    columns: &'static [Column],
    present: &'static str,
    /// Its columns in their order, where that is not the key and then `columns`.
    order: &'static [&'static str],
    /// Names of constraints: its own and the new table's.
    constraints: &'static [(&'static str, &'static str)],
    /// What becomes of it once it is no longer written: whoever reads it sees what is plainly wrong.
    leave: &'static str,
}

/// A column's name, the new one, and its default.
type Column = (&'static str, &'static str, &'static str);

const MERGES: [Merge; 2] = [
    Merge {
        into: "prefs",
        key: &["user_id"],
        sources: [
            Source {
                table: "mail",
                key: &["uid"],
                columns: &[
                    ("sender", "sender", "NULL"),
                    ("body", "body", "'none'"),
                    ("settings", "settings", "'{}'"),
                    ("tags", "labels", "NULL"),
                    ("reply_to", "reply_to", "NULL"),
                    ("handle", "handle", "NULL"),
                    ("quota", "quota", "0"),
                    ("sent_at", "sent_at", "NULL"),
                    ("often", "often", "'daily'"),
                    ("score", "mail_score", "1"),
                ],
                present: "has_mail",
                order: &[],
                constraints: &[
                    ("mail_pkey", "prefs_pkey"),
                    ("mail_uid_fkey", "prefs_user_id_fkey"),
                    ("mail_handle_key", "prefs_handle"),
                    ("mail_quota_check", "prefs_quota_check"),
                ],
                leave: "UPDATE mail SET sender = 'stale', body = 'stale', settings = '[\"stale\"]', tags = '{stale}',
                    reply_to = 'stale@x', handle = 'stale' || uid, quota = 77777, sent_at = '1999-01-01Z', often = 'weekly', score = -1;
                    DELETE FROM mail WHERE uid = 5; INSERT INTO mail (uid) VALUES (9)",
            },
            Source {
                table: "push",
                key: &["user_id"],
                columns: &[
                    ("score", "score", "5"),
                    ("sound", "sound", "true"),
                    ("body", "push_body", "NULL"),
                    ("devices", "devices", "'{}'"),
                    ("token", "token", "NULL"),
                ],
                present: "has_push",
                order: &["score", "user_id", "sound", "body", "devices", "token"],
                constraints: &[
                    ("push_pkey", "prefs_pkey"),
                    ("push_user_id_fkey", "prefs_user_id_fkey"),
                    ("push_score_check", "prefs_score_check"),
                ],
                leave: "DELETE FROM push",
            },
        ],
        create: "CREATE TABLE prefs (
            user_id integer NOT NULL,
            sender varchar(12),
            body text DEFAULT 'none',
            settings jsonb NOT NULL DEFAULT '{}',
            labels text[],
            reply_to address,
            handle text,
            quota numeric(8,2) DEFAULT 0,
            sent_at timestamptz,
            often pace NOT NULL DEFAULT 'daily',
            mail_score integer DEFAULT 1,
            has_mail boolean NOT NULL DEFAULT false,
            score integer DEFAULT 5,
            sound boolean DEFAULT true,
            push_body text,
            devices text[] NOT NULL DEFAULT '{}',
            token uuid,
            has_push boolean NOT NULL DEFAULT false,
            PRIMARY KEY (user_id),
            CONSTRAINT prefs_quota_check CHECK (NOT has_mail OR quota >= 0),
            CONSTRAINT prefs_score_check CHECK (NOT has_push OR score <= 1000),
            CONSTRAINT prefs_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON UPDATE CASCADE ON DELETE CASCADE
        );
        CREATE UNIQUE INDEX prefs_handle ON prefs (handle) WHERE has_mail;",
        turn: "CREATE OR REPLACE VIEW quiet AS SELECT user_id, score FROM prefs WHERE has_push AND NOT sound;\n",
    },
    Merge {
        into: r#"shop."All Goods""#,
        key: &["Site", "item"],
        sources: [
            Source {
                table: "shop.stock",
                key: &["house", "item"],
                columns: &[
                    ("amount", "amount", "0"),
                    ("shelf", "Shelf of Stock", "'floor'"),
                    ("checked", "checked", "NULL"),
                ],
                present: "in stock",
                order: &[],
                constraints: &[
                    ("stock_pkey", "All Goods_pkey"),
                    ("stock_amount_check", "goods_amount_check"),
                ],
                leave: "DELETE FROM shop.stock",
            },
            Source {
                table: r#"shop."Price List""#,
                key: &["House", "Item No"],
                columns: &[
                    ("Größe", "Größe", "NULL"),
                    ("order", "group", "7"),
                    ("shelf", "shelf", "NULL"),
                ],
                present: "Has Price",
                order: &["Item No", "House", "Größe", "order", "shelf"],
                constraints: &[
                    ("Price List_pkey", "All Goods_pkey"),
                    ("Price List_Größe_not_null", "goods_price_not_null"),
                ],
                leave: r#"UPDATE shop."Price List" SET "Größe" = -1, "order" = -1, shelf = 'stale';
                    INSERT INTO shop."Price List" VALUES (2, 'north', -1)"#,
            },
        ],
        create: r#"CREATE TABLE shop."All Goods" (
            "Site" text,
            item integer,
            amount integer NOT NULL DEFAULT 0,
            "Shelf of Stock" text DEFAULT 'floor',
            checked date,
            "in stock" boolean NOT NULL DEFAULT false,
            "Größe" numeric,
            "group" integer DEFAULT 7,
            shelf text,
            "Has Price" boolean NOT NULL DEFAULT false,
            PRIMARY KEY ("Site", item),
            CONSTRAINT goods_amount_check CHECK (NOT "in stock" OR amount >= 0),
            CONSTRAINT goods_price_not_null CHECK (NOT "Has Price" OR "Größe" IS NOT NULL)
        );"#,
        turn: "",
    },
];

/// Tables whose rows are audited although they are not merged.
const UNMERGED: [&str; 3] = ["users", "letters", "imports"];

const RESET: &str = "
    CREATE FUNCTION reset() RETURNS void LANGUAGE plpgsql AS $reset$ BEGIN
        PERFORM setval('public.code_seq', 1000, false);
    END $reset$;";

/// What turns the unmigrated database into one of that shape.
pub(super) fn ddl(shape: Shape) -> String {
    let until = match shape {
        Shape::Old => None,
        Shape::New => Some(Phase::Contract),
        Shape::In(phase) => Some(phase),
    };
    let so_far = Phase::TWO_SIDED.into_iter().filter(|it| Some(*it) <= until);
    let steps: String =
        so_far.flat_map(|phase| MERGES.iter().map(move |it| it.step(phase))).collect();
    format!("{steps}\n{RESET}\n{}", audit(shape))
}

/// A list of names, as SQL writes it.
fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(quoted).collect::<Vec<_>>().join(", ")
}

impl Merge {
    /// What an operator does before a phase is entered, on top of the phases before it.
    fn step(&self, phase: Phase) -> String {
        let of_sources =
            |sql: &dyn Fn(&Source) -> String| -> String { self.sources.iter().map(sql).collect() };
        match phase {
            Phase::Expand => self.create.to_owned(),
            Phase::DualWrite => of_sources(&|it| it.copied(self)),
            Phase::SwitchReads => String::new(),
            Phase::StopDualWrite => {
                self.turn.to_owned() + &of_sources(&|it| format!("{};\n", it.leave))
            }
            Phase::Contract => of_sources(&|it| format!("DROP TABLE {};\n", it.table)),
            // A merge is not of them.
            Phase::Backfill | Phase::Enforce => String::new(),
        }
    }

    /// The new table's rows, which are gathered from the sources before anything is copied.
    fn rows(&self, shape: Shape) -> String {
        let into = self.into;
        let rows = match shape {
            Shape::Old | Shape::In(Phase::Expand) => self.gathered(),
            Shape::New | Shape::In(_) => format!("SELECT * FROM {into}"),
        };
        format!("SELECT '{into} ' || to_jsonb(t)::text FROM ({rows}) t")
    }

    fn gathered(&self) -> String {
        let [one, other] = &self.sources;
        let sides = || [("a", one), ("b", other)];
        let keys = || self.key.iter().zip(one.key).zip(other.key);
        let key = |((its, one), other): ((&&str, &&str), &&str)| {
            format!("'{its}', coalesce(a.{}, b.{})", quoted(one), quoted(other))
        };
        let mut all: Vec<String> = keys().map(key).collect();
        for (alias, source) in sides() {
            let is_there = format!("{alias}.ctid IS NOT NULL");
            all.push(format!("'{}', {is_there}", source.present));
            all.extend(source.columns.iter().map(|(own, its, default)| {
                let own = quoted(own);
                format!("'{its}', CASE WHEN {is_there} THEN {alias}.{own} ELSE {default} END")
            }));
        }
        let pair = |((_, one), other): ((&&str, &&str), &&str)| {
            format!("a.{} = b.{}", quoted(one), quoted(other))
        };
        let joined: Vec<String> = keys().map(pair).collect();
        // So that each value has the new column's type.
        format!(
            "SELECT (jsonb_populate_record(NULL::{}, jsonb_build_object({}))).* FROM {} a FULL JOIN {} b ON {}",
            self.into,
            all.join(", "),
            one.table,
            other.table,
            joined.join(" AND ")
        )
    }

    fn rule(&self, phase: Phase) -> Rule {
        let mut written = toml::Table::new();
        written.insert("kind".to_owned(), text(Change::MERGE_TABLES));
        written.insert("into".to_owned(), text(self.into));
        written.insert("key".to_owned(), list(self.key));
        let sources = self.sources.iter().map(|it| it.written(phase)).collect();
        written.insert("source".to_owned(), toml::Value::Array(sources));
        let change = Change::deserialize(written)
            .unwrap_or_else(|error| panic!("the merge into {}: {error}", self.into));
        Rule { name: format!("merge-{}", self.into), change, phase }
    }
}

impl Source {
    /// Its columns, the key's first.
    fn own(&self) -> impl Iterator<Item = &'static str> {
        self.key.iter().copied().chain(self.columns.iter().map(|(own, ..)| *own))
    }

    /// Those of the new table, in the same order.
    fn its(&self, merge: &Merge) -> impl Iterator<Item = &'static str> {
        merge.key.iter().copied().chain(self.columns.iter().map(|(_, its, _)| *its))
    }

    /// Copies its rows.
    fn copied(&self, merge: &Merge) -> String {
        let into = merge.into;
        let present = quoted(self.present);
        let its = names(self.its(merge));
        let own = names(self.own());
        let assigned = |(_, its, _): &Column| format!("{0} = EXCLUDED.{0}", quoted(its));
        let assigned: Vec<String> = self.columns.iter().map(assigned).collect();
        format!(
            "INSERT INTO {into} ({its}, {present}) SELECT {own}, true FROM {} \
             ON CONFLICT ({}) DO UPDATE SET {}, {present} = true;\n",
            self.table,
            names(merge.key.iter().copied()),
            assigned.join(", ")
        )
    }

    /// A query of its rows as objects, from where they are in that shape.
    fn rows(&self, merge: &Merge, shape: Shape) -> String {
        let is_left =
            matches!(shape, Shape::New | Shape::In(Phase::StopDualWrite | Phase::Contract));
        if is_left {
            self.part(merge)
        } else {
            format!("SELECT to_jsonb(t) AS row FROM {} t", self.table)
        }
    }

    /// A query of its rows as the new table has them.
    fn part(&self, merge: &Merge) -> String {
        let pair = |(own, its): (&str, &str)| format!("'{own}', {}", quoted(its));
        let pairs: Vec<String> = self.own().zip(self.its(merge)).map(pair).collect();
        let (into, present) = (merge.into, quoted(self.present));
        format!(
            "SELECT jsonb_build_object({}) AS row FROM {into} WHERE {present}",
            pairs.join(", ")
        )
    }

    /// Rows on which both tables disagree.
    fn contradicted(&self, merge: &Merge) -> String {
        format!(
            "SELECT 'APART {} ' || coalesce(a.row::text, '-') || coalesce(b.row::text, '-') \
             FROM ({}) a FULL JOIN ({}) b ON a.row = b.row WHERE a.row IS NULL OR b.row IS NULL",
            self.table,
            self.rows(merge, Shape::Old),
            self.part(merge)
        )
    }

    /// Rows on which both tables disagree, where both are written; and what the new one says of rows that are not there.
    fn apart(&self, merge: &Merge, shape: Shape) -> Vec<String> {
        let table = self.table;
        let both = self.contradicted(merge);
        let differs =
            |(_, its, default): &Column| format!("{} IS DISTINCT FROM {default}", quoted(its));
        let differs: Vec<String> = self.columns.iter().map(differs).collect();
        let surplus = format!(
            "SELECT 'SURPLUS {table} ' || to_jsonb(t)::text FROM {} t WHERE NOT {} AND ({})",
            merge.into,
            quoted(self.present),
            differs.join(" OR ")
        );
        match shape {
            Shape::Old | Shape::In(Phase::Expand) => Vec::new(),
            Shape::In(Phase::DualWrite | Phase::SwitchReads) => vec![both, surplus],
            Shape::New | Shape::In(_) => vec![surplus],
        }
    }

    /// As an operator writes it.
    fn written(&self, phase: Phase) -> toml::Value {
        let pair = |(own, its, _): &Column| list(&[own, its]);
        let named = |&(old, new): &(&str, &str)| (old.to_owned(), text(new));
        let mut written = toml::Table::new();
        let mut put = |key: &str, value| written.insert(key.to_owned(), value);
        put("table", text(self.table));
        put("key", list(self.key));
        put("columns", toml::Value::Array(self.columns.iter().map(pair).collect()));
        put("present", text(self.present));
        put("constraints", toml::Value::Table(self.constraints.iter().map(named).collect()));
        // Once the table is gone nothing but the rule remembers where they stood.
        if phase == Phase::Contract {
            let places = self.order.iter().zip(1..);
            let place =
                |(name, place): (&&str, i64)| ((*name).to_owned(), toml::Value::Integer(place));
            put("positions", toml::Value::Table(places.map(place).collect()));
        }
        toml::Value::Table(written)
    }
}

fn text(text: &str) -> toml::Value {
    toml::Value::String(text.to_owned())
}

fn list(names: &[&str]) -> toml::Value {
    toml::Value::Array(names.iter().map(|name| text(name)).collect())
}

/// All merges in `phase`, as an operator writes them.
pub(super) fn rules(phase: Phase) -> Vec<Rule> {
    MERGES.iter().map(|it| it.rule(phase)).collect()
}

/// What shows the tables that stay as they are, and the sequence.
fn beside() -> impl Iterator<Item = String> {
    let rows = |table| format!("SELECT '{table} ' || to_jsonb(t)::text FROM {table} t");
    let place = "SELECT 'code_seq ' || last_value || ' ' || is_called FROM code_seq";
    UNMERGED.into_iter().map(rows).chain([place.to_owned()])
}

/// `SELECT public.audit()`: see [`super::Schema`].
fn audit(shape: Shape) -> String {
    let mut parts = Vec::new();
    for merge in &MERGES {
        for source in &merge.sources {
            let rows = source.rows(merge, shape);
            parts.push(format!("SELECT '{} ' || t.row::text FROM ({rows}) t", source.table));
            parts.extend(source.apart(merge, shape));
        }
    }
    parts.extend(beside());
    audit_of(&parts)
}

/// See [`super::Schema`].
pub(super) fn image(shape: Shape) -> String {
    let mut parts: Vec<String> = MERGES.iter().map(|it| it.rows(shape)).collect();
    if let Shape::In(Phase::DualWrite | Phase::SwitchReads) = shape {
        for merge in &MERGES {
            parts.extend(merge.sources.iter().map(|source| source.contradicted(merge)));
        }
    }
    parts.extend(beside());
    audit_of(&parts)
}
