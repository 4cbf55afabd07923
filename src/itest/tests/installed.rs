//! What `make install` puts where: the command finds its libraries there, man and the shells take its pages, and
//! `make uninstall` leaves nothing. scripts/release.sh tries the same of the tarball and of the Debian package.

#![expect(clippy::print_stderr, clippy::disallowed_macros, reason = "what is skipped is said")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use sockshim_itest::{Output, RunLevel, Scratch, command, run, shim, workspace};

#[path = "cli/binary.rs"]
mod binary;

const DEADLINE: Duration = Duration::from_secs(60);

fn call(program: impl AsRef<Path>, args: &[&str]) -> Output {
    run(command(RunLevel::Native, None, program.as_ref()).args(args), b"", DEADLINE)
}

/// What a program prints, which must succeed without a word to stderr.
fn printed(program: impl AsRef<Path>, args: &[&str]) -> String {
    let output = call(program, args);
    assert_eq!((output.status.code(), output.stderr().as_str()), (Some(0), ""), "{args:?}: {output:?}");
    output.stdout()
}

/// Whether an optional program is there. One that is not is said, because its test has tested nothing.
fn is_there(program: &str) -> bool {
    let is_there = Command::new(program).arg("--version").output().is_ok();
    if !is_there {
        eprintln!("NOT RUN: there is no {program}");
    }
    is_there
}

/// The man pages and the completions.
fn generated(scratch: &Scratch) -> PathBuf {
    let pages = scratch.path().join("pages");
    let name = pages.to_str().expect("a path in UTF-8");
    assert_eq!(printed(binary::sockshim(), &["generate", name]), "");
    pages
}

/// The files below a directory, by their paths relative to it, in order.
fn files(root: &Path) -> Vec<String> {
    let mut files = Vec::new();
    let mut directories = vec![root.to_path_buf()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => directories.push(path),
                false => files.push(path.strip_prefix(root).expect("below it").display().to_string()),
            }
        }
    }
    files.sort();
    files
}

