//! The promises of storage, on a medium that forgets.

use super::testing::SimMedium;
use super::*;
use nanotdb_core::storage::{Storage, StorageFile, conformance};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

type Shared = Rc<RefCell<Volume<SimMedium>>>;

fn open(medium: SimMedium) -> Shared {
    Rc::new(RefCell::new(Volume::open(medium).unwrap()))
}

fn name(name: &str) -> FileName {
    FileName::new(name).unwrap()
}

fn create(volume: &Shared, at: &str) -> VolumeFile<SimMedium> {
    VolumeDirectory::new(volume, "home").create(&name(at)).unwrap()
}

fn read(volume: &Shared, at: &str) -> Option<Vec<u8>> {
    VolumeDirectory::new(volume, "home").read(&name(at)).unwrap()
}

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 7 + at / 251) as u8).collect()
}

/// Ends the process: what was settled is there.
fn reopened(volume: &Shared) -> Shared {
    let medium = volume.borrow().medium.after_kill();
    open(medium)
}

#[test]
fn keeps_the_promises_of_storage() {
    conformance::run(|| VolumeDirectory::new(&open(SimMedium::default()), ""));
    // Also beside other directories, and in the second half of a journal.
    let volume = open(SimMedium::default());
    let mut next = 0;
    conformance::run(|| {
        next += 1;
        VolumeDirectory::new(&volume, &format!("directory-{next}"))
    });
    let mut lists: Vec<_> = volume.borrow().directories();
    assert!(lists.len() > 5, "{lists:?}");
    let again = reopened(&{
        volume.borrow_mut().settle().unwrap();
        Rc::clone(&volume)
    });
    lists.sort();
    assert_eq!(again.borrow().directories(), lists);
    for directory in lists {
        assert_eq!(again.borrow().list(&directory), volume.borrow().list(&directory));
    }
}

#[test]
fn what_is_settled_survives_the_end_of_the_process() {
    let volume = open(SimMedium::default());
    let mut file = create(&volume, "a");
    file.append(&pattern(10_000)).unwrap();
    assert_eq!(read(&reopened(&volume), "a"), None, "nothing is written yet");
    volume.borrow_mut().settle().unwrap();
    file.append(b"more").unwrap();
    assert_eq!(read(&reopened(&volume), "a"), Some(pattern(10_000)));
    assert_eq!(volume.borrow().medium.flushes, 2, "those of a new volume");
}

#[test]
fn a_sync_is_one_flush() {
    let volume = open(SimMedium::default());
    let mut file = create(&volume, "a");
    let before = volume.borrow().medium.flushes;
    file.append(&pattern(100)).unwrap();
    file.sync().unwrap();
    VolumeDirectory::new(&volume, "home").sync_dir().unwrap();
    assert_eq!(volume.borrow().medium.flushes, before + 1, "nothing was left for the second");
    let left = volume.borrow().medium.after_power_cut(|| false);
    assert_eq!(read(&open(left), "a"), Some(pattern(100)));
}

#[test]
fn bytes_that_never_arrived_are_not_part_of_a_file() {
    let volume = open(SimMedium::default());
    let mut file = create(&volume, "a");
    file.append(&pattern(3000)).unwrap();
    file.sync().unwrap();
    file.append(&pattern(9000)).unwrap();
    volume.borrow_mut().settle().unwrap();
    // Of the append, the journal's frame arrives, which is the last to be written.
    let mut sectors = 0;
    let count = volume.borrow().medium.after_power_cut(|| {
        sectors += 1;
        true
    });
    assert_eq!(read(&open(count), "a").map(|bytes| bytes.len()), Some(12_000));
    let mut at = 0;
    let left = volume.borrow().medium.after_power_cut(|| {
        at += 1;
        at != 5
    });
    let again = open(left);
    assert_eq!(read(&again, "a"), Some(pattern(3000)));
    // And what is appended then is whole, whatever the journal had to say before.
    let directory = VolumeDirectory::new(&again, "home");
    directory.open(&name("a")).unwrap().append(b"next").unwrap();
    again.borrow_mut().settle().unwrap();
    assert_eq!(read(&reopened(&again), "a"), Some([&pattern(3000)[..], b"next"].concat()));
    assert!(sectors > 5);
}

