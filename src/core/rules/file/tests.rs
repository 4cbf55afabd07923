use super::*;
use crate::rules::call::Call;

/// The rules of a file that is understood without a doubt.
fn good(text: &str) -> Vec<Rule> {
    match parse_with_warnings(text.as_bytes(), "rules.toml") {
        Ok((contents, warnings)) if warnings.is_empty() => contents.rules,
        Ok((_, warnings)) => panic!("{}", warnings[0]),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn the_file_of_the_documentation() {
    let rules = good(
        r#"
            [[rule]]
            name = "flaky-database"
            call = "connect"
            family = "inet"
            type = "stream"
            protocol = "tcp"
            remote = "10.0.0.0/8:5432"
            local = "*:8000-8999"
            program = "psql"
            uid = 1000
            fail = "ECONNREFUSED"
            when = "1..2"
            scope = "process"
            chance = 0.05
            seed = 7

            [[rule]]
            call = ["bind", "connect"]
            to = "127.0.0.1:8080"
            hide = true
        "#,
    );
    let lines: Vec<_> = rules.iter().map(|rule| format!("{}: {rule}", rule.name)).collect();
    assert_eq!(
        lines,
        [
            "flaky-database: connect inet stream tcp remote=10.0.0.0/8:5432 local=*:8000-8999 program=psql uid=1000 → \
             fail ECONNREFUSED when 1..2 chance 0.05 seed 7",
            "#2: bind|connect → to 127.0.0.1:8080 hide",
        ]
    );
}

#[test]
fn every_call_and_a_number_for_every_name() {
    for call in Call::ALL {
        let rules = good(&format!("[[rule]]\ncall = '{}'\nallow = true", call.name()));
        assert!(rules[0].calls.has(call));
    }
    let by_name = "[[rule]]\ncall='socket'\nfamily='inet6'\ntype='dgram'\nprotocol='udp'\nfail='EPERM'";
    let by_number = "rule = [{ call = 'socket', family = 0xa, type = 2, protocol = 17, fail = 1 }]";
    assert_eq!(good(by_name), good(by_number));
    assert_eq!(good(""), []);
}

#[test]
fn an_error_shows_its_line() {
    let error = parse(b"# comment\n[[rule]]\n  call = 'conect' # typo\n", "rules.toml").expect_err("a typo");
    let shown = "rules.toml:3:10: no such call: \"conect\"\n   3 |   call = 'conect' # typo\n                \
                 ^^^^^^^^ did you mean connect?";
    assert_eq!((error.to_string().as_str(), error.line()), (shown, Some(3)));
    let (_, warnings) =
        parse_with_warnings(b"[[rule]]\ncall='bind'\nremote='*'\nallow=true", "f").expect("a rule");
    let shown = "f:1:1: can never hold: nothing is remote at this call\n   1 | [[rule]]\n       ^^^^^^^^";
    assert_eq!(warnings[0].to_string(), shown);
}

#[test]
fn modules_become_entries_of_their_variable() {
    let text = b"[[module]]\nfamily = 'net-pf-62'\nfile = 'a b.so'\n[[module]]\nfile = '/x.so'\n\
        [[module]]\nfamily = 'can'\nfile = './c.so'\n[[module]]\nfamily = 61\nfile = 'd'";
    let contents = parse(text, "rules.toml").expect("modules");
    let entries: Vec<_> = contents.modules.iter().map(|module| module.entry("/d/")).collect();
    assert_eq!(entries, ["net-pf-62=/d/a b.so", "/x.so", "net-pf-29=/d/./c.so", "net-pf-61=/d/d"]);
    assert_eq!(contents.rules, []);
    let many = "[[module]]\nfile = 'a'\n".repeat(32);
    let error = parse(many.as_bytes(), "f").expect_err("an error").to_string();
    assert!(error.starts_with("f:63:1: too many modules\n"), "{error}");
}

#[test]
fn bytes_that_are_no_text() {
    let error = |bytes: &[u8]| parse(bytes, "f").expect_err("an error").to_string();
    assert_eq!(error(b"ab\nc\xff"), "f:2:2: not UTF-8\n   2 | c\n        ^");
    assert_eq!(error(&vec![b'#'; LONGEST + 1]), "f: is longer than 1 MiB");
    let many = "[[rule]]\ncall='bind'\nallow=true\n".repeat(4097);
    assert!(error(many.as_bytes()).starts_with("f:12289:1: too many rules\n"));
    let deep = "a=".to_string() + &"[".repeat(100_000);
    assert!(error(deep.as_bytes()).starts_with("f:1:"));
}

/// Each file with its message, without the file's name.
#[rustfmt::skip]
const WRONG: &[(&str, &str)] = &[
    ("[[rule]]\nname = 'x'\ncal = 'connect'\n", "3:1: no such key: \"cal\"; did you mean call?"),
    ("[[rule]]\ncall = 'connect'\n", "1:1: a rule without a verb; expected one of: fail allow limit delay to become option files"),
    ("[[rule]]\nfail = 'EPERM'\n", "1:1: a rule without call; expected call = \"connect\", or another one"),
    ("[[rule]]\ncall = 'connect'\nremote = '10.0.0.0/33'\nfail = 'EPERM'\n", "3:20: no such prefix length: \"33\"; expected a number of bits from 0 to 32"),
    ("[[rule]]\ncall = 'connect'\nremote = ['10.0.0.0/8', \"*:70000\"]\nfail = 'EPERM'\n", "3:28: no such port: \"70000\"; expected PORT or PORT-PORT, from 0 to 65535"),
    ("[[rule]]\ncall = 'connect'\nremote = \"\\u0041:70000\"\nfail = 'EPERM'\n", "3:10: no such port: \"70000\"; expected PORT or PORT-PORT, from 0 to 65535"),
    ("[[rule]]\ncall = 'connect'\nfail = 'ECONREFUSED'\n", "3:8: no such error: \"ECONREFUSED\"; did you mean ECONNREFUSED?"),
    ("[[rule]]\ncall = 'connect'\nfail = 'EPERM'\nlimit = 1\n", "4:1: two verbs: fail and limit; make it two rules"),
    ("[[rule]]\ncall = 'connect'\nlimit = 1\n", "3:1: limit is for send and recv only"),
    ("[[rule]]\ncall = 'connect'\nfail = 'EPERM'\nseed = 1\n", "4:1: seed belongs to chance"),
    ("[[rule]]\ncall = 'connect'\nfail = 'EPERM'\nseed = -1\nchance = 1\n", "4:8: not a whole number from 0 up: \"-1\""),
    ("[[rule]]\ncall = 'connect'\nfail = 'EPERM'\nchance = 1.5\n", "4:10: not a probability: \"1.5\"; expected a number from 0 to 1, such as 0.05"),
    ("[[rule]]\ncall = 'connect'\nfail = 'EPERM'\nchance = 'a'\n", "4:10: not a probability: \"a\"; expected a number from 0 to 1, such as 0.05"),
    ("[[rule]]\ncall = 'connect'\nfail = 'EPERM'\nname = 'a'\n[[rule]]\nname = 'a'\ncall = 'bind'\nallow=true", "6:8: a second rule with the name \"a\""),
    ("[[module]]\nname = 'a'\n", "2:1: no such key: \"name\"; expected a key of a module"),
    ("[[module]]\nfamily = 62\n", "1:1: a module without file; expected file = \"./module.so\", or another one"),
    ("[[module]]\nfile = 62\n", "2:8: a wrong type: a number; expected a text"),
    ("[[module]]\nfile = 'a:b'\n", "2:8: not a file of a module: \"a:b\"; expected a path without a colon"),
    ("[[module]]\nfamily = 64\nfile = 'a'\n", "2:10: no such family: \"64\"; expected a family such as inet, inet6 or unix, or its number"),
    ("[module]\nfile = 'a'\n", "1:2: one module where a list is expected; expected [[module]]"),
    ("module = [1]\n", "1:11: not a module: a number; expected [[module]]"),
    ("[rule]\nname = 'a'\n", "1:2: one rule where a list is expected; expected [[rule]]"),
    ("[[rules]]\nname = 'a'\n", "1:3: no such key: \"rules\"; did you mean rule?"),
    ("rule = [1]\n", "1:9: not a rule: a number; expected [[rule]]"),
    ("rule = [{call='bind', allow=true}, {call='bind', allow=false}]\n", "1:56: false does nothing; expected true, or no such key"),
    ("not toml", "1:5: not TOML: key with no value, expected `=`"),
    ("[[rule]]\ncall = 'bind\n", "2:13: not TOML: invalid literal string, expected `'`"),
    ("[[rule]]\ncall = 'bind'\ncall = 'bind'\n", "3:1: not TOML: duplicate key"),
    ("[[rule]]\ncall = []\nallow = true", "2:8: an empty list; expected at least one, or no such key"),
    ("[[rule]]\ncall = 1979-05-27\nallow = true", "2:8: a wrong type: a date; expected a text or a number"),
    ("[[rule]]\ncall = 'bind'\nallow = 1", "3:9: a wrong type: a number; expected true"),
    ("[[rule]]\ncall = 'bind'\noption = { SO_KEEPALIV = 1 }", "3:12: no such option: \"SO_KEEPALIV\"; did you mean SO_KEEPALIVE?"),
    ("[[rule]]\ncall = 'socket'\noption = { SO_KEEPALIVE = 1.5 }", "3:27: not an int: \"1.5\"; expected a number of 32 bits"),
    ("[[rule]]\ncall = 'socket'\noption.SO_KEEPALIVE = []", "3:23: an empty list; expected at least one, or no such key"),
    ("[[rule]]\ncall = 'socket'\noption = 1", "3:10: a wrong type: a number; expected a table, such as { SO_KEEPALIVE = 1 }"),
    ("[[rule]]\ncall = 'socket'\nbecome = 'inet/strem/tcp'", "3:16: no such type: \"strem\"; did you mean stream?"),
    ("[[rule]]\ncall = 'socket'\nbecome = 'inet/stream'", "3:10: not a kind of socket: \"inet/stream\"; expected FAMILY/TYPE/PROTOCOL, such as inet/stream/mptcp"),
    ("[[rule]]\ncall = 'connect'\nto = 'localhost:80'", "3:6: not an address: \"localhost:80\"; expected ADDR:PORT, [V6]:PORT, unix:PATH or @NAME"),
    ("[[rule]]\ncall = ['connect', 'resolve']\nfail = 'EPERM'", "3:1: resolve and other calls fail with different errors; make it two rules"),
    ("[[rule]]\ncall = 'resolve'\nfail = 'EPERM'", "3:8: no such error of a look-up: \"EPERM\"; expected a name of getaddrinfo(3) such as EAI_NONAME"),
    ("[[rule]]\ncall = 'connect'\nremote = 'example.com'\nfail = 'EPERM'", "3:10: not an address: \"example.com\"; expected an address: host names are for rules about resolve"),
    ("[[rule]]\ncall = 'connect'\noptname = 'SO_LINGER'\nfail = 'EPERM'", "3:1: optname is for setsockopt and getsockopt only"),
    ("[[rule]]\ncall = 'connect'\nfail = 'EPERM'\nscope = 'tree'", "4:1: scope belongs to when or chance; without them nothing is counted"),
    ("[[rule]]\ncall = 'connect'\nfail = 0xffffffffffffffffffff", "3:8: too large a number"),
    ("[[rule]]\ncall = 'connect'\nname = '#7'\nfail = 1", "3:8: not a name for a rule: \"#7\"; expected up to 100 bytes on a line, not beginning with # or -"),
    ("a\0b", "1:2: a NUL byte"),
    ("[[rule]]\ncall = 'bind'\ndelay = '1 parsec'", "3:9: not a time: \"1 parsec\"; expected a number and a unit, such as 50ms, 2s or 1m 30s"),
    ("[[rule]]\ncall = 'recv'\nlimit = 0", "3:9: a limit of 0 bytes; expected at least 1: 0 bytes received are the end of the stream"),
    ("[[rule]]\ncall = 'bind'\nuid = 'root'\nallow = true", "3:7: not a user: \"root\"; expected a user's number, as `id -u` prints it"),
    ("[[rule]]\ncall = 'bind'\nprogram = '[a'\nallow = true", "3:12: a [ without a ]; a \\ before it takes it as it is"),
    ("[[rule]]\ncall = 'bind'\nfamily = ['inet', 'inett']\nallow = true", "3:19: no such family: \"inett\"; did you mean inet?"),
    ("[[rule]]\ncall = 'bind'\nprotocol = 'tpc'\nallow = true", "3:12: no such protocol: \"tpc\"; did you mean tcp?"),
    ("[[rule]]\ncall = 'bind'\nfail = 'EPERM'\nwhen = '0..2'", "4:8: not a range of calls: \"0..2\"; expected FIRST[..LAST][+[STEP]], counted from 1, as in 3 or 1..2 or 5+"),
    ("[[rule]]\ncall = 'bind'\nfail = 'EPERM'\nwhen = 1.5", "4:8: not a range of calls: \"1.5\"; expected FIRST[..LAST][+[STEP]], counted from 1, as in 3 or 1..2 or 5+"),
    ("[[rule]]\ncall = 'bind'\nto = '127.0.0.1:80'\nforce = true", "4:1: force belongs to fail"),
    ("[[rule]]\ncall = 'send'\nto = '127.0.0.1:80'\nhide = true", "4:1: hide is for bind and connect only; a socket has no address of its peer after send"),
    ("[[rule]]\ncall = 'bind'\nfail = 'ETIMEDOUT'\nasync = true", "4:1: async is for connect only"),
    ("[[rule]]\ncall = 'bind'\nfail = 'ETIMEDOUT'\nfallback = true", "4:1: fallback belongs to become"),
    ("[[rule]]\ncall = 'bind'\nfiles = true", "3:1: files is for resolve only"),
    ("[[rule]]\ncall = 'bind'\nbecome = 'inet/stream/tcp'", "3:1: become is for socket only"),
    ("a = \u{1b}[31m", "1:6: not TOML: unexpected key or value, expected newline, `#`"),
];

#[test]
fn what_is_wrong_and_where() {
    for (text, message) in WRONG {
        let error = parse(text.as_bytes(), "f").expect_err(text);
        assert_eq!(error.one_line().to_string(), format!("f:{message}"));
    }
}
