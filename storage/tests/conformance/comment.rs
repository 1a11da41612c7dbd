//! Comments and replies: threads, tombstones, and counts that are those of the rows.

use std::convert::identity;
use std::sync::Arc;

use tickroom_storage::comment::{Comment, Comments, NewComment, NoParent};
use tickroom_storage::engine::Database;
use tickroom_storage::idempotency::{Idempotency, Outcome};
use tickroom_storage::post::Posts;
use tickroom_storage::{CommentId, ErrorKind, PostId, UserId};
use tokio::task::JoinSet;

use crate::at;
use crate::post::{with_people, written};

on_every_engine!(identity =>
    a_comment_comes_back_as_it_was_written,
    comments_and_replies_are_read_oldest_first_page_by_page,
    a_reply_belongs_to_a_comment_of_the_same_post,
    a_comment_needs_a_post_and_an_author,
    an_edit_is_noted_and_one_that_changes_nothing_is_not,
    a_comment_without_replies_vanishes,
    a_comment_with_replies_stays_as_a_tombstone_until_the_last_one_goes,
    nothing_can_be_done_to_a_tombstone,
    a_post_takes_its_comments_with_it,
    a_comment_is_liked_once_per_person,
    a_repeated_request_makes_one_comment,
    commenters_and_deleters_at_once_are_counted_exactly,
    comments_on_a_post_that_is_being_deleted_leave_nothing_behind,
);

const ANN: UserId = UserId::new(1);
const BOB: UserId = UserId::new(2);

struct Thread {
    posts: Posts,
    comments: Comments,
    post: PostId,
}

impl Thread {
    /// A post of Ann's.
    async fn new(database: &Database) -> Self {
        let posts = with_people(database, 0).await;
        let post = written(1, "text");
        posts.create(&post, None).await.unwrap();
        Self { posts, comments: Comments::new(database.clone()), post: post.id }
    }

    fn comment(&self, id: i64) -> NewComment {
        NewComment {
            id: CommentId::new(id),
            post_id: self.post,
            parent_id: None,
            author_id: BOB,
            content: format!("comment {id}").parse().unwrap(),
            created_at: at(id),
        }
    }

    fn reply(&self, id: i64, to: i64) -> NewComment {
        NewComment { parent_id: Some(CommentId::new(to)), ..self.comment(id) }
    }

    async fn add(&self, comment: NewComment) {
        assert_eq!(self.comments.create(&comment, None).await.unwrap(), Ok(Outcome::Done));
    }

    async fn delete(&self, id: i64) {
        self.comments.delete(CommentId::new(id), at(100)).await.unwrap();
    }

    async fn get(&self, id: i64) -> Option<Comment> {
        self.comments.get(CommentId::new(id), None).await.unwrap()
    }

    /// All that can be seen: ids of comments, each followed by those of its replies, tombstones negative.
    async fn seen(&self) -> Vec<i64> {
        let mut seen = Vec::new();
        let sign =
            |comment: &Comment| if comment.said.is_some() { comment.id.get() } else { -comment.id.get() };
        for comment in self.comments.of_post(self.post, None, 1_000, None).await.unwrap() {
            seen.push(sign(&comment));
            let replies = self.comments.replies(comment.id, None, 1_000, None).await.unwrap();
            assert_eq!(comment.reply_count, u64::try_from(replies.len()).unwrap());
            seen.extend(replies.iter().map(sign));
        }
        seen
    }

    /// Holds that the post counts what can be read.
    async fn expect(&self, expected: &[i64]) {
        assert_eq!(self.seen().await, expected);
        let count = self.posts.get(self.post, None).await.unwrap().unwrap().comment_count;
        assert_eq!(count, u64::try_from(expected.iter().filter(|id| **id > 0).count()).unwrap());
    }
}

async fn a_comment_comes_back_as_it_was_written(database: Database) {
    let thread = Thread::new(&database).await;
    let new = NewComment { content: "'그래' @ann \"$1\"\n👍".parse().unwrap(), ..thread.comment(10) };
    thread.add(new.clone()).await;
    let found = thread.get(10).await.unwrap();
    let said = found.said.unwrap();
    assert_eq!(
        (said.author.id, said.author.name.as_str(), said.content.as_str()),
        (BOB, "bob", new.content.as_str())
    );
    assert_eq!((found.post_id, found.parent_id, found.created_at), (thread.post, None, new.created_at));
    assert_eq!((found.like_count, found.reply_count, found.is_liked, found.updated_at), (0, 0, false, None));
    assert_eq!(thread.get(11).await, None);
}

