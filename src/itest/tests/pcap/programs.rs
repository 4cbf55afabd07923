//! Captures of real programs: their protocols are found in them, whole.

use super::{DEADLINE, captured, fields, is_sound, tshark};
use sockshim_itest::{Scratch, Server, run};
use std::path::Path;
use std::process::Command;

/// nginx with HTTP/1.1, TLS, HTTP/2 and a socket of AF_UNIX; redis; dnsmasq; and their clients. Its argument is a directory in
/// which is the file `big`, its second one the first of some free ports.
const EVERYTHING: &str = r#"
set -e
D=$1 P=$2
cat >"$D/nginx.conf" <<END
daemon off; pid $D/pid; error_log $D/errors; worker_processes 1;
events {}
http {
    access_log off; root $D; sendfile on;
    client_body_temp_path $D/b; proxy_temp_path $D/p; fastcgi_temp_path $D/f; uwsgi_temp_path $D/u; scgi_temp_path $D/s;
    server { listen 127.0.0.1:$P; listen unix:$D/nginx.sock; }
    server { listen 127.0.0.1:$((P + 1)) ssl; ssl_certificate $D/cert.pem; ssl_certificate_key $D/key.pem; }
    server { listen 127.0.0.1:$((P + 2)) http2; }
}
END
chmod 755 "$D"
until_it() { for i in $(seq 500); do "$@" >/dev/null 2>&1 && return; sleep 0.02; done; echo "it does not answer: $*" >&2; exit 1; }
nginx -c "$D/nginx.conf" 2>/dev/null & N=$!
redis-server --port $((P + 3)) --save '' --dir "$D" --unixsocket "$D/redis.sock" >/dev/null & R=$!
dnsmasq -k -C /dev/null -p $((P + 4)) --listen-address=127.0.0.1 --bind-interfaces --address=/a.test/192.0.2.7 \
    --no-resolv --no-hosts --pid-file="" --user="$(id -un)" 2>/dev/null & M=$!
export SSLKEYLOGFILE=$D/keys
until_it test -S "$D/nginx.sock"
until_it redis-cli -p $((P + 3)) ping
until_it dig +tries=1 +time=1 @127.0.0.1 -p $((P + 4)) a.test
for way in "http://127.0.0.1:$P" "--insecure https://127.0.0.1:$((P + 1))" \
    "--http2-prior-knowledge http://127.0.0.1:$((P + 2))" "--unix-socket $D/nginx.sock http://unix"; do
    curl --silent --fail $way/big --output "$D/got"
    cmp "$D/got" "$D/big"
done
redis-cli -p $((P + 3)) set key first >/dev/null
redis-cli -s "$D/redis.sock" get key
dig +short @127.0.0.1 -p $((P + 4)) a.test
kill $N $R $M
wait
"#;

/// The first of some ports that nobody listens at. Tests that run beside each other get different ones.
fn ports() -> u16 {
    20_000 + (std::process::id() % 2000) as u16 * 5
}

