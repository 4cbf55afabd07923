//! AF_PACKET (`net/packet`).

pub mod af_packet;
