//! The next definition of a symbol, as dlsym(RTLD_NEXT) finds it, from the tables that the dynamic linker has mapped.
//!
//! dlsym takes a lock, prepares for an error, hashes the name, and reuses nothing from earlier calls. For all hooks
//! together that was half of the instructions that the library added to a program's start. Here the hashes are
//! constants, each object is read once, and nothing is locked or written.
//!
//! Unusual cases (an object without a hash table, a symbol whose address a function chooses) are reported, and the
//! caller then uses dlsym.
//!
//! # Safety
//! The list of objects and their tables are the dynamic linker's own. They are read while it runs constructors, when
//! nothing else changes them; objects that were loaded at the start are never unloaded.

use core::arch::asm;
use core::ffi::{CStr, c_char, c_int};
use core::ptr;

/// `struct link_map` of `<link.h>`.
#[repr(C)]
struct LinkMap {
    addr: usize,
    name: *const c_char,
    dynamic: *const Dyn,
    next: *const LinkMap,
    previous: *const LinkMap,
}

/// `struct r_debug` of `<link.h>`, up to the last member that is used.
#[repr(C)]
struct Debug {
    version: c_int,
    map: *const LinkMap,
}

/// `Elf64_Dyn`.
#[repr(C)]
struct Dyn {
    tag: u64,
    value: usize,
}

/// `Elf64_Sym`.
#[repr(C)]
struct Sym {
    name: u32,
    info: u8,
    other: u8,
    section: u16,
    value: usize,
    size: u64,
}

unsafe extern "C" {
    /// The dynamic linker's list, kept for debuggers.
    static _r_debug: Debug;
}

const DT_NULL: u64 = 0;
const DT_HASH: u64 = 4;
const DT_STRTAB: u64 = 5;
const DT_SYMTAB: u64 = 6;
const DT_GNU_HASH: u64 = 0x6fff_fef5;
const DT_VERSYM: u64 = 0x6fff_fff0;
const STT_GNU_IFUNC: u8 = 10;
const STT_TLS: u8 = 6;
/// The bit of a version that hides the symbol from programs that do not name the version.
const HIDDEN: u16 = 0x8000;

/// The GNU hash of a symbol's name, without its terminating NUL.
pub const fn hash(name: &str) -> u32 {
    hash_of(name.as_bytes())
}

const fn hash_of(bytes: &[u8]) -> u32 {
    let (mut hash, mut index) = (5381_u32, 0);
    while index < bytes.len() {
        hash = hash.wrapping_mul(33).wrapping_add(bytes[index] as u32);
        index += 1;
    }
    hash
}

/// The result of looking up a symbol in an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// The object does not define it.
    No,
    /// The object defines it at this address.
    At(*mut ()),
    /// The object defines it in a way that only dlsym can resolve.
    Ask,
}

/// The tables of one object.
pub struct Object {
    base: usize,
    symbols: *const Sym,
    strings: *const c_char,
    versions: *const u16,
    hash: *const u32,
    old_hash: *const u32,
}

/// A symbol and its hash.
pub struct Symbol<'a> {
    /// The name with its terminating NUL.
    pub name: &'a str,
    /// The name's hash.
    pub hash: u32,
}

impl Symbol<'_> {
    /// The symbol with this name, which must end with NUL.
    pub const fn new(name: &str) -> Symbol<'_> {
        Symbol { name, hash: hash_of(name.as_bytes().split_at(name.len() - 1).0) }
    }
}

/// Where an object stands in the order of symbol lookup, seen from the object that this code is linked into.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Side {
    Before,
    Behind,
}

/// Calls `visit` with the objects after the one that this code is linked into, in the order of symbol lookup. `false`
/// when one of them cannot be read.
pub fn each_next(mut visit: impl FnMut(&Object)) -> bool {
    each(Side::Behind, |_, object| visit(object))
}

