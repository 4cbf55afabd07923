//! AF_VSOCK (`net/vmw_vsock`).

pub mod af_vsock;
