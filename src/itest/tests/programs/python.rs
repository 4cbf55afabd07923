//! `python3 -m http.server`: an interpreter that serves each connection on a thread of its own.

use sockshim_itest::Server;

use crate::session::{DEADLINE, Session, noise};

#[test]
fn python_serves_curl() {
    let log = Session::scenario(|session| {
        let site = session.scratch.dir("site");
        session.scratch.write("site/empty", "");
        session.scratch.write("site/page.html", "<h1>page</h1>\n");
        session.scratch.write("site/large", noise(20_000_000));

        let mut python = session.command("python3", "python3");
        python.args(["-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory"]).arg(site);
        let mut server = Server::start(&mut python);
        let line = server.wait_line("Serving HTTP on 127.0.0.1 port ", DEADLINE);
        let port = line.split_whitespace().nth(5).unwrap_or_else(|| panic!("no port in {line:?}"));
        let url = |path: &str| format!("http://127.0.0.1:{port}/{path}");

        session.fetch(&[], &["page.html", "empty", "missing", "large", ""].map(url));
        session.fetch(&["--head"], &["page.html", "missing"].map(url));
        let statuses = ["--parallel", "--write-out", "status %{http_code}\n"];
        session.fetch(&statuses, &["large", "page.html", "large", "large"].map(url));

        let end = server.stop(DEADLINE);
        session.saw_end("python3", &end);
    });
    log.has("python3", &["socket", "bind", "listen", "setsockopt", "accept4", "close"]);
    log.has("curl", &["socket", "connect", "close"]);
}