#[test]
fn room_is_used_again_and_given_back() {
    let volume = open(SimMedium::default());
    let directory = VolumeDirectory::new(&volume, "home");
    for round in 0..200 {
        let mut file = create(&volume, "a");
        file.append(&pattern(300_000)).unwrap();
        file.sync().unwrap();
        drop(file);
        directory.remove(&name("a")).unwrap();
        directory.sync_dir().unwrap();
        let stored = volume.borrow().stored_bytes();
        assert!(stored < 2_000_000, "round {round}: {stored} bytes");
    }
    let mut volume = volume.borrow_mut();
    volume.checkpoint().unwrap();
    assert!(volume.stored_bytes() < 300_000, "{} bytes", volume.stored_bytes());
    assert_eq!(volume.medium.len().unwrap(), volume.stored_bytes());
}

#[test]
fn what_lies_at_the_end_moves_to_free_blocks() {
    let volume = open(SimMedium::default());
    let directory = VolumeDirectory::new(&volume, "home");
    for at in 0..20 {
        create(&volume, &format!("a{at}")).append(&pattern(200_000 + at)).unwrap();
    }
    let mut written = directory.open(&name("a19")).unwrap();
    for at in 0..15 {
        directory.remove(&name(&format!("a{at}"))).unwrap();
    }
    directory.sync_dir().unwrap();
    let before = volume.borrow().stored_bytes();
    let mut rounds = 0;
    while volume.borrow_mut().shrink(300_000).unwrap() {
        rounds += 1;
        written.append(b"and more").unwrap();
    }
    let after = volume.borrow().stored_bytes();
    assert!(rounds > 2 && after * 2 < before, "{rounds} rounds: {before} to {after} bytes");
    assert_eq!(volume.borrow().medium.len().unwrap(), after);
    volume.borrow_mut().settle().unwrap();
    let again = reopened(&volume);
    for at in 15..19 {
        assert_eq!(read(&again, &format!("a{at}")), Some(pattern(200_000 + at)));
    }
    let more = [pattern(200_019), b"and more".repeat(rounds)].concat();
    assert_eq!(read(&again, "a19"), Some(more));
}

#[test]
fn a_file_keeps_only_the_room_it_needs() {
    let volume = open(SimMedium::default());
    let mut file = create(&volume, "a");
    for _ in 0..100 {
        file.append(&pattern(3000)).unwrap();
    }
    drop(file);
    let blocks = volume.borrow().tree.files.values().next().unwrap().blocks();
    assert_eq!(blocks, 74, "300,000 bytes");
    volume.borrow_mut().settle().unwrap();
    assert_eq!(read(&reopened(&volume), "a").unwrap().len(), 300_000);
}

