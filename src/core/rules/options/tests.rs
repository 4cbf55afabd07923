use super::*;

/// An option that is understood: the rule's name and its line.
fn good(rule: Result<Rule, Error>) -> String {
    let rule = rule.unwrap_or_else(|error| panic!("{error}"));
    format!("{}: {rule}", rule.name)
}

#[test]
fn calls_with_values() {
    for (rule, line) in [
        (fail("connect=ECONNREFUSED"), "--fail connect=ECONNREFUSED: connect → fail ECONNREFUSED"),
        (
            fail("connect:[::1]:80=EPERM,when=1..2,scope=tree"),
            "--fail connect:[::1]:80=EPERM,when=1..2,scope=tree: connect remote=[::1]:80 → fail EPERM when 1..2 scope tree",
        ),
        (
            fail("connect:*:443=ETIMEDOUT,async,chance=0.5,seed=7"),
            "--fail connect:*:443=ETIMEDOUT,async,chance=0.5,seed=7: connect remote=*:443 → fail ETIMEDOUT async chance 0.5 \
             seed 7",
        ),
        (fail("recv=EAGAIN,force"), "--fail recv=EAGAIN,force: recv → fail EAGAIN force"),
        (
            fail("resolve:*.example.com=EAI_NONAME"),
            "--fail resolve:*.example.com=EAI_NONAME: resolve remote=*.example.com → fail EAI_NONAME",
        ),
        (fail("bind:*:80=EACCES"), "--fail bind:*:80=EACCES: bind local=*:80 → fail EACCES"),
        (
            fail("connect:unix:/run/{a,b}.sock=ENOENT"),
            "--fail connect:unix:/run/{a,b}.sock=ENOENT: connect remote=unix:/run/{a,b}.sock → fail ENOENT",
        ),
        (limit("recv=1"), "--limit recv=1: recv → limit 1"),
        (limit("send:10.0.0.0/8=100"), "--limit send:10.0.0.0/8=100: send remote=10.0.0.0/8 → limit 100"),
        (delay("accept=50ms,when=3+"), "--delay accept=50ms,when=3+: accept → delay 50ms when 3+"),
        (delay("resolve=2s"), "--delay resolve=2s: resolve → delay 2s"),
        (
            redirect("connect:10.1.0.0/16:5432=127.0.0.1:5433,hide"),
            "--redirect connect:10.1.0.0/16:5432=127.0.0.1:5433,hide: connect remote=10.1.0.0/16:5432 → \
             to 127.0.0.1:5433 hide",
        ),
        (redirect("bind:*:80=[::]:8080"), "--redirect bind:*:80=[::]:8080: bind local=*:80 → to [::]:8080"),
        (
            redirect("connect:unix:/var/run/x=unix:/tmp/x"),
            "--redirect connect:unix:/var/run/x=unix:/tmp/x: connect remote=unix:/var/run/x → to unix:/tmp/x",
        ),
    ] {
        assert_eq!(good(rule), line);
    }
}

#[test]
fn the_other_options() {
    for (rule, line) in [
        (
            allow("10.0.0.0/8:5432"),
            "--allow 10.0.0.0/8:5432: connect|send|recv remote=10.0.0.0/8:5432 → allow",
        ),
        (allow("*"), "--allow *: connect|send|recv|resolve remote=*|* → allow"),
        (allow("*.example.com"), "--allow *.example.com: resolve remote=*.example.com → allow"),
        (allow("unix:/run/*"), "--allow unix:/run/*: connect|send|recv remote=unix:/run/* → allow"),
        (without("inet6"), "--without inet6: socket|socketpair inet6 → fail EAFNOSUPPORT"),
        (without("inet/raw"), "--without inet/raw: socket|socketpair inet raw → fail ESOCKTNOSUPPORT"),
        (
            without("AF_INET/SOCK_STREAM/sctp"),
            "--without AF_INET/SOCK_STREAM/sctp: socket|socketpair inet stream sctp → fail EPROTONOSUPPORT",
        ),
        (without("io_uring"), "--without io_uring: io_uring_setup → fail ENOSYS"),
        (Ok(mptcp()), "--mptcp: socket inet|inet6 stream tcp → become */*/mptcp"),
    ] {
        assert_eq!(good(rule), line);
    }
    let lines =
        |errno| offline(errno).expect("rules").into_iter().map(|rule| good(Ok(rule))).collect::<Vec<_>>();
    assert_eq!(
        lines(None),
        ["--offline: connect|send remote=beyond-loopback → fail ENETUNREACH", "--offline: resolve → files"]
    );
    assert_eq!(lines(Some("EPERM"))[0], "--offline=EPERM: connect|send remote=beyond-loopback → fail EPERM");
}

