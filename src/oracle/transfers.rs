//! The calls that move data, each made through the tables and to the kernel.

use crate::argument::{Addr, MessageArgument, Pointer};
use crate::kernel::{self, call};
use crate::subject::{BothAnswers, Subject};
use libc::c_int;
use sockshim_core::net::ops::{Cx, ProtoOps};
use sockshim_core::net::socket::*;
use sockshim_sys as sys;

impl Subject<'_> {
    /// sendto(2).
    pub fn sendto(&self, len: u64, buffer: Pointer, flags: c_int, addr: Option<&Addr>) -> BothAnswers {
        let bytes = vec![0_u8; len as usize + 64];
        let (pointer, addr_len) = addr.map_or((0, 0), |addr| (addr.pointer(), addr.len));
        let args = [buffer.to(bytes.as_ptr()), len as i64, (flags | libc::MSG_NOSIGNAL).into()];
        // SAFETY: the buffer has the length that is passed; the kernel checks the pointers.
        let perform = |fd| unsafe {
            call(libc::SYS_sendto, &[fd, args[0], args[1], args[2], pointer, addr_len.into()])
        };
        let predict = |cx: &mut Cx, fd: Lookup| {
            let flags = flags | libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
            sys_sendto(cx, fd, buffer.copied(len), flags, addr.map(Addr::copied))
        };
        self.ask(|ops| Some(ops.sendmsg.func), predict, perform)
    }

    /// recvfrom(2) without an address.
    pub fn recvfrom(&self, len: u64, buffer: Pointer, flags: c_int) -> BothAnswers {
        let mut bytes = vec![0_u8; len as usize + 64];
        let args = [buffer.to(bytes.as_mut_ptr()), len as i64, flags.into()];
        // SAFETY: the buffer has the length that is passed; the kernel checks the pointer.
        let perform = |fd| unsafe { call(libc::SYS_recvfrom, &[fd, args[0], args[1], args[2], 0, 0]) };
        let predict =
            |cx: &mut Cx, fd: Lookup| sys_recvfrom(cx, fd, buffer.copied(len), flags | libc::MSG_DONTWAIT);
        self.ask(|ops| Some(ops.recvmsg.func), predict, perform)
    }

    /// sendmsg(2), or sendmmsg(2) with a count.
    pub fn sendmsg(&self, message: &MessageArgument, count: Option<u32>, flags: c_int) -> BothAnswers {
        let flags = flags | libc::MSG_NOSIGNAL;
        let perform = |fd| {
            // SAFETY: the header is well formed; the kernel checks what it points to.
            message.with_header(|header| unsafe {
                match count {
                    None => call(libc::SYS_sendmsg, &[fd, header, flags.into()]),
                    Some(count) => call(libc::SYS_sendmmsg, &[fd, header, count.into(), flags.into()]),
                }
            })
        };
        let (user, waiting) = (message.user(), flags | libc::MSG_DONTWAIT);
        let predict = |cx: &mut Cx, fd: Lookup| match count {
            None => sys_sendmsg(cx, fd, user, waiting),
            Some(count) => sys_sendmmsg(cx, fd, user, count, waiting),
        };
        self.ask(|ops| Some(ops.sendmsg.func), predict, perform)
    }

    /// recvmsg(2).
    pub fn recvmsg(&self, message: &MessageArgument, flags: c_int) -> BothAnswers {
        let perform = |fd| {
            // SAFETY: the header is well formed; the kernel checks what it points to.
            message.with_header(|header| unsafe { call(libc::SYS_recvmsg, &[fd, header, flags.into()]) })
        };
        let user = message.user();
        let predict = |cx: &mut Cx, fd: Lookup| sys_recvmsg(cx, fd, user, flags | libc::MSG_DONTWAIT);
        self.ask(|ops| Some(ops.recvmsg.func), predict, perform)
    }

    /// recvmmsg(2) with a timeout, whose pointer may be bad.
    pub fn recvmmsg(
        &self,
        message: &MessageArgument,
        count: u32,
        flags: c_int,
        timeout: Option<(Pointer, i64)>,
    ) -> BothAnswers {
        let spec = libc::timespec { tv_sec: 0, tv_nsec: timeout.map_or(0, |(_, nanos)| nanos) };
        let spec_at = timeout.map_or(0, |(pointer, _)| pointer.to(&raw const spec));
        let perform = |fd| {
            // SAFETY: the header is well formed; the kernel checks what it points to.
            message.with_header(|header| unsafe {
                call(libc::SYS_recvmmsg, &[fd, header, count.into(), flags.into(), spec_at])
            })
        };
        let user = message.user();
        let predict = |cx: &mut Cx, fd: Lookup| {
            let timeout = timeout.map(|(pointer, _)| pointer.copied(spec));
            sys_recvmmsg(cx, fd, user, count, flags | libc::MSG_DONTWAIT, timeout)
        };
        self.ask(|ops| Some(ops.recvmsg.func), predict, perform)
    }

    /// read(2).
    pub fn read(&self, count: u64) -> BothAnswers {
        let mut bytes = vec![0_u8; count as usize + 1];
        // SAFETY: the buffer is long enough.
        let perform = |fd| unsafe { call(libc::SYS_read, &[fd, bytes.as_mut_ptr() as i64, count as i64]) };
        self.ask(|ops| Some(ops.recvmsg.func), |cx, fd| sys_read(cx, fd, count, true), perform)
    }

    /// write(2). The oracle ignores SIGPIPE.
    pub fn write(&self, count: u64) -> BothAnswers {
        let bytes = vec![0_u8; count as usize + 1];
        // SAFETY: the buffer is long enough.
        let perform = |fd| unsafe { call(libc::SYS_write, &[fd, bytes.as_ptr() as i64, count as i64]) };
        self.ask(|ops| Some(ops.sendmsg.func), |cx, fd| sys_write(cx, fd, count, true), perform)
    }

    /// splice(2) of three bytes from the socket to a pipe.
    pub fn splice_read(&self) -> BothAnswers {
        let [read, write] = pipe();
        // SAFETY: takes numbers and null pointers.
        let perform = |fd| unsafe { call(libc::SYS_splice, &[fd, 0, write.into(), 0, 3, 0]) };
        let handler = |ops: &'static ProtoOps| ops.splice_read.or(Some(ops.recvmsg.func));
        let asked = self.ask(handler, |cx, fd| sys_splice_read(cx, fd, 3, true), perform);
        sys::close(read);
        sys::close(write);
        asked
    }

    /// splice(2) of three bytes from a pipe to the socket.
    pub fn splice_write(&self) -> BothAnswers {
        let [read, write] = pipe();
        let _ = sys::write(write, b"abc");
        // SAFETY: takes numbers and null pointers.
        let perform = |fd| unsafe { call(libc::SYS_splice, &[read.into(), 0, fd, 0, 3, 0]) };
        let asked = self.ask(|ops| Some(ops.sendmsg.func), |cx, fd| sys_splice_write(cx, fd, 3), perform);
        sys::close(read);
        sys::close(write);
        asked
    }

    /// sendfile(2) of three bytes from a file to the socket.
    pub fn sendfile_to(&self) -> BothAnswers {
        let file = sys::open(c"/proc/self/exe", libc::O_RDONLY | libc::O_CLOEXEC, 0).unwrap_or(-1);
        // SAFETY: takes numbers and a null pointer.
        let perform = |fd| unsafe { call(libc::SYS_sendfile, &[fd, file.into(), 0, 3]) };
        let asked = self.ask(|ops| Some(ops.sendmsg.func), |cx, fd| sys_splice_write(cx, fd, 3), perform);
        sys::close(file);
        asked
    }

    /// sendfile(2) of three bytes from the socket to a device.
    pub fn sendfile_from(&self) -> BothAnswers {
        let null = sys::open(c"/dev/null", libc::O_WRONLY | libc::O_CLOEXEC, 0).unwrap_or(-1);
        // SAFETY: takes numbers and a null pointer.
        let perform = |fd| unsafe { call(libc::SYS_sendfile, &[null.into(), fd, 0, 3]) };
        let asked = self.ask(|_| None, |cx, fd| sys_sendfile_from(cx, fd, false, true), perform);
        sys::close(null);
        asked
    }

    /// sendfile(2) of three bytes from the socket to a pipe.
    pub fn sendfile_to_pipe(&self) -> BothAnswers {
        let [read, write] = pipe();
        // SAFETY: takes numbers and a null pointer.
        let perform = |fd| unsafe { call(libc::SYS_sendfile, &[write.into(), fd, 0, 3]) };
        let handler = |ops: &'static ProtoOps| ops.splice_read.or(Some(ops.recvmsg.func));
        let asked = self.ask(handler, |cx, fd| sys_sendfile_from(cx, fd, true, true), perform);
        sys::close(read);
        sys::close(write);
        asked
    }
}

fn pipe() -> [c_int; 2] {
    let mut ends = [-1; 2];
    // SAFETY: the array has room for two descriptors.
    let made = unsafe { call(libc::SYS_pipe2, &[ends.as_mut_ptr() as i64, libc::O_CLOEXEC.into()]) };
    kernel::must("pipe2", made);
    ends
}
