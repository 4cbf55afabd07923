//! Rules: which socket calls fail, wait, come up short or go elsewhere.
//!
//! A rule's life:
//! 1. It stands in a file ([`mod@file`]) or in an option of `sockshim run` ([`options`]). Both read its words by the same
//!    functions (`text`) and put the parts together by the same one (`assemble`), so that they mean and refuse the same.
//!    What cannot be understood is an [`Error`] that shows the place; what cannot be meant is a [`Doubt`].
//! 2. It is handed on to every process of the tree as a text in the environment ([`Rules::encode`], [`Rules::decode`]),
//!    which needs no parser.
//! 3. A process keeps those that its program can meet ([`Rules::for_program`]), in an index by call and address.
//! 4. Each call that a rule names is first asked for its address alone ([`Rules::may_concern`]), and if a rule could hold,
//!    for the rest ([`Rules::decide`]). Who makes the call answers ([`Subject`]), counts ([`When`]), rolls the dice
//!    ([`Chance`]), and does what the [`Verb`] says.
//!
//! Steps 1 and 2 allocate and may take their time. Step 4 does neither, and takes no lock: it runs in signal handlers.
//! The tests compare it with a matcher that is as simple as can be (`tests/rules`).

pub mod active;
mod assemble;
pub mod call;
pub mod chance;
pub mod doubt;
pub mod error;
pub mod file;
pub mod glob;
pub mod handed_on;
mod index;
pub mod list;
pub mod obstacle;
pub mod options;
mod ranges;
pub mod rule;
pub mod shared;
mod show;
mod sockaddr;
pub mod subject;
pub mod target;
mod text;
pub mod verb;
pub mod when;
mod wire;

pub(crate) use active::replaced_protocol;
pub use active::{activate, active, name_of, replaced};
pub use call::{Call, CallSet};
pub use chance::Chance;
pub use doubt::{Doubt, DoubtReason, doubts};
pub use error::{Error, Warning};
pub use glob::Glob;
pub use list::Rules;
pub use obstacle::Obstacle;
pub use rule::{Keys, Rule, Scope};
pub use subject::{Sort, Subject};
pub use target::{Ports, Target};
pub use verb::{SockOption, Verb};
pub use when::When;