#[test]
fn a_full_medium_leaves_everything_whole() {
    let volume = open(SimMedium::with_room(1 << 20));
    let mut file = create(&volume, "a");
    let mut taken = 0;
    let error = loop {
        match file.append(&pattern(10_000)) {
            Ok(()) => taken += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind, StorageErrorKind::NoSpace);
    assert!(taken > 80, "{taken}");
    file.sync().unwrap();
    let directory = VolumeDirectory::new(&volume, "home");
    assert_eq!(read(&reopened(&volume), "a"), Some(pattern(10_000).repeat(taken)));
    // Removing makes room.
    let mut other = create(&volume, "b");
    assert!(other.append(&pattern(100_000)).is_err());
    drop(file);
    directory.remove(&name("a")).unwrap();
    directory.sync_dir().unwrap();
    other.append(&pattern(100_000)).unwrap();
}

#[test]
fn after_a_failed_flush_nothing_is_written() {
    let volume = open(SimMedium::default());
    let mut file = create(&volume, "a");
    file.append(b"one").unwrap();
    volume.borrow_mut().settle().unwrap();
    volume.borrow_mut().medium.fuse = Some(0);
    let failed = file.sync().unwrap_err();
    volume.borrow_mut().medium.fuse = None;
    assert_eq!(file.append(b"two").unwrap_err(), failed);
    assert_eq!(volume.borrow_mut().settle().unwrap_err(), failed);
    assert_eq!(read(&volume, "a"), Some(b"one".to_vec()), "reads go on");
}

#[test]
fn something_else_is_not_written_over() {
    let mut medium = SimMedium::default();
    medium.write_at(0, b"SQLite format 3\0").unwrap();
    let error = Volume::open(medium.clone()).unwrap_err();
    assert!(error.detail.contains("no NanoTDB volume"), "{error}");
    let mut buf = [0; 16];
    medium.read_at(0, &mut buf).unwrap();
    assert_eq!(&buf, b"SQLite format 3\0");
}

#[test]
fn damage_is_reported_or_harmless_whichever_bit_it_is_in() {
    let volume = open(SimMedium::default());
    let mut file = create(&volume, "a");
    file.append(&pattern(500)).unwrap();
    file.sync().unwrap();
    let whole = volume.borrow().medium.clone();
    let journal = u64::from(volume.borrow().journal.area.start) * BLOCK;
    let len = volume.borrow().journal.len;
    for offset in (0..28).chain(BLOCK..BLOCK + 28).chain(journal..journal + len) {
        let mut medium = whole.clone();
        let mut byte = [0];
        medium.read_at(offset, &mut byte).unwrap();
        medium.write_at(offset, &[byte[0] ^ 0x10]).unwrap();
        if let Ok(volume) = Volume::open(medium) {
            let found = read(&Rc::new(RefCell::new(volume)), "a");
            let whole = pattern(500);
            assert!(found.is_none_or(|found| whole.starts_with(&found)), "byte {offset}");
        }
    }
}

/// Files as they should be: content, and how much of it was flushed.
type Model = BTreeMap<FileName, (Vec<u8>, usize)>;

/// A volume beside what should be in it.
struct Life {
    volume: Shared,
    model: Model,
    /// The model at the last flush, and at every time since that it was written down.
    points: Vec<Model>,
    /// How many points there were when the last settling had succeeded.
    settled: usize,
    flushes: u32,
    random: u64,
}

impl Life {
    fn new(seed: u64) -> Self {
        let volume = open(SimMedium::default());
        let flushes = volume.borrow().medium.flushes;
        let model = Model::new();
        let points = vec![model.clone()];
        let random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        Self { volume, model, points, settled: 1, flushes, random }
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) % bound
    }

    fn pick(&mut self) -> Option<FileName> {
        let at = self.below(self.model.len().max(1) as u64) as usize;
        self.model.keys().nth(at).cloned()
    }

    /// After something that may have flushed everything.
    fn settled(&mut self, result: Result<()>) -> Result<()> {
        let flushes = self.volume.borrow().medium.flushes;
        self.points.push(self.model.clone());
        result?;
        if flushes != self.flushes {
            self.flushes = flushes;
            for (content, flushed) in self.model.values_mut() {
                *flushed = content.len();
            }
            self.points = vec![self.model.clone()];
        }
        self.settled = self.points.len();
        Ok(())
    }

    fn step(&mut self) -> Result<()> {
        let directory = VolumeDirectory::new(&self.volume, "home");
        match self.below(12) {
            0 | 1 => {
                let name = name(&format!("file-{}", self.below(12)));
                let made = directory.create(&name);
                match (made, self.model.contains_key(&name)) {
                    (Err(error), true) => {
                        assert_eq!(error.kind, StorageErrorKind::AlreadyExists);
                    }
                    (made, _) => {
                        made?;
                        self.model.insert(name, (Vec::new(), 0));
                    }
                }
            }
            2..=6 => {
                let Some(name) = self.pick() else { return Ok(()) };
                let exponent = self.below(16);
                let len = self.below((1 << exponent) + 1) as usize;
                let start = self.below(200);
                let bytes: Vec<u8> = (0..len).map(|at| (start as usize + at * 3) as u8).collect();
                let mut file = directory.open(&name)?;
                file.append(&bytes)?;
                self.model.get_mut(&name).unwrap().0.extend(bytes);
            }
            7 => {
                let Some(name) = self.pick() else { return Ok(()) };
                let len = self.model[&name].0.len() as u64;
                let keep = if self.below(2) == 0 { 0 } else { self.below(len + 1) };
                let mut file = directory.open(&name)?;
                let cut = file.truncate(keep);
                if keep > 0 && keep < len {
                    // All of it is flushed before it is cut.
                    self.settled(cut)?;
                } else {
                    cut?;
                }
                let (content, flushed) = self.model.get_mut(&name).unwrap();
                content.truncate(keep as usize);
                *flushed = (*flushed).min(keep as usize);
            }
            8 => {
                let Some(name) = self.pick() else { return Ok(()) };
                directory.remove(&name)?;
                self.model.remove(&name);
            }
            9 => {
                let Some(from) = self.pick() else { return Ok(()) };
                let to = name(&format!("file-{}", self.below(12)));
                directory.rename(&from, &to)?;
                let content = self.model.remove(&from).unwrap();
                self.model.insert(to, content);
            }
            10 if self.below(3) == 0 => {
                // Also of volumes for which it would not be worth it.
                let result = self.volume.borrow_mut().shrink_now(1 << 18).map(drop);
                self.settled(result)?;
            }
            10 => {
                let result = self.volume.borrow_mut().settle();
                self.settled(result)?;
            }
            _ => {
                let result = self.volume.borrow_mut().flush();
                self.settled(result)?;
            }
        }
        Ok(())
    }

    fn found(volume: &Shared) -> BTreeMap<FileName, Vec<u8>> {
        let directory = VolumeDirectory::new(volume, "home");
        let names = directory.list().unwrap().into_iter();
        names.map(|name| (name.clone(), directory.read(&name).unwrap().unwrap())).collect()
    }

    /// Whether what was found is what may be left of the files at some point.
    fn may_be_left(point: &Model, found: &BTreeMap<FileName, Vec<u8>>) -> bool {
        point.len() == found.len()
            && point.iter().all(|(name, (content, flushed))| {
                found
                    .get(name)
                    .is_some_and(|found| content.starts_with(found) && found.len() >= *flushed)
            })
    }

    fn check_power_cut(&mut self) -> Shared {
        let chance = 1 + self.below(4);
        let medium = self.volume.borrow().medium.clone();
        let left = medium.after_power_cut(|| self.below(5) < chance);
        let volume = open(left);
        let found = Self::found(&volume);
        let fits = self.points.iter().any(|point| Self::may_be_left(point, &found));
        assert!(fits, "found {:?}", found.iter().map(|(n, b)| (n, b.len())).collect::<Vec<_>>());
        volume
    }

    fn check_kill(&self) -> Shared {
        let volume = reopened(&self.volume);
        let found = Self::found(&volume);
        let exact = |point: &Model| {
            point.len() == found.len()
                && point.iter().all(|(name, (content, _))| found.get(name) == Some(content))
        };
        assert!(self.points[self.settled - 1..].iter().any(exact), "{:?}", found.keys());
        volume
    }

    fn go_on(&mut self, volume: Shared) {
        self.flushes = volume.borrow().medium.flushes;
        let found = Self::found(&volume).into_iter();
        // What is there was confirmed by the opening.
        self.model = found.map(|(name, bytes)| (name, (bytes.clone(), bytes.len()))).collect();
        self.points = vec![self.model.clone()];
        self.settled = 1;
        self.volume = volume;
    }
}

