//! The time where the program runs.

/// Date and time of a second since 1970, in local time.
pub fn local(second: u64) -> libc::tm {
    let time = second as libc::time_t;
    // SAFETY: all zeros are a valid value of numbers and a null pointer.
    let mut parts: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: the function reads a number and writes the structure.
    unsafe { libc::localtime_r(&time, &mut parts) };
    parts
}

/// Hours, minutes and seconds of it.
pub fn of_day(second: u64) -> (i32, i32, i32) {
    let parts = local(second);
    (parts.tm_hour, parts.tm_min, parts.tm_sec)
}
