//! One rule.

use crate::rules::call::CallSet;
use crate::rules::chance::Chance;
use crate::rules::glob::Glob;
use crate::rules::target::Target;
use crate::rules::verb::Verb;
use crate::rules::when::When;
use libc::c_int;

/// One rule: for which calls it holds, at which of them it fires, and what it does then.
#[derive(Clone, PartialEq, Debug)]
pub struct Rule {
    /// What the log and the report call it: by default its position in the file, `#3`, or the option's own text.
    pub name: Box<str>,
    /// The calls that it is about.
    pub calls: CallSet,
    /// What else must hold.
    pub keys: Keys,
    /// At which of the calls that it holds for it fires; `None`: at each.
    pub when: Option<When>,
    /// What `when` and `chance` count over.
    pub scope: Scope,
    /// With which probability it fires; `None`: always.
    pub chance: Option<Chance>,
    /// What it does.
    pub verb: Verb,
}

/// What a rule demands of a call: all of its keys. An empty list demands nothing, and of a list one is enough.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Keys {
    /// The socket's address family.
    pub families: Vec<c_int>,
    /// The socket's type.
    pub types: Vec<c_int>,
    /// The socket's protocol.
    pub protocols: Vec<c_int>,
    /// The address that the call goes to, or the name that is looked up.
    pub remote: Vec<Target>,
    /// The socket's own address.
    pub local: Vec<Target>,
    /// Globs over the program's name, or over its path if they have a slash.
    pub programs: Vec<Glob>,
    /// The effective user.
    pub uids: Vec<u32>,
    /// Level and name of a socket option.
    pub optnames: Vec<(c_int, c_int)>,
}

/// What `when` and `chance` count over.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Scope {
    /// The calls of each process by themselves.
    #[default]
    Process,
    /// The calls of all processes of one `sockshim run`.
    Tree,
}