#[test]
fn crashes_lose_nothing_that_was_flushed_and_invent_nothing() {
    let seeds = std::env::var("NANOTDB_VOLUME_SEEDS").map_or(150, |text| text.parse().unwrap());
    for seed in 1..=seeds {
        let mut life = Life::new(seed);
        for _ in 0..6 {
            let steps = 5 + life.below(120);
            if life.below(3) == 0 {
                let fuse = life.below(steps * 2) as u32;
                life.volume.borrow_mut().medium.fuse = Some(fuse);
            }
            for _ in 0..steps {
                if life.step().is_err() {
                    break;
                }
            }
            let volume =
                if life.below(2) == 0 { life.check_power_cut() } else { life.check_kill() };
            life.go_on(volume);
        }
    }
}

#[test]
fn a_volume_that_fills_up_loses_nothing() {
    for seed in 1..40 {
        let mut life = Life::new(seed);
        let room = 200_000 + life.below(400_000);
        life.volume.borrow_mut().medium.set_room(room);
        let mut full = 0;
        for _ in 0..400 {
            match life.step() {
                Err(error) if error.kind == StorageErrorKind::NoSpace => full += 1,
                other => other.unwrap(),
            }
        }
        if full > 0 {
            let result = life.volume.borrow_mut().settle();
            let _ = life.settled(result);
        }
        let volume = life.check_kill();
        life.go_on(volume);
    }
}
