//! What popular means.
//!
//! A like is 3 points, a comment 2, a view a tenth of one, and every post begins with one. Interest halves every twelve
//! hours, so that of two posts the younger by twelve hours is on a par with half the points. Written as
//! `points × ½^(age / 12 h)`, the order would change by the minute; its logarithm,
//! `created_at + 12 h × log₂(points)`, puts posts into the same order and does not depend on the time of reading. So it
//! is kept with the post, changes only with its counts, and an index has the popular posts in order: a page costs as
//! much as one of the newest, and posts that come while somebody pages shift nothing.
//!
//! Only posts of the last seven days are shown ([`POPULAR_WINDOW`](crate::limits::POPULAR_WINDOW)). Between two pages a
//! post can gain points and so move to where the reader has been; it is seen twice only if it lost points.

use crate::engine::{Database, Transaction};
use crate::{PostId, StorageError, TimestampMs};

/// In which time interest halves: what a doubling of the points is worth.
const HALF_LIFE_MS: i64 = 12 * 60 * 60 * 1_000;

/// Tenths of a point of a post that nobody has seen yet, of a like and of a comment. A view is one tenth.
const START: i64 = 10;
const LIKE: i64 = 30;
const COMMENT: i64 = 20;

/// More points than this count as this many, so that nothing overflows.
const TENTHS_MAX: i64 = 1 << 36;

const COUNTS: &str = "select created_at, like_count, comment_count, view_count from post where id = $1";

/// The score of a post in milliseconds, of which only the order means something.
pub(super) fn score(created_at: TimestampMs, likes: i64, comments: i64, views: i64) -> i64 {
    let tenths = START
        .saturating_add(likes.saturating_mul(LIKE))
        .saturating_add(comments.saturating_mul(COMMENT))
        .saturating_add(views)
        .clamp(START, TENTHS_MAX);
    created_at.get().saturating_add(half_lives(tenths))
}

/// `HALF_LIFE_MS × log₂(tenths)` in whole numbers, straight between the powers of two: every machine gets the same, and
/// more points are never worth less.
fn half_lives(tenths: i64) -> i64 {
    let whole = tenths.ilog2();
    let rest = tenths - (1 << whole);
    HALF_LIFE_MS * i64::from(whole) + ((HALF_LIFE_MS * rest) >> whole)
}

/// Brings the score in line with the counts, after they have changed in this transaction.
pub(crate) async fn rescore(
    database: &Database,
    transaction: &mut Transaction,
    id: PostId,
) -> Result<(), StorageError> {
    let select = database.query_as::<(TimestampMs, i64, i64, i64)>(COUNTS).bind(id);
    let (created_at, likes, comments, views) = select.fetch_one(&mut **transaction).await?;
    let update = database.query("update post set score = $1 where id = $2");
    update.bind(score(created_at, likes, comments, views)).bind(id).execute(&mut **transaction).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: TimestampMs = TimestampMs::new(1_714_555_800_000);

    #[test]
    fn twelve_hours_are_worth_a_doubling() {
        // 1 point and 3 for the like are 4; twice doubled from 1.
        assert!(score(NOW, 1, 0, 0) - score(NOW, 0, 0, 0) > HALF_LIFE_MS * 19 / 10);
        let older = NOW.plus_millis(-HALF_LIFE_MS);
        // 7.0 points of now against 14.0 of then: 70 and 140 tenths.
        assert_eq!(score(NOW, 2, 0, 0), score(older, 4, 0, 10));
    }

    #[test]
    fn a_like_outweighs_a_comment_and_that_some_views() {
        assert!(score(NOW, 1, 0, 0) > score(NOW, 0, 1, 0));
        assert_eq!(score(NOW, 0, 1, 0), score(NOW, 0, 0, 20));
    }

    proptest! {
        #[test]
        fn more_points_are_worth_more(few in 0_i64..1_000_000, more in 1_i64..1_000_000) {
            prop_assert!(score(NOW, few + more, 0, 0) > score(NOW, few, 0, 0));
        }
    }

    #[test]
    fn no_count_is_too_large() {
        assert_eq!(score(NOW, i64::MAX, i64::MAX, i64::MAX), NOW.get() + 36 * HALF_LIFE_MS);
    }
}
