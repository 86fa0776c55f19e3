//! Every word that any database gives a meaning, wherever one may stand: what PostgreSQL takes for
//! a name must not be a clause here, nor the other way round. `ORACLE_TIMES=12` tries all of them.

use std::collections::BTreeMap;

use oracle::fate::{Demand, check};
use oracle::runs::times;
use oracle::{Texts, tree};
use rewrite_rules::Phase;
use rewrite_rules::shape::Shape as Speaks;
use sqlparser::keywords::ALL_KEYWORDS;

/// One in so many is tried.
const USUALLY: usize = 12;

/// A function to PostgreSQL 16 and later, which the oracle is, and a column to 15.
const DIFFERS: &str = "SYSTEM_USER";

/// Statements with a place for a word.
const PLACES: [&str; 58] = [
    "SELECT username {w} FROM users",
    "SELECT username, {w} FROM users",
    "SELECT username AS {w} FROM users ORDER BY {w}",
    "SELECT username {w}, email FROM users ORDER BY username",
    "SELECT {w}.username FROM users {w}",
    "SELECT {w}.username FROM users AS {w} ORDER BY {w}.username",
    "SELECT username FROM users {w} WHERE username = 'a'",
    "SELECT u.username FROM users u {w} JOIN posts p ON p.user_id = u.id",
    "SELECT u.username FROM users u JOIN posts p {w} ON p.user_id = u.id",
    "SELECT u.username FROM users u JOIN posts {w} USING (id)",
    "SELECT u.username FROM users u JOIN posts USING (id) {w}",
    "SELECT username FROM users {w} (a, b)",
    "SELECT username FROM users {w}, posts",
    "SELECT username FROM users {w} username",
    "SELECT {w}(username) FROM users",
    "SELECT {w} (username) 'a' FROM users",
    "SELECT username {w} id FROM users",
    "SELECT username {w} {w} FROM users",
    "SELECT username IS {w} FROM users",
    "SELECT username IS NOT {w} username FROM users",
    "SELECT {w} username FROM users",
    "SELECT {w}, username FROM users",
    "SELECT {w} {w}, username FROM users",
    "SELECT 1 {w} FROM users ORDER BY username",
    "SELECT username FROM users WHERE username {w} email",
    "SELECT username FROM users WHERE username {w} (SELECT username FROM users)",
    "SELECT username FROM users WHERE {w} username = 'a'",
    "SELECT username FROM users WHERE username = {w} (SELECT email)",
    "SELECT username FROM users ORDER BY username {w}",
    "SELECT username FROM users GROUP BY username {w}",
    "SELECT username FROM users GROUP BY {w} (username)",
    "SELECT username FROM {w} users",
    "SELECT username FROM users u, {w} (SELECT username FROM users) x",
    "SELECT username FROM users, {w} (username)",
    "UPDATE users {w} SET username = 'a'",
    "UPDATE users SET username = {w} username",
    "UPDATE users SET username = 'a' {w} username = 'b'",
    "DELETE FROM users {w} WHERE username = 'a'",
    "DELETE FROM users {w} posts WHERE username = 'a'",
    "INSERT INTO users {w} (id, username) VALUES (1, 'a')",
    "INSERT INTO users AS {w} (id, username) VALUES (1, 'a') RETURNING {w}.username",
    "INSERT INTO users (id, username) {w} VALUES (1, 'a')",
    "INSERT INTO users (id, username) VALUES (1, {w})",
    "INSERT INTO users (id, username) SELECT 1, username {w} FROM users",
    "SELECT username::{w} FROM users",
    "SELECT {w} 'a', username FROM users",
    "SELECT username FROM users UNION {w} SELECT username FROM users",
    "WITH x AS {w} (SELECT username FROM users) SELECT username FROM x",
    "WITH {w} AS (SELECT username FROM users) SELECT username FROM {w}",
    "{w} SELECT username FROM users",
    "{w} users (username)",
    "{w} TABLE users",
    "SELECT username FROM users {w} 1",
    "SELECT sum(id) {w} (ORDER BY username) FROM users",
    "SELECT sum(id) OVER ({w} username) FROM users",
    "SELECT sum(id {w} username) FROM users",
    "SELECT sum(id) OVER {w} FROM users WINDOW {w} AS (ORDER BY username)",
    "MERGE INTO users {w} USING posts p ON p.user_id = 1 WHEN MATCHED THEN UPDATE SET username = 'a'",
];

#[test]
fn no_word_is_taken_for_what_it_is_not() {
    let texts = Texts::read().expect("the books and the corpora");
    let database = texts.databases.last().expect("the coverage corpus");
    let phases = database.phases.iter().flatten();
    let stage =
        phases.into_iter().find(|stage| stage.phase == Phase::SwitchReads).expect("a phase");
    let (mut fates, mut faults) = (BTreeMap::new(), Vec::new());
    let step = USUALLY / usize::try_from(times()).unwrap_or(USUALLY).clamp(1, USUALLY);
    for (first, place) in PLACES.into_iter().enumerate() {
        let words = ALL_KEYWORDS.iter().skip(first % step).step_by(step);
        for word in words.filter(|word| **word != DIFFERS) {
            let client = place.replace("{w}", &word.to_ascii_lowercase());
            match check(stage, Speaks::Old, &client, Demand::Meaning) {
                Ok(fate) => {
                    let readable = tree::parse(&client).is_ok();
                    *fates.entry((fate, readable)).or_insert(0_u32) += 1;
                }
                Err(why) => faults.push(format!("{client}\n  {why}")),
            }
        }
    }
    println!("{fates:?}");
    assert!(faults.is_empty(), "{} faults\n\n{}\n", faults.len(), faults.join("\n\n"));
}
