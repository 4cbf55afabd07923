//! What every family's operations are built from (`net/core`). Families use it; nothing here knows a family.

pub mod host;
pub mod sock;
