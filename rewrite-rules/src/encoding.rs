//! What can be known of a client encoding by its name (PostgreSQL manual, "Character Set Support").

/// How far an encoding's bytes can be trusted; each kind can all that the ones before it can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Encoding {
    /// A byte of a longer character may look like an ASCII character.
    Overlapping,
    /// Bytes that look like ASCII characters are ASCII characters.
    AsciiSafe,
    /// UTF-8, as rules and catalog are.
    Utf8,
}

/// The encodings that only clients may use, since their bytes overlap with ASCII, under every name
/// that PostgreSQL takes for them.
const OVERLAPPING: [&str; 20] = [
    "sjis",
    "shiftjis",
    "mskanji",
    "win932",
    "windows932",
    "shiftjis2004",
    "sjis2004",
    "big5",
    "win950",
    "windows950",
    "gbk",
    "cp936",
    "win936",
    "windows936",
    "uhc",
    "cp949",
    "win949",
    "windows949",
    "gb18030",
    "johab",
];

impl Encoding {
    /// The kind of an encoding. PostgreSQL ignores case and signs in its name.
    ///
    /// SQL_ASCII means that the server takes the bytes as they are: it is no more than valid UTF-8
    /// where it is that.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let letters = name.chars().filter(char::is_ascii_alphanumeric);
        let key: String = letters.map(|letter| letter.to_ascii_lowercase()).collect();
        match key.as_str() {
            "utf8" | "unicode" | "sqlascii" => Self::Utf8,
            overlapping if OVERLAPPING.contains(&overlapping) => Self::Overlapping,
            _ => Self::AsciiSafe,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_postgresql_reads_them() {
        for (name, kind) in [
            ("UTF8", Encoding::Utf8),
            ("utf-8", Encoding::Utf8),
            ("SQL_ASCII", Encoding::Utf8),
            ("Shift_JIS_2004", Encoding::Overlapping),
            ("GB18030", Encoding::Overlapping),
            ("latin1", Encoding::AsciiSafe),
            ("EUC_JP", Encoding::AsciiSafe),
        ] {
            assert_eq!(Encoding::named(name), kind, "{name}");
        }
        assert!(
            Encoding::Overlapping < Encoding::AsciiSafe && Encoding::AsciiSafe < Encoding::Utf8
        );
    }
}
