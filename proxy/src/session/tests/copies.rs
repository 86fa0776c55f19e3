//! COPY FROM STDIN whose rows are extended, or go by way of a temporary table.

use super::*;
use crate::session::copy::KEPT_BYTES;
use crate::wire::compose;

const COPY: &str = "copy users (id, username) from stdin";
const EXTENDED: &str = "copy users (id, username, handle) from stdin";

/// What stands for a COPY that leaves out a default.
const STAGED: [&str; 4] = [
    "CREATE TEMP TABLE pg_temp.segue_copy (id text, code text DEFAULT f()) ON COMMIT DROP",
    "copy pg_temp.segue_copy (id) from stdin",
    "INSERT INTO public.tokens (id, code, number) SELECT id, code, code FROM pg_temp.segue_copy",
    "DROP TABLE pg_temp.segue_copy",
];

fn data(rows: &str) -> Vec<u8> {
    frame(b'd', rows.as_bytes())
}

fn copy_done() -> Vec<u8> {
    frame(b'c', b"")
}

/// CopyInResponse for so many text columns.
fn invitation(columns: u8) -> Vec<u8> {
    frame(b'G', &[&[0, 0, columns], vec![0; usize::from(columns) * 2].as_slice()].concat())
}

fn injected(text: &str) -> Vec<u8> {
    compose::question("segue_injected", text).to_vec()
}

/// The answer to an injected statement.
fn injected_answer(tag: &str) -> Vec<u8> {
    [completes("312"), done(tag), completes("33")].concat()
}

/// The rows that the server got, whatever messages they came in, and what came besides.
fn server_rows(session: &mut Session) -> (String, Vec<String>) {
    let got = session.to_server.waiting().to_vec();
    session.to_server.written(got.len());
    let (mut rows, mut other) = (String::new(), Vec::new());
    let mut rest = got.as_slice();
    while let Ok(Some(header)) = server_header(rest) {
        let (frame, tail) = rest.split_at(header.total.min(rest.len()));
        match header.tag {
            b'd' => rows.push_str(std::str::from_utf8(&frame[5..]).unwrap()),
            _ => other.extend(shown(frame)),
        }
        rest = tail;
    }
    (rows, other)
}

fn started(text: &str, phase: Option<Phase>) -> Session {
    let mut session = Session::new(phase);
    let mut script = acquaint();
    if phase == OLD {
        script[4] = Act::ServerGot(query("select username from users"));
    }
    session.play(&script, usize::MAX);
    session.client(&query(text)).unwrap();
    session
}

/// Sends bytes in pieces.
fn send(session: &mut Session, bytes: &[u8], size: usize) {
    bytes.chunks(size).for_each(|piece| session.client(piece).unwrap());
}

#[test]
fn rows_get_their_fields_and_the_client_is_asked_for_its_own() {
    for size in [usize::MAX, 1, 2, 3, 5, 7, 11] {
        let mut session = started(COPY, OLD);
        assert_eq!(server_rows(&mut session).1, shown(&query(EXTENDED)));
        session.server(&invitation(3)).unwrap();
        assert_eq!(shown(session.to_client.waiting()), shown(&invitation(2)));
        session.to_client = Outgoing::default();
        let rows = [data("1\ta\n2\tb"), data(""), data("\n3\tc"), copy_done()].concat();
        send(&mut session, &rows, size);
        let (rows, other) = server_rows(&mut session);
        assert_eq!(rows, "1\ta\ta\n2\tb\tb\n3\tc\tc");
        assert_eq!(other, shown(&copy_done()));
        let answer = [done("COPY 3"), ready(b'I')].concat();
        session.server(&answer).unwrap();
        assert_eq!(shown(session.to_client.waiting()), shown(&answer));
        assert!(session.conversation.at_rest());
    }
}

#[test]
fn rows_wait_for_the_invitation() {
    for size in [usize::MAX, 1, 3] {
        let mut session = started(COPY, NEW);
        assert_eq!(server_rows(&mut session).1, shown(&query(EXTENDED)));
        let ahead = [data("1\ta\n"), copy_done(), query("select 1")].concat();
        send(&mut session, &ahead, size);
        assert_eq!(server_rows(&mut session), (String::new(), Vec::new()));
        assert!(session.conversation.waits());
        session.server(&invitation(3)).unwrap();
        let (rows, other) = server_rows(&mut session);
        assert_eq!(rows, "1\ta\ta\n");
        assert_eq!(other, shown(&[copy_done(), query("select 1")].concat()));
        let answers = [done("COPY 1"), ready(b'I'), done("SELECT 1"), ready(b'I')].concat();
        session.server(&answers).unwrap();
        let told = [invitation(2), answers].concat();
        assert_eq!(shown(session.to_client.waiting()), shown(&told));
    }
}

