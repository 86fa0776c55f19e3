//! Sessions of different habits, and what each of them does in a day.

use std::collections::BTreeMap;

use segue_tests::wire::{Reply, Wire, bind, describe, execute, parse, sync};

/// What the table should hold, by id: username and e-mail.
pub(crate) type Model = BTreeMap<i64, (String, Option<String>)>;

/// How a client sends its statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Habit {
    /// Query messages with literals.
    Simple,
    /// Unnamed statements, parsed each time.
    Unnamed,
    /// Named statements, prepared once for the whole life of the session.
    Named,
    /// Named statements, several of them in one write and one implicit transaction.
    Pipelined,
    /// PREPARE once and EXECUTE, in Query messages.
    Sql,
    /// The same in messages of the extended protocol.
    SqlExtended,
    /// Prepared by messages, executed with EXECUTE; each statement dropped now and then.
    Mixed,
}

/// All of them.
pub(crate) const HABITS: [Habit; 7] = [
    Habit::Simple,
    Habit::Unnamed,
    Habit::Named,
    Habit::Pipelined,
    Habit::Sql,
    Habit::SqlExtended,
    Habit::Mixed,
];

/// The application's statements. It has never heard of `handle`.
const STATEMENTS: [(&str, &str); 8] = [
    ("insert", "INSERT INTO users (id, username, email) VALUES ($1, $2, $3)"),
    ("all", "INSERT INTO users VALUES ($1, $2, $3, 1)"),
    (
        "upsert",
        "INSERT INTO users (id, username) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET username = EXCLUDED.username RETURNING username",
    ),
    ("rename", "UPDATE users SET username = $2 WHERE id = $1 AND username <> $2"),
    ("by_name", "SELECT id, username, email FROM users WHERE username = $1"),
    ("star", "SELECT * FROM users WHERE id = $1"),
    ("delete", "DELETE FROM users WHERE username = $1 RETURNING id"),
    (
        "volatile",
        "UPDATE users SET username = left(md5(random()::text), 12) WHERE id = $1 RETURNING username",
    ),
];

fn text_of(name: &str) -> &'static str {
    STATEMENTS.iter().find(|(known, _)| *known == name).map_or("", |(_, sql)| sql)
}

/// A session that stays open through every phase.
pub(crate) struct Session {
    pub(crate) habit: Habit,
    pub(crate) wire: Wire,
    next_id: i64,
}

impl Session {
    /// `number` keeps its rows apart from those of others.
    pub(crate) fn new(habit: Habit, mut wire: Wire, number: i64) -> Self {
        for (name, sql) in STATEMENTS {
            let in_sql = format!("PREPARE \"{name}\" AS {sql}");
            let reply = match habit {
                Habit::Simple | Habit::Unnamed => continue,
                Habit::Named | Habit::Pipelined | Habit::Mixed => wire.prepare(name, sql),
                Habit::Sql => wire.simple(&in_sql),
                Habit::SqlExtended => wire.extended(&in_sql, &[], false),
            };
            assert_eq!(reply.code(), "", "{sql}");
        }
        Self { habit, wire, next_id: number * 1_000_000 }
    }

    /// Runs one of the statements, which must succeed.
    pub(crate) fn run(&mut self, name: &str, values: &[&str]) -> Reply {
        let bound: Vec<Option<&str>> = values.iter().map(|value| Some(*value)).collect();
        let reply = match self.habit {
            Habit::Simple => self.wire.simple(&literal(text_of(name), values)),
            Habit::Unnamed => self.wire.extended(text_of(name), &bound, false),
            Habit::Sql | Habit::Mixed => self.wire.simple(&executed(name, values)),
            Habit::SqlExtended => self.wire.extended(&executed(name, values), &[], false),
            Habit::Named | Habit::Pipelined => {
                let frames =
                    [bind("", name, &bound, false), describe(b'P', ""), execute("", 0), sync()];
                self.wire.send_bytes(&frames.concat());
                self.wire.until_ready()
            }
        };
        assert_eq!(reply.error(), None, "{:?}: {name} {values:?}", self.habit);
        reply
    }