/// The first definition of a symbol in another object. `Ask` if there is none before an object that cannot be read.
pub fn first(symbol: &Symbol) -> Found {
    first_from(Side::Before, symbol)
}

/// The first definition behind the object that this code is linked into, likewise.
pub fn next(symbol: &Symbol) -> Found {
    first_from(Side::Behind, symbol)
}

#[inline(never)]
#[unsafe(link_section = ".text.always")]
fn first_from(side: Side, symbol: &Symbol) -> Found {
    let mut first = Found::No;
    let complete = each(side, |_, object| {
        if first == Found::No {
            first = object.find(symbol.name, symbol.hash);
        }
    });
    if first == Found::No && !complete { Found::Ask } else { first }
}

#[inline]
fn each(from: Side, mut visit: impl FnMut(Side, &Object)) -> bool {
    let own = own_dynamic();
    let kernels = vdso_address();
    let mut side = Side::Before;
    for map in maps() {
        if ptr::eq(map.dynamic, own) {
            side = Side::Behind;
            continue;
        }
        // The vDSO is in the list, but symbols are never looked up in it.
        if (side == from || side == Side::Behind) && !map.is_at(kernels) {
            // SAFETY: the section is mapped as long as the object is.
            match unsafe { Object::read(map) } {
                Some(object) => visit(side, &object),
                None => return false,
            }
        }
    }
    side == Side::Behind
}

/// The vDSO, the object that the kernel maps into every process, if there is one.
pub fn vdso() -> Option<Object> {
    let kernels = vdso_address();
    let map = maps().find(|map| map.is_at(kernels))?;
    // SAFETY: the vDSO is never unmapped.
    unsafe { Object::read(map) }
}

#[inline]
fn vdso_address() -> usize {
    // SAFETY: only reads an entry of the auxiliary vector.
    unsafe { libc::getauxval(libc::AT_SYSINFO_EHDR) as usize }
}

impl LinkMap {
    /// Whether the object begins at this address; 0 matches none.
    fn is_at(&self, begin: usize) -> bool {
        begin != 0 && (self.dynamic as usize).wrapping_sub(begin) < 0x10000
    }
}

/// The path by which the dynamic linker opened the object that this code is linked into; empty for the program
/// itself.
pub fn own_path() -> &'static CStr {
    let own = maps().find(|map| ptr::eq(map.dynamic, own_dynamic()) && !map.name.is_null());
    // SAFETY: the name is a C string that lives as long as the object.
    own.map_or(c"", |map| unsafe { CStr::from_ptr(map.name) })
}

/// Whether the dynamic linker's list has the object that this code is linked into. It has not those that dlmopen(3) has loaded.
pub fn is_listed() -> bool {
    maps().any(|map| ptr::eq(map.dynamic, own_dynamic()))
}

fn own_dynamic() -> *const Dyn {
    let own: *const Dyn;
    // SAFETY: takes the address of the object's own dynamic section.
    unsafe {
        asm!(".hidden _DYNAMIC", "lea {}, [rip + _DYNAMIC]", out(reg) own,
             options(nomem, nostack, preserves_flags));
    }
    own
}

/// The dynamic linker's list.
#[inline]
fn maps() -> impl Iterator<Item = &'static LinkMap> {
    // SAFETY: the list is null or consists of nodes that are never freed.
    let mut map = unsafe { _r_debug.map };
    core::iter::from_fn(move || {
        // SAFETY: as above.
        let object = unsafe { map.as_ref() }?;
        map = object.next;
        Some(object)
    })
}

