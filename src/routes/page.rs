//! What the lists have in common: how many, and where they go on.

use std::str::FromStr;

use crate::error::{Violation, Violations};
use crate::limits::{CURSOR_BYTES_MAX, PAGE_ITEMS, PAGE_ITEMS_MAX, PAGE_USERS, PAGE_USERS_MAX};

/// How many people a page shall have: what the client says, or what is usual.
pub(super) fn users_limit(violations: &mut Violations, asked: Option<u16>) -> u16 {
    limit(violations, asked.unwrap_or(PAGE_USERS), PAGE_USERS_MAX)
}

/// How many posts or comments a page shall have: what the client says, or what is usual.
pub(super) fn items_limit(violations: &mut Violations, asked: Option<u16>) -> u16 {
    limit(violations, asked.unwrap_or(PAGE_ITEMS), PAGE_ITEMS_MAX)
}

/// Notes when this is more than a page may have, or nothing.
pub(super) fn limit(violations: &mut Violations, limit: u16, max: u16) -> u16 {
    if !(1..=max).contains(&limit) {
        let detail = format!("expected 1 to {max}, got {limit}");
        violations.add("limit", Violation { code: "out_of_range", detail: detail.into() });
    }
    limit
}

/// Where an earlier page ended.
pub(super) fn cursor<T: FromStr>(violations: &mut Violations, cursor: Option<&str>) -> Option<T> {
    cursor_read_by(violations, cursor, |cursor| cursor.parse().ok())
}

/// The same for a place that is no text by itself. Notes when the cursor is none that we have given.
pub(super) fn cursor_read_by<T>(
    violations: &mut Violations,
    cursor: Option<&str>,
    read: impl FnOnce(&str) -> Option<T>,
) -> Option<T> {
    let cursor = cursor?;
    let place = if cursor.len() <= CURSOR_BYTES_MAX { read(cursor) } else { None };
    if place.is_none() {
        let detail = "expected the next_cursor of an earlier page";
        violations.add("cursor", Violation { code: "invalid", detail: detail.into() });
    }
    place
}

/// Cuts a list that was asked for with one more than `limit`. The cursor is that of the last one on the page, if the
/// list goes on.
pub(super) fn cut<T, C>(rows: &mut Vec<T>, limit: u16, cursor: impl Fn(&T) -> C) -> Option<C> {
    let goes_on = rows.len() > usize::from(limit);
    rows.truncate(usize::from(limit));
    rows.last().filter(|_| goes_on).map(cursor)
}
