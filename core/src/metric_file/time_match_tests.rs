use super::*;
use alloc::vec;
use core::convert::Infallible;
use proptest::prelude::*;

/// The reference's search, word for word.
fn naive(vectors: &[Vec<i64>]) -> (Vec<Vec<i64>>, Vec<Slot>) {
    let mut frames: Vec<Vec<i64>> = Vec::new();
    let mut slots = Vec::new();
    for times in vectors {
        let found = frames.iter().enumerate().find_map(|(frame, candidate)| {
            let offset = candidate.windows(times.len()).position(|part| part == times)?;
            Some(Slot { frame, offset })
        });
        slots.push(found.unwrap_or(Slot { frame: frames.len(), offset: 0 }));
        if found.is_none() {
            frames.push(times.clone());
        }
    }
    (frames, slots)
}

struct InMemory(Vec<Vec<i64>>);

impl TimeFrames for InMemory {
    type Error = Infallible;

    fn load(&self, index: usize) -> Result<Vec<i64>, Infallible> {
        Ok(self.0[index].clone())
    }

    fn make(&mut self, times: &[i64]) -> Result<(), Infallible> {
        self.0.push(times.to_vec());
        Ok(())
    }
}

fn in_groups(vectors: &[Vec<i64>], group_len: usize) -> (Vec<Vec<i64>>, Vec<Slot>) {
    let (mut matcher, mut frames, mut slots) =
        (Matcher::default(), InMemory(Vec::new()), Vec::new());
    for group in vectors.chunks(group_len) {
        let group: Vec<&[i64]> = group.iter().map(Vec::as_slice).collect();
        slots.extend(matcher.assign(&group, &mut frames).unwrap());
    }
    (frames.0, slots)
}

fn longest_first(mut vectors: Vec<Vec<i64>>) -> Vec<Vec<i64>> {
    for times in &mut vectors {
        times.sort_unstable();
    }
    vectors.sort_by_key(|times| core::cmp::Reverse(times.len()));
    vectors
}

#[test]
fn one_offset_is_possible() {
    assert_eq!(find_in(&[1, 2, 2, 3], &[2, 2]), Some(1));
    assert_eq!(find_in(&[1, 2, 2, 3], &[2, 3]), Some(2));
    assert_eq!(find_in(&[1, 2, 2, 2, 3], &[2, 2, 3]), Some(2));
    assert_eq!(find_in(&[2, 2, 2], &[2]), Some(0));
    assert_eq!(find_in(&[2, 3], &[2, 2, 3]), None);
    assert_eq!(find_in(&[2, 3, 4], &[2, 2]), None);
    assert_eq!(find_in(&[1, 3], &[2]), None);
    assert_eq!(find_in(&[1, 2, 3], &[1, 3]), None);
    assert_eq!(find_in(&[1, 2], &[2, 3, 4]), None);
}

#[test]
fn equal_times_by_the_million_take_no_square() {
    let long = vec![7; 2_000_000];
    let mut short = vec![7; 1_000_000];
    assert_eq!(find_in(&long, &short), Some(0));
    short.push(8);
    assert_eq!(find_in(&long, &short), None);
}

#[test]
fn a_colliding_hash_makes_a_frame_of_its_own() {
    let mut matcher = Matcher::default();
    let hash = TimeHash::of(&[1, 2]);
    matcher.insert(&[1, 2], hash);
    let other: &[i64] = &[1, 3];
    assert_eq!(matcher.find_made(other, hash, 0, &[&[1, 2]]), None);
}

proptest! {
    #[test]
    fn equals_the_naive_search(
        vectors in prop::collection::vec(prop::collection::vec(0_i64..6, 1..8), 1..14),
        group_len in 1_usize..16,
    ) {
        let vectors = longest_first(vectors);
        prop_assert_eq!(in_groups(&vectors, group_len), naive(&vectors));
    }

    #[test]
    fn equals_the_naive_search_in_windows_of_one_sequence(
        base in prop::collection::vec(0_i64..40, 30),
        parts in prop::collection::vec((0_usize..30, 1_usize..30), 1..20),
        group_len in 1_usize..16,
    ) {
        let mut base = base;
        base.sort_unstable();
        let part = |(from, len): (usize, usize)| base[from..(from + len).min(30)].to_vec();
        let vectors = longest_first(parts.into_iter().map(part).collect());
        prop_assert_eq!(in_groups(&vectors, group_len), naive(&vectors));
    }
}
