//! The documentation is true: its links lead somewhere, its traces are what the library writes, and its index and
//! list of variables are complete. The examples of `sockshim explain` are tested in `explain.rs`.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sockshim_itest::{RunLevel, Scratch, Server, cc, command, run, shim, workspace};

#[path = "cli/binary.rs"]
mod binary;

const DEADLINE: Duration = Duration::from_secs(60);

fn page(path: &str) -> String {
    fs::read_to_string(workspace().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn names_in(directory: &str) -> Vec<String> {
    let entries =
        fs::read_dir(workspace().join(directory)).unwrap_or_else(|error| panic!("{directory}: {error}"));
    let name = |entry: fs::DirEntry| entry.file_name().into_string().expect("a name in UTF-8");
    entries.map(|entry| name(entry.expect("an entry"))).collect()
}

/// Every page, by its path relative to the root.
fn pages() -> Vec<String> {
    let directories = ["", "docs/", "bench/", "bench/results/"];
    let pages = directories.iter().flat_map(|directory| {
        let names = names_in(&format!("./{directory}"));
        names.into_iter().filter(|name| name.ends_with(".md")).map(move |name| format!("{directory}{name}"))
    });
    pages.collect()
}

/// The lines outside of fenced blocks.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut in_block = false;
    text.lines().filter(move |line| {
        let is_fence = line.starts_with("```");
        in_block ^= is_fence;
        !in_block && !is_fence
    })
}

/// The targets of a page's links: the text between `](` and `)`.
fn links(text: &str) -> Vec<&str> {
    let links = prose(text).flat_map(|line| line.split("](").skip(1).filter_map(|rest| rest.split_once(')')));
    links.map(|(target, _)| target).collect()
}

/// The anchors of a page, made from its headings as GitHub does.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings =
        prose(text).filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let anchor = |heading: &str| {
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.collect::<String>().to_lowercase().replace(' ', "-")
    };
    headings.map(anchor).collect()
}

/// Why a link of the page at `path` is broken, if it is.
fn broken(path: &str, link: &str) -> Option<String> {
    if link.starts_with("https://") {
        return None;
    }
    let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
    let directory = Path::new(path).parent().unwrap_or(Path::new(""));
    let target: PathBuf =
        if file.is_empty() { workspace().join(path) } else { workspace().join(directory).join(file) };
    let is_there = match anchor {
        None => target.exists(),
        Some(anchor) => fs::read_to_string(&target).is_ok_and(|text| anchors(&text).contains(anchor)),
    };
    (!is_there).then(|| format!("{path}: {link}"))
}

