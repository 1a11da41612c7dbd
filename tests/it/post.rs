//! Posts over REST: writing, reading, finding, liking, looking, and what was wrong with that in the original.

use std::collections::HashSet;

use reqwest::Method;
use serde_json::{Value, json};
use tickroom_storage::user::Role;

use crate::harness::{Host, TestServer, User, statements};

fn path_of(post: &Value) -> String {
    format!("/api/posts/{}", post["id"].as_str().unwrap())
}

async fn titles(host: &Host, query: &str) -> Vec<String> {
    let page = host.get(&format!("/api/posts?{query}")).await.expect_status(200).json();
    page["posts"].as_array().unwrap().iter().map(|post| post["title"].as_str().unwrap().to_owned()).collect()
}

async fn read(host: &Host, post: &Value) -> Value {
    host.get(&path_of(post)).await.expect_status(200).json()
}

#[tokio::test]
async fn a_post_is_read_as_it_was_written_and_edited() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("조아라").await;
    let body = json!({
        "title": "  비트코인 전망  ", "content": "**오른다** $KRW-BTC #차트 @bo\r\n`#code`", "tags": ["BTC", "#btc"]
    });
    let answer = ann.send_json(Method::POST, "/api/posts", &body).await.expect_status(201);
    let post = answer.json();
    assert_eq!(answer.header("location"), path_of(&post));
    assert_eq!(post["author"]["id"], ann.id().await);
    assert_eq!(post["author"]["username"], "조아라");
    assert_eq!(post["title"], "비트코인 전망");
    assert_eq!(post["content"], "**오른다** $KRW-BTC #차트 @bo\n`#code`");
    assert_eq!((&post["tags"], &post["markets"]), (&json!(["btc", "차트"]), &json!(["KRW-BTC"])));
    assert_eq!(post["updated_at"], Value::Null);
    assert_eq!(read(&server, &post).await, post);

    let patch = json!({ "content": "떨어진다 #eth" });
    let edited = ann.patch(&path_of(&post), &patch).await.expect_status(200).json();
    assert_eq!((&edited["title"], &edited["content"]), (&post["title"], &patch["content"]));
    assert_eq!((&edited["tags"], &edited["markets"]), (&json!(["btc", "eth"]), &json!([])));
    assert!(edited["updated_at"].is_string());
    let edited = ann.patch(&path_of(&post), &json!({ "tags": null })).await.json();
    assert_eq!(edited["tags"], json!(["eth"]));

    ann.delete(&path_of(&post)).await.expect_status(204);
    server.get(&path_of(&post)).await.expect_problem(404, "not_found");
    assert!(titles(&server, "").await.is_empty());
}

#[tokio::test]
async fn defect_24_title_and_content_are_not_swapped_neither_on_write_nor_on_update_nor_in_the_list() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    let post = ann.post("the title", "the content").await;
    let patch = json!({ "title": "new title", "content": "new content" });
    ann.patch(&path_of(&post), &patch).await.expect_status(200);
    let list = server.get("/api/posts").await.json();
    for shown in [&read(&server, &post).await, &list["posts"][0]] {
        assert_eq!((&shown["title"], &shown["content"]), (&patch["title"], &patch["content"]));
    }
}

#[tokio::test]
async fn defect_25_an_edit_goes_by_the_path_and_changes_the_tags() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    let (first, second) = (ann.post("first", "#a").await, ann.post("second", "#b").await);
    let patch = json!({ "id": second["id"], "postId": second["id"], "content": "#c" });
    ann.patch(&path_of(&first), &patch).await.expect_status(200);
    assert_eq!(read(&server, &first).await["tags"], json!(["c"]));
    assert_eq!(read(&server, &second).await["tags"], json!(["b"]));
}

#[tokio::test]
async fn defect_25_and_39_a_list_of_fifty_posts_takes_as_many_statements_as_one_of_one() {
    let server = TestServer::without_prices(&[]).await;
    let people = [server.user("ann").await, server.user("bo").await, server.user("cho").await];
    for number in 0..50 {
        let author = &people[number % 3];
        let post = author.post(&format!("post {number}"), &format!("#tag{number} #all $KRW-BTC")).await;
        people[0].put(&format!("{}/like", path_of(&post))).await.expect_status(200);
        people[1].comment(&post, "comment").await;
    }
    let reader = &people[0];
    for other in &people[1..] {
        reader.follow(other).await;
    }
    let queries =
        ["sort=latest", "sort=popular", "tag=all", "market=KRW-BTC", "q=post", "tag=all&q=post&sort=popular"];
    let lists = queries
        .map(|query| format!("/api/posts?{query}"))
        .into_iter()
        .chain(["/api/timeline?sort=latest".to_owned(), "/api/timeline?sort=popular".to_owned()]);
    for list in lists {
        let one = statements(&server, reader, &format!("{list}&limit=1"), 1).await;
        let fifty = statements(&server, reader, &format!("{list}&limit=50"), 50).await;
        // The posts with their authors, their tags, their markets, the reader's likes.
        assert_eq!((one, fifty), (4, 4), "{list}");
    }
}

