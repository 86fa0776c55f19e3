//! Sessions that send what pgjdbc sends: a statement goes unnamed five times, then it gets a name
//! and keeps it; what it was described as is remembered; a transaction has a savepoint before each
//! statement (`autosave=conservative`).

use std::collections::BTreeMap;

use rewrite_rules::Phase;
use segue_tests::message::{Column, Message};
use segue_tests::proxy::Proxy;
use segue_tests::wire::{Reply, Wire, bind, describe, execute, frame, parse, sync};

use super::way::{Moment, walk};

/// Executions without a name (`prepareThreshold`).
const UNNAMED: usize = 5;

/// `pg_type.oid` of what parameters are sent as and columns come as.
const INT8: u32 = 20;
const TEXT: u32 = 25;
const VARCHAR: u32 = 1043;

const WHOLE: &str = "INSERT INTO users VALUES ($1, $2, $3)";
const NAMED: &str = "INSERT INTO users (email, username, id) VALUES ($3, $2, $1) RETURNING *";
const STAR: &str = "SELECT * FROM users WHERE id = $1";
const BY_NAME: &str = "SELECT u.*, username AS again FROM users u WHERE username = $1";
const UPDATE: &str = "UPDATE users SET username = $1 WHERE id = $2 RETURNING *";
const DELETE: &str = "DELETE FROM users WHERE username = $1 RETURNING username, id";

const ALL: [(&str, u32); 3] = [("id", INT8), ("username", VARCHAR), ("email", TEXT)];

/// A parameter, sent as the driver sends it: numbers in binary once they may be.
#[derive(Debug, Clone, Copy)]
enum Sent<'a> {
    Number(i64),
    Text(&'a str),
}

/// What the driver knows of a statement.
#[derive(Default)]
struct Known {
    uses: usize,
    name: Option<String>,
    columns: Option<Vec<Column>>,
}

/// One connection.
struct Connection {
    wire: Wire,
    statements: BTreeMap<&'static str, Known>,
    /// Names given so far.
    names: usize,
    autocommit: bool,
    under_way: bool,
    next_id: i64,
}

/// Columns, rows as text, and the command tag.
type Answer = (Vec<(String, u32)>, Vec<String>, String);

impl Connection {
    fn new(proxy: &Proxy, number: i64, autocommit: bool) -> Self {
        let (wire, statements) = (proxy.connect(), BTreeMap::new());
        let next_id = number * 1_000_000;
        Self { wire, statements, names: 0, autocommit, under_way: false, next_id }
    }

