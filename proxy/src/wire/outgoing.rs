//! Bytes on their way out to one peer.

use bytes::{Buf, BytesMut};

/// What waits to be written. What is relayed unchanged is handed over without a copy whenever
/// nothing else waits before it, which is nearly always.
#[derive(Debug, Default)]
pub struct Outgoing {
    bytes: BytesMut,
}

impl Outgoing {
    /// Appends the first `count` bytes of `input`, which loses them.
    pub fn take(&mut self, input: &mut BytesMut, count: usize) {
        if count == 0 {
            return;
        }
        let front = input.split_to(count.min(input.len()));
        if self.bytes.is_empty() {
            self.bytes = front;
        } else {
            self.bytes.extend_from_slice(&front);
        }
    }

    /// Appends bytes of our own.
    pub fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Appends bytes of our own that nobody else needs.
    pub fn append(&mut self, bytes: BytesMut) {
        if self.bytes.is_empty() {
            self.bytes = bytes;
        } else {
            self.bytes.extend_from_slice(&bytes);
        }
    }

    /// What waits, oldest first.
    #[must_use]
    pub fn waiting(&self) -> &[u8] {
        &self.bytes
    }

    /// Forgets the first `count` bytes, which have been written. Once all are, the memory goes
    /// back to the buffer it was read into.
    pub fn written(&mut self, count: usize) {
        self.bytes.advance(count.min(self.bytes.len()));
        if self.bytes.is_empty() {
            self.bytes = BytesMut::new();
        }
    }

    /// Number of bytes that wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_leave_in_the_order_in_which_they_came() {
        let mut out = Outgoing::default();
        let mut input = BytesMut::from(&b"abcdef"[..]);
        out.take(&mut input, 2);
        out.put(b"-");
        out.take(&mut input, 3);
        assert_eq!((out.waiting(), &input[..]), (&b"ab-cde"[..], &b"f"[..]));
        out.append(BytesMut::from(&b"!"[..]));
        out.written(4);
        assert_eq!(out.waiting(), b"de!");
        out.written(3);
        assert!(out.is_empty());
        out.append(input);
        assert_eq!(out.waiting(), b"f");
    }
}
