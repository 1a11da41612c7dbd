//! Comments over REST: threads, tombstones, counts, and what was wrong with that in the original.

use reqwest::Method;
use serde_json::{Value, json};
use tickroom_storage::user::Role;

use crate::harness::{TestServer, statements};
use crate::post::crowd;

fn path_of(comment: &Value) -> String {
    format!("/api/comments/{}", comment["id"].as_str().unwrap())
}

fn comments_of(post: &Value) -> String {
    format!("/api/posts/{}/comments", post["id"].as_str().unwrap())
}

async fn page(server: &TestServer, path: &str) -> Vec<Value> {
    server.get(path).await.expect_status(200).json()["comments"].as_array().unwrap().clone()
}

async fn comment_count(server: &TestServer, post: &Value) -> u64 {
    let path = format!("/api/posts/{}", post["id"].as_str().unwrap());
    server.get(&path).await.expect_status(200).json()["comment_count"].as_u64().unwrap()
}

#[tokio::test]
async fn a_thread_is_read_in_its_order() {
    let server = TestServer::without_prices(&[]).await;
    let (ann, bo) = (server.user("ann").await, server.user("bo").await);
    let post = ann.post("post", "text").await;
    let first = bo.comment(&post, "  처음\r\n@ann  ").await;
    let second = ann.comment(&post, "second").await;
    let reply = ann.reply(&post, &first, "reply").await;
    assert_eq!((&first["content"], &first["author"]["username"]), (&json!("처음\n@ann"), &json!("bo")));
    assert_eq!((&first["post_id"], &first["parent_id"]), (&post["id"], &Value::Null));
    assert_eq!(reply["parent_id"], first["id"]);
    let shown = page(&server, &comments_of(&post)).await;
    assert_eq!(shown[1], second);
    assert_eq!((&shown[0]["id"], &shown[0]["reply_count"]), (&first["id"], &json!(1)));
    assert_eq!(page(&server, &format!("{}/replies", path_of(&first))).await, [reply]);

    let paged = server.get(&format!("{}?limit=1", comments_of(&post))).await.json();
    let next = paged["next_cursor"].as_str().unwrap();
    ann.comment(&post, "arrives in between").await;
    let rest = server.get(&format!("{}?limit=1&cursor={next}", comments_of(&post))).await.json();
    assert_eq!(rest["comments"], json!([second]));
}

#[tokio::test]
async fn defect_33_authors_delete_their_comments_and_nobody_elses_but_administrators_do() {
    let server = TestServer::without_prices(&[]).await;
    let (ann, bo) = (server.user("ann").await, server.user("bo").await);
    let boss = server.promoted("boss", Role::Admin).await;
    let post = ann.post("post", "text").await;
    let (first, second) = (bo.comment(&post, "first").await, bo.comment(&post, "second").await);
    // Not even the author of the post.
    ann.delete(&path_of(&first)).await.expect_problem(403, "not_author");
    let patch = json!({ "content": "changed" });
    for other in [&ann, &boss] {
        other.patch(&path_of(&first), &patch).await.expect_problem(403, "not_author");
    }
    bo.delete(&path_of(&first)).await.expect_status(204);
    bo.delete(&path_of(&first)).await.expect_problem(404, "not_found");
    boss.delete(&path_of(&second)).await.expect_status(204);
    assert!(page(&server, &comments_of(&post)).await.is_empty());
    assert_eq!(comment_count(&server, &post).await, 0);
}

#[tokio::test]
async fn defect_34_comment_parent_and_post_belong_together() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    let (post, other) = (ann.post("post", "text").await, ann.post("other", "text").await);
    let comment = ann.comment(&post, "comment").await;
    let reply = ann.reply(&post, &comment, "reply").await;
    for (below, parent, code) in [
        (&other, &comment["id"], "not_found"),
        (&post, &json!("1"), "not_found"),
        (&post, &reply["id"], "is_reply"),
    ] {
        let body = json!({ "content": "text", "parent_id": parent });
        ann.send_json(Method::POST, &comments_of(below), &body)
            .await
            .expect_violations(&[("parent_id", code)]);
    }
    let body = json!({ "content": "text" });
    ann.send_json(Method::POST, "/api/posts/1/comments", &body).await.expect_problem(404, "not_found");
    assert_eq!((comment_count(&server, &post).await, comment_count(&server, &other).await), (2, 0));
}

#[tokio::test]
async fn defect_35_ids_in_the_body_do_not_override_the_path() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    let (post, other) = (ann.post("post", "text").await, ann.post("other", "text").await);
    let body = json!({ "content": "text", "postId": other["id"], "post_id": other["id"] });
    let comment = ann.send_json(Method::POST, &comments_of(&post), &body).await.expect_status(201).json();
    assert_eq!(comment["post_id"], post["id"]);
    let second = ann.comment(&post, "second").await;
    let patch = json!({ "content": "changed", "commentId": second["id"], "id": second["id"] });
    let edited = ann.patch(&path_of(&comment), &patch).await.expect_status(200).json();
    assert_eq!((&edited["id"], &edited["content"]), (&comment["id"], &json!("changed")));
    assert!(edited["updated_at"].is_string());
    assert_eq!(page(&server, &comments_of(&post)).await[1], second);
}

