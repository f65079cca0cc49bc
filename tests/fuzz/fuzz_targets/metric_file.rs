//! Metric files: opened, checked, and every frame read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nanotdb_core::compress::Codecs;
use nanotdb_core::metric_file::MetricFile;
use nanotdb_core::storage::{FileName, MemoryStorage, Storage};

fuzz_target!(|bytes: &[u8]| {
    let storage = MemoryStorage::new();
    let name = FileName::new("metric-2026-01-01.dat").expect("a name");
    storage.replace(&name, bytes).expect("memory does not fail");
    let file = storage.open(&name).expect("just written");
    let Ok(file) = MetricFile::open(file, name.as_str(), &Codecs::portable()) else { return };
    let _ = (file.summary(), file.verify_index(), file.range(), file.point_count());
    for frame in file.frames().flatten() {
        assert_eq!(frame.times.len(), frame.raws.len());
    }
    for entry in file.entries() {
        let _ = file.read_frame(entry);
    }
});