#[tokio::test]
async fn defect_26_the_list_has_an_order_and_pages_that_new_posts_do_not_shift() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    for number in 1..=5 {
        ann.post(&number.to_string(), "text").await;
    }
    for sort in ["latest", "popular"] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let query = format!("/api/posts?sort={sort}&limit=2{cursor}");
            let page = server.get(&query).await.expect_status(200).json();
            seen.extend(page["posts"].as_array().unwrap().iter().map(|post| post["title"].clone()));
            ann.post("arrives in between", "text").await;
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        let old: Vec<_> = seen.iter().filter(|title| *title != "arrives in between").collect();
        assert_eq!(old, ["5", "4", "3", "2", "1"], "{sort}");
    }
}

#[tokio::test]
async fn defect_27_a_post_needs_no_tags_and_mistakes_are_named_with_the_status_that_they_deserve() {
    let server = TestServer::without_prices(&[]).await;
    let (ann, bo) = (server.user("ann").await, server.user("bo").await);
    let post = ann.post("without tags", "text").await;
    let write = async |body: Value| ann.send_json(Method::POST, "/api/posts", &body).await;
    write(json!({})).await.expect_violations(&[("title", "required"), ("content", "required")]);
    let long = json!({ "title": "가".repeat(201), "content": "a".repeat(20_001), "tags": ["a b", "", "ok"] });
    write(long).await.expect_violations(&[
        ("title", "too_long"),
        ("content", "too_long"),
        ("tags[0]", "invalid"),
        ("tags[1]", "too_short"),
    ]);
    write(json!({ "title": "a\u{202e}b", "content": "\u{0}", "tags": vec!["a"; 11] }))
        .await
        .expect_violations(&[
            ("title", "control_character"),
            ("content", "control_character"),
            ("tags", "too_many"),
        ]);
    write(json!({ "title": 1, "content": "a" })).await.expect_violations(&[("title", "invalid")]);
    let patch = json!({ "title": null, "content": " " });
    ann.patch(&path_of(&post), &patch)
        .await
        .expect_violations(&[("title", "required"), ("content", "required")]);
    for (method, path) in [(Method::PATCH, path_of(&post)), (Method::DELETE, path_of(&post))] {
        bo.send_json(method, &path, &json!({ "title": "mine" })).await.expect_problem(403, "not_author");
    }
    server.post("/api/posts", &json!({})).await.expect_problem(401, "unauthenticated");
    for method in [Method::PATCH, Method::DELETE] {
        ann.send_json(method, "/api/posts/1", &json!({})).await.expect_problem(404, "not_found");
    }
    server.get("/api/posts/one").await.expect_problem(400, "invalid_path");
    ann.send(Method::POST, "/api/posts").await.expect_problem(415, "unsupported_media_type");
    ann.put("/api/posts").await.expect_problem(405, "method_not_allowed");
}

#[tokio::test]
async fn defect_28_likes_of_many_at_once_are_counted_exactly() {
    let server = TestServer::without_prices(&[]).await;
    let post = server.user("ann").await.post("liked", "text").await;
    let path = format!("{}/like", path_of(&post));
    let crowd = crowd(&server, 64).await;
    // Everybody likes it twice at once, and every second one thinks better of it, twice as well.
    let both = async |user: &User, method: Method| {
        tokio::join!(user.send(method.clone(), &path), user.send(method, &path));
    };
    let acts = crowd.iter().enumerate().map(async |(number, user)| {
        both(user, Method::PUT).await;
        if number % 2 == 0 {
            both(user, Method::DELETE).await;
        }
    });
    futures_util::future::join_all(acts).await;
    let mut rows = 0;
    for user in &crowd {
        let seen = user.get(&path_of(&post)).await.expect_status(200).json();
        rows += u64::from(seen["liked_by_me"].as_bool().unwrap());
        assert_eq!(seen["like_count"], 32);
    }
    assert_eq!(rows, 32);
}

