//! The table of keys: for which kinds of sockets each one holds.

/// A key, or several, of rules about a call.
pub struct Row {
    /// The program of `c-tests/rules` that makes the call.
    pub program: &'static str,
    /// The call in the rule.
    pub call: &'static str,
    /// The keys, as in a file. `$` stands for the program's directory.
    pub keys: &'static str,
    /// The kinds for which they hold; `*` for all.
    pub kinds: &'static str,
    /// The forms for which they hold; empty for all of the call's.
    pub forms: &'static str,
}

const fn row(program: &'static str, call: &'static str, keys: &'static str, kinds: &'static str) -> Row {
    Row { program, call, keys, kinds, forms: "" }
}

const fn connect(keys: &'static str, kinds: &'static str) -> Row {
    row("connect", "connect", keys, kinds)
}

const fn bind(keys: &'static str, kinds: &'static str) -> Row {
    row("bind", "bind", keys, kinds)
}

const fn listen(keys: &'static str, kinds: &'static str) -> Row {
    row("listen", "listen", keys, kinds)
}

const fn accept(keys: &'static str, kinds: &'static str) -> Row {
    row("accept", "accept", keys, kinds)
}

const fn send(keys: &'static str, kinds: &'static str) -> Row {
    row("send", "send", keys, kinds)
}

const fn recv(keys: &'static str, kinds: &'static str) -> Row {
    row("recv", "recv", keys, kinds)
}

const fn option(call: &'static str, keys: &'static str, kinds: &'static str) -> Row {
    row("option", call, keys, kinds)
}

const fn optname(call: &'static str, keys: &'static str, forms: &'static str) -> Row {
    Row { program: "option", call, keys, kinds: "*", forms }
}

const fn create(call: &'static str, keys: &'static str, kinds: &'static str) -> Row {
    row("create", call, keys, kinds)
}

