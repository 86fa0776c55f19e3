//! The state machines against a plain encoder: what a row with the added fields looks like is known
//! beforehand, so the bytes can be compared.

use proptest::collection::vec;
use proptest::prelude::*;
use rewrite_rules::{CopyFormat, CopyHeader, CopyRows, Encoding, HeaderName};

use super::{Extension, KEPT_BYTES};
use crate::wire::frame::client_header;

const TEXT: CopyFormat = CopyFormat::Text { delimiter: b'\t' };
const CSV: CopyFormat = CopyFormat::Csv { delimiter: b',', quote: b'"', escape: b'"' };
const ODD_CSV: CopyFormat = CopyFormat::Csv { delimiter: b';', quote: b'\'', escape: b'\\' };

fn rows(format: CopyFormat, fields: usize, repeat: &[usize]) -> CopyRows {
    let header = CopyHeader::Absent;
    CopyRows { format, fields, repeat: repeat.to_vec(), header, encoding: Encoding::AsciiSafe }
}

/// The bodies of messages, none of which may be empty or anything but CopyData.
fn bodies(mut frames: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some(header) = client_header(frames).unwrap() {
        let (frame, rest) = frames.split_at(header.total);
        assert_eq!(header.tag, b'd');
        assert!(frame.len() > 5, "an empty message");
        bytes.extend_from_slice(&frame[5..]);
        frames = rest;
    }
    assert_eq!(frames, b"");
    bytes
}

/// What the server receives for the client's bytes in pieces of these sizes, and the rest whole.
fn extended(rows: &CopyRows, data: &[u8], cuts: &[usize]) -> Vec<u8> {
    let mut extension = Extension::new(rows);
    let mut rest = data;
    let mut sent = Vec::new();
    for cut in cuts {
        let (piece, tail) = rest.split_at((*cut).min(rest.len()));
        sent.extend(bodies(&extension.take(piece).unwrap()));
        rest = tail;
    }
    sent.extend(bodies(&extension.take(rest).unwrap()));
    sent.extend(bodies(&extension.finish().unwrap()));
    sent
}

/// A value, NULL among them.
type Value = Option<String>;

/// Everything about a stream but its cuts.
#[derive(Debug, Clone)]
struct Stream {
    rows: Vec<Vec<Value>>,
    newline: &'static str,
    /// Whether the last row has an end.
    ended: bool,
    /// Whether the end of data follows, and something behind it.
    marked: bool,
    /// Whether values are quoted, or escaped, that need not be.
    ornate: bool,
}

/// The plain encoder.
fn encoded(stream: &Stream, format: CopyFormat, repeat: &[usize]) -> Vec<u8> {
    let with_added = |row: &Vec<Value>| -> Vec<Value> {
        row.iter().cloned().chain(repeat.iter().map(|field| row[*field].clone())).collect()
    };
    let rows: Vec<Vec<Value>> = stream.rows.iter().map(with_added).collect();
    if format == CopyFormat::Binary {
        return encoded_binary(&rows, stream);
    }
    let lines: Vec<Vec<u8>> = rows.iter().map(|row| encoded_line(row, stream, format)).collect();
    let newline = stream.newline.as_bytes();
    let mut bytes = lines.join(newline);
    if !lines.is_empty() && (stream.ended || stream.marked) {
        bytes.extend_from_slice(newline);
    }
    if stream.marked {
        bytes.extend_from_slice(&[b"\\.", newline, b"what\tstands,behind"].concat());
    }
    bytes
}

fn encoded_line(row: &[Value], stream: &Stream, format: CopyFormat) -> Vec<u8> {
    let (delimiter, fields): (u8, Vec<Vec<u8>>) = match format {
        CopyFormat::Text { delimiter } => {
            let text = |value: &Value| text_field(value.as_deref(), delimiter, stream.ornate);
            (delimiter, row.iter().map(text).collect())
        }
        CopyFormat::Csv { delimiter, quote, escape } => {
            let signs = [delimiter, quote, escape];
            let text = |value: &Value| csv_field(value.as_deref(), signs, stream.ornate);
            (delimiter, row.iter().map(text).collect())
        }
        CopyFormat::Binary => unreachable!("it has no lines"),
    };
    fields.join(&delimiter)
}

