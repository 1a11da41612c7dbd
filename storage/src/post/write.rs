//! Making, editing and deleting a post, each in one transaction with everything that hangs on the post.

use std::collections::HashSet;

use super::score::score;
use super::{NewPost, Post, PostEdit, Posts, Rank, author};
use crate::engine::{Insert, OnConflict, Transaction};
use crate::event::{self, Activity, NewEvent};
use crate::idempotency::{Idempotency, Outcome, claim};
use crate::limits::TAGS_MAX;
use crate::tag::Tag;
use crate::user::Author;
use crate::{PostId, StorageError, TimestampMs, mark, mention, search};

const INSERT: &str = "
    insert into post
        (id, author_id, title, content, created_at, score, like_count, comment_count, view_count)
    values ($1, $2, $3, $4, $5, $6, 0, 0, 0)";

const INSERT_TAG: Insert =
    Insert { table: "tag", columns: &["name", "post_count"], on_conflict: OnConflict::Skip };

const INSERT_POST_TAG: Insert = Insert {
    table: "post_tag",
    columns: &["tag", "post_id", "place", "listed"],
    on_conflict: OnConflict::Skip,
};

const INSERT_POST_MARKET: Insert =
    Insert { table: "post_market", columns: &["market", "post_id", "place"], on_conflict: OnConflict::Skip };

const COUNT_TAG: &str = "update tag set post_count = post_count + $1 where name = $2";

const TAGS: &str = "select tag, listed from post_tag where post_id = $1 order by place";

const EDIT: &str = "update post set title = $1, content = $2, updated_at = $3 where id = $4";

/// What a post says, without its author and counts: what an edit changes.
#[derive(Clone, PartialEq, Eq)]
struct Text {
    title: String,
    content: String,
    listed: Vec<Tag>,
}

impl Text {
    /// The tags of the post, each with whether its author listed it.
    fn tags(&self) -> Vec<(Tag, bool)> {
        let mut seen = HashSet::new();
        let listed = self.listed.iter().cloned().map(|tag| (tag, true));
        let found = mark::tags(&self.content).into_iter().map(|tag| (tag, false));
        listed.chain(found).filter(|(tag, _)| seen.insert(tag.clone())).take(TAGS_MAX).collect()
    }
}

impl NewPost {
    fn text(&self) -> Text {
        Text { title: self.title.to_string(), content: self.content.to_string(), listed: self.tags.clone() }
    }

    /// The post as it is once it is made.
    pub fn into_post(self, author: Author) -> Post {
        let text = self.text();
        let Self { id, created_at, .. } = self;
        Post {
            id,
            author,
            tags: text.tags().into_iter().map(|(tag, _)| tag).collect(),
            markets: mark::markets(&text.content),
            title: text.title,
            content: text.content,
            is_whole: true,
            like_count: 0,
            comment_count: 0,
            view_count: 0,
            is_liked: false,
            created_at,
            updated_at: None,
            rank: Rank { score: score(created_at, 0, 0, 0), id },
        }
    }
}

impl Posts {
    /// Makes a post, unless this request was done before.
    ///
    /// # Errors
    ///
    /// `NotFound` when its author has no account.
    pub async fn create(
        &self,
        post: &NewPost,
        request: Option<&Idempotency>,
    ) -> Result<Outcome, StorageError> {
        let mut transaction = self.database.begin().await?;
        if let Some(request) = request {
            let (made, now) = (post.id.get(), post.created_at);
            let outcome = claim(&self.database, &mut transaction, request, made, now).await?;
            if outcome != Outcome::Done {
                return Ok(outcome);
            }
        }
        self.insert(&mut transaction, post).await?;
        let text = post.text();
        self.write_tags(&mut transaction, post.id, &[], &text.tags()).await?;
        self.write_markets(&mut transaction, post.id, &text).await?;
        self.write_words(&mut transaction, post.id, &text).await?;
        let mentioned = mention::resolve(&mut transaction, &[&text.title, &text.content]).await?.concat();
        let activity = Activity::PostCreated { post: post.id, mentioned };
        let event = NewEvent { actor: post.author_id, activity, time: post.created_at };
        event::append(&mut transaction, &event).await?;
        transaction.commit().await?;
        Ok(Outcome::Done)
    }

    async fn insert(&self, transaction: &mut Transaction, post: &NewPost) -> Result<(), StorageError> {
        let insert = self
            .database
            .query(INSERT)
            .bind(post.id)
            .bind(post.author_id)
            .bind(&post.title)
            .bind(&post.content)
            .bind(post.created_at)
            .bind(score(post.created_at, 0, 0, 0));
        insert.execute(&mut **transaction).await?;
        Ok(())
    }

