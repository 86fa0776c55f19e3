//! A row of numbers that decides what a statement looks like.
//!
//! Where it ends, every further choice is the first one. So a row that shrinks, in length and in
//! its numbers, gives ever simpler statements, and each of them is well formed.

/// The numbers, read from left to right.
#[derive(Debug)]
pub(super) struct Choices<'c> {
    numbers: &'c [u16],
    at: usize,
}

impl<'c> Choices<'c> {
    pub(super) fn new(numbers: &'c [u16]) -> Self {
        Self { numbers, at: 0 }
    }

    /// A number below `bound`; the smaller the number behind it, the smaller.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        let number = self.numbers.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        (usize::from(number) * bound) >> 16
    }

    /// Whether something happens that does so in that share of the cases. Unit: percent.
    pub(super) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) >= 100 - percent
    }

    /// One of several things; `None` if there are none.
    pub(super) fn one_of<'t, T>(&mut self, things: &'t [T]) -> Option<&'t T> {
        things.get(self.below(things.len()))
    }

    /// One of several words, however many there are.
    pub(super) fn any_word(&mut self, words: &[&'static str]) -> &'static str {
        self.one_of(words).copied().unwrap_or_default()
    }

    /// One of several words.
    pub(super) fn word<const N: usize>(&mut self, words: [&'static str; N]) -> &'static str {
        self.one_of(&words).copied().unwrap_or_default()
    }
}
