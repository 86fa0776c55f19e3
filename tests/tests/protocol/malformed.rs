//! Bytes that are no protocol: the session ends, the proxy and every other session go on.

use std::io::Read;

use segue_tests::message::Message;
use segue_tests::wire::{bind, frame, parse, socket, sync};

use super::started;

/// What a broken or hostile client sends after a good login.
fn broken() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("a length below itself", vec![b'Q', 0, 0, 0, 3]),
        ("a length of zero", vec![b'P', 0, 0, 0, 0]),
        ("a negative length", vec![b'Q', 0xff, 0xff, 0xff, 0xff]),
        ("a length of two gigabytes", vec![b'B', 0x7f, 0xff, 0xff, 0xff, 1, 2, 3]),
        ("an unknown type", frame(b'z', b"what")),
        ("a type that only servers send", frame(b'T', &[0, 0])),
        ("a query without its terminator", frame(b'Q', b"SELECT username FROM users")),
        (
            "a query with bytes after its end",
            frame(b'Q', b"SELECT 1\0SELECT username FROM users\0"),
        ),
        ("a query that is not UTF-8", frame(b'Q', b"SELECT username FROM users -- \xff\xfe\0")),
        ("an empty query frame", frame(b'Q', b"")),
        ("a parse that ends early", frame(b'P', b"s\0SELECT username FROM users\0\0")),
        ("a parse that counts too many types", frame(b'P', b"\0SELECT 1 FROM users\0\x7f\xff")),
        ("a parse that counts below zero", frame(b'P', b"\0SELECT 1 FROM users\0\xff\xff")),
        ("an empty parse", frame(b'P', b"")),
        ("a bind that ends early", frame(b'B', b"\0")),
        ("an empty describe", frame(b'D', b"")),
        ("a describe of nothing known", frame(b'D', b"X\0")),
        ("an execute that ends early", frame(b'E', b"\0\0")),
        ("an empty close", frame(b'C', b"")),
        ("a sync with a body", frame(b'S', b"body")),
        ("copy data without a copy", frame(b'd', b"users username")),
        ("half a frame", vec![b'Q', 0, 0, 0, 50, b'S']),
    ]
}

#[test]
fn a_broken_client_harms_nobody_else() {
    let (database, relay) = started();
    let mut witness = relay.connect(&database);
    for (name, bytes) in broken() {
        let mut wire = relay.connect(&database);
        // Whatever was taken for a statement must have been refused, by whichever side.
        wire.try_send_bytes(&bytes);
        wire.try_send_bytes(&sync());
        wire.hang_up();
        for message in wire.until_closed() {
            match message {
                Message::Error(_)
                | Message::Notice(_)
                | Message::Ready(_)
                | Message::Parameter(..) => {}
                Message::Parsed | Message::Closed | Message::NoData => {}
                other => panic!("{name}: answered with {other:?}"),
            }
        }
        assert_eq!(witness.rows("SELECT username FROM users WHERE id = 7"), ["user7"], "{name}");
    }
    relay.stop();
}

#[test]
fn broken_startups_are_shown_the_door() {
    let (database, relay) = started();
    let packets: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", vec![]),
        ("HTTP", b"GET / HTTP/1.1\r\n\r\n".to_vec()),
        ("a length of zero", vec![0, 0, 0, 0]),
        ("a length of two gigabytes", vec![0x7f, 0xff, 0xff, 0xff, 0, 3, 0, 0]),
        ("a version from the future", vec![0, 0, 0, 9, 0, 9, 0, 0, 0]),
        ("a version from the past", vec![0, 0, 0, 8, 0, 2, 0, 0]),
        ("a short cancel request", vec![0, 0, 0, 8, 4, 210, 22, 46]),
        ("half a packet", vec![0, 0, 0, 40, 0, 3, 0, 0, b'u']),
    ];
    for (name, packet) in packets {
        let mut socket = socket(relay.port);
        let _ = std::io::Write::write_all(&mut socket, &packet);
        let _ = socket.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer);
        assert!(!answer.contains(&b'Z'), "{name}: {answer:?}");
        assert_eq!(relay.connect(&database).rows("SELECT 1"), ["1"], "{name}");
    }
    relay.stop();
}

/// A statement split from its name: what one frame says must not leak into the next.
#[test]
fn a_frame_ends_where_its_length_says() {
    let (database, relay) = started();
    let mut wire = relay.connect(&database);
    let mut smuggled = parse("", "SELECT 1", &[]);
    smuggled.extend(parse("x", "SELECT 2", &[]));
    smuggled.extend(bind("", "x", &[], false));
    smuggled.extend(frame(b'E', b"\0\0\0\0\0"));
    smuggled.extend(sync());
    wire.send_bytes(&smuggled);
    assert_eq!(wire.until_ready().lines(), ["2"]);
    relay.stop();
}
