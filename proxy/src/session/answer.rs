//! Makes the answers to a statement fit what the client sent: tags, columns, the invitation to COPY.

use bytes::{BufMut, BytesMut};
use rewrite_rules::{CopyIn, Reply};

use super::conversation::{Conversation, Step, Violation};
use super::copy::Extension;
use crate::wire::compose;
use crate::wire::frame::{HEADER_BYTES, Header};

/// Longest RowDescription that is gathered to be changed: 1600 columns with names of 63 bytes take
/// 132 kB. Unit: bytes.
const DESCRIPTION_BYTES: usize = 1024 * 1024;

/// What becomes of a CommandComplete.
pub(super) fn tag(reply: &Reply, body: &[u8]) -> Step {
    let notice = reply.notice.as_ref().map(|notice| {
        let fields = [
            (b'S', "NOTICE"),
            (b'V', "NOTICE"),
            (b'C', "00000"),
            (b'M', &notice.message),
            (b'H', &notice.hint),
        ];
        compose::report(b'N', &fields)
    });
    match (reply.command, notice) {
        _ if !reply.shows_tag() => Step::Drop,
        (Some(command), notice) => {
            let mut bytes = notice.unwrap_or_default();
            bytes.unsplit(compose::command_complete(&renamed_tag(body, command)));
            Step::Replace(bytes)
        }
        (None, Some(notice)) => Step::Before(notice),
        (None, None) => Step::Forward,
    }
}

/// The tag with the count that the server gave and another command: `INSERT 0 5` → `COPY 5`.
fn renamed_tag(body: &[u8], command: &str) -> Vec<u8> {
    // It counts nothing.
    if command == "TRUNCATE TABLE" {
        return command.as_bytes().to_vec();
    }
    let tag = body.strip_suffix(b"\0").unwrap_or(body);
    let count = tag.rsplit(|byte| *byte == b' ').next().unwrap_or_default();
    // The second word was the new row's oid when there were any.
    let oid: &[u8] = if command == "INSERT" { b" 0" } else { b"" };
    [command.as_bytes(), oid, b" ", count].concat()
}

/// A CopyInResponse that asks for fewer fields: those that the client has.
fn fewer_fields(body: &[u8], fields: usize) -> Option<BytesMut> {
    let (format, rest) = body.split_first()?;
    let formats = rest.get(2..)?.get(..fields.checked_mul(2)?)?;
    let mut new = BytesMut::with_capacity(body.len());
    new.put_u8(*format);
    new.put_u16(u16::try_from(fields).ok()?);
    new.put_slice(formats);
    Some(compose::message(b'G', &new))
}

/// Gives a RowDescription the types and the column numbers that a reply asks for. Neither changes its length, so it is
/// done where it stands. A body that is no RowDescription stays as it is.
pub(super) fn redescribe(body: &mut [u8], reply: &Reply) {
    if columns_end(body) == Some(body.len()) {
        write_description(body, reply);
    }
}

/// The type of a row that is of no table's type.
const RECORD: u32 = 2249;

/// Behind a column's name: table, number of the column, type, size, modifier, format. Unit: bytes.
const ATTRIBUTES: usize = 18;

/// Where the last column of a RowDescription ends, if it is one.
fn columns_end(body: &[u8]) -> Option<usize> {
    let (count, mut rest) = body.split_first_chunk::<2>()?;
    for _column in 0..u16::from_be_bytes(*count) {
        let name = rest.iter().position(|byte| *byte == 0)?.checked_add(1)?;
        rest = rest.get(name.checked_add(ATTRIBUTES)?..)?;
    }
    body.len().checked_sub(rest.len())
}

/// Goes through the columns of a RowDescription, as far as there are any.
fn write_description(body: &mut [u8], reply: &Reply) -> Option<()> {
    let (count, mut rest) = body.split_first_chunk_mut::<2>()?;
    for place in 0..u16::from_be_bytes(*count) {
        let name = rest.iter().position(|byte| *byte == 0)?.checked_add(1)?;
        let (column, behind) = rest.split_at_mut_checked(name.checked_add(ATTRIBUTES)?)?;
        let (table, attributes) = column.get_mut(name..)?.split_first_chunk_mut::<4>()?;
        let (number, attributes) = attributes.split_first_chunk_mut::<2>()?;
        let (kind, _rest) = attributes.split_first_chunk_mut::<4>()?;
        let (relation, physical) = (u32::from_be_bytes(*table), u16::from_be_bytes(*number));
        let mut numbers = reply.numbers.iter();
        if let Some(it) = numbers.find(|it| it.relation == relation && it.physical == physical) {
            *number = it.shown.to_be_bytes();
        }
        // A catalog may not know the oid. And a name that was taken for a table's may be a column's: of a function in FROM
        // whose columns were not known.
        let mut types = reply.row_types.iter();
        if let Some((_, oid)) = types.find(|(column, oid)| *column == place && *oid != 0)
            && *kind == RECORD.to_be_bytes()
        {
            *kind = oid.to_be_bytes();
        }
        rest = behind;
    }
    Some(())
}

/// Whether result columns have other types or numbers for the client.
fn is_redescribed(reply: &Reply) -> bool {
    !reply.row_types.is_empty() || !reply.numbers.is_empty()
}

