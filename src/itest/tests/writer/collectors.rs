//! `SOCKSHIM_LOG_FILE` as the socket of a collector.

use std::io::{ErrorKind, Read};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;
use sockshim_itest::{RunLevel, Scratch};

use crate::steps::Steps;
use crate::{count, logged, parsed, program, succeeds};

/// Takes datagrams until none has come for some time after the summaries of so many processes.
fn datagrams(socket: UnixDatagram, processes: usize) -> JoinHandle<Vec<Value>> {
    socket.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
    thread::spawn(move || {
        let mut events: Vec<Value> = Vec::new();
        let mut buffer = [0; 65_536];
        while count(&events, "summary") < processes {
            let length = socket.recv(&mut buffer).expect("another datagram");
            let event = serde_json::from_slice(&buffer[..length]);
            events.push(event.unwrap_or_else(|error| {
                panic!("{error}: {}", String::from_utf8_lossy(&buffer[..length]));
            }));
        }
        events
    })
}

/// Takes connections until so many have ended; what each sent is whole lines.
fn streams(listener: UnixListener, connections: usize) -> JoinHandle<Vec<Value>> {
    thread::spawn(move || {
        let readers: Vec<_> = (0..connections)
            .map(|_| {
                let (mut connection, _) = listener.accept().expect("a connection");
                thread::spawn(move || {
                    let mut bytes = Vec::new();
                    connection.read_to_end(&mut bytes).expect("the connection");
                    parsed(&bytes)
                })
            })
            .collect();
        readers.into_iter().flat_map(|reader| reader.join().expect("a reader")).collect()
    })
}

fn check(events: &[Value]) {
    assert_eq!(
        (count(events, "getsockname"), count(events, "summary"), count(events, "dropped")),
        (1200, 4, 0)
    );
}

#[test]
fn datagrams_are_lines() {
    let scratch = Scratch::new();
    let path = scratch.path().join("collector");
    let events = datagrams(UnixDatagram::bind(&path).expect("a socket"), 4);
    let mut command = logged(RunLevel::Io, program("stress/lines"), &format!("unix:{}", path.display()));
    succeeds(command.args(["4", "300"]));
    check(&events.join().expect("the collector"));
}

#[test]
fn streams_have_whole_lines() {
    let scratch = Scratch::new();
    let path = scratch.path().join("collector");
    // The parent's own, for its forks, and four.
    let events = streams(UnixListener::bind(&path).expect("a socket"), 5);
    let mut command = logged(RunLevel::Io, program("stress/lines"), &format!("unix:{}", path.display()));
    succeeds(command.args(["4", "300"]));
    check(&events.join().expect("the collector"));
}

#[test]
fn names_may_be_abstract() {
    let name = format!("sockshim-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).expect("an address");
    let events = datagrams(UnixDatagram::bind_addr(&address).expect("a socket"), 4);
    let mut command = logged(RunLevel::Io, program("stress/lines"), &format!("unix:@{name}"));
    succeeds(command.args(["4", "300"]));
    check(&events.join().expect("the collector"));
}

/// A name without a directory is one where the program was started.
#[test]
fn relative_socket_stays_the_same() {
    let (here, there) = (Scratch::new(), Scratch::new());
    let socket = UnixDatagram::bind(here.path().join("collector")).expect("a socket");
    let events = datagrams(socket, 2);
    let mut command = logged(RunLevel::Call, program("stress/steps"), "unix:collector");
    let mut program = Steps::start(command.current_dir(here.path()));
    program.step(&format!("chdir {}", there.path().display()));
    program.step("fork");
    program.step("-");
    assert_eq!(program.end(), "");
    assert_eq!(count(&events.join().expect("the collector"), "getsockname"), 3);
}

/// A collector that is not there yet, goes, and comes again.
#[test]
fn collector_may_come_and_go() {
    let scratch = Scratch::new();
    let path = scratch.path().join("collector");
    let mut command = logged(RunLevel::Call, program("stress/steps"), &format!("unix:{}", path.display()));
    let mut program = Steps::start(&mut command);
    (0..3).for_each(|_| program.step("-"));
    let mut logs = Vec::new();
    for round in 0..3 {
        let listener = UnixListener::bind(&path).expect("a socket");
        listener.set_nonblocking(true).expect("a listener");
        let mut connection = None;
        program.step_until("a connection", || {
            connection = match listener.accept() {
                Ok((connection, _)) => Some(connection),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::WouldBlock);
                    None
                }
            };
            connection.is_some()
        });
        let mut connection = connection.expect("a connection");
        connection.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
        // What comes from now on comes in whole lines, also where the collector leaves.
        let mut bytes = Vec::new();
        let mut buffer = [0; 4096];
        while bytes.iter().filter(|byte| **byte == b'\n').count() < 3 {
            program.step("-");
            let length = connection.read(&mut buffer).expect("lines");
            bytes.extend_from_slice(&buffer[..length]);
        }
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        logs.push(parsed(&bytes[..whole]));
        assert!(count(&logs[round], "getsockname") > 0, "{logs:#?}");
        drop((listener, connection));
        std::fs::remove_file(&path).expect("the socket");
        program.step("-");
    }
    assert!(program.end().lines().count() <= 1);
}
