//! The same bytes to the server and to the proxy: equal answers, however the bytes are cut.

use segue_tests::message::Message;
use segue_tests::wire::Wire;

use super::scripts::{Script, scripts};
use super::started;

/// Plays a script; `cut` says how many bytes the next write may have.
fn play(wire: &mut Wire, script: &Script, cut: &mut dyn FnMut() -> usize) -> Vec<Message> {
    let mut messages = Vec::new();
    for (frames, readies) in &script.steps {
        let bytes = frames.concat();
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let (head, tail) = rest.split_at(cut().clamp(1, rest.len()));
            wire.send_bytes(head);
            rest = tail;
        }
        for _ in 0..*readies {
            messages.extend(wire.until_ready().messages);
        }
    }
    // A notification comes when it comes, before or after the tag.
    messages.sort_by_key(|message| matches!(message, Message::Notification(..)));
    messages
        .into_iter()
        .map(|message| match message {
            Message::Error(mut fields) => {
                // Names of source files and lines are the server's own business, but equal anyway.
                fields.0.remove(&'R');
                Message::Error(fields)
            }
            other => other,
        })
        .collect()
}

/// A small generator: the same cuts in every run, other cuts for every seed.
fn cuts(seed: u64) -> impl FnMut() -> usize {
    let mut state = seed;
    move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((state >> 33) % 23).expect("a small number") + 1
    }
}

#[test]
fn the_proxy_answers_as_the_server_does_however_the_bytes_are_cut() {
    let (database, relay) = started();
    let (mut report, mut answered) = (Vec::new(), 0);
    for script in scripts() {
        let expected = play(&mut database.connect(), &script, &mut || usize::MAX);
        for seed in 0..4_u64 {
            let mut wire = relay.connect(&database);
            let found = match seed {
                0 => play(&mut wire, &script, &mut || usize::MAX),
                1 => play(&mut wire, &script, &mut || 1),
                _ => play(&mut wire, &script, &mut cuts(seed)),
            };
            answered += found.iter().filter(|it| matches!(it, Message::Ready(_))).count();
            if found != expected {
                report.push(format!(
                    "{} (cuts {seed})\n  server: {expected:?}\n  proxy:  {found:?}",
                    script.name
                ));
            }
        }
    }
    let timed = relay.latency().count;
    relay.stop();
    assert!(report.is_empty(), "\n{}\n", report.join("\n"));
    assert_eq!(u64::try_from(answered), Ok(timed), "each answer is timed once");
}

#[test]
fn large_things_pass() {
    let (database, relay) = started();
    let mut wire = relay.connect(&database);
    let rows = wire.script("SELECT repeat('x', 1000) FROM generate_series(1, 30000)");
    assert_eq!(rows.rows().len(), 30_000);
    let value = wire.rows("SELECT length(repeat('é', 5000000))");
    assert_eq!(value, ["5000000"]);
    let wide = wire.script("SELECT repeat('w', 20000000)");
    assert_eq!(wide.lines().first().map(String::len), Some(20_000_000));
    let text = format!("SELECT length('{}')", "y".repeat(3_000_000));
    assert_eq!(wire.rows(&text), ["3000000"]);
    let parameter = "z".repeat(3_000_000);
    let reply = wire.extended("SELECT length($1)", &[Some(&parameter)], false);
    assert_eq!(reply.lines(), ["3000000"]);
    relay.stop();
}

#[test]
fn a_notification_reaches_an_idle_session() {
    let (database, relay) = started();
    let mut wire = relay.connect(&database);
    wire.script("LISTEN news");
    database.connect().script("NOTIFY news, 'hello'");
    assert_eq!(wire.read(), Some(Message::Notification("news".into(), "hello".into())));
    relay.stop();
}
