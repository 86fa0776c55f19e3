//! What clients do, as data: bytes to write and answers to wait for.

use segue_tests::wire::{bind, close, describe, execute, frame, parse, query, sync};

/// Flush: send what there is, without ending the transaction.
const FLUSH: u8 = b'H';

/// What a client does: bytes that it writes, and how many ReadyForQuery it then waits for.
pub(crate) struct Script {
    pub(crate) name: &'static str,
    pub(crate) steps: Vec<(Vec<Vec<u8>>, usize)>,
}

pub(crate) fn script(name: &'static str, steps: Vec<(Vec<Vec<u8>>, usize)>) -> Script {
    Script { name, steps }
}

fn data(bytes: &[u8]) -> Vec<u8> {
    frame(b'd', bytes)
}

/// FunctionCall of `int4pl(oid 177)` with two text arguments.
fn function_call() -> Vec<u8> {
    let mut body = 177_u32.to_be_bytes().to_vec();
    body.extend([0, 0, 0, 2]);
    for value in ["40", "2"] {
        body.extend(2_u32.to_be_bytes().iter().take(3));
        body.push(u8::try_from(value.len()).expect("a short value"));
        body.extend(value.as_bytes());
    }
    body.extend([0, 0]);
    frame(b'F', &body)
}

fn simple_scripts() -> Vec<Script> {
    let q = |sql: &str| vec![query(sql)];
    vec![
        script("one query", vec![(q("SELECT username FROM users ORDER BY id"), 1)]),
        script("nothing at all", vec![(q(""), 1), (q(";"), 1), (q(" -- just a comment"), 1)]),
        script("several statements", vec![(q("SELECT 1; SELECT 2; SELECT 3"), 1)]),
        script("an error among them", vec![(q("SELECT 1; SELECT 1/0; SELECT 3"), 1)]),
        script(
            "a failed transaction",
            vec![
                (q("BEGIN"), 1),
                (q("SELECT nonsense FROM users"), 1),
                (q("SELECT 1"), 1),
                (q("ROLLBACK"), 1),
                (q("SELECT 1"), 1),
            ],
        ),
        script(
            "a pipeline of queries",
            vec![(
                ["SELECT 1", "SELECT username FROM users WHERE id = 3", "nonsense", "SELECT 4"]
                    .map(query)
                    .into(),
                4,
            )],
        ),
        script(
            "a write that is rolled back",
            vec![
                (q("BEGIN"), 1),
                (q("UPDATE users SET username = 'x' WHERE id = 1 RETURNING id, username"), 1),
                (q("SELECT username FROM users WHERE id = 1"), 1),
                (q("ROLLBACK"), 1),
            ],
        ),
        script(
            "savepoints",
            vec![
                (q("BEGIN; SAVEPOINT a; SELECT 1/0"), 1),
                (q("ROLLBACK TO a; SELECT 1"), 1),
                (q("COMMIT"), 1),
            ],
        ),
        script(
            "a cursor",
            vec![
                (q("BEGIN; DECLARE c CURSOR FOR SELECT id FROM other ORDER BY id"), 1),
                (q("FETCH 3 FROM c"), 1),
                (q("CLOSE c; COMMIT"), 1),
            ],
        ),
        script(
            "settings",
            vec![
                (q("SET application_name = 'me'; SHOW application_name"), 1),
                (q("SET search_path = public; SELECT username FROM users WHERE id = 1"), 1),
            ],
        ),
        script("a function call", vec![(vec![function_call()], 1)]),
        script(
            "listen and notify itself",
            vec![
                (q("LISTEN channel"), 1),
                (q("NOTIFY channel, 'payload'"), 1),
                (q("UNLISTEN *"), 1),
            ],
        ),
    ]
}

