//! What the lists have in common: how many, and where they go on.

use crate::error::{Violation, Violations};
use crate::limits::{PAGE_USERS, PAGE_USERS_MAX};

/// How many people a page shall have: what the client says, or what is usual.
pub(super) fn users_limit(violations: &mut Violations, asked: Option<u16>) -> u16 {
    let limit = asked.unwrap_or(PAGE_USERS);
    if !(1..=PAGE_USERS_MAX).contains(&limit) {
        let detail = format!("expected 1 to {PAGE_USERS_MAX}, got {limit}");
        violations.add("limit", Violation { code: "out_of_range", detail: detail.into() });
    }
    limit
}

/// Notes that a cursor is none that we have given.
pub(super) fn bad_cursor(violations: &mut Violations) {
    let detail = "expected the next_cursor of an earlier page";
    violations.add("cursor", Violation { code: "invalid", detail: detail.into() });
}

/// Cuts a list that was asked for with one more than `limit`. The cursor is that of the last one on the page, if the
/// list goes on.
pub(super) fn cut<T, C>(rows: &mut Vec<T>, limit: u16, cursor: impl Fn(&T) -> C) -> Option<C> {
    let goes_on = rows.len() > usize::from(limit);
    rows.truncate(usize::from(limit));
    rows.last().filter(|_| goes_on).map(cursor)
}
