//! The environment that the program gets.

use super::library;
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// The file of rules.
pub const CONFIG: &str = "SOCKSHIM_CONFIG";
/// The rules themselves, in the form that needs no parsing. It goes before [`CONFIG`].
pub const RULES: &str = "SOCKSHIM_RULES";
/// The counters that all processes share.
pub const SHARED: &str = "SOCKSHIM_SHARED";
/// What decides for these variables whether they are passed on.
const PROPAGATE: &str = "SOCKSHIM_PROPAGATE";

/// The variables with `set` in place of what is there; `None` takes a variable away.
pub fn with(
    present: impl Iterator<Item = (OsString, OsString)>,
    set: &[(&str, Option<OsString>)],
) -> Vec<(OsString, OsString)> {
    let kept = present.filter(|(name, _)| !set.iter().any(|(other, _)| name == other));
    let new = set.iter().filter_map(|(name, value)| Some((OsString::from(name), value.clone()?)));
    kept.chain(new).collect()
}

/// What `run` itself sets, with the rules as the text that the library reads. Rules of an outer `sockshim run` end here: two
/// lists have no order that anybody asked for.
pub fn of_run(
    library: &Path,
    preloaded: &OsStr,
    rules: Option<String>,
    shared: Option<OsString>,
) -> Vec<(&'static str, Option<OsString>)> {
    // The library of an outer run, which is in this process too, adds what is missing. It leaves what is there, and an
    // empty value counts as none.
    let or_empty =
        |value: Option<OsString>| value.or_else(|| library::is_preloaded(preloaded).then(OsString::new));
    vec![
        (library::PRELOAD, Some(library::preload(library, preloaded))),
        (PROPAGATE, Some("always".into())),
        (RULES, or_empty(rules.map(OsString::from))),
        (CONFIG, or_empty(None)),
        (SHARED, or_empty(shared)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_there_once() {
        let pair = |name: &str, value: &str| (OsString::from(name), OsString::from(value));
        let present = [pair("A", "1"), pair("B", "2"), pair("A", "3"), pair("C", "=4")];
        let set = [("A", Some("5".into())), ("B", None), ("D", Some("".into()))];
        assert_eq!(with(present.into_iter(), &set), [pair("C", "=4"), pair("A", "5"), pair("D", "")]);
    }

    #[test]
    fn an_outer_run_leaves_nothing() {
        let library = Path::new("/l/libsockshim.so");
        let set = |preloaded: &str| of_run(library, OsStr::new(preloaded), None, None);
        let value = |preloaded: &str, name: &str| {
            set(preloaded).iter().find(|(known, _)| *known == name).expect("it is said").1.clone()
        };
        assert_eq!(value("x.so", "LD_PRELOAD"), Some("/l/libsockshim.so:x.so".into()));
        assert_eq!(value("", PROPAGATE), Some("always".into()));
        for name in [RULES, CONFIG, SHARED] {
            assert_eq!((value("x.so", name), value("/l/libsockshim.so", name)), (None, Some("".into())));
        }
    }
}