#[expect(clippy::too_many_lines, reason = "a list of cases, each of which is short")]
fn extended_scripts() -> Vec<Script> {
    let select = "SELECT id, username FROM users WHERE id = $1";
    let all = "SELECT id FROM other ORDER BY id";
    let one = |name: &str| [bind("", name, &[Some("3")], false), execute("", 0)].concat();
    vec![
        script(
            "unnamed",
            vec![(vec![parse("", select, &[]), describe(b'S', ""), one(""), sync()], 1)],
        ),
        script(
            "declared types",
            vec![(vec![parse("", select, &[20]), describe(b'S', ""), one(""), sync()], 1)],
        ),
        script(
            "named, used again, closed",
            vec![
                (vec![parse("s", select, &[]), sync()], 1),
                (vec![one("s"), one("s"), sync()], 1),
                (vec![close(b'S', "s"), sync()], 1),
                (vec![one("s"), sync()], 1),
            ],
        ),
        script(
            "a name taken twice",
            vec![
                (vec![parse("t", select, &[]), sync()], 1),
                (vec![parse("t", all, &[]), sync()], 1),
                (vec![one("t"), sync()], 1),
            ],
        ),
        script(
            "a portal in pieces",
            vec![(
                vec![
                    parse("", all, &[]),
                    bind("p", "", &[], true),
                    describe(b'P', "p"),
                    execute("p", 7),
                    execute("p", 7),
                    close(b'P', "p"),
                    execute("p", 7),
                    sync(),
                ],
                1,
            )],
        ),
        script(
            "an error in the middle of a pipeline",
            vec![(
                vec![
                    parse("", select, &[]),
                    one(""),
                    parse("", "SELECT nonsense FROM users", &[]),
                    one(""),
                    one(""),
                    sync(),
                    parse("", select, &[]),
                    one(""),
                    sync(),
                ],
                2,
            )],
        ),
        script(
            "an error at execution",
            vec![(
                vec![
                    parse("", "SELECT 10 / $1::int", &[]),
                    bind("", "", &[Some("0")], false),
                    execute("", 0),
                    parse("", "SELECT 1", &[]),
                    sync(),
                    query("SELECT 2"),
                ],
                2,
            )],
        ),
        script(
            "three transactions in one write",
            vec![(
                vec![parse("", select, &[]), one(""), sync(), one(""), sync(), one(""), sync()],
                3,
            )],
        ),
        script(
            "an empty statement",
            vec![(
                vec![
                    parse("", "", &[]),
                    describe(b'S', ""),
                    bind("", "", &[], false),
                    execute("", 0),
                    sync(),
                ],
                1,
            )],
        ),
        script(
            "two statements where one is allowed",
            vec![(vec![parse("", "SELECT 1; SELECT username FROM users", &[]), sync()], 1)],
        ),
        script(
            "what does not exist",
            vec![
                (vec![describe(b'S', "no"), sync()], 1),
                (vec![describe(b'P', "no"), sync()], 1),
                (vec![close(b'S', "no"), close(b'P', "no"), sync()], 1),
                (vec![bind("", "no", &[], false), sync()], 1),
                (vec![execute("no", 0), sync()], 1),
            ],
        ),
        script(
            "flush and then sync",
            vec![(
                vec![
                    parse("", select, &[]),
                    describe(b'S', ""),
                    frame(FLUSH, &[]),
                    one(""),
                    frame(FLUSH, &[]),
                    sync(),
                ],
                1,
            )],
        ),
        script(
            "a wrong number of values",
            vec![(
                vec![parse("", select, &[]), bind("", "", &[], false), execute("", 0), sync()],
                1,
            )],
        ),
        script(
            "simple between extended",
            vec![(vec![parse("m", select, &[]), query("SELECT 1"), one("m"), sync()], 2)],
        ),
        script("syncs alone", vec![(vec![sync(), sync(), sync()], 3)]),
    ]
}

fn copy_scripts() -> Vec<Script> {
    let q = |sql: &str| vec![query(sql)];
    let start = "COPY other FROM STDIN";
    vec![
        script("copy out", vec![(q("COPY other TO STDOUT"), 1)]),
        script("copy out in binary", vec![(q("COPY other TO STDOUT (FORMAT binary)"), 1)]),
        script(
            "copy in, in pieces",
            vec![
                (q("BEGIN"), 1),
                (
                    vec![
                        query(start),
                        data(b"1001\tone\n10"),
                        data(b""),
                        data(b"02\ttwo\n"),
                        frame(b'c', &[]),
                    ],
                    1,
                ),
                (q("SELECT * FROM other WHERE id > 1000 ORDER BY id"), 1),
                (q("ROLLBACK"), 1),
            ],
        ),
        script(
            "copy in that the client gives up",
            vec![(vec![query(start), data(b"1001\tone\n"), frame(b'f', b"changed my mind\0")], 1)],
        ),
        script(
            "copy in that fails",
            vec![(
                vec![
                    query(start),
                    data(b"not a number\tone\n"),
                    frame(b'c', &[]),
                    query("SELECT 1"),
                ],
                2,
            )],
        ),
        script(
            "copy in by the extended protocol",
            vec![(
                vec![
                    query("BEGIN"),
                    parse("", start, &[]),
                    bind("", "", &[], false),
                    execute("", 0),
                    data(b"1001\tone\n"),
                    frame(b'c', &[]),
                    sync(),
                    query("ROLLBACK"),
                ],
                3,
            )],
        ),
        script(
            "copy of a query",
            vec![(q("COPY (SELECT id FROM other ORDER BY id) TO STDOUT (FORMAT csv, HEADER)"), 1)],
        ),
        script(
            "a governed name as data",
            vec![
                (q("BEGIN"), 1),
                (vec![query(start), data(b"1001\tusers username\n"), frame(b'c', &[])], 1),
                (q("ROLLBACK"), 1),
            ],
        ),
    ]
}

/// Every script.
pub(crate) fn scripts() -> Vec<Script> {
    [simple_scripts(), extended_scripts(), copy_scripts()].into_iter().flatten().collect()
}
