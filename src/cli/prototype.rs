//! Prototypes in C, from the Rust spelling of their types.

use sockshim_core::hook::{Hook, Param};

/// The hook's prototype, as a header would declare it.
pub fn prototype(hook: &Hook) -> String {
    let noreturn = if hook.ret() == "!" { "_Noreturn " } else { "" };
    let params: Vec<String> = hook.params().map(|param| declare(param.ty, param_name(&param))).collect();
    let params = if params.is_empty() { "void".to_string() } else { params.join(", ") };
    format!("{noreturn}{}", declare(hook.ret(), &format!("{}({params})", hook.name())))
}

/// The parameter's name as C and the log have it; in Rust, `type` is a keyword.
pub fn param_name(param: &Param) -> &'static str {
    param.name.trim_end_matches('_')
}

/// The C spelling of a type.
pub fn c_type(ty: &str) -> String {
    declare(ty, "").trim_end().to_string()
}

/// Declares `name` with a type. Rust writes a pointer type from the outermost pointer inwards, C the other way round;
/// so the declarator grows to the left while the type is taken apart.
fn declare(ty: &str, name: &str) -> String {
    let mut declarator = name.to_string();
    let mut pointee = ty;
    let mut constant = "";
    loop {
        // `const` or `mut` describes what the pointer points to, and so belongs to the next level.
        let (rest, next) = match (pointee.strip_prefix("*const "), pointee.strip_prefix("*mut ")) {
            (Some(rest), _) => (rest, "const "),
            (_, Some(rest)) => (rest, ""),
            _ => return format!("{constant}{} {declarator}", base(pointee)),
        };
        declarator = format!("*{constant}{declarator}");
        (pointee, constant) = (rest, next);
    }
}

/// A type that is not a pointer. Most have the same name in both languages.
fn base(ty: &str) -> String {
    match ty {
        "()" | "!" | "c_void" => "void".to_string(),
        "c_char" => "char".to_string(),
        "c_int" => "int".to_string(),
        "c_uint" => "unsigned int".to_string(),
        "c_long" => "long".to_string(),
        "c_ulong" => "unsigned long".to_string(),
        "addrinfo" | "epoll_event" | "hostent" | "if_nameindex" | "ifaddrs" | "iovec" | "mmsghdr"
        | "msghdr" | "pollfd" | "sockaddr" | "termios" | "timespec" | "timeval" | "winsize" => {
            format!("struct {ty}")
        }
        _ => ty.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hook_table::HOOKS;

    fn prototype_of(name: &str) -> String {
        prototype(HOOKS.iter().find(|hook| hook.name() == name).expect("a hook of that name"))
    }

    #[test]
    fn prototypes_are_c() {
        assert_eq!(prototype_of("socket"), "int socket(int family, int type, int protocol)");
        assert_eq!(prototype_of("bind"), "int bind(int fd, const struct sockaddr *addr, socklen_t addrlen)");
        assert_eq!(prototype_of("fork"), "pid_t fork(void)");
        assert_eq!(prototype_of("_exit"), "_Noreturn void _exit(int status)");
    }

    #[test]
    fn pointers_to_pointers_keep_their_const() {
        assert_eq!(declare("*const *const c_char", "argv"), "const char *const *argv");
        assert_eq!(declare("*const *mut c_char", "argv"), "char *const *argv");
        assert_eq!(declare("*mut *const c_char", "argv"), "const char **argv");
        assert_eq!(c_type("*mut c_void"), "void *");
    }

    #[test]
    fn no_rust_is_left() {
        for hook in HOOKS {
            let prototype = prototype(hook);
            let rest = prototype.replace(hook.name(), "");
            assert!(
                !rest.contains("c_") && !rest.contains("*mut") && !rest.contains(['!', ':']),
                "{prototype}"
            );
        }
    }
}
