//! What the command takes from libc, bound to versions that every glibc since 2.28 has.
//!
//! The linker binds a symbol to its newest version, and what is linked here would run nowhere else. So it leads the standard
//! library's calls of those symbols here (`--wrap`, by the command's `build.rs`), and from here they go on to the old version.
//! A newer libc has kept it: the functions are the same.
//!
//! # Safety
//! The functions keep the registers and the stack of a call, but for the stat family, which has one argument more. `init` is
//! called once, by libc, before main().

use core::arch::global_asm;
use core::ffi::{c_char, c_int};

macro_rules! symbols {
    (
        same { $($same:ident $version:literal;)* }
        stat { $($stat:ident $old:literal;)* }
        own { $($own:ident;)* }
    ) => {
        $(global_asm!(
            ".text",
            concat!(".symver sockshim_old_", stringify!($same), ", ", stringify!($same), "@", $version),
            concat!(".globl __wrap_", stringify!($same)),
            concat!(".hidden __wrap_", stringify!($same)),
            concat!("__wrap_", stringify!($same), ":"),
            concat!("jmp sockshim_old_", stringify!($same), "@PLT"),
        );)*
        $(global_asm!(
            ".text",
            concat!(".symver sockshim_old_", stringify!($stat), ", ", $old),
            concat!(".globl __wrap_", stringify!($stat)),
            concat!(".hidden __wrap_", stringify!($stat)),
            concat!("__wrap_", stringify!($stat), ":"),
            "mov rdx, rsi",
            "mov rsi, rdi",
            "mov edi, 1",
            concat!("jmp sockshim_old_", stringify!($stat), "@PLT"),
        );)*
    };
}

include!("symbols.rs");

// gettid(2) is a system call without an argument.
global_asm!(
    ".text",
    ".globl __wrap_gettid",
    ".hidden __wrap_gettid",
    "__wrap_gettid:",
    "mov eax, 186",
    "syscall",
    "ret",
);

// Since 2.34 the start files pass no function that runs the program's constructors, and libc runs them itself: but not if there
// is such a function, as in programs from before, and an older libc does not at all.
global_asm!(
    ".text",
    ".symver sockshim_old_start, __libc_start_main@GLIBC_2.2.5",
    ".globl __wrap___libc_start_main",
    ".hidden __wrap___libc_start_main",
    "__wrap___libc_start_main:",
    "test rcx, rcx",
    "jnz 2f",
    "lea rcx, [rip + {init}]",
    "2:",
    "jmp sockshim_old_start@PLT",
    init = sym init,
);

type Constructor = unsafe extern "C" fn(c_int, *const *const c_char, *const *const c_char);

unsafe extern "C" {
    #[link_name = "__init_array_start"]
    static FIRST: Constructor;
    #[link_name = "__init_array_end"]
    static END: Constructor;
}

/// Runs the program's constructors, as `__libc_csu_init` of the start files before 2.34.
unsafe extern "C" fn init(argc: c_int, argv: *const *const c_char, envp: *const *const c_char) {
    let mut constructor = &raw const FIRST;
    while constructor != &raw const END {
        // SAFETY: the linker's list of constructors, which get these arguments.
        unsafe {
            (*constructor)(argc, argv, envp);
            constructor = constructor.add(1);
        }
    }
}
