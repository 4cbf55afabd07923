//! What a process sends: lines, until it ends.

use super::order::{LAG, Order};
use super::waits;
use rustix::io::Errno;
use rustix::net::sockopt::socket_peercred;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::str::FromStr;
use std::time::Instant;

/// The longest line. The library writes shorter ones; who sends more is no writer of it.
const LONGEST: usize = 64 * 1024;

/// A process that sends.
pub struct Sender {
    /// Where from.
    pub stream: UnixStream,
    /// The beginning of a line.
    rest: Vec<u8>,
    /// The time of its last event, or the time until which it has none, in microseconds.
    pub until: u64,
    /// When it has sent something last.
    pub heard: Instant,
    /// The process's number, as it calls itself, once it has sent a line.
    pid: Option<i32>,
    /// The number of the writer, which is another process.
    writer: i32,
}

impl Sender {
    /// A process that has come.
    pub fn new(stream: UnixStream) -> Sender {
        let writer = socket_peercred(&stream).map_or(0, |peer| peer.pid.as_raw_pid());
        Sender { stream, rest: Vec::new(), until: 0, heard: Instant::now(), pid: None, writer }
    }

    /// The process's number, as it calls itself.
    pub fn number(&self) -> Option<i32> {
        self.pid
    }

    /// The process, if `/proc` knows it by that number.
    pub fn process(&self) -> Option<i32> {
        waits::program_of(self.writer, self.pid?)
    }

    /// Takes what was sent by now. Whether there may be more later, and how many lines were no lines.
    pub fn read(&mut self, order: &mut Order, buffer: &mut [u8], now: u64) -> (bool, u64) {
        let read = rustix::io::read(self.stream.as_fd(), &mut *buffer);
        self.rest.extend_from_slice(&buffer[..read.unwrap_or(0)]);
        if read.is_ok() {
            self.heard = Instant::now();
        }
        let whole = self.rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        for line in self.rest[..whole].split_inclusive(|byte| *byte == b'\n') {
            self.until = time_of(line).unwrap_or(self.until);
            self.pid = self.pid.or_else(|| number(line, b"\"pid\":"));
            order.push(self.until, line.to_vec());
        }
        self.rest.drain(..whole);
        let goes_on = match read {
            Ok(0) => false,
            Err(Errno::AGAIN | Errno::INTR) => {
                self.until = self.until.max(now.saturating_sub(LAG));
                true
            }
            Err(_) => false,
            Ok(_) => self.rest.len() <= LONGEST,
        };
        // A writer that was killed may have left the beginning of a line.
        (goes_on, u64::from(!goes_on && !self.rest.is_empty()))
    }
}

/// The time of a line, in microseconds. Every line has it among its first fields.
fn time_of(line: &[u8]) -> Option<u64> {
    let seconds: f64 = number(line, b"\"ts\":")?;
    Some((seconds * 1e6).round() as u64)
}

/// The number behind a key among the first fields of a line.
fn number<T: FromStr>(line: &[u8], key: &[u8]) -> Option<T> {
    let at = line.get(..64.min(line.len()))?.windows(key.len()).position(|window| window == key)? + key.len();
    let text = line[at..].split(|byte| matches!(byte, b',' | b'}')).next()?;
    str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_has_its_time() {
        assert_eq!(time_of(br#"{"v":1,"ts":1796064102.321295,"pid":1}"#), Some(1_796_064_102_321_295));
        assert_eq!(number(br#"{"v":1,"ts":1796064102.321295,"pid":17}"#, b"\"pid\":"), Some(17));
        assert_eq!(time_of(br#"{"v":1}"#), None);
        assert_eq!(time_of(b""), None);
    }
}
