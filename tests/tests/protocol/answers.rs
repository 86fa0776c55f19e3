//! Answers that are changed on the way back: the type of a whole row, and a word to the wise.

use rewrite_rules::Phase;
use segue_tests::message::Message;
use segue_tests::relay::{self, Relay};
use segue_tests::server::Database;
use segue_tests::wire::{Wire, query};

use super::DDL;

fn in_switch_reads() -> (Database, Relay, Wire) {
    let database = Database::create("answers", DDL);
    database.connect().script(
        "CREATE UNIQUE INDEX ON users (handle); INSERT INTO users VALUES (1, 'x', 'e', 'ann')",
    );
    let rule = relay::rename_username(Phase::SwitchReads);
    let relay = Relay::start(&database, relay::generation_of(1, &[rule], &database));
    let wire = relay.connect(&database);
    (database, relay, wire)
}

#[test]
fn a_whole_row_has_the_type_of_its_table() {
    let (database, relay, mut wire) = in_switch_reads();
    let row_type = database.connect().rows("SELECT 'users'::regtype::oid");
    let types = |columns: Option<&[segue_tests::message::Column]>| -> Vec<String> {
        let columns = columns.expect("columns");
        columns.iter().map(|column| column.type_oid.to_string()).collect()
    };
    let sql = "SELECT 'before'::text AS word, u FROM users u";
    let expected = vec!["25".to_owned(), row_type.concat()];
    let several = format!("SELECT 1; {sql}");
    for sql in [sql, several.as_str()] {
        let reply = wire.script(sql);
        let described: Vec<&Message> =
            reply.messages.iter().filter(|it| matches!(it, Message::Columns(_))).collect();
        let Some(Message::Columns(columns)) = described.last() else { panic!("no columns") };
        assert_eq!(types(Some(columns)), expected, "{sql}");
        assert_eq!(reply.lines().last().map(String::as_str), Some("before|(1,ann,e)"));
    }
    for binary in [false, true] {
        let reply = wire.extended(sql, &[], binary);
        assert_eq!(types(reply.columns()), expected, "Describe of a statement");
        let portal = reply.messages.iter().rev().find_map(|message| match message {
            Message::Columns(columns) => Some(columns.as_slice()),
            _ => None,
        });
        assert_eq!(types(portal), expected, "Describe of a portal");
    }
    relay.stop();
}

#[test]
fn a_view_is_made_with_a_notice_before_its_tag() {
    let (_database, relay, mut wire) = in_switch_reads();
    wire.send_bytes(&query("SELECT 1; CREATE VIEW names AS SELECT username FROM users"));
    let mut seen = Vec::new();
    loop {
        match wire.read().expect("an answer") {
            Message::Notice(fields) => seen.push(format!("notice {}", fields.get('M'))),
            Message::Tag(tag) => seen.push(tag),
            Message::Ready(_) => break,
            _ => {}
        }
    }
    let notice = "notice view \"names\" keeps to the columns of table \"public.users\" that are \
        read today";
    assert_eq!(seen, ["SELECT 1", notice, "CREATE VIEW"]);
    assert_eq!(wire.rows("SELECT username FROM names"), ["ann"]);
    relay.stop();
}
