//! What the first process of a tree hands on of its rule file: the rules as a text, and behind a blank the entries of its
//! modules as `SOCKSHIM_MODULES` has them. No environment can be made longer in place, so one variable has both.

/// The text with the entries of modules behind it.
pub fn join(rules: String, modules: &[String]) -> String {
    if modules.is_empty() { rules } else { [rules, modules.join(":")].join(" ") }
}

/// The two parts of a text; that of the modules is empty if there are none.
pub fn split(text: &[u8]) -> (&[u8], &[u8]) {
    // The first blank is in the head of the rules, which have no other.
    let blanks = text.iter().enumerate().filter(|(_, byte)| **byte == b' ');
    match blanks.map(|(at, _)| at).nth(1) {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, b""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{Rules, file};

    #[test]
    fn what_is_joined_is_split() {
        let text = b"[[rule]]\nname = 'a b'\ncall = 'bind'\nprogram = 'c d'\nallow = true";
        let contents = file::parse(text, "f").expect("a rule");
        let rules = Rules::new(contents.rules).encode().expect("a short text");
        for modules in [vec![], vec!["net-pf-62=/a b/c.so".to_string(), "/d e.so".to_string()]] {
            let joined = join(rules.clone(), &modules);
            assert_eq!(split(joined.as_bytes()), (rules.as_bytes(), modules.join(":").as_bytes()));
        }
    }
}
