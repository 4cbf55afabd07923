//! The table of hooked symbols: the one place where a hook is declared.
//!
//! Three files of the preload library read it, each with its own macro named `hooks`: [`crate::table`] takes the
//! facts, [`crate::original`] libc's functions, and [`crate::export`] makes the exported functions. The command
//! `sockshim hooks` prints it, and the tests compare it with the symbols that the library exports.
//!
//! Each row has the level from which a call is logged, the gate ([`crate::gate`]), what the call does
//! ([`Does`](sockshim_core::hook::Does)), the system call with the same arguments if there is one, the prototype with
//! the man page's names, and the functions that run before and after libc's. If a gate names a module, as
//! `Exec(propagate)` does, that module's function performs the call in libc's place. Symbols that a Rust function
//! cannot interpose are [`trampolines`](crate::trampoline).

hooks! {
    calls {
        // Creation.
        /// socket(2)
        [Decision Make Creates SYS_socket]
        fn socket(family: c_int, type_: c_int, protocol: c_int) -> c_int = create::socket, create::socket_done;
        /// socketpair(2)
        [Decision MakePair Pairs SYS_socketpair]
        fn socketpair(family: c_int, type_: c_int, protocol: c_int, sv: *mut c_int) -> c_int = create::socketpair, create::socketpair_done;
        /// accept(2)
        [Decision Accept Accepts SYS_accept]
        fn accept(fd: c_int, addr: *mut sockaddr, addrlen: *mut socklen_t) -> c_int = create::accept, create::accepted;
        /// accept4(2)
        [Decision Accept4 Accepts SYS_accept4]
        fn accept4(fd: c_int, addr: *mut sockaddr, addrlen: *mut socklen_t, flags: c_int) -> c_int = create::accept4, create::accepted;

        // Names and connections.
        /// bind(2)
        [Call Bind Binds SYS_bind]
        fn bind(fd: c_int, addr: *const sockaddr, addrlen: socklen_t) -> c_int = name::bind, name::bound;
        /// listen(2)
        [Call Listen Listens SYS_listen]
        fn listen(fd: c_int, backlog: c_int) -> c_int = name::listen, call::logged;
        /// connect(2)
        [Call Connect Connects SYS_connect]
        fn connect(fd: c_int, addr: *const sockaddr, addrlen: socklen_t) -> c_int = name::connect, name::connected;
        /// connect(2), glibc's other name for it
        [Call Connect Connects]
        fn __connect(fd: c_int, addr: *const sockaddr, addrlen: socklen_t) -> c_int = name::connect, name::connected;
        /// getsockname(2)
        [Call SockName Names SYS_getsockname]
        fn getsockname(fd: c_int, addr: *mut sockaddr, addrlen: *mut socklen_t) -> c_int = name::getsockname, name::got_name;
        /// getpeername(2)
        [Call PeerName Names SYS_getpeername]
        fn getpeername(fd: c_int, addr: *mut sockaddr, addrlen: *mut socklen_t) -> c_int = name::getpeername, name::got_name;
        /// shutdown(2)
        [Call Shutdown ShutsDown SYS_shutdown]
        fn shutdown(fd: c_int, how: c_int) -> c_int = name::shutdown, call::logged;

        // Options.
        /// setsockopt(2)
        [Call Set SetsOption SYS_setsockopt]
        fn setsockopt(fd: c_int, level: c_int, optname: c_int, optval: *const c_void, optlen: socklen_t) -> c_int = option::setsockopt, option::set_option;
        /// getsockopt(2)
        [Call Get GetsOption SYS_getsockopt]
        fn getsockopt(fd: c_int, level: c_int, optname: c_int, optval: *mut c_void, optlen: *mut socklen_t) -> c_int = option::getsockopt, option::got_option;
        /// ioctl(2)
        [Call Any Plain SYS_ioctl]
        fn ioctl(fd: c_int, request: c_ulong, argp: c_ulong) -> c_int = option::ioctl, call::logged;
        /// sockatmark(3)
        [Call Control Plain]
        fn sockatmark(fd: c_int) -> c_int = option::sockatmark, call::logged;

        // Data.
        /// send(2)
        [Io Message Sends]
        fn send(fd: c_int, buf: *const c_void, len: size_t, flags: c_int) -> ssize_t = data::send, call::logged;
        /// send(2), glibc's other name for it
        [Io Message Sends]
        fn __send(fd: c_int, buf: *const c_void, len: size_t, flags: c_int) -> ssize_t = data::send, call::logged;
        /// sendto(2)
        [Io Addressed SendsTo SYS_sendto]
        fn sendto(fd: c_int, buf: *const c_void, len: size_t, flags: c_int, addr: *const sockaddr, addrlen: socklen_t) -> ssize_t = data::sendto, call::logged;
        /// sendmsg(2)
        [Io Header SendsTo SYS_sendmsg]
        fn sendmsg(fd: c_int, msg: *const msghdr, flags: c_int) -> ssize_t = data::send, call::logged;
        /// sendmmsg(2)
        [Io Headers SendsTo SYS_sendmmsg]
        fn sendmmsg(fd: c_int, msgvec: *mut mmsghdr, vlen: c_uint, flags: c_int) -> c_int = data::send, call::logged;
        /// recv(2)
        [Io Message Receives]
        fn recv(fd: c_int, buf: *mut c_void, len: size_t, flags: c_int) -> ssize_t = data::recv, call::logged;
        /// recv(2) of a program built with _FORTIFY_SOURCE
        [Io Message Receives]
        fn __recv_chk(fd: c_int, buf: *mut c_void, len: size_t, buflen: size_t, flags: c_int) -> ssize_t = data::recv, call::logged;
        /// recvfrom(2)
        [Io Message Receives SYS_recvfrom]
        fn recvfrom(fd: c_int, buf: *mut c_void, len: size_t, flags: c_int, addr: *mut sockaddr, addrlen: *mut socklen_t) -> ssize_t = data::recv, call::logged;
        /// recvfrom(2) of a program built with _FORTIFY_SOURCE
        [Io Message Receives]
        fn __recvfrom_chk(fd: c_int, buf: *mut c_void, len: size_t, buflen: size_t, flags: c_int, addr: *mut sockaddr, addrlen: *mut socklen_t) -> ssize_t = data::recv, call::logged;
        /// recvmsg(2): also how descriptors arrive
        [Io Rights Receives SYS_recvmsg]
        fn recvmsg(fd: c_int, msg: *mut msghdr, flags: c_int) -> ssize_t = data::recv, data::received;
        /// recvmmsg(2): also how descriptors arrive
        [Io RightsOfMany Receives SYS_recvmmsg]
        fn recvmmsg(fd: c_int, msgvec: *mut mmsghdr, vlen: c_uint, flags: c_int, timeout: *mut timespec) -> c_int = data::recv, data::received_many;
        /// read(2)
        [Io Bytes Receives SYS_read]
        fn read(fd: c_int, buf: *mut c_void, len: size_t) -> ssize_t = data::read, call::logged;
        /// read(2), glibc's other name for it
        [Io Bytes Receives]
        fn __read(fd: c_int, buf: *mut c_void, len: size_t) -> ssize_t = data::read, call::logged;
        /// read(2) of a program built with _FORTIFY_SOURCE
        [Io Bytes Receives]
        fn __read_chk(fd: c_int, buf: *mut c_void, len: size_t, buflen: size_t) -> ssize_t = data::read, call::logged;
        /// readv(2)
        [Io Bytes Receives SYS_readv]
        fn readv(fd: c_int, iov: *const iovec, iovcnt: c_int) -> ssize_t = data::read, call::logged;
        /// preadv2(2), which reads from a socket at offset -1
        [Io Bytes Receives]
        fn preadv2(fd: c_int, iov: *const iovec, iovcnt: c_int, offset: off_t, flags: c_int) -> ssize_t = data::read, call::logged;
        /// preadv2(2) with large offsets
        [Io Bytes Receives]
        fn preadv64v2(fd: c_int, iov: *const iovec, iovcnt: c_int, offset: off64_t, flags: c_int) -> ssize_t = data::read, call::logged;
        /// write(2)
        [Io Bytes Sends SYS_write]
        fn write(fd: c_int, buf: *const c_void, len: size_t) -> ssize_t = data::write, call::logged;
        /// write(2), glibc's other name for it
        [Io Bytes Sends]
        fn __write(fd: c_int, buf: *const c_void, len: size_t) -> ssize_t = data::write, call::logged;
        /// writev(2)
        [Io Bytes Sends SYS_writev]
        fn writev(fd: c_int, iov: *const iovec, iovcnt: c_int) -> ssize_t = data::write, call::logged;
        /// pwritev2(2), which writes to a socket at offset -1
        [Io Bytes Sends]
        fn pwritev2(fd: c_int, iov: *const iovec, iovcnt: c_int, offset: off_t, flags: c_int) -> ssize_t = data::write, call::logged;
        /// pwritev2(2) with large offsets
        [Io Bytes Sends]
        fn pwritev64v2(fd: c_int, iov: *const iovec, iovcnt: c_int, offset: off64_t, flags: c_int) -> ssize_t = data::write, call::logged;
        /// sendfile(2)
        [Io Bytes Sends SYS_sendfile]
        fn sendfile(fd: c_int, in_fd: c_int, offset: *mut off_t, count: size_t) -> ssize_t = data::write, call::logged;
        /// sendfile(2) with large offsets
        [Io Bytes Sends]
        fn sendfile64(fd: c_int, in_fd: c_int, offset: *mut off64_t, count: size_t) -> ssize_t = data::write, call::logged;
        /// splice(2)
        [Io Data Splices SYS_splice]
        fn splice(fd: c_int, off_in: *mut off64_t, fd_out: c_int, off_out: *mut off64_t, len: size_t, flags: c_uint) -> ssize_t = data::splice, call::logged;

        // Readiness.
        /// poll(2)
        [Io Polls Polls SYS_poll]
        fn poll(fds: *mut pollfd, nfds: nfds_t, timeout: c_int) -> c_int = ready::poll, call::logged;
        /// poll(2), glibc's other name for it
        [Io Polls Polls]
        fn __poll(fds: *mut pollfd, nfds: nfds_t, timeout: c_int) -> c_int = ready::poll, call::logged;
        /// poll(2) of a program built with _FORTIFY_SOURCE
        [Io Polls Polls]
        fn __poll_chk(fds: *mut pollfd, nfds: nfds_t, timeout: c_int, fdslen: size_t) -> c_int = ready::poll, call::logged;
        /// ppoll(2)
        [Io Polls Polls]
        fn ppoll(fds: *mut pollfd, nfds: nfds_t, timeout: *const timespec, sigmask: *const sigset_t) -> c_int = ready::poll, call::logged;
        /// ppoll(2) of a program built with _FORTIFY_SOURCE
        [Io Polls Polls]
        fn __ppoll_chk(fds: *mut pollfd, nfds: nfds_t, timeout: *const timespec, sigmask: *const sigset_t, fdslen: size_t) -> c_int = ready::poll, call::logged;
        /// select(2)
        [Io Waits Selects SYS_select]
        fn select(nfds: c_int, readfds: *mut fd_set, writefds: *mut fd_set, exceptfds: *mut fd_set, timeout: *mut timeval) -> c_int = ready::select, call::logged;
        /// select(2), glibc's other name for it
        [Io Waits Selects]
        fn __select(nfds: c_int, readfds: *mut fd_set, writefds: *mut fd_set, exceptfds: *mut fd_set, timeout: *mut timeval) -> c_int = ready::select, call::logged;
        /// pselect(2)
        [Io Waits Selects]
        fn pselect(nfds: c_int, readfds: *mut fd_set, writefds: *mut fd_set, exceptfds: *mut fd_set, timeout: *const timespec, sigmask: *const sigset_t) -> c_int = ready::select, call::logged;
        /// epoll_create(2)
        [Call Control Plain SYS_epoll_create]
        fn epoll_create(size: c_int) -> c_int = ready::epoll_create, fd::opened;
        /// epoll_create1(2)
        [Call Control Plain SYS_epoll_create1]
        fn epoll_create1(flags: c_int) -> c_int = ready::epoll_create, fd::opened;
        /// epoll_ctl(2)
        [Call Watches Watches SYS_epoll_ctl]
        fn epoll_ctl(epfd: c_int, op: c_int, fd: c_int, event: *mut epoll_event) -> c_int = ready::epoll_ctl, call::logged;
        /// epoll_wait(2)
        [Io Waits Waits SYS_epoll_wait]
        fn epoll_wait(epfd: c_int, events: *mut epoll_event, maxevents: c_int, timeout: c_int) -> c_int = ready::epoll_wait, call::logged;
        /// epoll_pwait(2)
        [Io Waits Waits]
        fn epoll_pwait(epfd: c_int, events: *mut epoll_event, maxevents: c_int, timeout: c_int, sigmask: *const sigset_t) -> c_int = ready::epoll_wait, call::logged;
        /// epoll_pwait2(2)
        [Io Waits Waits]
        fn epoll_pwait2(epfd: c_int, events: *mut epoll_event, maxevents: c_int, timeout: *const timespec, sigmask: *const sigset_t) -> c_int = ready::epoll_wait, call::logged;

        // Names and addresses of hosts.
        /// getaddrinfo(3)
        [Call Resolve Resolves]
        fn getaddrinfo(node: *const c_char, service: *const c_char, hints: *const addrinfo, res: *mut *mut addrinfo) -> c_int = resolve::getaddrinfo, resolve::got_addresses;
        /// getnameinfo(3)
        [Call Resolve Resolves]
        fn getnameinfo(addr: *const sockaddr, addrlen: socklen_t, host: *mut c_char, hostlen: socklen_t, serv: *mut c_char, servlen: socklen_t, flags: c_int) -> c_int = resolve::getnameinfo, resolve::got_names;
        /// gethostbyname(3)
        [Call Resolve ResolvesHost]
        fn gethostbyname(name: *const c_char) -> *mut hostent = resolve::gethostbyname, resolve::got_host;
        /// gethostbyname2(3), for addresses of one family
        [Call Resolve ResolvesHost]
        fn gethostbyname2(name: *const c_char, af: c_int) -> *mut hostent = resolve::gethostbyname, resolve::got_host;
        /// gethostbyname_r(3)
        [Call Resolve ResolvesHostInto]
        fn gethostbyname_r(name: *const c_char, ret: *mut hostent, buf: *mut c_char, buflen: size_t, result: *mut *mut hostent, h_errnop: *mut c_int) -> c_int = resolve::gethostbyname, resolve::got_host_into;
        /// gethostbyname2_r(3), for addresses of one family
        [Call Resolve ResolvesHostInto]
        fn gethostbyname2_r(name: *const c_char, af: c_int, ret: *mut hostent, buf: *mut c_char, buflen: size_t, result: *mut *mut hostent, h_errnop: *mut c_int) -> c_int = resolve::gethostbyname, resolve::got_host_into;
        /// gethostbyaddr(3)
        [Call Resolve ResolvesHost]
        fn gethostbyaddr(addr: *const c_void, len: socklen_t, type_: c_int) -> *mut hostent = resolve::gethostbyaddr, resolve::got_host;
        /// gethostbyaddr_r(3)
        [Call Resolve ResolvesHostInto]
        fn gethostbyaddr_r(addr: *const c_void, len: socklen_t, type_: c_int, ret: *mut hostent, buf: *mut c_char, buflen: size_t, result: *mut *mut hostent, h_errnop: *mut c_int) -> c_int = resolve::gethostbyaddr, resolve::got_host_into;

        // Interfaces, which modules may have.
        /// if_nametoindex(3)
        [Call Devices Plain]
        fn if_nametoindex(name: *const c_char) -> c_uint = fd::unseen, call::logged;
        /// if_indextoname(3)
        [Call Devices Plain]
        fn if_indextoname(index: c_uint, name: *mut c_char) -> *mut c_char = fd::unseen, call::logged;
        /// if_nameindex(3)
        [Call Devices Plain]
        fn if_nameindex() -> *mut if_nameindex = fd::unseen, call::logged;
        /// getifaddrs(3)
        [Call Devices Plain]
        fn getifaddrs(list: *mut *mut ifaddrs) -> c_int = fd::unseen, call::logged;

        // The life of descriptors.
        /// close(2)
        [Call Close Closes SYS_close]
        fn close(fd: c_int) -> c_int = fd::close, fd::closed;
        /// close(2), glibc's other name for it
        [Call Close Plain]
        fn __close(fd: c_int) -> c_int = fd::close, fd::closed;
        /// close_range(2)
        [Call Control Plain SYS_close_range]
        fn close_range(first: c_uint, last: c_uint, flags: c_int) -> c_int = fd::close_range, fd::range_closed;
        /// closefrom(3)
        [Call Control Plain]
        fn closefrom(lowfd: c_int) -> () = fd::closefrom, fd::all_closed;
        /// fclose(3), which closes inside libc
        [Call Control Plain]
        fn fclose(stream: *mut FILE) -> c_int = fd::fclose, fd::closed;
        /// pclose(3), which closes inside libc
        [Call Control Plain]
        fn pclose(stream: *mut FILE) -> c_int = fd::fclose, fd::closed;
        /// freopen(3), which closes inside libc
        [Call Control Plain]
        fn freopen(path: *const c_char, mode: *const c_char, stream: *mut FILE) -> *mut FILE = fd::freopen, fd::closed;
        /// freopen(3) with large offsets
        [Call Control Plain]
        fn freopen64(path: *const c_char, mode: *const c_char, stream: *mut FILE) -> *mut FILE = fd::freopen, fd::closed;
        /// dup(2)
        [Call Dup Plain SYS_dup]
        fn dup(fd: c_int) -> c_int = fd::dup, fd::duplicated;
        /// dup2(2)
        [Call Dup2 Plain SYS_dup2]
        fn dup2(fd: c_int, newfd: c_int) -> c_int = fd::dup2, fd::duplicated;
        /// dup2(2), glibc's other name for it
        [Call Dup2 Plain]
        fn __dup2(fd: c_int, newfd: c_int) -> c_int = fd::dup2, fd::duplicated;
        /// dup3(2)
        [Call Dup2 Plain SYS_dup3]
        fn dup3(fd: c_int, newfd: c_int, flags: c_int) -> c_int = fd::dup2, fd::duplicated;
        /// fcntl(2)
        [Call Life Plain SYS_fcntl]
        fn fcntl(fd: c_int, cmd: c_int, arg: c_ulong) -> c_int = fd::fcntl, fd::fcntl_done;
        /// fcntl(2) with large file locks
        [Call Life Plain]
        fn fcntl64(fd: c_int, cmd: c_int, arg: c_ulong) -> c_int = fd::fcntl, fd::fcntl_done;
        /// fcntl(2), glibc's other name for it
        [Call Life Plain]
        fn __fcntl(fd: c_int, cmd: c_int, arg: c_ulong) -> c_int = fd::fcntl, fd::fcntl_done;
        /// pidfd_getfd(2)
        [Call Control Plain SYS_pidfd_getfd]
        fn pidfd_getfd(pidfd: c_int, targetfd: c_int, flags: c_uint) -> c_int = fd::getfd, fd::got;
        /// login_tty(3), which closes and redirects inside libc
        [Call Control Plain]
        fn login_tty(fd: c_int) -> c_int = fd::login_tty, fd::logged_in;
        /// forkpty(3), which forks and redirects inside libc
        [Call Control Forks]
        fn forkpty(amaster: *mut c_int, name: *mut c_char, termp: *const termios, winp: *const winsize) -> c_int = process::noted, process::forked_pty;

        // Processes.
        /// fork(2)
        [Call Control Forks]
        fn fork() -> pid_t = process::noted, process::forked;
        /// fork(2), glibc's other name for it
        [Call Control Forks]
        fn __fork() -> pid_t = process::noted, process::forked;
        /// _Fork(3), fork without handlers
        [Call Control Forks]
        fn _Fork() -> pid_t = process::noted, process::forked;
        /// daemon(3), which forks and redirects inside libc
        [Call Control Forks]
        fn daemon(nochdir: c_int, noclose: c_int) -> c_int = process::daemon, process::daemonized;
        /// execve(2)
        [Call Exec(propagate) Execs SYS_execve]
        fn execve(path: *const c_char, argv: *const *const c_char, envp: *const *const c_char) -> c_int = exec::execve, exec::exec_failed;
        /// execv(3)
        [Call Exec(propagate) Execs]
        fn execv(path: *const c_char, argv: *const *const c_char) -> c_int = exec::execv, exec::exec_failed;
        /// execvp(3)
        [Call Exec(propagate) Execs]
        fn execvp(file: *const c_char, argv: *const *const c_char) -> c_int = exec::execvp, exec::exec_failed;
        /// execvpe(3)
        [Call Exec(propagate) Execs]
        fn execvpe(file: *const c_char, argv: *const *const c_char, envp: *const *const c_char) -> c_int = exec::execvpe, exec::exec_failed;
        /// execveat(2)
        [Call Exec(propagate) Execs SYS_execveat]
        fn execveat(dirfd: c_int, path: *const c_char, argv: *const *const c_char, envp: *const *const c_char, flags: c_int) -> c_int = exec::execveat, exec::exec_failed;
        /// fexecve(3)
        [Call Exec(propagate) Execs]
        fn fexecve(fd: c_int, argv: *const *const c_char, envp: *const *const c_char) -> c_int = exec::fexecve, exec::exec_failed;
        /// posix_spawn(3)
        [Call Exec(propagate) Spawns]
        fn posix_spawn(pid: *mut pid_t, path: *const c_char, file_actions: *const posix_spawn_file_actions_t, attrp: *const posix_spawnattr_t, argv: *const *mut c_char, envp: *const *mut c_char) -> c_int = exec::spawn, exec::spawned;
        /// posix_spawnp(3)
        [Call Exec(propagate) SpawnsSearched]
        fn posix_spawnp(pid: *mut pid_t, file: *const c_char, file_actions: *const posix_spawn_file_actions_t, attrp: *const posix_spawnattr_t, argv: *const *mut c_char, envp: *const *mut c_char) -> c_int = exec::spawn, exec::spawned;
        /// prctl(2), for the moment at which a program enters a seccomp sandbox
        [Call Exec(propagate) Changes SYS_prctl]
        fn prctl(option: c_int, arg2: c_ulong, arg3: c_ulong, arg4: c_ulong, arg5: c_ulong) -> c_int = process::prctl, process::prctl_done;
        /// setuid(2), which the log's writer has to follow
        [Call Control Changes]
        fn setuid(uid: uid_t) -> c_int = process::credentials, process::credentials_done;
        /// seteuid(2), which the log's writer has to follow
        [Call Control Changes]
        fn seteuid(uid: uid_t) -> c_int = process::credentials, process::credentials_done;
        /// setreuid(2), which the log's writer has to follow
        [Call Control Changes]
        fn setreuid(ruid: uid_t, euid: uid_t) -> c_int = process::credentials, process::credentials_done;
        /// setresuid(2), which the log's writer has to follow
        [Call Control Changes]
        fn setresuid(ruid: uid_t, euid: uid_t, suid: uid_t) -> c_int = process::credentials, process::credentials_done;
        /// setgid(2), which the log's writer has to follow
        [Call Control Changes]
        fn setgid(gid: gid_t) -> c_int = process::credentials, process::credentials_done;
        /// setegid(2), which the log's writer has to follow
        [Call Control Changes]
        fn setegid(gid: gid_t) -> c_int = process::credentials, process::credentials_done;
        /// setregid(2), which the log's writer has to follow
        [Call Control Changes]
        fn setregid(rgid: gid_t, egid: gid_t) -> c_int = process::credentials, process::credentials_done;
        /// setresgid(2), which the log's writer has to follow
        [Call Control Changes]
        fn setresgid(rgid: gid_t, egid: gid_t, sgid: gid_t) -> c_int = process::credentials, process::credentials_done;
        /// setgroups(2), which the log's writer has to follow
        [Call Control Changes]
        fn setgroups(size: size_t, list: *const gid_t) -> c_int = process::credentials, process::credentials_done;
        /// initgroups(3), which the log's writer has to follow
        [Call Control Changes]
        fn initgroups(user: *const c_char, group: gid_t) -> c_int = process::credentials, process::credentials_done;
        /// capset(2), which the log's writer has to follow
        [Call Control Changes SYS_capset]
        fn capset(hdrp: *mut c_void, datap: *const c_void) -> c_int = process::credentials, process::credentials_done;
        /// setrlimit(2), before which the log has to be open
        [Call Control Changes SYS_setrlimit]
        fn setrlimit(resource: c_uint, rlim: *const c_void) -> c_int = process::unlogged, call::logged;
        /// setrlimit(2), with large limits
        [Call Control Changes]
        fn setrlimit64(resource: c_uint, rlim: *const c_void) -> c_int = process::unlogged, call::logged;
        /// prlimit(2), before which the log has to be open
        [Call Control Changes SYS_prlimit64]
        fn prlimit(pid: pid_t, resource: c_uint, new_limit: *const c_void, old_limit: *mut c_void) -> c_int = process::prlimit, call::logged;
        /// prlimit(2), with large limits
        [Call Control Changes]
        fn prlimit64(pid: pid_t, resource: c_uint, new_limit: *const c_void, old_limit: *mut c_void) -> c_int = process::prlimit, call::logged;
        /// chroot(2), before which the log has to be open
        [Call Control Changes SYS_chroot]
        fn chroot(path: *const c_char) -> c_int = process::unlogged, call::logged;
        /// waitpid(2), which could find the log's writer
        [Call Control Changes]
        fn waitpid(pid: pid_t, wstatus: *mut c_int, options: c_int) -> pid_t = process::waitpid, process::waited;
        /// waitpid(2), glibc's other name for it
        [Call Control Changes]
        fn __waitpid(pid: pid_t, wstatus: *mut c_int, options: c_int) -> pid_t = process::waitpid, process::waited;
        /// wait3(2), which could find the log's writer
        [Call Control Changes]
        fn wait3(wstatus: *mut c_int, options: c_int, rusage: *mut c_void) -> pid_t = process::wait3, process::waited;
        /// wait4(2), which could find the log's writer
        [Call Control Changes SYS_wait4]
        fn wait4(pid: pid_t, wstatus: *mut c_int, options: c_int, rusage: *mut c_void) -> pid_t = process::waitpid, process::waited;
        /// waitid(2), which could find the log's writer
        [Call Control Changes SYS_waitid]
        fn waitid(idtype: c_uint, id: c_uint, infop: *mut c_void, options: c_int) -> c_int = process::waitid, process::waited;
        /// unshare(2), which may need a process without other threads
        [Call Control Changes SYS_unshare]
        fn unshare(flags: c_int) -> c_int = process::unshare, process::unshared;
        /// setns(2), which may need a process without other threads
        [Call Control Changes SYS_setns]
        fn setns(nsfd: c_int, nstype: c_int) -> c_int = process::setns, process::moved;
        /// syscall(2): routed by its number
        [Call Numbered(propagate) Changes]
        fn syscall(number: c_long, a1: c_long, a2: c_long, a3: c_long, a4: c_long, a5: c_long, a6: c_long) -> c_long = process::syscall, process::syscall_done;
    }
    trampolines {
        /// vfork(2), which returns twice
        [Call Vforks]
        fn vfork() -> pid_t = process::noted, call::logged;
        /// vfork(2), glibc's other name for it
        [Call Vforks]
        fn __vfork() -> pid_t = process::noted, call::logged;
        /// execl(3), which takes any number of arguments
        [Call ExecsList]
        fn execl(path: *const c_char, arg: *const c_char) -> c_int = exec::execv, exec::exec_failed;
        /// execlp(3), which takes any number of arguments
        [Call ExecsList]
        fn execlp(file: *const c_char, arg: *const c_char) -> c_int = exec::execvp, exec::exec_failed;
        /// execle(3), which takes any number of arguments
        [Call ExecsListEnv]
        fn execle(path: *const c_char, arg: *const c_char) -> c_int = exec::execve, exec::exec_failed;
        /// clone(2), whose child starts on another stack
        [Call Clones]
        fn clone(func: *const c_void, stack: *mut c_void, flags: c_int) -> c_int = process::clone, call::logged;
        /// clone(2), glibc's other name for it
        [Call Clones]
        fn __clone(func: *const c_void, stack: *mut c_void, flags: c_int) -> c_int = process::clone, call::logged;
        /// _exit(2), which does not return
        [Call Exits]
        fn _exit(status: c_int) -> ! = process::noted, call::logged;
        /// _Exit(3), which does not return
        [Call Exits]
        fn _Exit(status: c_int) -> ! = process::noted, call::logged;
        /// quick_exit(3), which does not return
        [Call ExitsQuickly]
        fn quick_exit(status: c_int) -> ! = process::noted, call::logged;
    }
    not_hooked {
        exit: "runs the program's handlers first; the library's destructor comes after them";
        abort: "must work in any state; the log's writer outlives the process and writes what there is";
        chdir: "the log's path is made absolute at the start";
        fchdir: "the log's path is made absolute at the start";
        pthread_create: "sockets do not belong to threads";
        sigaction: "no signal is of interest";
        wait: "finds no child without an exit signal, as the log's writer is";
        pread: "a socket has no offset: ESPIPE before the socket layer is reached";
        pread64: "a socket has no offset: ESPIPE before the socket layer is reached";
        __pread_chk: "a socket has no offset: ESPIPE before the socket layer is reached";
        __pread64_chk: "a socket has no offset: ESPIPE before the socket layer is reached";
        pwrite: "a socket has no offset: ESPIPE before the socket layer is reached";
        pwrite64: "a socket has no offset: ESPIPE before the socket layer is reached";
        preadv: "a socket has no offset: ESPIPE before the socket layer is reached";
        pwritev: "a socket has no offset: ESPIPE before the socket layer is reached";
        tee: "works between pipes only";
        vmsplice: "works on pipes only";
        copy_file_range: "works between files only";
        fstat: "says of a socket only that it is one";
        isfdtype: "fstat inside libc, without effect";
        mmap: "allocators call it while they initialise, and only packet and XDP sockets can be mapped";
        open: "never makes a socket; a stale entry is noticed by the socket's cookie";
        fdopen: "only fcntl(F_GETFL) inside libc; what stdio then reads and writes cannot be seen";
        _IO_fclose: "an alias from before glibc 2.1, which no header declares";
        dprintf: "writes inside libc, where no hook can see it";
        getaddrinfo_a: "asks in libc's own threads, where no hook can see it";
        bindresvport: "its bind is inside libc, where no hook can see it";
        __fdelt_chk: "only checks a number";
        __close_nocancel: "private to libc; nothing can link it";
        __libc_fork: "private to libc; nothing can link it";
        aio_read: "reads in libc's own threads, where no hook can see it";
        io_uring_setup: "no such function in libc; through syscall(2) it is seen and logged, but the ring's operations are not";
        io_uring_queue_init: "liburing's, with system calls of its own; to export it would make it appear in programs without liburing, which look for it by dlsym or a weak reference";
        system: "starts its shell inside libc, with the program's own environment";
        popen: "starts its shell inside libc, with the program's own environment";
    }
}
