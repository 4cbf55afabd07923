//! Rules, enforced: every key with every verb, on every way in which a program can make the call.

#[path = "rules/counters.rs"]
mod counters;
#[path = "rules/hurt.rs"]
mod hurt;
#[path = "rules/matrix.rs"]
mod matrix;
#[path = "rules/sequences.rs"]
mod sequences;
#[path = "rules/slips.rs"]
mod slips;
#[path = "rules/table.rs"]
mod table;
#[path = "rules/tree.rs"]
mod tree;
#[path = "rules/under.rs"]
mod under;
#[path = "rules/verbs.rs"]
mod verbs;
#[path = "rules/ways.rs"]
mod ways;
