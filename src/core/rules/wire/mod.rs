//! Rules as a text of printable ASCII, for an environment variable that every process of a tree reads at its start.
//!
//! It needs no parsing to speak of: numbers and texts follow each other in the order in which the fields are declared.
//! A number is written in groups of five bits, the lowest first, each as one character of an alphabet of 64; the sixth
//! bit says that another group follows. Signed numbers have their sign in the lowest bit. A text is its length and its
//! bytes, those beyond printable ASCII as `%` and two digits.

mod read;
mod write;

pub(super) use read::decode;
pub(super) use write::encode;

/// What every text begins with. The digit changes with the format.
const HEAD: &[u8] = b"sockshim1 ";
/// The digits of numbers.
const ALPHABET: &[u8; 64] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
const MORE: u64 = 32;
