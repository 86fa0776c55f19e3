//! Every statement of the books and the corpus, in every phase: what PostgreSQL receives is valid,
//! and differs from the client's text in the allowed ways only.

use std::num::NonZero;
use std::thread::{self, available_parallelism};

use oracle::{Text, Texts, compare};

#[test]
fn nothing_changes_but_what_must() {
    let texts = Texts::read().expect("the books and the corpus");
    let threads = available_parallelism().map_or(1, NonZero::get);
    let share = texts.texts.len().div_ceil(threads).max(1);
    let found: Vec<(usize, Vec<String>)> = thread::scope(|scope| {
        let shares = texts.texts.chunks(share).map(|share| scope.spawn(|| compared(&texts, share)));
        let shares: Vec<_> = shares.collect();
        shares.into_iter().map(|share| share.join().expect("a share")).collect()
    });
    let compared: usize = found.iter().map(|(compared, _)| compared).sum();
    let faults: Vec<String> = found.into_iter().flat_map(|(_, faults)| faults).collect();
    println!("{compared} texts compared");
    assert!(compared > 1000, "only {compared} texts were compared");
    assert!(faults.is_empty(), "{} faults\n\n{}\n", faults.len(), faults.join("\n\n"));
}

/// How many texts were compared, and what is wrong with them.
fn compared(texts: &Texts, share: &[Text]) -> (usize, Vec<String>) {
    let mut faults = Vec::new();
    let mut compared = 0;
    for text in share {
        for stage in texts.databases[text.database].phases.iter().flatten() {
            let Some(sent) = stage.send(&text.sql, text.speaks) else { continue };
            // What PostgreSQL cannot read is its own to refuse, and must stay so.
            if oracle::tree::parse(&text.sql).is_err() && oracle::tree::parse(&sent.sql).is_err() {
                continue;
            }
            compared += 1;
            let shape = stage.shape(text.speaks).expect("a shape");
            if let Err(difference) = compare(shape, &text.sql, &sent.sql, sent.handling) {
                faults.push(format!(
                    "{} [{}]\n  {}\n  {}\n  {difference}",
                    text.place, stage.phase, text.sql, sent.sql
                ));
            }
        }
    }
    (compared, faults)
}
