//! How long a text may be, and the stack that reading it takes: parser, walk and drop recurse.

use super::named::Named;
use super::on_this_stack;
use crate::generation::{Generation, SessionView};
use crate::outcome::Outcome;
use crate::refusal::Refusal;
use crate::shape::Shape;

/// Longest text that is read. Unit: bytes. A 10 MB INSERT belongs in a COPY; one that names a
/// governed table and is longer is refused.
const MAX_TEXT_BYTES: usize = 16 * 1024 * 1024;

/// Most tokens in one text; bounds stack and memory of the tree.
const MAX_TOKENS: usize = 400_000;

/// Texts up to this long cannot have too many tokens. Unit: bytes.
const SMALL_TEXT_BYTES: usize = 8 * 1024;

/// What one byte of text may need of the caller's stack: `(SELECT 1 UNION ` nests another level in
/// 16 bytes, which took 23 kB of it without optimisation. Unit: bytes.
const STACK_PER_BYTE: usize = 2 * 1024;

/// What the caller's stack must have besides. Unit: bytes.
const STACK_RESERVE: usize = 256 * 1024;

/// Stack for one nested or chained operator: parser, walk and drop recurse. Unit: bytes.
const STACK_PER_TOKEN: usize = 2 * 1024;

/// Stack for any longer text. Unit: bytes.
const STACK_BASE: usize = 32 * 1024 * 1024;

/// Decides what PostgreSQL should receive for `text`.
pub(crate) fn rewrite(generation: &Generation, text: &str, session: SessionView<'_>) -> Outcome {
    if fits_this_stack(text) {
        return on_this_stack(generation, text, session);
    }
    if text.len() > MAX_TEXT_BYTES {
        return unread(
            generation,
            text,
            session.shape,
            Refusal::too_large("bytes", MAX_TEXT_BYTES),
        );
    }
    // Words and signs are what can nest or chain; a long literal is one token.
    let tokens = squawk_lexer::tokenize(text).take(MAX_TOKENS + 1).count();
    if tokens > MAX_TOKENS {
        return unread(generation, text, session.shape, Refusal::too_large("tokens", MAX_TOKENS));
    }
    let stack = STACK_BASE + tokens * STACK_PER_TOKEN;
    stacker::grow(stack, || on_this_stack(generation, text, session))
}

/// Whether a text can be read, walked and dropped on the caller's stack.
fn fits_this_stack(text: &str) -> bool {
    let needed = STACK_RESERVE + text.len().min(SMALL_TEXT_BYTES) * STACK_PER_BYTE;
    text.len() <= SMALL_TEXT_BYTES && stacker::remaining_stack().is_some_and(|it| it >= needed)
}

/// Works on a text of our own making or the server's, where it has the stack it may need.
pub(super) fn with_stack_for<T>(text: &str, work: impl FnOnce() -> T) -> T {
    match fits_this_stack(text) {
        true => work(),
        false => stacker::grow(STACK_BASE, work),
    }
}

/// Refuses a text that was not read, unless it names only catalogs or nothing is migrated yet.
fn unread(generation: &Generation, text: &str, shape: Shape, refusal: Refusal) -> Outcome {
    let harmless = || Named::by_substrings(generation, shape, text).lenient();
    match generation.scan(text.as_bytes()).governed && !harmless() {
        true => Outcome::Refused(refusal),
        false => Outcome::ForwardOpaque,
    }
}
