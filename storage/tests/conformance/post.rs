//! Posts: writing, tags, lists.

use std::convert::identity;

use tickroom_storage::engine::Database;
use tickroom_storage::idempotency::Outcome;
use tickroom_storage::post::{NewPost, Post, PostEdit, PostFilter, PostOrder, Posts, Viewer};
use tickroom_storage::tag::Tags;
use tickroom_storage::user::Users;
use tickroom_storage::{ErrorKind, IdGenerator, PostId, UserId};

use crate::at;
use crate::user::newcomer;

mod count;
mod search;
mod timeline;

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
