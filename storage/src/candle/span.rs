//! [`Span`]: stretches of time, and which of them are known.

use crate::TimestampMs;

/// From a moment to another one, which is not part of it. Nothing lies in a span that ends before it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// The first moment in it.
    pub from: TimestampMs,
    /// The first moment behind it.
    pub until: TimestampMs,
}

impl Span {
    /// The span between two moments.
    pub const fn new(from: TimestampMs, until: TimestampMs) -> Self {
        Self { from, until }
    }

    /// Whether nothing lies in it.
    pub fn is_empty(self) -> bool {
        self.until <= self.from
    }

    /// Whether a moment lies in it.
    pub fn contains(self, at: TimestampMs) -> bool {
        self.from <= at && at < self.until
    }

    /// What is left of it without `known`, which is sorted and does not overlap: the oldest gap first.
    pub fn without(self, known: &[Self]) -> Vec<Self> {
        let mut gaps = Vec::new();
        let mut from = self.from;
        for span in known.iter().filter(|span| span.until > self.from && span.from < self.until) {
            gaps.push(Self::new(from, span.from));
            from = from.max(span.until);
        }
        gaps.push(Self::new(from, self.until));
        gaps.retain(|gap| !gap.is_empty());
        gaps
    }

    /// Adds it to `known`, which stays sorted, with spans that touch made one.
    pub fn join(self, known: &mut Vec<Self>) {
        if self.is_empty() {
            return;
        }
        let mut whole = self;
        known.retain(|span| {
            let is_apart = span.until < whole.from || whole.until < span.from;
            if !is_apart {
                whole = Self::new(whole.from.min(span.from), whole.until.max(span.until));
            }
            is_apart
        });
        let place = known.partition_point(|span| span.from < whole.from);
        known.insert(place, whole);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn span(from: i64, until: i64) -> Span {
        Span::new(TimestampMs::new(from), TimestampMs::new(until))
    }

    fn moments(spans: &[Span]) -> BTreeSet<i64> {
        spans.iter().flat_map(|span| span.from.as_millis()..span.until.as_millis()).collect()
    }

    #[test]
    fn what_touches_is_one() {
        let mut known = vec![span(0, 10), span(20, 30)];
        span(10, 20).join(&mut known);
        assert_eq!(known, [span(0, 30)]);
        assert_eq!(span(-5, 40).without(&known), [span(-5, 0), span(30, 40)]);
    }

    proptest! {
        /// Against sets of single moments.
        #[test]
        fn known_and_missing_make_the_whole(
            parts in prop::collection::vec((0_i64..60, 0_i64..12), 0..12), (from, length) in (0_i64..60, 0_i64..30),
        ) {
            let mut known = Vec::new();
            let mut expected = BTreeSet::new();
            for (from, length) in parts {
                span(from, from + length).join(&mut known);
                expected.extend(from..from + length);
            }
            prop_assert_eq!(moments(&known), expected.clone());
            prop_assert!(known.windows(2).all(|pair| pair[0].until < pair[1].from), "{:?}", known);
            let whole = span(from, from + length);
            let missing = moments(&whole.without(&known));
            let model: BTreeSet<i64> = (from..from + length).filter(|at| !expected.contains(at)).collect();
            prop_assert_eq!(missing, model);
        }
    }
}