fn text_field(value: Option<&str>, delimiter: u8, ornate: bool) -> Vec<u8> {
    let Some(value) = value else { return b"\\N".to_vec() };
    let mut bytes = Vec::new();
    for byte in value.bytes() {
        match byte {
            b'\n' if ornate => bytes.extend_from_slice(b"\\\n"),
            b'\n' => bytes.extend_from_slice(b"\\n"),
            b'\r' if ornate => bytes.extend_from_slice(b"\\\r"),
            b'\r' => bytes.extend_from_slice(b"\\r"),
            b'\\' => bytes.extend_from_slice(b"\\\\"),
            byte if byte == delimiter => bytes.extend_from_slice(&[b'\\', byte]),
            b'\'' if ornate => bytes.extend_from_slice(b"\\47"),
            byte => bytes.push(byte),
        }
    }
    bytes
}

fn csv_field(value: Option<&str>, [delimiter, quote, escape]: [u8; 3], ornate: bool) -> Vec<u8> {
    let Some(value) = value else { return Vec::new() };
    let signs = [delimiter, quote, b'\r', b'\n'];
    let needs = value.is_empty() || value == "\\." || value.bytes().any(|b| signs.contains(&b));
    if !needs && !ornate {
        return value.into();
    }
    let mut bytes = vec![quote];
    for byte in value.bytes() {
        if byte == quote || byte == escape {
            bytes.push(escape);
        }
        bytes.push(byte);
    }
    bytes.push(quote);
    bytes
}

fn encoded_binary(rows: &[Vec<Value>], stream: &Stream) -> Vec<u8> {
    let mut bytes = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\x03ext".to_vec();
    for row in rows {
        bytes.extend(i16::try_from(row.len()).unwrap().to_be_bytes());
        for value in row {
            match value {
                None => bytes.extend((-1_i32).to_be_bytes()),
                Some(value) => {
                    bytes.extend(i32::try_from(value.len()).unwrap().to_be_bytes());
                    bytes.extend(value.bytes());
                }
            }
        }
    }
    if stream.ended {
        bytes.extend((-1_i16).to_be_bytes());
    }
    bytes
}

/// Values made of what is special in some format, and of what is not.
fn value() -> impl Strategy<Value = Value> {
    proptest::option::weighted(0.9, "([a-z]|é|\t|,|;|\"|'|\\\\|\\.|N|\r|\n){0,8}")
}

fn streams() -> impl Strategy<Value = (Stream, Vec<usize>)> {
    (1..5_usize).prop_flat_map(|fields| {
        let rows = vec(vec(value(), fields), 0..6);
        let newline = prop_oneof![Just("\n"), Just("\r"), Just("\r\n")];
        let stream = (rows, newline, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
            |(rows, newline, ended, marked, ornate)| Stream {
                rows,
                newline,
                ended,
                marked,
                ornate,
            },
        );
        (stream, vec(0..fields, 0..3))
    })
}

