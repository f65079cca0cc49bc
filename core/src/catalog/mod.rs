//! The metrics of a database: names, ids, types, and where each one stands in time.

pub mod file;

use crate::error::Rejection;
use crate::sorted::SortedMap;
use crate::types::{MetricId, Sample, Timestamp, Value, ValueType};
use alloc::format;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;
use file::Record;
use hashbrown::HashMap;

/// Most metrics one database can have.
pub const MAX_METRICS: usize = 65_535;

/// What is known of a metric's newest sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Newest {
    /// Files may hold samples that nobody has looked at since the database was opened.
    Unknown,
    /// The metric has no samples.
    None,
    /// Time and raw value.
    At(i64, u32),
}

impl Newest {
    /// Notes a sample that was taken, which is the newest unless a later one is known.
    pub(crate) const fn note(&mut self, time: i64, raw: u32) {
        match self {
            Self::At(newest, _) if time < *newest => {}
            newest => *newest = Self::At(time, raw),
        }
    }
}

/// One metric.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its name.
    pub name: Arc<str>,
    /// Its number in files.
    pub id: MetricId,
    /// The type of its values.
    pub value_type: ValueType,
    /// The newest sample that queries may see.
    pub last: Newest,
    /// The newest accepted time: that of `last`, or of a sample on its way to the log.
    pub accepted: Option<i64>,
    /// Whether the catalog file holds name and type. Until it does, each record in the log does.
    pub stored: bool,
    /// Of a metric whose name is lost: `name` is a stand-in then, and the catalog file never
    /// holds the metric.
    pub recovered: Option<Recovered>,
    /// Whether all its samples were deleted, and none has come since. Then nobody sees it, and its
    /// type may change. Its id stays taken: the reference counts entries to find the next one.
    pub deleted: bool,
}

/// What is known of a metric that has samples under its id, and no name anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovered {
    /// Metric files tell the type of its values.
    Typed,
    /// Raw pages and log do not: its values are shown as their 32 bits, an integer.
    Untyped,
}

impl Entry {
    /// Whether it is shown: one that was deleted is not, unless files have samples of it after all,
    /// which somebody else wrote.
    pub const fn is_listed(&self) -> bool {
        !self.deleted || matches!(self.last, Newest::At(..))
    }

    /// The newest sample, if it is known and there is one.
    pub fn last_sample(&self) -> Option<Sample> {
        match self.last {
            Newest::At(time, raw) => {
                let value = Value::from_raw(self.value_type, raw);
                Some(Sample { time: Timestamp(time), value })
            }
            Newest::Unknown | Newest::None => None,
        }
    }
}

/// Where an entry is in its catalog; valid as long as the catalog lives, since entries stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot(usize);

/// All metrics of one database.
#[derive(Debug, Default)]
pub struct Catalog {
    entries: Vec<Entry>,
    by_name: HashMap<Arc<str>, Slot>,
    by_id: SortedMap<MetricId, Slot>,
    /// Metrics that the catalog file does not hold yet, but should.
    unstored: usize,
    /// Ids up to this one are never given out.
    reserved: u16,
}

impl Catalog {
    /// The catalog that a file holds; what its metrics hold is unknown yet.
    pub fn from_records(records: Vec<Record>) -> Self {
        let mut catalog = Self::default();
        for record in records {
            catalog.insert(Entry {
                name: record.name.into(),
                id: record.id,
                value_type: record.value_type,
                last: Newest::Unknown,
                accepted: None,
                stored: true,
                recovered: None,
                deleted: record.deleted,
            });
        }
        catalog
    }

    /// What the catalog file should hold, in order of id: nothing that was guessed.
    pub fn to_records(&self) -> Vec<Record> {
        let record = |entry: &Entry| Record {
            name: entry.name.to_string(),
            id: entry.id,
            value_type: entry.value_type,
            deleted: !entry.is_listed(),
        };
        self.iter().filter(|entry| entry.recovered.is_none()).map(record).collect()
    }

    /// Number of metrics.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no metrics.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether the catalog file lacks a metric.
    pub fn is_dirty(&self) -> bool {
        self.unstored > 0
    }

    /// Notes that the catalog file now holds every metric.
    pub fn mark_stored(&mut self) {
        self.unstored = 0;
        for entry in self.entries.iter_mut().filter(|entry| entry.recovered.is_none()) {
            entry.stored = true;
        }
    }

    /// The entry in a slot.
    pub fn get(&self, slot: Slot) -> Option<&Entry> {
        self.entries.get(slot.0)
    }

