//! `sockshim generate`: the man pages and the completions, from the definition that parses the command line.
//!
//! It is a hidden subcommand, so that no build script runs clap, and who has nothing but the command can make them too.

mod page;

use crate::{Cli, Command, FAILURE};
use clap::CommandFactory;
use clap_complete::Shell;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;

/// Write the man pages and the completions for bash, zsh and fish into a directory
#[derive(clap::Args)]
pub struct GenerateArgs {
    /// The directory, which is made
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

/// The command's name.
const NAME: &str = "sockshim";
/// Each shell, and what it wants its file to be called.
const SHELLS: [(Shell, &str); 3] =
    [(Shell::Bash, "sockshim.bash"), (Shell::Zsh, "_sockshim"), (Shell::Fish, "sockshim.fish")];

/// Runs the subcommand, and gives the exit code.
pub fn run(args: &GenerateArgs) -> u8 {
    match generate(args) {
        Ok(()) => 0,
        Err(error) => {
            // If stderr is closed, only the exit code can tell.
            let _ = writeln!(io::stderr(), "sockshim: {}: {error}", args.directory.display());
            FAILURE
        }
    }
}

fn generate(args: &GenerateArgs) -> io::Result<()> {
    fs::create_dir_all(&args.directory)?;
    let command = Cli::<Command>::command();
    for (shell, file) in SHELLS {
        let mut file = File::create(args.directory.join(file))?;
        clap_complete::generate(shell, &mut command.clone(), NAME, &mut file);
    }
    for (name, text) in page::pages(command)? {
        fs::write(args.directory.join(format!("{name}.1")), text)?;
    }
    Ok(())
}
