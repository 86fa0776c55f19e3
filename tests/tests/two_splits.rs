//! A table is split twice by one key: in every pair of phases an unchanged client sees what it would see on the table that was
//! never touched, a client of the new shape what it would see on three tables, and each table holds what it must.

use std::collections::BTreeMap;

use rewrite_rules::rule::{Change, KeyPair, OneOrMore, SplitTable};
use rewrite_rules::{Phase, Rule};
use segue_tests::relay::{Relay, generation_of};
use segue_tests::server::Database;
use segue_tests::wire::{Login, Reply, Value, Wire, copy_data, copy_done, query};

/// What an unchanged client knows.
const OLD: &str = "
    CREATE TABLE accounts (id int PRIMARY KEY, code text, notes text DEFAULT 'none', avatar text, score int DEFAULT 0);
    CREATE TABLE posts (id int PRIMARY KEY, account int, title text);
    INSERT INTO accounts SELECT g, 'a' || g, CASE WHEN g % 3 > 0 THEN 'n' || g END, CASE WHEN g % 4 > 0 THEN 'v' || g END, g
        FROM generate_series(1, 9) g;
    INSERT INTO posts SELECT g, g, 'p' || g FROM generate_series(1, 9) g;";

/// Where the columns go.
const NEW: &str = "
    CREATE TABLE account_notes (
        account_id int PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE ON UPDATE CASCADE, notes text DEFAULT 'none');
    CREATE TABLE account_avatars (
        owner int PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE ON UPDATE CASCADE, picture text);";

/// What a client of the new shape knows.
const APART: &str = "
    CREATE TABLE accounts (id int PRIMARY KEY, code text, score int DEFAULT 0);
    CREATE TABLE posts (id int PRIMARY KEY, account int, title text);
    INSERT INTO accounts SELECT g, 'a' || g, g FROM generate_series(1, 9) g;
    INSERT INTO posts SELECT g, g, 'p' || g FROM generate_series(1, 9) g;";

/// One of the splits.
struct Split {
    into: &'static str,
    key: &'static str,
    own: &'static str,
    its: &'static str,
    /// Where the column stood.
    position: u16,
}

const NOTES: Split =
    Split { into: "account_notes", key: "account_id", own: "notes", its: "notes", position: 3 };
const AVATARS: Split =
    Split { into: "account_avatars", key: "owner", own: "avatar", its: "picture", position: 4 };

impl Split {
    fn rule(&self, phase: Phase) -> Rule {
        let one = |name: &str| OneOrMore::One(name.to_owned());
        let split = SplitTable {
            table: "accounts".to_owned(),
            into: self.into.to_owned(),
            key: KeyPair { from: one("id"), to: one(self.key) },
            columns: [(self.own.to_owned(), self.its.to_owned())].into_iter().collect(),
            positions: BTreeMap::from([(self.own.to_owned(), self.position)]),
            constraints: BTreeMap::new(),
        };
        Rule { name: format!("split-{}", self.own), change: Change::SplitTable(split), phase }
    }

    /// What the way to a phase has made of the tables. Where there are only NULLs there may be no half.
    fn stands(&self, phase: Phase) -> String {
        let Self { into, key, own, its, .. } = self;
        let fill = format!(
            "INSERT INTO {into} ({key}, {its}) SELECT id, {own} FROM accounts WHERE {own} IS NOT NULL;"
        );
        match phase {
            Phase::Expand => String::new(),
            Phase::Contract => format!("{fill} ALTER TABLE accounts DROP COLUMN {own};"),
            _filled => fill,
        }
    }

    /// What the old table holds of it, and the new one, beside the queries of the untouched table that say the same.
    fn sides(&self, phase: Phase) -> Vec<(String, String)> {
        let Self { into, key, own, its, .. } = self;
        let wanted = format!("SELECT id, {own} FROM accounts WHERE {own} IS NOT NULL ORDER BY id");
        let new = format!("SELECT {key}, {its} FROM {into} WHERE {its} IS NOT NULL ORDER BY {key}");
        let old = (wanted.clone(), wanted.clone());
        let new = (wanted, new);
        match phase {
            Phase::Expand => vec![old],
            Phase::DualWrite | Phase::SwitchReads => vec![old, new],
            _one_side => vec![new],
        }
    }
}

/// Both phases.
type Pair = (Phase, Phase);

fn pairs(phases: &[Phase]) -> Vec<Pair> {
    phases.iter().flat_map(|one| phases.iter().map(|other| (*one, *other))).collect()
}

