//! The words of rules: what a single value of a file or an option says. Places are bytes of the value, and who reads the
//! whole makes lines and columns of them.

pub mod address;
pub mod number;
pub mod sort;
pub mod target;
pub mod verb;
pub mod wrong;
