//! Posts: writing, tags, likes, views, lists, search, timelines.

use std::collections::HashSet;
use std::convert::identity;
use std::sync::Arc;

use tickroom_storage::engine::Database;
use tickroom_storage::follow::Follows;
use tickroom_storage::idempotency::{self, Idempotency, Outcome};
use tickroom_storage::post::{NewPost, Post, PostEdit, PostFilter, PostOrder, Posts, Viewer};
use tickroom_storage::tag::Tags;
use tickroom_storage::user::Users;
use tickroom_storage::{ErrorKind, FollowId, IdGenerator, PostId, TimestampMs, UserId};
use tokio::task::JoinSet;

use crate::at;
use crate::user::newcomer;

on_every_engine!(identity =>
    a_post_comes_back_as_it_was_written,
    a_post_needs_an_author,
    the_newest_come_first_page_by_page,
    filters_hold_together,
    tags_come_from_the_list_and_from_the_text,
    tags_are_counted_as_posts_come_change_and_go,
    an_edit_changes_what_it_names_and_nothing_else,
    an_edit_that_changes_nothing_is_none,
    a_deleted_post_leaves_nothing_behind,
    a_like_counts_once_per_person,
    likers_and_unlikers_at_once_are_counted_exactly,
    a_view_counts_once_per_viewer_and_day,
    viewers_at_once_are_counted_exactly,
    words_are_found_wherever_they_stand,
    the_search_follows_edits_and_deletions,
    what_looks_like_a_query_language_is_searched_as_words,
    a_repeated_request_is_done_once,
    a_key_is_of_use_again_after_a_day,
    the_popular_come_first_and_only_those_of_these_days,
    popular_posts_are_filtered_too,
    a_timeline_has_the_posts_of_those_one_follows_and_ones_own,
    a_timeline_is_stable_while_posts_arrive,
    a_timeline_of_a_thousand_people_is_complete_and_in_order,
    lists_carry_the_beginning_of_long_texts,
);

const ANN: UserId = UserId::new(1);
const BOB: UserId = UserId::new(2);
const DAY_MS: i64 = 24 * 3_600_000;

/// The posts of a database in which Ann, Bob and so many others have accounts.
pub(crate) async fn with_people(database: &Database, others: i64) -> Posts {
    let users = Users::new(database.clone());
    users.create(&newcomer(1, "ann")).await.unwrap();
    users.create(&newcomer(2, "bob")).await.unwrap();
    for id in 3..3 + others {
        users.create(&newcomer(id, &format!("user {id}"))).await.unwrap();
    }
    Posts::new(database.clone())
}

/// Ann's post without tags. Ids and times rise with `number`.
pub(crate) fn written(number: i64, content: &str) -> NewPost {
    let created_at = at(number * 1_000);
    NewPost {
        id: IdGenerator::with_clock(0, move || created_at).next(),
        author_id: ANN,
        title: format!("post {number}").parse().unwrap(),
        content: content.parse().unwrap(),
        tags: Vec::new(),
        created_at,
    }
}

fn by(author_id: UserId, post: NewPost) -> NewPost {
    NewPost { author_id, ..post }
}

fn tagged(tags: &[&str], post: NewPost) -> NewPost {
    NewPost { tags: tags.iter().map(|tag| tag.parse().unwrap()).collect(), ..post }
}

pub(crate) async fn post(posts: &Posts, post: NewPost) -> PostId {
    assert_eq!(posts.create(&post, None).await.unwrap(), Outcome::Done);
    post.id
}

fn titles(posts: &[Post]) -> Vec<&str> {
    posts.iter().map(|post| post.title.strip_prefix("post ").unwrap()).collect()
}

fn latest(before: Option<PostId>) -> PostOrder {
    PostOrder::Latest { before }
}

async fn list(posts: &Posts, filter: &PostFilter) -> Vec<String> {
    let page = posts.list(filter, latest(None), 100, None).await.unwrap();
    titles(&page).into_iter().map(str::to_owned).collect()
}

fn with_tag(tag: &str) -> PostFilter {
    PostFilter { tag: Some(tag.parse().unwrap()), ..PostFilter::default() }
}

fn search(words: &str) -> PostFilter {
    PostFilter { search: Some(words.parse().unwrap()), ..PostFilter::default() }
}