async fn comments_and_replies_are_read_oldest_first_page_by_page(database: Database) {
    let thread = Thread::new(&database).await;
    for id in [10, 20, 30] {
        thread.add(thread.comment(id)).await;
        for reply in 1..=3 {
            thread.add(thread.reply(id + reply, id)).await;
        }
    }
    thread.expect(&[10, 11, 12, 13, 20, 21, 22, 23, 30, 31, 32, 33]).await;
    let ids = |page: Vec<Comment>| page.iter().map(|comment| comment.id.get()).collect::<Vec<_>>();
    let of_post = async |after: Option<i64>| {
        ids(thread.comments.of_post(thread.post, after.map(CommentId::new), 2, None).await.unwrap())
    };
    assert_eq!(of_post(None).await, [10, 20]);
    assert_eq!(of_post(Some(20)).await, [30]);
    let replies = async |after: Option<i64>| {
        let after = after.map(CommentId::new);
        ids(thread.comments.replies(CommentId::new(20), after, 2, None).await.unwrap())
    };
    assert_eq!(replies(None).await, [21, 22]);
    assert_eq!(replies(Some(22)).await, [23]);
}

async fn a_reply_belongs_to_a_comment_of_the_same_post(database: Database) {
    let thread = Thread::new(&database).await;
    let other = written(2, "another");
    thread.posts.create(&other, None).await.unwrap();
    let elsewhere = NewComment { post_id: other.id, ..thread.comment(50) };
    thread.add(elsewhere).await;
    thread.add(thread.comment(10)).await;
    thread.add(thread.reply(11, 10)).await;
    thread.add(thread.comment(20)).await;
    thread.add(thread.reply(21, 20)).await;
    thread.delete(20).await;
    for (parent, reason) in
        [(11, NoParent::Reply), (50, NoParent::Missing), (99, NoParent::Missing), (20, NoParent::Deleted)]
    {
        let refused = thread.comments.create(&thread.reply(60, parent), None).await.unwrap();
        assert_eq!(refused, Err(reason), "{parent}");
    }
    thread.expect(&[10, 11, -20, 21]).await;
}

