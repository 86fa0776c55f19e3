//! The rewritings that a generation remembers, found by a text and the session's view of names.

use std::borrow::Borrow;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dashmap::DashMap;
use foldhash::fast::RandomState;
use rewrite_rules::{Outcome, SearchPath, Shape};

/// Most texts that one generation remembers. Beyond it, statements are still rewritten, at the
/// price of a parse each. Unit: distinct texts.
const CAPACITY: usize = 20_000;

/// Most bytes of texts, before and after, that one generation remembers: what stands for a catalog
/// can be a hundred times as long as the client's query. Unit: bytes.
const CAPACITY_BYTES: usize = 64 * 1024 * 1024;

/// What was decided, for each question that was asked.
#[derive(Debug, Default)]
pub(super) struct Plans {
    known: DashMap<Asked, Arc<Outcome>, RandomState>,
    texts: AtomicUsize,
    bytes: AtomicUsize,
}

/// A text means the same in two sessions if this is equal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) text: &'a str,
    pub(super) search_path: &'a Arc<SearchPath>,
    pub(super) standard_conforming_strings: bool,
    pub(super) shape: Shape,
}

/// A question that is kept.
#[derive(Debug)]
struct Asked {
    text: Box<str>,
    search_path: Arc<SearchPath>,
    standard_conforming_strings: bool,
    shape: Shape,
}

impl Plans {
    pub(super) fn get(&self, question: &Question<'_>) -> Option<Arc<Outcome>> {
        let known = self.known.get(question as &dyn Questioned)?;
        Some(Arc::clone(&known))
    }

    pub(super) fn insert(&self, question: &Question<'_>, outcome: &Arc<Outcome>) {
        // Several sessions may get past this at once; each brings one text.
        let full = self.texts.load(Ordering::Relaxed) >= CAPACITY
            || self.bytes.load(Ordering::Relaxed) >= CAPACITY_BYTES;
        if !full {
            let asked = Asked {
                text: question.text.into(),
                search_path: Arc::clone(question.search_path),
                standard_conforming_strings: question.standard_conforming_strings,
                shape: question.shape,
            };
            if self.known.insert(asked, Arc::clone(outcome)).is_none() {
                self.texts.fetch_add(1, Ordering::Relaxed);
                self.bytes.fetch_add(question.text.len() + length(outcome), Ordering::Relaxed);
            }
        }
    }
}

/// Bytes of what is sent instead of a text.
fn length(outcome: &Outcome) -> usize {
    match outcome {
        Outcome::Rewritten(rewritten) => rewritten.sql.len(),
        Outcome::Forward | Outcome::ForwardOpaque | Outcome::Refused(_) => 0,
    }
}

/// A question, kept or just asked: so that looking one up copies nothing.
trait Questioned {
    fn question(&self) -> Question<'_>;
}

impl Questioned for Question<'_> {
    fn question(&self) -> Question<'_> {
        *self
    }
}

impl Questioned for Asked {
    fn question(&self) -> Question<'_> {
        Question {
            text: &self.text,
            search_path: &self.search_path,
            standard_conforming_strings: self.standard_conforming_strings,
            shape: self.shape,
        }
    }
}

impl<'a> Borrow<dyn Questioned + 'a> for Asked {
    fn borrow(&self) -> &(dyn Questioned + 'a) {
        self
    }
}

impl Hash for dyn Questioned + '_ {
    // Few search paths are in use, and comparing two that are the same one is free: no need to hash
    // them.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.question().text.hash(state);
    }
}

impl PartialEq for dyn Questioned + '_ {
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (self.question(), other.question());
        a.text == b.text
            && a.standard_conforming_strings == b.standard_conforming_strings
            && a.shape == b.shape
            && (Arc::ptr_eq(a.search_path, b.search_path) || a.search_path == b.search_path)
    }
}

impl Eq for dyn Questioned + '_ {}

impl Hash for Asked {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self as &dyn Questioned).hash(state);
    }
}

impl PartialEq for Asked {
    fn eq(&self, other: &Self) -> bool {
        (self as &dyn Questioned) == (other as &dyn Questioned)
    }
}

impl Eq for Asked {}

#[cfg(test)]
mod tests {
    use super::*;
    use rewrite_rules::lens::Names;
    use rewrite_rules::{PositionMap, Rewritten};

    #[test]
    fn a_text_is_known_for_the_view_that_it_was_asked_with() {
        let plans = Plans::default();
        let path = Arc::new(SearchPath::default());
        let other = Arc::new(SearchPath { schemas: Vec::new(), temporary: Vec::new() });
        let asked = Question {
            text: "SELECT 1",
            search_path: &path,
            standard_conforming_strings: true,
            shape: Shape::Old,
        };
        plans.insert(&asked, &Arc::new(Outcome::ForwardOpaque));
        let equal_path = Arc::new(SearchPath::default());
        let known = Some(Arc::new(Outcome::ForwardOpaque));
        assert_eq!(plans.get(&asked), known);
        assert_eq!(plans.get(&Question { search_path: &equal_path, ..asked }), known);
        for other in [
            Question { text: "SELECT 2", ..asked },
            Question { search_path: &other, ..asked },
            Question { standard_conforming_strings: false, ..asked },
            Question { shape: Shape::New, ..asked },
        ] {
            assert_eq!(plans.get(&other), None);
        }
    }

    #[test]
    fn long_texts_fill_it_before_it_holds_many() {
        let plans = Plans::default();
        let path = Arc::new(SearchPath::default());
        let long = Rewritten {
            sql: "x".repeat(CAPACITY_BYTES / 4),
            positions: PositionMap::default(),
            replies: Vec::new(),
            names: Names::default(),
        };
        let outcome = Arc::new(Outcome::Rewritten(long));
        for number in 0..10 {
            let question = Question {
                text: &number.to_string(),
                search_path: &path,
                standard_conforming_strings: true,
                shape: Shape::Old,
            };
            plans.insert(&question, &outcome);
            plans.insert(&question, &outcome);
            assert_eq!(plans.get(&question).is_some(), number < 4, "{number}");
        }
    }
}
