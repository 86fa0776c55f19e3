//! The rewritings that a generation remembers, found by a text and the session's view of names: for whole texts, and for all texts
//! that differ in their values alone.
//!
//! What was asked for lately is remembered: once the younger half is full it becomes the older one, and what was that is forgotten.

use std::borrow::Borrow;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arc_swap::ArcSwap;
use dashmap::DashMap;
use foldhash::fast::RandomState;
use rewrite_rules::{Generation, Masked, Outcome, Scan, SearchPath, SessionView, Shape, Template};

/// Most texts that one half of what a generation remembers holds. Unit: distinct texts.
const CAPACITY: usize = 10_000;

/// Most bytes of texts, before and after, in one half: what stands for a catalog can be a hundred times as
/// long as the client's query. Unit: bytes.
const CAPACITY_BYTES: usize = 16 * 1024 * 1024;

/// What was decided, for each question that was asked.
#[derive(Debug, Default)]
pub(super) struct Plans {
    texts: Memory<Arc<Outcome>>,
    patterns: Memory<Likeness>,
}

/// What is known of all texts of a pattern.
#[derive(Debug, Clone)]
enum Likeness {
    /// One of them has been asked for.
    Once,
    /// What becomes of all of them.
    Same(Arc<Template>),
    /// Each becomes something else.
    Different,
}

impl Plans {
    /// What becomes of the text under those rules.
    pub(super) fn decide(&self, question: &Question<'_>, rules: &Generation) -> Arc<Outcome> {
        let masked = || rules.masked(question.text, question.scan);
        self.texts.get(question).unwrap_or_else(|| match masked() {
            Some(masked) => self.like_others(question, &masked, rules),
            None => self.work_out(question, rules),
        })
    }

    fn work_out(&self, question: &Question<'_>, rules: &Generation) -> Arc<Outcome> {
        let outcome = Arc::new(rules.rewrite(question.text, question.session()));
        self.texts.insert(question, &outcome, question.text.len() + length(&outcome));
        outcome
    }

    /// What becomes of a text that is not known itself. Only the second of a pattern is worth a template, which takes
    /// as long as two texts.
    fn like_others(
        &self,
        question: &Question<'_>,
        masked: &Masked<'_>,
        rules: &Generation,
    ) -> Arc<Outcome> {
        let work_out = || self.work_out(question, rules);
        let rewrite = |text: &str| rules.rewrite(text, question.session());
        let pattern = Question { text: masked.pattern(), ..*question };
        let note = |likeness: &Likeness, length: usize| {
            self.patterns.insert(&pattern, likeness, pattern.text.len() + length);
        };
        match self.patterns.get(&pattern) {
            Some(Likeness::Same(template)) => Arc::new(template.fill(masked)),
            Some(Likeness::Different) => work_out(),
            Some(Likeness::Once) => match Template::new(masked, rewrite).map(Arc::new) {
                Some(template) => {
                    note(&Likeness::Same(Arc::clone(&template)), length(template.outcome()));
                    Arc::new(template.fill(masked))
                }
                None => {
                    note(&Likeness::Different, 0);
                    work_out()
                }
            },
            None => {
                note(&Likeness::Once, 0);
                work_out()
            }
        }
    }
}

/// What was asked for lately.
#[derive(Debug)]
struct Memory<T> {
    halves: ArcSwap<Halves<T>>,
}

#[derive(Debug)]
struct Halves<T> {
    younger: Arc<Half<T>>,
    older: Arc<Half<T>>,
}

#[derive(Debug)]
struct Half<T> {
    known: DashMap<Asked, Known<T>, RandomState>,
    texts: AtomicUsize,
    bytes: AtomicUsize,
}

#[derive(Debug, Clone)]
struct Known<T> {
    answer: T,
    /// Of all texts in it and of the question.
    bytes: usize,
}

impl<T> Default for Half<T> {
    fn default() -> Self {
        let (texts, bytes) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self { known: DashMap::default(), texts, bytes }
    }
}

impl<T> Default for Memory<T> {
    fn default() -> Self {
        let halves = Halves { younger: Arc::default(), older: Arc::default() };
        Self { halves: ArcSwap::from_pointee(halves) }
    }
}

impl<T: Clone> Memory<T> {
    fn get(&self, question: &Question<'_>) -> Option<T> {
        let halves = self.halves.load();
        if let Some(known) = halves.younger.known.get(question as &dyn Questioned) {
            return Some(known.answer.clone());
        }
        let (asked, known) = halves.older.known.remove(question as &dyn Questioned)?;
        let answer = known.answer.clone();
        self.keep(asked, known);
        Some(answer)
    }

    /// `bytes` are those of all texts in it.
    fn insert(&self, question: &Question<'_>, answer: &T, bytes: usize) {
        let asked = Asked {
            text: question.text.into(),
            scan: question.scan,
            search_path: Arc::clone(question.search_path),
            standard_conforming_strings: question.standard_conforming_strings,
            shape: question.shape,
        };
        self.keep(asked, Known { answer: answer.clone(), bytes });
    }

