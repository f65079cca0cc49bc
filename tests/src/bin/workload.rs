//! Writes the measured day as columns, for peers that are measured elsewhere: for each metric a
//! byte that is 1 for integers, and 8,640 values of 32 bits.
#![forbid(unsafe_code)]

use nanotdb_core::Value;
use nanotdb_tests::workload::{METRICS, SAMPLES_PER_DAY, Shape, Workload};
use std::io::{self, Write};

fn main() -> io::Result<()> {
    let mut columns = vec![Vec::new(); METRICS];
    for point in Workload::new(Shape::Regular).take(SAMPLES_PER_DAY) {
        let column = &mut columns[point.metric];
        if column.is_empty() {
            column.push(u8::from(matches!(point.value, Value::I32(_))));
        }
        column.extend(point.value.to_raw().to_le_bytes());
    }
    let mut out = io::stdout().lock();
    columns.iter().try_for_each(|column| out.write_all(column))
}