    /// One of everything; `model` learns what the table must hold now.
    pub(crate) fn work(&mut self, model: &mut Model) {
        if self.habit == Habit::Pipelined {
            return self.work_in_one_go(model);
        }
        let mut name = |suffix: &str| {
            self.next_id += 1;
            (self.next_id, self.next_id.to_string(), format!("{suffix}-{}", self.next_id))
        };
        let ((a, a_id, a_name), (b, b_id, b_name), (_, c_id, c_name)) =
            (name("ins"), name("all"), name("tmp"));
        let (d, d_id, d_name) = name("vol");
        let mail = Some("m".to_owned());
        assert_eq!(self.run("insert", &[&a_id, &a_name, "m"]).tags(), ["INSERT 0 1"]);
        assert_eq!(self.run("all", &[&b_id, &b_name, "m"]).tags(), ["INSERT 0 1"]);
        assert_eq!(self.run("by_name", &[&a_name]).lines(), [format!("{a}|{a_name}|m")]);
        let again = format!("{a_name}-again");
        let upserted = self.run("upsert", &[&a_id, &again]);
        assert_eq!((upserted.lines(), upserted.tags()), (vec![again.clone()], vec!["INSERT 0 1"]));
        let renamed = format!("{b_name}-renamed");
        assert_eq!(self.run("rename", &[&b_id, &renamed]).tags(), ["UPDATE 1"]);
        assert_eq!(self.run("rename", &[&b_id, &renamed]).tags(), ["UPDATE 0"]);
        let star = self.run("star", &[&b_id]);
        let labels: Vec<&str> =
            star.columns().unwrap_or_default().iter().map(|column| column.name.as_str()).collect();
        assert_eq!(labels, ["id", "username", "email", "score"], "{:?}", self.habit);
        assert_eq!(star.lines(), [format!("{b}|{renamed}|m|1")]);
        self.run("insert", &[&c_id, &c_name, "m"]);
        assert_eq!(self.run("delete", &[&c_name]).lines(), [c_id]);
        self.run("insert", &[&d_id, &d_name, "m"]);
        let random = self.run("volatile", &[&d_id]).lines().concat();
        assert_eq!(self.run("by_name", &[&random]).lines(), [format!("{d}|{random}|m")]);
        if self.habit == Habit::Mixed {
            self.wire.script("DEALLOCATE by_name");
            assert_eq!(self.wire.simple(&executed("by_name", &[&again])).code(), "26000");
            assert_eq!(self.wire.prepare("by_name", text_of("by_name")).code(), "");
        }
        model.insert(a, (again, mail.clone()));
        model.insert(b, (renamed, mail.clone()));
        model.insert(d, (random, mail));
    }

    /// Several statements in one implicit transaction, then one that fails and undoes its own.
    fn work_in_one_go(&mut self, model: &mut Model) {
        self.next_id += 1;
        let (id, name) = (self.next_id.to_string(), format!("pipe-{}", self.next_id));
        let changed = format!("{name}-changed");
        let frames = [
            bind("", "insert", &[Some(&id), Some(&name), Some("m")], false),
            execute("", 0),
            bind("", "rename", &[Some(&id), Some(&changed)], false),
            execute("", 0),
            parse("", text_of("by_name"), &[]),
            bind("", "", &[Some(&changed)], false),
            execute("", 0),
            sync(),
            bind("", "rename", &[Some(&id), Some("lost")], false),
            execute("", 0),
            bind("", "insert", &[Some(&id), Some("double"), None], false),
            execute("", 0),
            bind("", "by_name", &[Some("never run")], false),
            execute("", 0),
            sync(),
        ];
        self.wire.send_bytes(&frames.concat());
        let good = self.wire.until_ready();
        assert_eq!(good.error(), None);
        assert_eq!(good.tags(), ["INSERT 0 1", "UPDATE 1", "SELECT 1"]);
        assert_eq!(good.lines(), [format!("{id}|{changed}|m")]);
        let bad = self.wire.until_ready();
        assert_eq!((bad.code(), bad.tags()), ("23505", vec!["UPDATE 1"]));
        model.insert(self.next_id, (changed, Some("m".to_owned())));
    }
}

/// EXECUTE of a prepared statement.
fn executed(name: &str, values: &[&str]) -> String {
    let values: Vec<String> = values.iter().map(|value| format!("'{value}'")).collect();
    format!("EXECUTE \"{name}\" ({})", values.join(", "))
}

/// The statement with its values written into it.
pub(super) fn literal(sql: &str, values: &[&str]) -> String {
    let mut text = sql.to_owned();
    for (index, value) in values.iter().enumerate().rev() {
        text = text.replace(&format!("${}", index + 1), &format!("'{value}'"));
    }
    text
}
