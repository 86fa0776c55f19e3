//! Every statement of the books and the corpus, in every phase: what PostgreSQL receives is valid,
//! and differs from the client's text in the allowed ways only.

use oracle::{Texts, compare};

#[test]
fn nothing_changes_but_what_must() {
    let texts = Texts::read().expect("the books and the corpus");
    let mut faults = Vec::new();
    let mut compared = 0;
    for text in &texts.texts {
        for stage in texts.databases[text.database].phases.iter().flatten() {
            let Some(sent) = stage.send(&text.sql, text.speaks) else { continue };
            // What PostgreSQL cannot read is its own to refuse, and must stay so.
            if oracle::tree::parse(&text.sql).is_err() && oracle::tree::parse(&sent.sql).is_err() {
                continue;
            }
            compared += 1;
            let shape = stage.shape(text.speaks).expect("a shape");
            if let Err(difference) = compare(&shape, &text.sql, &sent.sql, sent.handling) {
                faults.push(format!(
                    "{} [{}]\n  {}\n  {}\n  {difference}",
                    text.place, stage.phase, text.sql, sent.sql
                ));
            }
        }
    }
    println!("{compared} texts compared");
    assert!(compared > 1000, "only {compared} texts were compared");
    assert!(faults.is_empty(), "{} faults\n\n{}\n", faults.len(), faults.join("\n\n"));
}
