//! The functions that the compiler calls to copy, fill and compare: memcpy, memmove, memset, memcmp, bcmp, strlen.
//!
//! libc has faster ones, but a program may have another library's in their place: a sanitizer's, which looks at what is
//! copied and needs a thread that it knows, or a tool's that counts. The log's writer and a hook in a signal handler cannot
//! afford that. The symbols are hidden: the linker binds this library's calls to them, and nobody else sees them.
//!
//! Short pieces are done with two or three moves that may overlap, everything else sixteen bytes at a time.
//!
//! # Safety
//! They have the contracts of the functions of `string.h`, and touch nothing else. [`strlen`](self) reads whole aligned
//! pieces of sixteen bytes, which never cross into another page.

use core::arch::global_asm;

/// A hidden function, with the tables for whoever walks the stack while it runs.
macro_rules! function {
    ($name:literal: $($line:literal),* $(,)?) => {
        global_asm!(
            concat!(".pushsection .text.", $name, ",\"ax\",@progbits"),
            concat!(".globl ", $name),
            concat!(".hidden ", $name),
            concat!(".type ", $name, ", @function"),
            ".p2align 4",
            concat!($name, ":"),
            ".cfi_startproc",
            $($line,)*
            ".cfi_endproc",
            concat!(".size ", $name, ", . - ", $name),
            ".popsection",
        );
    };
}

// memcpy(rdi, rsi, rdx), from the beginning to the end.
function!("memcpy":
    "mov rax, rdi",
    "cmp rdx, 16",
    "jb 6f",
    // Read first: a copy to below its source, which memmove makes here too, may write over it.
    "movups xmm0, xmmword ptr [rsi + rdx - 16]",
    "lea r8, [rdi + rdx - 16]",
    "cmp rdx, 64",
    "jbe 4f",
    "lea r9, [r8 - 48]",
    "3:",
    "movups xmm1, xmmword ptr [rsi]",
    "movups xmm2, xmmword ptr [rsi + 16]",
    "movups xmm3, xmmword ptr [rsi + 32]",
    "movups xmm4, xmmword ptr [rsi + 48]",
    "movups xmmword ptr [rdi], xmm1",
    "movups xmmword ptr [rdi + 16], xmm2",
    "movups xmmword ptr [rdi + 32], xmm3",
    "movups xmmword ptr [rdi + 48], xmm4",
    "add rsi, 64",
    "add rdi, 64",
    "cmp rdi, r9",
    "jb 3b",
    "4:",
    "cmp rdi, r8",
    "jae 5f",
    "movups xmm1, xmmword ptr [rsi]",
    "movups xmmword ptr [rdi], xmm1",
    "add rsi, 16",
    "add rdi, 16",
    "jmp 4b",
    "5:",
    "movups xmmword ptr [r8], xmm0",
    "ret",
    // Below sixteen bytes everything is read before anything is written.
    "6:",
    "cmp edx, 8",
    "jb 7f",
    "mov rcx, qword ptr [rsi]",
    "mov r8, qword ptr [rsi + rdx - 8]",
    "mov qword ptr [rdi], rcx",
    "mov qword ptr [rdi + rdx - 8], r8",
    "ret",
    "7:",
    "cmp edx, 4",
    "jb 8f",
    "mov ecx, dword ptr [rsi]",
    "mov r8d, dword ptr [rsi + rdx - 4]",
    "mov dword ptr [rdi], ecx",
    "mov dword ptr [rdi + rdx - 4], r8d",
    "ret",
    // The first byte, the middle one and the last one are all of up to three.
    "8:",
    "test edx, edx",
    "jz 9f",
    "mov r9d, edx",
    "shr r9d, 1",
    "movzx ecx, byte ptr [rsi]",
    "movzx r8d, byte ptr [rsi + r9]",
    "movzx r10d, byte ptr [rsi + rdx - 1]",
    "mov byte ptr [rdi], cl",
    "mov byte ptr [rdi + r9], r8b",
    "mov byte ptr [rdi + rdx - 1], r10b",
    "9:",
    "ret",
);

