//! Salvage from a data file of arbitrary bytes: what it takes are intact frames, and a file of
//! only those is salvaged whole.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nanotdb_core::compress::Codecs;
use nanotdb_core::engine::{RecoverReport, salvage};
use nanotdb_core::partition::Partition;
use nanotdb_core::settings::Partitioning;
use nanotdb_core::storage::{FileName, MemoryStorage, Storage};

fn salvaged(partition: Partition, bytes: &[u8]) -> Option<(RecoverReport, Vec<u8>)> {
    let storage = MemoryStorage::new();
    let name = FileName::new(&format!("data-{partition}.dat")).expect("a key makes a name");
    storage.replace(&name, bytes).expect("memory does not fail");
    let mut taken = Vec::new();
    let report = salvage(&storage, partition, &Codecs::portable(), |at, frame| {
        let at = usize::try_from(at).expect("within the file");
        assert_eq!(&bytes[at..at + frame.len()], frame);
        taken.extend_from_slice(frame);
        Ok(())
    });
    Some((report.ok()?, taken))
}

fuzz_target!(|bytes: &[u8]| {
    // Every time is in it, so that no frame is refused for its times.
    let partition = Partition::containing(Partitioning::Forever, nanotdb_core::Timestamp(0));
    let Some((report, taken)) = salvaged(partition, bytes) else { return };
    assert!(report.output_bytes + report.skipped_bytes <= report.source_bytes);
    assert_eq!(report.output_bytes, taken.len() as u64);
    let (again, whole) = salvaged(partition, &taken).expect("intact frames are found");
    assert_eq!(whole, taken);
    assert_eq!((again.skipped_bytes, again.rejected_frames), (0, 0));
    assert_eq!(again.recovered_records, report.recovered_records);
});