    fn keep(&self, asked: Asked, known: Known<T>) {
        let halves = self.halves.load();
        let half = &halves.younger;
        // Several sessions may get past this at once; each brings one text.
        let is_full = half.texts.load(Ordering::Relaxed) >= CAPACITY
            || half.bytes.load(Ordering::Relaxed) >= CAPACITY_BYTES;
        if is_full {
            let next = Halves { younger: Arc::default(), older: Arc::clone(half) };
            // Where another session is ahead, this one puts its text into its half.
            self.halves.compare_and_swap(&halves, Arc::new(next));
            return self.halves.load().younger.insert(asked, known);
        }
        half.insert(asked, known);
    }
}

impl<T> Half<T> {
    fn insert(&self, asked: Asked, known: Known<T>) {
        let bytes = known.bytes;
        let before = self.known.insert(asked, known);
        self.texts.fetch_add(usize::from(before.is_none()), Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.bytes.fetch_sub(before.map_or(0, |before| before.bytes), Ordering::Relaxed);
    }
}

/// A text means the same in two sessions if this is equal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) text: &'a str,
    /// What was found in the text; it is the same for the same text.
    pub(super) scan: Scan,
    pub(super) search_path: &'a Arc<SearchPath>,
    pub(super) standard_conforming_strings: bool,
    pub(super) shape: Shape,
}

impl<'a> Question<'a> {
    pub(super) fn session(&self) -> SessionView<'a> {
        SessionView {
            search_path: self.search_path,
            standard_conforming_strings: self.standard_conforming_strings,
            shape: self.shape,
        }
    }
}

/// A question that is kept.
#[derive(Debug)]
struct Asked {
    text: Box<str>,
    scan: Scan,
    search_path: Arc<SearchPath>,
    standard_conforming_strings: bool,
    shape: Shape,
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
            scan: self.scan,
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
    use rewrite_rules::Phase;

    use super::*;

    /// Texts that differ in their values get what rewriting gives for each, and only the first is remembered by itself.
    #[test]
    fn texts_of_a_pattern_share_what_was_worked_out() {
        let generation = crate::session::tests::generation(1, Some(Phase::SwitchReads));
        let rules = generation.compiled();
        let plans = Plans::default();
        let path = Arc::new(SearchPath::default());
        for number in 0..10 {
            for text in [
                format!("SELECT username FROM users WHERE id = {number}"),
                format!("UPDATE users SET username = 'é{number}' WHERE id = {number}"),
                format!("SELECT id FROM users WHERE id = {number} AND nothing.username = 'x'"),
            ] {
                let question = asked(&text, &path);
                let expected = rules.rewrite(&text, question.session());
                assert_eq!(*plans.decide(&question, rules), expected, "{text}");
            }
        }
        assert_eq!(plans.texts.halves.load().younger.known.len(), 3);
    }

    /// A question about `text` by the usual session.
    fn asked<'a>(text: &'a str, search_path: &'a Arc<SearchPath>) -> Question<'a> {
        Question {
            text,
            scan: Scan::default(),
            search_path,
            standard_conforming_strings: true,
            shape: Shape::Old,
        }
    }

    #[test]
    fn a_text_is_known_for_the_view_that_it_was_asked_with() {
        let memory = Memory::default();
        let path = Arc::new(SearchPath::default());
        let other = Arc::new(SearchPath { schemas: Vec::new(), temporary: Vec::new() });
        let question = asked("SELECT 1", &path);
        memory.insert(&question, &1, 0);
        let equal_path = Arc::new(SearchPath::default());
        assert_eq!(memory.get(&question), Some(1));
        assert_eq!(memory.get(&Question { search_path: &equal_path, ..question }), Some(1));
        for other in [
            Question { text: "SELECT 2", ..question },
            Question { search_path: &other, ..question },
            Question { standard_conforming_strings: false, ..question },
            Question { shape: Shape::New, ..question },
        ] {
            assert_eq!(memory.get(&other), None);
        }
    }

    #[test]
    fn what_is_asked_for_again_and_again_stays_known() {
        let memory = Memory::default();
        let path = Arc::new(SearchPath::default());
        memory.insert(&asked("often", &path), &0, 0);
        memory.insert(&asked("once", &path), &0, 0);
        for number in 1..=5 * CAPACITY {
            memory.insert(&asked(&number.to_string(), &path), &number, 0);
            if number % (CAPACITY / 2) == 0 {
                assert_eq!(memory.get(&asked("often", &path)), Some(0), "{number}");
            }
        }
        assert_eq!(memory.get(&asked("once", &path)), None);
        let halves = memory.halves.load();
        for half in [&halves.younger, &halves.older] {
            assert!(half.known.len() <= CAPACITY, "{}", half.known.len());
        }
    }

    #[test]
    fn long_texts_fill_it_before_it_holds_many() {
        let memory = Memory::default();
        let path = Arc::new(SearchPath::default());
        for number in 0..10 {
            let text = number.to_string();
            memory.insert(&asked(&text, &path), &number, CAPACITY_BYTES / 2);
        }
        let halves = memory.halves.load();
        let known = [&halves.older, &halves.younger].map(|half| {
            let mut texts: Vec<String> =
                half.known.iter().map(|it| it.key().text.to_string()).collect();
            texts.sort();
            texts.concat()
        });
        assert_eq!(known, ["67", "89"]);
    }
}