async fn tag_counts(database: &Database, prefix: Option<&str>) -> Vec<(String, u64)> {
    let prefix = prefix.map(|prefix| prefix.parse().unwrap());
    let tags = Tags::new(database.clone()).popular(prefix.as_ref(), 100).await.unwrap();
    tags.into_iter().map(|count| (count.tag.to_string(), count.post_count)).collect()
}

async fn a_post_comes_back_as_it_was_written(database: Database) {
    let posts = with_people(&database, 0).await;
    let new =
        tagged(&["비트코인"], written(1, "**굵게** $KRW-BTC #Moon 'quoted' \"$1\" ?\n\tsecond line 👨‍👩‍👧"));
    let id = post(&posts, new.clone()).await;
    let found = posts.get(id, Some(BOB)).await.unwrap().unwrap();
    let author = Users::new(database.clone()).by_id(ANN).await.unwrap().unwrap().into();
    assert_eq!(found, new.clone().into_post(author));
    assert_eq!((found.title.as_str(), found.content.as_str()), (new.title.as_str(), new.content.as_str()));
    assert_eq!(found.tags, ["비트코인", "moon"].map(|tag| tag.parse().unwrap()));
    assert_eq!(found.markets, ["KRW-BTC".parse().unwrap()]);
    assert_eq!(posts.author(id).await.unwrap(), Some(ANN));
    assert_eq!(posts.get(PostId::new(99), None).await.unwrap(), None);
    assert_eq!(posts.author(PostId::new(99)).await.unwrap(), None);
}

