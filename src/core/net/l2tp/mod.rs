//! L2TP (`net/l2tp`), a kernel module.

pub mod l2tp_ip;