fn formats() -> impl Strategy<Value = CopyFormat> {
    let text = prop_oneof![Just(b'\t'), Just(b'|'), Just(b',')];
    prop_oneof![
        text.prop_map(|delimiter| CopyFormat::Text { delimiter }),
        Just(CSV),
        Just(ODD_CSV),
        Just(CopyFormat::Binary)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, ..ProptestConfig::default() })]

    #[test]
    fn each_row_gets_its_fields_again_wherever_it_is_cut(
        (stream, repeat) in streams(),
        format in formats(),
        cuts in vec(0..9_usize, 0..40),
    ) {
        let fields = stream.rows.first().map_or(1, Vec::len);
        let repeat: Vec<usize> = repeat.into_iter().filter(|field| *field < fields).collect();
        let data = encoded(&stream, format, &[]);
        let expected = encoded(&stream, format, &repeat);
        let found = extended(&rows(format, fields, &repeat), &data, &cuts);
        // A single empty field without an end is no row at all.
        let nothing = format != CopyFormat::Binary
            && !(stream.ended || stream.marked)
            && stream.rows.last().is_some_and(|row| encoded_line(row, &stream, format).is_empty());
        if !nothing {
            prop_assert_eq!(found.escape_ascii().to_string(), expected.escape_ascii().to_string());
        }
    }

    #[test]
    fn what_is_no_row_is_sent_alike_wherever_it_is_cut(
        data in vec(prop_oneof![
            Just(b'\\'), Just(b'.'), Just(b'\r'), Just(b'\n'), Just(b'\t'), Just(b','), Just(b'"'),
            Just(b';'), Just(b'\''), Just(b'a'), Just(0), Just(1), Just(0xff),
        ], 0..60),
        format in formats(),
        fields in 1..4_usize,
        cuts in vec(0..5_usize, 0..40),
        binary in any::<bool>(),
    ) {
        let head: &[u8] = if binary { b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0" } else { b"" };
        let data = [head, &data].concat();
        let rows = rows(format, fields, &[0]);
        let whole = extended(&rows, &data, &[]);
        prop_assert_eq!(&extended(&rows, &data, &cuts), &whole);
        // Nothing of the client's is lost, except a backslash with nothing behind it.
        let mut sent = whole.iter();
        let kept = data.strip_suffix(b"\\").unwrap_or(&data);
        // A count may have been raised.
        if format != CopyFormat::Binary {
            prop_assert!(kept.iter().all(|byte| sent.any(|other| other == byte)));
        }
    }
}

fn check(rows: &CopyRows, data: &str, expected: &str) {
    for size in [usize::MAX, 1, 2, 3] {
        let cuts = vec![size.min(data.len()); data.len()];
        let found = extended(rows, data.as_bytes(), &cuts);
        assert_eq!(
            found.escape_ascii().to_string(),
            expected.as_bytes().escape_ascii().to_string()
        );
    }
}

#[test]
fn a_row_that_lacks_a_field_or_has_one_too_many_stays_faulty() {
    let text = rows(TEXT, 3, &[1]);
    check(&text, "a\tb\nc\td\te\n", "a\tb\nc\td\te\td\n");
    check(&text, "a\tb\tc\td\n\n", "a\tb\tc\td\tb\n\n");
    let csv = rows(CSV, 2, &[0]);
    check(&csv, "a\nb,c,d\n", "a\nb,c,d,b\n");
    check(&csv, "a,\"b", "a,\"b");
    let mut binary = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0\0\x01".to_vec();
    let found = extended(&rows(CopyFormat::Binary, 2, &[0]), &binary, &[]);
    *binary.last_mut().unwrap() = 2;
    assert_eq!(found, binary);
}

#[test]
fn the_end_of_data_may_stand_behind_a_row() {
    let text = rows(TEXT, 2, &[1]);
    check(&text, "a\tb\\.\nrest\\", "a\tb\tb\\.\nrest\\");
    check(&text, "\\.\nc\td\n", "\\.\nc\td\n");
    check(&text, "a\\.\n", "a\\.\n");
    // In CSV it must be alone.
    let csv = rows(CSV, 1, &[0]);
    check(&csv, "\\.x\n\\.", "\\.x,\\.x\n\\.,\\.");
    check(&csv, "a\r\n\\.\nb", "a,a\r\n\\.\nb,\\.\nb");
    check(&csv, "a\r\n\\.\r\nb", "a,a\r\n\\.\r\nb");
    check(&csv, "\"\n\\.\n\"\n", "\"\n\\.\n\",\"\n\\.\n\"\n");
}

