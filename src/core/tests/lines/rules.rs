//! The rules that have decided what the random events speak of.

use sockshim_core::rules::{Rule, Rules, activate, options::fail};

/// The names of the rules that the events speak of.
const RULES: [&str; 2] = ["--fail connect=EPERM", "a \"b\"\t\u{1b}é"];

/// The name of the rule with this number of an event.
pub fn rule(number: u16) -> &'static str {
    usize::from(number).checked_sub(1).and_then(|index| RULES.get(index)).copied().unwrap_or("?")
}

/// Rules with these names.
pub fn activate_rules() {
    let named = |name: &str| Rule { name: name.into(), ..fail("connect=EPERM").expect("a rule") };
    activate(Box::leak(Box::new(Rules::new(RULES.map(named).to_vec()))));
}