#[tokio::test]
async fn defect_28_a_view_counts_once_per_viewer_however_often_and_at_once() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    let post = ann.post("seen", "text").await;
    let path = format!("{}/view", path_of(&post));
    let crowd = crowd(&server, 16).await;
    let looks = crowd.iter().flat_map(|user| std::iter::repeat_n(user, 4));
    futures_util::future::join_all(looks.map(async |user| {
        user.send(Method::POST, &path).await.expect_status(204);
        server.post(&path, &json!({})).await.expect_status(204);
    }))
    .await;
    // Sixteen people, and one address.
    assert_eq!(read(&server, &post).await["view_count"], 17);
    server.post("/api/posts/1/view", &json!({})).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn defect_12_views_from_one_address_are_limited() {
    let server = TestServer::without_prices(&[]).await;
    let post = server.user("ann").await.post("seen", "text").await;
    let path = format!("{}/view", path_of(&post));
    // More than the burst, because the limit gives some back while the test runs.
    let mut counted = 0;
    let refused = loop {
        let answer = server.post(&path, &json!({})).await;
        if answer.status != 204 || counted == 2000 {
            break answer;
        }
        counted += 1;
    };
    assert!(counted >= 240, "{counted}");
    assert!(!refused.header("retry-after").is_empty());
    refused.expect_problem(429, "rate_limited");
}

#[tokio::test]
async fn defect_22_posts_and_comments_show_who_wrote_them_as_she_is_now() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    let post = ann.post("post", "text").await;
    ann.comment(&post, "comment").await;
    let authors = async || {
        let comments = server.get(&format!("{}/comments", path_of(&post))).await.expect_status(200).json();
        [read(&server, &post).await["author"].clone(), comments["comments"][0]["author"].clone()]
    };
    ann.patch("/api/users/me", &json!({ "username": "Ann Lee" })).await.expect_status(200);
    assert!(authors().await.iter().all(|author| author["username"] == "Ann Lee"));
    ann.send_json(Method::DELETE, "/api/users/me", &json!({ "password": User::password("ann") }))
        .await
        .expect_status(204);
    for author in authors().await {
        assert_eq!((&author["username"], &author["deleted"]), (&Value::Null, &json!(true)));
    }
}

#[tokio::test]
async fn defect_29_nobody_can_set_a_count() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    let body = json!({ "title": "a", "content": "b", "like_count": 9, "comment_count": 9, "view_count": 9 });
    let post = ann.send_json(Method::POST, "/api/posts", &body).await.expect_status(201).json();
    ann.patch(&path_of(&post), &body).await.expect_status(200);
    let found = read(&server, &post).await;
    for count in ["like_count", "comment_count", "view_count"] {
        assert_eq!(found[count], 0, "{count}");
    }
    let path = format!("{}/comments/count?increment=true", path_of(&post));
    ann.send(Method::POST, &path).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn defect_30_a_long_post_is_kept_whole_and_a_deleted_one_leaves_nothing_behind() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    // The longest there is, in the longest spelling that JSON has for it.
    let escaped = "\\ud83d\\udc4d".repeat(20_000);
    let body = format!("{{\"title\":\"long\",\"content\":\"{escaped}\",\"tags\":[\"long\"]}}");
    let request = server.request(Method::POST, "/api/posts").bearer_auth(&ann.access_token);
    let request = request.header("content-type", "application/json").body(body);
    let post = crate::harness::Answer::of(request).await.expect_status(201).json();
    assert_eq!(read(&server, &post).await["content"], "👍".repeat(20_000));
    let listed = server.get("/api/posts").await.json();
    assert_eq!(listed["posts"][0]["content"], "👍".repeat(1_000));
    assert_eq!(listed["posts"][0]["truncated"], true);
    let comment = ann.comment(&post, "comment").await;
    let tags = async || server.get("/api/tags").await.expect_status(200).json()["tags"].clone();
    assert_eq!(tags().await, json!([{ "name": "long", "post_count": 1 }]));
    ann.delete(&path_of(&post)).await.expect_status(204);
    assert_eq!(tags().await, json!([]));
    let path = format!("/api/comments/{}/replies", comment["id"].as_str().unwrap());
    server.get(&path).await.expect_problem(404, "not_found");
    server.get(&format!("{}/comments", path_of(&post))).await.expect_problem(404, "not_found");
    assert!(titles(&server, "q=long").await.is_empty());
}

