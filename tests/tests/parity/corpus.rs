//! The corpus: a folder of `*.sql` for each schema, one entry per paragraph, with directives in
//! comments above it.
//!
//! | directive | says |
//! | --- | --- |
//! | `--$ a;b` | values of `$1`, `$2` …; `\N` is NULL |
//! | `--! phases: words` | segue refuses it in these phases, with these words in its message |
//! | `--~ phases: why` | its answer differs in these phases |
//! | `--? need` | what it needs, see [`Need`] |
//! | `--;` | the next message begins: an entry may be a conversation |
//! | `--< line` | a line of COPY data for this message; `⇥` is a tab |
//! | `--<x 5047` | COPY data as hexadecimal bytes |
//! | `--<!` | the client gives the COPY up |

use std::path::Path;

use rewrite_rules::Phase;
use segue_tests::moves::Feature;

/// One entry: a message, or several in a row.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// File and line.
    pub(crate) place: String,
    /// What is sent.
    pub(crate) steps: Vec<Step>,
    /// The phases in which it is refused (`--!`), each with what the message says.
    pub(crate) refused: Vec<(Phase, String)>,
    /// The phases in which its answer differs (`--~`), each with the reason.
    pub(crate) differs: Vec<(Phase, String)>,
    /// What it needs.
    pub(crate) needs: Vec<Need>,
}

/// One message with a text, and what belongs to it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Step {
    /// The text, without its directives.
    pub(crate) sql: String,
    /// Values of `$1`, `$2` …
    pub(crate) values: Vec<Option<String>>,
    /// What is sent when the server asks for COPY data.
    pub(crate) copy: Option<Vec<u8>>,
    /// The client then says that it cannot go on.
    pub(crate) gives_up: bool,
    /// Whether the order of its rows is part of its meaning; `None` if the text has to tell.
    pub(crate) ordered: Option<bool>,
}

/// A condition of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// `simple`: only the simple protocol can carry it.
    Simple,
    /// `extended`: only the extended protocol shows what it is about.
    Extended,
    /// `autocommit`: it runs outside a transaction, and leaves everything as it was.
    Autocommit,
    /// `old names`: under the new names it would mean something else, to a client of the old shape.
    OldNames,
    /// `fails`: an error is what it is about.
    Fails,
    /// `plan`: its rows are a plan, and that may be another.
    Plan,
    /// A feature of segue.
    Feature(Feature),
    /// `server 16`: that version of PostgreSQL.
    Server(u32),
}

impl Step {
    fn of(sql: &str) -> Self {
        Self { sql: sql.to_owned(), ..Self::default() }
    }

    /// Whether the order of its rows is part of its meaning.
    pub(crate) fn is_ordered(&self) -> bool {
        self.ordered.unwrap_or_else(|| self.sql.to_ascii_uppercase().contains("ORDER BY"))
    }
}

impl Entry {
    /// A statement that stands in no file.
    pub(crate) fn of(sql: &str) -> Self {
        Self {
            place: String::new(),
            steps: vec![Step::of(sql)],
            refused: Vec::new(),
            differs: Vec::new(),
            needs: Vec::new(),
        }
    }

    /// All its texts, as the corpus has them.
    pub(crate) fn sql(&self) -> String {
        let texts: Vec<&str> = self.steps.iter().map(|step| step.sql.as_str()).collect();
        texts.join("\n--;\n")
    }

    /// Whether it has that need.
    pub(crate) fn needs(&self, need: Need) -> bool {
        self.needs.contains(&need)
    }

    /// Whether an error is what it is about.
    pub(crate) fn should_fail(&self) -> bool {
        self.needs(Need::Fails) || self.place.contains("/errors")
    }

    /// Why it is refused in `phase`, if it is.
    pub(crate) fn refused_in(&self, phase: Phase) -> Option<&str> {
        listed_in(&self.refused, phase)
    }

    /// Why its answer differs in `phase`, if that is known.
    pub(crate) fn differs_in(&self, phase: Phase) -> Option<&str> {
        listed_in(&self.differs, phase)
    }

    /// Whether it may change what tables hold. Doubtful texts may.
    pub(crate) fn may_write(&self) -> bool {
        let text = self.sql().to_ascii_lowercase();
        let words = [
            "insert", "update", "delete", "merge", "copy", "truncate", "tick", "nextval", "setval",
            "into", "create", "execute", "call", "do $", "drop", "alter",
        ];
        words.iter().any(|word| text.contains(word))
    }
}

