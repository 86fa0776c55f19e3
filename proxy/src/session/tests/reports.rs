//! Names in errors and notices: whose each is, and what the client calls it.

use std::sync::Arc;

use rewrite_rules::catalog::RelationName;
use rewrite_rules::naming::{Mention, Mentions, Names, TableNames};
use rewrite_rules::{Outcome, PositionMap, Rewritten};

use crate::session::names_in_reports::translated;
use crate::session::report_scope::Scope;

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

fn table(
    (its, own): (&str, &str),
    columns: &[(&str, &str)],
    constraints: &[(&str, &str)],
) -> TableNames {
    TableNames {
        key: None,
        relation: RelationName::new("public", its),
        client: RelationName::new("public", own),
        columns: pairs(columns),
        constraints: pairs(constraints),
    }
}

/// A table with another one that holds columns of it.
fn users() -> Names {
    let own = [("id", "id"), ("handle", "username"), ("about", "about")];
    let keys = [("users_handle_key", "users_username_key"), ("shared", "users_key")];
    let halves = [("user_id", "id"), ("about", "bio"), ("given", "first name")];
    let tables = vec![
        table(("users", "users"), &own, &keys),
        table(("user_profiles", "users"), &halves, &[("profiles_check", "users_check")]),
    ];
    Names { tables, taken: Vec::new() }
}

fn members() -> Names {
    let columns = [("id", "id"), ("handle", "nick"), ("rank", "grade"), ("user_id", "user_id")];
    Names::of(table(("members", "members"), &columns, &[("shared", "members_key")]))
}

fn notes() -> Names {
    Names::of(table(("notes", "notes"), &[("handle", "handle")], &[]))
}

/// What a statement names: each relation, what it goes by, and whether it is written.
fn outcome(mentioned: &[(Names, &str, bool)], words: &[&str]) -> Outcome {
    let mention = |(names, qualifier, is_written): &(Names, &str, bool)| Mention {
        statement: 0,
        qualifier: Some((*qualifier).to_owned()),
        is_written: *is_written,
        names: Arc::new(names.clone()),
    };
    let mentions = Mentions {
        relations: mentioned.iter().map(mention).collect(),
        words: words.iter().map(|word| (*word).to_owned()).collect(),
    };
    let mentions = Arc::new(mentions);
    let (sql, positions) = (String::new(), PositionMap::default());
    Outcome::Rewritten(Rewritten { sql, positions, replies: Vec::new(), mentions })
}

/// Translates a report, its fields one a line, each behind its letter: it must come out as `after`.
#[track_caller]
fn check(outcome: &Outcome, before: &str, after: &str) {
    let lines = before.lines().map(|line| line.trim().split_at(1));
    let fields: Vec<(u8, &[u8])> =
        lines.map(|(code, value)| (code.as_bytes()[0], value.as_bytes())).collect();
    let scope = Scope::new(&[], outcome, &(0..=0), &fields);
    let sqlstate = fields.iter().find(|(code, _)| *code == b'C').map_or(&b""[..], |it| it.1);
    let line = |(code, value): &(u8, &[u8])| {
        let new = translated(*code, value, sqlstate, &scope);
        let new = new.unwrap_or_else(|| value.to_vec());
        format!("{}{}", char::from(*code), String::from_utf8(new).unwrap())
    };
    let after: Vec<&str> = after.lines().map(str::trim).collect();
    assert_eq!(fields.iter().map(line).collect::<Vec<String>>(), after);
}

/// The same of a report that must stay as it is.
#[track_caller]
fn check_stays(outcome: &Outcome, report: &str) {
    check(outcome, report, report);
}

fn both() -> Outcome {
    outcome(&[(users(), "u", true), (members(), "m", false)], &[])
}

#[test]
fn the_fields_tell_the_table() {
    let both = both();
    for (table, column) in [("users", "username"), ("members", "nick")] {
        check(
            &both,
            &format!(
                "C23502
                Mnull value in column \"handle\" of relation \"{table}\" violates not-null constraint
                spublic\nt{table}\nchandle"
            ),
            &format!(
                "C23502
                Mnull value in column \"{column}\" of relation \"{table}\" violates not-null constraint
                spublic\nt{table}\nc{column}"
            ),
        );
        check(
            &both,
            &format!(
                "C23505\nMduplicate key value violates unique constraint \"shared\"
                DKey (id, lower(handle::text))=(1, handle) already exists.
                spublic\nt{table}\nnshared"
            ),
            &format!(
                "C23505\nMduplicate key value violates unique constraint \"{table}_key\"
                DKey (id, lower({column}::text))=(1, handle) already exists.
                spublic\nt{table}\nn{table}_key"
            ),
        );
    }
}