#[tokio::test]
async fn posts_are_found_by_author_tag_market_and_words() {
    let server = TestServer::without_prices(&[]).await;
    let (ann, bo) = (server.user("ann").await, server.user("bo").await);
    ann.post("1", "비트코인이 오른다 $KRW-BTC #차트").await;
    bo.post("2", "이더리움 $KRW-ETH #차트").await;
    bo.post("3", "비트 NEAR \"quoted\"").await;
    let author = format!("author={}", bo.id().await);
    for (query, found) in [
        (author.as_str(), vec!["3", "2"]),
        ("tag=차트", vec!["2", "1"]),
        ("tag=%23%EC%B0%A8%ED%8A%B8&market=KRW-BTC", vec!["1"]),
        ("market=KRW-ETH", vec!["2"]),
        ("q=비트", vec!["3", "1"]),
        ("q=코인", vec!["1"]),
        ("q=near%20\"quoted", vec!["3"]),
        ("q=near*%20OR%20NOT%20(", vec![]),
        ("author=1", vec![]),
    ] {
        assert_eq!(titles(&server, query).await, found, "{query}");
    }
    let query = "tag=a%20b&market=btc&q=%22&cursor=x&limit=0";
    server.get(&format!("/api/posts?{query}")).await.expect_violations(&[
        ("tag", "invalid"),
        ("market", "invalid"),
        ("q", "required"),
        ("cursor", "invalid"),
        ("limit", "out_of_range"),
    ]);
    for (query, field) in [("sort=random", "sort"), ("author=ann", "author"), ("limit=many", "limit")] {
        server.get(&format!("/api/posts?{query}")).await.expect_violations(&[(field, "invalid")]);
    }
    let tags = server.get("/api/tags?q=차").await.expect_status(200).json();
    assert_eq!(tags, json!({ "tags": [{ "name": "차트", "post_count": 2 }] }));
    server
        .get("/api/tags?q=%27%20or&limit=101")
        .await
        .expect_violations(&[("q", "invalid"), ("limit", "out_of_range")]);
}

#[tokio::test]
async fn a_post_that_is_sent_twice_under_one_key_is_made_once() {
    let server = TestServer::without_prices(&[]).await;
    let (ann, bo) = (server.user("ann").await, server.user("bo").await);
    let body = json!({ "title": "once", "content": "text" });
    let sends = (0..8).map(|_| ann.send_once("/api/posts", "\"8e03978e\"", &body));
    let answers = futures_util::future::join_all(sends).await;
    assert_eq!(answers.iter().filter(|answer| answer.header("idempotency-replayed") == "true").count(), 7);
    for answer in &answers {
        assert_eq!((answer.status, &answer.body), (201, &answers[0].body));
        assert_eq!(answer.header("location"), answers[0].header("location"));
    }
    assert_eq!(titles(&server, "").await, ["once"]);
    let other = json!({ "title": "another", "content": "text" });
    ann.send_once("/api/posts", "8e03978e", &other).await.expect_problem(422, "idempotency_key_reused");
    bo.send_once("/api/posts", "8e03978e", &body).await.expect_status(201);
    // The same text below two posts is two requests.
    let post = answers[0].json();
    let comments = format!("{}/comments", path_of(&post));
    let body = json!({ "content": "text" });
    ann.send_once(&comments, "8e03978e", &body).await.expect_problem(422, "idempotency_key_reused");
    let first = ann.send_once(&comments, "another", &body).await.expect_status(201);
    let again = ann.send_once(&comments, "another", &body).await.expect_status(201);
    assert_eq!((first.body, again.header("idempotency-replayed")), (again.body.clone(), "true"));
    for bad in ["", "\"\"", &"x".repeat(129)] {
        ann.send_once("/api/posts", bad, &body).await.expect_problem(400, "invalid_idempotency_key");
    }
    // What was refused can be corrected under the same key.
    ann.send_once("/api/posts", "corrected", &json!({})).await.expect_problem(422, "validation_failed");
    ann.send_once("/api/posts", "corrected", &other).await.expect_status(201);
}

#[tokio::test]
async fn administrators_delete_anybodys_post_and_edit_nobodys() {
    let server = TestServer::without_prices(&[]).await;
    let (ann, post) = (server.user("ann").await, server.user("bo").await.post("bo's", "text").await);
    let boss = server.promoted("boss", Role::Admin).await;
    let patch = json!({ "title": "changed" });
    boss.patch(&path_of(&post), &patch).await.expect_problem(403, "not_author");
    ann.delete(&path_of(&post)).await.expect_problem(403, "not_author");
    boss.delete(&path_of(&post)).await.expect_status(204);
    assert_eq!(titles(&server, "").await.into_iter().collect::<HashSet<_>>().len(), 0);
}

/// So many people.
pub(crate) async fn crowd(server: &TestServer, count: usize) -> Vec<User> {
    let mut crowd = Vec::with_capacity(count);
    for number in 0..count {
        crowd.push(server.user(&format!("user{number}")).await);
    }
    crowd
}
