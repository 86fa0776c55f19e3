//! Which pieces of a rewritten text are new.

use anstyle::{AnsiColor, Style};

/// Largest comparison, pieces times pieces. Beyond it the text is shown without colours: they help
/// nobody in a statement of that length. Unit: cells.
const CELLS: usize = 4_000_000;

/// How new pieces look.
const NEW: Style = AnsiColor::Green.on_default().bold();

/// `after` with everything that is not in `before` marked; the terminal decides about the colour.
pub(super) fn coloured(before: &str, after: &str) -> String {
    let (old, new) = (pieces(before), pieces(after));
    if old.len().saturating_mul(new.len()) > CELLS {
        return after.to_owned();
    }
    let kept = kept(&old, &new);
    let mut text = String::new();
    let mut marking = false;
    for (piece, kept) in new.iter().zip(kept) {
        // Blanks between two new pieces belong to them.
        let mark =
            !kept && !piece.trim().is_empty() || (marking && piece.trim().is_empty() && !kept);
        if mark != marking {
            text += &if mark { NEW.render().to_string() } else { NEW.render_reset().to_string() };
            marking = mark;
        }
        text += piece;
    }
    if marking {
        text += &NEW.render_reset().to_string();
    }
    text
}

/// Words, runs of blanks, and single other characters; together they are the text.
fn pieces(text: &str) -> Vec<&str> {
    let kind = |c: char| match c {
        c if c.is_whitespace() => 0,
        c if c.is_alphanumeric() || c == '_' || c == '$' => 1,
        _punctuation => 2,
    };
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = match kind(first) {
            2 => first.len_utf8(),
            own => rest.find(|c| kind(c) != own).unwrap_or(rest.len()),
        };
        let Some((piece, after)) = rest.split_at_checked(end) else { break };
        found.push(piece);
        rest = after;
    }
    found
}

/// For each piece of `new`, whether it is in a longest common subsequence with `old`.
fn kept(old: &[&str], new: &[&str]) -> Vec<bool> {
    // rows[i][j]: length of the longest common subsequence of old[i..] and new[j..].
    let mut rows = vec![vec![0_u32; new.len() + 1]];
    for piece in old.iter().rev() {
        let below = rows.last().cloned().unwrap_or_default();
        let mut row = vec![0_u32; new.len() + 1];
        for (at, other) in new.iter().enumerate().rev() {
            let get = |row: &[u32], at: usize| row.get(at).copied().unwrap_or(0);
            let best = if piece == other {
                get(&below, at + 1) + 1
            } else {
                get(&below, at).max(get(&row, at + 1))
            };
            if let Some(cell) = row.get_mut(at) {
                *cell = best;
            }
        }
        rows.push(row);
    }
    rows.reverse();
    let length = |i: usize, j: usize| rows.get(i).and_then(|row| row.get(j)).copied().unwrap_or(0);
    let (mut i, mut kept) = (0, Vec::with_capacity(new.len()));
    while kept.len() < new.len() {
        let j = kept.len();
        match (old.get(i), new.get(j)) {
            (Some(a), Some(b)) if a == b => {
                i += 1;
                kept.push(true);
            }
            (Some(_), Some(_)) if length(i + 1, j) >= length(i, j + 1) => i += 1,
            _rest_is_new => kept.push(false),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_is_marked() {
        let (on, off) = (NEW.render().to_string(), NEW.render_reset().to_string());
        for (before, after, expected) in [
            ("SELECT 1", "SELECT 1", "SELECT 1"),
            (
                "SELECT username FROM users",
                "SELECT handle AS username FROM users",
                "SELECT [handle AS ]username FROM users",
            ),
            (
                "INSERT INTO users (username) VALUES ($1)",
                "INSERT INTO users (username, handle) VALUES ($1, $1)",
                "INSERT INTO users (username[, handle]) VALUES ($1[, $1])",
            ),
        ] {
            let expected = expected.replace('[', &on).replace(']', &off);
            assert_eq!(coloured(before, after), expected);
        }
    }
}
