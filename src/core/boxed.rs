//! Boxes whose memory may be missing. `Box::new` ends the process then, and the process is somebody else's.

/// A box of `N` values, or `None` when there is no memory for it.
pub fn try_boxed<T, const N: usize>(make: impl FnMut() -> T) -> Option<Box<[T; N]>> {
    let mut values = Vec::new();
    values.try_reserve_exact(N).ok()?;
    values.resize_with(N, make);
    values.into_boxed_slice().try_into().ok()
}
