//! Log replay: ends, stays inside the log, and reads the kept part the same again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nanotdb_core::wal::{Item, Records};

fuzz_target!(|bytes: &[u8]| {
    let mut records = Records::new(bytes);
    let mut end = 0;
    let mut found = vec![];
    for (at, item) in records.by_ref() {
        assert!(at >= end);
        let (Item::Record(_, len) | Item::Damage(len, _)) = item;
        end = at + len;
        assert!(len > 0 && end <= bytes.len());
        if let Item::Record(record, _) = item {
            found.push(record);
        }
    }
    let kept = &bytes[..records.good_end()];
    let again = Records::new(kept).filter_map(|(_, item)| match item {
        Item::Record(record, _) => Some(record),
        Item::Damage(..) => None,
    });
    assert!(again.eq(found));
});
