//! The table of hooked symbols, from the very file that the preload library is built from.
//!
//! The library's `hooks!` makes an exported function of each line. The macro of the same name below makes only the
//! line's description: an executable in which a function `socket` came out of it would hook itself.

/// A symbol that was considered, and left out.
pub struct NotHooked {
    /// The symbol.
    pub name: &'static str,
    /// Why hooking it would do harm, or no good.
    pub why: &'static str,
}

/// What each of them is, and where it is specified, in the same order. The library itself has no use for that.
pub use table::DOCS;
/// Every symbol that the library exports, in the order of the table.
pub use table::HOOKS;
/// Every symbol that is left out although it has to do with sockets, descriptors or processes.
pub use table::NOT_HOOKED;

/// See the module's text. The pattern is that of `src/preload/table.rs`.
macro_rules! hooks {
    (
        calls { $(#[doc = $doc:literal] [$level:ident $gate:ident $(($by:ident))? $does:ident $($nr:ident)?]
            fn $name:ident($($arg:ident: $ty:ty),* $(,)?) -> $ret:ty = $enter:path, $leave:path;)* }
        trampolines { $(#[doc = $tdoc:literal] [$tlevel:ident $tdoes:ident]
            fn $tname:ident($($targ:ident: $tty:ty),* $(,)?) -> $tret:tt = $tenter:path, $tleave:path;)* }
        not_hooked { $($unhooked:ident: $why:literal;)* }
    ) => {
        use super::NotHooked;
        use sockshim_core::hook;
        use sockshim_core::hook::Hook;

        pub static HOOKS: &[Hook] = &[
            $(hook!($level, $does, [$($nr)?], $name($($arg: $ty),*), stringify!($ret)),)*
            $(hook!($tlevel, $tdoes, [], $tname($($targ: $tty),*), stringify!($tret)),)*
        ];

        pub static DOCS: &[&str] = &[$($doc,)* $($tdoc,)*];

        pub static NOT_HOOKED: &[NotHooked] = &[
            $(NotHooked { name: stringify!($unhooked), why: $why },)*
        ];
    };
}

// After the macro, whose name it uses.
#[path = "../preload/hooks.rs"]
mod table;

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_symbol_has_one_line_and_a_text() {
        let hooked = HOOKS.iter().zip(DOCS).map(|(hook, doc)| (hook.name(), *doc));
        let left_out = NOT_HOOKED.iter().map(|symbol| (symbol.name, symbol.why));
        let mut seen = HashSet::new();
        for (name, text) in hooked.chain(left_out) {
            assert!(seen.insert(name), "{name} is there twice");
            assert!(!text.trim().is_empty(), "{name} has no text");
        }
        assert!(!HOOKS.is_empty() && !NOT_HOOKED.is_empty());
    }

    #[test]
    fn a_line_is_read_as_it_is_written() {
        let socket = HOOKS.iter().find(|hook| hook.name() == "socket").expect("a hook of socket");
        assert_eq!(socket.nr(), Some(libc::SYS_socket));
        assert_eq!(socket.level.name(), "decision");
        let params: Vec<_> = socket.params().map(|param| (param.name, param.ty)).collect();
        assert_eq!(params, [("family", "c_int"), ("type_", "c_int"), ("protocol", "c_int")]);
        let exit = HOOKS.iter().find(|hook| hook.name() == "_exit").expect("a hook of _exit");
        assert_eq!((exit.ret(), exit.nr()), ("!", None));
    }
}
