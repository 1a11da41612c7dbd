//! Did the server keep its promises, and the scenario's bounds?

use serde::Serialize;
use std::collections::BTreeMap;

use crate::scenario::{Bound, Plan, Scenario};

/// What never may happen, however hard the server is driven.
const FAULTS: [&str; 11] = [
    "missing",
    "repeated",
    "foreign",
    "lost_sockets",
    "not_back",
    "unrecovered",
    "epoch_changes",
    "unstamped",
    "strange_frames",
    "strange_markets",
    "ticks_out_of_order",
];

/// Begins the names of refusals, by code.
const REFUSED: &str = "refused_";

/// One thing that was checked.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// What.
    pub name: String,
    /// What was allowed, in words.
    pub expected: String,
    /// What came; nothing if it was not measured.
    pub got: Option<f64>,
    /// Whether that is good.
    pub passed: bool,
}

/// The faults among the figures. `all_must_be_taken`: whether it is a fault, too, that not all that was to be said
/// was said, or that some of it was refused.
pub fn faults(figures: &BTreeMap<String, f64>, all_must_be_taken: bool) -> Vec<String> {
    let is_shortfall = |name: &str| matches!(name, "unsaid" | "unwritten") || name.starts_with(REFUSED);
    let is_fault = |name: &str| FAULTS.contains(&name) || (all_must_be_taken && is_shortfall(name));
    let faults = figures.iter().filter(|(name, figure)| **figure > 0.0 && is_fault(name));
    faults.map(|(name, figure)| format!("{name} {figure}")).collect()
}

/// Everything that is to be checked for this scenario.
pub fn checks(scenario: &Scenario, figures: &BTreeMap<String, f64>) -> Vec<Check> {
    let is_overload = matches!(scenario.plan, Plan::Overload);
    let faults = faults(figures, !is_overload);
    let self_check = Check {
        name: "self-check".to_owned(),
        expected: "every message once, in order, to everybody".to_owned(),
        got: None,
        passed: faults.is_empty(),
    };
    let self_check =
        if faults.is_empty() { self_check } else { Check { expected: faults.join(", "), ..self_check } };
    let bounds = scenario.pass.iter().map(|(name, bound)| {
        // What was counted and never happened has no figure, but a time that nobody took is not a short one.
        let got = figures.get(name).copied().or_else(|| is_count(name).then_some(0.0));
        Check {
            name: name.clone(),
            expected: words(*bound),
            got,
            passed: got.is_some_and(|got| bound.holds(got)),
        }
    });
    std::iter::once(self_check).chain(bounds).collect()
}

fn is_count(name: &str) -> bool {
    !["_ms", "_s", "_kib", "_mib", "_share"].iter().any(|unit| name.ends_with(unit)) && !name.contains("_to_")
}

fn words(bound: Bound) -> String {
    match (bound.min, bound.max) {
        (Some(min), Some(max)) => format!("{min} to {max}"),
        (Some(min), None) => format!("at least {min}"),
        (None, Some(max)) => format!("at most {max}"),
        (None, None) => "anything".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(plan: &str, figures: &[(&str, f64)]) -> Vec<(String, bool)> {
        let text = format!(
            "about = ''\n[plan]\nkind = '{plan}'\n[pass]\nlatency_p99_ms = {{ max = 5 }}\nclosed_3008 = {{ min = 1 }}"
        );
        let scenario = Scenario::parse(&text, &[]).unwrap();
        let figures = figures.iter().map(|(name, figure)| ((*name).to_owned(), *figure)).collect();
        checks(&scenario, &figures).into_iter().map(|check| (check.name, check.passed)).collect()
    }

    fn all(self_check: bool, closed: bool, latency: bool) -> Vec<(String, bool)> {
        let names = ["self-check", "closed_3008", "latency_p99_ms"].map(str::to_owned);
        names.into_iter().zip([self_check, closed, latency]).collect()
    }

    #[test]
    fn bounds_are_held_against_figures() {
        assert_eq!(
            verdict("fanout", &[("latency_p99_ms", 4.0), ("closed_3008", 2.0)]),
            all(true, true, true)
        );
        assert_eq!(verdict("fanout", &[("latency_p99_ms", 6.0)]), all(true, false, false));
    }

    #[test]
    fn what_was_not_measured_does_not_pass() {
        assert_eq!(verdict("fanout", &[("closed_3008", 1.0)]), all(true, true, false));
    }

    #[test]
    fn any_fault_fails_whatever_the_bounds_say() {
        for fault in FAULTS {
            assert!(!verdict("overload", &[(fault, 1.0)])[0].1, "{fault}");
        }
    }

    #[test]
    fn a_refusal_is_a_fault_unless_it_was_asked_for() {
        assert!(!verdict("fanout", &[("refused_overloaded", 1.0)])[0].1);
        assert!(verdict("overload", &[("refused_overloaded", 1.0), ("unwritten", 3.0)])[0].1);
    }
}
