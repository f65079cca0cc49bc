//! Sizes and rates of the contenders on one set.

use crate::Options;
use crate::contenders::{self, Case};
use crate::report::{Measured, Rates, Row};
use crate::sets::Set;
use std::time::{Duration, Instant};

/// Shorter ones would measure the clock.
const SHORTEST: Duration = Duration::from_millis(2);

/// Measures all contenders, one repeat of each after the other, so that what else the machine does
/// falls on all.
pub(crate) fn set(set: &Set, options: &Options) -> Measured {
    let points = set.points();
    let mut cases = contenders::cases(set, options);
    for case in &mut cases {
        case.encode();
        case.check();
    }
    let encode = rounds(&mut cases, points, options, Case::encode);
    let decode = rounds(&mut cases, points, options, Case::decode);
    let rows = cases.iter().zip(encode.into_iter().zip(decode)).map(|(case, (encode, decode))| {
        Row { contender: case.name(), bytes: case.bytes(), encode, decode }
    });
    Measured {
        set: set.name.clone(),
        columns: set.columns.len(),
        points,
        raw_bytes: set.raw_bytes(),
        rows: rows.collect(),
    }
}

/// Million points a second of each case, repeat by repeat.
fn rounds<'s>(
    cases: &mut [Box<dyn Case + 's>],
    points: usize,
    options: &Options,
    run: fn(&mut (dyn Case + 's)),
) -> Vec<Rates> {
    let mut state: Vec<Running> = cases.iter().map(|_| Running::default()).collect();
    for _ in 0..options.repeats {
        for (case, state) in cases.iter_mut().zip(&mut state) {
            if state.spent < options.budget {
                state.repeat(points, &mut || run(case.as_mut()));
            }
        }
    }
    state.into_iter().map(|state| Rates::new(state.rates)).collect()
}

#[derive(Debug, Default)]
struct Running {
    /// How often it is run for one repeat; 0 until the first has been.
    times: u32,
    spent: Duration,
    rates: Vec<f64>,
}

impl Running {
    fn repeat(&mut self, points: usize, run: &mut dyn FnMut()) {
        if self.times == 0 {
            let once = timed(1, run).max(Duration::from_nanos(1)); // also warms caches
            self.times = u32::try_from(SHORTEST.as_nanos() / once.as_nanos()).unwrap_or(0) + 1;
        }
        let time = timed(self.times, run);
        self.spent += time;
        self.rates.push(points as f64 * f64::from(self.times) / time.as_secs_f64() / 1e6);
    }
}

fn timed(times: u32, run: &mut dyn FnMut()) -> Duration {
    let start = Instant::now();
    for _ in 0..times {
        run();
    }
    start.elapsed()
}
