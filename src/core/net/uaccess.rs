//! Arguments in the program's memory (`include/linux/uaccess.h`), copied by the caller of the socket layer.

use crate::errno::Errno;

/// An argument in the program's memory: its value, the error from copying it, or `None` because the memory could not
/// be looked at.
pub type Copied<T> = Option<Result<T, Errno>>;

/// The same argument by reference, because addresses are large.
pub fn borrowed<T>(argument: &Copied<T>) -> Copied<&T> {
    argument.as_ref().map(|copied| copied.as_ref().map_err(|errno| *errno))
}
