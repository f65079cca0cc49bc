//! stub
use super::{Outcome, output::Out};
use std::path::PathBuf;
#[derive(Debug, clap::Args)]
pub(crate) struct Options {}
pub(crate) fn run(_r: Option<PathBuf>, _o: &Options, _out: &mut Out) -> Outcome {
    Ok(())
}
