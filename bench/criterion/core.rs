//! The cost of single parts of `sockshim-core`: the walk of socket(2) for each family, the fd table, and the two
//! formats of an event.
#![allow(missing_docs, reason = "criterion's macros make functions without any")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use libc::{AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_UNIX, AF_VSOCK, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM};
use sockshim_core::fdtable::FdTable;
use sockshim_core::hook;
use sockshim_core::hook::Hook;
use sockshim_core::net::namespace::INIT_NET;
use sockshim_core::net::ops::{Cx, Socket};
use sockshim_core::net::path::Path;
use sockshim_core::net::socket::sys_socket;
use sockshim_core::trace::event::Event;
use sockshim_core::trace::line::{LONGEST, Line};
use sockshim_core::trace::pieces::Process;
use sockshim_core::trace::{json, text};
use sockshim_core::verdict::Instead;

static SOCKET: Hook =
    hook!(Decision, Plain, [], socket(family: c_int, type_: c_int, protocol: c_int) -> c_int);

fn walk(path: &mut Path, family: i32, ty: i32, protocol: i32) -> Socket {
    path.clear();
    let mut instead = Instead::new();
    sys_socket(&mut Cx::new(path, INIT_NET, &mut instead), family, ty, protocol).1
}

/// The event of `socket(AF_INET, SOCK_STREAM, 0) = 3`.
fn event() -> Event {
    let mut event = Event::new(&SOCKET);
    let socket = walk(&mut event.path, AF_INET, SOCK_STREAM, 0);
    event.args[..3].copy_from_slice(&[AF_INET.into(), SOCK_STREAM.into(), 0]);
    (event.fd, event.ret, event.ns) = (Some(3), 3, 5000);
    (event.ops, event.prot) = (socket.ops, socket.sk.prot);
    event
}

fn create(c: &mut Criterion) {
    sockshim_core::net::init();
    let mut group = c.benchmark_group("create");
    let kinds = [
        ("AF_INET SOCK_STREAM", AF_INET, SOCK_STREAM, 0),
        ("AF_INET SOCK_DGRAM", AF_INET, SOCK_DGRAM, 0),
        ("AF_INET6 SOCK_STREAM", AF_INET6, SOCK_STREAM, 0),
        ("AF_INET SOCK_STREAM IPPROTO_MPTCP", AF_INET, SOCK_STREAM, libc::IPPROTO_MPTCP),
        ("AF_UNIX SOCK_STREAM", AF_UNIX, SOCK_STREAM, 0),
        ("AF_NETLINK SOCK_RAW", AF_NETLINK, SOCK_RAW, 0),
        ("AF_PACKET SOCK_RAW", AF_PACKET, SOCK_RAW, 0),
        ("AF_VSOCK SOCK_STREAM", AF_VSOCK, SOCK_STREAM, 0),
        ("no such family", 99, SOCK_STREAM, 0),
    ];
    for (name, family, ty, protocol) in kinds {
        let mut path = Path::new();
        group.bench_function(name, |b| {
            b.iter(|| walk(&mut path, black_box(family), black_box(ty), black_box(protocol)));
        });
    }
}

fn fd_table(c: &mut Criterion) {
    sockshim_core::net::init();
    let mut group = c.benchmark_group("fd table");
    let table = Box::leak(Box::new(FdTable::new()));
    let socket = walk(&mut Path::new(), AF_INET, SOCK_STREAM, 0);
    let handle = table.install(7, &socket, 1).expect("room").0;

    group.bench_function("get", |b| b.iter(|| table.get(black_box(7))));
    group.bench_function("get, beside 100,000 others", |b| {
        let crowd = Box::leak(Box::new(FdTable::new()));
        for fd in 0..=100_000 {
            crowd.install(fd, &socket, fd as u64 + 1).expect("room");
        }
        b.iter(|| crowd.get(black_box(100_000)));
    });
    group.bench_function("read", |b| b.iter(|| table.read(black_box(handle))));
    group.bench_function("update", |b| b.iter(|| table.update(black_box(handle), |state| state)));
    group.bench_function("install and forget", |b| {
        b.iter(|| {
            table.install(black_box(8), &socket, 2);
            table.forget(black_box(8));
        });
    });
    group.bench_function("dup and forget", |b| {
        b.iter(|| {
            table.dup(black_box(handle), 9);
            table.forget(black_box(9));
        });
    });
}

fn formats(c: &mut Criterion) {
    let mut group = c.benchmark_group("format");
    let (event, mut room) = (event(), [0; LONGEST]);
    let mut process = Process::new(1, b"program");
    group.bench_function("json", |b| {
        b.iter(|| {
            json::write(black_box(&event), &mut process, &mut Line::new(&mut room));
        });
    });
    group.bench_function("text", |b| {
        b.iter(|| {
            text::write(black_box(&event), &mut process, &mut Line::new(&mut room));
        });
    });
}

criterion_group!(benches, create, fd_table, formats);
criterion_main!(benches);
