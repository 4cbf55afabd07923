use super::*;
use crate::net::namespace::INIT_NET;

fn socket(family: c_int, ty: c_int) -> (Socket, State) {
    let socket = Socket::alloc(INIT_NET.id, family, ty);
    (socket, State::of(&socket))
}

#[test]
fn every_state_comes_back_from_its_word() {
    for bound in [Bound::No, Bound::Yes, Bound::Unknown, Bound::Auto, Bound::Gone] {
        for socket in SocketState::ALL {
            for sk in TcpState::ALL {
                let state = State { socket, sk, bound, shutdown: 3 };
                assert_eq!(State::unpack(state.pack()), state);
            }
        }
    }
}

#[test]
fn a_nonblocking_connect_that_is_refused() {
    let (tcp, fresh) = socket(libc::AF_INET, libc::SOCK_STREAM);
    let connecting = commit(fresh, (&tcp).into(), Change::Connect, Some(libc::EINPROGRESS));
    assert_eq!((connecting.socket, connecting.sk), (SocketState::Connecting, TcpState::SynSent));
    let refused = commit(connecting, (&tcp).into(), Change::Connect, Some(libc::ECONNREFUSED));
    assert_eq!((refused.socket, refused.sk), (SocketState::Unconnected, TcpState::Close));
    let shut = commit(connecting, (&tcp).into(), Change::Shutdown(libc::SHUT_WR), Some(libc::ENOTCONN));
    assert_eq!(shut.socket, SocketState::Disconnecting);
}

#[test]
fn datagram_sockets_connect_in_sk_state_only_and_bind_even_in_vain() {
    let (udp, fresh) = socket(libc::AF_INET, libc::SOCK_DGRAM);
    let connected = commit(fresh, (&udp).into(), Change::Connect, None);
    assert_eq!((connected.socket, connected.sk), (SocketState::Unconnected, TcpState::Established));
    let refused = commit(fresh, (&udp).into(), Change::Connect, Some(libc::EAFNOSUPPORT));
    assert_eq!((refused.sk, refused.bound), (TcpState::Close, Bound::Auto));
    assert_eq!(commit(refused, (&udp).into(), Change::Disconnect, None).bound, Bound::Gone);
}

#[test]
fn after_a_fast_open_only_tcp_may_be_connected() {
    let (tcp, fresh) = socket(libc::AF_INET, libc::SOCK_STREAM);
    for errno in [None, Some(libc::EINPROGRESS), Some(libc::EOPNOTSUPP)] {
        let opened = commit(fresh, (&tcp).into(), Change::FastOpen, errno);
        assert_eq!((opened.socket, opened.bound), (SocketState::Unknown, Bound::Unknown));
    }
    let (udp, fresh) = socket(libc::AF_INET, libc::SOCK_DGRAM);
    assert_eq!(commit(fresh, (&udp).into(), Change::FastOpen, None).socket, fresh.socket);
}

#[test]
fn shutdown_ends_listening_except_in_af_unix() {
    for (family, after) in [(libc::AF_INET, TcpState::Close), (libc::AF_UNIX, TcpState::Listen)] {
        let (stream, fresh) = socket(family, libc::SOCK_STREAM);
        let listening = commit(fresh, (&stream).into(), Change::Listen, None);
        assert_eq!(
            commit(listening, (&stream).into(), Change::Shutdown(libc::SHUT_WR), None).sk,
            TcpState::Listen
        );
        assert_eq!(commit(listening, (&stream).into(), Change::Shutdown(libc::SHUT_RD), None).sk, after);
    }
}

#[test]
fn a_port_that_was_asked_for_survives_and_another_does_not() {
    let (tcp, fresh) = socket(libc::AF_INET, libc::SOCK_STREAM);
    for (bind, kept) in [(Change::Bind, Bound::Yes), (Change::BindAny, Bound::Gone)] {
        let bound = commit(fresh, (&tcp).into(), bind, None);
        let listening = commit(bound, (&tcp).into(), Change::Listen, None);
        assert_eq!(commit(listening, (&tcp).into(), Change::Shutdown(libc::SHUT_RDWR), None).bound, kept);
    }
}

#[test]
fn failures_change_nothing() {
    let (tcp, fresh) = socket(libc::AF_INET, libc::SOCK_STREAM);
    for change in [Change::Bind, Change::Listen, Change::Disconnect, Change::Shutdown(2)] {
        assert_eq!(commit(fresh, (&tcp).into(), change, Some(libc::EINVAL)), fresh);
    }
}

#[test]
fn an_accepted_socket_is_connected_under_the_listeners_address() {
    let (mut listener, _) = socket(libc::AF_INET, libc::SOCK_STREAM);
    listener.sk.state = TcpState::Listen;
    listener.sk.bound = Bound::Yes;
    let new = accepted(&listener);
    assert_eq!((new.state, new.sk.bound), (SocketState::Connected, Bound::Auto));
}
