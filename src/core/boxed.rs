//! Boxes that can fail. When memory is exhausted, `Box::new` ends the process, and the process is the program's.

/// A box of `N` values, or `None` when memory is exhausted.
pub fn try_boxed<T, const N: usize>(make: impl FnMut() -> T) -> Option<Box<[T; N]>> {
    let mut values = Vec::new();
    values.try_reserve_exact(N).ok()?;
    values.resize_with(N, make);
    values.into_boxed_slice().try_into().ok()
}
