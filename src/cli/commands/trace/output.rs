//! Where the trace goes. A thread of its own writes, so that a slow reader holds up neither the collector nor, behind it, the
//! programs.

use crossbeam_channel::{Receiver, Sender, unbounded};
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

/// How much is written at once.
const CHUNK: usize = 64 * 1024;
/// How many bytes may wait for a reader.
const MOST: usize = 64 * 1024 * 1024;

/// What is written to.
type Sink = Box<dyn Write + Send>;

/// The output.
pub struct Output {
    chunk: Vec<u8>,
    /// How many events are in the chunk.
    events: u64,
    lost: u64,
    sender: Sender<Vec<u8>>,
    /// How many bytes wait.
    bytes: Arc<AtomicUsize>,
    /// Until the thread has them.
    waiting: Option<(Sink, Receiver<Vec<u8>>)>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Output {
    /// An output that goes there.
    pub fn new(to: Sink) -> Output {
        let (sender, receiver) = unbounded();
        let (chunk, bytes) = (Vec::with_capacity(CHUNK), Arc::default());
        Output { chunk, events: 0, lost: 0, sender, bytes, waiting: Some((to, receiver)), thread: None }
    }

    /// Begins to write. Signals must be blocked: a thread that took SIGCHLD would hide it from whoever waits for the program.
    ///
    /// # Errors
    /// No thread can be made.
    pub fn start(&mut self) -> io::Result<()> {
        let Some((mut to, receiver)) = self.waiting.take() else { return Ok(()) };
        let bytes = Arc::clone(&self.bytes);
        self.thread = Some(thread::Builder::new().name("output".into()).spawn(move || {
            let mut result = Ok(());
            // After an error the rest is taken and not written: nobody must wait for it.
            for chunk in receiver {
                if result.is_ok() {
                    result = to.write_all(&chunk).and_then(|()| to.flush());
                }
                bytes.fetch_sub(chunk.len(), Ordering::Relaxed);
            }
            result
        })?);
        Ok(())
    }

    /// Writes an event.
    pub fn event(&mut self, bytes: &[u8]) {
        self.chunk.extend_from_slice(bytes);
        self.events += 1;
        if self.chunk.len() >= CHUNK {
            self.flush();
        }
    }

    /// Hands on what there is. What has no room is lost.
    pub fn flush(&mut self) {
        if self.chunk.is_empty() {
            return;
        }
        let chunk = std::mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK));
        if self.bytes.load(Ordering::Relaxed) + chunk.len() > MOST {
            self.lost += self.events;
        } else {
            self.hand_on(chunk);
        }
        self.events = 0;
    }

    fn hand_on(&self, chunk: Vec<u8>) {
        self.bytes.fetch_add(chunk.len(), Ordering::Relaxed);
        // The thread takes all, also after an error.
        let _ = self.sender.send(chunk);
    }

    /// How many events had no room.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Writes the last text, and waits until everything is written.
    ///
    /// # Errors
    /// What the output has reported.
    pub fn end(mut self, last: &[u8]) -> io::Result<()> {
        self.flush();
        if !last.is_empty() {
            self.hand_on(last.to_vec());
        }
        drop(self.sender);
        let failed = |_| Err(io::Error::other("the writing thread has failed"));
        self.thread.map_or(Ok(()), |thread| thread.join().unwrap_or_else(failed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{self, channel};

    /// An output that takes nothing until it is told to.
    struct Held(mpsc::Receiver<()>, Vec<u8>, mpsc::Sender<Vec<u8>>);

    impl Write for Held {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            self.1.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Drop for Held {
        fn drop(&mut self) {
            let _ = self.2.send(std::mem::take(&mut self.1));
        }
    }

    #[test]
    fn a_reader_that_waits_holds_nobody_up_and_what_is_lost_is_counted() {
        let (go, wait) = channel();
        let (written, result) = channel();
        let mut output = Output::new(Box::new(Held(wait, Vec::new(), written)));
        output.start().expect("a thread");
        // Many small pieces are no more than their bytes.
        for _ in 0..3000 {
            output.event(b"x");
            output.flush();
        }
        assert_eq!(output.lost(), 0);
        let (event, events) = ([b'x'; CHUNK], MOST / CHUNK + 9);
        (0..events).for_each(|_| output.event(&event));
        assert_eq!(output.lost(), 10);
        let lost = output.lost() as usize;
        drop(go);
        output.end(b"end").expect("it is written");
        let written = result.recv().expect("what was written");
        assert_eq!(written.len(), 3000 + (events - lost) * CHUNK + 3);
        assert!(written.ends_with(b"xend"));
    }

    #[test]
    fn an_error_is_told_at_the_end() {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("it is there");
        let mut output = Output::new(Box::new(full));
        output.start().expect("a thread");
        (0..10).for_each(|_| output.event(&[b'x'; CHUNK]));
        assert_eq!(output.end(b"end").map_err(|error| error.raw_os_error()), Err(Some(libc::ENOSPC)));
    }
}