    /// The entry in a slot, to change it.
    pub fn get_mut(&mut self, slot: Slot) -> Option<&mut Entry> {
        self.entries.get_mut(slot.0)
    }

    /// Where the metric of this name is.
    pub fn find(&self, name: &str) -> Option<Slot> {
        self.by_name.get(name).copied()
    }

    /// Where the metric of this id is.
    pub fn find_id(&self, id: MetricId) -> Option<Slot> {
        self.by_id.get(&id).copied()
    }

    /// All metrics, in order of id.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.by_id.values().filter_map(|&slot| self.get(slot))
    }

    /// All metrics, in any order, to change them.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Entry> {
        self.entries.iter_mut()
    }

    /// The highest id that is taken or reserved; 0 when there is none.
    pub fn highest(&self) -> u16 {
        self.by_id.last_key_value().map_or(0, |(id, _)| id.get()).max(self.reserved)
    }

    /// Whether an id was given out that no metric has: the catalog file knew it once.
    pub fn lacks_reserved(&self) -> bool {
        self.by_id.last_key_value().map_or(0, |(id, _)| id.get()) < self.reserved
    }

    /// Keeps all ids up to this one from being given out: samples may be under them.
    pub fn reserve_up_to(&mut self, id: u16) {
        self.reserved = self.reserved.max(id);
    }

    /// Adds a metric under the next id: one more than the highest, so that gaps never lead to
    /// an id being used twice (D-16).
    ///
    /// # Errors
    ///
    /// [`Rejection::TooManyMetrics`].
    pub fn register(&mut self, name: &str, value_type: ValueType) -> Result<Slot, Rejection> {
        // Gaps stay gaps: a lost catalog entry may have left samples under its id.
        let id = self.highest().checked_add(1).and_then(MetricId::new);
        let id = id.ok_or(Rejection::TooManyMetrics)?;
        self.unstored += 1;
        Ok(self.insert(Entry {
            name: name.into(),
            id,
            value_type,
            last: Newest::None,
            accepted: None,
            stored: false,
            recovered: None,
            deleted: false,
        }))
    }

    /// Forgets the metrics that were registered since there were `len`: what would have logged them
    /// has failed.
    pub fn roll_back(&mut self, len: usize) {
        for entry in self.entries.drain(len.min(self.entries.len())..) {
            self.by_name.remove(&entry.name);
            self.by_id.remove(&entry.id);
            self.unstored = self.unstored.saturating_sub(1);
        }
    }

    /// Adds a metric that the log introduces, or finds it when name, id and type agree. One that
    /// had only an id gets its name.
    ///
    /// # Errors
    ///
    /// The entry in the way: it has the name or the id, but not both, or another type.
    pub fn introduce(
        &mut self,
        name: &str,
        id: MetricId,
        value_type: ValueType,
    ) -> Result<Slot, &Entry> {
        if self.find(name).is_none() && self.is_recovered(id) {
            self.rename(id, name, value_type);
        }
        let known = self.find(name).or_else(|| self.find_id(id));
        if let Some(slot) = known {
            let agrees = self.get(slot).is_some_and(|entry| {
                *entry.name == *name && entry.id == id && entry.value_type == value_type
            });
            return match self.get(slot) {
                Some(entry) if !agrees => Err(entry),
                _ => Ok(slot),
            };
        }
        self.unstored += 1;
        Ok(self.insert(Entry {
            name: name.into(),
            id,
            value_type,
            last: Newest::Unknown,
            accepted: None,
            stored: false,
            recovered: None,
            deleted: false,
        }))
    }

    /// Adds a metric of which only the id is known, and perhaps the type, under a name that
    /// stands in for its own: `recovered.<id>`, with `.2`, `.3` … behind it where a metric has
    /// that name. An id that is there already stays what it is, but for a type that was open.
    pub fn recover(&mut self, id: MetricId, value_type: Option<ValueType>) -> Slot {
        if let Some(slot) = self.find_id(id) {
            let open = self.get_mut(slot).filter(|e| e.recovered == Some(Recovered::Untyped));
            if let (Some(entry), Some(value_type)) = (open, value_type) {
                entry.value_type = value_type;
                entry.recovered = Some(Recovered::Typed);
            }
            return slot;
        }
        let mut name = format!("recovered.{id}");
        let mut copy = 1;
        while self.find(&name).is_some() {
            copy += 1;
            name = format!("recovered.{id}.{copy}");
        }
        let recovered = value_type.map_or(Recovered::Untyped, |_| Recovered::Typed);
        self.insert(Entry {
            name: name.into(),
            id,
            value_type: value_type.unwrap_or(ValueType::I32),
            last: Newest::Unknown,
            accepted: None,
            stored: false,
            recovered: Some(recovered),
            deleted: false,
        })
    }

    /// Metrics whose names are lost, in order of id.
    pub fn recovered(&self) -> impl Iterator<Item = &Entry> {
        self.iter().filter(|entry| entry.recovered.is_some())
    }

    /// Whether the metric of this id has lost its name.
    pub fn is_recovered(&self, id: MetricId) -> bool {
        let entry = self.find_id(id).and_then(|slot| self.get(slot));
        entry.is_some_and(|entry| entry.recovered.is_some())
    }

    /// Gives a recovered metric its name and type. The name is free.
    pub(crate) fn rename(&mut self, id: MetricId, name: &str, value_type: ValueType) {
        let Some(slot) = self.find_id(id) else { return };
        let Some(entry) = self.entries.get_mut(slot.0) else { return };
        self.by_name.remove(&entry.name);
        entry.name = name.into();
        entry.value_type = value_type;
        entry.recovered = None;
        self.by_name.insert(Arc::clone(&entry.name), slot);
        self.unstored += 1;
    }

    /// Notes that a metric has no samples any more, and is to be shown no longer.
    pub fn delete(&mut self, slot: Slot) {
        let Some(entry) = self.entries.get_mut(slot.0) else { return };
        (entry.last, entry.accepted, entry.deleted) = (Newest::None, None, true);
        self.unstored += 1;
    }

    /// Shows a metric again that was deleted; with this type, if it is known to have no samples.
    /// Says whether it has another type now, which the catalog file has to hold before the log
    /// does.
    pub fn revive(&mut self, slot: Slot, value_type: Option<ValueType>) -> bool {
        let Some(entry) = self.entries.get_mut(slot.0).filter(|entry| entry.deleted) else {
            return false;
        };
        entry.deleted = false;
        self.unstored += 1;
        let other = value_type.filter(|other| *other != entry.value_type);
        let other = other.filter(|_| entry.last == Newest::None);
        let Some(other) = other else { return false };
        (entry.value_type, entry.stored) = (other, false);
        true
    }

    fn insert(&mut self, entry: Entry) -> Slot {
        let slot = Slot(self.entries.len());
        self.by_name.insert(Arc::clone(&entry.name), slot);
        self.by_id.insert(entry.id, slot);
        self.entries.push(entry);
        slot
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn id(raw: u16) -> MetricId {
        MetricId::new(raw).unwrap()
    }

    #[test]
    fn d16_ids_go_on_behind_the_highest() {
        let record =
            Record { name: "a".into(), id: id(7), value_type: ValueType::I32, deleted: false };
        let mut catalog = Catalog::from_records(vec![record]);
        let slot = catalog.register("b", ValueType::F32).unwrap();
        assert_eq!(catalog.get(slot).unwrap().id, id(8));
    }

    #[test]
    fn all_ids_can_be_used_and_not_one_more() {
        let (name, value_type) = ("top".into(), ValueType::I32);
        let record = Record { name, id: id(65_535), value_type, deleted: false };
        let mut catalog = Catalog::from_records(vec![record]);
        assert_eq!(catalog.register("b", ValueType::I32), Err(Rejection::TooManyMetrics));
        let mut full = Catalog::default();
        for n in 1..=65_535 {
            full.register(&format!("m{n}"), ValueType::I32).unwrap();
        }
        assert_eq!(full.register("one more", ValueType::I32), Err(Rejection::TooManyMetrics));
    }

    #[test]
    fn an_introduction_must_agree() {
        let mut catalog = Catalog::default();
        let slot = catalog.introduce("a", id(3), ValueType::I32).unwrap();
        assert_eq!(catalog.introduce("a", id(3), ValueType::I32).unwrap(), slot);
        assert!(catalog.introduce("a", id(4), ValueType::I32).is_err());
        assert!(catalog.introduce("b", id(3), ValueType::I32).is_err());
        assert!(catalog.introduce("a", id(3), ValueType::F32).is_err());
        assert_eq!(catalog.len(), 1);
    }

    #[test]
    fn a_metric_without_a_name_gets_a_stand_in_that_is_never_stored() {
        let mut catalog = Catalog::default();
        catalog.register("recovered.7", ValueType::I32).unwrap();
        let slot = catalog.recover(id(7), None);
        assert_eq!(&*catalog.get(slot).unwrap().name, "recovered.7.2");
        assert_eq!(catalog.recover(id(7), None), slot, "once");
        let typed = catalog.recover(id(5), Some(ValueType::F32));
        assert_eq!(catalog.get(typed).unwrap().recovered, Some(Recovered::Typed));
        assert_eq!(catalog.to_records().len(), 1, "nothing guessed goes into the file");
        catalog.mark_stored();
        assert!(!catalog.get(slot).unwrap().stored);
        let next = catalog.register("new", ValueType::I32).unwrap();
        assert_eq!(catalog.get(next).unwrap().id, id(8), "after every id that is known");
    }

    #[test]
    fn a_recovered_metric_gets_the_name_that_the_log_has() {
        let mut catalog = Catalog::default();
        let slot = catalog.recover(id(3), None);
        assert!(!catalog.is_dirty());
        assert_eq!(catalog.introduce("a", id(3), ValueType::F32).unwrap(), slot);
        let entry = catalog.get(slot).unwrap();
        assert_eq!((&*entry.name, entry.value_type, entry.recovered), ("a", ValueType::F32, None));
        assert!(catalog.is_dirty() && catalog.find("recovered.3").is_none());
        assert_eq!(catalog.find("a"), Some(slot));
    }

    #[test]
    fn reserved_ids_are_not_given_out() {
        let mut catalog = Catalog::default();
        catalog.reserve_up_to(9);
        catalog.reserve_up_to(4);
        let slot = catalog.register("a", ValueType::I32).unwrap();
        assert_eq!((catalog.get(slot).unwrap().id, catalog.highest()), (id(10), 10));
    }

    #[test]
    fn a_deleted_metric_keeps_its_id_and_may_come_back_with_another_type() {
        let mut catalog = Catalog::default();
        let slot = catalog.register("a", ValueType::I32).unwrap();
        catalog.get_mut(slot).unwrap().last = Newest::At(5, 1);
        catalog.mark_stored();
        catalog.delete(slot);
        assert!(catalog.is_dirty() && !catalog.get(slot).unwrap().is_listed());
        let mut again = Catalog::from_records(catalog.to_records());
        let slot = again.find("a").unwrap();
        assert!(again.get(slot).unwrap().deleted);
        assert!(!again.revive(slot, Some(ValueType::F32)), "files were not looked at");
        assert_eq!(again.get(slot).unwrap().value_type, ValueType::I32);
        assert!(catalog.revive(slot, Some(ValueType::F32)));
        let entry = catalog.get(slot).unwrap();
        assert_eq!((entry.id, entry.value_type, entry.is_listed()), (id(1), ValueType::F32, true));
        assert!(!catalog.revive(slot, Some(ValueType::I32)), "once");
        let next = catalog.register("b", ValueType::I32).unwrap();
        assert_eq!(catalog.get(next).unwrap().id, id(2));
    }

    #[test]
    fn metrics_are_found_by_name_and_by_id() {
        let mut catalog = Catalog::default();
        let slot = catalog.register("b", ValueType::F32).unwrap();
        catalog.register("a", ValueType::I32).unwrap();
        assert_eq!((catalog.find("b"), catalog.find_id(id(1))), (Some(slot), Some(slot)));
        assert_eq!((catalog.find("c"), catalog.find_id(id(3))), (None, None));
        let names: Vec<&str> = catalog.iter().map(|entry| &*entry.name).collect();
        assert_eq!(names, ["b", "a"], "in order of id");
        assert_eq!(catalog.get(slot).unwrap().value_type, ValueType::F32);
        assert_eq!(catalog.get(slot).unwrap().last_sample(), None);
        catalog.get_mut(slot).unwrap().last = Newest::At(5, 0x41ac_0000);
        let newest = Sample { time: Timestamp(5), value: Value::F32(21.5) };
        assert_eq!(catalog.get(slot).unwrap().last_sample(), Some(newest));
    }

    #[test]
    fn a_catalog_is_dirty_until_it_is_stored() {
        let mut catalog = Catalog::from_records(vec![]);
        assert!(!catalog.is_dirty());
        let slot = catalog.register("a", ValueType::I32).unwrap();
        assert!(catalog.is_dirty() && !catalog.get(slot).unwrap().stored);
        let stored = file::encode(&catalog.to_records());
        catalog.mark_stored();
        assert!(!catalog.is_dirty() && catalog.get(slot).unwrap().stored);
        let again = Catalog::from_records(file::decode(&stored).unwrap());
        assert_eq!(again.to_records(), catalog.to_records());
    }
}