#[test]
fn what_is_wrong_and_where() {
    for (rule, message) in [
        (
            fail("conect=ECONNREFUSED"),
            "--fail: no such call: \"conect\"\n  conect=ECONNREFUSED\n  ^^^^^^ did you mean connect?",
        ),
        (
            fail("connect=ECONREFUSED"),
            "--fail: no such error: \"ECONREFUSED\"\n  connect=ECONREFUSED\n          ^^^^^^^^^^^ did you mean ECONNREFUSED?",
        ),
        (
            fail("connect:10.0.0.0/33:80=EPERM"),
            "--fail: no such prefix length: \"33\"\n  connect:10.0.0.0/33:80=EPERM\n                   ^^ expected a number of bits \
             from 0 to 32",
        ),
        (fail("connect"), "--fail: no =\n  connect\n  ^^^^^^^ expected CALL[:TARGET]=ERRNO"),
        (
            fail("connect=EPERM,wen=1"),
            "--fail: no such modifier: \"wen\"\n  connect=EPERM,wen=1\n                ^^^ did you mean when?",
        ),
        (
            fail("connect=EPERM,when=0"),
            "--fail: not a range of calls: \"0\"\n  connect=EPERM,when=0\n                     ^ expected FIRST[..LAST][+[STEP]], counted \
             from 1, as in 3 or 1..2 or 5+",
        ),
        (
            fail("connect=EPERM,seed=3"),
            "--fail: seed belongs to chance\n  connect=EPERM,seed=3\n                ^^^^^^",
        ),
        (
            fail("connect=EPERM,when=1,seed=1,chance=0.5,when=2"),
            "--fail: when is said twice\n  connect=EPERM,when=1,seed=1,chance=0.5,when=2\n                                         ^^^^^^",
        ),
        (
            fail("connect:::1:80=EPERM"),
            "--fail: an address, or an address and a port: \"::1:80\"\n  connect:::1:80=EPERM\n          ^^^^^^ write [::1]:80 for port \
             80, or [::1:80] for the address",
        ),
        (
            fail("bind=EPERM,async"),
            "--fail: no such error comes the asynchronous way\n  bind=EPERM,async\n             \
             ^^^^^ expected ECONNREFUSED, ETIMEDOUT or EHOSTUNREACH",
        ),
        (
            fail("connect=EPERM,force"),
            "--fail: force is for EAGAIN only\n  connect=EPERM,force\n                ^^^^^ other errors need none",
        ),
        (
            fail("connect=EPERM,hide=1"),
            "--fail: takes no value\n  connect=EPERM,hide=1\n                ^^^^^^",
        ),
        (
            fail("socket:*=EPERM"),
            "--fail: a call without an address\n  socket:*=EPERM\n         ^ expected no TARGET",
        ),
        (limit("connect=1"), "--limit: limit is for send and recv only\n  connect=1\n          ^"),
        (
            limit("recv=0"),
            "--limit: a limit of 0 bytes\n  recv=0\n       ^ expected at least 1: 0 bytes received are the end of the stream",
        ),
        (
            delay("recv=50"),
            "--delay: not a time: \"50\"\n  recv=50\n       ^^ expected a number and a unit, such as 50ms, 2s or 1m 30s",
        ),
        (
            redirect("connect=127.0.0.1:80"),
            "--redirect: no TARGET\n  connect=127.0.0.1:80\n  ^^^^^^^ expected CALL:TARGET=ADDR:PORT, such as \
             connect:*=127.0.0.1:80",
        ),
        (
            redirect("send:*=127.0.0.1:80,hide"),
            "--redirect: hide is for bind and connect only\n  send:*=127.0.0.1:80,hide\n                      ^^^^ a socket \
             has no address of its peer after send",
        ),
        (
            allow("10.0.0.1:70000"),
            "--allow: no such port: \"70000\"\n  10.0.0.1:70000\n           ^^^^^ expected PORT or PORT-PORT, from 0 to 65535",
        ),
        (without("inet7"), "--without: no such family: \"inet7\"\n  inet7\n  ^^^^^ did you mean inet?"),
        (
            without("inet/strem"),
            "--without: no such type: \"strem\"\n  inet/strem\n       ^^^^^ did you mean stream?",
        ),
        (
            without("inet/stream/tcp/x"),
            "--without: too many parts\n  inet/stream/tcp/x\n                  ^ expected FAMILY[/TYPE[/PROTOCOL]]",
        ),
    ] {
        assert_eq!(rule.expect_err(message).to_string(), message);
    }
    assert!(offline(Some("ENET")).is_err());
}
