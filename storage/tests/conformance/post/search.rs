//! Finding posts by the words in them.

use std::convert::identity;

use tickroom_storage::engine::Database;
use tickroom_storage::post::PostEdit;

use super::{list, post, search, tagged, with_people, written};
use crate::at;

on_every_engine!(identity =>
    words_are_found_wherever_they_stand,
    the_search_follows_edits_and_deletions,
    what_looks_like_a_query_language_is_searched_as_words,
);

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
