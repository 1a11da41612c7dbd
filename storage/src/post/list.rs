//! Pages of posts. Whatever is asked for, a page is four statements: the posts with their authors, then for all of them
//! at once their tags, their markets, and which of them the reader likes.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::str::FromStr;

use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::QueryAs;
use sqlx::{Any, FromRow};

use super::{Post, Posts};
use crate::engine::Database;
use crate::limits::{POPULAR_CANDIDATES_MAX, POPULAR_WINDOW, POST_EXCERPT_CHARS};
use crate::search::SearchTerms;
use crate::tag::Tag;
use crate::{IdGenerator, MarketCode, PostId, StorageError, TimestampMs, UserId};

/// Which posts; all of what is set must hold.
#[derive(Clone, Debug, Default)]
pub struct PostFilter {
    /// By this person.
    pub author: Option<UserId>,
    /// With this tag.
    pub tag: Option<Tag>,
    /// That mention this market.
    pub market: Option<MarketCode>,
    /// With these words in title, text or tags.
    pub search: Option<SearchTerms>,
}

/// In which order, and where to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PostOrder {
    /// The newest first.
    Latest {
        /// Only older ones than this.
        before: Option<PostId>,
    },
    /// The most popular of the last days first; with a filter, of the newest that pass it.
    Popular {
        /// Only those behind this one.
        after: Option<Rank>,
        /// From when the days are counted back.
        now: TimestampMs,
    },
}

/// The place of a post among the popular ones. Its text is that of a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// See `score.rs`.
    pub(super) score: i64,
    /// Tells posts of the same score apart, the newer first.
    pub(super) id: PostId,
}

impl Rank {
    /// Before the first.
    pub(super) const TOP: Self = Self { score: i64::MAX, id: PostId::new(i64::MAX) };
}

/// A text is no [`Rank`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a cursor from an earlier page")]
pub struct RankError;

impl fmt::Display for Rank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.score, self.id)
    }
}

impl FromStr for Rank {
    type Err = RankError;

    fn from_str(text: &str) -> Result<Self, RankError> {
        let (score, id) = text.split_once('.').ok_or(RankError)?;
        let (Ok(score), Ok(id)) = (score.parse(), id.parse()) else {
            return Err(RankError);
        };
        Ok(Self { score, id })
    }
}

/// The columns of a [`Post`], of a query that calls its table `p` and that of people `u`; with `whole`, all of its text,
/// with `excerpt`, one character more of it than lists show, which tells whether there are more.
macro_rules! post_columns {
    (whole) => {
        post_columns!("p.content")
    };
    (excerpt) => {
        post_columns!("substr(p.content, 1, 1001)")
    };
    ($content:literal) => {
        concat!(
            "p.id, p.title, ",
            $content,
            " as content, p.like_count, p.comment_count, p.view_count, p.created_at, p.updated_at, p.score, ",
            $crate::user::author_columns!()
        )
    };
}

pub(super) use post_columns;

const _: () = assert!(POST_EXCERPT_CHARS == 1_000, "post_columns! reads one more");

const GET: &str = concat!(
    "select ",
    post_columns!(whole),
    " from post p cross join users u where p.id = $1 and u.id = p.author_id"
);

/// A value to be bound, where a statement is put together.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Number(i64),
    Text(String),
}

/// Where posts are read from, and under which conditions.
pub(super) struct Source {
    /// What is read first: it has the posts in descending order of id. `post` itself is joined in any case.
    from: Option<(&'static str, &'static str)>,
    conditions: Vec<Cow<'static, str>>,
    values: Vec<Value>,
}