#[test]
fn the_first_newline_is_that_of_all() {
    let text = rows(TEXT, 2, &[0]);
    check(&text, "a\tb\r\nc\td\r\n", "a\tb\ta\r\nc\td\tc\r\n");
    check(&text, "a\tb\rc\td\r", "a\tb\ta\rc\td\tc\r");
    // The server complains of these.
    check(&text, "a\tb\nc\td\r\n", "a\tb\ta\nc\td\r\tc\n");
    check(&text, "a\tb\r\nc\td\n", "a\tb\ta\r\nc\td\n\tc");
    check(&text, "a\tb\rc\td\n", "a\tb\ta\rc\td\n\tc");
}

#[test]
fn what_ends_in_a_backslash_is_read_as_if_it_did_not() {
    check(&rows(TEXT, 2, &[1]), "a\tb\\", "a\tb\tb");
    check(&rows(TEXT, 1, &[0]), "\\", "\t");
    check(&rows(TEXT, 2, &[1]), "a\\", "a\\");
}

#[test]
fn a_header_is_left_or_gets_the_names_of_the_server() {
    let skipped = CopyRows { header: CopyHeader::Skipped, ..rows(CSV, 2, &[1]) };
    check(&skipped, "id,\"user\nname\"\r\n1,a\r\n", "id,\"user\nname\"\r\n1,a,a\r\n");
    check(&skipped, "id", "id");
    let names = [("id", "id"), ("username", "handle")]
        .map(|(client, server)| HeaderName { client: client.into(), server: server.into() });
    let matched = |format, repeat: &[usize], added: &[&str]| {
        let added = added.iter().map(|name| (*name).to_owned()).collect();
        let header = CopyHeader::Matched { names: names.clone().into(), added };
        CopyRows { header, ..rows(format, 2, repeat) }
    };
    let csv = matched(CSV, &[1], &["username"]);
    check(&csv, "id,username\n1,a\n", "id,\"handle\",\"username\"\n1,a,a\n");
    check(&csv, "id,username", "id,\"handle\",\"username\"");
    check(&csv, "id\n1,a\n", "id\n1,a,a\n");
    check(&csv, "\\.\n1,a\n", "\\.\n1,a\n");
    check(&csv, "id,\"username\n", "id,\"username\n");
    let renamed = matched(TEXT, &[], &[]);
    check(&renamed, "id\tusername\n1\ta\n", "id\thandle\n1\ta\n");
    check(&renamed, "id\tusername\r1\ta\r", "id\thandle\r1\ta\r");
}

#[test]
fn a_field_that_is_too_long_to_be_kept_ends_the_copy() {
    let piece = vec![b'x'; 1024 * 1024];
    for format in [TEXT, CSV, CopyFormat::Binary] {
        let mut extension = Extension::new(&rows(format, 2, &[1]));
        let length = u32::try_from(2 * KEPT_BYTES).unwrap().to_be_bytes();
        let head = match format {
            CopyFormat::Text { .. } => b"1\t".to_vec(),
            CopyFormat::Csv { .. } => b"1,".to_vec(),
            CopyFormat::Binary => {
                let head = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0\0\x02\0\0\0\0";
                [head.as_slice(), &length].concat()
            }
        };
        extension.take(&head).unwrap();
        let taken = (0..65).find(|_| extension.take(&piece).is_err());
        assert_eq!(taken, Some(64 - usize::from(format == CopyFormat::Binary)), "{format:?}");
    }
    // What is not repeated may be as long as it likes, and the next row starts anew.
    let mut extension = Extension::new(&rows(TEXT, 2, &[1]));
    (0..65).for_each(|_| assert!(extension.take(&piece).is_ok()));
    for pieces in [60, 10] {
        extension.take(b"\t").unwrap();
        (0..pieces).for_each(|_| assert!(extension.take(&piece).is_ok()));
        extension.take(b"\n1").unwrap();
    }
}