// memmove(rdi, rsi, rdx): from the end to the beginning where the destination begins inside the source.
function!("memmove":
    "mov rcx, rdi",
    "sub rcx, rsi",
    // Without a sign: a destination below the source counts as far above it.
    "cmp rcx, rdx",
    "jae memcpy",
    "cmp rdx, 16",
    "jb memcpy",
    "mov rax, rdi",
    "movups xmm0, xmmword ptr [rsi]",
    "3:",
    "movups xmm1, xmmword ptr [rsi + rdx - 16]",
    "movups xmmword ptr [rdi + rdx - 16], xmm1",
    "sub rdx, 16",
    "cmp rdx, 16",
    "jae 3b",
    "movups xmmword ptr [rdi], xmm0",
    "ret",
);

// memset(rdi, esi, rdx).
function!("memset":
    "mov rax, rdi",
    "movzx esi, sil",
    "movabs rcx, 0x0101010101010101",
    "imul rsi, rcx",
    "cmp rdx, 16",
    "jb 4f",
    "movq xmm0, rsi",
    "punpcklqdq xmm0, xmm0",
    "lea r8, [rdi + rdx - 16]",
    "3:",
    "movups xmmword ptr [rdi], xmm0",
    "add rdi, 16",
    "cmp rdi, r8",
    "jb 3b",
    "movups xmmword ptr [r8], xmm0",
    "ret",
    "4:",
    "cmp edx, 8",
    "jb 5f",
    "mov qword ptr [rdi], rsi",
    "mov qword ptr [rdi + rdx - 8], rsi",
    "ret",
    "5:",
    "cmp edx, 4",
    "jb 6f",
    "mov dword ptr [rdi], esi",
    "mov dword ptr [rdi + rdx - 4], esi",
    "ret",
    "6:",
    "test edx, edx",
    "jz 7f",
    "mov r8d, edx",
    "shr r8d, 1",
    "mov byte ptr [rdi], sil",
    "mov byte ptr [rdi + r8], sil",
    "mov byte ptr [rdi + rdx - 1], sil",
    "7:",
    "ret",
);

// memcmp(rdi, rsi, rdx): eight bytes at a time, then one.
function!("memcmp":
    "xor eax, eax",
    "3:",
    "cmp rdx, 8",
    "jb 4f",
    "mov rcx, qword ptr [rdi]",
    "mov r8, qword ptr [rsi]",
    "cmp rcx, r8",
    "jne 5f",
    "add rdi, 8",
    "add rsi, 8",
    "sub rdx, 8",
    "jmp 3b",
    "4:",
    "test rdx, rdx",
    "jz 7f",
    "movzx ecx, byte ptr [rdi]",
    "movzx r8d, byte ptr [rsi]",
    "cmp ecx, r8d",
    "jne 6f",
    "inc rdi",
    "inc rsi",
    "dec rdx",
    "jmp 4b",
    // The first byte that differs decides, so it has to be the most significant one.
    "5:",
    "bswap rcx",
    "bswap r8",
    "cmp rcx, r8",
    "6:",
    "sbb eax, eax",
    "or eax, 1",
    "7:",
    "ret",
);

// bcmp(3) is memcmp(3) without a promise about the sign.
function!("bcmp": "jmp memcmp");

// strlen(rdi).
function!("strlen":
    "mov rax, rdi",
    "mov ecx, edi",
    "and rdi, -16",
    "and ecx, 15",
    "pxor xmm0, xmm0",
    "movdqa xmm1, xmmword ptr [rdi]",
    "pcmpeqb xmm1, xmm0",
    "pmovmskb edx, xmm1",
    // What stands before the string does not count.
    "shr edx, cl",
    "test edx, edx",
    "jnz 4f",
    "3:",
    "add rdi, 16",
    "movdqa xmm1, xmmword ptr [rdi]",
    "pcmpeqb xmm1, xmm0",
    "pmovmskb edx, xmm1",
    "test edx, edx",
    "jz 3b",
    "bsf edx, edx",
    "sub rdi, rax",
    "lea rax, [rdi + rdx]",
    "ret",
    "4:",
    "bsf eax, edx",
    "ret",
);
