//! socat on both ends: an echo over TCP, UDP and AF_UNIX. The server forks a child for each peer, which runs `cat`
//! behind a socketpair.

use sockshim_itest::Server;

use crate::log::Log;
use crate::process::wait_until;
use crate::session::{DEADLINE, Session, checksum, ended, noise};

#[test]
fn tcp_echo() {
    let log = echo("TCP-LISTEN:0,bind=127.0.0.1,reuseaddr,fork", "TCP:127.0.0.1", 1_000_000);
    log.has("socat", &["socket", "bind", "listen", "connect", "socketpair", "shutdown"]);
    accepts_both(&log);
}

#[test]
fn udp_echo() {
    // One datagram, because more could be dropped, and the client detects the end of the answer only by its length.
    let log = echo("UDP-LISTEN:0,bind=127.0.0.1,reuseaddr,fork", "UDP:127.0.0.1", 8000);
    log.has("socat", &["socket", "bind", "connect", "socketpair"]);
}

#[test]
fn unix_echo() {
    let log = echo("UNIX-LISTEN:", "UNIX-CONNECT:", 1_000_000);
    log.has("socat", &["socket", "bind", "listen", "connect", "socketpair", "shutdown"]);
    accepts_both(&log);
}

/// Checks that the server accepted two clients, one after the other. Which accept call it uses depends on its build.
fn accepts_both(log: &Log) {
    let accepted = log.count("socat", "accept") + log.count("socat", "accept4");
    assert_eq!(accepted, 2, "successful accepts of two connections");
}

fn echo(listen: &str, connect: &str, size: usize) -> Log {
    Session::scenario(|session| {
        let path = session.scratch.path().join("socket").display().to_string();
        let unix = listen.starts_with("UNIX");
        let listen = if unix { format!("{listen}{path},fork") } else { listen.to_string() };
        let mut command = session.command("socat", "socat");
        // Its progress messages contain the port that the kernel chose. -t 120: after the end of one direction it
        // waits for the other, by default only half a second.
        let server = Server::start(command.args(["-d", "-d", "-t", "120", &listen, "EXEC:cat"]));
        let line =
            || server.stderr_so_far().lines().find(|line| line.contains("listening on")).map(String::from);
        wait_until("socat listens", || line().is_some());
        let line = line().unwrap_or_default();
        let peer = match line.rsplit_once(':') {
            Some((_, port)) if !unix => format!("{connect}:{port}"),
            _ => format!("{connect}{path}"),
        };

        let data = noise(size);
        // UDP has no end of file to wait for.
        let peer = if listen.starts_with("UDP") { format!("{peer},readbytes={size}") } else { peer };
        for _ in 0..2 {
            let mut client = session.command("socat", "socat");
            let output = session.run(client.args(["-t", "120", "-", &peer]), &data);
            session.saw(format!("client: {} {}", ended(output.status), output.stderr()));
            session.saw(checksum(&output.stdout));
            assert_eq!(checksum(&output.stdout), checksum(&data), "an echo is what was sent");
        }

        let end = server.stop(DEADLINE);
        session.saw_end("socat", &end);
    })
}
