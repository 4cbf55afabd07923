//! Which programs a preloaded library is loaded into, judged by their files.
//!
//! `LD_PRELOAD` is a variable of glibc's dynamic linker. A program that has no dynamic linker, that uses another
//! libc's, or that starts in secure mode runs without the library and without a message. This crate finds that out
//! beforehand:
//!
//! - [`file`] says what a file is: an ELF file, a script, or nothing that can be executed;
//! - [`linking`] is what counts of an ELF file, [`sanitizer`] knows the runtimes that get in the way;
//! - [`obstacle`] is the table of what keeps the library out, with the codes that the command and the log share;
//! - [`privilege`] is the kernel's rule for secure mode.
//!
//! The library asks on the program's threads, so nothing here allocates, and a file is read in small pieces through
//! [`Source`]. Any byte of a file may be wrong: what is read is never trusted, only compared.
#![cfg_attr(not(test), no_std)]
#![deny(unsafe_code)]

mod dynamic;
pub mod file;
mod go;
pub mod linking;
pub mod obstacle;
pub mod privilege;
pub mod sanitizer;
pub mod script;
mod table;

/// A file's bytes.
pub trait Source {
    /// Reads at `offset` into `buffer`, and returns how many bytes there were: fewer at the end of the file, or where
    /// it cannot be read.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> usize;
}

impl Source for [u8] {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> usize {
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(self.len());
        let rest = &self[from..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        count
    }
}
