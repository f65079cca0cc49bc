//! Everything a partition holds, in storage order: for exports and builds.

use super::damage::OnDamage;
use super::gather::FrameReader;
use super::source::Source;
use crate::catalog::Recovered;
use crate::engine::{FileOf, FrameEntry, Host, PartitionView, Readable, StoredFile};
use crate::error::{Error, Result};
use crate::metric_file::SampleScan;
use crate::page::{Columns, Payload};
use crate::sorted::SortedMap;
use crate::types::{TimeRange, ValueType};
use alloc::string::ToString;

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
                Source::Metric(_, file) => (&**file).scan(visit)?,
                Source::Pages(file, handle, index) => {
                    index.damage_in(&file.name, TimeRange::ALL).map_or(Ok(()), Err)?;
                    let frames = index.frames.iter().enumerate();
                    self.scan_each(file, handle, frames, visit, &mut |_, error| Err(error))?;
                }
            }
        }
        Ok(())
    }

    /// Visits what is readable of pages that start at byte `from` or later and reach into `span`,
    /// and of other sources: a damaged frame holds nothing here.
    pub(crate) fn scan_readable(
        &self,
        sources: &[Source<FileOf<H>>],
        from: u64,
        span: TimeRange,
        visit: &mut Visit<'_>,
    ) -> Result<()> {
        for source in sources {
            let scanned = match source {
                Source::Pages(file, handle, index) => {
                    let frames = index.frames.iter().enumerate();
                    let wanted = frames.filter(|(at, frame)| {
                        frame.offset >= from && index.reach(*at).overlaps(span)
                    });
                    self.scan_each(file, handle, wanted, visit, &mut |_, error| {
                        if error.is_unreadable() { Ok(()) } else { Err(error) }
                    })
                }
                other => self.scan_sources(core::slice::from_ref(other), visit),
            };
            match scanned {
                Err(error) if error.is_unreadable() => {}
                scanned => scanned?,
            }
        }
        Ok(())
    }

    /// Visits these frames of a file; `damaged` hears of each that cannot be read, by its number,
    /// and says whether that is the end.
    pub(super) fn scan_each<'f>(
        &self,
        file: &StoredFile,
        handle: &FileOf<H>,
        frames: impl Iterator<Item = (usize, &'f FrameEntry)>,
        visit: &mut Visit<'_>,
        damaged: &mut dyn FnMut(usize, Error) -> Result<()>,
    ) -> Result<()> {
        let mut reader = FrameReader::new(handle, file.len);
        let (mut page, mut columns) = (Payload::default(), Columns::default());
        for (at, frame) in frames {
            let bytes = match reader.frame(frame) {
                Ok(bytes) => bytes,
                Err(error) => {
                    damaged(at, error.into())?;
                    continue;
                }
            };
            match frame.header.decode_page(bytes, self.page_codec(), &mut page) {
                Ok(()) => {
                    columns.clear();
                    page.copy_to(&mut columns);
                    visit(&columns.ids, &columns.times, &columns.raws)?;
                }
                Err(error) => {
                    let name = file.name.as_str();
                    damaged(at, Error::corrupt(name, frame.offset, error.to_string()))?;
                }
            }
        }
        Ok(())
    }

    /// Visits every record of a partition.
    pub(crate) fn scan(
        &self,
        view: &PartitionView,
        on: OnDamage<'_>,
        visit: &mut Visit<'_>,
    ) -> Result<()> {
        if let OnDamage::Note(_) = on {
            return self.scan_around(view, on, visit);
        }
        let sources = self.sources(view)?;
        self.scan_sources(&sources, visit)
    }

    /// Type of each metric, by id, as far as it is known.
    pub(crate) fn types(&self) -> SortedMap<u16, ValueType> {
        use crate::engine::Shared;
        self.state.read(|state| {
            let known = state.catalog.iter().filter(|e| e.recovered != Some(Recovered::Untyped));
            known.map(|entry| (entry.id.get(), entry.value_type)).collect()
        })
    }
}
