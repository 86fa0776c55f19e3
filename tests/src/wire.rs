//! A client that sends any frame it is told to, and shows every message that comes back.
//!
//! It blocks, so that a test reads from top to bottom; proxies run on threads of their own.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use rustls::{ClientConnection, StreamOwned};
use segue::cluster::{Cluster, SUPERUSER};

use crate::farewell::Socket;
use crate::message::{Fields, Message, Row};

/// Longest wait for an answer. A server that is silent for this long hangs. Unit: seconds.
const ANSWER_DEADLINE_S: u64 = 30;

/// Where and as whom to connect.
#[derive(Debug, Clone)]
pub struct Login {
    /// Port on 127.0.0.1.
    pub port: u16,
    /// Startup parameters in order, `user` and `database` among them.
    pub parameters: Vec<(String, String)>,
}

impl Login {
    /// The superuser at the server itself.
    pub fn direct(cluster: &Cluster, database: &str) -> Self {
        Self::at(cluster.port(), SUPERUSER, database)
    }

    /// `user` at whatever listens on `port`.
    pub fn at(port: u16, user: &str, database: &str) -> Self {
        let parameters = [("user", user), ("database", database)];
        let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self { port, parameters: parameters.into() }
    }

    /// The same with one more startup parameter.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.parameters.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Logs in where no password is asked for.
    ///
    /// # Panics
    /// If the login fails.
    pub fn connect(&self) -> Wire {
        let (wire, error) = self.try_connect();
        match error {
            Some(error) => panic!("login failed: {error:?}"),
            None => wire,
        }
    }

    /// Logs in; the error that the server side answered with, if it did.
    pub fn try_connect(&self) -> (Wire, Option<Fields>) {
        self.try_connect_over(Wire::open(self.port))
    }

    /// Logs in over a stream that is open already.
    pub fn try_connect_over(&self, mut wire: Wire) -> (Wire, Option<Fields>) {
        let mut body = 196_608_u32.to_be_bytes().to_vec();
        for (name, value) in &self.parameters {
            for text in [name, value] {
                body.extend(text.as_bytes());
                body.push(0);
            }
        }
        body.push(0);
        let length = u32::try_from(body.len() + 4).expect("a short startup message");
        wire.send_bytes(&[&length.to_be_bytes(), body.as_slice()].concat());
        loop {
            match wire.read() {
                Some(Message::Ready(_)) => return (wire, None),
                Some(Message::Notice(_)) => {}
                Some(Message::Error(error)) => return (wire, Some(error)),
                Some(Message::Key(process, secret)) => wire.key = (process, secret),
                Some(Message::Authentication(0, _) | Message::Parameter(..)) => {}
                other => panic!("no answer to a startup message: {other:?}"),
            }
        }
    }
}

/// Bytes both ways: a socket, or TLS over one.
pub trait Stream: Read + Write + Send {
    /// Says that nothing more will be written.
    fn end(&mut self);
}

impl Stream for TcpStream {
    fn end(&mut self) {
        let _ = self.shutdown(Shutdown::Write);
    }
}

impl Stream for StreamOwned<ClientConnection, TcpStream> {
    fn end(&mut self) {
        self.conn.send_close_notify();
        let _ = self.flush();
    }
}

/// One session.
pub struct Wire {
    stream: Box<dyn Stream>,
    /// Process id and secret of BackendKeyData.
    pub key: (u32, Vec<u8>),
}

/// Everything that a statement was answered with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reply {
    /// The messages in order, without ParameterStatus and notices.
    pub messages: Vec<Message>,
}

impl Reply {
    /// The first error.
    pub fn error(&self) -> Option<&Fields> {
        self.messages.iter().find_map(|message| match message {
            Message::Error(fields) => Some(fields),
            _ => None,
        })
    }

    /// The SQLSTATE of the first error, empty without one.
    pub fn code(&self) -> &str {
        self.error().map_or("", Fields::code)
    }

    /// All rows.
    pub fn rows(&self) -> Vec<&Row> {
        self.messages
            .iter()
            .filter_map(|message| match message {
                Message::Row(row) => Some(row),
                _ => None,
            })
            .collect()
    }

    /// All command tags.
    pub fn tags(&self) -> Vec<&str> {
        self.messages
            .iter()
            .filter_map(|message| match message {
                Message::Tag(tag) => Some(tag.as_str()),
                _ => None,
            })
            .collect()
    }