impl Conversation {
    /// Makes a RowDescription that is there in full fit, before it is answered by one.
    pub(super) fn redescribe(&self, header: Header, frame: &mut [u8]) {
        if let Some(reply) = self.replies.present().filter(|reply| is_redescribed(reply))
            && let Some(body) = frame.get_mut(HEADER_BYTES..header.total)
        {
            redescribe(body, reply);
        }
    }

    /// Whether a RowDescription must be there in full.
    pub(super) fn description_matters(&self, header: Header) -> bool {
        header.total <= DESCRIPTION_BYTES && self.replies.present().is_some_and(is_redescribed)
    }

    /// RowDescription.
    pub(super) fn row_description(&mut self) -> Result<Step, Violation> {
        let reply = self.replies.present();
        let hidden = reply.is_some_and(|reply| reply.injected);
        let counted = reply.is_some_and(|reply| reply.only_counts);
        let is_asked = self.replies.describes();
        let step = self.described(b'T')?;
        Ok(match () {
            () if counted && is_asked => Step::Replace(compose::message(b'n', &[])),
            () if hidden || counted => Step::Drop,
            () => step,
        })
    }

    /// CopyInResponse.
    pub(super) fn copy_in_begins(&mut self, body: &[u8]) -> Step {
        let extension = match self.replies.present().and_then(|reply| reply.copy_in.as_ref()) {
            Some(CopyIn::Extended(rows)) => Some(Extension::new(rows)),
            Some(CopyIn::Verbatim) | None => None,
        };
        let ignored = self.replies.copy_in_begins();
        self.stopwatch.syncs_ignored(ignored);
        let patched = extension.as_ref().and_then(|it| fewer_fields(body, it.fields()));
        self.extension = extension.filter(|_| self.replies.copying());
        patched.map_or(Step::Forward, Step::Replace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rewrite_rules::Notice;
    use rewrite_rules::catalog_lens::ColumnNumber;

    #[test]
    fn a_tag_keeps_its_count() {
        let renamed = |tag: &[u8], command| String::from_utf8(renamed_tag(tag, command)).unwrap();
        assert_eq!(renamed(b"INSERT 0 5\0", "COPY"), "COPY 5");
        assert_eq!(renamed(b"SELECT 12\0", "UPDATE"), "UPDATE 12");
        assert_eq!(renamed(b"SELECT 1\0", "INSERT"), "INSERT 0 1");
        assert_eq!(renamed(b"UPDATE 3\0", "TRUNCATE TABLE"), "TRUNCATE TABLE");
        let hidden = Reply { injected: true, ..Reply::default() };
        assert_eq!(tag(&hidden, b"DROP TABLE\0"), Step::Drop);
        assert_eq!(tag(&Reply { silent: true, ..Reply::default() }, b"COPY 1\0"), Step::Drop);
        assert_eq!(tag(&Reply::default(), b"COPY 1\0"), Step::Forward);
        let notice = Notice { message: "made".to_owned(), hint: "again".to_owned() };
        let noticed = Reply { notice: Some(notice), ..Reply::default() };
        let Step::Before(bytes) = tag(&noticed, b"CREATE VIEW\0") else { panic!("no notice") };
        assert_eq!(&bytes[5..], b"SNOTICE\0VNOTICE\0C00000\0Mmade\0Hagain\0\0");
    }

    #[test]
    fn the_client_is_asked_for_its_own_fields() {
        let server = b"\x01\0\x03\0\x01\0\x01\0\x01";
        let client = b"\x01\0\x02\0\x01\0\x01";
        assert_eq!(fewer_fields(server, 2), Some(compose::message(b'G', client)));
        assert_eq!(fewer_fields(server, 4), None);
        assert_eq!(fewer_fields(b"\0", 1), None);
    }

    #[test]
    fn only_the_given_columns_get_another_type_or_number() {
        let column = |name: &str, number: u8, oid: u32| {
            let head = [name.as_bytes(), b"\0\0\0\x40\0\0", &[number]].concat();
            [&head[..], &oid.to_be_bytes(), b"\xff\xff\xff\xff\xff\xff\0\0"].concat()
        };
        let body = [b"\0\x02", &column("a", 2, 2249)[..], &column("b", 6, 2249)].concat();
        let expected = [b"\0\x02", &column("a", 2, 2249)[..], &column("b", 7, 16_400)].concat();
        let number = |relation| ColumnNumber { relation, physical: 6, shown: 7 };
        let wanted = Reply {
            row_types: vec![(1, 16_400)],
            numbers: vec![number(1), number(16_384)],
            ..Reply::default()
        };
        let redescribed = |body: &[u8], reply: &Reply| {
            let mut body = body.to_vec();
            redescribe(&mut body, reply);
            body
        };
        assert_eq!(redescribed(&body, &wanted), expected);
        let unknown = Reply { row_types: vec![(0, 0)], ..Reply::default() };
        assert_eq!(redescribed(&body, &unknown), body);
        // What came is no row, but a function's column.
        let of_text = [b"\0\x02", &column("a", 2, 2249)[..], &column("b", 5, 25)].concat();
        assert_eq!(redescribed(&of_text, &wanted), of_text);
        for cut in 0..body.len() {
            assert_eq!(redescribed(&body[..cut], &wanted), body[..cut], "{cut}");
        }
    }
}
