//! SMC, TCP over shared memory (`net/smc`), which comes as a module.

pub mod smc_inet;
