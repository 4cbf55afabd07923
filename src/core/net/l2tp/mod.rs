//! L2TP (`net/l2tp`), which comes as a module.

pub mod l2tp_ip;