#[test]
fn every_link_leads_somewhere() {
    let pages = pages();
    let texts: Vec<(&String, String)> = pages.iter().map(|path| (path, page(path))).collect();
    let all = texts.iter().flat_map(|(path, text)| links(text).into_iter().map(move |link| (*path, link)));
    let all: Vec<_> = all.collect();
    assert!(pages.len() >= 10 && all.len() >= 80, "{} links in {pages:?}", all.len());
    let broken: Vec<String> = all.into_iter().filter_map(|(path, link)| broken(path, link)).collect();
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn a_broken_link_is_noticed() {
    let text = "# A `b`, c\n[x](a.md) [y](#there)\n```\n[z](no) # not\n```\n";
    assert_eq!(links(text), ["a.md", "#there"]);
    assert_eq!(anchors(text), BTreeSet::from(["a-b-c".to_string()]));
    for link in ["no.md", "limits.md#no", "#no", "../docs"] {
        assert_eq!(broken("docs/README.md", link).is_some(), link != "../docs", "{link}");
    }
    assert_eq!(broken("docs/README.md", "limits.md#where-it-runs"), None);
}

/// A page of `docs/` is in the index, and begins with its purpose.
#[test]
fn every_page_is_in_the_index() {
    let index = page("docs/README.md");
    let listed: BTreeSet<&str> = links(&index).into_iter().collect();
    for name in names_in("docs").iter().filter(|name| name.ends_with(".md")) {
        assert!(name == "README.md" || listed.contains(name.as_str()), "docs/README.md does not list {name}");
        let text = page(&format!("docs/{name}"));
        let first = prose(&text).skip(1).find(|line| !line.is_empty()).expect("a first sentence");
        assert!(first.starts_with("This page "), "docs/{name} begins with: {first}");
    }
}

/// The published numbers are those of the newest run.
#[test]
fn figures_are_of_the_newest_results() {
    let newest = names_in("bench/results").into_iter().filter(|name| name.ends_with(".md")).max();
    let newest = format!("bench/results/{}", newest.expect("results"));
    for path in ["README.md", "docs/cost.md"] {
        assert!(page(path).contains(&newest), "{path} has older figures than {newest}");
    }
}

/// Every verdict of `sockshim check` is in the page's table with its exit code.
#[test]
fn every_verdict_is_documented() {
    let mut sockshim = command(RunLevel::Native, None, binary::sockshim());
    let help = run(sockshim.args(["check", "--help"]), b"", DEADLINE).stdout();
    let codes = help.split("not fine:\n").nth(1).expect("the exit codes").lines();
    let verdicts: Vec<&str> = codes
        .map_while(|line| line.trim().split_once(' ').and_then(|(_, rest)| rest.split_whitespace().next()))
        .collect();
    assert!(verdicts.len() >= 11, "{help}");
    let page = page("docs/check.md");
    let table = page.lines().filter(|line| line.starts_with("| ")).collect::<Vec<_>>().join("\n");
    for verdict in verdicts {
        assert!(table.contains(&format!("`{verdict}`")), "docs/check.md has no row for {verdict}");
    }
}

/// The variables in the command's help are those of both tables, which `src/core/tests/documented.rs` compares with
/// those that the library reads.
#[test]
fn every_variable_is_documented() {
    let help = run(command(RunLevel::Native, None, binary::sockshim()).arg("--help"), b"", DEADLINE).stdout();
    let part = help.split("Environment of the library:\n").nth(1).expect("the variables");
    let in_help = part.lines().map_while(|line| line.trim().split_once(' ').map(|(name, _)| name));
    let in_help: BTreeSet<&str> = in_help.collect();
    assert!(in_help.len() >= 5, "{in_help:?}");
    for path in ["README.md", "docs/log.md"] {
        let text = page(path);
        let rows = text.lines().filter_map(|line| line.strip_prefix("| `SOCKSHIM_")?.split_once('`'));
        let rows: Vec<String> = rows.map(|(name, _)| format!("SOCKSHIM_{name}")).collect();
        assert_eq!(rows.iter().map(String::as_str).collect::<BTreeSet<_>>(), in_help, "{path}");
    }
}

/// The calls of a log in the text format, each with the lines below it; without time, process and port, which differ
/// from run to run.
fn calls(text: &str) -> Vec<String> {
    let mut calls: Vec<String> = Vec::new();
    for line in text.lines() {
        if let Some((_, call)) =
            line.split_once("] ").filter(|_| line.starts_with(|c: char| c.is_ascii_digit()))
        {
            calls.push(call.to_string());
        } else if let Some(last) = calls.last_mut().filter(|_| line.starts_with("    ")) {
            last.push_str(&format!("\n{line}"));
        }
    }
    calls
}

/// The block of a page that contains a log.
fn log_in(text: &str) -> &str {
    let mut blocks = text.split("```").skip(1).step_by(2);
    blocks.find(|block| !calls(block).is_empty()).expect("a block with a log")
}

/// The README's example, run without CAP_NET_RAW like the run on the page.
#[test]
fn the_trace_of_the_readme_is_true() {
    let text = page("README.md");
    let block = log_in(&text);
    let (_, script) = block.split_once("python3 ").expect("a program");
    let (script, _) = script.split_once(")'\n").expect("the program's end");
    // If python3 were a script, it would not be the only program in the log.
    let line = format!("exec /usr/bin/python3 {script})'");
    let is_root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    let mut program = command(RunLevel::Native, None, if is_root { "setpriv" } else { "bash" });
    if is_root {
        program.args(["--inh-caps=-net_raw", "--bounding-set=-net_raw", "--", "bash"]);
    }
    let scratch = Scratch::new();
    let log = scratch.path().join("log");
    program.args(["-c", &line]);
    program.env("LD_PRELOAD", shim()).env("SOCKSHIM_LOG", "decision").env("SOCKSHIM_LOG_FILE", &log);
    let output = run(&mut program, b"", DEADLINE);
    assert!(output.stderr().contains("PermissionError: [Errno 1] Operation not permitted"), "{output:?}");
    let written = fs::read_to_string(&log).expect("a log");
    let of_python: Vec<&str> = written.lines().skip_while(|line| !line.contains(" python3[")).collect();
    assert_eq!(calls(&of_python.join("\n")), calls(block), "{written}");
}

/// The log of `c-tests/http.c` in docs/log.md: each of its calls is in the log of a new run.
#[test]
fn the_trace_of_the_log_page_is_true() {
    let text = page("docs/log.md");
    let scratch = Scratch::new();
    let log = scratch.path().join("log");
    let mut http = command(RunLevel::Call, None, cc("http.c", &[]));
    http.env("SOCKSHIM_LOG_FORMAT", "text").env("SOCKSHIM_LOG_FILE", &log);
    let mut server = Server::start(http.arg("0").arg(scratch.path()));
    let mut stream =
        TcpStream::connect(("127.0.0.1", server.wait_port(DEADLINE))).expect("the server listens");
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").expect("the server reads");
    stream.read_to_end(&mut Vec::new()).expect("an answer");
    server.stop(DEADLINE);
    let written = calls(&fs::read_to_string(&log).expect("a log"));
    let shown = calls(log_in(&text));
    assert!(shown.len() >= 2, "{shown:?}");
    for call in shown {
        assert!(written.contains(&call), "not in the log of today:\n{call}\nbut:\n{}", written.join("\n"));
    }
}
