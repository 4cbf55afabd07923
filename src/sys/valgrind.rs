//! Valgrind: whether the program runs on it, and what its race detectors are told.
//!
//! There the log's writer is a thread that the tools see like any other, and they know nothing of how it and the program's
//! threads agree. So all memory of the library's own is taken out of their sight: they report the program's races only.
//!
//! A request is four rotations by 128 bits together and an exchange of a register with itself, which on a processor is
//! nothing. Valgrind knows the sequence. The numbers are those of valgrind.h, helgrind.h and drd.h.

use core::arch::asm;
use core::sync::atomic::{AtomicBool, Ordering};

const RUNNING_ON_VALGRIND: u64 = 0x1001;
/// Helgrind: an address and a length that it does not look at any more.
const HG_ARANGE_MAKE_UNTRACKED: u64 = 0x4847_0127;
/// DRD: the same.
const DRD_START_SUPPRESSION: u64 = 0x4452_0002;

static PRESENT: AtomicBool = AtomicBool::new(false);

fn request(number: u64, first: u64, second: u64) -> u64 {
    let words = [number, first, second, 0, 0, 0];
    let mut answer = 0_u64;
    // SAFETY: the rotations bring the register back to what it was. Valgrind reads the six words and sets the answer.
    unsafe {
        asm!(
            "rol rdi, 3", "rol rdi, 13", "rol rdi, 61", "rol rdi, 51", "xchg rbx, rbx",
            in("rax") &raw const words, inout("rdx") answer, out("rdi") _, options(nostack),
        );
    }
    answer
}

/// Finds out whether the program runs on Valgrind. To be called before any memory is mapped that more than one thread uses.
pub fn init() {
    if request(RUNNING_ON_VALGRIND, 0, 0) != 0 {
        PRESENT.store(true, Ordering::Relaxed);
        let (start, end) = own_variables();
        untrack(start, end - start);
    }
}

/// Whether the program runs on Valgrind.
pub fn is_present() -> bool {
    PRESENT.load(Ordering::Relaxed)
}

/// Takes memory of the library's own out of the race detectors' sight.
pub fn untrack(start: usize, len: usize) {
    if is_present() {
        request(HG_ARANGE_MAKE_UNTRACKED, start as u64, len as u64);
        request(DRD_START_SUPPRESSION, start as u64, len as u64);
    }
}

/// From where to where the variables of the object stand that this code is linked into.
fn own_variables() -> (usize, usize) {
    let (start, end): (usize, usize);
    // SAFETY: takes two addresses that the linker provides; the dynamic section comes before the variables.
    unsafe {
        asm!(".hidden _DYNAMIC", ".hidden _end", "lea {}, [rip + _DYNAMIC]", "lea {}, [rip + _end]",
             out(reg) start, out(reg) end, options(nomem, nostack, preserves_flags));
    }
    (start, end)
}