    /// Changes a post. Says whether anything was different: otherwise it does not count as edited.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such post.
    pub async fn edit(&self, id: PostId, edit: PostEdit, now: TimestampMs) -> Result<bool, StorageError> {
        let mut transaction = self.database.begin().await?;
        self.lock(&mut transaction, id).await?;
        let select =
            self.database.query_as::<(String, String)>("select title, content from post where id = $1");
        let (title, content) = select.bind(id).fetch_one(&mut *transaction).await?;
        let old_tags = self.tags(&mut transaction, id).await?;
        let listed = old_tags.iter().filter(|(_, listed)| *listed).map(|(tag, _)| tag.clone()).collect();
        let old = Text { title, content, listed };
        let new = Text {
            title: edit.title.map_or_else(|| old.title.clone(), |title| title.to_string()),
            content: edit.content.map_or_else(|| old.content.clone(), |content| content.to_string()),
            listed: edit.tags.unwrap_or_else(|| old.listed.clone()),
        };
        if new == old {
            return Ok(false);
        }
        let update = self.database.query(EDIT).bind(&*new.title).bind(&*new.content).bind(now).bind(id);
        update.execute(&mut *transaction).await?;
        let old_tags: Vec<Tag> = old_tags.into_iter().map(|(tag, _)| tag).collect();
        self.write_tags(&mut transaction, id, &old_tags, &new.tags()).await?;
        self.write_markets(&mut transaction, id, &new).await?;
        self.write_words(&mut transaction, id, &new).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Deletes a post, with its comments, likes and all else that hangs on it.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such post.
    pub async fn delete(&self, id: PostId) -> Result<(), StorageError> {
        let mut transaction = self.database.begin().await?;
        self.lock(&mut transaction, id).await?;
        // Whoever deletes it, the event is the author's: it comes after that of its making.
        let actor = author(&mut transaction, id).await?;
        let tags: Vec<Tag> = self.tags(&mut transaction, id).await?.into_iter().map(|(tag, _)| tag).collect();
        self.write_tags(&mut transaction, id, &tags, &[]).await?;
        self.database.query(self.database.search().remove).bind(id).execute(&mut *transaction).await?;
        // The rest refers to the post, and goes with it.
        self.database.query("delete from post where id = $1").bind(id).execute(&mut *transaction).await?;
        let activity = Activity::PostDeleted { post: id };
        event::append(&mut transaction, &NewEvent { actor, activity, time: TimestampMs::now() }).await?;
        Ok(transaction.commit().await?)
    }

    /// Makes everybody else who changes this post wait until this transaction ends.
    async fn lock(&self, transaction: &mut Transaction, id: PostId) -> Result<(), StorageError> {
        let lock = self.database.query("update post set score = score where id = $1").bind(id);
        match lock.execute(&mut **transaction).await?.rows_affected() {
            0 => Err(StorageError::NotFound { what: "post" }),
            _ => Ok(()),
        }
    }

    async fn tags(
        &self,
        transaction: &mut Transaction,
        id: PostId,
    ) -> Result<Vec<(Tag, bool)>, StorageError> {
        let select = self.database.query_as::<(Tag, i64)>(TAGS).bind(id);
        let rows = select.fetch_all(&mut **transaction).await?;
        Ok(rows.into_iter().map(|(tag, listed)| (tag, listed != 0)).collect())
    }

    /// Replaces the tags of a post, and counts those that come and go.
    async fn write_tags(
        &self,
        transaction: &mut Transaction,
        id: PostId,
        old: &[Tag],
        new: &[(Tag, bool)],
    ) -> Result<(), StorageError> {
        if !old.is_empty() {
            let delete = self.database.query("delete from post_tag where post_id = $1").bind(id);
            delete.execute(&mut **transaction).await?;
        }
        let gone = old.iter().filter(|tag| new.iter().all(|(other, _)| other != *tag)).map(|tag| (tag, -1));
        let come = new.iter().map(|(tag, _)| tag).filter(|tag| !old.contains(*tag)).map(|tag| (tag, 1));
        self.count_tags(transaction, gone.chain(come).collect()).await?;
        if new.is_empty() {
            return Ok(());
        }
        let insert = sqlx::query(self.database.insert(&INSERT_POST_TAG, new.len())).persistent(false);
        let insert = new.iter().zip(0_i64..).fold(insert, |insert, ((tag, listed), place)| {
            insert.bind(tag).bind(id).bind(place).bind(i16::from(*listed))
        });
        insert.execute(&mut **transaction).await?;
        Ok(())
    }

    /// Counts one by one in the order of names, those that come and those that go, so that two posts with the same tags
    /// cannot wait for each other: an engine that is given several at once locks them as it finds them.
    async fn count_tags(
        &self,
        transaction: &mut Transaction,
        mut changes: Vec<(&Tag, i64)>,
    ) -> Result<(), StorageError> {
        changes.sort_unstable();
        for (tag, change) in changes {
            if change > 0 {
                let insert = sqlx::query(self.database.insert(&INSERT_TAG, 1)).bind(tag).bind(0_i64);
                insert.execute(&mut **transaction).await?;
            }
            let update = self.database.query(COUNT_TAG).bind(change).bind(tag);
            update.execute(&mut **transaction).await?;
        }
        Ok(())
    }

    async fn write_markets(
        &self,
        transaction: &mut Transaction,
        id: PostId,
        text: &Text,
    ) -> Result<(), StorageError> {
        let delete = self.database.query("delete from post_market where post_id = $1").bind(id);
        delete.execute(&mut **transaction).await?;
        let markets = mark::markets(&text.content);
        if markets.is_empty() {
            return Ok(());
        }
        let insert = sqlx::query(self.database.insert(&INSERT_POST_MARKET, markets.len())).persistent(false);
        let insert = markets
            .iter()
            .zip(0_i64..)
            .fold(insert, |insert, (market, place)| insert.bind(market).bind(id).bind(place));
        insert.execute(&mut **transaction).await?;
        Ok(())
    }

    /// Replaces what the search knows of a post.
    async fn write_words(
        &self,
        transaction: &mut Transaction,
        id: PostId,
        text: &Text,
    ) -> Result<(), StorageError> {
        let search = self.database.search();
        self.database.query(search.remove).bind(id).execute(&mut **transaction).await?;
        let tags = text.listed.iter().map(Tag::as_str);
        let words = search::index_text([&*text.title, &*text.content].into_iter().chain(tags));
        self.database.query(search.add).bind(id).bind(words).execute(&mut **transaction).await?;
        Ok(())
    }
}