impl Source {
    /// The filter that leaves the fewest posts leads, the others check what it finds: a search can be read in order
    /// only from its own index, an author has fewer posts than a tag, and a tag fewer than a market.
    pub(super) fn of(filter: &PostFilter, database: &Database) -> Self {
        let mut source = Self { from: None, conditions: Vec::new(), values: Vec::new() };
        if let Some(terms) = &filter.search {
            let search = database.search();
            let (condition, values) = (search.condition)(terms.words());
            source.from = Some((search.from, search.id));
            source.conditions.push(condition.into());
            source.values.extend(values.into_iter().map(Value::Text));
        }
        if let Some(author) = filter.author {
            // Its index has the posts themselves.
            source.check("p.author_id = ?", Value::Number(author.get()));
            source.from = source.from.or(Some(("", "p.id")));
        }
        if let Some(tag) = &filter.tag {
            let value = Value::Text(tag.to_string());
            if source.from.is_none() {
                source.lead(("post_tag t", "t.post_id"), "t.tag = ?", value);
            } else {
                source.check("exists (select 1 from post_tag t where t.tag = ? and t.post_id = p.id)", value);
            }
        }
        if let Some(market) = &filter.market {
            let value = Value::Text(market.to_string());
            if source.from.is_none() {
                source.lead(("post_market m", "m.post_id"), "m.market = ?", value);
            } else {
                let condition =
                    "exists (select 1 from post_market m where m.market = ? and m.post_id = p.id)";
                source.check(condition, value);
            }
        }
        source
    }

    fn lead(&mut self, from: (&'static str, &'static str), condition: &'static str, value: Value) {
        self.from = Some(from);
        self.check(condition, value);
    }

    fn check(&mut self, condition: &'static str, value: Value) {
        self.conditions.push(condition.into());
        self.values.push(value);
    }

    /// What is read, what its ids are called, and all conditions but those on the order.
    fn parts(&self) -> (String, &'static str, String) {
        let (from, id, join) = match self.from {
            None | Some(("", _)) => ("post p".to_owned(), "p.id", String::new()),
            // `cross join` keeps SQLite from beginning with the posts; elsewhere it is an inner join.
            Some((from, id)) => (format!("{from} cross join post p"), id, format!(" and p.id = {id}")),
        };
        (from, id, format!("{}{join}", self.conditions.join(" and ")))
    }

    /// The newest posts below an id.
    pub(super) fn latest(mut self, before: Option<PostId>, limit: u16) -> (String, Vec<Value>) {
        if self.conditions.is_empty() {
            self.conditions.push("1 = 1".into());
        }
        let (from, id, conditions) = self.parts();
        self.values.push(Value::Number(before.map_or(i64::MAX, PostId::get)));
        self.values.push(Value::Number(limit.into()));
        let columns = post_columns!(excerpt);
        let text = format!(
            "select {columns} from {from} cross join users u
            where {conditions} and u.id = p.author_id and {id} < ? order by {id} desc limit ?"
        );
        (text, self.values)
    }

    /// The popular posts behind a rank. Without a filter the index on the score has them in order; with one, the newest
    /// that pass are sorted.
    pub(super) fn popular(mut self, after: Rank, now: TimestampMs, limit: u16) -> (String, Vec<Value>) {
        let start = now.minus(POPULAR_WINDOW);
        let from = if self.conditions.is_empty() {
            // No post of these days has a score below their beginning: that bounds the walk through the index.
            self.values.extend([start.get(), start.get()].map(Value::Number));
            "post p cross join users u where p.score >= ? and p.created_at >= ?".to_owned()
        } else {
            let (from, id, conditions) = self.parts();
            let least: PostId = IdGenerator::least_at(start);
            self.values.extend([least.get(), POPULAR_CANDIDATES_MAX.into()].map(Value::Number));
            format!(
                "(select p.id from {from} where {conditions} and {id} >= ? order by {id} desc limit ?) c
                cross join post p cross join users u where p.id = c.id"
            )
        };
        let bounds = [after.score, after.score, after.id.get(), limit.into()];
        self.values.extend(bounds.map(Value::Number));
        let columns = post_columns!(excerpt);
        let text = format!(
            "select {columns} from {from} and u.id = p.author_id
            and p.score <= ? and (p.score < ? or p.id < ?) order by p.score desc, p.id desc limit ?"
        );
        (text, self.values)
    }
}

const TAGS: &str = "select post_id, place, tag from post_tag where post_id in ";
const MARKETS: &str = "select post_id, place, market from post_market where post_id in ";
const LIKED: &str = "select post_id from post_like where user_id = ? and post_id in ";

