//! Rows put into CopyData messages of our own: where the client cut them means nothing.

use bytes::{BufMut, BytesMut};

use crate::wire::frame::HEADER_BYTES;

/// Longest body of a message. As much as is read at once, so that a usual piece of the client's
/// stays one. Unit: bytes.
const BODY_BYTES: usize = 64 * 1024;

/// Messages that are being put together.
#[derive(Debug, Default)]
pub(super) struct Frames {
    bytes: BytesMut,
    /// Where the last message begins, if it may be added to.
    open: Option<usize>,
}

impl Frames {
    /// Adds bytes of rows.
    pub(super) fn put(&mut self, mut data: &[u8]) {
        while !data.is_empty() {
            let start = self.opened();
            let used = self.bytes.len().saturating_sub(start.saturating_add(HEADER_BYTES));
            let room = BODY_BYTES.saturating_sub(used);
            let (head, tail) = data.split_at_checked(room).unwrap_or((data, &[]));
            self.bytes.put_slice(head);
            data = tail;
            if head.len() == room {
                self.end_message();
            }
        }
    }

    /// The messages so far, whole.
    pub(super) fn close(&mut self) -> BytesMut {
        self.end_message();
        self.bytes.split()
    }

    fn opened(&mut self) -> usize {
        if let Some(start) = self.open {
            return start;
        }
        let start = self.bytes.len();
        self.bytes.put_slice(b"d\0\0\0\0");
        self.open = Some(start);
        start
    }

    fn end_message(&mut self) {
        let Some(start) = self.open.take() else { return };
        // The type byte is not counted.
        let length = self.bytes.len().saturating_sub(start.saturating_add(1));
        let length = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
        let from = start.saturating_add(1);
        if let Some(slot) = self.bytes.get_mut(from..from.saturating_add(length.len())) {
            slot.copy_from_slice(&length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_whole_and_no_longer_than_they_may_be() {
        let mut frames = Frames::default();
        assert!(frames.close().is_empty());
        frames.put(b"ab");
        frames.put(b"c");
        assert_eq!(&frames.close()[..], b"d\0\0\0\x07abc");
        frames.put(&vec![b'x'; BODY_BYTES]);
        frames.put(b"y");
        let bytes = frames.close();
        assert_eq!(&bytes[..6], b"d\0\x01\0\x04x");
        assert_eq!(&bytes[HEADER_BYTES + BODY_BYTES..], b"d\0\0\0\x05y");
        frames.put(b"z");
        assert_eq!(&frames.close()[..], b"d\0\0\0\x05z");
    }
}