#[test]
fn several_copies_of_one_text_take_turns() {
    let text = format!("{COPY}; copy other from stdin; {COPY} (format csv)");
    let mut session = started(&text, OLD);
    let sent = format!("{EXTENDED}; copy other from stdin; {EXTENDED} (format csv)");
    assert_eq!(server_rows(&mut session).1, shown(&query(&sent)));
    let ahead = [
        [data("1\ta\n"), copy_done()],
        [data("1\ta\n"), copy_done()],
        [data("1,a\n"), copy_done()],
    ];
    session.client(&ahead.concat().concat()).unwrap();
    for (columns, expected) in [(3, "1\ta\ta\n"), (2, "1\ta\n"), (3, "1,a,a\n")] {
        session.server(&invitation(columns)).unwrap();
        let (rows, other) = server_rows(&mut session);
        assert_eq!((rows.as_str(), other), (expected, shown(&copy_done())));
        session.server(&done("COPY 1")).unwrap();
    }
    session.server(&ready(b'I')).unwrap();
    let told = [invitation(2), done("COPY 1")].concat();
    assert_eq!(shown(session.to_client.waiting())[..2], shown(&told)[..]);
    assert!(session.conversation.at_rest());
}

#[test]
fn a_copy_that_fails_leaves_its_rows_to_nobody() {
    let failed = [error("22P02", ""), ready(b'I')].concat();
    let mut session = started(COPY, OLD);
    session.server(&invitation(3)).unwrap();
    server_rows(&mut session);
    // In the middle of a message.
    let bytes = data("1\ta\n2\tb\n");
    session.client(&bytes[..9]).unwrap();
    assert_eq!(server_rows(&mut session).0, "1\ta\ta\n");
    session.server(&failed).unwrap();
    let rest = [&bytes[9..], &data("3\tc\n"), &copy_done(), &query("select 1")].concat();
    session.client(&rest).unwrap();
    // The server ignores rows and their end, which are not extended any more.
    let (rows, other) = server_rows(&mut session);
    assert_eq!(rows, "3\tc\n");
    assert_eq!(other, shown(&[copy_done(), query("select 1")].concat()));
    session.server(&[done("SELECT 1"), ready(b'I')].concat()).unwrap();
    assert!(session.conversation.at_rest());
}

#[test]
fn the_extended_protocol_extends_rows_too() {
    // As libpq does: a Sync before the rows, which the server ignores.
    let batch = |text| [parse("", text), bind(""), describe(""), execute(), sync()].concat();
    let described = [completes("12"), frame(b't', b"\0\0"), frame(b'n', b"")].concat();
    let mut session = Session::new(OLD);
    session.play(
        &after_acquaintance_in_old(vec![
            Act::Client(batch(COPY)),
            Act::ServerGot(batch(EXTENDED)),
            Act::Server([described.clone(), invitation(3)].concat()),
            Act::ClientGot([described, invitation(2)].concat()),
            Act::Client([data("1\ta\n"), copy_done(), sync()].concat()),
        ]),
        usize::MAX,
    );
    let (rows, other) = server_rows(&mut session);
    assert_eq!(rows, "1\ta\ta\n");
    assert_eq!(other, shown(&[copy_done(), sync()].concat()));
    let answer = [done("COPY 1"), ready(b'I')].concat();
    session
        .play(&[Act::Server(answer.clone()), Act::ClientGot(answer), Act::Holds(None)], usize::MAX);
}

#[test]
fn a_client_that_gives_up_gives_up() {
    let batch = [parse("", COPY), bind(""), execute()].concat();
    let given_up = [frame(b'f', b"no\0"), sync()].concat();
    play(
        OLD,
        &after_acquaintance_in_old(vec![
            Act::Client(batch),
            Act::ServerGot([parse("", EXTENDED), bind(""), execute()].concat()),
            Act::Server([completes("12"), invitation(3)].concat()),
            Act::ClientGot([completes("12"), invitation(2)].concat()),
            Act::Client(given_up.clone()),
            Act::ServerGot(given_up),
            Act::Server([error("57014", ""), ready(b'I')].concat()),
            Act::ClientGot([error("57014", ""), ready(b'I')].concat()),
            Act::Holds(None),
        ]),
    );
}