impl Posts {
    /// This post with all of its text, as `reader` sees it.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn get(&self, id: PostId, reader: Option<UserId>) -> Result<Option<Post>, StorageError> {
        let select = self.database.query_as::<Post>(GET).bind(id);
        let mut post: Vec<Post> = select.fetch_all(self.database.reader()).await?;
        self.add_details(&mut post, reader).await?;
        Ok(post.pop())
    }

    /// Up to `limit` posts, as `reader` sees them.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn list(
        &self,
        filter: &PostFilter,
        order: PostOrder,
        limit: u16,
        reader: Option<UserId>,
    ) -> Result<Vec<Post>, StorageError> {
        let source = Source::of(filter, &self.database);
        let (text, values) = match order {
            PostOrder::Latest { before } => source.latest(before, limit),
            PostOrder::Popular { after, now } => source.popular(after.unwrap_or(Rank::TOP), now, limit),
        };
        let select = sqlx::query_as(self.database.assembled(text));
        let select = values.into_iter().fold(select, |select, value| match value {
            Value::Number(number) => select.bind(number),
            Value::Text(text) => select.bind(text),
        });
        self.page(select, reader).await
    }

    /// The posts of a statement that reads excerpts.
    pub(super) async fn page(
        &self,
        select: QueryAs<'_, Any, Post, AnyArguments>,
        reader: Option<UserId>,
    ) -> Result<Vec<Post>, StorageError> {
        let mut posts = select.fetch_all(self.database.reader()).await?;
        posts.iter_mut().for_each(Post::cut);
        self.add_details(&mut posts, reader).await?;
        Ok(posts)
    }

    /// Adds tags, markets and likes.
    async fn add_details(&self, posts: &mut [Post], reader: Option<UserId>) -> Result<(), StorageError> {
        if posts.is_empty() {
            return Ok(());
        }
        let ids: Vec<PostId> = posts.iter().map(|post| post.id).collect();
        let mut tags = self.by_post::<Tag>(TAGS, &ids).await?;
        let mut markets = self.by_post::<MarketCode>(MARKETS, &ids).await?;
        let liked = match reader {
            Some(reader) => self.liked(reader, &ids).await?,
            None => HashSet::new(),
        };
        for post in posts {
            post.tags = tags.remove(&post.id).unwrap_or_default();
            post.markets = markets.remove(&post.id).unwrap_or_default();
            post.is_liked = liked.contains(&post.id);
        }
        Ok(())
    }

    /// What these posts have, in its place.
    async fn by_post<T>(
        &self,
        text: &'static str,
        ids: &[PostId],
    ) -> Result<HashMap<PostId, Vec<T>>, StorageError>
    where
        (PostId, i64, T): for<'r> FromRow<'r, AnyRow> + Send + Unpin,
    {
        let select = sqlx::query_as(self.database.among(text, ids.len())).persistent(false);
        let select = ids.iter().fold(select, |select, id| select.bind(*id));
        let mut rows: Vec<(PostId, i64, T)> = select.fetch_all(self.database.reader()).await?;
        rows.sort_unstable_by_key(|(id, place, _)| (*id, *place));
        let mut by_post: HashMap<PostId, Vec<T>> = HashMap::new();
        for (id, _, item) in rows {
            by_post.entry(id).or_default().push(item);
        }
        Ok(by_post)
    }

    async fn liked(&self, reader: UserId, ids: &[PostId]) -> Result<HashSet<PostId>, StorageError> {
        let select = sqlx::query_scalar(self.database.among(LIKED, ids.len())).persistent(false);
        let select = ids.iter().fold(select.bind(reader), |select, id| select.bind(*id));
        Ok(select.fetch_all(self.database.reader()).await?.into_iter().collect())
    }
}

impl Post {
    /// Leaves as much of the text as lists carry.
    fn cut(&mut self) {
        if let Some((end, _)) = self.content.char_indices().nth(POST_EXCERPT_CHARS) {
            self.content.truncate(end);
            self.is_whole = false;
        }
    }
}
