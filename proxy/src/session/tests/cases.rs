//! Statements, names, prepared statements and flips where nothing goes wrong.

use super::*;

#[test]
fn what_is_not_governed_passes_untouched() {
    let pipeline = [parse("s", "select 1"), bind("s"), execute(), sync(), query("select 2")];
    let replies = [
        completes("12"),
        frame(b'D', b"\0\0"),
        done("SELECT 1"),
        ready(b'I'),
        frame(b'T', b"\0\0"),
        done("SELECT 1"),
        ready(b'I'),
    ];
    for phase in [None, OLD] {
        let script = [
            Act::Client(pipeline.concat()),
            Act::Holds(Some(1)),
            Act::ServerGot(pipeline.concat()),
            Act::Server(replies.concat()),
            Act::ClientGot(replies.concat()),
            Act::Holds(None),
        ];
        let expected = Snapshot { forwarded: 2, ..Snapshot::default() };
        assert_eq!(play(phase, &script), expected);
    }
}

#[test]
fn names_are_asked_once_and_again_after_a_change() {
    let select = query("select username from users");
    let rewritten = query("select handle AS username from users");
    let replied = [done("X"), ready(b'I')].concat();
    let counted = play(
        NEW,
        &after_acquaintance(vec![
            Act::Client(select.clone()),
            Act::ServerGot(rewritten),
            Act::Server(replied.clone()),
            Act::Client(query("set search_path = other")),
            Act::ServerGot(query("set search_path = other")),
            Act::Server(replied),
            Act::Client(select.clone()),
            Act::ServerGot(question(true)),
            Act::Server([answer("other"), ready(b'I')].concat()),
            Act::ServerGot(select),
        ]),
    );
    assert_eq!(counted, Snapshot { forwarded: 2, rewritten: 2, ..Snapshot::default() });
}

#[test]
fn a_question_inside_a_batch_does_not_end_it() {
    let batch = [parse("", "select username from users"), bind(""), execute(), sync()].concat();
    play(
        NEW,
        &[
            Act::Client(batch),
            Act::ServerGot(question(false)),
            Act::Server(answer("public")),
            Act::ServerGot(
                [parse("", "select handle AS username from users"), bind(""), execute(), sync()]
                    .concat(),
            ),
            Act::Server([completes("12"), done("SELECT 0"), ready(b'I')].concat()),
            Act::ClientGot([completes("12"), done("SELECT 0"), ready(b'I')].concat()),
            Act::Holds(None),
        ],
    );
}

#[test]
fn a_prepared_statement_is_prepared_again_after_a_flip() {
    let text = "select username from users";
    let counted = play(
        OLD,
        &after_acquaintance_in_old(vec![
            Act::Client([parse("s", text), sync()].concat()),
            Act::ServerGot([parse("s", text), sync()].concat()),
            Act::Server([completes("1"), ready(b'I')].concat()),
            Act::ClientGot([completes("1"), ready(b'I')].concat()),
            Act::Flip(2, NEW),
            Act::Client([bind("s"), execute(), sync()].concat()),
            Act::ServerGot(
                [
                    close("s"),
                    parse("s", "select handle AS username from users"),
                    bind("s"),
                    execute(),
                    sync(),
                ]
                .concat(),
            ),
            Act::Server([completes("312"), done("SELECT 0"), ready(b'I')].concat()),
            Act::ClientGot([completes("2"), done("SELECT 0"), ready(b'I')].concat()),
            // Once.
            Act::Client([describe("s"), sync()].concat()),
            Act::ServerGot([describe("s"), sync()].concat()),
            Act::Server([frame(b't', b"\0\0"), frame(b'T', b"\0\0"), ready(b'I')].concat()),
            Act::ClientGot([frame(b't', b"\0\0"), frame(b'T', b"\0\0"), ready(b'I')].concat()),
            Act::Holds(None),
        ]),
    );
    assert_eq!(counted.reprepared, 1);
}

#[test]
fn a_flip_waits_for_the_end_of_a_transaction_and_of_a_pipeline() {
    let open = [done("BEGIN"), ready(b'T')].concat();
    let select = query("select username from users");
    play(
        OLD,
        &after_acquaintance_in_old(vec![
            Act::Client(query("begin")),
            Act::Server(open),
            Act::ServerGot(query("begin")),
            Act::Flip(2, NEW),
            Act::Client(select.clone()),
            Act::ServerGot(select.clone()),
            Act::Holds(Some(1)),
            // The client does not wait for answers: the next statement must.
            Act::Client([query("commit"), select].concat()),
            Act::ServerGot(Vec::new()),
            Act::Server([done("SELECT 0"), ready(b'T')].concat()),
            Act::ServerGot(query("commit")),
            Act::Server([done("COMMIT"), ready(b'I')].concat()),
            Act::Holds(Some(2)),
            Act::ServerGot(query("select handle AS username from users")),
        ]),
    );
}