#[test]
fn what_goes_by_way_of_a_temporary_table_is_one_copy_to_the_client() {
    let sent = format!("{}; select 1", STAGED.join("; "));
    let rows = [data("1\n"), copy_done()].concat();
    let answers = [done("COPY 1"), done("INSERT 0 1"), done("DROP TABLE"), done("SELECT 1")];
    play(
        OLD,
        &after_acquaintance_in_old(vec![
            Act::Client(query("copy tokens (id) from stdin; select 1")),
            Act::ServerGot(query(&sent)),
            Act::Server([done("CREATE TABLE"), invitation(1)].concat()),
            Act::ClientGot(invitation(1)),
            Act::Client(rows.clone()),
            Act::ServerGot(rows),
            Act::Server([answers.concat(), ready(b'I')].concat()),
            Act::ClientGot([done("COPY 1"), done("SELECT 1"), ready(b'I')].concat()),
            Act::Holds(None),
        ]),
    );
}

#[test]
fn the_extended_protocol_sends_the_other_statements_around_it() {
    let [create, copy, insert, drop] = STAGED;
    let batch = [parse("s", "copy tokens (id) from stdin"), bind("s"), execute(), sync()];
    let sent = [parse("s", copy), bind("s"), injected(create), execute(), sync()];
    let behind = [data("1\n"), copy_done(), injected(insert), injected(drop), sync()];
    let answers =
        [done("COPY 1"), injected_answer("INSERT 0 1"), injected_answer("DROP TABLE"), ready(b'I')];
    play(
        OLD,
        &after_acquaintance_in_old(vec![
            Act::Client(batch.concat()),
            Act::ServerGot(sent.concat()),
            Act::Server([completes("12"), injected_answer("CREATE TABLE"), invitation(1)].concat()),
            Act::ClientGot([completes("12"), invitation(1)].concat()),
            Act::Client([data("1\n"), copy_done(), sync()].concat()),
            Act::ServerGot(behind.concat()),
            Act::Holds(Some(1)),
            Act::Server(answers.concat()),
            Act::ClientGot([done("COPY 1"), ready(b'I')].concat()),
            Act::Holds(None),
        ]),
    );
}

#[test]
fn a_file_of_the_servers_goes_the_same_way_without_rows() {
    let file = "copy users (id, username) from '/f'";
    let [create, copy, insert, drop] = [
        "CREATE TEMP TABLE pg_temp.segue_copy (id text, username text) ON COMMIT DROP",
        "copy pg_temp.segue_copy (id, username) from '/f'",
        "INSERT INTO public.users (id, username, handle) SELECT id, username, username \
         FROM pg_temp.segue_copy",
        "DROP TABLE pg_temp.segue_copy",
    ];
    let before = [parse("", copy), bind(""), injected(create), execute()];
    let sent = [before.concat(), injected(insert), injected(drop), sync()];
    let answers = [
        completes("12"),
        injected_answer("CREATE TABLE"),
        done("COPY 7"),
        injected_answer("INSERT 0 7"),
        injected_answer("DROP TABLE"),
        ready(b'I'),
    ];
    play(
        NEW,
        &after_acquaintance(vec![
            Act::Client([parse("", file), bind(""), execute(), sync()].concat()),
            Act::ServerGot(sent.concat()),
            Act::Server(answers.concat()),
            Act::ClientGot([completes("12"), done("COPY 7"), ready(b'I')].concat()),
            Act::Holds(None),
        ]),
    );
}

#[test]
fn an_error_of_a_hidden_statement_answers_the_copy_and_points_nowhere() {
    let failed = |position: &str, table: &str| {
        let fields = format!(
            "SERROR\0VERROR\0C23502\0Mnull\0{position}WCOPY {table}, line 1, column id: \"x\"\0\0"
        );
        frame(b'E', fields.as_bytes())
    };
    // In the INSERT, whose text the client never wrote.
    let [.., insert, drop] = STAGED;
    let batch = [parse("s", "copy tokens (id) from stdin"), bind("s"), execute()];
    play(
        OLD,
        &after_acquaintance_in_old(vec![
            Act::Client([batch.concat(), data("1\n"), copy_done(), sync()].concat()),
            Act::ServerGot(
                [parse("s", STAGED[1]), bind("s"), injected(STAGED[0]), execute()].concat(),
            ),
            Act::Server([completes("12"), injected_answer("CREATE TABLE"), invitation(1)].concat()),
            Act::ServerGot(
                [data("1\n"), copy_done(), injected(insert), injected(drop), sync()].concat(),
            ),
            Act::Server([done("COPY 1"), completes("312"), failed("P13\0", "segue_copy")].concat()),
            Act::Server(ready(b'I')),
            Act::ClientGot(
                [completes("12"), invitation(1), failed("", "tokens"), ready(b'I')].concat(),
            ),
            Act::Holds(None),
            Act::Client(query("copy tokens (id) from stdin")),
            Act::ServerGot(query(&STAGED.join("; "))),
            Act::Server([failed("P20\0", "segue_copy"), ready(b'I')].concat()),
            Act::ClientGot([failed("", "tokens"), ready(b'I')].concat()),
        ]),
    );
}

