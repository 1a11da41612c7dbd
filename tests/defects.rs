//! The defects of the system that Tickroom replaces: which tests exclude them (`docs/defects.md`), and one that only a look
//! at the sources excludes.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// As many as are known.
const DEFECTS: u32 = 67;

/// How a row begins of a defect that needs no test; the reason follows.
const CANNOT: &str = "Cannot occur: ";

#[test]
fn every_defect_has_a_row_and_every_test_that_is_named_exists() {
    let (rows, tests) = (rows(), tests());
    assert_eq!(rows.keys().copied().collect::<Vec<_>>(), (1..=DEFECTS).collect::<Vec<_>>());
    for (defect, excluded_by) in rows.iter().filter(|(_, excluded_by)| !excluded_by.starts_with(CANNOT)) {
        let names: Vec<&str> = excluded_by.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "defect {defect} is excluded by nothing");
        for name in names {
            assert!(tests.contains(name), "defect {defect}: there is no test {name}");
        }
    }
}

#[test]
fn a_test_is_named_after_a_defect_that_can_occur() {
    let rows = rows();
    for test in tests().iter().filter_map(|test| test.strip_prefix("defect_")) {
        let number: u32 = test.split('_').next().unwrap().parse().unwrap();
        assert!(rows.get(&number).is_some_and(|row| !row.starts_with(CANNOT)), "defect_{test}");
    }
}

#[test]
fn defect_32_every_table_is_written_and_read() {
    let migrations = texts(&folder("storage/migrations/sqlite"), "sql").join("\n");
    let named = |verb: &str| -> BTreeSet<String> {
        let after = migrations.split(verb).skip(1);
        after.map(|rest| rest.split([' ', '\n', ';']).next().unwrap().to_owned()).collect()
    };
    let renamed = migrations.split(" rename to ").filter_map(|before| before.split("alter table ").last());
    let gone = &named("drop table ") | &renamed.map(str::to_owned).collect();
    let made = &named("create table ") | &named("create virtual table ");
    let made = &(&made - &gone) | &named("rename to ");
    assert!(made.len() > 20, "{made:?}");
    let statements = texts(&folder("storage/src"), "rs").join("\n");
    let words: Vec<&str> = statements
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
        .collect();
    for table in made {
        let follows = |words_before: &[&str]| {
            words.windows(2).any(|pair| words_before.contains(&pair[0]) && pair[1] == table)
        };
        // `insert into post …`, or `Insert { table: "post", … }`
        let (is_written, is_read) = (follows(&["into", "table"]), follows(&["from", "join"]));
        assert!(is_written && is_read, "{table}: written {is_written}, read {is_read}");
    }
}

/// What stands in the last column, by defect.
fn rows() -> BTreeMap<u32, String> {
    let document = fs::read_to_string(folder("docs/defects.md")).unwrap();
    let cells = document.lines().map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
    let rows = cells.filter_map(|cells| match cells[..] {
        ["", defect, _, excluded_by, ""] => Some((defect.parse().ok()?, excluded_by.to_owned())),
        _ => None,
    });
    rows.collect()
}

/// The names of all functions that may be tests.
fn tests() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for part in ["src", "tests", "storage/src", "storage/tests", "actors/src", "actors/tests"] {
        for text in texts(&folder(part), "rs") {
            let functions = text.split("fn ").skip(1);
            names.extend(functions.filter_map(|rest| Some(rest.split_once('(')?.0.to_owned())));
        }
    }
    names
}

/// The contents of all files below this folder whose name ends so.
fn texts(folder: &Path, extension: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.flat_map(|path| match path.is_dir() {
        true => texts(&path, extension),
        false if path.extension().is_some_and(|found| found == extension) => {
            vec![fs::read_to_string(&path).unwrap()]
        }
        false => Vec::new(),
    });
    files.collect()
}

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
