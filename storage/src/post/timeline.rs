//! Pages of posts by those whom one follows, and one's own.
//!
//! Nothing is written for it when somebody posts, however many follow. A page of the newest `n` is found in three steps,
//! in one statement:
//!
//! 1. the newest post below the cursor of each of these people: one step in the index on author and id for each;
//! 2. the `n` people whose newest is newest: whoever is not among them cannot have a post on the page;
//! 3. of each of those the newest `n` posts, again from that index alone, and of all these the newest `n`.
//!
//! So it costs as many index steps as one follows people, and `n²` at most beyond that, and it does not matter how many
//! posts there are or how long ago these people wrote. A page of the most popular is found in the same way, from the
//! index on author and score.

use super::list::post_columns;
use super::{Post, PostOrder, Posts, Rank};
use crate::limits::POPULAR_WINDOW;
use crate::{IdGenerator, PostId, StorageError, UserId};

/// Those whom one follows, and oneself. Both halves have one parameter: the reader.
macro_rules! authors {
    ($first:literal, $second:literal) => {
        concat!(
            "(select followee_id as author_id from follow where follower_id = ",
            $first,
            " union all select id from users where id = ",
            $second,
            ")"
        )
    };
}

pub(super) const LATEST: &str = concat!(
    "with newest as (
        select f.author_id, coalesce((
            select max(q.id) from post q where q.author_id = f.author_id and q.id < $1
        ), 0) as post_id from ",
    authors!("$2", "$3"),
    " f
    ), shown as (
        select author_id from newest order by post_id desc limit $4
    ), page as (
        select q.id from shown s cross join post q
        where q.author_id = s.author_id and q.id < $5 and q.id >= coalesce((
            select r.id from post r where r.author_id = s.author_id and r.id < $6
            order by r.id desc limit 1 offset $7
        ), 0)
        order by q.id desc limit $8
    )
    select ",
    post_columns!(excerpt),
    " from page cross join post p cross join users u
    where p.id = page.id and u.id = p.author_id order by p.id desc"
);

/// Behind a cursor and of these days, in the index on author and score; `id + 0` keeps SQLite from taking the one on
/// author and id for the days, and sorting. Four parameters.
macro_rules! ranked {
    ($post:literal, $least:literal, $most:literal, $below:literal, $before:literal) => {
        concat!(
            $post,
            ".id + 0 >= ",
            $least,
            " and ",
            $post,
            ".score <= ",
            $most,
            " and (",
            $post,
            ".score < ",
            $below,
            " or ",
            $post,
            ".id < ",
            $before,
            ")"
        )
    };
}

pub(super) const POPULAR: &str = concat!(
    "with best as (
        select f.author_id, (
            select q.id from post q where q.author_id = f.author_id and ",
    ranked!("q", "$1", "$2", "$3", "$4"),
    " order by q.score desc, q.id desc limit 1
        ) as post_id from ",
    authors!("$5", "$6"),
    " f
    ), shown as (
        select b.author_id from best b cross join post t where t.id = b.post_id
        order by t.score desc, t.id desc limit $7
    ), page as (
        select q.id from shown s cross join post q where q.author_id = s.author_id and ",
    ranked!("q", "$8", "$9", "$10", "$11"),
    " and q.score >= coalesce((
            select r.score from post r where r.author_id = s.author_id and ",
    ranked!("r", "$12", "$13", "$14", "$15"),
    " order by r.score desc, r.id desc limit 1 offset $16
        ), 0)
        order by q.score desc, q.id desc limit $17
    )
    select ",
    post_columns!(excerpt),
    " from page cross join post p cross join users u
    where p.id = page.id and u.id = p.author_id order by p.score desc, p.id desc"
);

impl Posts {
    /// Up to `limit` posts of those whom `reader` follows and of herself.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn timeline(
        &self,
        reader: UserId,
        order: PostOrder,
        limit: u16,
    ) -> Result<Vec<Post>, StorageError> {
        let page = i64::from(limit);
        let select = match order {
            PostOrder::Latest { before } => {
                let before = before.unwrap_or(PostId::new(i64::MAX));
                let newest = self.database.query_as::<Post>(LATEST).bind(before).bind(reader).bind(reader);
                newest.bind(page).bind(before).bind(before).bind(page - 1).bind(page)
            }
            PostOrder::Popular { after, now } => {
                let least: PostId = IdGenerator::least_at(now.minus(POPULAR_WINDOW));
                let Rank { score, id } = after.unwrap_or(Rank::TOP);
                let best =
                    self.database.query_as::<Post>(POPULAR).bind(least).bind(score).bind(score).bind(id);
                let shown = best.bind(reader).bind(reader).bind(page);
                let ranked = shown.bind(least).bind(score).bind(score).bind(id);
                ranked.bind(least).bind(score).bind(score).bind(id).bind(page - 1).bind(page)
            }
        };
        self.page(select, Some(reader)).await
    }
}
