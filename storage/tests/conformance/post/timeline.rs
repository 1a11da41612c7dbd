//! Popular posts, and those of whom one follows.

use std::collections::HashSet;
use std::convert::identity;

use tickroom_storage::engine::Database;
use tickroom_storage::follow::Follows;
use tickroom_storage::post::{Post, PostFilter, PostOrder, Posts, Viewer};
use tickroom_storage::{FollowId, PostId, UserId};

use super::{ANN, BOB, DAY_MS, by, latest, post, search, titles, with_people, with_tag, written};
use crate::at;

on_every_engine!(identity =>
    the_popular_come_first_and_only_those_of_these_days,
    popular_posts_are_filtered_too,
    a_timeline_has_the_posts_of_those_one_follows_and_ones_own,
    a_timeline_is_stable_while_posts_arrive,
    a_timeline_of_a_thousand_people_is_complete_and_in_order,
);

fn popular(posts: &[Post], now: i64) -> PostOrder {
    PostOrder::Popular { after: posts.last().map(|post| post.rank), now: at(now) }
}

async fn the_popular_come_first_and_only_those_of_these_days(database: Database) {
    let posts = with_people(&database, 0).await;
    let mut ids = Vec::new();
    for number in 1..=5 {
        ids.push(post(&posts, written(number, "text")).await);
    }
    posts.like(ids[1], BOB, at(0)).await.unwrap();
    posts.view(ids[3], &Viewer::User(BOB), at(0)).await.unwrap();
    let all = PostFilter::default();
    let mut page = posts.list(&all, popular(&[], 5_000), 2, None).await.unwrap();
    assert_eq!(titles(&page), ["2", "4"]);
    assert_eq!(page[1].rank.to_string().parse(), Ok(page[1].rank));
    // One that arrives in between takes its place and shifts none of the others.
    post(&posts, written(6, "text")).await;
    page = posts.list(&all, popular(&page, 6_000), 2, None).await.unwrap();
    assert_eq!(titles(&page), ["6", "5"]);
    page = posts.list(&all, popular(&page, 6_000), 2, None).await.unwrap();
    assert_eq!(titles(&page), ["3", "1"]);
    // A week later, the first two are too old, liked or not.
    let later = posts.list(&all, popular(&[], 7 * DAY_MS + 3_000), 10, None).await.unwrap();
    assert_eq!(titles(&later), ["4", "6", "5", "3"]);
}

async fn popular_posts_are_filtered_too(database: Database) {
    let posts = with_people(&database, 0).await;
    let liked = post(&posts, written(1, "#btc text")).await;
    post(&posts, written(2, "#btc other")).await;
    post(&posts, by(BOB, written(3, "#eth text"))).await;
    posts.like(liked, BOB, at(0)).await.unwrap();
    for (filter, found) in [
        (with_tag("btc"), vec!["1", "2"]),
        (search("text"), vec!["1", "3"]),
        (PostFilter { author: Some(ANN), ..PostFilter::default() }, vec!["1", "2"]),
    ] {
        let first = posts.list(&filter, popular(&[], 5_000), 1, None).await.unwrap();
        let second = posts.list(&filter, popular(&first, 5_000), 1, None).await.unwrap();
        let none = posts.list(&filter, popular(&second, 5_000), 1, None).await.unwrap();
        assert_eq!([titles(&first), titles(&second), titles(&none)].concat(), found, "{filter:?}");
        assert!(posts.list(&filter, popular(&[], 8 * DAY_MS), 9, None).await.unwrap().is_empty());
    }
}

async fn follow(database: &Database, follower: UserId, followee: UserId) {
    let id = FollowId::new(follower.get() * 100_000 + followee.get());
    Follows::new(database.clone()).follow(id, follower, followee, at(0)).await.unwrap();
}

async fn a_timeline_has_the_posts_of_those_one_follows_and_ones_own(database: Database) {
    let posts = with_people(&database, 2).await;
    let (carl, dora) = (UserId::new(3), UserId::new(4));
    follow(&database, ANN, carl).await;
    follow(&database, BOB, ANN).await;
    for (number, author) in [(1, ANN), (2, BOB), (3, carl), (4, dora), (5, carl)] {
        post(&posts, by(author, written(number, "text"))).await;
    }
    for (reader, found) in [(ANN, vec!["5", "3", "1"]), (BOB, vec!["2", "1"]), (dora, vec!["4"])] {
        let page = posts.timeline(reader, latest(None), 10).await.unwrap();
        assert_eq!(titles(&page), found);
    }
    posts.like(PostId::new(page_id(&posts, "1").await), carl, at(0)).await.unwrap();
    let page = posts.timeline(ANN, popular(&[], 5_000), 2).await.unwrap();
    assert_eq!(titles(&page), ["1", "5"]);
    assert_eq!(titles(&posts.timeline(ANN, popular(&page, 5_000), 2).await.unwrap()), ["3"]);
    assert!(posts.timeline(ANN, popular(&[], 8 * DAY_MS), 2).await.unwrap().is_empty());
    assert!(posts.timeline(UserId::new(99), latest(None), 2).await.unwrap().is_empty());
}

async fn page_id(posts: &Posts, title: &str) -> i64 {
    let page = posts.list(&PostFilter::default(), latest(None), 100, None).await.unwrap();
    page.iter().find(|post| post.title == format!("post {title}")).unwrap().id.get()
}

async fn a_timeline_is_stable_while_posts_arrive(database: Database) {
    let posts = with_people(&database, 0).await;
    follow(&database, ANN, BOB).await;
    for number in 1..=9 {
        post(&posts, by(if number % 2 == 0 { ANN } else { BOB }, written(number, "text"))).await;
    }
    let (mut seen, mut before) = (Vec::new(), None);
    for arriving in 10.. {
        let page = posts.timeline(ANN, latest(before), 2).await.unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.id);
        seen.extend(titles(&page).into_iter().map(str::to_owned));
        post(&posts, by(BOB, written(arriving, "text"))).await;
    }
    assert_eq!(seen, ["9", "8", "7", "6", "5", "4", "3", "2", "1"]);
}

/// Whoever writes much, and whoever wrote long ago, must not push others off the page.
async fn a_timeline_of_a_thousand_people_is_complete_and_in_order(database: Database) {
    let posts = with_people(&database, 1_000).await;
    for user in (3..1_003).map(UserId::new) {
        follow(&database, ANN, user).await;
    }
    let mut expected = Vec::new();
    for number in 1..=300_i64 {
        // One writes every third post, the others once; every tenth is by somebody whom she does not follow.
        let author = match number {
            n if n % 10 == 0 => BOB,
            n if n % 3 == 0 => UserId::new(3),
            n => UserId::new(3 + n),
        };
        post(&posts, by(author, written(number, "text"))).await;
        if author != BOB {
            expected.push(number.to_string());
        }
    }
    expected.reverse();
    let mut popular_ones = Vec::new();
    let mut page = posts.timeline(ANN, popular(&[], 300_000), 50).await.unwrap();
    while !page.is_empty() {
        popular_ones.extend(titles(&page).into_iter().map(str::to_owned));
        page = posts.timeline(ANN, popular(&page, 300_000), 50).await.unwrap();
    }
    assert_eq!(popular_ones, expected, "nobody has liked anything, so the younger is the more popular");
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = posts.timeline(ANN, latest(before), 50).await.unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.id);
        seen.extend(titles(&page).into_iter().map(str::to_owned));
    }
    assert_eq!(seen, expected);
    assert_eq!(seen.iter().collect::<HashSet<_>>().len(), seen.len());
}
