//! redis-server: an event loop with threads beside it, TCP and AF_UNIX clients, and a child that saves.

use std::process::Command;

use sockshim_itest::Server;

use crate::port::Port;
use crate::process::wait_until;
use crate::session::{DEADLINE, Session, checksum, noise};

#[test]
fn redis_serves_its_clients() {
    let log = Session::scenario(|session| {
        let port = Port::hold();
        let server = start(session, &port);
        talk(session, &tcp(&port));
        talk(session, &unix(session));
        benchmark(session, &tcp(&port), &[]);
        benchmark(session, &unix(session), &["-t", "ping,set,get"]);
        shut_down(session, &port, "nosave", server);
    });
    log.has("redis-server", &["socket", "bind", "listen", "accept4", "close", "setsockopt", "read", "write"]);
    log.has("redis-cli", &["socket", "connect"]);
    log.has("redis-benchmark", &["socket", "connect", "send", "recv"]);
}

#[test]
fn redis_keeps_what_it_saved() {
    let log = Session::scenario(|session| {
        let port = Port::hold();
        let server = start(session, &port);
        talk(session, &tcp(&port));
        save_in_the_background(session, &port);
        let saved = session.succeed(client(session, "redis-cli", &tcp(&port)).arg("save"));
        session.saw(format!("save: {saved}"));
        session.succeed(client(session, "redis-cli", &tcp(&port)).args(["set", "last", "words"]));
        shut_down(session, &port, "save", server);

        let server = start(session, &port);
        for key in ["greeting", "last"] {
            let value = session.succeed(client(session, "redis-cli", &tcp(&port)).args(["get", key]));
            session.saw(format!("after a restart, {key}: {value}"));
        }
        shut_down(session, &port, "nosave", server);
    });
    log.has("redis-server", &["socket", "bind", "listen", "accept4", "fork"]);
}

fn start(session: &Session, port: &Port) -> Server {
    let mut redis = session.command("redis-server", "redis-server");
    redis.args(["--bind", "127.0.0.1", "--port", &port.number.to_string(), "--save", ""]);
    redis.args(["--unixsocket", &unix(session)[1], "--dir"]).arg(session.scratch.path());
    let mut server = Server::start(&mut redis);
    server.wait_line("now ready to accept connections at", DEADLINE);
    server
}

/// The options with which a client connects over TCP.
fn tcp(port: &Port) -> Vec<String> {
    ["-h", "127.0.0.1", "-p", &port.number.to_string()].map(String::from).to_vec()
}

/// The options with which a client connects over AF_UNIX.
fn unix(session: &Session) -> Vec<String> {
    vec!["-s".into(), session.scratch.path().join("redis.sock").display().to_string()]
}

fn client(session: &Session, program: &str, to_server: &[String]) -> Command {
    let mut command = session.command(program, "redis-tools");
    command.args(to_server);
    command
}

/// Commands with every kind of answer, and a value that takes many reads and writes.
fn talk(session: &mut Session, to_server: &[String]) {
    let commands = "flushall\nset greeting hello\nget greeting\nincr greeting\nget nothing\n\
                    rpush list a b c\nlrange list 0 -1\nhset hash field value\nhgetall hash\nno-such-command\n";
    let output = session.run(&mut client(session, "redis-cli", to_server), commands.as_bytes());
    session.saw(format!("redis-cli: {:?} {}{}", output.status.code(), output.stdout(), output.stderr()));

    let value = noise(3_000_000);
    let output = session.run(client(session, "redis-cli", to_server).args(["-x", "set", "large"]), &value);
    session.saw(format!("set: {}", output.stdout()));
    let output = session.run(client(session, "redis-cli", to_server).args(["get", "large"]), b"");
    session.saw(format!("get: {}", checksum(&output.stdout)));
    assert_eq!(output.stdout.strip_suffix(b"\n"), Some(&value[..]), "redis returns what was set");
}

/// Runs the benchmark. Only that each of its tests finished is recorded: the numbers differ from run to run.
fn benchmark(session: &mut Session, to_server: &[String], which: &[&str]) {
    let mut benchmark = client(session, "redis-benchmark", to_server);
    let stdout = session.succeed(benchmark.args(["-q", "-n", "10000"]).args(which));
    let results = stdout.split(['\r', '\n']).filter(|line| line.contains("requests per second"));
    let names: Vec<_> = results.filter_map(|line| line.split_once(": ")).map(|(name, _)| name).collect();
    assert!(names.contains(&"SET") && names.contains(&"GET"), "not a benchmark's output: {stdout}");
    session.saw(format!("redis-benchmark: {names:?}"));
}

/// Has the server fork a child that writes the file.
fn save_in_the_background(session: &mut Session, port: &Port) {
    session.succeed(client(session, "redis-cli", &tcp(port)).arg("bgsave"));
    let info = || session.succeed(client(session, "redis-cli", &tcp(port)).args(["info", "persistence"]));
    wait_until("redis has saved", || info().contains("rdb_bgsave_in_progress:0"));
    let info = info();
    let status = info.lines().find(|line| line.starts_with("rdb_last_bgsave_status")).unwrap_or_default();
    session.saw(status);
}

fn shut_down(session: &mut Session, port: &Port, how: &str, server: Server) {
    session.succeed(client(session, "redis-cli", &tcp(port)).args(["shutdown", how]));
    let end = server.join(DEADLINE);
    session.saw_end("redis-server", &end);
}