/// `make VERB` of what the tests have built, so that nothing is built here that other tests are just using.
fn make(verb: &str, scratch: &Scratch, more: &[&str]) {
    let built = scratch.dir("built");
    let library = shim();
    let beside =
        ["libsockshim_rulefile.so", "libsockshim_kmod.so", "libsockshim_can.so", "sockshim-can-engine"];
    let beside = beside.map(|name| library.with_file_name(name));
    for file in [binary::sockshim(), library].into_iter().chain(beside.iter().map(PathBuf::as_path)) {
        let name = file.file_name().expect("a name");
        fs::copy(file, built.join(name)).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    }
    let mut make = command(RunLevel::Native, None, "make");
    make.current_dir(workspace()).arg(verb).arg(format!("release={}", built.display()));
    make.arg(format!("pages={}", generated(scratch).display()));
    make.arg(format!("DESTDIR={}", scratch.path().join("root").display())).args(more);
    let output = run(&mut make, b"", DEADLINE);
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn what_is_installed_works_and_goes_away() {
    let own = &["PREFIX=/opt/own"][..];
    let debian = &["PREFIX=/usr", "LIBDIR=/usr/lib/x86_64-linux-gnu/sockshim"][..];
    for (more, prefix, library) in [
        (&[][..], "usr/local", "usr/local/lib/sockshim"),
        (own, "opt/own", "opt/own/lib/sockshim"),
        (debian, "usr", "usr/lib/x86_64-linux-gnu/sockshim"),
    ] {
        let scratch = Scratch::new();
        make("install", &scratch, more);
        let root = scratch.path().join("root");
        let command = root.join(prefix).join("bin/sockshim");
        let found = printed(&command, &["run", "--", "sh", "-c", "echo $LD_PRELOAD"]);
        let library = fs::canonicalize(root.join(library).join("libsockshim.so")).expect("the library");
        assert_eq!(found.trim_end(), library.to_str().expect("a path in UTF-8"));
        printed(&command, &["run", "--", "true"]);
        assert!(printed(&command, &["check", "true"]).starts_with("true: fine"));
        // The library finds the reader of rules beside itself.
        let rules = scratch.write("rules.toml", "[[rule]]\ncall = \"socket\"\nfail = \"EPERM\"\n");
        let script = "import socket\ntry: socket.socket()\nexcept OSError as error: print(error.errno)";
        let mut python = sockshim_itest::command(RunLevel::Native, None, "/usr/bin/python3");
        python.args(["-c", script]).env("LD_PRELOAD", &library).env("SOCKSHIM_CONFIG", rules);
        assert_eq!(run(&mut python, b"", DEADLINE).stdout().trim_end(), libc::EPERM.to_string());

        make("uninstall", &scratch, more);
        assert_eq!(files(&root), [""; 0], "{more:?}");
        for directory in ["lib/sockshim", "lib/x86_64-linux-gnu/sockshim", "share/doc/sockshim"] {
            assert!(!root.join(prefix).join(directory).exists(), "{more:?}: {directory}");
        }
        // Twice does no harm.
        make("uninstall", &scratch, more);
    }
}

/// The commit as git describes it; where there is no repository, the version alone.
#[test]
fn the_version_names_the_commit() {
    let version = env!("CARGO_PKG_VERSION");
    let mut git = Command::new("git");
    let described = git.args(["describe", "--always"]).current_dir(workspace()).output();
    let described =
        described.ok().filter(|output| output.status.success() && workspace().join(".git").exists());
    let printed = printed(binary::sockshim(), &["--version"]);
    match described.map(|output| String::from_utf8(output.stdout).expect("a description in UTF-8")) {
        Some(commit) => {
            let expected =
                ["", "-dirty"].map(|dirty| format!("sockshim {version} ({}{dirty})\n", commit.trim_end()));
            assert!(expected.contains(&printed), "{printed}, but not {expected:?}");
        }
        None => assert_eq!(printed, format!("sockshim {version}\n")),
    }
}

/// Every subcommand of the help has a page, and every page a subcommand.
#[test]
fn there_is_a_page_for_each_subcommand() {
    let scratch = Scratch::new();
    let below = |words: &[&str]| -> Vec<String> {
        let help = printed(binary::sockshim(), &[words, &["--help"]].concat());
        let Some((_, commands)) = help.split_once("Commands:\n") else { return Vec::new() };
        let names = commands.lines().map_while(|line| line.split_whitespace().next());
        names.filter(|name| *name != "help").map(String::from).collect()
    };
    let mut expected = Vec::new();
    for command in below(&[]) {
        expected.extend(below(&[&command]).iter().map(|own| format!("sockshim-{command}-{own}.1")));
        expected.push(format!("sockshim-{command}.1"));
    }
    assert!(expected.contains(&"sockshim-can-dump.1".to_owned()) && expected.len() >= 8, "{expected:?}");
    expected.extend(["sockshim.1", "sockshim.bash", "sockshim.fish", "_sockshim"].map(String::from));
    expected.sort();
    let pages = generated(&scratch);
    assert_eq!(files(&pages), expected);
    // The subcommand that makes them is not for everybody.
    for file in files(&pages) {
        let text = fs::read_to_string(pages.join(&file)).expect("a text");
        assert!(!text.contains("generate"), "{file}");
    }
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let output = call(binary::sockshim(), &["generate", "/dev/null/pages"]);
    assert_eq!((output.status.code(), output.stdout().as_str()), (Some(125), ""));
    assert_eq!(output.stderr(), "sockshim: /dev/null/pages: Not a directory (os error 20)\n");
}

#[test]
fn man_has_no_complaint() {
    if !is_there("man") {
        return;
    }
    let scratch = Scratch::new();
    let pages = generated(&scratch);
    for file in files(&pages).iter().filter(|file| file.ends_with(".1")) {
        // In the locale that has the fewest characters, too.
        for locale in ["C", "C.UTF-8"] {
            let mut man = command(RunLevel::Native, None, "man");
            man.args(["--warnings=w", "--local-file"]).arg(pages.join(file));
            man.env("LC_ALL", locale).env("MANWIDTH", "80");
            let output = run(&mut man, b"", DEADLINE);
            assert_eq!((output.status.code(), output.stderr().as_str()), (Some(0), ""), "{file}");
            let text = output.stdout();
            for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "EXAMPLES", "SEE ALSO"] {
                assert!(text.lines().any(|line| line == section), "{file} has no {section}:\n{text}");
            }
        }
    }
}

/// What a shell offers for `sockshim run --repo`.
fn completed(shell: &str, script: &str) {
    if !is_there(shell) {
        return;
    }
    let scratch = Scratch::new();
    let pages = generated(&scratch);
    let mut program = command(RunLevel::Native, None, shell);
    program.args(["-c", script]).env("HOME", scratch.path()).env("PAGES", &pages);
    let output = run(&mut program, b"", DEADLINE);
    assert_eq!(output.stderr(), "", "{shell}");
    assert!(output.stdout().trim_end().starts_with("--report"), "{shell}: {}", output.stdout());
}

#[test]
fn bash_completes() {
    completed(
        "bash",
        "source $PAGES/sockshim.bash && complete -p sockshim >/dev/null
         COMP_WORDS=(sockshim run --repo) COMP_CWORD=2
         _sockshim sockshim --repo run && echo ${COMPREPLY[@]}",
    );
}

#[test]
fn fish_completes() {
    completed("fish", "source $PAGES/sockshim.fish; complete --do-complete 'sockshim run --repo'");
}

/// zsh completes only for a terminal, so one is made, and the word that stands on the line in the end is written down.
#[test]
fn zsh_completes() {
    completed(
        "zsh",
        r#"zmodload zsh/zpty && zpty shell "PS1=; TERM=dumb zsh -f -i"
         zpty -w shell "autoload -U compinit; fpath=($PAGES \$fpath); compinit -u -D"
         zpty -w shell "show() { print -r -- \$BUFFER >$HOME/line; BUFFER=; zle accept-line }; zle -N show; bindkey '^X' show"
         zpty -w -n shell $'sockshim run --repo\t\x18'
         for try in {1..500}; do [[ -s $HOME/line ]] && break; sleep 0.02; done
         zpty -d shell; sed 's/sockshim run //' $HOME/line"#,
    );
}
