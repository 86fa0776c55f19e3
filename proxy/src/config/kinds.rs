//! Which keys a `[[migration]]` has beside those of all kinds.

use rewrite_rules::rule::Change;

use super::merge::is_source_key;

/// The keys of one kind.
pub(super) struct KindKeys {
    kind: &'static str,
    /// What must be there.
    pub(super) required: &'static [&'static str],
    /// What may be left out.
    optional: &'static [&'static str],
}

/// Every kind.
const KINDS: [KindKeys; Change::KINDS.len()] = [
    KindKeys {
        kind: Change::RENAME_COLUMN,
        required: &["table", "from", "to"],
        optional: &["strategy", "position", "constraints"],
    },
    KindKeys {
        kind: Change::CHANGE_COLUMN,
        required: &["table", "from", "to"],
        optional: &["position", "constraints", "up", "down", "from_type"],
    },
    KindKeys {
        kind: Change::BACKFILL_COLUMN,
        required: &["table", "column", "value"],
        optional: &["not_null"],
    },
    KindKeys {
        kind: Change::SPLIT_TABLE,
        required: &["table", "into", "key", "columns"],
        optional: &["positions", "constraints"],
    },
    KindKeys { kind: Change::MERGE_TABLES, required: &["into", "key", "source"], optional: &[] },
];

impl KindKeys {
    /// Those of `kind`, if there is such a kind.
    pub(super) fn of(kind: &str) -> Option<&'static Self> {
        KINDS.iter().find(|keys| keys.kind == kind)
    }

    fn has(&self, key: &str) -> bool {
        self.required.contains(&key) || self.optional.contains(&key)
    }

    /// What is wrong with a key of another kind, and of which kinds it is.
    pub(super) fn stranger(&self, key: &str) -> Option<(String, String)> {
        let others: Vec<String> = (KINDS.iter())
            .filter(|keys| keys.has(key))
            .map(|keys| format!("\"{}\"", keys.kind))
            .collect();
        // A key of no kind is one of all kinds, or unknown.
        (!self.has(key) && !others.is_empty()).then(|| {
            let hint = match self.kind == Change::MERGE_TABLES && is_source_key(key) {
                true => format!("\"{key}\" belongs below each [[migration.source]]"),
                false => format!("it is a key of {}", others.join(" and ")),
            };
            (format!("is not for kind \"{}\"", self.kind), hint)
        })
    }
}