async fn a_comment_needs_a_post_and_an_author(database: Database) {
    let thread = Thread::new(&database).await;
    let nowhere = NewComment { post_id: PostId::new(99), ..thread.comment(10) };
    let by_nobody = NewComment { author_id: UserId::new(99), ..thread.comment(10) };
    for comment in [nowhere, by_nobody] {
        let error = thread.comments.create(&comment, None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
    thread.expect(&[]).await;
}

async fn an_edit_is_noted_and_one_that_changes_nothing_is_not(database: Database) {
    let thread = Thread::new(&database).await;
    thread.add(thread.comment(10)).await;
    let (id, new) = (CommentId::new(10), "new".parse().unwrap());
    assert!(!thread.comments.edit(id, &"comment 10".parse().unwrap(), at(20)).await.unwrap());
    assert!(thread.comments.edit(id, &new, at(21)).await.unwrap());
    let found = thread.get(10).await.unwrap();
    assert_eq!((found.said.unwrap().content.as_str(), found.updated_at), ("new", Some(at(21))));
    let error = thread.comments.edit(CommentId::new(99), &new, at(22)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

async fn a_comment_without_replies_vanishes(database: Database) {
    let thread = Thread::new(&database).await;
    thread.add(thread.comment(10)).await;
    thread.add(thread.comment(20)).await;
    thread.comments.like(CommentId::new(10), ANN, at(0)).await.unwrap();
    thread.delete(10).await;
    assert_eq!(thread.get(10).await, None);
    thread.expect(&[20]).await;
}

async fn a_comment_with_replies_stays_as_a_tombstone_until_the_last_one_goes(database: Database) {
    let thread = Thread::new(&database).await;
    thread.add(thread.comment(10)).await;
    thread.add(thread.reply(11, 10)).await;
    thread.add(thread.reply(12, 10)).await;
    thread.comments.like(CommentId::new(10), ANN, at(0)).await.unwrap();
    thread.delete(10).await;
    let tombstone = thread.get(10).await.unwrap();
    assert_eq!((tombstone.said, tombstone.like_count, tombstone.reply_count), (None, 0, 2));
    thread.expect(&[-10, 11, 12]).await;
    thread.delete(11).await;
    thread.expect(&[-10, 12]).await;
    thread.delete(12).await;
    thread.expect(&[]).await;
    assert_eq!(thread.get(10).await, None);
}

async fn nothing_can_be_done_to_a_tombstone(database: Database) {
    let thread = Thread::new(&database).await;
    thread.add(thread.comment(10)).await;
    thread.add(thread.reply(11, 10)).await;
    thread.delete(10).await;
    let id = CommentId::new(10);
    for error in [
        thread.comments.delete(id, at(200)).await.unwrap_err(),
        thread.comments.edit(id, &"new".parse().unwrap(), at(200)).await.unwrap_err(),
        thread.comments.like(id, ANN, at(200)).await.unwrap_err(),
        thread.comments.unlike(id, ANN).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
    thread.expect(&[-10, 11]).await;
}

async fn a_post_takes_its_comments_with_it(database: Database) {
    let thread = Thread::new(&database).await;
    thread.add(thread.comment(10)).await;
    thread.add(thread.reply(11, 10)).await;
    thread.comments.like(CommentId::new(11), ANN, at(0)).await.unwrap();
    thread.posts.delete(thread.post).await.unwrap();
    assert_eq!((thread.get(10).await, thread.get(11).await), (None, None));
    assert!(thread.seen().await.is_empty());
}

async fn a_comment_is_liked_once_per_person(database: Database) {
    let thread = Thread::new(&database).await;
    thread.add(thread.comment(10)).await;
    let id = CommentId::new(10);
    for (is_new, like_count) in [(true, 1), (false, 1)] {
        let liked = thread.comments.like(id, ANN, at(0)).await.unwrap();
        assert_eq!((liked.is_new, liked.like_count), (is_new, like_count));
    }
    let page = thread.comments.of_post(thread.post, None, 10, Some(ANN)).await.unwrap();
    assert!(page[0].is_liked && page[0].like_count == 1);
    assert!(!thread.comments.get(id, Some(BOB)).await.unwrap().unwrap().is_liked);
    for is_new in [true, false] {
        let liked = thread.comments.unlike(id, ANN).await.unwrap();
        assert_eq!((liked.is_new, liked.like_count), (is_new, 0));
    }
}

async fn a_repeated_request_makes_one_comment(database: Database) {
    let thread = Thread::new(&database).await;
    let request = Idempotency {
        user_id: BOB,
        key: "key".parse().unwrap(),
        fingerprint: "same".to_owned(),
        answer: "first".to_owned(),
    };
    let create =
        async |id| thread.comments.create(&thread.comment(id), Some(&request)).await.unwrap().unwrap();
    assert_eq!(create(10).await, Outcome::Done);
    assert_eq!(create(11).await, Outcome::Repeated { made_id: 10, answer: "first".to_owned() });
    thread.expect(&[10]).await;
}

async fn commenters_and_deleters_at_once_are_counted_exactly(database: Database) {
    let thread = Arc::new(Thread::new(&database).await);
    for id in [1, 2, 3, 4] {
        thread.add(thread.comment(id)).await;
    }
    let mut crowd = JoinSet::new();
    for n in 0..64 {
        let thread = Arc::clone(&thread);
        crowd.spawn(async move {
            let id = 100 + n;
            match n % 4 {
                0 => thread.add(thread.comment(id)).await,
                // Somebody else may have deleted the comment meanwhile.
                1 => drop(thread.comments.create(&thread.reply(id, 1 + n % 3), None).await.unwrap()),
                2 => {
                    thread.add(thread.comment(id)).await;
                    thread.delete(id).await;
                }
                _ => drop(thread.comments.delete(CommentId::new(1 + n % 4), at(0)).await),
            }
        });
    }
    crowd.join_all().await;
    let seen = thread.seen().await;
    thread.expect(&seen).await;
    // Whoever deletes all that can be read leaves nothing at all.
    for id in seen.into_iter().filter(|id| *id > 0) {
        thread.delete(id).await;
    }
    thread.expect(&[]).await;
}

async fn comments_on_a_post_that_is_being_deleted_leave_nothing_behind(database: Database) {
    let thread = Arc::new(Thread::new(&database).await);
    let mut crowd = JoinSet::new();
    for n in 0..32 {
        let thread = Arc::clone(&thread);
        crowd.spawn(async move {
            if n == 16 {
                thread.posts.delete(thread.post).await.unwrap();
            } else if let Err(error) = thread.comments.create(&thread.comment(100 + n), None).await {
                assert_eq!(error.kind(), ErrorKind::NotFound);
            }
        });
    }
    crowd.join_all().await;
    assert!(thread.seen().await.is_empty());
    for n in 0..32 {
        assert_eq!(thread.get(100 + n).await, None);
    }
}
