//! The library's copies and comparisons (`src/preload/copy.rs`), for every length, distance and alignment up to some hundred
//! bytes. In this test binary they stand in libc's place, as they do in the library.

#[path = "../preload/copy.rs"]
mod functions;

use libc::{c_int, c_void, size_t};

unsafe extern "C" {
    fn memcpy(to: *mut c_void, from: *const c_void, len: size_t) -> *mut c_void;
    fn memmove(to: *mut c_void, from: *const c_void, len: size_t) -> *mut c_void;
    fn memset(to: *mut c_void, byte: c_int, len: size_t) -> *mut c_void;
    fn memcmp(one: *const c_void, other: *const c_void, len: size_t) -> c_int;
    fn bcmp(one: *const c_void, other: *const c_void, len: size_t) -> c_int;
    fn strlen(string: *const libc::c_char) -> size_t;
}

/// More than every length at which the code branches, twice.
const LONGEST: usize = 200;
const SIZE: usize = 512;

fn pattern() -> [u8; SIZE] {
    std::array::from_fn(|index| (index * 7 + index / 256 + 1) as u8)
}

/// What a copy has to give, byte by byte through a second array, without any of the functions.
#[expect(clippy::manual_memcpy, reason = "a copy would be one of the functions under test")]
fn moved(mut bytes: [u8; SIZE], to: usize, from: usize, len: usize) -> [u8; SIZE] {
    let old = pattern();
    for index in 0..len {
        bytes[to + index] = old[from + index];
    }
    bytes
}

fn same(one: &[u8; SIZE], other: &[u8; SIZE]) -> bool {
    (0..SIZE).all(|index| one[index] == other[index])
}

#[test]
fn copies_of_every_length() {
    for len in 0..=LONGEST {
        for at in 0..20 {
            let (from, mut to) = (pattern(), [0xaa_u8; SIZE]);
            // SAFETY: both arrays are longer.
            let returned = unsafe { memcpy(to[at..].as_mut_ptr().cast(), from[3..].as_ptr().cast(), len) };
            assert_eq!(returned as usize, &raw const to[at] as usize);
            assert!(same(&to, &moved([0xaa; SIZE], at, 3, len)), "{len} bytes to {at}");
        }
    }
}

#[test]
fn moves_over_themselves() {
    for len in 0..=LONGEST {
        for distance in 0..=LONGEST {
            for (to, from) in [(50, 50 + distance), (50 + distance, 50)] {
                let mut bytes = pattern();
                let start = bytes.as_mut_ptr();
                // SAFETY: the array is longer than both pieces.
                unsafe { memmove(start.add(to).cast(), start.add(from).cast(), len) };
                assert!(same(&bytes, &moved(pattern(), to, from, len)), "{len} bytes from {from} to {to}");
            }
        }
    }
}

#[test]
fn fills_of_every_length() {
    for len in 0..=LONGEST {
        for at in 0..20 {
            let mut bytes = pattern();
            // SAFETY: the array is longer. Only the lowest byte of the value counts.
            unsafe { memset(bytes[at..].as_mut_ptr().cast(), 0x1c5, len) };
            let right = |index: usize| match (at..at + len).contains(&index) {
                true => 0xc5,
                false => pattern()[index],
            };
            assert!((0..SIZE).all(|index| bytes[index] == right(index)), "{len} bytes at {at}");
        }
    }
}

#[test]
fn comparisons_find_every_difference() {
    for len in 0..=80 {
        let (one, mut other) = (pattern(), pattern());
        // SAFETY: both arrays are longer.
        let compared = |other: &[u8; SIZE]| unsafe {
            let (one, other) = (one.as_ptr().cast(), other.as_ptr().cast());
            (memcmp(one, other, len), bcmp(one, other, len))
        };
        assert_eq!(compared(&other), (0, 0), "{len} bytes");
        for at in 0..len {
            for byte in [0_u8, 0x7f, 0x80, 0xff] {
                let old = std::mem::replace(&mut other[at], byte);
                let (sign, differs) = compared(&other);
                assert_eq!(sign.signum(), i32::from(old).cmp(&byte.into()) as i32, "{len} bytes, byte {at}");
                assert_eq!(differs != 0, old != byte);
                other[at] = old;
            }
        }
    }
}

#[test]
fn strings_of_every_length() {
    for len in 0..=80 {
        for at in 0..20 {
            let mut bytes = [b'x'; SIZE];
            bytes[at + len] = 0;
            if at > 0 {
                bytes[at - 1] = 0;
            }
            // SAFETY: the array has a zero.
            assert_eq!(unsafe { strlen(bytes[at..].as_ptr().cast()) }, len, "at {at}");
        }
    }
}
