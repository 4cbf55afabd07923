//! SMC, TCP over shared memory (`net/smc`), a kernel module.

pub mod smc_inet;