fn rules((notes, avatars): Pair) -> [Rule; 2] {
    [NOTES.rule(notes), AVATARS.rule(avatars)]
}

/// Both tables and what is in them on the way.
fn stage((notes, avatars): Pair) -> Database {
    let stands = [NOTES.stands(notes), AVATARS.stands(avatars)].concat();
    Database::create("two_splits", &format!("{OLD}{NEW}{stands}"))
}

/// What is sent.
#[derive(Clone, Copy)]
enum Sent {
    Query(&'static str),
    /// With parameters.
    Bound(&'static str, &'static [Value<'static>]),
    /// COPY FROM STDIN, and its rows.
    Rows(&'static str, &'static str),
}

use Sent::{Bound, Query, Rows};

impl Sent {
    fn send(self, wire: &mut Wire) -> Reply {
        match self {
            Query(sql) => wire.simple(sql),
            Bound(sql, values) => wire.extended(sql, values, false),
            Rows(sql, rows) => {
                wire.send_bytes(&query(sql));
                wire.until_copy();
                wire.send_bytes(&[copy_data(rows.as_bytes()), copy_done()].concat());
                wire.until_ready()
            }
        }
    }

    fn text(self) -> &'static str {
        let (Query(sql) | Bound(sql, _) | Rows(sql, _)) = self;
        sql
    }
}

/// In the order in which they are sent, by a client that knows one table.
const OF_ONE: [Sent; 63] = [
    Query("SELECT column_name, ordinal_position, data_type, column_default FROM information_schema.columns
           WHERE table_name = 'accounts' ORDER BY ordinal_position"),
    Query("SELECT * FROM accounts ORDER BY id"),
    Query("SELECT id FROM accounts WHERE notes < 'n5' AND avatar LIKE 'v%' ORDER BY avatar DESC"),
    Query("SELECT a.notes, b.avatar FROM accounts a JOIN accounts b ON b.id = a.id + 1 ORDER BY a.id"),
    // New rows.
    Query("INSERT INTO accounts (id, code, notes, avatar, score) VALUES (10, 'x10', 'y10', 'z10', 1)"),
    Query("INSERT INTO accounts (id, notes) VALUES (11, 'y11'), (12, NULL)"),
    Query("INSERT INTO accounts (id, avatar) VALUES (13, 'z13'), (14, NULL), (15, 'z15')"),
    Query("INSERT INTO accounts (id, code) VALUES (16, 'x16')"),
    Query("INSERT INTO accounts VALUES (17, 'x17', 'y17', 'z17', 2) RETURNING *"),
    Query("INSERT INTO accounts VALUES (18) RETURNING notes, avatar"),
    Query("INSERT INTO accounts (avatar, notes, id) VALUES (DEFAULT, DEFAULT, 19) RETURNING avatar, notes"),
    Query("INSERT INTO accounts (id, code, notes, avatar)
           SELECT id + 20, code, avatar, notes FROM accounts WHERE id < 4 ORDER BY id"),
    Query("INSERT INTO accounts (id, notes) SELECT id + 30, notes FROM accounts WHERE id < 4 RETURNING id, notes, avatar"),
    Bound("INSERT INTO accounts (id, code, notes, avatar) VALUES ($1, $2, $3, $4)",
          &[Some("40"), Some("x40"), Some("y40"), None]),
    Bound("INSERT INTO accounts (id, code, notes, avatar) VALUES ($1, $2, $3, $4) RETURNING *",
          &[Some("41"), None, None, Some("z41")]),
    Rows("COPY accounts (id, code, notes, avatar) FROM STDIN", "50\tx50\ty50\tz50\n51\t\\N\t\\N\tz51\n52\tx52\ty52\t\\N\n"),
    Rows("COPY accounts (notes, id) FROM STDIN", "y53\t53\n"),
    Rows("COPY accounts (avatar, id) FROM STDIN", "z54\t54\n"),
    Rows("COPY accounts (id, code) FROM STDIN", "55\tx55\n"),
    Rows("COPY accounts FROM STDIN WITH (FORMAT csv)", "56,x56,y56,z56,5\n57,x57,,,\n"),
    // Taken.
    Query("INSERT INTO accounts (id, notes, avatar) VALUES (10, 'twice', 'twice')"),
    Query("INSERT INTO accounts (id, notes, avatar) VALUES (10, 'twice', 'twice'), (60, 'y60', 'z60')
           ON CONFLICT DO NOTHING RETURNING id, notes, avatar"),
    Query("INSERT INTO accounts (id, avatar) VALUES (11, 'twice'), (61, 'z61') ON CONFLICT (id) DO NOTHING"),
    Query("INSERT INTO accounts (id, code, notes, avatar) VALUES (8, 'y8', 'c8', 'd8'), (62, 'x62', 'y62', 'z62')
            ON CONFLICT (id) DO UPDATE SET code = excluded.code, notes = excluded.notes, avatar = excluded.avatar
            RETURNING id, code, notes, avatar"),
    Query("INSERT INTO accounts (id, code, notes, avatar) VALUES (9, 'y9', 'c9', 'd9'), (63, 'x63', 'y63', 'z63')
            ON CONFLICT (id) DO UPDATE SET notes = excluded.notes"),
    Query("INSERT INTO accounts (id, code, notes, avatar) VALUES (7, 'y7', 'c7', 'd7'), (64, 'x64', 'y64', 'z64')
            ON CONFLICT (id) DO UPDATE SET avatar = accounts.avatar || excluded.avatar"),
    // Settled with both rows in sight: the third table gets what the old one has stored.
    Query("INSERT INTO accounts (id, notes, avatar) VALUES (10, 'c10', 'd10'), (42, 'y42', 'z42')
            ON CONFLICT (id) DO UPDATE SET notes = excluded.notes || accounts.avatar RETURNING id, notes, avatar"),
    Query("INSERT INTO accounts (id, notes, avatar) VALUES (10, 'c10', 'd10'), (43, 'y43', 'z43')
            ON CONFLICT (id) DO UPDATE SET avatar = excluded.avatar || accounts.notes, score = 5"),
    Query("INSERT INTO accounts (id, notes, avatar) VALUES (44, 'y44', 'z44')
            ON CONFLICT (id) DO UPDATE SET notes = accounts.avatar"),
    Query("INSERT INTO accounts (id, notes, avatar) VALUES (11, 'c11', 'd11'), (10, 'e10', 'f10')
            ON CONFLICT (id) DO UPDATE SET avatar = excluded.avatar WHERE accounts.notes = 'y11' RETURNING *"),
    Query("INSERT INTO accounts (id, notes, avatar) SELECT id, 's' || id, 't' || id FROM accounts WHERE id < 13 ORDER BY id
            ON CONFLICT (id) DO UPDATE SET code = accounts.notes || accounts.avatar, notes = excluded.avatar"),
    Query("INSERT INTO accounts (id, notes, avatar) VALUES (3, 'c3', 'd3'), (65, 'y65', 'z65')
            ON CONFLICT (id) DO UPDATE SET notes = coalesce(accounts.notes, excluded.notes), avatar = upper(excluded.avatar)
            RETURNING *"),
    Query("INSERT INTO accounts (id, code, notes) VALUES (6, 'y6', 'c6'), (66, 'x66', 'y66')
            ON CONFLICT (id) DO UPDATE SET score = accounts.score + 1, code = excluded.code"),
    // Other values.
    Query("UPDATE accounts SET notes = 'N1' WHERE id = 1"),
    Query("UPDATE accounts SET avatar = 'V1' WHERE id = 1"),
    Query("UPDATE accounts SET code = 'A1' WHERE id = 1"),
    Query("UPDATE accounts SET notes = 'N2', avatar = 'V2' WHERE id = 2"),
    Query("UPDATE accounts SET notes = avatar, avatar = notes, code = notes || avatar WHERE id IN (2, 3, 4, 5)"),
    Query("UPDATE accounts SET notes = upper(notes) WHERE avatar = 'z10'"),
    Query("UPDATE accounts SET avatar = upper(avatar) WHERE notes = 'Y10' AND code = 'x10' RETURNING id, avatar"),
    Query("UPDATE accounts SET score = score + 1 WHERE notes = 'Y10' AND avatar = 'Z10' RETURNING *"),
    Query("UPDATE accounts SET notes = 'all' || id WHERE id > 50 RETURNING id, notes, avatar IS NULL"),
    Query("UPDATE accounts SET avatar = 'all' || id WHERE notes LIKE 'all%'"),
    Query("UPDATE accounts SET (notes, avatar, score) = ('t' || id, avatar || '!', length(notes)) WHERE id IN (51, 53, 54)"),
    Query("UPDATE accounts SET notes = DEFAULT, avatar = DEFAULT WHERE id = 56 RETURNING notes, avatar"),
    Query("UPDATE accounts SET notes = title, avatar = avatar || title FROM posts WHERE account = accounts.id AND account < 4
           RETURNING accounts.id, notes, title"),
    Query("UPDATE accounts SET avatar = (SELECT title FROM posts WHERE account = accounts.id) WHERE id IN (4, 5, 6)"),
    Bound("UPDATE accounts SET notes = $1 WHERE avatar = $2", &[Some("bound"), Some("z13")]),
    Bound("UPDATE accounts SET avatar = $1, notes = $2 WHERE id = $3 RETURNING notes, avatar, code",
          &[None, Some("bound"), Some("17")]),
    Query("WITH u AS (UPDATE accounts SET notes = 'cte' WHERE id = 5 RETURNING id, notes, avatar) SELECT * FROM u"),
    // New keys.
    Query("UPDATE accounts SET id = id + 100 WHERE id = 9"),
    Query("UPDATE accounts SET id = id + 100, notes = 'moved' WHERE id IN (6, 8)"),
    Query("UPDATE accounts SET id = id + 100, avatar = avatar || notes WHERE id IN (2, 13) RETURNING id, notes, avatar"),
    Query("UPDATE accounts SET id = id + 100, notes = avatar, avatar = notes, score = 7 WHERE notes = 'y17' OR id = 10"),
    // Gone.
    Query("DELETE FROM accounts WHERE id = 7"),
    Query("DELETE FROM accounts WHERE notes = 'y11' AND avatar IS NULL RETURNING *"),
    Query("DELETE FROM accounts WHERE avatar = 'z15' RETURNING id, notes"),
    Query("DELETE FROM accounts USING posts WHERE account = accounts.id AND title = 'p3' AND notes IS NOT NULL RETURNING id, title")
    ,
    Query("BEGIN; UPDATE accounts SET notes = 'in'; UPDATE accounts SET avatar = notes || id; DELETE FROM accounts WHERE id < 5; ROLLBACK"),
    Query("SELECT id, notes, avatar FROM accounts WHERE id = 5 FOR UPDATE"),
    Query("SELECT notes, count(avatar) FROM accounts GROUP BY notes ORDER BY notes"),
    Query("SELECT row_to_json(a) FROM accounts a WHERE id > 50 ORDER BY id"),
    Query("SELECT * FROM accounts ORDER BY id"),
];

/// All that a client is told: columns, rows, tags, and of an error the SQLSTATE and the message.
fn told(reply: &Reply) -> String {
    let columns: Vec<_> =
        reply.columns().unwrap_or_default().iter().map(|it| (&it.name, it.type_oid)).collect();
    let error = reply.error().map(|error| ['C', 'M'].map(|field| error.get(field)));
    format!("{columns:?} {:?} {:?} {error:?}", reply.lines(), reply.tags())
}

/// What the tables hold is what the untouched one says.
#[track_caller]
fn agree(about: &str, (wanted, found): (&mut Wire, &mut Wire), (notes, avatars): Pair) {
    let kept = "SELECT id, code, score FROM accounts ORDER BY id".to_owned();
    let sides = [vec![(kept.clone(), kept)], NOTES.sides(notes), AVATARS.sides(avatars)].concat();
    for (theirs, ours) in sides {
        assert_eq!(found.rows(&ours), wanted.rows(&theirs), "{about}: {ours}");
    }
}

#[test]
fn an_unchanged_client_goes_on_in_every_pair_of_phases() {
    for pair in pairs(&Phase::TWO_SIDED) {
        let (oracle, database) = (Database::create("two_splits_old", OLD), stage(pair));
        let relay = Relay::start(&database, generation_of(1, &rules(pair), &database));
        let (mut direct, mut client) = (oracle.connect(), relay.connect(&database));
        let mut owner = database.connect();
        for sent in OF_ONE {
            let about = format!("{} and {}: {}", pair.0, pair.1, sent.text());
            let found = sent.send(&mut client);
            assert_eq!(told(&found), told(&sent.send(&mut direct)), "{about}");
            agree(&about, (&mut direct, &mut owner), pair);
        }
        drop(client);
        relay.stop();
    }
}

/// By a client that knows three tables. In `dual-write` it sees a half of each row, so none asks for those that have none.
const OF_THREE: [&str; 26] = [
    "SELECT * FROM accounts ORDER BY id",
    "SELECT * FROM account_notes WHERE notes IS NOT NULL ORDER BY account_id",
    "SELECT * FROM account_avatars WHERE picture IS NOT NULL ORDER BY owner",
    "SELECT id, notes, picture FROM accounts LEFT JOIN account_notes ON account_id = id LEFT JOIN account_avatars ON owner = id
     ORDER BY id",
    "INSERT INTO accounts (id, code) VALUES (20, 'x20'), (21, 'x21') RETURNING *",
    "INSERT INTO accounts VALUES (22, 'x22', 5)",
    "INSERT INTO account_notes (account_id, notes) VALUES (20, 'y20'), (21, 'y21')",
    "INSERT INTO account_notes VALUES (22) RETURNING notes",
    "INSERT INTO account_avatars VALUES (20, 'z20') RETURNING *",
    "INSERT INTO account_avatars (owner, picture) SELECT account_id, notes FROM account_notes WHERE account_id = 21",
    "INSERT INTO account_notes VALUES (20, 'twice')",
    "INSERT INTO account_avatars VALUES (999, 'nobody')",
    "INSERT INTO account_notes VALUES (20, 'c20') ON CONFLICT (account_id) DO UPDATE SET notes = excluded.notes",
    "INSERT INTO account_avatars VALUES (20, 'twice') ON CONFLICT DO NOTHING",
    "UPDATE account_notes SET notes = upper(notes) WHERE account_id < 3 RETURNING account_id, notes",
    "UPDATE account_avatars SET picture = upper(picture) WHERE picture = 'v2'",
    "UPDATE account_avatars SET picture = notes FROM account_notes WHERE account_id = owner AND owner = 5 RETURNING picture, notes",
    "UPDATE accounts SET score = score + 1 WHERE id IN (SELECT account_id FROM account_notes WHERE notes = 'N1')",
    "DELETE FROM account_notes WHERE account_id = 2 RETURNING *",
    "DELETE FROM account_avatars WHERE picture = 'v3'",
    "DELETE FROM accounts WHERE id = 7",
    "UPDATE accounts SET id = id + 100 WHERE id IN (1, 5)",
    "SELECT notes, picture FROM account_notes JOIN account_avatars ON owner = account_id WHERE account_id = 105 FOR UPDATE",
    "SELECT * FROM account_notes WHERE notes IS NOT NULL ORDER BY account_id",
    "SELECT * FROM account_avatars WHERE picture IS NOT NULL ORDER BY owner",
    "SELECT * FROM accounts ORDER BY id",
];

#[test]
fn a_client_of_the_new_shape_goes_on_in_every_pair_of_phases() {
    let fill = [NOTES, AVATARS].map(|split| {
        let values = match split.own {
            "notes" => "SELECT g, 'n' || g FROM generate_series(1, 9) g WHERE g % 3 > 0",
            _avatar => "SELECT g, 'v' || g FROM generate_series(1, 9) g WHERE g % 4 > 0",
        };
        format!("INSERT INTO {} {values};", split.into)
    });
    let apart = format!("{APART}{NEW}{}", fill.concat());
    let written = Phase::TWO_SIDED.into_iter().filter(|phase| *phase != Phase::Expand);
    for pair in pairs(&written.collect::<Vec<Phase>>()) {
        let (oracle, database) = (Database::create("two_splits_new", &apart), stage(pair));
        let relay = Relay::start(&database, generation_of(1, &rules(pair), &database));
        let login = Login::at(relay.port, database.superuser(), &database.name);
        let mut client = login.with("options", "-c segue.shape=new").connect();
        let mut direct = oracle.connect();
        for statement in OF_THREE {
            let about = format!("{} and {}: {statement}", pair.0, pair.1);
            let (wanted, found) = (direct.simple(statement), client.simple(statement));
            assert_eq!(told(&found), told(&wanted), "{about}");
        }
        // The tables as one, as an unchanged client sees them.
        let one = "SELECT id, code, notes, avatar, score FROM accounts ORDER BY id";
        let three = "SELECT id, code, notes, picture, score FROM accounts
                     LEFT JOIN account_notes ON account_id = id LEFT JOIN account_avatars ON owner = id ORDER BY id";
        let seen = relay.connect(&database).rows(one);
        assert_eq!(seen, direct.rows(three), "{} and {}", pair.0, pair.1);
        drop(client);
        relay.stop();
        let said = format!("CREATE TABLE one AS {}", three.replace("picture", "picture AS avatar"));
        direct.script(&said);
        direct.script("ALTER TABLE accounts RENAME TO apart; ALTER TABLE one RENAME TO accounts");
        agree(&format!("{} and {}", pair.0, pair.1), (&mut direct, &mut database.connect()), pair);
    }
}