    /// Parse if it has to be, Bind, Describe if it is not known what comes, Execute.
    fn frames(&mut self, sql: &'static str, values: &[Sent<'_>]) -> Vec<u8> {
        let control = values.is_empty();
        let known = self.statements.entry(sql).or_default();
        known.uses += 1;
        let mut frames = Vec::new();
        let types: Vec<u32> = values
            .iter()
            .map(|value| match value {
                Sent::Number(_) => INT8,
                Sent::Text(_) => VARCHAR,
            })
            .collect();
        if known.name.is_none() {
            // BEGIN and its like get a name at once.
            if control || known.uses > UNNAMED {
                self.names += 1;
                known.name = Some(format!("S_{}", self.names));
            }
            frames.extend(parse(known.name.as_deref().unwrap_or_default(), sql, &types));
        }
        let name = known.name.clone().unwrap_or_default();
        if control {
            frames.extend([bind("", &name, &[], false), execute("", 0)].concat());
            return frames;
        }
        let binary = known.name.is_some();
        frames.extend(bind_as(&name, values, known.columns.as_deref().unwrap_or_default(), binary));
        // Of an unnamed statement nothing is remembered.
        if known.columns.is_none() || !binary {
            frames.extend(describe(b'P', ""));
        }
        frames.extend(execute("", 0));
        frames
    }

    /// Runs a statement, as the driver does within or without a transaction.
    fn run(&mut self, sql: &'static str, values: &[Sent<'_>]) -> Answer {
        let mut frames = Vec::new();
        if !self.autocommit {
            if !self.under_way {
                frames.extend(self.frames("BEGIN", &[]));
            }
            self.under_way = true;
            frames.extend(self.frames("SAVEPOINT PGJDBC_AUTOSAVE", &[]));
        }
        frames.extend(self.frames(sql, values));
        frames.extend(sync());
        self.wire.send_bytes(&frames);
        let reply = self.wire.until_ready();
        assert_eq!(reply.error(), None, "{sql} {values:?}");
        self.read(sql, &reply)
    }

    /// Reads rows by what the statement was described as, now or long ago.
    fn read(&mut self, sql: &'static str, reply: &Reply) -> Answer {
        let known = self.statements.entry(sql).or_default();
        let described = reply.columns().map(<[Column]>::to_vec);
        let nothing = reply.messages.contains(&Message::NoData);
        let columns = match (described, &known.columns) {
            (Some(columns), _) => columns,
            (None, Some(columns)) if !nothing => columns.clone(),
            (None, _) => Vec::new(),
        };
        let is_binary = |column: &Column| {
            // What was bound as binary because of the columns that were known.
            known.name.is_some() && known.columns.is_some() && column.type_oid == INT8
        };
        let shown = |row: &Vec<Option<Vec<u8>>>| {
            assert_eq!(row.len(), columns.len(), "{sql}: a row of another type");
            let values = row.iter().zip(&columns).map(|(value, column)| match value {
                None => "NULL".to_owned(),
                Some(bytes) if is_binary(column) => {
                    i64::from_be_bytes(bytes.as_slice().try_into().expect("eight bytes"))
                        .to_string()
                }
                Some(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            });
            values.collect::<Vec<_>>().join("|")
        };
        let rows = reply.rows().into_iter().map(shown).collect();
        let tag = reply.tags().last().copied().unwrap_or_default().to_owned();
        let types = columns.iter().map(|column| (column.name.clone(), column.type_oid)).collect();
        if known.name.is_some() {
            known.columns = Some(columns);
        }
        (types, rows, tag)
    }

    /// Runs a statement, and wants these columns, rows and tag.
    fn check(
        &mut self,
        sql: &'static str,
        values: &[Sent<'_>],
        columns: &[(&str, u32)],
        rows: &[String],
        tag: &str,
    ) {
        let columns = columns.iter().map(|(name, oid)| ((*name).to_owned(), *oid)).collect();
        let wanted: Answer = (columns, rows.to_vec(), tag.to_owned());
        assert_eq!(self.run(sql, values), wanted, "{sql} {values:?}");
    }

    fn commit(&mut self) {
        if !self.autocommit {
            let frames = [self.frames("COMMIT", &[]), sync()].concat();
            self.wire.send_bytes(&frames);
            let reply = self.wire.until_ready();
            assert_eq!((reply.error(), reply.tags()), (None, vec!["COMMIT"]));
            self.under_way = false;
        }
    }

    /// A row comes in, without a list of columns or with one; gives its id and name.
    fn begin(&mut self, whole: bool) -> (i64, String) {
        self.next_id += 1;
        let (id, name) = (self.next_id, format!("jdbc{}", self.next_id));
        let values = [Sent::Number(id), Sent::Text(&name), Sent::Text("m")];
        match whole {
            true => self.check(WHOLE, &values, &[], &[], "INSERT 0 1"),
            false => self.check(NAMED, &values, &ALL, &[format!("{id}|{name}|m")], "INSERT 0 1"),
        }
        (id, name)
    }

    /// The row is read, changed and deleted.
    fn end(&mut self, (id, name): &(i64, String)) {
        let again = format!("{name}-again");
        let line = format!("{id}|{name}|m");
        self.check(STAR, &[Sent::Number(*id)], &ALL, &[line], "SELECT 1");
        let changed = format!("{id}|{again}|m");
        let values = [Sent::Text(&again), Sent::Number(*id)];
        self.check(UPDATE, &values, &ALL, std::slice::from_ref(&changed), "UPDATE 1");
        let four = [ALL.as_slice(), &[("again", VARCHAR)]].concat();
        let row = format!("{changed}|{again}");
        self.check(BY_NAME, &[Sent::Text(&again)], &four, &[row], "SELECT 1");
        self.check(BY_NAME, &[Sent::Text(name)], &four, &[], "SELECT 0");
        let two = [("username", VARCHAR), ("id", INT8)];
        let gone = format!("{again}|{id}");
        self.check(DELETE, &[Sent::Text(&again)], &two, &[gone], "DELETE 1");
        self.commit();
    }

    /// Everything, once for each kind of INSERT.
    fn work(&mut self) {
        for whole in [true, false] {
            let row = self.begin(whole);
            self.end(&row);
        }
    }
}

/// Bind; numbers go and come in binary once the statement has a name and its columns are known.
fn bind_as(name: &str, values: &[Sent<'_>], columns: &[Column], binary: bool) -> Vec<u8> {
    let count = |count: usize| i16::try_from(count).expect("few").to_be_bytes();
    let is_binary = |value: &Sent<'_>| binary && matches!(value, Sent::Number(_));
    let mut body: Vec<u8> = [0].into_iter().chain(name.bytes()).chain([0]).collect();
    body.extend(count(values.len()));
    for value in values {
        body.extend(i16::from(is_binary(value)).to_be_bytes());
    }
    body.extend(count(values.len()));
    for value in values {
        let bytes = match value {
            Sent::Number(number) if binary => number.to_be_bytes().to_vec(),
            Sent::Number(number) => number.to_string().into_bytes(),
            Sent::Text(text) => text.as_bytes().to_vec(),
        };
        body.extend(u32::try_from(bytes.len()).expect("a short value").to_be_bytes());
        body.extend(bytes);
    }
    body.extend(count(columns.len()));
    for column in columns {
        body.extend(i16::from(binary && column.type_oid == INT8).to_be_bytes());
    }
    frame(b'B', &body)
}

#[test]
fn sessions_of_pgjdbc_go_through_all_phases() {
    let mut sessions: Vec<Connection> = Vec::new();
    let mut held: Vec<(i64, String)> = Vec::new();
    // Two that were there from the start, and two for each phase, which name things there.
    let come = |proxy: &Proxy, sessions: &mut Vec<Connection>| {
        for autocommit in [true, false] {
            let number = i64::try_from(sessions.len()).expect("few") + 1;
            let mut session = Connection::new(proxy, number, autocommit);
            for _ in 0..=UNNAMED {
                session.work();
            }
            assert!(session.names >= 6, "everything has a name by now");
            sessions.push(session);
        }
    };
    walk(|proxy, moment| match moment {
        Moment::Start => come(proxy, &mut sessions),
        // A transaction that is under way goes on in the phase in which it began.
        Moment::Before => {
            let open = sessions.iter_mut().filter(|session| !session.autocommit);
            held = open.map(|session| session.begin(true)).collect();
        }
        Moment::Swapped => {
            sessions.iter_mut().filter(|session| session.autocommit).for_each(Connection::work);
            let open = sessions.iter_mut().filter(|session| !session.autocommit);
            open.zip(held.drain(..)).for_each(|(session, row)| session.end(&row));
        }
        Moment::There(phase, ddl) => {
            sessions.iter_mut().for_each(Connection::work);
            if ddl.is_empty() && sessions.len() < 6 && phase != Phase::Expand {
                come(proxy, &mut sessions);
            }
        }
        Moment::End => {
            let rows = "SELECT count(*) FROM users WHERE id > 100";
            assert_eq!(proxy.database().connect().rows(rows), ["0"]);
            sessions.clear();
        }
    });
}
