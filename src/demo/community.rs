//! The people of the demo with their posts, in the order in which it would have happened: nobody comments on what is not
//! there yet. What chance decides comes from the seed, so that the same seed makes the same community.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::Context;
use fastrand::Rng;
use tickroom_storage::comment::NewComment;
use tickroom_storage::post::{NewPost, Viewer};
use tickroom_storage::user::{NewUser, ProfileChange, Role};
use tickroom_storage::{CommentId, FollowId, IdGenerator, PostId, TimestampMs, UserId};

use super::script::{PEOPLE, Remark, STORIES};
use crate::app::App;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// How long ago the first of them came.
const BEGINNING_MS: i64 = 21 * 24 * HOUR_MS;

/// Looks at one post at most: each is a write, and a visitor does not want to wait.
const LOOKS_MAX: usize = 12;

/// A hash that belongs to no password.
const NO_PASSWORD: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Something that happens, by the places of people, posts and comments in the order of their making.
#[derive(Clone, Copy)]
enum Act {
    Post { story: usize },
    Comment { post: usize, remark: &'static Remark },
    Reply { post: usize, comment: usize, author: usize, content: &'static str },
    Like { post: usize, user: UserId },
    LikeComment { comment: usize, user: UserId },
    Look { post: usize, viewer: usize },
}

/// Fills a fresh store with a community, half of whom each of the `visitors`, who have accounts already, follows.
///
/// # Errors
///
/// When something cannot be stored.
pub(super) async fn settle(app: &App, visitors: &[UserId], seed: u64) -> anyhow::Result<()> {
    let mut community = Community::new(app, seed);
    community.arrive().await?;
    let people = community.people.clone();
    community.follow(&people, community.now.plus_millis(-BEGINNING_MS / 2)).await?;
    for (at, act) in community.plan() {
        community.perform(at, act).await?;
    }
    community.follow(visitors, community.now).await
}

struct Community<'a> {
    app: &'a App,
    chance: Rng,
    now: TimestampMs,
    /// What the clock of `ids` shows: they must rise with the times that things are said to have happened.
    clock: Arc<AtomicI64>,
    ids: IdGenerator,
    people: Vec<UserId>,
    posts: Vec<PostId>,
    comments: Vec<CommentId>,
}

impl<'a> Community<'a> {
    fn new(app: &'a App, seed: u64) -> Self {
        let clock = Arc::new(AtomicI64::new(0));
        let hand = Arc::clone(&clock);
        let ids =
            IdGenerator::with_clock(fastrand::u8(..), move || TimestampMs::new(hand.load(Ordering::Relaxed)));
        let (people, posts, comments) = (Vec::new(), Vec::new(), Vec::new());
        let chance = Rng::with_seed(seed);
        Self { app, chance, now: TimestampMs::now(), clock, ids, people, posts, comments }
    }

    /// A fresh id of this moment.
    fn id<I: From<i64>>(&self, at: TimestampMs) -> I {
        self.clock.store(at.get(), Ordering::Relaxed);
        self.ids.next()
    }

    async fn arrive(&mut self) -> anyhow::Result<()> {
        for (person, place) in PEOPLE.iter().zip(0..) {
            let created_at = self.now.plus_millis(place * 7 * HOUR_MS - BEGINNING_MS);
            let id = self.id(created_at);
            let user = NewUser {
                id,
                name: person.name.parse()?,
                email: format!("demo{place}@example.com").parse()?,
                password_hash: NO_PASSWORD.to_owned(),
                role: Role::User,
                verified_at: Some(created_at),
                created_at,
            };
            self.app.users.create(&user).await?;
            let intro = Some(Some(person.intro.parse()?));
            self.app.users.change_profile(id, ProfileChange { intro, ..ProfileChange::default() }).await?;
            self.people.push(id);
        }
        Ok(())
    }

    /// Each of these follows about half of the community, so that her timeline is not the whole list.
    async fn follow(&mut self, followers: &[UserId], at: TimestampMs) -> anyhow::Result<()> {
        for &follower in followers {
            for followee in self.people.clone() {
                if follower != followee && self.chance.bool() {
                    let id: FollowId = self.id(at);
                    self.app.follows.follow(id, follower, followee, at).await?;
                }
            }
        }
        Ok(())
    }

