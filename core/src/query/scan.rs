//! Everything a partition holds, in storage order: for exports and builds.

use super::gather::FrameReader;
use super::source::Source;
use crate::engine::{FileOf, Host, PartitionView, Readable};
use crate::error::{Error, Result};
use crate::metric_file::MetricFile;
use crate::page::{Columns, Payload};
use crate::types::{TimeRange, ValueType};
use alloc::collections::BTreeMap;
use alloc::string::ToString;
use alloc::vec::Vec;

/// Receives records as columns of equal length: ids, times, raw values.
pub(crate) type Visit<'a> = dyn FnMut(&[u16], &[i64], &[u32]) -> Result<()> + 'a;

impl<H: Host> Readable<H> {
    /// Visits every record of the sources, each source in its own order.
    pub(crate) fn scan_sources(
        &self,
        sources: &[Source<FileOf<H>>],
        visit: &mut Visit<'_>,
    ) -> Result<()> {
        for source in sources {
            match source {
                Source::Open(page) => {
                    for chunk in &page.chunks {
                        visit(&chunk.ids, &chunk.times, &chunk.raws)?;
                    }
                }
                Source::Metric(_, file) => scan_metric_file(file, visit)?,
                Source::Pages(file, _, index) => {
                    index.damage_in(&file.name, TimeRange::ALL).map_or(Ok(()), Err)?;
                    let source = core::slice::from_ref(source);
                    self.scan_from(source, 0, TimeRange::ALL, visit)?;
                }
            }
        }
        Ok(())
    }

    /// Visits the records of pages that start at byte `from` or later and reach into `span`;
    /// of other sources all.
    pub(crate) fn scan_from(
        &self,
        sources: &[Source<FileOf<H>>],
        from: u64,
        span: TimeRange,
        visit: &mut Visit<'_>,
    ) -> Result<()> {
        let mut columns = Columns::default();
        for source in sources {
            let Source::Pages(file, handle, index) = source else {
                self.scan_sources(core::slice::from_ref(source), visit)?;
                continue;
            };
            let mut reader = FrameReader::new(&**handle, file.len);
            let mut page = Payload::default();
            for (at, frame) in index.frames.iter().enumerate() {
                if frame.offset < from || !index.reach(at).overlaps(span) {
                    continue;
                }
                let bytes = reader.frame(frame)?;
                frame
                    .header
                    .decode_page(bytes, self.page_codec(), &mut page)
                    .map_err(|e| Error::corrupt(file.name.as_str(), frame.offset, e.to_string()))?;
                columns.clear();
                page.copy_to(&mut columns);
                visit(&columns.ids, &columns.times, &columns.raws)?;
            }
        }
        Ok(())
    }

    /// Visits every record of a partition.
    pub(crate) fn scan(&self, view: &PartitionView, visit: &mut Visit<'_>) -> Result<()> {
        let sources = self.sources(view)?;
        self.scan_sources(&sources, visit)
    }

    /// Type of each metric, by id.
    pub(crate) fn types(&self) -> BTreeMap<u16, ValueType> {
        use crate::engine::Shared;
        self.state.read(|state| {
            state.catalog.iter().map(|entry| (entry.id.get(), entry.value_type)).collect()
        })
    }
}

fn scan_metric_file<F: crate::storage::StorageFile>(
    file: &MetricFile<F>,
    visit: &mut Visit<'_>,
) -> Result<()> {
    let mut ids = Vec::new();
    for frame in file.frames() {
        let frame = frame?;
        ids.clear();
        ids.resize(frame.times.len(), frame.info.metric.get());
        visit(&ids, &frame.times, &frame.raws)?;
    }
    Ok(())
}