#[tokio::test]
async fn defect_36_and_37_a_deleted_comment_with_replies_stays_readable_and_every_count_is_right() {
    let server = TestServer::without_prices(&[]).await;
    let (ann, bo) = (server.user("ann").await, server.user("bo").await);
    let post = ann.post("post", "text").await;
    let comment = ann.comment(&post, "comment").await;
    let replies = [bo.reply(&post, &comment, "one").await, bo.reply(&post, &comment, "two").await];
    for liked in [&comment, &replies[0]] {
        bo.put(&format!("{}/like", path_of(liked))).await.expect_status(200);
    }
    assert_eq!(comment_count(&server, &post).await, 3);
    ann.delete(&path_of(&comment)).await.expect_status(204);
    assert_eq!(comment_count(&server, &post).await, 2);
    let tombstone = &page(&server, &comments_of(&post)).await[0];
    assert_eq!((&tombstone["id"], &tombstone["deleted"]), (&comment["id"], &json!(true)));
    assert_eq!((&tombstone["author"], &tombstone["content"]), (&Value::Null, &Value::Null));
    assert_eq!((&tombstone["like_count"], &tombstone["reply_count"]), (&json!(0), &json!(2)));
    for method in [Method::PUT, Method::DELETE] {
        bo.send(method, &format!("{}/like", path_of(&comment))).await.expect_problem(404, "not_found");
    }
    let body = json!({ "content": "text", "parent_id": comment["id"] });
    bo.send_json(Method::POST, &comments_of(&post), &body)
        .await
        .expect_violations(&[("parent_id", "deleted")]);
    for (reply, left) in replies.iter().zip([1, 0]) {
        bo.delete(&path_of(reply)).await.expect_status(204);
        assert_eq!(comment_count(&server, &post).await, left);
    }
    assert!(page(&server, &comments_of(&post)).await.is_empty());
}

#[tokio::test]
async fn defect_36_commenters_and_deleters_at_once_are_counted_exactly() {
    let server = TestServer::without_prices(&[]).await;
    let post = server.user("ann").await.post("post", "text").await;
    let crowd = crowd(&server, 64).await;
    let thread = crowd[0].comment(&post, "thread").await;
    let acts = crowd.iter().enumerate().map(async |(number, user)| {
        let said = match number % 2 {
            0 => user.comment(&post, "comment").await,
            _ => user.reply(&post, &thread, "reply").await,
        };
        user.put(&format!("{}/like", path_of(&thread))).await.expect_status(200);
        if number % 4 < 2 {
            user.delete(&path_of(&said)).await.expect_status(204);
        }
    });
    futures_util::future::join_all(acts).await;
    let comments = page(&server, &format!("{}?limit=100", comments_of(&post))).await;
    let replies = page(&server, &format!("{}/replies?limit=100", path_of(&thread))).await;
    assert_eq!((comments.len(), replies.len()), (17, 16));
    assert_eq!(comment_count(&server, &post).await, 33);
    assert_eq!((&comments[0]["reply_count"], &comments[0]["like_count"]), (&json!(16), &json!(64)));
}

#[tokio::test]
async fn defect_38_a_comment_has_a_thousand_characters_and_never_none() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    let post = ann.post("post", "text").await;
    assert_eq!(ann.comment(&post, &"가".repeat(1_000)).await["content"], "가".repeat(1_000));
    let say = async |body: Value| ann.send_json(Method::POST, &comments_of(&post), &body).await;
    say(json!({ "content": "가".repeat(1_001) })).await.expect_violations(&[("content", "too_long")]);
    for blank in [json!({}), json!({ "content": " \n\u{200b}" })] {
        say(blank).await.expect_violations(&[("content", "required")]);
    }
    say(json!({ "content": null })).await.expect_violations(&[("content", "invalid")]);
    say(json!({ "content": "\u{1b}[2J" })).await.expect_violations(&[("content", "control_character")]);
    assert_eq!(comment_count(&server, &post).await, 1);
}

#[tokio::test]
async fn defect_39_comments_come_in_pages_and_take_as_many_statements_for_fifty_as_for_one() {
    let server = TestServer::without_prices(&[]).await;
    let people = crowd(&server, 5).await;
    let post = people[0].post("post", "text").await;
    for number in 0..50 {
        let comment = people[number % 5].comment(&post, &number.to_string()).await;
        people[0].put(&format!("{}/like", path_of(&comment))).await.expect_status(200);
    }
    let path = comments_of(&post);
    let one = statements(&server, &people[0], &format!("{path}?limit=1"), 1).await;
    let fifty = statements(&server, &people[0], &format!("{path}?limit=50"), 50).await;
    assert_eq!((one, fifty), (2, 2), "the comments with their authors, the reader's likes");
    let first = page(&server, &path).await.remove(0);
    for number in 0..50 {
        people[number % 5].reply(&post, &first, &number.to_string()).await;
    }
    let replies = format!("{}/replies", path_of(&first));
    let one = statements(&server, &people[0], &format!("{replies}?limit=1"), 1).await;
    let fifty = statements(&server, &people[0], &format!("{replies}?limit=50"), 50).await;
    assert_eq!((one, fifty), (2, 2), "the same of replies");
    server
        .get(&format!("{path}?limit=101&cursor=x"))
        .await
        .expect_violations(&[("cursor", "invalid"), ("limit", "out_of_range")]);
}

#[tokio::test]
async fn defect_40_posts_and_comments_survive_a_restart() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    let post = ann.post("post", "text").await;
    let comment = ann.comment(&post, "comment").await;
    let server = server.restart().await;
    assert_eq!(page(&server, &comments_of(&post)).await, [comment]);
    assert_eq!(comment_count(&server, &post).await, 1);
}