async fn a_post_needs_an_author(database: Database) {
    let posts = with_people(&database, 0).await;
    let error = posts.create(&by(UserId::new(99), written(1, "#a")), None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(tag_counts(&database, None).await.is_empty());
}

async fn the_newest_come_first_page_by_page(database: Database) {
    let posts = with_people(&database, 0).await;
    for number in 1..=5 {
        post(&posts, written(number, "text")).await;
    }
    let all = PostFilter::default();
    let first = posts.list(&all, latest(None), 2, None).await.unwrap();
    assert_eq!(titles(&first), ["5", "4"]);
    // One that arrives in between shifts nothing.
    post(&posts, written(6, "text")).await;
    let second = posts.list(&all, latest(Some(first[1].id)), 2, None).await.unwrap();
    assert_eq!(titles(&second), ["3", "2"]);
    let last = posts.list(&all, latest(Some(second[1].id)), 2, None).await.unwrap();
    assert_eq!(titles(&last), ["1"]);
}

async fn filters_hold_together(database: Database) {
    let posts = with_people(&database, 0).await;
    post(&posts, written(1, "about #btc and $KRW-BTC")).await;
    post(&posts, by(BOB, written(2, "about #btc"))).await;
    post(&posts, by(BOB, written(3, "about #btc and $KRW-BTC"))).await;
    post(&posts, by(BOB, written(4, "without #btc2 and $KRW-BTC"))).await;
    let tag = Some("btc".parse().unwrap());
    let market = Some("KRW-BTC".parse().unwrap());
    let words = Some("about".parse().unwrap());
    let all = PostFilter { author: Some(BOB), tag, market, search: words };
    assert_eq!(list(&posts, &PostFilter::default()).await, ["4", "3", "2", "1"]);
    assert_eq!(
        list(&posts, &PostFilter { author: None, search: None, market: None, ..all.clone() }).await,
        ["3", "2", "1"]
    );
    assert_eq!(
        list(&posts, &PostFilter { author: None, search: None, tag: None, ..all.clone() }).await,
        ["4", "3", "1"]
    );
    assert_eq!(list(&posts, &PostFilter { author: None, search: None, ..all.clone() }).await, ["3", "1"]);
    assert_eq!(list(&posts, &PostFilter { search: None, market: None, ..all.clone() }).await, ["3", "2"]);
    assert_eq!(list(&posts, &PostFilter { author: None, ..all.clone() }).await, ["3", "1"]);
    assert_eq!(list(&posts, &PostFilter { tag: None, market: None, ..all.clone() }).await, ["3", "2"]);
    assert_eq!(list(&posts, &all).await, ["3"]);
}

async fn tags_come_from_the_list_and_from_the_text(database: Database) {
    let posts = with_people(&database, 0).await;
    let id = post(&posts, tagged(&["BTC", "차트"], written(1, "#moon #btc `#code` # Heading"))).await;
    let tags = posts.get(id, None).await.unwrap().unwrap().tags;
    assert_eq!(tags.iter().map(|tag| tag.as_str()).collect::<Vec<_>>(), ["btc", "차트", "moon"]);
    for tag in ["btc", "차트", "moon"] {
        assert_eq!(list(&posts, &with_tag(tag)).await, ["1"]);
    }
    for none in ["code", "heading"] {
        assert!(list(&posts, &with_tag(none)).await.is_empty());
    }
}

async fn tags_are_counted_as_posts_come_change_and_go(database: Database) {
    let posts = with_people(&database, 0).await;
    let first = post(&posts, written(1, "#btc #eth")).await;
    let second = post(&posts, tagged(&["btc", "btc"], written(2, "#BTC"))).await;
    let owned = |counts: &[(&str, u64)]| -> Vec<(String, u64)> {
        counts.iter().map(|(tag, count)| ((*tag).to_owned(), *count)).collect()
    };
    assert_eq!(tag_counts(&database, None).await, owned(&[("btc", 2), ("eth", 1)]));
    let edit = PostEdit { content: Some("#xrp #eth".parse().unwrap()), ..PostEdit::default() };
    posts.edit(first, edit, at(9)).await.unwrap();
    assert_eq!(tag_counts(&database, None).await, owned(&[("btc", 1), ("eth", 1), ("xrp", 1)]));
    // What the author listed stays when the text no longer has it, until she takes it off the list.
    let edit = PostEdit { content: Some("nothing".parse().unwrap()), ..PostEdit::default() };
    posts.edit(second, edit, at(9)).await.unwrap();
    assert_eq!(tag_counts(&database, Some("b")).await, owned(&[("btc", 1)]));
    posts.edit(second, PostEdit { tags: Some(Vec::new()), ..PostEdit::default() }, at(9)).await.unwrap();
    posts.delete(first).await.unwrap();
    assert!(tag_counts(&database, None).await.is_empty());
}

async fn an_edit_changes_what_it_names_and_nothing_else(database: Database) {
    let posts = with_people(&database, 0).await;
    let id = post(&posts, tagged(&["a"], written(1, "text $KRW-BTC"))).await;
    posts.like(id, BOB, at(0)).await.unwrap();
    let before = posts.get(id, None).await.unwrap().unwrap();
    let edit = PostEdit { title: Some("post 2".parse().unwrap()), ..PostEdit::default() };
    assert!(posts.edit(id, edit, at(5)).await.unwrap());
    let after = posts.get(id, None).await.unwrap().unwrap();
    assert_eq!(after, Post { title: "post 2".to_owned(), updated_at: Some(at(5)), ..before.clone() });
    let edit = PostEdit { content: Some("$KRW-ETH".parse().unwrap()), ..PostEdit::default() };
    assert!(posts.edit(id, edit, at(6)).await.unwrap());
    let last = posts.get(id, None).await.unwrap().unwrap();
    assert_eq!(last.markets, ["KRW-ETH".parse().unwrap()]);
    assert_eq!((last.tags, last.like_count, last.updated_at), (before.tags, 1, Some(at(6))));
    let error = posts.edit(PostId::new(99), PostEdit::default(), at(7)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

async fn an_edit_that_changes_nothing_is_none(database: Database) {
    let posts = with_people(&database, 0).await;
    let new = tagged(&["a"], written(1, "text"));
    let id = post(&posts, new.clone()).await;
    let same = PostEdit { title: Some(new.title), content: Some(new.content), tags: Some(new.tags) };
    for edit in [PostEdit::default(), same] {
        assert!(!posts.edit(id, edit, at(5)).await.unwrap());
    }
    assert_eq!(posts.get(id, None).await.unwrap().unwrap().updated_at, None);
}

async fn a_deleted_post_leaves_nothing_behind(database: Database) {
    let posts = with_people(&database, 0).await;
    let id = post(&posts, tagged(&["a"], written(1, "text $KRW-BTC"))).await;
    posts.like(id, BOB, at(0)).await.unwrap();
    posts.view(id, &Viewer::User(BOB), at(0)).await.unwrap();
    posts.delete(id).await.unwrap();
    assert_eq!(posts.get(id, None).await.unwrap(), None);
    let market = PostFilter { market: Some("KRW-BTC".parse().unwrap()), ..PostFilter::default() };
    for filter in [PostFilter::default(), with_tag("a"), market, search("text")] {
        assert!(list(&posts, &filter).await.is_empty());
    }
    for error in [
        posts.delete(id).await.unwrap_err(),
        posts.like(id, BOB, at(0)).await.unwrap_err(),
        posts.unlike(id, BOB).await.unwrap_err(),
        posts.view(id, &Viewer::User(BOB), at(0)).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
    assert_eq!(posts.purge_views(at(2 * DAY_MS)).await.unwrap(), 0, "the views went with the post");
}

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

async fn words_are_found_wherever_they_stand(database: Database) {
    let posts = with_people(&database, 0).await;
    post(&posts, written(1, "비트코인이 오른다. KRW-BTC to the moon!")).await;
    post(&posts, tagged(&["급등"], written(2, "이더리움 이야기와 Straße"))).await;
    for (words, found) in [
        ("비트코인", vec!["1"]),
        ("트코인", vec!["1"]),
        ("비트", vec!["1"]),
        ("코인", vec!["1"]),
        ("이", vec!["2", "1"]),
        ("움", vec!["2"]),
        ("MOON", vec!["1"]),
        ("oo", vec!["1"]),
        ("moon 오른다", vec!["1"]),
        ("moon 이더리움", vec![]),
        ("krw-btc", vec!["1"]),
        ("STRASSE", vec!["2"]),
        ("급등", vec!["2"]),
        ("post", vec!["2", "1"]),
        ("코인오른", vec![]),
        ("인이오", vec![]),
        ("moonto", vec![]),
    ] {
        assert_eq!(list(&posts, &search(words)).await, found, "{words}");
    }
}

async fn the_search_follows_edits_and_deletions(database: Database) {
    let posts = with_people(&database, 0).await;
    let id = post(&posts, written(1, "bitcoin")).await;
    let edit = PostEdit { content: Some("ether".parse().unwrap()), ..PostEdit::default() };
    posts.edit(id, edit, at(5)).await.unwrap();
    assert!(list(&posts, &search("bitcoin")).await.is_empty());
    assert_eq!(list(&posts, &search("ether")).await, ["1"]);
    posts.delete(id).await.unwrap();
    assert!(list(&posts, &search("ether")).await.is_empty());
    // Its place in the index is free again.
    post(&posts, written(2, "ether")).await;
    assert_eq!(list(&posts, &search("ether")).await, ["2"]);
}

async fn what_looks_like_a_query_language_is_searched_as_words(database: Database) {
    let posts = with_people(&database, 0).await;
    post(&posts, written(1, "a NEAR miss or two")).await;
    for words in [
        "\"near",
        "near*",
        "NEAR(near miss)",
        "near OR or",
        "words:near",
        "^near",
        "near -",
        "{near}",
        "near + miss",
        "near'; drop table post; --miss near",
        "\0near",
        "near\\",
    ] {
        let found = list(&posts, &search(words)).await;
        let has_more_words = words.contains("words") || words.contains("drop");
        assert_eq!(found.is_empty(), has_more_words, "{words}");
    }
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

async fn lists_carry_the_beginning_of_long_texts(database: Database) {
    let posts = with_people(&database, 0).await;
    let exact = "가".repeat(1_000);
    post(&posts, written(1, &exact)).await;
    let long = post(&posts, written(2, &format!("{exact}나"))).await;
    let page = posts.list(&PostFilter::default(), latest(None), 10, None).await.unwrap();
    assert_eq!((page[0].content.as_str(), page[0].is_whole), (exact.as_str(), false));
    assert_eq!((page[1].content.as_str(), page[1].is_whole), (exact.as_str(), true));
    let whole = posts.get(long, None).await.unwrap().unwrap();
    assert_eq!((whole.content, whole.is_whole), (format!("{exact}나"), true));
}
