//! `c-tests/http.c` is an HTTP server natively and under the shim, and the log shows its calls.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::fs::symlink;
use std::time::Duration;

use serde_json::Value;
use sockshim_itest::{RunLevel, Scratch, Server, by_call, cc, command, events};

const DEADLINE: Duration = Duration::from_secs(60);

/// A running `http` over a directory of its own.
struct Http {
    server: Server,
    port: u16,
    log: Scratch,
    _files: Scratch,
}

impl Http {
    fn start(level: RunLevel) -> Self {
        let files = Scratch::new();
        let root = files.dir("root");
        files.write("secret.txt", "outside of the root\n");
        files.write("root/index.html", "<p>the index\n");
        files.write("root/a file.txt", "with a space\n");
        files.write("root/sub/index.html", "<p>below\n");
        files.write("root/large.bin", vec![b'x'; 3_000_000]);
        files.dir("root/empty");
        symlink("../secret.txt", root.join("escape")).expect("a symbolic link");
        symlink("index.html", root.join("inside.html")).expect("a symbolic link");

        let log = Scratch::new();
        let mut command = command(level, Some(log.path()), cc("http.c", &[]));
        let mut server = Server::start(command.arg("0").arg(&root));
        let port = server.wait_port(DEADLINE);
        Self { server, port, log, _files: files }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the server listens");
        stream.set_read_timeout(Some(DEADLINE)).expect("a timeout");
        stream
    }

    /// Sends bytes and reads the whole response.
    fn exchange(&self, request: &[u8]) -> Response {
        let mut stream = self.connect();
        stream.write_all(request).expect("the server reads");
        Response::read(stream)
    }

    fn get(&self, target: &str) -> Response {
        self.exchange(format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes())
    }

    /// Stops the server, which must exit cleanly, and returns its log.
    fn stop(self) -> Vec<Value> {
        let output = self.server.stop(DEADLINE);
        assert!(!output.timed_out, "the server ends on SIGTERM");
        assert_eq!(output.status.code(), Some(0), "{}", output.stderr());
        assert_eq!(output.stderr(), "");
        assert_eq!(output.stdout(), format!("listening on 127.0.0.1:{}\n", self.port));
        events(self.log.path())
    }
}

struct Response {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Response {
    fn read(mut stream: TcpStream) -> Self {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("the response ends");
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no head in {:?}", String::from_utf8_lossy(&bytes)));
        let head = String::from_utf8(bytes[..end].to_vec()).expect("a head is ASCII");
        let status = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no status in {head:?}"));
        Self { status, head, body: bytes[end + 4..].to_vec() }
    }

    fn field(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(field, _)| *field == name).map(|(_, value)| value).next()
    }

    /// Checks the status, and that the header describes the body.
    #[track_caller]
    fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.head);
        assert_eq!(self.field("Content-Length"), Some(self.body.len().to_string().as_str()), "{}", self.head);
        assert_eq!(self.field("Connection"), Some("close"), "{}", self.head);
        assert!(self.field("Content-Type").is_some(), "{}", self.head);
        self
    }
}

fn files(http: &Http) {
    let index = http.get("/").expect(200);
    assert_eq!(index.body, b"<p>the index\n");
    assert_eq!(index.field("Content-Type"), Some("text/html; charset=utf-8"));
    for target in
        ["/index.html", "/index.html?query=/../x", "//index.html", "/inside.html", "/sub/../index.html"]
    {
        assert_eq!(http.get(target).expect(200).body, b"<p>the index\n", "{target}");
    }
    assert_eq!(http.get("http://localhost/index.html").expect(200).body, b"<p>the index\n");
    assert_eq!(http.get("http://localhost").expect(200).body, b"<p>the index\n");
    for target in ["/sub", "/sub/", "/%73ub/"] {
        let below = http.get(target).expect(200);
        assert_eq!(below.body, b"<p>below\n", "{target}");
        assert_eq!(below.field("Content-Type"), Some("text/html; charset=utf-8"), "{target}");
    }
    let spaced = http.get("/a%20file.txt").expect(200);
    assert_eq!(spaced.body, b"with a space\n");
    assert_eq!(spaced.field("Content-Type"), Some("text/plain; charset=utf-8"));
    let large = http.get("/large.bin").expect(200);
    assert!(large.body.len() == 3_000_000 && large.body.iter().all(|byte| *byte == b'x'));
    assert_eq!(large.field("Content-Type"), Some("application/octet-stream"));
    for target in ["/missing", "/empty", "/index.html/", "/large.bin/x"] {
        http.get(target).expect(404);
    }
}

