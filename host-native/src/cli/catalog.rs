//! `catalog`: which metric an id stands for.

use super::args::DatabaseArg;
use super::output::Out;
use super::{Failure, Outcome, open_to_write, select};
use clap::{Subcommand, ValueEnum};
use nanotdb::engine::RecoveredMetric;
use nanotdb::{MetricId, ValueType};
use std::io::{self, Write};
use std::path::Path;

#[derive(Debug, Subcommand)]
pub(crate) enum What {
    /// Give a metric that has lost its name its name and type
    Set(Options),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    database: DatabaseArg,
    /// Number of the metric in files, as `verify` and notes say
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    id: u16,
    /// Its name
    #[arg(long)]
    name: String,
    /// The type of its values
    #[arg(long = "type", value_name = "TYPE", value_enum)]
    value_type: TypeArg,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TypeArg {
    Int32,
    Float32,
}

impl From<TypeArg> for ValueType {
    fn from(typed: TypeArg) -> Self {
        match typed {
            TypeArg::Int32 => Self::I32,
            TypeArg::Float32 => Self::F32,
        }
    }
}

pub(crate) fn run(root: &Path, what: &What, out: &mut Out) -> Outcome {
    let What::Set(options) = what;
    let store = open_to_write(root)?;
    let name =
        select::database_name(options.database.database.as_deref(), || Ok(store.databases()?))?;
    let database = store.database(&name)?;
    let id = MetricId::new(options.id).ok_or_else(|| Failure::usage("ids begin with 1"))?;
    let value_type = ValueType::from(options.value_type);
    let named = database.name_metric(id, &options.name, value_type);
    let left = database.recovered();
    store.close()?;
    named?;
    writeln!(out, "metric id {id} of {name} is {} now, {value_type}", options.name)?;
    if let Some(note) = RecoveredMetric::note(&left) {
        writeln!(io::stderr(), "note: {name}: {note}")?;
    }
    Ok(())
}
