//! nginx: a master that is root and a worker that is not, sendfile, keep-alive, a reload; as a daemon and in the
//! foreground.

use std::fs;
use std::process::Command;

use sockshim_itest::Server;

use crate::log::Log;
use crate::port::Port;
use crate::process::{Daemon, children, launch, must_be_root, runs, signal, user_of, wait_until};
use crate::session::{DEADLINE, Session, noise};

#[test]
fn nginx_in_the_foreground() {
    let log = Session::scenario(|session| {
        let port = prepare(session, "daemon off;");
        let server = Server::start(&mut nginx(session));
        serve(session, "daemon off;", &port, server.pid());
        let end = server.stop(DEADLINE);
        session.saw_end("nginx", &end);
    });
    has_what_nginx_does(&log);
}

#[test]
fn nginx_as_a_daemon() {
    let log = Session::scenario(|session| {
        let port = prepare(session, "daemon on;");
        launch(&mut nginx(session));
        let daemon = Daemon(pid(session));
        serve(session, "daemon on;", &port, daemon.0);
        signal(daemon.0, libc::SIGTERM);
        wait_until("the daemon has ended", || !runs(daemon.0));
        session.saw(format!("pid file left: {}", session.scratch.path().join("pid").exists()));
    });
    has_what_nginx_does(&log);
}

fn has_what_nginx_does(log: &Log) {
    log.has(
        "nginx",
        &["socket", "bind", "listen", "accept4", "close", "socketpair", "setsockopt", "sendfile64", "fork"],
    );
    log.has("curl", &["socket", "connect"]);
}

/// Makes the site and the configuration.
fn prepare(session: &Session, daemon: &str) -> Port {
    must_be_root("nginx gives up root in its worker");
    session.scratch.write("site/empty", "");
    session.scratch.write("site/page", noise(300_000));
    session.scratch.write("site/large", noise(20_000_000));
    let port = Port::hold();
    configure(session, daemon, &port, 1);
    port
}

/// Writes a configuration that uses nothing of the machine's: no log, no pid file, no module.
fn configure(session: &Session, daemon: &str, port: &Port, generation: u32) {
    let number = port.number;
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary = temporary.map(|name| format!("{name}_temp_path tmp_{name};")).join(" ");
    let configuration = format!(
        "{daemon}
         worker_processes 1;
         user www-data;
         pid pid;
         error_log error.log;
         events {{ worker_connections 64; }}
         http {{
             access_log off;
             sendfile on;
             {temporary}
             server {{
                 listen 127.0.0.1:{number};
                 root site;
                 location = /generation {{ return 200 \"generation {generation}\"; }}
             }}
         }}\n"
    );
    session.scratch.write("nginx.conf", configuration);
}

fn nginx(session: &Session) -> Command {
    let mut nginx = session.command("nginx", "nginx-light");
    let prefix = session.scratch.path();
    nginx.arg("-p").arg(prefix).arg("-e").arg(prefix.join("error.log")).args(["-c", "nginx.conf"]);
    nginx
}

fn pid(session: &Session) -> u32 {
    let path = session.scratch.path().join("pid");
    let read = || fs::read_to_string(&path).ok()?.trim().parse().ok();
    wait_until("nginx has written its pid", || read().is_some());
    read().expect("the pid was there a moment ago")
}

/// The requests to a running server, before and after a reload.
fn serve(session: &mut Session, daemon: &str, port: &Port, master: u32) {
    let worker = wait_for_worker(master, None);
    session.saw(format!("the worker is www-data: {}", user_of(worker) == Some(www_data())));
    fetch_everything(session, port);

    configure(session, daemon, port, 2);
    signal(master, libc::SIGHUP);
    let worker = wait_for_worker(master, Some(worker));
    session.saw(format!("the new worker is www-data: {}", user_of(worker) == Some(www_data())));
    fetch_everything(session, port);
}

fn fetch_everything(session: &mut Session, port: &Port) {
    let url = |path: &str| format!("http://127.0.0.1:{}/{path}", port.number);
    // One curl means one connection, kept alive.
    session.fetch(&[], &["generation", "empty", "page", "missing", "large"].map(url));
    session.fetch(&["--head"], &["page", "missing"].map(url));
}

/// Waits until the master has exactly one worker that has given up root, and it is not the one from before a reload.
fn wait_for_worker(master: u32, before: Option<u32>) -> u32 {
    let worker = || match children(master)[..] {
        [worker] if Some(worker) != before && user_of(worker) != Some(0) => Some(worker),
        _ => None,
    };
    wait_until("nginx has its worker", || worker().is_some());
    worker().expect("the worker was there a moment ago")
}

fn www_data() -> u32 {
    let users = fs::read_to_string("/etc/passwd").expect("/etc/passwd");
    let line = users.lines().find_map(|line| line.strip_prefix("www-data:"));
    let id = line.and_then(|line| line.split(':').nth(1)?.parse().ok());
    id.expect("Debian has a user www-data")
}
