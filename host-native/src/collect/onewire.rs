//! `temp.<name>.mdeg`: thermometers on the 1-Wire bus, in thousandths of a degree Celsius.
//!
//! A DS18B20 answers with two lines: the first ends in `YES` when its checksum held, the second in
//! `t=` and the temperature.

use super::machine::list;
use super::settings::OneWire;
use super::{Measure, Put, part};
use nanotdb_core::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

/// What the ids of DS18B20 thermometers begin with.
const FAMILY: &str = "28-";

#[derive(Debug)]
pub(super) struct Thermometers {
    settings: OneWire,
}

impl Thermometers {
    pub(super) fn new(settings: &OneWire) -> Self {
        Self { settings: settings.clone() }
    }

    /// The ids of what is to be read.
    fn ids(&self) -> BTreeSet<String> {
        let mut ids: BTreeSet<String> = self.settings.devices.keys().cloned().collect();
        if self.settings.auto_discover {
            let found = list(&self.settings.base_path).into_iter();
            ids.extend(found.filter(|id| id.starts_with(FAMILY)));
        }
        ids.retain(|id| !id.contains(['/', '\\']));
        ids
    }

    fn path(&self, id: &str) -> PathBuf {
        self.settings.base_path.join(id).join("w1_slave")
    }
}

impl Measure for Thermometers {
    fn measure(&mut self, _: Instant, put: &mut Put<'_>) {
        for id in self.ids() {
            let text = fs::read_to_string(self.path(&id)).ok();
            let Some(millidegrees) = text.as_deref().and_then(temperature) else { continue };
            // 85 degrees are what a thermometer says that has not measured yet.
            if millidegrees >= self.settings.max_valid_mdeg {
                continue;
            }
            let name = self.settings.devices.get(&id).unwrap_or(&id);
            put(&format!("temp.{}.mdeg", part(name)), Value::I32(millidegrees));
        }
    }
}

/// The temperature, if its checksum held.
fn temperature(text: &str) -> Option<i32> {
    let mut lines = text.lines();
    let has_held = lines.next()?.trim_end().ends_with("YES");
    let (_, millidegrees) = lines.next()?.rsplit_once("t=")?;
    has_held.then(|| millidegrees.trim().parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        "56 01 4b 46 7f ff 0c 10 d8 : crc=d8 YES\n56 01 4b 46 7f ff 0c 10 d8 t=21375\n";

    #[test]
    fn a_temperature_needs_its_checksum() {
        assert_eq!(temperature(GOOD), Some(21_375));
        assert_eq!(temperature(&GOOD.replace("21375", "-1250")), Some(-1_250));
        assert_eq!(temperature(&GOOD.replace("YES", "NO")), None);
        for end in 0..GOOD.len() - 6 {
            assert_eq!(temperature(&GOOD[..end]), None, "{end}");
        }
    }

    #[test]
    fn thermometers_have_names_or_their_ids() {
        let bus = tempfile::tempdir().unwrap();
        let devices = [
            ("28-01", "21375"),
            ("28-02", "-500"),
            ("28-03", "85000"),
            ("10-04", "1000"),
            ("10-05", "2000"),
        ];
        for (id, millidegrees) in devices {
            fs::create_dir(bus.path().join(id)).unwrap();
            let text = GOOD.replace("21375", millidegrees);
            fs::write(bus.path().join(id).join("w1_slave"), text).unwrap();
        }
        let named =
            [("28-01", "office dry"), ("10-05", "boiler"), ("28-99", "gone"), ("../x", "y")];
        let settings = OneWire {
            base_path: bus.path().to_owned(),
            devices: named.map(|(id, name)| (id.to_owned(), name.to_owned())).into(),
            ..OneWire::default()
        };
        let measured = |settings: &OneWire| {
            let mut found = Vec::new();
            Thermometers::new(settings)
                .measure(Instant::now(), &mut |name, value| found.push((name.to_owned(), value)));
            found
        };
        let (office, boiler) = (
            ("temp.office_dry.mdeg".to_owned(), Value::I32(21_375)),
            ("temp.boiler.mdeg".to_owned(), Value::I32(2_000)),
        );
        let second = ("temp.28-02.mdeg".to_owned(), Value::I32(-500));
        assert_eq!(measured(&settings), [boiler.clone(), office.clone(), second]);
        let settings = OneWire { auto_discover: false, ..settings };
        assert_eq!(measured(&settings), [boiler, office]);
        let settings = OneWire { base_path: bus.path().join("none"), ..settings };
        assert_eq!(measured(&settings), []);
    }
}
