//! Backend messages, decoded as far as tests compare them.
//!
//! Formats: PostgreSQL manual, "Message Formats".

use std::collections::BTreeMap;
use std::fmt;

/// One column of a RowDescription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Label.
    pub name: String,
    /// Where it comes from.
    pub origin: Origin,
    /// `pg_type.oid`.
    pub type_oid: u32,
    /// `pg_type.typlen`.
    pub type_size: i16,
    /// `pg_attribute.atttypmod`.
    pub typmod: i32,
    /// 0 text, 1 binary.
    pub format: i16,
}

/// The table column that a result column comes from. Any two are equal: oids differ from database
/// to database.
#[derive(Debug, Clone, Copy)]
pub struct Origin {
    /// `pg_class.oid`, 0 for none.
    pub relation: u32,
    /// `pg_attribute.attnum`, 0 for none.
    pub number: i16,
}

impl PartialEq for Origin {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Eq for Origin {}

/// The fields of an ErrorResponse or NoticeResponse.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Fields(pub BTreeMap<char, String>);

impl Fields {
    /// SQLSTATE.
    pub fn code(&self) -> &str {
        self.get('C')
    }

    /// The field of that type byte, empty if it is not there.
    pub fn get(&self, field: char) -> &str {
        self.0.get(&field).map_or("", String::as_str)
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code(), self.get('M'))?;
        for (label, field) in [(" AT ", 'P'), (" DETAIL ", 'D'), (" HINT ", 'H')] {
            if !self.get(field).is_empty() {
                write!(f, "{label}{}", self.get(field))?;
            }
        }
        Ok(())
    }
}

/// A row's values.
pub type Row = Vec<Option<Vec<u8>>>;

/// A message that the server side sent.
#[derive(Clone, PartialEq, Eq)]
pub enum Message {
    /// RowDescription.
    Columns(Vec<Column>),
    /// NoData.
    NoData,
    /// DataRow.
    Row(Row),
    /// CommandComplete.
    Tag(String),
    /// ErrorResponse.
    Error(Fields),
    /// NoticeResponse.
    Notice(Fields),
    /// ParameterDescription.
    ParameterTypes(Vec<u32>),
    /// ParseComplete.
    Parsed,
    /// BindComplete.
    Bound,
    /// CloseComplete.
    Closed,
    /// EmptyQueryResponse.
    Empty,
    /// PortalSuspended.
    Suspended,
    /// ReadyForQuery with its status byte.
    Ready(char),
    /// CopyInResponse: overall format, and one per column.
    CopyIn(u8, Vec<i16>),
    /// CopyOutResponse: overall format, and one per column.
    CopyOut(u8, Vec<i16>),
    /// CopyData.
    CopyData(Vec<u8>),
    /// CopyDone.
    CopyDone,
    /// NotificationResponse: channel and payload.
    Notification(String, String),
    /// ParameterStatus.
    Parameter(String, String),
    /// BackendKeyData.
    Key(u32, Vec<u8>),
    /// Any Authentication… message: code and data.
    Authentication(u32, Vec<u8>),
    /// Anything else, for example FunctionCallResponse.
    Other(char, Vec<u8>),
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |bytes: &[u8]| match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => bytes.escape_ascii().to_string(),
        };
        match self {
            Self::Columns(columns) => {
                let shown: Vec<String> = columns
                    .iter()
                    .map(|c| format!("{}:{}({})/{}", c.name, c.type_oid, c.typmod, c.format))
                    .collect();
                write!(f, "columns [{}]", shown.join(", "))
            }
            Self::Row(values) => {
                let shown: Vec<String> = values
                    .iter()
                    .map(|value| value.as_ref().map_or("NULL".to_owned(), |bytes| text(bytes)))
                    .collect();
                write!(f, "row ({})", shown.join(", "))
            }
            Self::Tag(tag) => write!(f, "tag {tag}"),
            Self::Error(fields) => write!(f, "error {fields:?}"),
            Self::Notice(fields) => write!(f, "notice {fields:?}"),
            Self::ParameterTypes(types) => write!(f, "parameters {types:?}"),
            Self::Ready(status) => write!(f, "ready {status}"),
            Self::CopyIn(format, columns) => write!(f, "copy in {format} {columns:?}"),
            Self::CopyOut(format, columns) => write!(f, "copy out {format} {columns:?}"),
            Self::CopyData(data) => write!(f, "data {:?}", text(data)),
            Self::Notification(channel, payload) => write!(f, "notification {channel} {payload}"),
            Self::Parameter(name, value) => write!(f, "set {name} = {value}"),
            Self::Authentication(code, _) => write!(f, "authentication {code}"),
            Self::Other(tag, body) => write!(f, "{tag} {body:?}"),
            Self::NoData => f.write_str("no data"),
            Self::Parsed => f.write_str("parsed"),
            Self::Bound => f.write_str("bound"),
            Self::Closed => f.write_str("closed"),
            Self::Empty => f.write_str("empty"),
            Self::Suspended => f.write_str("suspended"),
            Self::CopyDone => f.write_str("copy done"),
            Self::Key(..) => f.write_str("key"),
        }
    }
}

