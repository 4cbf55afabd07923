//! A line of the log, as the command reads it. Fields that it does not know are ignored: others may be added.

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// A call, or a record about sockshim itself. [`event.schema.json`](../../../core/trace/event.schema.json) says what the
/// fields mean.
#[derive(serde::Deserialize)]
pub struct Event<'a> {
    /// Seconds since 1970.
    pub ts: f64,
    pub pid: i32,
    pub tid: i32,
    #[serde(borrow)]
    pub comm: Cow<'a, str>,
    #[serde(borrow)]
    pub call: Cow<'a, str>,
    pub fd: Option<i32>,
    #[serde(borrow)]
    pub args: Args<'a>,
    #[serde(borrow)]
    pub path: Option<&'a RawValue>,
    #[serde(borrow)]
    pub ops: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub prot: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub reason: Cow<'a, str>,
    pub ret: i64,
    #[serde(borrow)]
    pub errno: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub predicted: Option<Cow<'a, str>>,
    pub ns: u64,
}

/// The arguments in their order, which a map of serde_json would lose.
#[derive(Default)]
pub struct Args<'a>(pub Vec<(Cow<'a, str>, Value)>);

/// What a record is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A call of the program's.
    Call,
    /// The kernel answered otherwise than the tables predicted.
    Divergence,
    /// Events that the log had no room for.
    Dropped,
    /// The end of a process.
    Summary,
    /// A message about sockshim itself.
    Message,
    /// A descriptor was closed in a way that no hook saw.
    Unseen,
}

impl Event<'_> {
    /// What the record is.
    pub fn kind(&self) -> Kind {
        match &*self.call {
            "divergence" => Kind::Divergence,
            "dropped" => Kind::Dropped,
            "summary" => Kind::Summary,
            "sockshim" => Kind::Message,
            "unseen" => Kind::Unseen,
            _ => Kind::Call,
        }
    }

    /// Microseconds since 1970.
    pub fn micros(&self) -> u64 {
        (self.ts * 1e6).round() as u64
    }

    /// The call by the name of its man page: `__recv_chk` is recv, and `fcntl64` is fcntl.
    pub fn name(&self) -> &str {
        let call =
            self.call.strip_prefix("__").and_then(|call| call.strip_suffix("_chk")).unwrap_or(&self.call);
        match call {
            "epoll_create1" => call,
            _ => call.strip_suffix("64").unwrap_or(call),
        }
    }

    /// Whether the call has failed, with an errno or with an error of the resolver.
    pub fn is_failed(&self) -> bool {
        self.errno.is_some()
    }

    /// The exit code that the process has asked for.
    pub fn exit_code(&self) -> Option<u8> {
        matches!(self.name(), "_exit" | "_Exit")
            .then(|| self.int("status"))
            .flatten()
            .map(|status| status as u8)
    }

    /// Whether the event was written before the call: after it the program is another one, or has ended.
    pub fn is_last_word(&self) -> bool {
        let executes = self.name().starts_with("exec") || self.name() == "fexecve";
        (executes && !self.is_failed()) || self.exit_code().is_some()
    }

    /// Whether the error is no failure: the call would have had to wait, or goes on by itself.
    pub fn is_pending(&self) -> bool {
        matches!(self.errno.as_deref(), Some("EAGAIN" | "EINPROGRESS" | "EALREADY"))
    }

    /// The error that SO_ERROR has told: that of a connect(2) which went on by itself.
    pub fn told_error(&self) -> Option<i32> {
        self.told("SO_ERROR").filter(|errno| *errno != 0)
    }

    /// The number that getsockopt(2) has told of this option.
    pub fn told(&self, option: &str) -> Option<i32> {
        let told = self.name() == "getsockopt" && self.ret == 0 && self.arg("optname")? == option;
        self.int("optval").filter(|_| told).map(|value| value as i32)
    }

    /// An argument.
    pub fn arg(&self, name: &str) -> Option<&Value> {
        self.args.0.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// A number among the arguments.
    pub fn int(&self, name: &str) -> Option<i64> {
        self.arg(name)?.as_i64()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Args<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Args<'a>, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Args<'de>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Args<'de>, A::Error> {
                let mut all = Vec::with_capacity(4);
                while let Some((key, value)) = map.next_entry::<&str, Value>()? {
                    all.push((Cow::Borrowed(key), value));
                }
                Ok(Args(all))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An event with this call, arguments and result.
    fn parsed(call: &str, args: &str) -> String {
        format!(
            r#"{{"v":1,"ts":1796064102.321295,"pid":7,"tid":8,"comm":"a\"b","call":"{call}","fd":3,"args":{args},"path":[],
            "ops":null,"prot":null,"handler":null,"outcome":"host","reason":"fd-life","ret":-1,"errno":"EAGAIN","predicted":null,
            "ns":12,"new":[1]}}"#
        )
    }

    #[test]
    fn a_line_is_read_with_its_arguments_in_order() {
        let line = parsed("__recv_chk", r#"{"z":1,"a":{"x":"y"},"m":"n"}"#);
        let event: Event = serde_json::from_str(&line).expect("an event");
        let keys: Vec<_> = event.args.0.iter().map(|(key, _)| key.as_ref()).collect();
        assert_eq!(keys, ["z", "a", "m"]);
        assert_eq!((event.micros(), &*event.comm, event.name()), (1_796_064_102_321_295, "a\"b", "recv"));
        assert_eq!((event.int("z"), event.is_failed(), event.kind()), (Some(1), true, Kind::Call));
    }

    #[test]
    fn names_are_those_of_man_pages() {
        for (call, name) in [("fcntl64", "fcntl"), ("epoll_create1", "epoll_create1"), ("__poll_chk", "poll")]
        {
            let line = parsed(call, "{}");
            assert_eq!(serde_json::from_str::<Event>(&line).expect("an event").name(), name);
        }
    }
}
