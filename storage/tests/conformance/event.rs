//! What people do, and the outbox that it is written to.

use std::sync::Arc;

use tickroom_storage::comment::{Comments, NewComment};
use tickroom_storage::engine::Database;
use tickroom_storage::event::{Activity, Event, Outbox, ReplyTo, SqlOutbox};
use tickroom_storage::follow::Follows;
use tickroom_storage::message::{Message, MessageLog, Sender, SqlMessageLog};
use tickroom_storage::post::{NewPost, Posts};
use tickroom_storage::user::Users;
use tickroom_storage::{CommentId, FollowId, MessageId, Offset, PostId, UserId};

use crate::user::newcomer;
use crate::{at, room};

on_every_engine!(Empty =>
    every_change_is_one_event_and_what_changes_nothing_is_none,
    a_comment_says_whom_it_concerns,
    a_message_is_an_event_only_where_it_names_somebody,
    a_batch_that_is_repeated_tells_of_its_mentions_once,
    a_message_that_was_imported_tells_nobody,
    what_is_deleted_is_the_authors_event,
    events_wait_in_their_order_until_they_are_forgotten,
    a_commit_with_events_wakes_whoever_waits,
);

/// A database without anybody in it.
pub(crate) struct Empty(pub(crate) Database);

/// People and what they can do.
pub(crate) struct World {
    pub(crate) database: Database,
    pub(crate) outbox: SqlOutbox,
    next: std::sync::atomic::AtomicI64,
}

pub(crate) const ANN: UserId = UserId::new(1);
pub(crate) const BO: UserId = UserId::new(2);
pub(crate) const CHO: UserId = UserId::new(3);

impl World {
    /// Ann, Bo and Cho.
    pub(crate) async fn new(Empty(database): Empty) -> Self {
        let users = Users::new(database.clone());
        for (id, name) in [(1, "ann"), (2, "bo"), (3, "cho")] {
            users.create(&newcomer(id, name)).await.unwrap();
        }
        Self { outbox: SqlOutbox::new(database.clone()), database, next: 100.into() }
    }

    fn next(&self) -> i64 {
        self.next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
    }

    pub(crate) async fn follow(&self, follower: UserId, followee: UserId) {
        let follows = Follows::new(self.database.clone());
        follows.follow(FollowId::new(self.next()), follower, followee, at(0)).await.unwrap();
    }

    pub(crate) async fn post(&self, author: UserId, content: &str) -> PostId {
        let id = PostId::new(self.next());
        let post = NewPost {
            id,
            author_id: author,
            title: "a title".parse().unwrap(),
            content: content.parse().unwrap(),
            tags: Vec::new(),
            created_at: at(0),
        };
        self.posts().create(&post, None).await.unwrap();
        id
    }

    pub(crate) async fn comment(
        &self,
        author: UserId,
        post: PostId,
        parent: Option<CommentId>,
        content: &str,
    ) -> CommentId {
        let id = CommentId::new(self.next());
        let comment = NewComment {
            id,
            post_id: post,
            author_id: author,
            parent_id: parent,
            content: content.parse().unwrap(),
            created_at: at(0),
        };
        self.comments().create(&comment, None).await.unwrap().unwrap();
        id
    }

    pub(crate) fn posts(&self) -> Posts {
        Posts::new(self.database.clone())
    }

    pub(crate) fn comments(&self) -> Comments {
        Comments::new(self.database.clone())
    }

    /// Takes all events out of the outbox.
    pub(crate) async fn take(&self) -> Vec<Event> {
        let events = self.outbox.waiting(1_000).await.unwrap();
        let ids: Vec<_> = events.iter().map(|event| event.id).collect();
        self.outbox.forget(&ids).await.unwrap();
        events
    }

    /// Takes all events out of the outbox, which are messages, as whom they mention.
    pub(crate) async fn mentioned(&self) -> Vec<Vec<UserId>> {
        let of = |(_, activity)| match activity {
            Activity::MessageMentioned { mentioned, .. } => mentioned,
            other => panic!("{other:?}"),
        };
        self.done().await.into_iter().map(of).collect()
    }

    /// Takes all events out of the outbox, as who did what.
    async fn done(&self) -> Vec<(UserId, Activity)> {
        self.take().await.iter().map(|event| (event.actor, event.activity().unwrap())).collect()
    }
}

pub(crate) fn said(id: i64, content: &str) -> Arc<Message> {
    Arc::new(Message {
        id: MessageId::new(id),
        room: room("KRW-BTC"),
        offset: Offset::new(u64::try_from(id).unwrap()),
        sender: Sender { id: ANN, name: "ann".into(), profile_url: None },
        content: content.into(),
        client_id: None,
        deletes: None,
        created_at: at(id),
    })
}