fn methods(http: &Http) {
    for (target, status, length) in [("/index.html", 200, "13"), ("/missing", 404, "14")] {
        let head = http.exchange(format!("HEAD {target} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes());
        assert_eq!(
            (head.status, head.field("Content-Length"), head.body.len()),
            (status, Some(length), 0),
            "{target}"
        );
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "get"] {
        let refused = http.exchange(format!("{method} / HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).expect(405);
        assert_eq!(refused.field("Allow"), Some("GET, HEAD"), "{method}");
    }
    // A body that the server does not read must not cost the client its response.
    let mut upload = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n".to_vec();
    upload.resize(upload.len() + 500_000, b'b');
    http.exchange(&upload).expect(405);
}

fn bad_requests(http: &Http) {
    let bad: [&[u8]; 14] = [
        b"GET\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP\r\n\r\n",
        b"GET / HTTP/1\r\n\r\n",
        b"GET / http/1.1\r\nHost: x\r\n\r\n",
        b"GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1 \r\nHost: x\r\n\r\n",
        b"G(T / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\r\n\r\n",
    ];
    for request in bad {
        let response = http.exchange(request);
        assert_eq!(response.status, 400, "{:?}", String::from_utf8_lossy(request));
    }
    for target in ["index.html", "*", "/%", "/%2", "/%zz", "/%00", "/index.html%00.txt"] {
        http.get(target).expect(400);
    }
    for version in ["HTTP/0.9", "HTTP/2.0", "HTTP/9.9"] {
        http.exchange(format!("GET / {version}\r\nHost: x\r\n\r\n").as_bytes()).expect(505);
    }
    http.exchange(b"GET / HTTP/1.0\r\n\r\n").expect(200);
    http.exchange(b"GET / HTTP/1.1\nhOsT: x\n\n").expect(200);
    let padding = "x".repeat(20_000);
    http.exchange(format!("GET / HTTP/1.1\r\nHost: x\r\nPadding: {padding}\r\n\r\n").as_bytes()).expect(431);
    http.exchange(format!("GET /{padding} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).expect(431);
}

fn escapes(http: &Http) {
    let escapes = [
        "/../secret.txt",
        "/sub/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/%2E%2E%2Fsecret.txt",
        "/escape",
        "/sub/../escape",
        "//etc/passwd",
        "/%2fetc/passwd",
        "/..",
        "/../root/index.html",
    ];
    for target in escapes {
        let response = http.get(target).expect(404);
        assert!(!response.body.starts_with(b"outside") && !response.body.starts_with(b"root:"), "{target}");
    }
}

fn streams(http: &Http) {
    // A request may arrive in any number of parts.
    let mut split = http.connect();
    split.set_nodelay(true).expect("no delay");
    for byte in b"GET /sub/ HTTP/1.1\r\nHost: x\r\n\r\n" {
        split.write_all(&[*byte]).expect("the server reads");
    }
    assert_eq!(Response::read(split).expect(200).body, b"<p>below\n");

    // Half a request, followed by the end of the connection.
    let mut half = http.connect();
    half.write_all(b"GET / HTTP/1.1\r\nHost:").expect("the server reads");
    half.shutdown(Shutdown::Write).expect("a connection");
    Response::read(half).expect(400);

    // Clients that disconnect: before they send anything, and before they read.
    drop(http.connect());
    let mut rude = http.connect();
    rude.write_all(b"GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n").expect("the server reads");
    drop(rude);

    // A silent client does not prevent others from being served.
    let silent = http.connect();
    http.get("/").expect(200);
    drop(silent);
}

fn conforms(level: RunLevel) {
    let http = Http::start(level);
    files(&http);
    methods(&http);
    bad_requests(&http);
    escapes(&http);
    streams(&http);
    http.get("/").expect(200);
    http.stop();
}

#[test]
fn conforms_natively() {
    conforms(RunLevel::Native);
}

#[test]
fn conforms_under_the_shim() {
    conforms(RunLevel::Off);
}

#[test]
fn conforms_with_a_log_of_everything() {
    conforms(RunLevel::Io);
}

#[test]
fn log_tells_the_story() {
    let http = Http::start(RunLevel::Call);
    http.get("/").expect(200);
    http.get("/missing").expect(404);
    http.get("/large.bin").expect(200);
    let events = http.stop();

    let sockets = by_call(&events, "socket");
    assert_eq!(sockets.len(), 1, "{sockets:?}");
    let socket = sockets[0];
    let path = socket["path"].as_array().expect("a path");
    let create = path.iter().find(|step| step["fn"] == "inet_create").unwrap_or_else(|| panic!("{socket}"));
    assert_eq!(create["entry"], "TCP", "{socket}");
    assert_eq!(create["match"], "wildcard", "{socket}");
    assert_eq!(create["protocol"], 6, "{socket}");
    assert_eq!(socket["ops"], "inet_stream_ops", "{socket}");
    assert_eq!(socket["prot"], "tcp_prot", "{socket}");
    let listener = &socket["ret"];
    assert_eq!(&socket["fd"], listener, "{socket}");

    for (call, handlers) in [
        ("bind", &["inet_bind"][..]),
        ("listen", &["inet_listen"]),
        ("accept", &["inet_accept"]),
        ("setsockopt", &["sock_common_setsockopt", "sock_setsockopt"]),
    ] {
        let events = by_call(&events, call);
        assert!(!events.is_empty(), "no {call}");
        for event in events {
            assert!(handlers.iter().any(|handler| event["handler"] == *handler), "{event}");
        }
    }
    for call in ["bind", "listen", "accept"] {
        assert!(
            by_call(&events, call).iter().all(|event| &event["fd"] == listener),
            "{call} is the listener's"
        );
    }
    assert_eq!(by_call(&events, "setsockopt")[0]["fd"], *listener);

    let accepted = |event: &&Value| event["call"] == "accept" && event["ret"] != -1;
    assert_eq!(events.iter().filter(accepted).count(), 3);
    for (position, event) in events.iter().enumerate().filter(|(_, event)| accepted(event)) {
        let fd = &event["ret"];
        assert!(fd.as_i64() > listener.as_i64(), "{event}");
        let names = |later: &&Value| later["call"] == "close" && later["fd"] == *fd;
        let close = events[position..].iter().find(names).unwrap_or_else(|| panic!("never closed: {event}"));
        assert_eq!(close["handler"], "inet_release", "{close}");
        assert_eq!(close["ret"], 0, "{close}");
    }
    let last = events.iter().rfind(|event| event["call"] == "close" && event["fd"] == *listener);
    assert_eq!(last.expect("the listener is closed")["handler"], "inet_release");
}
