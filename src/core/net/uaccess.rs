//! Arguments in the program's memory (`include/linux/uaccess.h`): copied by whoever calls the socket layer.

use crate::errno::Errno;

/// An argument that was to be copied from the program: the bytes, the error that the copy meets, or nothing
/// because the memory could not be looked at.
pub type Copied<T> = Option<Result<T, Errno>>;

/// The same argument where it stands: addresses are large.
pub fn borrowed<T>(argument: &Copied<T>) -> Copied<&T> {
    argument.as_ref().map(|copied| copied.as_ref().map_err(|errno| *errno))
}