#[test]
fn protocols_are_found_and_whole() {
    let directory = Scratch::new();
    let path = directory.path();
    let big: Vec<u8> = (0..1_500_000_u32)
        .flat_map(|number| (number.wrapping_mul(2_654_435_761)).to_le_bytes())
        .take(3_000_000)
        .collect();
    std::fs::write(path.join("big"), &big).expect("a file");
    let key =
        ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout"];
    let made = Command::new("openssl")
        .args(key)
        .arg(path.join("key.pem"))
        .arg("-out")
        .arg(path.join("cert.pem"))
        .output();
    assert!(made.is_ok_and(|made| made.status.success()), "a certificate");
    let port = ports();
    let (directory_text, number) = (path.display().to_string(), port.to_string());
    let (_scratch, file, output) =
        captured(&[], &["bash", "-c", EVERYTHING, "bash", &directory_text, &number]);
    assert_eq!(output.stdout(), "first\n192.0.2.7\n");
    let ports: [String; 5] = std::array::from_fn(|at| (port + at as u16).to_string());
    let as_protocols = [
        "-d",
        &format!("tcp.port=={},http2", ports[2]),
        "-d",
        &format!("tcp.port=={},resp", ports[3]),
        "-d",
        &format!("tcp.port=={},tls", ports[1]),
        "-d",
        &format!("udp.port=={},dns", ports[4]),
    ]
    .map(String::from);
    let as_protocols: Vec<&str> = as_protocols.iter().map(String::as_str).collect();
    let count = |filter: &str| tshark(&file, &[&as_protocols[..], &["-Y", filter]].concat()).lines().count();
    is_sound(&file);
    assert_eq!(count("_ws.malformed"), 0);
    // Over TCP and over AF_UNIX.
    assert_eq!((count("http.request"), count("http.response.code == 200")), (2, 2));
    assert!(count("tls.handshake.type == 1") == 1 && count("tls.handshake.type == 2") == 1);
    assert!(count("http2.headers.path == \"/big\"") == 1 && count("http2.headers.status == 200") == 1);
    assert!(count("resp") >= 4, "{}", count("resp"));
    assert!(count("dns.a == 192.0.2.7") >= 2);
    // What was got, as tshark puts it together; also what was encrypted.
    let objects = directory.dir("objects");
    let keys = format!("tls.keylog_file:{}", path.join("keys").display());
    let export =
        ["-o", &keys, "-q", "--export-objects", &format!("http,{}", objects.display())].map(String::from);
    tshark(&file, &[&as_protocols[..], &export.each_ref().map(String::as_str)].concat());
    let objects: Vec<_> = std::fs::read_dir(&objects).expect("objects").flatten().collect();
    assert_eq!(objects.len(), 3, "HTTP/1.1, in TLS, and over AF_UNIX");
    objects.iter().for_each(|object| assert!(std::fs::read(object.path()).is_ok_and(|bytes| bytes == big)));
    // It exports none of HTTP/2.
    let of_http2 = ["-Y", "http2.body.fragments", "-T", "fields", "-e", "http2.body.reassembled.data"];
    let pieces = tshark(&file, &[&as_protocols[..], &of_http2].concat());
    assert!(super::unhex(&pieces) == big, "{} digits", pieces.len());
}

/// A server that is not captured: its client tells both directions.
#[test]
fn one_end_is_enough() {
    let directory = Scratch::new();
    std::fs::write(directory.path().join("page"), "page ".repeat(100_000)).expect("a file");
    let mut server = Command::new("python3");
    server.args(["-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory"]).arg(directory.path());
    let mut server = Server::start(&mut server);
    let line = server.wait_line("Serving HTTP", DEADLINE);
    let port: u16 =
        line.split_once(" port ").and_then(|(_, rest)| rest.split(' ').next()?.parse().ok()).expect("a port");
    let url = format!("http://127.0.0.1:{port}/page");
    let (_scratch, file, output) = captured(&[], &["curl", "--silent", "--fail", &url]);
    assert_eq!(output.stdout.len(), 500_000);
    is_sound(&file);
    let objects = directory.dir("objects");
    tshark(&file, &["-q", "--export-objects", &format!("http,{}", objects.display())]);
    assert!(std::fs::read(objects.join("page")).is_ok_and(|bytes| bytes == output.stdout));
    let ended = fields(&file, "tcp.flags.fin == 1", &["tcp.srcport"]);
    assert!(!ended.is_empty(), "curl has closed it");
    server.stop(DEADLINE);
}

#[test]
fn a_refused_connection_is_one() {
    let script = "import socket; s = socket.socket()\ntry: s.connect((\"127.0.0.1\", 1))\nexcept ConnectionRefusedError: pass";
    let (_scratch, file, _) = captured(&[], &["python3", "-c", script]);
    let flags = fields(&file, "tcp.port == 1", &["tcp.flags.str"]);
    let flags: Vec<String> = flags.iter().map(|flags| flags[0].replace('·', "")).collect();
    assert_eq!(flags, ["S", "AR"]);
}

/// A pipe instead of a file; what the program prints does not get into it.
#[test]
fn a_capture_can_be_piped() {
    let program = super::moves();
    let script = format!(
        "\"$0\" trace -o /dev/null --pcap - -- {program} | tshark -n -r - -Y udp -T fields -e udp.length"
    );
    let mut command = Command::new("bash");
    command.args(["-c", &script]).arg(super::binary::sockshim()).env("SOCKSHIM_LIB", sockshim_itest::shim());
    let output = run(&mut command, b"", DEADLINE);
    assert_eq!(output.stdout().lines().count(), 24, "{output:?}");
    assert!(output.stderr().contains("connection 9: messages"), "{output:?}");
    assert!(!Path::new("-").exists());
}
