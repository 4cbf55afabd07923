//! The path as a tree: which function called which. The wording is the log's.

use super::question::Answer;
use sockshim_core::net::path::{Finding, Path, Step};
use std::io::{self, Write};

/// The column at which findings begin.
const FINDINGS: usize = 36;

/// A line of the tree.
struct TreeNode {
    depth: usize,
    label: String,
    finding: String,
}

/// Writes the tree below the call's own line.
///
/// # Errors
/// What `out` reports.
pub fn print(out: &mut dyn Write, answer: &Answer) -> io::Result<()> {
    let nodes = nodes(answer)?;
    for (index, node) in nodes.iter().enumerate() {
        let mut line: String = (1..node.depth).map(|depth| rail(&nodes[index + 1..], depth)).collect();
        line.push_str(if is_last(&nodes[index + 1..], node.depth) { "└── " } else { "├── " });
        line.push_str(&node.label);
        if !node.finding.is_empty() {
            let missing = FINDINGS.saturating_sub(line.chars().count() + 1);
            line.push_str(&format!("{:missing$} {}", "", node.finding));
        }
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// Whether no later node has the same depth and parent.
fn is_last(later: &[TreeNode], depth: usize) -> bool {
    later.iter().find(|node| node.depth <= depth).is_none_or(|node| node.depth < depth)
}

/// What is drawn at an outer depth of a line.
fn rail(later: &[TreeNode], depth: usize) -> &'static str {
    if is_last(later, depth) { "    " } else { "│   " }
}

fn nodes(answer: &Answer) -> io::Result<Vec<TreeNode>> {
    let mut nodes = Vec::new();
    let (mut in_sock_create, mut in_family) = (false, false);
    for step in answer.path.steps() {
        let func = step.func.name();
        let is_outer = matches!(func, "update_socket_protocol" | "__sys_socket_create" | "sock_map_fd");
        if !is_outer && !in_sock_create {
            nodes.push(TreeNode { depth: 1, label: "__sock_create".to_string(), finding: String::new() });
            in_sock_create = true;
        }
        in_family &= !matches!(func, "security_socket_post_create" | "sock_map_fd");
        let depth = if is_outer { 1 } else { 2 + usize::from(in_family) };
        in_family |= matches!(step.finding, Finding::Family { .. });
        let (label, finding) = words(answer, step)?;
        nodes.push(TreeNode { depth, label, finding });
    }
    Ok(nodes)
}

/// The two columns of a step: function and finding.
fn words(answer: &Answer, step: &Step) -> io::Result<(String, String)> {
    if let Finding::Errno(_) = step.finding
        && !step.func.name().starts_with("__sys_")
    {
        let errno = answer.outcome().map_or_else(String::new, |outcome| outcome.to_string());
        return Ok(("returns".to_string(), errno));
    }
    let mut path = Path::new();
    path.step(step.func, step.finding);
    let line = answer.text_path(path);
    let (label, finding) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
    let finding = match step.finding {
        // The text log joins such steps on one line without a finding.
        Finding::Allow => "allowed",
        Finding::Flags(0) => "a new descriptor",
        _ => finding.trim_start(),
    };
    Ok((label.to_string(), finding.to_string()))
}

#[cfg(test)]
mod tests {
    use super::super::question::Question;
    use super::*;
    use sockshim_core::net;
    use sockshim_core::net::namespace::Unasked;

    fn tree(family: i32, ty: i32, protocol: i32) -> String {
        net::init();
        let mut out = Vec::new();
        print(&mut out, &Question { family, ty, protocol }.walk(&Unasked)).expect("memory");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn a_socket_that_is_made() {
        let expected = "\
├── update_socket_protocol          unchanged
├── __sock_create
│   ├── security_socket_create      allowed
│   ├── net_families[2]             inet_create
│   │   ├── inetsw[SOCK_STREAM]     #0 TCP: the protocol is the entry's → IPPROTO_TCP
│   │   ├── sk_alloc                protocol IPPROTO_TCP
│   │   ├── tcp_v4_init_sock
│   │   └── sock->ops               inet_stream_ops, sk_prot tcp_prot
│   └── security_socket_post_create allowed
└── sock_map_fd                     SOCK_NONBLOCK
";
        assert_eq!(tree(2, 1 | libc::SOCK_NONBLOCK, 6), expected);
    }

    #[test]
    fn refusals_end_where_they_are_found() {
        let expected = "\
├── update_socket_protocol          unchanged
└── __sys_socket_create             EINVAL
";
        assert_eq!(tree(2, 0x101, 0), expected);
        let expected = "\
├── update_socket_protocol          unchanged
└── __sock_create
    └── returns                     EAFNOSUPPORT
";
        assert_eq!(tree(-1, 1, 0), expected);
        assert!(tree(1, 5, 6).ends_with("        └── returns                 EPROTONOSUPPORT\n"));
    }
}