#[test]
fn a_failed_transaction_fails_the_copy() {
    let failed = [error("25P02", ""), ready(b'E')].concat();
    let batch = [parse("", "copy tokens (id) from stdin"), bind(""), execute()];
    let mut session = Session::new(OLD);
    session.play(&after_acquaintance_in_old(Vec::new()), usize::MAX);
    session.client(&[batch.concat(), data("1\n"), copy_done(), sync()].concat()).unwrap();
    session.server(&failed[..failed.len() - 6]).unwrap();
    session.server(&ready(b'E')).unwrap();
    assert_eq!(shown(session.to_client.waiting()), shown(&failed));
    let (rows, other) = server_rows(&mut session);
    assert_eq!(rows, "1\n");
    assert_eq!(other.last(), shown(&sync()).last());
}

#[test]
fn an_encoding_that_overlaps_with_ascii_is_refused_for_lines_only() {
    let mut script = acquaint();
    script.extend([
        Act::Server(frame(b'S', b"client_encoding\0SJIS\0")),
        Act::ClientGot(frame(b'S', b"client_encoding\0SJIS\0")),
        Act::Client(query(COPY)),
        Act::ServerGot(query(&crate::session::patch::failing(COPY.as_bytes()))),
        Act::Server([error("25P02", ""), ready(b'I')].concat()),
        Act::Client(query("copy users (id, username) from stdin binary")),
        Act::ServerGot(query("copy users (id, username, handle) from stdin binary")),
    ]);
    let counted = play(NEW, &script);
    assert_eq!(counted, Snapshot { rewritten: 2, refused: 1, ..counted });
}

#[test]
fn a_field_that_cannot_be_kept_fails_the_copy_in_clear_words() {
    let mut session = started(COPY, OLD);
    session.server(&invitation(3)).unwrap();
    session.to_client = Outgoing::default();
    let piece = vec![b'x'; 1024 * 1024];
    session.client(&data("1\t")).unwrap();
    let mut other = Vec::new();
    for _ in 0..=KEPT_BYTES / piece.len() {
        session.client(&frame(b'd', &piece)).unwrap();
        other = server_rows(&mut session).1;
    }
    let reason = crate::session::patch::ROW_TOO_LONG;
    assert_eq!(other, shown(&frame(b'f', format!("{reason}\0").as_bytes())));
    // The client has not heard of it and goes on.
    session.client(&[data("more\n"), copy_done()].concat()).unwrap();
    let message = format!("SERROR\0C57014\0MCOPY from stdin failed: {reason}\0\0");
    session.server(&[frame(b'E', message.as_bytes()), ready(b'I')].concat()).unwrap();
    let told = shown(session.to_client.waiting());
    assert!(told[0].contains("C54000") && told[0].contains(reason), "{told:?}");
    assert_eq!(told[1..], shown(&ready(b'I')));
    assert!(session.conversation.at_rest());
}

/// Some 20 MB in and out, of which no more is ever held than one reading and what it gives.
#[test]
fn memory_does_not_grow_with_the_rows() {
    const READ: usize = 64 * 1024;
    let mut session = started(COPY, OLD);
    session.server(&invitation(3)).unwrap();
    server_rows(&mut session);
    let row = "12345\tsomebody with a name\n";
    let bytes = data(&row.repeat(READ / row.len()));
    let (mut sent, mut most) = (0, 0);
    for _ in 0..300 {
        session.client(&bytes).unwrap();
        sent += session.to_server.len();
        let held = session.from_client.capacity() + session.to_server.len();
        most = most.max(held);
        session.to_server.written(session.to_server.len());
    }
    assert!(sent > 20 * 1024 * 1024, "{sent}");
    assert!(most < 4 * READ, "{most}");
}
