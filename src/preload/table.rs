//! The facts of the hook table: what each symbol is. Any file may read them; what happens in a call is decided in the
//! layers above.

use sockshim_core::hook::Hook;

/// How many symbols there are.
pub const COUNT: usize = rows::COUNT;
/// Every exported symbol, in the order of the table.
pub static HOOKS: [Hook; COUNT] = rows::ALL;
/// The hashes of the symbols, in the same order, as objects' symbol tables use them.
pub static HASHES: [u32; COUNT] = rows::HASHES;
/// The index of each hook in the table.
pub use rows::HookIndex;

/// A set of system calls.
pub struct Numbers([u64; 16]);

impl Numbers {
    /// Those of the hooks, and these.
    pub const fn of_hooks_and(others: &[libc::c_long]) -> Numbers {
        let mut set = [0; 16];
        let mut index = 0;
        while index < COUNT {
            if let Some(number) = rows::ALL[index].nr() {
                set[number as usize / 64] |= 1 << (number % 64);
            }
            index += 1;
        }
        index = 0;
        while index < others.len() {
            set[others[index] as usize / 64] |= 1 << (others[index] % 64);
            index += 1;
        }
        Numbers(set)
    }

    /// Whether the number is in the set.
    #[inline(always)]
    pub fn has(&self, number: libc::c_long) -> bool {
        let word = self.0.get(number as usize / 64);
        word.is_some_and(|word| word >> (number as u64 % 64) & 1 != 0)
    }
}

/// For each row of the table, what it says of its symbol.
macro_rules! hooks {
    (
        calls { $(#[doc = $doc:literal] [$level:ident $gate:ident $(($by:ident))? $does:ident $($nr:ident)?]
            fn $name:ident($($arg:ident: $ty:ty),* $(,)?) -> $ret:ty = $enter:path, $leave:path;)* }
        trampolines { $(#[doc = $tdoc:literal] [$tlevel:ident $tdoes:ident]
            fn $tname:ident($($targ:ident: $tty:ty),* $(,)?) -> $tret:tt = $tenter:path, $tleave:path;)* }
        not_hooked { $($unhooked:ident: $why:literal;)* }
    ) => {
        use sockshim_core::hook;
        use sockshim_core::hook::Hook;
        use sockshim_sys::elf;

        /// The index of each hook in the table.
        #[allow(non_camel_case_types, reason = "the variants are the symbols")]
        #[derive(Clone, Copy)]
        #[repr(usize)]
        pub enum HookIndex { $($name,)* $($tname,)* }

        const SYMBOLS: &[&str] = &[$(stringify!($name),)* $(stringify!($tname),)*];
        pub const COUNT: usize = SYMBOLS.len();

        pub const ALL: [Hook; COUNT] = [
            $(hook!($level, $does, [$($nr)?], $name($($arg: $ty),*), stringify!($ret)),)*
            $(hook!($tlevel, $tdoes, [], $tname($($targ: $tty),*), stringify!($tret)),)*
        ];

        pub const HASHES: [u32; COUNT] =
            [$(elf::hash(stringify!($name)),)* $(elf::hash(stringify!($tname)),)*];
    };
}

// After the macro, whose name it uses.
#[path = "hooks.rs"]
mod rows;
