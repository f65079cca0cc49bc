//! `docs/API.md` names every exported item of the reference's package, what takes its place, and
//! a test that shows it: all items, in order, and nothing that is not there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// The reference's exported items, one a line.
const ITEMS: &str = include_str!("../api-items.txt");
const TABLE: &str = include_str!("../../docs/API.md");

/// How links to the documentation begin in the table.
const DOCS: &str = "../target/doc/";

/// Where nothing is tested.
const NO_TEST: &str = "–";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace is around this package")
}

#[derive(Debug)]
struct Row<'t> {
    item: &'t str,
    here: &'t str,
    tests: Vec<&'t str>,
}

/// The rows of all tables of a document.
fn rows(text: &str) -> Vec<Row<'_>> {
    let is_row = |line: &&str| line.starts_with("| ") && !line.starts_with("| reference item |");
    text.lines().filter(is_row).map(row).collect()
}

fn row(line: &str) -> Row<'_> {
    let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
    let [item, here, tests] = cells[..] else { panic!("not three cells: {line}") };
    let tests = tests.split(", ").map(|test| test.trim_matches('`')).collect();
    Row { item: item.trim_matches('`'), here, tests }
}

impl Row<'_> {
    /// Whether it says that there is no such item.
    fn is_none(&self) -> bool {
        self.here.starts_with("none: ")
    }

    /// Targets of its links, below the documentation.
    fn links(&self) -> impl Iterator<Item = &str> {
        let targets = self.here.split("](").skip(1);
        targets.map(|rest| rest.split(')').next().unwrap_or_default())
    }

    /// What it lacks, other than what its links and tests lead to.
    fn gaps(&self) -> Vec<String> {
        let item = self.item;
        let mut gaps = Vec::new();
        if !self.is_none() && self.links().next().is_none() {
            gaps.push(format!("{item}: no link, and no \"none: \" with a reason"));
        }
        let untested = self.tests == [NO_TEST] || self.tests == [""];
        if untested && !self.is_none() {
            gaps.push(format!("{item}: no test"));
        }
        gaps
    }
}

/// Tests of one source file, as they are named in the table.
fn tests_of(source: &str) -> Vec<String> {
    let mut tests = Vec::new();
    let mut is_test = false;
    for line in source.lines().map(str::trim) {
        if line == "#[test]" {
            is_test = true;
        } else if let Some(rest) = line.strip_prefix("fn ") {
            let name: String =
                rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            if is_test && rest[name.len()..].starts_with('(') {
                tests.push(name);
            }
            is_test = false;
        }
        let fence = line.strip_prefix("/// ```").or_else(|| line.strip_prefix("//! ```"));
        if fence.is_some_and(str::is_empty) && !tests.iter().any(|test| test == "doc") {
            tests.push("doc".to_owned());
        }
    }
    tests
}

/// Why a test that the table names cannot be found.
fn check_test(test: &str, known: &mut BTreeMap<PathBuf, Vec<String>>) -> Option<String> {
    let Some((file, name)) = test.split_once("::") else {
        return Some(format!("{test}: not `file::function`"));
    };
    let path = root().join(file);
    let tests = known
        .entry(path)
        .or_insert_with_key(|path| tests_of(&fs::read_to_string(path).unwrap_or_default()));
    (!tests.iter().any(|test| test == name)).then(|| format!("{test}: no such test"))
}

/// The documentation as written now: a directory keeps pages of items that are gone.
struct Docs {
    directory: PathBuf,
    /// Text of the pages that were asked for.
    pages: BTreeMap<String, Option<String>>,
}

impl Docs {
    /// Writes the documentation where it is missing or old, with the flags of the check script so
    /// that neither makes the other's old.
    fn written() -> Self {
        let target = env::var_os("CARGO_TARGET_DIR").map_or("target".into(), PathBuf::from);
        let target = root().join(target);
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let done = Command::new(cargo)
            .args(["doc", "--workspace", "--no-deps", "--quiet", "--target-dir"])
            .arg(&target)
            .env("RUSTDOCFLAGS", "-D warnings")
            .current_dir(root())
            .output()
            .expect("cargo runs");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        Self { directory: target.join("doc"), pages: BTreeMap::new() }
    }

