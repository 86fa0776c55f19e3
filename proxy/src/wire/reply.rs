//! Reads the few server messages that segue must understand: errors, rows of its own questions,
//! parameters. Bounded parsers on borrowed bytes; `None` for a body that is no such message.

/// The fields of an ErrorResponse or NoticeResponse, in the order sent: code and value.
#[must_use]
pub fn fields(body: &[u8]) -> Option<Vec<(u8, &[u8])>> {
    let mut fields = Vec::new();
    let mut rest = body;
    loop {
        let (&code, tail) = rest.split_first()?;
        if code == 0 {
            return tail.is_empty().then_some(fields);
        }
        let end = tail.iter().position(|byte| *byte == 0)?;
        fields.push((code, tail.get(..end)?));
        rest = tail.get(end.saturating_add(1)..)?;
    }
}

/// The value of the first field with that code.
#[must_use]
pub fn field<'a>(fields: &[(u8, &'a [u8])], code: u8) -> Option<&'a [u8]> {
    fields.iter().find(|field| field.0 == code).map(|field| field.1)
}

/// The columns of a DataRow; `None` in it for NULL.
#[must_use]
pub fn row(body: &[u8]) -> Option<Vec<Option<&[u8]>>> {
    let (count, mut rest) = body.split_first_chunk::<2>()?;
    let mut columns = Vec::new();
    for _column in 0..u16::from_be_bytes(*count) {
        let (length, tail) = rest.split_first_chunk::<4>()?;
        match usize::try_from(i32::from_be_bytes(*length)) {
            Ok(length) => {
                let (value, tail) = tail.split_at_checked(length)?;
                columns.push(Some(value));
                rest = tail;
            }
            Err(_negative) => {
                columns.push(None);
                rest = tail;
            }
        }
    }
    rest.is_empty().then_some(columns)
}

/// Name and value of a ParameterStatus.
#[must_use]
pub fn parameter(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut parts = body.split(|byte| *byte == 0);
    Some((parts.next()?, parts.next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_read_field_by_field() {
        let body = b"SERROR\0C42703\0P8\0\0";
        let expected: Vec<(u8, &[u8])> = vec![(b'S', b"ERROR"), (b'C', b"42703"), (b'P', b"8")];
        assert_eq!(fields(body), Some(expected.clone()));
        assert_eq!(field(&expected, b'C'), Some(&b"42703"[..]));
        assert_eq!(field(&expected, b'H'), None);
        for cut in 0..body.len() {
            assert_eq!(fields(&body[..cut]), None, "{cut}");
        }
        assert_eq!(fields(b"\0x"), None);
    }

    #[test]
    fn rows_are_read_column_by_column() {
        let body = b"\0\x02\0\0\0\x01a\xff\xff\xff\xff";
        assert_eq!(row(body), Some(vec![Some(&b"a"[..]), None]));
        for cut in 0..body.len() {
            assert_eq!(row(&body[..cut]), None, "{cut}");
        }
    }

    #[test]
    fn a_parameter_has_a_name_and_a_value() {
        assert_eq!(
            parameter(b"client_encoding\0UTF8\0"),
            Some((&b"client_encoding"[..], &b"UTF8"[..]))
        );
        assert_eq!(parameter(b"client_encoding"), None);
    }
}
