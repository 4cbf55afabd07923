//! Errno numbers and their names, as `errno(3)` lists them.

use crate::number_names;
use crate::uapi::{Names, name_of, number_of};
use libc::c_int;

/// An error number as the kernel returns it, positive: `Errno(98)` is `EADDRINUSE`.
///
/// Any number is representable, because a kernel may know errors that this table does not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Errno(pub c_int);

macro_rules! errno_names {
    ($($name:ident)*) => {
        /// One constant per error, and the table that names them.
        impl Errno {
            $(#[doc = concat!("`", stringify!($name), "`.")] pub const $name: Errno = Errno(libc::$name);)*
        }
        const NAMES: Names = number_names!($(libc::$name => stringify!($name),)*);
    };
}

errno_names! {
    EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT ENOTBLK EBUSY EEXIST
    EXDEV ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK EPIPE EDOM
    ERANGE EDEADLK ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY ELOOP ENOMSG EIDRM ECHRNG EL2NSYNC EL3HLT EL3RST ELNRNG
    EUNATCH ENOCSI EL2HLT EBADE EBADR EXFULL ENOANO EBADRQC EBADSLT EBFONT ENOSTR ENODATA ETIME ENOSR ENONET ENOPKG
    EREMOTE ENOLINK EADV ESRMNT ECOMM EPROTO EMULTIHOP EDOTDOT EBADMSG EOVERFLOW ENOTUNIQ EBADFD EREMCHG ELIBACC
    ELIBBAD ELIBSCN ELIBMAX ELIBEXEC EILSEQ ERESTART ESTRPIPE EUSERS ENOTSOCK EDESTADDRREQ EMSGSIZE EPROTOTYPE
    ENOPROTOOPT EPROTONOSUPPORT ESOCKTNOSUPPORT EOPNOTSUPP EPFNOSUPPORT EAFNOSUPPORT EADDRINUSE EADDRNOTAVAIL
    ENETDOWN ENETUNREACH ENETRESET ECONNABORTED ECONNRESET ENOBUFS EISCONN ENOTCONN ESHUTDOWN ETOOMANYREFS ETIMEDOUT
    ECONNREFUSED EHOSTDOWN EHOSTUNREACH EALREADY EINPROGRESS ESTALE EUCLEAN ENOTNAM ENAVAIL EISNAM EREMOTEIO EDQUOT
    ENOMEDIUM EMEDIUMTYPE ECANCELED ENOKEY EKEYEXPIRED EKEYREVOKED EKEYREJECTED EOWNERDEAD ENOTRECOVERABLE ERFKILL
    EHWPOISON
}

impl Errno {
    /// The symbolic name, or `None` for a number that `errno(3)` does not list.
    pub fn name(self) -> Option<&'static str> {
        name_of(NAMES, self.0)
    }

    /// The number for a name such as `"EADDRINUSE"`.
    pub fn from_name(name: &str) -> Option<Errno> {
        number_of(NAMES, name).map(Errno)
    }

    /// Every name with its number.
    pub fn names() -> Names {
        NAMES
    }

    /// Whether the kernel uses this error to refuse a permitted operation. Security modules, filters, firewalls and
    /// file permissions answer with it, so it never contradicts a prediction.
    pub fn is_refusal(self) -> bool {
        matches!(self, Errno::EACCES | Errno::EPERM)
    }

    /// Whether the error is about a resource of the machine or the process, or a signal, rather than about the
    /// socket. No table can predict these, so they never count as a divergence.
    pub fn is_circumstance(self) -> bool {
        matches!(self, Errno::EMFILE | Errno::ENFILE | Errno::ENOMEM | Errno::ENOBUFS | Errno::EINTR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_agree() {
        assert_eq!(Errno(98).name(), Some("EADDRINUSE"));
        assert_eq!(Errno::from_name("EADDRINUSE"), Some(Errno::EADDRINUSE));
        assert_eq!(Errno(4000).name(), None);
        for (number, name) in NAMES.iter() {
            assert_eq!(Errno(number).name(), Some(name), "two names for one number");
        }
    }
}
