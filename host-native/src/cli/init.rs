//! `init`: a new store.

use super::output::Out;
use super::{Failure, Outcome};
use nanotdb::OpenOptions;
use serde::Serialize;
use std::io::Write;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Directory of the new store [default: as --root]
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Make this database in it
    #[arg(long = "db", value_name = "NAME")]
    database: Option<String>,
    /// Print a report as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    root_dir: String,
    engine_config: String,
    created: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    database: Option<String>,
}

pub(crate) fn run(root: &Path, options: &Options, out: &mut Out) -> Outcome {
    let root = options.directory.as_deref().unwrap_or(root);
    let settings = root.join("engine.toml");
    let created = !settings.exists();
    let store = OpenOptions::default().background(false).open(root)?;
    if let Some(name) = &options.database {
        store.create_database(name)?;
    }
    store.close().map_err(Failure::from)?;
    if options.json {
        return Ok(out.json(&Report {
            root_dir: root.display().to_string(),
            engine_config: settings.display().to_string(),
            created,
            database: options.database.clone(),
        })?);
    }
    let shown = root.display();
    if created {
        writeln!(out, "made a store in {shown}")?;
    } else {
        writeln!(out, "{shown} is a store already, nothing was changed")?;
    }
    if let Some(name) = &options.database {
        writeln!(out, "database {name} is there")?;
    }
    writeln!(out, "settings: {}", settings.display())?;
    Ok(())
}
