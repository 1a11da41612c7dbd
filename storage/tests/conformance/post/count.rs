//! What is counted, and done, once: likes, views, requests.

use std::convert::identity;
use std::sync::Arc;

use tickroom_storage::engine::Database;
use tickroom_storage::idempotency::{self, Idempotency, Outcome};
use tickroom_storage::post::{NewPost, PostFilter, Viewer};
use tickroom_storage::{ErrorKind, PostId, TimestampMs, UserId};
use tokio::task::JoinSet;

use super::{ANN, BOB, DAY_MS, by, list, post, with_people, written};
use crate::at;

on_every_engine!(identity =>
    a_like_counts_once_per_person,
    likers_and_unlikers_at_once_are_counted_exactly,
    a_view_counts_once_per_viewer_and_day,
    viewers_at_once_are_counted_exactly,
    a_repeated_request_is_done_once,
    a_key_is_of_use_again_after_a_day,
);

async fn a_like_counts_once_per_person(database: Database) {
    let posts = with_people(&database, 0).await;
    let id = post(&posts, written(1, "text")).await;
    for (is_new, like_count) in [(true, 1), (false, 1)] {
        let liked = posts.like(id, BOB, at(0)).await.unwrap();
        assert_eq!((liked.is_new, liked.like_count), (is_new, like_count));
    }
    assert!(posts.get(id, Some(BOB)).await.unwrap().unwrap().is_liked);
    assert!(!posts.get(id, Some(ANN)).await.unwrap().unwrap().is_liked);
    assert_eq!(posts.like(id, ANN, at(0)).await.unwrap().like_count, 2);
    for (is_new, like_count) in [(true, 1), (false, 1)] {
        let liked = posts.unlike(id, BOB).await.unwrap();
        assert_eq!((liked.is_new, liked.like_count), (is_new, like_count));
    }
    let error = posts.like(id, UserId::new(99), at(0)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(posts.get(id, None).await.unwrap().unwrap().like_count, 1);
}

async fn likers_and_unlikers_at_once_are_counted_exactly(database: Database) {
    let posts = Arc::new(with_people(&database, 64).await);
    let id = post(&posts, written(1, "text")).await;
    let mut crowd = JoinSet::new();
    for user in (3..67).map(UserId::new) {
        let posts = Arc::clone(&posts);
        crowd.spawn(async move {
            posts.like(id, user, at(0)).await.unwrap();
            if user.get() % 2 == 0 {
                posts.unlike(id, user).await.unwrap();
            }
            posts.like(id, ANN, at(0)).await.unwrap();
        });
    }
    crowd.join_all().await;
    assert_eq!(posts.get(id, None).await.unwrap().unwrap().like_count, 33);
    let mut rows = 0;
    for user in (1..67).map(UserId::new) {
        rows += u64::from(posts.get(id, Some(user)).await.unwrap().unwrap().is_liked);
    }
    assert_eq!(rows, 33);
}

async fn a_view_counts_once_per_viewer_and_day(database: Database) {
    let posts = with_people(&database, 0).await;
    let (id, other) = (post(&posts, written(1, "a")).await, post(&posts, written(2, "b")).await);
    let ann = Viewer::User(ANN);
    let passer_by = Viewer::Anonymous("1".to_owned());
    for (post, viewer, when, counts) in [
        (id, &ann, 0, true),
        (id, &ann, DAY_MS - 1, false),
        (id, &passer_by, 0, true),
        (other, &ann, 0, true),
        (id, &ann, DAY_MS, true),
        (id, &ann, 2 * DAY_MS - 1, false),
    ] {
        assert_eq!(posts.view(post, viewer, at(when)).await.unwrap(), counts, "{viewer:?} at {when}");
    }
    assert_eq!(posts.get(id, None).await.unwrap().unwrap().view_count, 3);
    // What is a day old is forgotten, and the counts stay.
    assert_eq!(posts.purge_views(at(DAY_MS)).await.unwrap(), 2);
    assert!(!posts.view(id, &ann, at(DAY_MS + 1)).await.unwrap());
    assert!(posts.view(id, &passer_by, at(DAY_MS + 1)).await.unwrap());
    assert_eq!(posts.get(id, None).await.unwrap().unwrap().view_count, 4);
}

async fn viewers_at_once_are_counted_exactly(database: Database) {
    let posts = Arc::new(with_people(&database, 0).await);
    let id = post(&posts, written(1, "text")).await;
    let mut crowd = JoinSet::new();
    for n in 0..64 {
        let posts = Arc::clone(&posts);
        let viewer = Viewer::Anonymous(format!("{}", n % 16));
        crowd.spawn(async move { posts.view(id, &viewer, at(0)).await.unwrap() });
    }
    assert_eq!(crowd.join_all().await.into_iter().filter(|counted| *counted).count(), 16);
    assert_eq!(posts.get(id, None).await.unwrap().unwrap().view_count, 16);
}

fn request(user_id: UserId, key: &str, fingerprint: &str, answer: &str) -> Idempotency {
    Idempotency {
        user_id,
        key: key.parse().unwrap(),
        fingerprint: fingerprint.to_owned(),
        answer: answer.to_owned(),
    }
}

async fn a_repeated_request_is_done_once(database: Database) {
    let posts = Arc::new(with_people(&database, 0).await);
    let mut race = JoinSet::new();
    for number in 1..=20 {
        let posts = Arc::clone(&posts);
        race.spawn(async move {
            let request = request(ANN, "key", "same", &number.to_string());
            posts.create(&written(number, "text"), Some(&request)).await.unwrap()
        });
    }
    let outcomes = race.join_all().await;
    let done: Vec<_> = outcomes.iter().filter(|outcome| **outcome == Outcome::Done).collect();
    assert_eq!(done.len(), 1);
    let made = list(&posts, &PostFilter::default()).await;
    assert_eq!(made.len(), 1);
    for outcome in outcomes.iter().filter(|outcome| **outcome != Outcome::Done) {
        let Outcome::Repeated { made_id, answer } = outcome else { panic!("{outcome:?}") };
        assert_eq!(answer, &made[0]);
        assert!(posts.get(PostId::new(*made_id), None).await.unwrap().is_some());
    }
    let other = posts.create(&written(30, "b"), Some(&request(ANN, "key", "other", "30"))).await.unwrap();
    assert_eq!(other, Outcome::KeyReused);
    let bobs = by(BOB, written(31, "b"));
    assert_eq!(posts.create(&bobs, Some(&request(BOB, "key", "other", "31"))).await.unwrap(), Outcome::Done);
    // A request that failed leaves its key free.
    let nobody = by(UserId::new(99), written(40, "c"));
    posts.create(&nobody, Some(&request(ANN, "fails", "same", "40"))).await.unwrap_err();
    let retried = posts.create(&written(41, "c"), Some(&request(ANN, "fails", "same", "41"))).await.unwrap();
    assert_eq!(retried, Outcome::Done);
}

async fn a_key_is_of_use_again_after_a_day(database: Database) {
    let posts = with_people(&database, 0).await;
    let made_at = |number: i64, when: TimestampMs| NewPost { created_at: when, ..written(number, "text") };
    let create = async |number, when| {
        let request = request(ANN, "key", "same", "answer");
        posts.create(&made_at(number, at(when)), Some(&request)).await.unwrap()
    };
    assert_eq!(create(1, 0).await, Outcome::Done);
    assert!(matches!(create(2, DAY_MS - 1).await, Outcome::Repeated { .. }));
    assert_eq!(create(3, DAY_MS).await, Outcome::Done);
    assert_eq!(idempotency::purge(&database, at(2 * DAY_MS - 1)).await.unwrap(), 0);
    assert_eq!(idempotency::purge(&database, at(2 * DAY_MS)).await.unwrap(), 1);
}
