//! Giving a metric that has lost its name its name.

use crate::catalog::{self, Recovered};
use crate::engine::database::Database;
use crate::engine::host::{Host, Shared};
use crate::engine::upkeep::seal::Sealed;
use crate::engine::writer::{CATALOG, Writer};
use crate::error::{Error, Rejection, Result};
use crate::name::check_metric_name;
use crate::storage::{FileName, Storage};
use crate::types::{MetricId, ValueType};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

impl<H: Host> Database<H> {
    /// Gives a recovered metric its name and the type of its values, and stores both: when this
    /// returns, they survive a power cut. Its samples stay as they are.
    ///
    /// # Errors
    ///
    /// `Rejected` when the name is not allowed or taken, no recovered metric has the id, or metric
    /// files have its values as another type; nothing has changed. As well when the catalog file cannot
    /// be written; it may hold the name then or not.
    pub fn name_metric(&self, id: MetricId, name: &str, value_type: ValueType) -> Result<()> {
        self.writer().write(|writer| {
            writer.check_writable()?;
            writer.learn_ids()?;
            writer.check_naming(id, name, value_type)?;
            writer.name_metric(id, name, value_type)
        })?;
        // Partitions that could not get a metric file for want of a type may get one now.
        self.sealed().write(Sealed::forget);
        Ok(())
    }
}

impl<H: Host> Writer<H> {
    fn check_naming(&self, id: MetricId, name: &str, value_type: ValueType) -> Result<()> {
        check_metric_name(name)?;
        self.readable.state.read(|state| {
            let entry = |slot| state.catalog.get(slot);
            let Some(found) = state.catalog.find_id(id).and_then(entry) else {
                return Err(invalid(format!(
                    "nothing has metric id {id}; {}",
                    nameless(&state.catalog)
                )));
            };
            if found.recovered.is_none() {
                return Err(invalid(format!("metric id {id} is {}, and stays so", found.name)));
            }
            if let Some(taken) = state.catalog.find(name).and_then(entry)
                && taken.id != id
            {
                return Err(invalid(format!(
                    "the name {name} is taken by metric id {}: choose another for id {id}",
                    taken.id
                )));
            }
            if found.recovered == Some(Recovered::Typed) && found.value_type != value_type {
                return Err(invalid(format!(
                    "metric files hold metric id {id} as {}, not as {value_type}",
                    found.value_type
                )));
            }
            Ok(())
        })
    }

    /// The file first: what it says is true from then on, whatever comes after.
    fn name_metric(&mut self, id: MetricId, name: &str, value_type: ValueType) -> Result<()> {
        let mut records = self.readable.state.read(|state| state.catalog.to_records());
        let at = records.partition_point(|record| record.id < id);
        let owned = name.to_string();
        let named = catalog::file::Record { name: owned, id, value_type, deleted: false };
        records.insert(at, named);
        let bytes = catalog::file::encode(&records);
        self.readable.storage.replace(&FileName::new(CATALOG)?, &bytes)?;
        self.readable.state.write(|state| {
            state.catalog.rename(id, name, value_type);
            state.catalog.mark_stored();
        });
        Ok(())
    }
}

/// Which ids wait for a name.
fn nameless(catalog: &catalog::Catalog) -> String {
    let ids: Vec<String> = catalog.recovered().map(|entry| entry.id.to_string()).collect();
    if ids.is_empty() {
        return "every id in use has a name".to_string();
    }
    format!("ids without a name: {}", ids.join(", "))
}

fn invalid(detail: String) -> Error {
    Error::Rejected(Rejection::Invalid(detail))
}