    /// All rows as text, NULL as `NULL`, values joined by `|`.
    pub fn lines(&self) -> Vec<String> {
        let value = |value: &Option<Vec<u8>>| {
            value
                .as_ref()
                .map_or("NULL".into(), |bytes| String::from_utf8_lossy(bytes).into_owned())
        };
        self.rows()
            .into_iter()
            .map(|row| row.iter().map(value).collect::<Vec<_>>().join("|"))
            .collect()
    }

    /// The columns of the first result.
    pub fn columns(&self) -> Option<&[crate::message::Column]> {
        self.messages.iter().find_map(|message| match message {
            Message::Columns(columns) => Some(columns.as_slice()),
            _ => None,
        })
    }
}

/// A value of a Bind message; `None` is NULL.
pub type Value<'a> = Option<&'a str>;

impl Wire {
    /// Opens a connection and sends nothing.
    pub fn open(port: u16) -> Self {
        Self::over(Box::new(Socket::open(port)))
    }

    /// Speaks over a stream that is open already.
    pub fn over(stream: Box<dyn Stream>) -> Self {
        Self { stream, key: (0, Vec::new()) }
    }

    /// Says that nothing more will be sent.
    pub fn hang_up(&mut self) {
        self.stream.end();
    }

    /// Everything that is still to come, as messages, until the other side hangs up.
    pub fn until_closed(&mut self) -> Vec<Message> {
        std::iter::from_fn(|| self.read()).collect()
    }

    /// Sends bytes as they are.
    pub fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the other side reads");
        self.stream.flush().expect("the other side reads");
    }

    /// Sends bytes; false if the other side has hung up.
    pub fn try_send_bytes(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// The next message; `None` if the other side has hung up.
    pub fn read(&mut self) -> Option<Message> {
        let mut head = [0_u8; 5];
        self.read_exactly(&mut head)?;
        let [tag, length @ ..] = head;
        let length = u32::from_be_bytes(length) as usize;
        let mut body = vec![0; length.checked_sub(4).expect("a length that counts itself")];
        self.read_exactly(&mut body)?;
        Some(Message::decode(tag, &body))
    }

    fn read_exactly(&mut self, buffer: &mut [u8]) -> Option<()> {
        match self.stream.read_exact(buffer) {
            Ok(()) => Some(()),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                panic!("no answer within {ANSWER_DEADLINE_S} s")
            }
            Err(_) => None,
        }
    }

    /// Waits for messages up to and with ReadyForQuery.
    pub fn until_ready(&mut self) -> Reply {
        let mut messages = Vec::new();
        loop {
            match self.read() {
                Some(message @ Message::Ready(_)) => {
                    messages.push(message);
                    return Reply { messages };
                }
                Some(Message::Parameter(..) | Message::Notice(_)) => {}
                Some(message) => messages.push(message),
                None => {
                    panic!("the other side hung up after {messages:?}")
                }
            }
        }
    }

    /// Waits for messages up to and with CommandComplete or an error, where no Sync was sent.
    pub fn until_tag(&mut self) -> Reply {
        let mut messages = Vec::new();
        loop {
            let message = self.read().expect("an answer");
            let last = matches!(message, Message::Tag(_) | Message::Error(_));
            messages.push(message);
            if last {
                return Reply { messages };
            }
        }
    }

    /// Waits for messages up to and with the server's wish for COPY data, CommandComplete, an error
    /// or ReadyForQuery.
    pub fn until_copy(&mut self) -> Reply {
        let mut messages = Vec::new();
        loop {
            let message = self.read().expect("an answer");
            let last = matches!(
                message,
                Message::CopyIn(..) | Message::Tag(_) | Message::Error(_) | Message::Ready(_)
            );
            if !matches!(message, Message::Parameter(..) | Message::Notice(_)) {
                messages.push(message);
            }
            if last {
                return Reply { messages };
            }
        }
    }

    /// Sends a Query message and waits for the whole answer.
    pub fn simple(&mut self, sql: &str) -> Reply {
        self.send_bytes(&query(sql));
        self.until_ready()
    }

    /// Runs statements that must succeed.
    ///
    /// # Panics
    /// With the first error.
    pub fn script(&mut self, sql: &str) -> Reply {
        let reply = self.simple(sql);
        if let Some(error) = reply.error() {
            panic!("{error:?}\nin: {sql}");
        }
        reply
    }

    /// Runs one statement that must succeed, and gives its rows as text.
    pub fn rows(&mut self, sql: &str) -> Vec<String> {
        self.script(sql).lines()
    }

    /// Parse, Describe, Bind, Describe, Execute, Sync on the unnamed statement in one write.
    pub fn extended(&mut self, sql: &str, values: &[Value<'_>], binary: bool) -> Reply {
        self.send_bytes(
            &[
                parse("", sql, &[]),
                describe(b'S', ""),
                bind("", "", values, binary),
                describe(b'P', ""),
                execute("", 0),
                sync(),
            ]
            .concat(),
        );
        self.until_ready()
    }

    /// Parse and Describe of the unnamed statement.
    pub fn describe(&mut self, sql: &str, types: &[u32]) -> Reply {
        self.send_bytes(&[parse("", sql, types), describe(b'S', ""), sync()].concat());
        self.until_ready()
    }

    /// Names a statement for later.
    pub fn prepare(&mut self, name: &str, sql: &str) -> Reply {
        self.send_bytes(&[parse(name, sql, &[]), sync()].concat());
        self.until_ready()
    }

    /// Executes a named statement, text format.
    pub fn run(&mut self, name: &str, values: &[Value<'_>]) -> Reply {
        self.send_bytes(&[bind("", name, values, false), execute("", 0), sync()].concat());
        self.until_ready()
    }
}

/// A socket to that port which gives up after a while.
pub fn socket(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("somebody listens");
    stream.set_nodelay(true).expect("a socket option");
    let deadline = Duration::from_secs(ANSWER_DEADLINE_S);
    stream.set_read_timeout(Some(deadline)).expect("a socket option");
    stream
}

/// A frame: type byte, length, body.
pub fn frame(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).expect("a body below 4 GiB");
    [&[tag], length.to_be_bytes().as_slice(), body].concat()
}