#[test]
fn another_table_holds_columns_of_the_client_s() {
    check(
        &both(),
        "C23502
        Mnull value in column \"about\" of relation \"user_profiles\" violates not-null constraint
        spublic\ntuser_profiles\ncabout",
        "C23502
        Mnull value in column \"bio\" of relation \"users\" violates not-null constraint
        spublic\ntusers\ncbio",
    );
    check_stays(
        &both(),
        "C23502
        Mnull value in column \"about\" of relation \"users\" violates not-null constraint
        spublic\ntusers\ncabout",
    );
    check(
        &both(),
        "C23505
        DKey (user_id, given)=(1, x) already exists.
        spublic\ntuser_profiles",
        "C23505
        DKey (id, \"first name\")=(1, x) already exists.
        spublic\ntusers",
    );
    check(
        &both(),
        "C42501\nMpermission denied for table user_profiles",
        "C42501\nMpermission denied for table users",
    );
    check(
        &both(),
        "C55P03\nMcould not obtain lock on row in relation \"user_profiles\"",
        "C55P03\nMcould not obtain lock on row in relation \"users\"",
    );
    check(
        &both(),
        "C40P01\nWwhile locking tuple (0,1) in relation \"user_profiles\"",
        "C40P01\nWwhile locking tuple (0,1) in relation \"users\"",
    );
    // The client names that table itself.
    let said = outcome(&[(users(), "u", false)], &["user_profiles"]);
    check_stays(&said, "C55P03\nMcould not obtain lock on row in relation \"user_profiles\"");
}

#[test]
fn a_foreign_key_speaks_of_two_tables() {
    check(
        &both(),
        "C23503
        Minsert or update on table \"members\" violates foreign key constraint \"shared\"
        DKey (handle, user_id)=(handle, 1) is not present in table \"user_profiles\".
        spublic\ntmembers\nnshared",
        "C23503
        Minsert or update on table \"members\" violates foreign key constraint \"members_key\"
        DKey (nick, user_id)=(handle, 1) is not present in table \"users\".
        spublic\ntmembers\nnmembers_key",
    );
    check(
        &both(),
        "C23503
        Mupdate or delete on table \"users\" violates foreign key constraint \"shared\" on table \"members\"
        DKey (handle)=(handle) is still referenced from table \"members\".
        spublic\ntmembers\nnshared",
        "C23503
        Mupdate or delete on table \"users\" violates foreign key constraint \"members_key\" on table \"members\"
        DKey (username)=(handle) is still referenced from table \"members\".
        spublic\ntmembers\nnmembers_key",
    );
}

#[test]
fn the_words_tell_the_table() {
    let three = outcome(
        &[(users(), "u", true), (members(), "m", false), (notes(), "n", false)],
        &["n.handle"],
    );
    for (before, after) in [
        ("Mcolumn \"u.handle\" must appear", "Mcolumn \"u.username\" must appear"),
        ("Mcolumn \"m.handle\" must appear", "Mcolumn \"m.nick\" must appear"),
        ("Mcolumn \"n.handle\" must appear", "Mcolumn \"n.handle\" must appear"),
        ("Mcolumn \"x.handle\" must appear", "Mcolumn \"x.handle\" must appear"),
        ("Mcolumn m.handle does not exist", "Mcolumn m.nick does not exist"),
        (
            "Mcolumn \"handle\" of relation \"members\" does not exist",
            "Mcolumn \"nick\" of relation \"members\" does not exist",
        ),
        (
            "HPerhaps you meant to reference the column \"u.handle\" or the column \"m.handle\".",
            "HPerhaps you meant to reference the column \"u.username\" or the column \"m.nick\".",
        ),
        (
            "HThere is a column named \"handle\" in table \"m\", but it cannot be referenced.",
            "HThere is a column named \"nick\" in table \"m\", but it cannot be referenced.",
        ),
        (
            "Mconstraint \"shared\" for table \"users\" does not exist",
            "Mconstraint \"users_key\" for table \"users\" does not exist",
        ),
        (
            "WCOPY members, line 3, column handle: \"x, column handle\"",
            "WCOPY members, line 3, column nick: \"x, column handle\"",
        ),
        ("WCOPY user_profiles, line 3: \"x\"", "WCOPY users, line 3: \"x\""),
    ] {
        check(&three, before, after);
    }
}

#[test]
fn what_is_assigned_to_is_a_column_of_the_table_that_is_written() {
    for (report, after) in [
        (
            "Mcolumn \"handle\" is of type text but expression is of type integer",
            "Mcolumn \"username\" is of type text but expression is of type integer",
        ),
        (
            "Mcolumn \"handle\" can only be updated to DEFAULT",
            "Mcolumn \"username\" can only be updated to DEFAULT",
        ),
        (
            "DColumn \"handle\" is a generated column.",
            "DColumn \"username\" is a generated column.",
        ),
    ] {
        check(&both(), report, after);
        let other = outcome(&[(notes(), "n", true), (users(), "u", false)], &[]);
        check_stays(&other, report);
    }
}

#[test]
fn where_nothing_tells_all_tables_must_agree() {
    let ambiguous = |name: &str| format!("C42702\nMcolumn reference \"{name}\" is ambiguous");
    check_stays(&both(), &ambiguous("handle"));
    check_stays(&both(), &ambiguous("user_id"));
    check_stays(&both(), &ambiguous("about"));
    check(&both(), &ambiguous("rank"), &ambiguous("grade"));
    // What the client has written tells it.
    let relations = || [(users(), "u", true), (members(), "m", false)];
    let one = outcome(&relations(), &["username", "m.nick"]);
    check(&one, &ambiguous("handle"), &ambiguous("username"));
    check_stays(&outcome(&relations(), &["username", "nick"]), &ambiguous("handle"));
    check(
        &outcome(&[(users(), "a", false), (users(), "b", false)], &[]),
        &ambiguous("handle"),
        &ambiguous("username"),
    );
    check_stays(
        &outcome(&[(users(), "a", false), (notes(), "n", false)], &[]),
        &ambiguous("handle"),
    );
}

#[test]
fn what_the_client_says_stays() {
    let said = outcome(&[(users(), "u", false)], &["handle"]);
    check_stays(&said, "C42803\nMcolumn \"u.handle\" must appear");
    check_stays(&said, "C42702\nMcolumn reference \"handle\" is ambiguous");
    // It may be another table's.
    let other = outcome(&[(users(), "u", false), (notes(), "n", false)], &["handle"]);
    check(&other, "Mcolumn \"u.handle\" must appear", "Mcolumn \"u.username\" must appear");
}

#[test]
fn what_is_no_name_stays() {
    let both = both();
    for report in [
        "C22P02\nMinvalid input syntax for type integer: \"rank\"",
        "CXX000\nMthe rank is gone",
        "CXX000\nMan odd \" quote: \"rank\"",
        "C34000\nMcursor \"rank\" does not exist",
        "C23502\nDFailing row contains (1, rank).\nspublic\ntmembers",
        "CP0001\nWPL/pgSQL function rank() line 3, column rank",
        "C23505\nDKey (ranks, my_rank, rank2)=(1, 2, 3) already exists.\nspublic\ntmembers",
        "C23514\nMvalue for domain d violates check constraint \"shared\"\nspublic\ndd\nnshared",
    ] {
        check_stays(&both, report);
    }
    check(
        &both,
        "C22P04\nMmissing data for column \"rank\"",
        "C22P04\nMmissing data for column \"grade\"",
    );
    check(
        &both,
        "C23P01\nDKey (rank)=([1,3)) conflicts with existing key (rank)=([2,5)).\nspublic\ntmembers",
        "C23P01\nDKey (grade)=([1,3)) conflicts with existing key (grade)=([2,5)).\nspublic\ntmembers",
    );
    assert_eq!(translated(b'M', b"\xff\"rank\"", b"XX000", &Scope::default()), None);
}
