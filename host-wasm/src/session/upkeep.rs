//! Maintenance.

use super::query::range;
use super::view::object;
use super::{Answer, Session};
use crate::error::thrown;
use nanotdb_core::engine::BuildOptions;
use nanotdb_core::settings::DatabaseSettings;
use nanotdb_core::storage::{FileName, Storage};
use nanotdb_core::view::{
    BuildReport, ConvertReport, DeleteReport, FileCheck, RecompactReport, Retired, TickReport,
    convert_options,
};
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
        object(&BuildReport::from(built))
    }

    /// Writes the metric file of a partition anew in another layout, with the same samples.
    ///
    /// # Errors
    ///
    /// `invalid` when there is no such layout; as
    /// [`nanotdb_core::engine::Database::convert_metric_file`].
    pub fn convert(&self, database: &str, partition: &str, format: &str) -> Answer<JsValue> {
        let codec = self.engine()?.settings().metrics.compression;
        let options = convert_options(format, None, codec).map_err(thrown)?;
        let converted = self.database(database)?.convert_metric_file(partition, options);
        let converted = converted.map_err(thrown)?;
        // The old file may have left a hole larger than the new one.
        self.root.tidy().map_err(thrown)?;
        object(&ConvertReport::from(converted))
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
        object(&RecompactReport::from(database.recompact(partition).map_err(thrown)?))
    }

    /// Deletes samples of metrics, both ends of the range included.
    ///
    /// # Errors
    ///
    /// As [`nanotdb_core::engine::Database::delete_many`].
    #[wasm_bindgen(js_name = deleteSamples)]
    #[expect(clippy::needless_pass_by_value, reason = "JavaScript hands over what it made")]
    pub fn delete_samples(
        &self,
        database: &str,
        metrics: Vec<String>,
        from: i64,
        to: i64,
    ) -> Answer<JsValue> {
        let names: Vec<&str> = metrics.iter().map(String::as_str).collect();
        let deleted = self.database(database)?.delete_many(&names, range(from, to)?);
        let deleted = deleted.map_err(thrown)?;
        // What is gone may have left a large hole.
        self.root.tidy().map_err(thrown)?;
        object(&DeleteReport::from(deleted))
    }

    /// Checks every byte of a partition's files, or of all files.
    ///
    /// # Errors
    ///
    /// As [`nanotdb_core::engine::Database::verify`].
    pub fn verify(&self, database: &str, partition: Option<String>) -> Answer<JsValue> {
        let database = self.database(database)?;
        let report = match partition {
            Some(partition) => database.verify_partition(&partition),
            None => database.verify(|_| ()),
        };
        let files = report.map_err(thrown)?.files;
        object(&files.into_iter().map(FileCheck::from).collect::<Vec<_>>())
    }

    /// Runs the rollups of a database now.
    ///
    /// # Errors
    ///
    /// As [`nanotdb_core::engine::Engine::run_rollups`].
    #[wasm_bindgen(js_name = runRollups)]
    pub fn run_rollups(&self, database: &str) -> Answer<JsValue> {
        let run = self.engine()?.run_rollups(database).map_err(thrown)?;
        object(&TickReport::from(&run))
    }

    /// Lets expired partitions go now that rollups have read.
    ///
    /// # Errors
    ///
    /// As [`nanotdb_core::engine::Engine::apply_retention`].
    #[wasm_bindgen(js_name = applyRetention)]
    pub fn apply_retention(&self, database: &str) -> Answer<JsValue> {
        let retired = self.engine()?.apply_retention(database).map_err(thrown)?.retired;
        object(&retired.into_iter().map(Retired::from).collect::<Vec<_>>())
    }

    /// Believes the clock as it is.
    ///
    /// # Errors
    ///
    /// As [`nanotdb_core::engine::Engine::confirm_clock`].
    #[wasm_bindgen(js_name = confirmClock)]
    pub fn confirm_clock(&self) -> Answer<()> {
        self.engine()?.confirm_clock().map_err(thrown)
    }

    /// Does what is due now.
    ///
    /// # Errors
    ///
    /// As [`nanotdb_core::engine::Engine::tick`].
    pub fn tick(&self) -> Answer<JsValue> {
        let mut report = TickReport::from(self.engine()?.tick().map_err(thrown)?);
        if let Err(error) = self.root.tidy() {
            report.problems.push(error.to_string());
        }
        object(&report)
    }
}