    fn page(&mut self, path: &str) -> Option<&str> {
        let read = |path: &String| fs::read_to_string(self.directory.join(path)).ok();
        self.pages.entry(path.to_owned()).or_insert_with_key(read).as_deref()
    }

    /// Why a link leads nowhere.
    fn check(&mut self, link: &str) -> Option<String> {
        let Some(target) = link.strip_prefix(DOCS) else {
            return Some(format!("{link}: does not begin with {DOCS}"));
        };
        let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
        let (krate, within) = path.split_once('/').unwrap_or((path, ""));
        let listed = format!("href=\"{within}\"");
        let all = self.page(&format!("{krate}/all.html")).unwrap_or_default();
        if !all.contains(&listed) {
            return Some(format!("{link}: no item of {krate}"));
        }
        let Some(page) = self.page(path) else {
            return Some(format!("{link}: no such page"));
        };
        let id = format!("id=\"{anchor}\"");
        (!anchor.is_empty() && !page.contains(&id)).then(|| format!("{link}: no such anchor"))
    }
}

#[test]
fn every_item_of_the_reference_has_one_row_in_order() {
    let found: Vec<&str> = rows(TABLE).iter().map(|row| row.item).collect();
    let expected: Vec<&str> = ITEMS.lines().collect();
    for item in &expected {
        assert_eq!(found.iter().filter(|found| found == &item).count(), 1, "rows of {item}");
    }
    for item in &found {
        assert!(expected.contains(item), "{item} is no item of the reference");
    }
    assert_eq!(found, expected, "the order");
    assert_eq!(found.len(), 208);
}

#[test]
fn every_row_says_what_and_where_it_is_tested() {
    let mut known = BTreeMap::new();
    let mut gaps = Vec::new();
    for row in rows(TABLE) {
        gaps.extend(row.gaps());
        let named = row.tests.iter().filter(|test| **test != NO_TEST);
        gaps.extend(named.filter_map(|test| check_test(test, &mut known)));
    }
    assert!(gaps.is_empty(), "{}", gaps.join("\n"));
}

#[test]
fn every_link_leads_to_an_item() {
    let mut docs = Docs::written();
    let rows = rows(TABLE);
    let mut links: Vec<&str> = rows.iter().flat_map(Row::links).collect();
    links.sort_unstable();
    links.dedup();
    assert!(links.len() > 150, "{}", links.len());
    let broken: Vec<String> = links.iter().filter_map(|link| docs.check(link)).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    for broken in ["struct.Nothing.html", "struct.Sample.html#method.nothing", "engine/fn.x.html"] {
        assert!(docs.check(&format!("{DOCS}nanotdb_core/{broken}")).is_some(), "{broken}");
    }
}

#[test]
fn gaps_are_found() {
    let table = "| reference item | here | test |\n|---|---|---|\n\
                 | `A` | words | `x.rs::y` |\n| `B` | [`b`](../target/doc/b.html) | – |\n\
                 | C d | none: no use | – |\n| `E` |  |  |\n";
    let rows = rows(table);
    assert_eq!(rows.iter().map(|row| row.item).collect::<Vec<_>>(), ["A", "B", "C d", "E"]);
    assert_eq!(rows.iter().map(|row| row.gaps().len()).collect::<Vec<_>>(), [1, 1, 0, 2]);
    assert_eq!(rows[1].links().collect::<Vec<_>>(), ["../target/doc/b.html"]);

    let source = "/// ```\n/// let a = 1;\n/// ```\nfn helper() {}\n#[test]\n#[ignore]\n\
                  fn shows_it() {\nproptest! {\n    #[test]\n    fn holds(x: u8) {\n";
    assert_eq!(tests_of(source), ["doc", "shows_it", "holds"]);
    let mut known = BTreeMap::new();
    let mut check = |test| check_test(test, &mut known);
    assert_eq!(check("tests/tests/api.rs::gaps_are_found"), None);
    for wrong in ["tests/tests/api.rs::rows", "no/file.rs::x", "gaps_are_found"] {
        assert!(check(wrong).is_some(), "{wrong}");
    }
}
