//! Whether the library sees a program: a child makes calls, and each must be in its log.

use crate::commands::run::library;
use crate::commands::trace::event::{Event, Kind};
use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs};

/// The calls that [`make_calls`] makes, and those that Rust's library makes for it.
const EXPECTED: [&str; 12] = [
    "socket",
    "setsockopt",
    "bind",
    "listen",
    "getsockname",
    "connect",
    "accept4",
    "send",
    "recv",
    "socketpair",
    "getaddrinfo",
    "close",
];

/// What the log of the child says.
pub struct Seen {
    /// How many calls there were.
    pub calls: usize,
    /// The calls that are missing.
    pub missing: Vec<&'static str>,
    /// Calls that the kernel answered otherwise than predicted.
    pub divergences: usize,
    /// What the child, or the library in it, has written to stderr.
    pub said: String,
}

/// In the child: calls of all kinds on loopback.
///
/// # Errors
/// That of the first call that fails.
pub fn make_calls() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut client = TcpStream::connect(listener.local_addr()?)?;
    let (mut server, _) = listener.accept()?;
    client.write_all(b"sockshim")?;
    server.read_exact(&mut [0; 8])?;
    let (one, other) = UnixDatagram::pair()?;
    one.send(b"x")?;
    other.recv(&mut [0])?;
    // A number, so that no name server is asked.
    let _ = ("127.0.0.1", 80).to_socket_addrs()?;
    // The resolver is asked for what only it can tell.
    let _ = "localhost:80".to_socket_addrs();
    Ok(())
}

/// Starts the child with the library, and reads its log.
///
/// # Errors
/// There is no place for the log, or the child cannot be started.
pub fn run(library_path: &Path) -> io::Result<Seen> {
    let directory = tempfile::tempdir()?;
    let log = directory.path().join("log");
    let mut command = Command::new(env::current_exe()?);
    for (name, _) in env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"SOCKSHIM_") {
            command.env_remove(name);
        }
    }
    let preloaded = env::var_os(library::PRELOAD).unwrap_or_default();
    command.env(library::PRELOAD, library::preload(library_path, &preloaded));
    command.env("SOCKSHIM_LOG", "io").env("SOCKSHIM_LOG_FORMAT", "json").env("SOCKSHIM_LOG_FILE", &log);
    command.args(["self-test", "--child"]).stdin(Stdio::null());
    let output = command.output()?;
    let mut said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if !output.status.success() {
        said = format!("{said} ({})", output.status).trim().to_owned();
    }
    Ok(read(&fs::read(&log).unwrap_or_default(), said))
}

fn read(log: &[u8], said: String) -> Seen {
    let events: Vec<Event> =
        log.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    let calls: Vec<&Event> = events.iter().filter(|event| event.kind() == Kind::Call).collect();
    let names: BTreeSet<&str> = calls.iter().map(|event| event.name()).collect();
    Seen {
        calls: calls.len(),
        missing: EXPECTED.into_iter().filter(|call| !names.contains(call)).collect(),
        divergences: events.iter().filter(|event| event.kind() == Kind::Divergence).count(),
        said,
    }
}
