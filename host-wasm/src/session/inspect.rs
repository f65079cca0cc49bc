//! Looking into a store.

use super::view::{StoreStats, object};
use super::{Answer, Session};
use crate::error::thrown;
use crate::root::Listed;
use nanotdb_core::storage::FileName;
use nanotdb_core::view::{self, DatabaseInfo, FileInfo, LogInfo, PartitionInfo};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
impl Session {
    /// The store as a whole.
    ///
    /// # Errors
    ///
    /// Whatever the platform reports.
    pub fn stats(&self) -> Answer<JsValue> {
        let engine = self.engine()?;
        let files = self.root.files().map_err(thrown)?;
        let file_bytes: u64 = files.iter().map(|file| file.bytes).sum();
        object(&StoreStats {
            version: super::version(),
            storage: self.storage,
            databases: engine.databases().map_err(thrown)?,
            file_bytes: file_bytes.into(),
            stored_bytes: self.root.volume_bytes().unwrap_or(file_bytes).into(),
            memory_bytes: crate::memory_bytes(),
            warnings: engine.warnings().iter().map(ToString::to_string).collect(),
        })
    }

    /// The settings of `engine.toml`.
    ///
    /// # Errors
    ///
    /// `closed`.
    pub fn settings(&self) -> Answer<JsValue> {
        object(&view::of_engine(self.engine()?.settings()))
    }

    /// A database as it is now.
    ///
    /// # Errors
    ///
    /// `unknown-database`, or why it does not open.
    pub fn inspect(&self, database: &str) -> Answer<JsValue> {
        let opened = self.database(database)?;
        object(&DatabaseInfo::of(&opened, &self.files_of(database)?))
    }

    /// Partitions and their files, oldest first.
    ///
    /// # Errors
    ///
    /// `unknown-database`, or why it does not open.
    pub fn partitions(&self, database: &str) -> Answer<JsValue> {
        let opened = self.database(database)?;
        object(&PartitionInfo::all(&opened, &self.files_of(database)?))
    }

    /// What a file of a partition holds.
    ///
    /// # Errors
    ///
    /// `invalid` when it is no such file, `not-found` when it does not exist.
    #[wasm_bindgen(js_name = inspectFile)]
    pub fn inspect_file(&self, database: &str, file: &str) -> Answer<JsValue> {
        let opened = self.database(database)?;
        let directory = self.root.directory(database);
        let info = FileInfo::of(&opened, &directory, file, &self.options.codecs);
        object(&info.map_err(thrown)?)
    }

    /// The log: its newest records and what is wrong with it.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    #[wasm_bindgen(js_name = inspectLog)]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    pub fn inspect_log(&self, database: &str, limit: f64) -> Answer<JsValue> {
        let limit = limit.clamp(0.0, 100_000.0) as usize;
        object(&LogInfo::of(&*self.database(database)?, limit).map_err(thrown)?)
    }

    fn files_of(&self, database: &str) -> Answer<Vec<(FileName, u64)>> {
        let files = self.root.files_in(database).map_err(thrown)?;
        Ok(files.into_iter().map(|Listed { name, bytes, .. }| (name, bytes)).collect())
    }
}
