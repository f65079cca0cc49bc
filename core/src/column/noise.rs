//! Numbers for tests.

/// Numbers of 31 bits that look random, the same in every run and on every host.
pub(crate) fn noise(seed: u64) -> impl Iterator<Item = u32> {
    let mut state = seed;
    core::iter::from_fn(move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(state >> 33).ok()
    })
}
