use super::*;
use crate::compress::CodecId;
use crate::metric_file::gather::{Survey, survey};
use crate::metric_file::testing::{Pages, type_of, written};
use crate::metric_file::{build_v2, testing::content};

#[test]
fn colliding_hashes_cost_a_second_attempt_and_nothing_else() {
    let samples: Vec<(u16, i64, u32)> = (0..60_i64)
        .flat_map(|tick| [(1, tick * 10, 1), (2, tick * 10 + 1, 2), (3, tick * 10, 3)])
        .collect();
    let options = BuildOptions::default().memory_budget(1000);
    let build = |scan: &mut Pages| {
        written(CodecId::S2, 1, |target| build_v2(target, scan, &type_of, &options)).unwrap()
    };
    let usual = build(&mut Pages::of(&samples));
    let mut scan = Pages::of(&samples);
    let Survey::Stats(mut stats) = survey(&mut scan, 1000).unwrap() else { panic!("fits") };
    for stats in stats.values_mut() {
        stats.hash = TimeHash::EMPTY;
    }
    let parts = Parts::new(stats, &type_of, &options).unwrap();
    let collided = written(CodecId::S2, 1, |target| parts.build(target, Version::V2, &mut scan));
    assert_eq!(collided.unwrap(), usual);
    assert_eq!(content(&usual).unwrap().len(), 3);
}