    /// All that happens, in its order.
    fn plan(&mut self) -> Vec<(TimestampMs, Act)> {
        let mut acts = Vec::new();
        let mut comments = 0;
        for (post, story) in STORIES.iter().enumerate() {
            let posted_at = self.now.plus_millis(-story.hours_ago * HOUR_MS);
            acts.push((posted_at, Act::Post { story: post }));
            let mut said_at = posted_at;
            for remark in story.comments {
                said_at = self.later(said_at);
                acts.push((said_at, Act::Comment { post, remark }));
                let comment = comments;
                comments += 1 + remark.replies.len();
                for &(author, content) in remark.replies {
                    said_at = self.later(said_at);
                    acts.push((said_at, Act::Reply { post, comment, author, content }));
                }
                for user in self.some_but(remark.author) {
                    acts.push((self.later(said_at), Act::LikeComment { comment, user }));
                }
            }
            for user in self.some_but(story.author) {
                acts.push((self.later(posted_at), Act::Like { post, user }));
            }
            for viewer in 0..self.chance.usize(3..=LOOKS_MAX) {
                acts.push((self.later(posted_at), Act::Look { post, viewer }));
            }
        }
        // Comments are known by the order in which they are planned, which is that of their posts; the sort is stable.
        acts.sort_by_key(|(at, _)| *at);
        acts
    }

    /// Some minutes later, and never after now.
    fn later(&mut self, at: TimestampMs) -> TimestampMs {
        at.plus_millis(self.chance.i64(1..=9) * MINUTE_MS).min(self.now)
    }

    /// Some of the people, but not this one.
    fn some_but(&mut self, author: usize) -> Vec<UserId> {
        let chance = &mut self.chance;
        let others = self.people.iter().enumerate().filter(|(place, _)| *place != author);
        others.filter(|_| chance.bool()).map(|(_, user)| *user).collect()
    }

    async fn perform(&mut self, at: TimestampMs, act: Act) -> anyhow::Result<()> {
        let app = self.app;
        match act {
            Act::Post { story } => self.post(at, story).await?,
            Act::Comment { post, remark } => {
                self.comment(at, post, None, remark.author, remark.content).await?
            }
            Act::Reply { post, comment, author, content } => {
                self.comment(at, post, Some(comment), author, content).await?;
            }
            Act::Like { post, user } => {
                app.posts.like(nth(&self.posts, post)?, user, at).await?;
            }
            Act::LikeComment { comment, user } => {
                app.comments.like(nth(&self.comments, comment)?, user, at).await?;
            }
            Act::Look { post, viewer } => {
                let viewer = Viewer::Anonymous(format!("demo{viewer}"));
                app.posts.view(nth(&self.posts, post)?, &viewer, at).await?;
            }
        }
        Ok(())
    }

    async fn post(&mut self, at: TimestampMs, story: usize) -> anyhow::Result<()> {
        let story = STORIES.get(story).context("no such story")?;
        let post = NewPost {
            id: self.id(at),
            author_id: nth(&self.people, story.author)?,
            title: story.title.parse()?,
            content: story.content.parse()?,
            tags: story.tags.iter().map(|tag| tag.parse()).collect::<Result<_, _>>()?,
            created_at: at,
        };
        self.app.posts.create(&post, None).await?;
        self.posts.push(post.id);
        Ok(())
    }

    async fn comment(
        &mut self,
        at: TimestampMs,
        post: usize,
        parent: Option<usize>,
        author: usize,
        content: &str,
    ) -> anyhow::Result<()> {
        let comment = NewComment {
            id: self.id(at),
            post_id: nth(&self.posts, post)?,
            parent_id: parent.map(|parent| nth(&self.comments, parent)).transpose()?,
            author_id: nth(&self.people, author)?,
            content: content.parse()?,
            created_at: at,
        };
        self.app.comments.create(&comment, None).await??;
        self.comments.push(comment.id);
        Ok(())
    }
}

/// What was made as so many-th. There is nothing else in a script that fits together, which a test makes sure of.
fn nth<T: Copy>(made: &[T], place: usize) -> anyhow::Result<T> {
    made.get(place).copied().context("the script of the demo does not fit together")
}