#[test]
fn a_discarded_statement_stays_dead_through_a_flip() {
    let text = "select username from users";
    play(
        OLD,
        &after_acquaintance_in_old(vec![
            Act::Client([parse("s", text), sync()].concat()),
            Act::ServerGot([parse("s", text), sync()].concat()),
            Act::Server([completes("1"), ready(b'I')].concat()),
            Act::Client(query("discard all")),
            Act::ServerGot(query("discard all")),
            Act::Server([done("DISCARD ALL"), ready(b'I')].concat()),
            Act::Flip(2, NEW),
            Act::Client([bind("s"), sync()].concat()),
            Act::ServerGot([bind("s"), sync()].concat()),
        ]),
    );
}

#[test]
fn copy_data_pass_and_the_sync_that_copy_ignores_is_owed_nothing() {
    let start = [parse("", "copy t from stdin"), bind(""), execute(), sync()].concat();
    let data = [frame(b'd', &[b'x'; 1000]), frame(b'c', b""), sync()].concat();
    play(
        OLD,
        &[
            Act::Client(start.clone()),
            Act::Server([completes("12"), frame(b'G', b"\0\0\0")].concat()),
            Act::ServerGot(start),
            Act::Client(data.clone()),
            Act::ServerGot(data),
            Act::Holds(Some(1)),
            Act::Server([done("COPY 1"), ready(b'I')].concat()),
            Act::Holds(None),
        ],
    );
}

#[test]
fn a_batch_holds_its_generation_though_all_of_it_is_answered() {
    play(
        OLD,
        &[
            Act::Client([parse("", "select 1"), bind(""), frame(b'H', b"")].concat()),
            Act::Server(completes("12")),
            Act::Flip(2, NEW),
            Act::Client(execute()),
            Act::Holds(Some(1)),
            Act::Client(sync()),
            Act::Server([done("SELECT 1"), ready(b'I')].concat()),
            Act::Holds(None),
        ],
    );
}

#[test]
fn what_comes_unasked_goes_to_the_client() {
    let unasked = [
        frame(b'A', b"\0\0\0\x01channel\0payload\0"),
        frame(b'S', b"TimeZone\0UTC\0"),
        frame(b'N', b"SNOTICE\0Mm\0\0"),
        frame(b'E', b"SFATAL\0C57P01\0Mbye\0\0"),
    ]
    .concat();
    play(OLD, &[Act::Server(unasked.clone()), Act::ClientGot(unasked), Act::Holds(None)]);
}

#[test]
fn texts_in_other_encodings_are_refused_only_where_they_may_be_governed() {
    let mut script = acquaint();
    script.extend([
        Act::Server(frame(b'S', b"client_encoding\0SJIS\0")),
        Act::ClientGot(frame(b'S', b"client_encoding\0SJIS\0")),
        Act::Client(frame(b'Q', b"select '\x95\x5c'\0")),
        Act::ServerGot(frame(b'Q', b"select '\x95\x5c'\0")),
        Act::Client(frame(b'Q', b"select '\x95\x5c' from users\0")),
        Act::ServerGot(query(crate::session::patch::FAILING_STATEMENT)),
        Act::Client(query("select username from users")),
        Act::ServerGot(query("select handle AS username from users")),
    ]);
    let counted = play(NEW, &script);
    assert_eq!(counted, Snapshot { forwarded: 1, rewritten: 2, refused: 1, ..counted });
}

#[test]
fn names_are_asked_for_each_statement_after_a_change_in_the_same_transaction() {
    let select = query("select username from users");
    let rewritten = query("select handle AS username from users");
    let open = [done("X"), ready(b'T')].concat();
    let asked_and_sent = |schema, sent: &Vec<u8>| {
        vec![
            Act::Client(select.clone()),
            Act::ServerGot(question(true)),
            Act::Server([answer(schema), ready(b'T')].concat()),
            Act::ServerGot(sent.clone()),
            Act::Server(open.clone()),
        ]
    };
    let begun = vec![
        Act::Client(query("begin")),
        Act::ServerGot(query("begin")),
        Act::Server(open.clone()),
        Act::Client(query("set local search_path = other")),
        Act::ServerGot(query("set local search_path = other")),
        Act::Server(open.clone()),
    ];
    let ended = vec![
        Act::Client(query("commit")),
        Act::ServerGot(query("commit")),
        Act::Server([done("COMMIT"), ready(b'I')].concat()),
        Act::Client(select.clone()),
        Act::ServerGot(question(true)),
        Act::Server([answer("public"), ready(b'I')].concat()),
        Act::ServerGot(rewritten.clone()),
        Act::Server([done("X"), ready(b'I')].concat()),
        Act::Client(select.clone()),
        Act::ServerGot(rewritten.clone()),
    ];
    let inside = [asked_and_sent("other", &select), asked_and_sent("public", &rewritten)].concat();
    play(NEW, &after_acquaintance([begun, inside, ended].concat()));
}
