//! What every family's operations are made of (`net/core`). For the families; nothing here knows one of them.

pub mod host;
pub mod sock;
