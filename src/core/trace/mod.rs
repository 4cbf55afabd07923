//! The decision log: events, and the two formats.
//!
//! The preload library fills events and runs the writer; the command formats the events that `explain` makes.
//!
//! | file | job |
//! |---|---|
//! | [`event`] | one fixed-size record per call, filled on the program's thread without allocation |
//! | [`refusal`] | removes from an event what may be untrue when something outside the tables has answered |
//! | [`decode`] | arguments by name: flags, options |
//! | [`parts`], `own_name` | several texts and addresses in one event |
//! | [`sockaddr`] | socket addresses by their fields |
//! | [`escape`] | bytes from outside as text |
//! | [`line`] | one line while it is written |
//! | [`pieces`], [`path_pieces`] | parts that many lines have in common |
//! | [`text`], [`json`] | the two formats, made by the writer |

pub mod decode;
pub mod escape;
pub mod event;
mod extras;
pub mod json;
pub mod line;
mod own_name;
pub mod parts;
mod path_pieces;
pub mod pieces;
pub mod refusal;
pub mod sockaddr;
pub mod text;

/// The schema that every line of the JSON format obeys.
pub const EVENT_SCHEMA: &str = include_str!("event.schema.json");
