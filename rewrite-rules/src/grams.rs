//! A quick no: a text that has nothing of any of the words looked for.
//!
//! Of each word four bytes in a row are noted in a small table; a text none of whose fours is in it
//! has none of the words. Looking a four up waits for nothing that was looked up before it, so this
//! is several times faster than an automaton, which answers only where this could not say no.

/// Bits of an index into the table.
const INDEX_BITS: u32 = 9;

/// Letters from the most to the least frequent in English.
const BY_FREQUENCY: &[u8; 26] = b"etaoinsrhldcumfpgwybvkxjqz";

/// How seldom anything but a letter is taken to be.
const OTHER_RARITY: usize = 15;

/// What is noted of some words.
#[derive(Debug)]
pub(crate) struct Grams {
    /// Two bits for each four, in one of the words.
    table: Box<[u64; 1 << INDEX_BITS]>,
    /// Whether a word has too few bytes for this.
    blind: bool,
    /// A byte that is looked for by itself.
    sign: Option<u8>,
}

impl Grams {
    /// Notes `words`, which are found in any case; each must be ASCII. A text with `sign` in it may
    /// mean any of them.
    pub(crate) fn of<'w>(words: impl Iterator<Item = &'w str>, sign: Option<u8>) -> Self {
        let mut table = Box::new([0_u64; 1 << INDEX_BITS]);
        let mut blind = false;
        for word in words {
            let fours = word.as_bytes().array_windows().copied();
            // The first of the rarest.
            match fours.rev().max_by_key(|&four| rarity(four)) {
                Some(four) => {
                    let (place, wanted) = place(four);
                    if let Some(bits) = table.get_mut(place) {
                        *bits |= wanted;
                    }
                }
                None => blind = true,
            }
        }
        Self { table, blind, sign }
    }

    /// Whether `text` may have one of the words in it.
    pub(crate) fn may_be_in(&self, text: &[u8]) -> bool {
        self.blind || self.sign.is_some_and(|sign| text.contains(&sign)) || self.has_noted(text)
    }

    /// Whether any four bytes of the text are noted.
    fn has_noted(&self, text: &[u8]) -> bool {
        let noted = |four: [u8; 4]| {
            let (place, wanted) = place(four);
            self.table.get(place).is_none_or(|bits| bits & wanted == wanted)
        };
        // Eight at a time, and one branch for all of them.
        let mut rest = text;
        while let Some(chunk) = rest.first_chunk::<11>() {
            if chunk.array_windows().fold(false, |any, four| any | noted(*four)) {
                return true;
            }
            rest = rest.get(8..).unwrap_or_default();
        }
        rest.array_windows().any(|four| noted(*four))
    }
}

/// Where four bytes are noted. The bits that tell upper from lower case do not count.
fn place(four: [u8; 4]) -> (usize, u64) {
    let letters = u32::from_le_bytes(four) & 0x1F1F_1F1F;
    // An odd multiplier spreads all bits into the highest ones.
    let spread = letters.wrapping_mul(0x9E37_79B1);
    let index = usize::try_from(spread >> (32 - INDEX_BITS)).unwrap_or(usize::MAX);
    (index, 1 << ((spread >> 17) & 63) | 1 << ((spread >> 11) & 63))
}

fn rarity(four: [u8; 4]) -> usize {
    let rarity =
        |byte: &u8| BY_FREQUENCY.iter().position(|letter| letter.eq_ignore_ascii_case(byte));
    four.iter().map(|byte| rarity(byte).unwrap_or(OTHER_RARITY)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn most_texts_have_none_of_them() {
        let grams = Grams::of(["users", "search_path", "names", "role"].into_iter(), Some(b'&'));
        for text in ["", "sel", "SELECT title FROM posts WHERE author_id = $1 ORDER BY id LIMIT 20"]
        {
            assert!(!grams.may_be_in(text.as_bytes()), "{text}");
        }
        assert!(grams.may_be_in(b"U&\"\\0075sers\""));
        assert!(Grams::of(["abc"].into_iter(), None).may_be_in(b""), "too short to be noted");
    }

    proptest! {
        #[test]
        fn a_word_is_never_missed(
            words in proptest::collection::vec("[ -~]{4,12}", 1..40),
            chosen: prop::sample::Index,
            upper: bool,
            before in ".{0,20}",
            behind in ".{0,20}",
        ) {
            let word = chosen.get(&words);
            let word = if upper { word.to_ascii_uppercase() } else { word.to_ascii_lowercase() };
            let grams = Grams::of(words.iter().map(String::as_str), None);
            let text = format!("{before}{word}{behind}");
            prop_assert!(grams.may_be_in(text.as_bytes()), "{}", text);
        }
    }
}
