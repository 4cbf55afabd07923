//! `net/dccp`.

pub mod proto;
