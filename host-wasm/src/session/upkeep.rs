//! Maintenance.

use super::view::{BuildReport, FileCheck, RecompactReport, Retired, TickReport, object};
use super::{Answer, Session, count};
use crate::error::thrown;
use nanotdb_core::engine::{BuildOptions, RollupRun, VerifyReport};
use nanotdb_core::error::Error;
use nanotdb_core::settings::DatabaseSettings;
use nanotdb_core::storage::{FileName, Storage};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
impl Session {
    /// Makes a database, with this manifest if there is one. An existing one stays as it is.
    ///
    /// # Errors
    ///
    /// `settings` when the manifest is wrong; as
    /// [`nanotdb_core::engine::Engine::create_database`].
    #[wasm_bindgen(js_name = createDatabase)]
    pub fn create_database(&self, name: &str, manifest: Option<String>) -> Answer<()> {
        let engine = self.engine()?;
        if let Some(manifest) = manifest
            && !engine.databases().map_err(thrown)?.iter().any(|present| present == name)
        {
            let defaults = &engine.settings().manifest_defaults;
            DatabaseSettings::parse(&manifest, "manifest.toml", defaults).map_err(thrown)?;
            nanotdb_core::name::DatabaseName::new(name).map_err(thrown)?;
            let written = FileName::new("manifest.toml").and_then(|file| {
                if let crate::root::Root::Node(root) = &self.root {
                    root.make_directory(name)?;
                }
                self.root.directory(name).replace(&file, manifest.as_bytes())
            });
            written.map_err(thrown)?;
        }
        engine.create_database(name).map(drop).map_err(thrown)
    }

    /// Builds the metric file of a partition, as the settings say.
    ///
    /// # Errors
    ///
    /// As [`nanotdb_core::engine::Database::build_metric_file`].
    pub fn build(&self, database: &str, partition: &str) -> Answer<JsValue> {
        let options = BuildOptions::from_settings(&self.engine()?.settings().metrics);
        let built = self.database(database)?.build_metric_file(partition, options);
        let built = built.map_err(thrown)?;
        // The raw pages may have left a hole larger than the file.
        self.root.tidy().map_err(thrown)?;
        object(&BuildReport {
            partition: built.partition,
            metric_file: built.metric_file.to_string(),
            source_bytes: count(built.source_bytes),
            metric_bytes: count(built.metric_bytes),
            metrics: count(built.metrics),
            points: count(built.points),
        })
    }

    /// Writes the pages of a partition anew, larger ones.
    ///
    /// # Errors
    ///
    /// As [`nanotdb_core::engine::Database::recompact`].
    pub fn recompact(&self, database: &str, partition: &str) -> Answer<JsValue> {
        let database = self.database(database)?;
        // The partition may be open; what is in memory belongs to it.
        database.flush().map_err(thrown)?;
        let done = database.recompact(partition).map_err(thrown)?;
        object(&RecompactReport {
            partition: done.partition,
            file: done.file.to_string(),
            old_bytes: count(done.old.bytes),
            new_bytes: count(done.new.bytes),
            old_frames: count(done.old.frames),
            new_frames: count(done.new.frames),
            records: count(done.new.records),
        })
    }

    /// Checks every byte of a partition's files, or of all files.
    ///
    /// # Errors
    ///
    /// As [`nanotdb_core::engine::Database::verify`].
    pub fn verify(&self, database: &str, partition: Option<String>) -> Answer<JsValue> {
        let database = self.database(database)?;
        let report: Result<VerifyReport, Error> = match partition {
            Some(partition) => database.verify_partition(&partition),
            None => database.verify(|_| ()),
        };
        let view = |check: nanotdb_core::engine::FileCheck| FileCheck {
            file: check.file.to_string(),
            bytes: count(check.bytes),
            frames: count(check.frames),
            samples: count(check.samples),
            problems: check.problems,
        };
        let files = report.map_err(thrown)?.files;
        object(&files.into_iter().map(view).collect::<Vec<_>>())
    }

    /// Runs the rollups of a database now.
    ///
    /// # Errors
    ///
    /// As [`nanotdb_core::engine::Engine::run_rollups`].
    #[wasm_bindgen(js_name = runRollups)]
    pub fn run_rollups(&self, database: &str) -> Answer<JsValue> {
        let run = self.engine()?.run_rollups(database).map_err(thrown)?;
        let mut report = TickReport::default();
        add_rollups(&mut report, &[run]);
        object(&report)
    }

    /// Lets expired partitions go now.
    ///
    /// # Errors
    ///
    /// As [`nanotdb_core::engine::Database::apply_retention`].
    #[wasm_bindgen(js_name = applyRetention)]
    pub fn apply_retention(&self, database: &str) -> Answer<JsValue> {
        let retired = self.database(database)?.apply_retention().map_err(thrown)?;
        let view = |retired: nanotdb_core::engine::Retired| Retired {
            partition: retired.partition,
            files: retired.files.iter().map(ToString::to_string).collect(),
            bytes: count(retired.bytes),
            archive: retired.archive.map(|name| name.to_string()),
        };
        object(&retired.into_iter().map(view).collect::<Vec<_>>())
    }

    /// Does what is due now.
    ///
    /// # Errors
    ///
    /// As [`nanotdb_core::engine::Engine::tick`].
    pub fn tick(&self) -> Answer<JsValue> {
        let tick = self.engine()?.tick().map_err(thrown)?;
        let mut report = TickReport::default();
        for (name, database) in tick.databases {
            report.built += count(database.built.len());
            report.retired += count(database.retired.len());
            let problems = database.problems.into_iter();
            report.problems.extend(problems.map(|problem| format!("{name}: {problem}")));
        }
        add_rollups(&mut report, &tick.rollups);
        if let Err(error) = self.root.tidy() {
            report.problems.push(error.to_string());
        }
        object(&report)
    }
}

fn add_rollups(report: &mut TickReport, runs: &[RollupRun]) {
    for run in runs {
        report.rolled_up += count(run.samples);
        let problems = run.problems.iter();
        report.problems.extend(problems.map(|problem| format!("{}: {problem}", run.source)));
    }
}