fn listed_in(list: &[(Phase, String)], phase: Phase) -> Option<&str> {
    list.iter().find(|(in_phase, _)| *in_phase == phase).map(|(_, why)| why.as_str())
}

/// Reads every file of a folder; entries whose needs nobody meets are left out.
pub(crate) fn read(folder: &str, server: u32) -> Vec<Entry> {
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files = std::fs::read_dir(files).expect("the corpus");
    let mut paths: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "sql"));
    paths.sort();
    let mut entries = Vec::new();
    for path in paths {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).expect("a corpus file");
        let mut line = 1;
        for paragraph in text.split("\n\n") {
            let place = format!("{folder}/{file}:{}", line + leading_lines(paragraph));
            line += paragraph.matches('\n').count() + 2;
            entries.extend(entry(place, paragraph.trim_matches('\n')));
        }
    }
    entries.retain(|entry| {
        entry.needs.iter().all(|need| match need {
            Need::Feature(feature) => feature.is_there(),
            Need::Server(oldest) => server >= *oldest,
            Need::Simple
            | Need::Extended
            | Need::Autocommit
            | Need::OldNames
            | Need::Fails
            | Need::Plan => true,
        })
    });
    entries
}

fn leading_lines(paragraph: &str) -> usize {
    paragraph.bytes().take_while(|byte| *byte == b'\n').count()
}

fn entry(place: String, paragraph: &str) -> Option<Entry> {
    let mut entry = Entry { place, ..Entry::of("") };
    entry.steps.clear();
    let mut step = Step::default();
    let mut open = true;
    for line in paragraph.lines() {
        if line == "--;" {
            entry.steps.push(std::mem::take(&mut step));
            open = true;
        } else if !(open && line.starts_with("--") && directive(&mut entry, &mut step, line)) {
            open = false;
            if !step.sql.is_empty() {
                step.sql.push('\n');
            }
            step.sql.push_str(line);
        }
    }
    entry.steps.push(step);
    for step in &mut entry.steps {
        if step.sql.to_ascii_uppercase().contains("FROM STDIN") {
            step.copy.get_or_insert_default();
        }
    }
    entry.steps.iter().any(|step| !step.sql.is_empty()).then_some(entry)
}

/// Takes a line above a text that starts with two hyphens: a directive or a remark.
fn directive(entry: &mut Entry, step: &mut Step, line: &str) -> bool {
    let place = &entry.place;
    let (head, tail) = line.split_once(' ').unwrap_or((line, ""));
    let copy = |step: &mut Step, bytes: &[u8]| step.copy.get_or_insert_default().extend(bytes);
    match head {
        "--$" => {
            let value = |text: &str| (text != "\\N").then(|| text.to_owned());
            step.values = tail.split(';').map(value).collect();
        }
        "--!" => entry.refused.extend(listed_phases(tail)),
        "--~" => entry.differs.extend(listed_phases(tail)),
        "--?" => entry.needs.push(need(tail).unwrap_or_else(|| panic!("{place}: {line}"))),
        "--<" => copy(step, format!("{}\n", tail.replace('⇥', "\t")).as_bytes()),
        "--<x" => copy(step, &bytes_of(tail)),
        "--<!" => {
            copy(step, &[]);
            step.gives_up = true;
        }
        "--" => {}
        _ => return false,
    }
    true
}

fn need(text: &str) -> Option<Need> {
    Some(match text {
        "simple" => Need::Simple,
        "extended" => Need::Extended,
        "autocommit" => Need::Autocommit,
        "fails" => Need::Fails,
        "plan" => Need::Plan,
        "old names" => Need::OldNames,
        "change-column" => Need::Feature(Feature::ChangeColumn),
        "children" => Need::Feature(Feature::Children),
        _ => Need::Server(text.strip_prefix("server ")?.parse().ok()?),
    })
}

fn bytes_of(hexadecimal: &str) -> Vec<u8> {
    let digits: Vec<u32> = hexadecimal.chars().filter_map(|c| c.to_digit(16)).collect();
    let byte = |pair: &[u32]| pair.iter().fold(0, |byte, digit| byte * 16 + digit);
    digits.chunks(2).map(|pair| u8::try_from(byte(pair)).expect("two digits")).collect()
}

/// `phase phase: reason`.
fn listed_phases(text: &str) -> Vec<(Phase, String)> {
    let (phases, why) = text.split_once(": ").expect("phases, a colon and a reason");
    let phase = |name: &str| name.parse().unwrap_or_else(|error| panic!("{error} in {text}"));
    phases.split_whitespace().map(|name| (phase(name), why.to_owned())).collect()
}
