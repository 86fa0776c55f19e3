//! Keys of merged tables: of other names and another order than the new table's, and given twice.

use rewrite_rules::rule::{Change, MergeSource, MergeTables, OneOrMore};
use rewrite_rules::{Phase, Rule};
use segue_tests::relay::Relay;
use segue_tests::server::Database;
use segue_tests::wire::Wire;

use super::{NEW, OLD, Protocol, check_with, leave, rule, send, source};

/// Tables whose keys have other names and another order than the new table's: its names are those of others.
const OTHER_KEYS: &str = "
    CREATE SCHEMA app;
    CREATE TABLE app.\"Mail\" (tenant int, \"Id\" int, \"News\" boolean DEFAULT true, score int, PRIMARY KEY (tenant, \"Id\"));
    CREATE TABLE push (push_score int, t int, \"Key\" int DEFAULT 5, addr text UNIQUE, PRIMARY KEY (t, push_score));
    INSERT INTO app.\"Mail\" SELECT g % 2, g, g % 3 = 0, g * 10 FROM generate_series(1, 6) g;
    INSERT INTO push SELECT g, g % 2, NULLIF(g, 5), 'a' || g FROM generate_series(4, 9) g;";

const NEW_KEYS: &str = "
    CREATE TABLE prefs (\"Key\" int, of int, score text, \"News\" boolean DEFAULT true, mail_score int,
        push_score int DEFAULT 5, addr text CONSTRAINT addr_of_push UNIQUE,
        has_mail boolean NOT NULL DEFAULT false, has_push boolean NOT NULL DEFAULT false, PRIMARY KEY (of, \"Key\"));
    INSERT INTO prefs (of, \"Key\", \"News\", mail_score, has_mail) SELECT tenant, \"Id\", \"News\", score, true FROM app.\"Mail\";
    INSERT INTO prefs (of, \"Key\", push_score, addr, has_push) SELECT t, push_score, \"Key\", addr, true FROM push
        ON CONFLICT (of, \"Key\") DO UPDATE SET push_score = excluded.push_score, addr = excluded.addr, has_push = true;";

const ON_OTHER_KEYS: [&str; 25] = [
    "SELECT m.*, p.* FROM app.\"Mail\" m JOIN push p ON p.t = m.tenant AND p.push_score = m.\"Id\" ORDER BY 2",
    "SELECT p.t, p.push_score, p.\"Key\", count(*) FROM push p GROUP BY p.t, p.push_score ORDER BY 2",
    "SELECT p.\"Key\" FROM push p GROUP BY p.t",
    "SELECT app.\"Mail\".* FROM app.\"Mail\" ORDER BY 2",
    "SELECT of FROM push",
    "UPDATE push SET push_score = push_score - 2 RETURNING addr",
    "INSERT INTO app.\"Mail\" (tenant, \"Id\", score) VALUES (1, 7, 1) RETURNING *",
    "INSERT INTO app.\"Mail\" (of, \"Key\") VALUES (1, 8)",
    "INSERT INTO push (t, push_score, addr) VALUES (1, 31, 'a4')",
    "INSERT INTO push (t, push_score, addr) VALUES (1, 1, 'n1') ON CONFLICT (push_score, t) DO UPDATE SET addr = push.addr || excluded.addr RETURNING *",
    "INSERT INTO push (t, push_score, \"Key\") VALUES (0, 8, 1), (1, 2, 2), (1, 2, 3) ON CONFLICT (t, push_score) DO NOTHING RETURNING push_score, \"Key\"",
    "UPDATE push SET nothing = 4",
    "UPDATE push p SET \"Key\" = m.score FROM app.\"Mail\" m WHERE (m.tenant, m.\"Id\") = (p.t, p.push_score)",
    "UPDATE push SET push_score = push_score + 100, addr = upper(addr) WHERE t = 1",
    "UPDATE push SET push_score = 110, addr = lower(addr) WHERE push_score = 107 RETURNING *",
    "UPDATE push AS p SET t = 1 - p.t WHERE addr = 'a4'",
    "UPDATE push SET t = 0, push_score = 108 WHERE push_score = 4",
    "UPDATE push SET push_score = push_score WHERE addr LIKE 'a%' RETURNING push_score, t, \"Key\"",
    "UPDATE app.\"Mail\" SET (\"Id\", tenant) = (50, 7), score = -1 WHERE \"Id\" = 2",
    "UPDATE app.\"Mail\" SET tenant = DEFAULT WHERE \"Id\" = 3",
    "DELETE FROM app.\"Mail\" WHERE \"Id\" = 4 RETURNING *",
    "COPY push (push_score, t, \"Key\") FROM STDIN\n40\t1\t4\n",
    "SELECT * FROM app.\"Mail\" ORDER BY 2",
    "SELECT * FROM push ORDER BY 1",
    "TABLE push ORDER BY 1",
];

/// What the two sides must not differ in then.
const OTHER_SIDES: &str = "
    SELECT to_jsonb(m), to_jsonb(p) FROM app.\"Mail\" m FULL JOIN (SELECT * FROM prefs WHERE has_mail) p ON (tenant, \"Id\") = (of, \"Key\")
        WHERE (m.\"News\", m.score) IS DISTINCT FROM (p.\"News\", p.mail_score)
    UNION ALL
    SELECT to_jsonb(m), to_jsonb(p) FROM push m FULL JOIN (SELECT * FROM prefs WHERE has_push) p ON (m.t, m.push_score) = (p.of, p.\"Key\")
        WHERE (m.\"Key\", m.addr) IS DISTINCT FROM (p.push_score, p.addr)";

#[test]
fn keys_may_have_other_names_and_another_order() {
    let of = |table: &str, key: [&str; 2], columns: &[(&str, &str)], present: &str| MergeSource {
        key: Some(OneOrMore::More(key.map(str::to_owned).into())),
        constraints: [("push_addr_key".to_owned(), "addr_of_push".to_owned())].into(),
        positions: key
            .into_iter()
            .chain(columns.iter().map(|(own, _)| *own))
            .map(str::to_owned)
            .zip(1..)
            .collect(),
        ..source(table, columns, Some(present))
    };
    let mail = of(
        "app.\"Mail\"",
        ["tenant", "Id"],
        &[("News", "News"), ("score", "mail_score")],
        "has_mail",
    );
    let mut push =
        of("push", ["t", "push_score"], &[("Key", "push_score"), ("addr", "addr")], "has_push");
    push.positions.extend([("push_score".to_owned(), 1), ("t".to_owned(), 2)]);
    let key = OneOrMore::More(vec!["of".to_owned(), "Key".to_owned()]);
    let merge = MergeTables { into: "prefs".to_owned(), key, sources: vec![mail, push] };
    for phase in Phase::TWO_SIDED {
        let leave = match phase {
            Phase::Contract => "DROP TABLE app.\"Mail\"; DROP TABLE push;",
            _others => "",
        };
        let change = Change::MergeTables(merge.clone());
        let rule = Rule { name: "merge".to_owned(), change, phase };
        let new = format!("{OTHER_KEYS}{NEW_KEYS}{leave}");
        check_with(&rule, (OTHER_KEYS, &new), &ON_OTHER_KEYS, &[OTHER_SIDES]);
    }
}

/// Where one statement gives a key twice, the client is told the same; what the key was, only where the server
/// says it.
#[test]
fn a_key_that_one_statement_gives_twice_is_taken() {
    let twice = [
        "INSERT INTO mail (user_id, often) VALUES (9, 'a'), (9, 'b')",
        "INSERT INTO push (user_id) SELECT 10 FROM generate_series(1, 2)",
        "INSERT INTO push (user_id) VALUES (5), (5)",
        "PREPARE p AS INSERT INTO mail (user_id) VALUES ($1), ($1); EXECUTE p (10); ",
        "COPY mail (user_id) FROM STDIN\n10\n10\n",
        "INSERT INTO mail (user_id) VALUES (9), (9) ON CONFLICT (user_id) DO UPDATE SET score = 1",
    ];
    for phase in Phase::TWO_SIDED {
        let oracle = Database::create("merged_old", OLD);
        let database = Database::create("merged", &format!("{OLD}{NEW}{}", leave(phase)));
        let rule = rule(phase);
        let relay = Relay::governing(&database, std::slice::from_ref(&rule));
        let (mut direct, mut client) = (oracle.connect(), relay.connect(&database));
        for statement in twice {
            let told = |wire: &mut Wire| {
                let reply = send(wire, statement, Protocol::Simple);
                let error = reply.error().cloned().unwrap_or_default();
                ['C', 'M', 's', 't', 'c', 'n'].map(|field| error.get(field).to_owned())
            };
            assert_eq!(told(&mut client), told(&mut direct), "{phase}: {statement}");
        }
        drop(client);
        relay.stop();
    }
}

/// A client of the new table that gives the column which tells which rows are there no value is told so, even where it
/// reads an old table.
#[test]
fn a_null_of_the_client_s_own_is_no_key_that_is_taken() {
    for phase in [Phase::SwitchReads, Phase::StopDualWrite] {
        let database = Database::create("merged", &format!("{OLD}{NEW}{}", leave(phase)));
        let rule = rule(phase);
        let relay = Relay::governing(&database, std::slice::from_ref(&rule));
        let mut client = relay.connect(&database);
        let nothing =
            "INSERT INTO prefs (user_id, has_mail) SELECT 10, NULL FROM mail WHERE user_id = 1";
        let reply = client.simple(nothing);
        let error = reply.error().cloned().unwrap_or_default();
        assert_eq!((error.code(), error.get('c')), ("23502", "has_mail"), "{phase}");
        drop(client);
        relay.stop();
    }
}
