//! A client that does next to nothing, so that what is measured is what is in between.

use std::io::{Read, Write};
use std::net::TcpStream;

use segue::cluster::SUPERUSER;

use crate::fault::Fault;

/// Room for what is read at once. Unit: bytes.
const ROOM: usize = 256 * 1024;

/// Bytes of a message's type and length.
const HEADER: usize = 5;

/// A connection, logged in.
#[derive(Debug)]
pub(crate) struct Raw {
    stream: TcpStream,
}

impl Raw {
    pub(crate) fn connect(port: u16, database: &str) -> Result<Self, Fault> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        let mut raw = Self { stream };
        let parameters = format!("user\0{SUPERUSER}\0database\0{database}\0\0");
        let mut startup = Vec::new();
        startup.extend_from_slice(&length(parameters.len() + 8)?);
        startup.extend_from_slice(&196_608_i32.to_be_bytes());
        startup.extend_from_slice(parameters.as_bytes());
        raw.stream.write_all(&startup)?;
        raw.until(b'Z')?;
        Ok(raw)
    }

    /// Runs a text to its end; the number of bytes that came.
    pub(crate) fn query(&mut self, text: &str) -> Result<u64, Fault> {
        self.send(text)?;
        self.until(b'Z')
    }

    /// Runs `COPY … FROM STDIN` with the same rows again and again; the number of bytes that went.
    pub(crate) fn copy_in(&mut self, text: &str, rows: &[u8], times: u32) -> Result<u64, Fault> {
        self.send(text)?;
        self.until(b'G')?;
        let mut message = vec![b'd'];
        message.extend_from_slice(&length(rows.len() + 4)?);
        message.extend_from_slice(rows);
        for _ in 0..times {
            self.stream.write_all(&message)?;
        }
        self.stream.write_all(&[b'c', 0, 0, 0, 4])?;
        self.until(b'Z')?;
        Ok(u64::try_from(rows.len()).unwrap_or(0) * u64::from(times))
    }

    fn send(&mut self, text: &str) -> Result<(), Fault> {
        let mut message = vec![b'Q'];
        message.extend_from_slice(&length(text.len() + 5)?);
        message.extend_from_slice(text.as_bytes());
        message.push(0);
        Ok(self.stream.write_all(&message)?)
    }

    /// Reads up to a message of that type. An error that the server tells is one.
    fn until(&mut self, last: u8) -> Result<u64, Fault> {
        let mut room = vec![0; ROOM];
        let (mut held, mut came) = (0, 0_u64);
        let mut skip = 0_usize;
        loop {
            let count = self.stream.read(room.get_mut(held..).unwrap_or_default())?;
            if count == 0 {
                return Err(Fault::of("the connection was closed"));
            }
            came += u64::try_from(count).unwrap_or(0);
            held += count;
            let mut at = skip.min(held);
            skip -= at;
            while let Some(header) = room.get(at..held).and_then(|it| it.get(..HEADER)) {
                let [kind, a, b, c, d] = header else { break };
                let total = 1 + usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])).unwrap_or(0);
                if *kind == b'E' {
                    let text = room.get(at..held).unwrap_or_default();
                    return Err(Fault::of(String::from_utf8_lossy(text).replace('\0', " ")));
                }
                if *kind == last {
                    // The next answer must begin at its beginning.
                    if at + total <= held {
                        return Ok(came);
                    }
                    break;
                }
                skip = (at + total).saturating_sub(held);
                at = (at + total).min(held);
            }
            room.copy_within(at..held, 0);
            held -= at;
        }
    }
}

fn length(bytes: usize) -> Result<[u8; 4], Fault> {
    Ok(i32::try_from(bytes).map_err(Fault::of)?.to_be_bytes())
}
