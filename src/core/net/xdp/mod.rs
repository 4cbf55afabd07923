//! AF_XDP (`net/xdp`).

pub mod xsk;
