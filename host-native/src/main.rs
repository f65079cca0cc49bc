//! The command line of NanoTDB.
#![expect(clippy::std_instead_of_alloc, reason = "a program has std")]

mod cli;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run(cli::Args::parse())
}