async fn every_change_is_one_event_and_what_changes_nothing_is_none(empty: Empty) {
    let world = World::new(empty).await;
    let follows = Follows::new(world.database.clone());
    for id in [1, 2] {
        follows.follow(FollowId::new(id), BO, ANN, at(0)).await.unwrap();
    }
    assert_eq!(world.done().await, [(BO, Activity::UserFollowed { user: ANN })]);
    follows.unfollow(BO, ANN).await.unwrap();
    follows.unfollow(BO, ANN).await.unwrap();
    assert_eq!(world.done().await, [(BO, Activity::UserUnfollowed { user: ANN })]);

    let post = world.post(ANN, "for @bo and @nobody").await;
    assert_eq!(world.done().await, [(ANN, Activity::PostCreated { post, mentioned: vec![BO] })]);
    for _ in 0..2 {
        world.posts().like(post, BO, at(0)).await.unwrap();
    }
    assert_eq!(world.done().await, [(BO, Activity::PostLiked { post, author: ANN })]);
    for _ in 0..2 {
        world.posts().unlike(post, BO).await.unwrap();
    }
    assert_eq!(world.done().await, [(BO, Activity::PostUnliked { post, author: ANN })]);

    let comment = world.comment(CHO, post, None, "well").await;
    world.done().await;
    for _ in 0..2 {
        world.comments().like(comment, BO, at(0)).await.unwrap();
    }
    assert_eq!(world.done().await, [(BO, Activity::CommentLiked { comment, post, author: CHO })]);
    for _ in 0..2 {
        world.comments().unlike(comment, BO).await.unwrap();
    }
    assert_eq!(world.done().await, [(BO, Activity::CommentUnliked { comment, post, author: CHO })]);
}

async fn a_comment_says_whom_it_concerns(empty: Empty) {
    let world = World::new(empty).await;
    let post = world.post(ANN, "hello").await;
    let comment = world.comment(BO, post, None, "well").await;
    let reply = world.comment(CHO, post, Some(comment), "no, @ann").await;
    let commented = |comment, reply_to, mentioned| Activity::CommentCreated {
        comment,
        post,
        post_author: ANN,
        reply_to,
        mentioned,
    };
    let reply_to = Some(ReplyTo { comment, author: BO });
    let expected = [(BO, commented(comment, None, vec![])), (CHO, commented(reply, reply_to, vec![ANN]))];
    assert_eq!(world.done().await[1..], expected);
}

async fn a_message_is_an_event_only_where_it_names_somebody(empty: Empty) {
    let world = World::new(empty).await;
    let log = SqlMessageLog::new(world.database.clone());
    let texts = ["hello", "mail me at bo@example.com", "@nobody", "@bo and @CHO, @bo"];
    let batch: Vec<_> = texts.iter().zip(1..).map(|(text, id)| said(id, text)).collect();
    log.append(&batch).await.unwrap();
    let activity = Activity::MessageMentioned {
        message: MessageId::new(4),
        room: room("KRW-BTC"),
        offset: Offset::new(4),
        mentioned: vec![BO, CHO],
    };
    assert_eq!(world.done().await, [(ANN, activity)]);
}

async fn a_batch_that_is_repeated_tells_of_its_mentions_once(empty: Empty) {
    let world = World::new(empty).await;
    let log = SqlMessageLog::new(world.database.clone());
    log.append(&[said(1, "@bo")]).await.unwrap();
    log.append(&[said(1, "@bo"), said(2, "@cho")]).await.unwrap();
    assert_eq!(world.mentioned().await, [vec![BO], vec![CHO]]);
}

async fn a_message_that_was_imported_tells_nobody(empty: Empty) {
    let world = World::new(empty).await;
    let mut message = Arc::unwrap_or_clone(said(1, "@bo"));
    message.sender.id = UserId::new(0);
    SqlMessageLog::new(world.database.clone()).append(&[Arc::new(message)]).await.unwrap();
    assert_eq!(world.done().await, []);
}

async fn what_is_deleted_is_the_authors_event(empty: Empty) {
    let world = World::new(empty).await;
    let post = world.post(ANN, "hello").await;
    let comment = world.comment(BO, post, None, "well").await;
    world.done().await;
    world.comments().delete(comment, at(0)).await.unwrap();
    world.posts().delete(post).await.unwrap();
    let expected = [(BO, Activity::CommentDeleted { comment, post }), (ANN, Activity::PostDeleted { post })];
    assert_eq!(world.done().await, expected);
    assert!(world.posts().delete(post).await.is_err());
    assert_eq!(world.done().await, [], "what failed has left nothing");
}

async fn events_wait_in_their_order_until_they_are_forgotten(empty: Empty) {
    let world = World::new(empty).await;
    for text in ["one", "two", "three"] {
        world.post(ANN, text).await;
    }
    let waiting = world.outbox.waiting(2).await.unwrap();
    assert!(waiting.is_sorted_by(|a, b| a.id < b.id));
    world.outbox.forget(&[waiting[0].id]).await.unwrap();
    let rest = world.outbox.waiting(10).await.unwrap();
    assert_eq!((rest.len(), &rest[0]), (2, &waiting[1]));
}

async fn a_commit_with_events_wakes_whoever_waits(empty: Empty) {
    let world = World::new(empty).await;
    let outbox = world.outbox.clone();
    let waiting = tokio::spawn(async move {
        outbox.committed().await;
        outbox.waiting(10).await.unwrap().len()
    });
    world.follow(ANN, BO).await;
    assert_eq!(waiting.await.unwrap(), 1);
}
