//! Of a bind that fails, the last function of the path is the one that has refused.

use super::traced;

/// Binds two sockets to one port, and a third one to an address of somebody else's. No connection is kept from before, so only the
/// first socket has the port.
const SCRIPT: &str = "import socket, sys
family, kind, own, other = [getattr(socket, sys.argv[1]), getattr(socket, sys.argv[2])] + sys.argv[3:5]
first, second, third = [socket.socket(family, kind) for _ in range(3)]
first.bind((own, 0))
for sock, name in (second, first.getsockname()), (third, (other, 0)):
    try:
        sock.bind(name)
    except OSError as error:
        print(error.errno)
";

#[test]
fn a_port_in_use_is_refused_by_the_table_of_ports() {
    for (family, kind, own, other, address_check, get_port) in [
        ("AF_INET", "SOCK_STREAM", "127.0.0.1", "192.0.2.1", "inet_addr_type_table", "inet_csk_get_port"),
        ("AF_INET", "SOCK_DGRAM", "127.0.0.1", "192.0.2.1", "inet_addr_type_table", "udp_v4_get_port"),
        ("AF_INET6", "SOCK_STREAM", "::", "2001:db8::1", "ipv6_chk_addr", "inet_csk_get_port"),
        ("AF_INET6", "SOCK_DGRAM", "::", "2001:db8::1", "ipv6_chk_addr", "udp_v6_get_port"),
    ] {
        let program = ["/usr/bin/python3", "-c", SCRIPT, family, kind, own, other];
        let (output, trace) = traced(&[&["-e", "bind", "--"][..], &program].concat());
        let errors = format!("{}\n{}\n", libc::EADDRINUSE, libc::EADDRNOTAVAIL);
        assert_eq!(output.stdout(), errors, "{output:?}");
        let in_use = format!("1 × bind EADDRINUSE  {get_port}: the ports in use: the kernel decides\n");
        let not_ours =
            format!("1 × bind EADDRNOTAVAIL  {address_check}: the local addresses: the kernel decides\n");
        assert!(trace.contains(&in_use) && trace.contains(&not_ours), "{trace}");
    }
}

#[test]
fn a_port_that_is_free_has_passed_the_table_too() {
    let script = "import socket; socket.socket().bind((\"127.0.0.1\", 0))";
    let (_, trace) = traced(&["-v", "-e", "bind", "--", "/usr/bin/python3", "-c", script]);
    let end =
        "    inet_addr_type_table         the local addresses: the kernel decides\n    inet_csk_get_port\n";
    assert!(trace.contains(end), "{trace}");
}
