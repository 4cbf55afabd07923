// Read by the build scripts of executables: each says in OLDLIBC where this directory is.

/// Leads the calls of libc's newer symbols to sockshim-oldlibc. Since glibc 2.34 the two libraries are empty, and the linker
/// would leave them out.
fn bind_to_old_libc() {
    println!("cargo:rerun-if-changed={OLDLIBC}/symbols.rs");
    let libraries = "-Wl,--push-state,--no-as-needed,-l:libpthread.so.0,-l:libdl.so.2,--pop-state";
    println!("cargo:rustc-link-arg-bins={libraries}");
    for symbol in OLD {
        println!("cargo:rustc-link-arg-bins=-Wl,--wrap={symbol}");
    }
}

macro_rules! symbols {
    (
        same { $($same:ident $version:literal;)* }
        stat { $($stat:ident $old:literal;)* }
        own { $($own:ident;)* }
    ) => {
        const OLD: &[&str] = &[$(stringify!($same),)* $(stringify!($stat),)* $(stringify!($own),)*];
    };
}

include!("symbols.rs");
