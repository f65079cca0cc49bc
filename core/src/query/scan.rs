//! Everything a partition holds, in storage order: for exports and builds.

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

/// What to do about a frame that cannot be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Damaged {
    Refuse,
    PassOver,
}

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
                    self.scan_frames(file, handle, index.frames.iter(), Damaged::Refuse, visit)?;
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
                    let wanted = wanted.map(|(_, frame)| frame);
                    self.scan_frames(file, handle, wanted, Damaged::PassOver, visit)
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

    fn scan_frames<'f>(
        &self,
        file: &StoredFile,
        handle: &FileOf<H>,
        frames: impl Iterator<Item = &'f FrameEntry>,
        damaged: Damaged,
        visit: &mut Visit<'_>,
    ) -> Result<()> {
        let mut reader = FrameReader::new(handle, file.len);
        let (mut page, mut columns) = (Payload::default(), Columns::default());
        for frame in frames {
            let bytes = reader.frame(frame)?;
            match frame.header.decode_page(bytes, self.page_codec(), &mut page) {
                Ok(()) => {
                    columns.clear();
                    page.copy_to(&mut columns);
                    visit(&columns.ids, &columns.times, &columns.raws)?;
                }
                Err(_) if damaged == Damaged::PassOver => {}
                Err(error) => {
                    return Err(Error::corrupt(
                        file.name.as_str(),
                        frame.offset,
                        error.to_string(),
                    ));
                }
            }
        }
        Ok(())
    }

    /// Visits every record of a partition.
    pub(crate) fn scan(&self, view: &PartitionView, visit: &mut Visit<'_>) -> Result<()> {
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
