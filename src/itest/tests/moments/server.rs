//! A long-lived server.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use sockshim_itest::{RunLevel, command};

use crate::program;

/// `scripts/soak.sh` makes a million.
const CONNECTIONS: usize = 20_000;
/// How much private memory it may have gained in the last three quarters, in KiB: 35 bytes per connection.
const SLACK: i64 = 512;

#[test]
fn memory_stays_flat() {
    for level in [RunLevel::Off, RunLevel::Io] {
        let echo = program("echo", &[]);
        let mut server = command(level, None, &echo);
        server.args(["server", &CONNECTIONS.to_string(), &(CONNECTIONS / 4).to_string()]);
        // A file that accepts everything at once: other tests have slow readers.
        server.env("SOCKSHIM_LOG_FILE", "/dev/null").stdout(Stdio::piped());
        let mut server = server.spawn().expect("the server");
        let mut lines = BufReader::new(server.stdout.take().expect("stdout is a pipe")).lines();
        let mut line = || lines.next().expect("a line").expect("a line of text");
        let port = line().strip_prefix("port ").expect("the port").to_string();
        let mut client = command(RunLevel::Native, None, &echo);
        let mut client =
            client.args(["client", &port, &CONNECTIONS.to_string()]).spawn().expect("the client");
        let samples: Vec<i64> = (0..4)
            .map(|_| line().split(' ').nth(1).and_then(|kib| kib.parse().ok()).expect("a sample"))
            .collect();
        assert!(client.wait().expect("the client's end").success());
        assert!(server.wait().expect("the server's end").success());
        assert!(samples[3] - samples[0] <= SLACK, "{level:?}: {samples:?}");
    }
    assert!(fs::metadata("/dev/null").is_ok_and(|null| !null.is_file()));
}