/// Texts, each with its terminator.
fn texts(texts: &[&str]) -> Vec<u8> {
    texts.iter().flat_map(|text| text.bytes().chain([0])).collect()
}

fn count(count: usize) -> [u8; 2] {
    i16::try_from(count).expect("few values").to_be_bytes()
}

/// Query.
pub fn query(sql: &str) -> Vec<u8> {
    frame(b'Q', &texts(&[sql]))
}

/// Parse.
pub fn parse(name: &str, sql: &str, types: &[u32]) -> Vec<u8> {
    let types: Vec<u8> = count(types.len())
        .into_iter()
        .chain(types.iter().flat_map(|oid| oid.to_be_bytes()))
        .collect();
    frame(b'P', &[texts(&[name, sql]), types].concat())
}

/// Bind with text values.
pub fn bind(portal: &str, statement: &str, values: &[Value<'_>], binary: bool) -> Vec<u8> {
    let mut body = texts(&[portal, statement]);
    body.extend([0, 0]);
    body.extend(count(values.len()));
    for value in values {
        match value {
            Some(text) => {
                body.extend(u32::try_from(text.len()).expect("a short value").to_be_bytes());
                body.extend(text.as_bytes());
            }
            None => body.extend((-1_i32).to_be_bytes()),
        }
    }
    body.extend([0, 1, 0, u8::from(binary)]);
    frame(b'B', &body)
}

/// Describe of a statement (`S`) or portal (`P`).
pub fn describe(kind: u8, name: &str) -> Vec<u8> {
    frame(b'D', &[vec![kind], texts(&[name])].concat())
}

/// Close of a statement (`S`) or portal (`P`).
pub fn close(kind: u8, name: &str) -> Vec<u8> {
    frame(b'C', &[vec![kind], texts(&[name])].concat())
}

/// Execute; 0 rows means all.
pub fn execute(portal: &str, rows: u32) -> Vec<u8> {
    frame(b'E', &[texts(&[portal]), rows.to_be_bytes().to_vec()].concat())
}

/// CopyData.
pub fn copy_data(data: &[u8]) -> Vec<u8> {
    frame(b'd', data)
}

/// CopyDone.
pub fn copy_done() -> Vec<u8> {
    frame(b'c', &[])
}

/// CopyFail.
pub fn copy_fail(reason: &str) -> Vec<u8> {
    frame(b'f', &texts(&[reason]))
}

/// Sync.
pub fn sync() -> Vec<u8> {
    frame(b'S', &[])
}
