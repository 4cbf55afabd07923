//! Leads the two symbols behind a panic and a failed allocation, to which `build.rs` gives these names, to `panic::begin`.
//!
//! # Safety
//! Rust calls the two symbols like functions that never return. Their arguments are not read.

use core::arch::global_asm;

global_asm!(
    concat!(".globl __wrap_", env!("SOCKSHIM_BEGIN_PANIC")),
    concat!(".hidden __wrap_", env!("SOCKSHIM_BEGIN_PANIC")),
    concat!("__wrap_", env!("SOCKSHIM_BEGIN_PANIC"), ":"),
    concat!(".globl __wrap_", env!("SOCKSHIM_OUT_OF_MEMORY")),
    concat!(".hidden __wrap_", env!("SOCKSHIM_OUT_OF_MEMORY")),
    concat!("__wrap_", env!("SOCKSHIM_OUT_OF_MEMORY"), ":"),
    "jmp {begin}",
    begin = sym crate::panic::begin,
);