#[rustfmt::skip]
pub const TABLE: &[Row] = &[
    connect("", "*"),
    connect(r#"family = "inet""#, "tcp4 any4 udp4"),
    connect(r#"family = ["inet6", "unix"]"#, "tcp6 mapped udp6 unix relative upward abstract"),
    connect(r#"family = "netlink""#, ""),
    connect(r#"type = "dgram""#, "udp4 udp6"),
    connect(r#"type = "stream""#, "tcp4 any4 tcp6 mapped unix relative upward abstract"),
    connect(r#"protocol = "tcp""#, "tcp4 any4 tcp6 mapped"),
    connect(r#"protocol = "udp""#, "udp4 udp6"),
    connect(r#"protocol = "mptcp""#, ""),
    connect(r#"remote = "127.0.0.1""#, "tcp4 any4 mapped udp4"),
    connect(r#"remote = "127.0.0.0/8:7001""#, "tcp4 any4 mapped udp4"),
    connect(r#"remote = "127.0.0.1:7000""#, ""),
    connect(r#"remote = "127.0.0.1:7002-65535""#, ""),
    connect(r#"remote = "10.0.0.0/8""#, ""),
    connect(r#"remote = "0.0.0.0""#, "tcp4 any4 mapped udp4"),
    connect(r#"remote = "[::1]:7001""#, "tcp6 udp6"),
    connect(r#"remote = "[::]/0:7001""#, "tcp6 udp6"),
    connect(r#"remote = "[::ffff:127.0.0.0]/104:7001""#, "tcp4 any4 mapped udp4"),
    connect(r#"remote = "*""#, "tcp4 any4 tcp6 mapped udp4 udp6"),
    connect(r#"remote = "*:7000-7005""#, "tcp4 any4 tcp6 mapped udp4 udp6"),
    connect(r#"remote = "loopback:7001""#, "tcp4 any4 tcp6 mapped udp4 udp6"),
    connect(r#"remote = "unix:$/server""#, "unix relative upward"),
    connect(r#"remote = "unix:$/*""#, "unix relative upward"),
    connect(r#"remote = "unix:/elsewhere/*""#, ""),
    connect(r#"remote = "unix:serv*""#, "relative"),
    connect(r#"remote = "@serv*""#, "abstract"),
    connect(r#"remote = "@other""#, ""),
    connect(r#"remote = ["@server", "unix:server", "[::1]:7001"]"#, "abstract relative tcp6 udp6"),
    connect(r#"local = "127.0.0.2""#, "tcp4 mapped udp4"),
    connect(r#"local = "127.0.0.1""#, ""),
    connect(r#"local = "unix:*""#, ""),
    connect(r#"program = "connect""#, "*"),
    connect(r#"program = "**/rules/connect*""#, "*"),
    connect(r#"program = "curl""#, ""),
    connect("uid = 0", "*"),
    connect("uid = [1, 65534]", ""),
    connect("family = \"inet\"\ntype = \"stream\"\nprotocol = \"tcp\"\nremote = \"*:7001\"\nlocal = \"127.0.0.2:1024-65535\"\nprogram = \"connect*\"\nuid = 0", "tcp4"),
    connect("family = \"inet6\"\nremote = \"127.0.0.1\"", "mapped"),

    bind("", "*"),
    bind(r#"family = "inet6""#, "tcp6 any6 mapped"),
    bind(r#"type = "dgram""#, "udp4"),
    bind(r#"protocol = "tcp""#, "tcp4 any4 tcp6 any6 mapped"),
    bind(r#"local = "127.0.0.1:7020""#, "tcp4 mapped udp4"),
    bind(r#"local = "0.0.0.0""#, "any4"),
    bind(r#"local = "[::]:7020""#, "any6"),
    bind(r#"local = "[::1]""#, "tcp6"),
    bind(r#"local = "*:7020""#, "tcp4 any4 tcp6 any6 mapped udp4"),
    bind(r#"local = "*:1-1023""#, ""),
    bind(r#"local = "unix:$/bound""#, "unix relative"),
    bind(r#"local = "unix:bound""#, "relative"),
    bind(r#"local = "@boun?""#, "abstract"),
    bind(r#"remote = "*""#, ""),
    bind(r#"program = ["x", "bind"]"#, "*"),
    bind("uid = 1000", ""),

    listen("", "tcp4 tcp6 any6 mapped udp4 unix relative"),
    listen(r#"family = "unix""#, "unix relative"),
    listen(r#"type = "seqpacket""#, "relative"),
    listen(r#"protocol = "tcp""#, "tcp4 tcp6 any6 mapped"),
    listen(r#"local = "127.0.0.1""#, "tcp4 mapped udp4"),
    listen(r#"local = "[::]""#, "any6"),
    listen(r#"local = "unix:$/listens""#, "unix relative"),
    listen(r#"remote = "*""#, ""),
    listen("uid = 0", "*"),
    listen(r#"program = "/usr/*""#, ""),

    accept("", "*"),
    accept(r#"family = "inet6""#, "tcp6 dual"),
    accept(r#"type = "stream""#, "*"),
    accept(r#"protocol = "tcp""#, "tcp4 tcp6 dual"),
    accept(r#"remote = "127.0.0.2""#, "tcp4 dual"),
    accept(r#"remote = "[::1]""#, "tcp6"),
    accept(r#"remote = "10.0.0.0/8""#, ""),
    accept(r#"remote = "unix:$/client""#, "unix relative"),
    accept(r#"remote = "@client*""#, "abstract"),
    accept(r#"local = "127.0.0.1""#, "tcp4"),
    accept(r#"local = "unix:*""#, "unix relative"),
    accept(r#"local = "@accepts*""#, "abstract"),
    accept("uid = 0", "*"),
    accept(r#"program = "nginx""#, ""),
    accept("family = \"inet6\"\nremote = \"loopback\"", "tcp6 dual"),

    send("", "*"),
    send(r#"family = "inet""#, "tcp4 udp4 to4"),
    send(r#"family = "unix""#, "unix relative abstract pair packets to-unix to-relative to-abstract"),
    send(r#"type = "dgram""#, "udp4 to4 to6 to-mapped to-unix to-relative to-abstract"),
    send(r#"type = "seqpacket""#, "packets"),
    send(r#"protocol = "tcp""#, "tcp4 tcp6 mapped dual"),
    send(r#"protocol = "udp""#, "udp4 to4 to6 to-mapped"),
    send(r#"remote = "127.0.0.1:7001""#, "tcp4"),
    send(r#"remote = "127.0.0.0/8:7003-7006""#, "mapped udp4 to4 to-mapped"),
    send(r#"remote = "[::1]""#, "tcp6 to6"),
    send(r#"remote = "127.0.0.2""#, "dual"),
    send(r#"remote = "unix:$/server""#, "unix relative"),
    send(r#"remote = "unix:$/datagrams""#, "to-unix to-relative"),
    send(r#"remote = "@*""#, "abstract to-abstract"),
    send(r#"remote = "203.0.113.0/24""#, ""),
    send(r#"local = "127.0.0.2""#, "tcp4 mapped udp4 to4"),
    send(r#"local = "127.0.0.1:7004""#, "dual"),
    send("uid = 0", "*"),
    send(r#"program = "sendmail""#, ""),

    recv("", "*"),
    recv(r#"family = "inet6""#, "tcp6 mapped dual"),
    recv(r#"type = "seqpacket""#, "packets"),
    recv(r#"protocol = "udp""#, "udp4"),
    recv(r#"remote = "127.0.0.1:7001-7003""#, "tcp4 mapped"),
    recv(r#"remote = "loopback""#, "tcp4 tcp6 mapped dual udp4"),
    recv(r#"remote = "unix:$/server""#, "unix relative"),
    recv(r#"remote = "@server""#, "abstract"),
    recv(r#"local = "127.0.0.1:7004""#, "dual"),
    recv("uid = 0", "*"),
    recv(r#"program = "recv""#, "*"),
    recv("uid = 7", ""),

    option("setsockopt", "", "*"),
    option("setsockopt", r#"family = "inet6""#, "tcp6 mapped"),
    option("setsockopt", r#"remote = "127.0.0.1""#, "tcp4 mapped"),
    option("setsockopt", r#"local = "127.0.0.2""#, "tcp4 mapped"),
    optname("setsockopt", r#"optname = "SO_KEEPALIVE""#, "setsockopt syscall-setsockopt"),
    optname("setsockopt", r#"optname = ["SOL_SOCKET/SO_OOBINLINE", "IPPROTO_TCP/TCP_NODELAY"]"#, "setsockopt-other setsockopt-tcp"),
    option("getsockopt", "", "*"),
    option("getsockopt", r#"protocol = "tcp""#, "tcp4 tcp6 mapped"),
    option("getsockopt", r#"remote = "unix:$/*""#, "unix"),
    optname("getsockopt", r#"optname = "TCP_NODELAY""#, "getsockopt-tcp"),
    option("shutdown", "", "*"),
    option("shutdown", r#"type = "stream""#, "*"),
    option("shutdown", r#"remote = "[::1]""#, "tcp6"),
    option("shutdown", "uid = 0", "*"),
    option("shutdown", r#"program = "vi""#, ""),

    create("socket", "", "tcp4 tcp4-named tcp4-flags tcp6 udp4 udp6 raw4 mptcp unix packets netlink no-family no-protocol"),
    create("socket", r#"family = "inet""#, "tcp4 tcp4-named tcp4-flags udp4 raw4 mptcp no-protocol"),
    create("socket", r#"type = "raw""#, "raw4 netlink"),
    create("socket", "family = \"inet\"\ntype = \"stream\"\nprotocol = \"tcp\"", "tcp4 tcp4-named tcp4-flags"),
    create("socket", r#"protocol = "mptcp""#, "mptcp"),
    create("socket", r#"protocol = "icmp""#, "raw4"),
    create("socket", "uid = 1", ""),
    create("socketpair", "", "tcp4 tcp4-named tcp4-flags tcp6 udp4 udp6 raw4 mptcp unix packets netlink no-family no-protocol"),
    create("socketpair", "family = \"unix\"\ntype = \"stream\"", "unix"),
    create("socketpair", r#"type = "seqpacket""#, "packets"),
    create("io_uring_setup", "", "*"),
    create("io_uring_setup", "uid = 0", "*"),
    create("io_uring_setup", r#"program = "x""#, ""),
];