impl Message {
    /// Decodes one message.
    ///
    /// # Panics
    /// A body that ends too early or holds more than its message, which PostgreSQL never sends.
    pub fn decode(tag: u8, body: &[u8]) -> Self {
        let mut reader = Reader { body };
        let message = match tag {
            b'T' => Self::Columns(reader.many(|r| {
                let name = r.text();
                let origin = Origin { relation: r.u32(), number: r.i16() };
                let (type_oid, type_size, typmod, format) = (r.u32(), r.i16(), r.i32(), r.i16());
                Column { name, origin, type_oid, type_size, typmod, format }
            })),
            b'D' => Self::Row(reader.many(|r| {
                let length = r.i32();
                usize::try_from(length).ok().map(|length| r.take(length).to_vec())
            })),
            b'E' => Self::Error(reader.fields()),
            b'N' => Self::Notice(reader.fields()),
            b't' => Self::ParameterTypes(reader.many(Reader::u32)),
            b'C' => Self::Tag(reader.text()),
            b'Z' => Self::Ready(char::from(reader.u8())),
            b'G' => Self::CopyIn(reader.u8(), reader.many(Reader::i16)),
            b'H' => Self::CopyOut(reader.u8(), reader.many(Reader::i16)),
            b'd' => Self::CopyData(reader.rest()),
            b'A' => {
                reader.u32();
                Self::Notification(reader.text(), reader.text())
            }
            b'S' => Self::Parameter(reader.text(), reader.text()),
            b'K' => Self::Key(reader.u32(), reader.rest()),
            b'R' => Self::Authentication(reader.u32(), reader.rest()),
            b'n' => Self::NoData,
            b'1' => Self::Parsed,
            b'2' => Self::Bound,
            b'3' => Self::Closed,
            b'I' => Self::Empty,
            b's' => Self::Suspended,
            b'c' => Self::CopyDone,
            other => Self::Other(char::from(other), reader.rest()),
        };
        assert!(reader.body.is_empty(), "bytes left after {message:?}: {:?}", reader.body);
        message
    }
}

/// Reads a body from its start.
struct Reader<'a> {
    body: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> &'a [u8] {
        let (head, tail) = self.body.split_at_checked(length).expect("a longer body");
        self.body = tail;
        head
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        self.take(N).try_into().expect("as many bytes as taken")
    }

    fn rest(&mut self) -> Vec<u8> {
        self.take(self.body.len()).to_vec()
    }

    fn u8(&mut self) -> u8 {
        u8::from_be_bytes(self.array())
    }

    fn i16(&mut self) -> i16 {
        i16::from_be_bytes(self.array())
    }

    fn u32(&mut self) -> u32 {
        u32::from_be_bytes(self.array())
    }

    fn i32(&mut self) -> i32 {
        i32::from_be_bytes(self.array())
    }

    fn text(&mut self) -> String {
        let length = self.body.iter().position(|byte| *byte == 0).expect("a terminated text");
        let text = String::from_utf8_lossy(self.take(length)).into_owned();
        self.take(1);
        text
    }

    fn many<T>(&mut self, one: impl Fn(&mut Self) -> T) -> Vec<T> {
        (0..self.i16()).map(|_| one(self)).collect()
    }

    fn fields(&mut self) -> Fields {
        let mut fields = BTreeMap::new();
        loop {
            match self.u8() {
                0 => return Fields(fields),
                field => {
                    let text = self.text();
                    fields.insert(char::from(field), text);
                }
            }
        }
    }
}