impl Object {
    /// # Safety
    /// The object must be loaded, and never be unloaded.
    unsafe fn read(map: &LinkMap) -> Option<Object> {
        let mut object = Object {
            base: map.addr,
            symbols: ptr::null(),
            strings: ptr::null(),
            versions: ptr::null(),
            hash: ptr::null(),
            old_hash: ptr::null(),
        };
        let mut entry = map.dynamic;
        // SAFETY: the section ends with DT_NULL.
        while let Some(&Dyn { tag, value }) = unsafe { entry.as_ref() }
            && tag != DT_NULL
        {
            // The dynamic linker has replaced offsets by addresses, except in objects that it cannot write to.
            let address = if value < map.addr { value + map.addr } else { value };
            match tag {
                DT_SYMTAB => object.symbols = address as *const Sym,
                DT_STRTAB => object.strings = address as *const c_char,
                DT_VERSYM => object.versions = address as *const u16,
                DT_GNU_HASH => object.hash = address as *const u32,
                DT_HASH => object.old_hash = address as *const u32,
                _ => {}
            }
            entry = entry.wrapping_add(1);
        }
        let has_hash = !object.hash.is_null() || !object.old_hash.is_null();
        let complete = !object.symbols.is_null() && !object.strings.is_null() && has_hash;
        complete.then_some(object)
    }

    /// Looks up the default version of a symbol. `name` ends with NUL; `hash` is the hash of the name without it.
    ///
    /// Beside the constructor, so that the code that runs at the start is on few pages.
    #[inline(never)]
    #[unsafe(link_section = ".text.always")]
    pub fn find(&self, name: &str, hash: u32) -> Found {
        if self.hash.is_null() {
            return self.find_slowly(name);
        }
        // SAFETY: the table begins with four words, followed by a filter of 64-bit words, the buckets and the chains.
        unsafe {
            let [buckets, first, words, shift] = self.hash.cast::<[u32; 4]>().read();
            let filter = self.hash.add(4).cast::<u64>();
            let word = filter.add(((hash / 64) & words.wrapping_sub(1)) as usize).read();
            if buckets == 0 || (word >> (hash % 64)) & (word >> (hash.wrapping_shr(shift) % 64)) & 1 == 0 {
                return Found::No;
            }
            let bucket = filter.add(words as usize).cast::<u32>();
            let chain = bucket.add(buckets as usize);
            let mut index = bucket.add((hash % buckets) as usize).read();
            while index >= first {
                let entry = chain.add((index - first) as usize).read();
                if (entry ^ hash) >> 1 == 0
                    && let found @ (Found::At(_) | Found::Ask) = self.matches(index as usize, name)
                {
                    return found;
                }
                // The lowest bit marks the end of a chain.
                if entry & 1 != 0 {
                    break;
                }
                index += 1;
            }
        }
        Found::No
    }

    /// Looks at every symbol of an object that has only the table that was usual before GNU's. Its second word is the
    /// number of symbols.
    #[cold]
    #[inline(never)]
    fn find_slowly(&self, name: &str) -> Found {
        let mut index = 0;
        // SAFETY: the table has two words at least, and the index is below the number of symbols.
        while index < unsafe { self.old_hash.add(1).read() } {
            // SAFETY: the same.
            let found = unsafe { self.matches(index as usize, name) };
            if found != Found::No {
                return found;
            }
            index += 1;
        }
        Found::No
    }

    /// # Safety
    /// `index` must be the index of a symbol.
    #[inline]
    unsafe fn matches(&self, index: usize, name: &str) -> Found {
        // SAFETY: the caller's promise.
        let symbol = unsafe { &*self.symbols.add(index) };
        if symbol.section == 0 || symbol.info & 15 == STT_TLS {
            return Found::No;
        }
        // SAFETY: there is a version for every symbol, and strings end with NUL.
        let (hidden, called) = unsafe {
            let hidden = !self.versions.is_null() && self.versions.add(index).read() & HIDDEN != 0;
            (hidden, CStr::from_ptr(self.strings.add(symbol.name as usize)))
        };
        if hidden || called.to_bytes_with_nul() != name.as_bytes() {
            return Found::No;
        }
        if symbol.info & 15 == STT_GNU_IFUNC {
            return Found::Ask;
        }
        Found::At((self.base + symbol.value) as *mut ())
    }
}

#[cfg(test)]
mod tests;
