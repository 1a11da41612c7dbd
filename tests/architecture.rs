//! The shape of the workspace, read from its manifests: dependencies point one way, and every crate keeps the same
//! lints.
//!
//! ```text
//! storage  <-  actors  <-  tickroom
//! sim, swarm: know only the wire protocols
//! ```

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

/// What one crate may depend on.
struct Rule {
    package: &'static str,
    /// The crates of this workspace that it may use.
    may_use: &'static [&'static str],
    /// Those that its tests may use beside them.
    tests_may_use: &'static [&'static str],
    /// Whether it may speak to databases, caches and queues itself.
    may_use_engines: bool,
    /// Other crates that belong to another layer.
    never: &'static [&'static str],
}

/// The drivers of engines.
const ENGINES: [&str; 4] = ["sqlx", "redis", "mongodb", "rdkafka"];

const RULES: [Rule; 5] = [
    Rule {
        package: "tickroom-storage",
        may_use: &[],
        tests_may_use: &[],
        may_use_engines: true,
        never: &["axum", "ractor"],
    },
    Rule {
        package: "tickroom-actors",
        may_use: &["tickroom-storage"],
        tests_may_use: &["tickroom-sim"],
        may_use_engines: false,
        never: &["axum"],
    },
    Rule {
        package: "tickroom",
        may_use: &["tickroom-storage", "tickroom-actors", "tickroom-sim"],
        tests_may_use: &[],
        may_use_engines: false,
        never: &[],
    },
    Rule { package: "tickroom-sim", may_use: &[], tests_may_use: &[], may_use_engines: false, never: &[] },
    Rule { package: "tickroom-swarm", may_use: &[], tests_may_use: &[], may_use_engines: false, never: &[] },
];

#[test]
fn dependencies_point_one_way() {
    let workspace = Workspace::read();
    let wrong: Vec<_> = workspace.members.iter().flat_map(|member| workspace.wrong_arrows(member)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_crate_has_a_rule_and_every_rule_a_crate() {
    let workspace = Workspace::read();
    let members: BTreeSet<_> = workspace.members.iter().map(name).collect();
    assert_eq!(members, RULES.iter().map(|rule| rule.package).collect());
}

#[test]
fn every_crate_keeps_the_lints_of_the_workspace() {
    for member in &Workspace::read().members {
        let lints = member.get("lints").and_then(|lints| lints.get("workspace"));
        assert_eq!(lints, Some(&Value::Boolean(true)), "{} has no `lints.workspace = true`", name(member));
    }
}

#[test]
fn a_wrong_arrow_is_found_wherever_it_is_written() {
    let wrong = [
        ("tickroom-storage", "[dependencies]\nractor = '1'"),
        ("tickroom-storage", "[dependencies]\ntickroom-actors.workspace = true"),
        ("tickroom-storage", "[dev-dependencies]\naxum = { version = '1' }"),
        ("tickroom-actors", "[dependencies]\ntickroom-sim.workspace = true"),
        ("tickroom-actors", "[build-dependencies]\nsqlx = '1'"),
        ("tickroom-actors", "[dependencies]\nharmless = { package = 'redis', version = '1' }"),
        ("tickroom-actors", "[dependencies]\nrenamed.workspace = true"),
        ("tickroom-actors", "[target.'cfg(unix)'.dependencies]\nmongodb = '1'"),
        ("tickroom", "[dependencies]\nrdkafka = '1'"),
        ("tickroom-sim", "[dev-dependencies]\ntickroom.path = '..'"),
        ("a-new-crate", ""),
    ];
    let right = [
        ("tickroom-storage", "[dependencies]\nsqlx = '1'"),
        ("tickroom-actors", "[dependencies]\ntickroom-storage = '1'\n[dev-dependencies]\ntickroom-sim = '1'"),
        ("tickroom", "[dependencies]\naxum = '1'\ntickroom-actors.workspace = true"),
    ];
    let shared = "renamed = { package = 'sqlx', version = '1' }".parse().unwrap();
    let workspace = Workspace { members: Vec::new(), shared };
    let check = |package: &str, manifest: &str| {
        workspace.wrong_arrows(&format!("package.name = '{package}'\n{manifest}").parse().unwrap())
    };
    for (package, manifest) in wrong {
        assert_eq!(check(package, manifest).len(), 1, "{package}: {manifest}");
    }
    for (package, manifest) in right {
        assert_eq!(check(package, manifest), Vec::<String>::new());
    }
}

/// All manifests.
struct Workspace {
    members: Vec<Table>,
    /// `[workspace.dependencies]`, where a dependency may have got another name.
    shared: Table,
}

impl Workspace {
    fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let manifest = |folder: PathBuf| -> Table {
            let path = folder.join("Cargo.toml");
            fs::read_to_string(&path)
                .unwrap()
                .parse()
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        };
        let main = manifest(root.to_owned());
        let folders = main["workspace"]["members"].as_array().unwrap().clone();
        let shared = main["workspace"]["dependencies"].as_table().unwrap().clone();
        let mut members = vec![main];
        members.extend(folders.iter().map(|folder| manifest(root.join(folder.as_str().unwrap()))));
        Self { members, shared }
    }

    /// One line for each dependency that the rule of the crate does not allow.
    fn wrong_arrows(&self, manifest: &Table) -> Vec<String> {
        let package = name(manifest);
        let Some(rule) = RULES.iter().find(|rule| rule.package == package) else {
            return vec![format!("{package} has no rule in tests/architecture.rs")];
        };
        let dependencies = self.dependencies(manifest).into_iter();
        let wrong = dependencies.filter(|(kind, dependency)| !rule.allows(kind, dependency));
        wrong.map(|(kind, dependency)| format!("{package} may not have {dependency} in {kind}")).collect()
    }

    /// Kind and real name of every dependency, those for one platform only among them.
    fn dependencies(&self, manifest: &Table) -> BTreeSet<(&'static str, String)> {
        let platforms = manifest.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values);
        let tables = platforms.filter_map(Value::as_table).chain([manifest]);
        let mut found = BTreeSet::new();
        for table in tables {
            for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
                let dependencies = table.get(kind).and_then(Value::as_table).into_iter().flatten();
                found.extend(dependencies.map(|(key, value)| (kind, self.real_name(key, value))));
            }
        }
        found
    }

    fn real_name(&self, key: &str, dependency: &Value) -> String {
        let shared = dependency.get("workspace").and_then(|_| self.shared.get(key));
        let package = shared.unwrap_or(dependency).get("package").and_then(Value::as_str);
        package.unwrap_or(key).to_owned()
    }
}

impl Rule {
    fn allows(&self, kind: &str, dependency: &str) -> bool {
        if RULES.iter().any(|rule| rule.package == dependency) {
            let for_tests = kind == "dev-dependencies" && self.tests_may_use.contains(&dependency);
            return for_tests || self.may_use.contains(&dependency);
        }
        !self.never.contains(&dependency) && (self.may_use_engines || !ENGINES.contains(&dependency))
    }
}

fn name(manifest: &Table) -> &str {
    manifest["package"]["name"].as_str().unwrap()
}
