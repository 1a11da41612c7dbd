//! Who follows whom.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, TestServer, User, statements};

async fn follow(who: &User, id: &str) -> Answer {
    who.put(&format!("/api/users/{id}/follow")).await
}

async fn unfollow(who: &User, id: &str) -> Answer {
    who.delete(&format!("/api/users/{id}/follow")).await
}

/// How many follow somebody, and how many she follows.
async fn counts(server: &TestServer, id: &str) -> (u64, u64) {
    let user = server.get(&format!("/api/users/{id}")).await.expect_status(200).json();
    (user["follower_count"].as_u64().unwrap(), user["following_count"].as_u64().unwrap())
}

/// The names in a list, read page by page.
async fn list(server: &TestServer, path: &str, limit: u64) -> Vec<String> {
    let mut names = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = server.get(&format!("{path}?limit={limit}{cursor}")).await.expect_status(200).json();
        names.extend(
            page["users"].as_array().unwrap().iter().map(|u| u["username"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next_cursor"].as_str() else { return names };
        cursor = format!("&cursor={next}");
    }
}

#[tokio::test]
async fn following_again_and_ending_again_change_nothing() {
    let server = TestServer::without_prices(&[]).await;
    let (ann, bob) = (server.user("ann").await, server.user("bob").await);
    let id = bob.id().await;
    for _ in 0..2 {
        assert!(follow(&ann, &id).await.expect_status(204).body.is_empty());
        assert_eq!(counts(&server, &id).await, (1, 0));
    }
    let path = format!("/api/users/{id}");
    assert_eq!(ann.get(&path).await.json()["followed_by_me"], true);
    assert_eq!(bob.get(&path).await.json()["followed_by_me"], false);
    assert!(server.get(&path).await.json().get("followed_by_me").is_none());
    assert_eq!(ann.me().await.json()["following_count"], 1);
    for _ in 0..2 {
        unfollow(&ann, &id).await.expect_status(204);
        assert_eq!(counts(&server, &id).await, (0, 0));
    }
}

#[tokio::test]
async fn nobody_follows_oneself_or_a_stranger() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    let id = ann.id().await;
    follow(&ann, &id).await.expect_problem(422, "cannot_follow_oneself");
    follow(&ann, "1").await.expect_problem(404, "not_found");
    unfollow(&ann, "1").await.expect_problem(404, "not_found");
    follow(&ann, "x").await.expect_problem(400, "invalid_path");
    let nobody = server.request(Method::PUT, &format!("/api/users/{id}/follow"));
    Answer::of(nobody).await.expect_problem(401, "unauthenticated");
    for list in ["followers", "following"] {
        server.get(&format!("/api/users/1/{list}")).await.expect_problem(404, "not_found");
        let path = format!("/api/users/{id}/{list}?limit=0&cursor=x");
        server.get(&path).await.expect_violations(&[("limit", "out_of_range"), ("cursor", "invalid")]);
    }
}

#[tokio::test]
async fn lists_come_newest_first_and_page_by_page() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    let id = ann.id().await;
    for name in ["u1", "u2", "u3", "u4"] {
        let reader = server.user(name).await;
        follow(&reader, &id).await.expect_status(204);
        follow(&ann, &reader.id().await).await.expect_status(204);
    }
    for limit in 1..=5 {
        for path in ["followers", "following"] {
            let names = list(&server, &format!("/api/users/{id}/{path}"), limit).await;
            assert_eq!(names, ["u4", "u3", "u2", "u1"], "{path} by {limit}");
        }
    }
    unfollow(&ann, &server.log_in("u2").await.id().await).await.expect_status(204);
    let page = ann.get(&format!("/api/users/{id}/followers")).await.json();
    let followed: Vec<&Value> =
        page["users"].as_array().unwrap().iter().map(|user| &user["followed_by_me"]).collect();
    assert_eq!(followed, [&json!(true), &json!(true), &json!(false), &json!(true)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_20_counters_are_the_rows_after_64_followed_and_unfollowed_at_once() {
    let server = TestServer::without_prices(&[]).await;
    let star = server.user("star").await;
    let id = star.id().await;
    let mut readers = Vec::new();
    for n in 0..8 {
        readers.push(server.user(&format!("reader{n}")).await);
    }
    // Each of the eight asks eight times at once, and the outcome of each is decided by nobody.
    let wishes = (0..64).map(|n: usize| {
        let (reader, id) = (&readers[n % 8], &id);
        async move {
            let answer = if n / 8 % 3 == 2 { unfollow(reader, id).await } else { follow(reader, id).await };
            answer.expect_status(204);
        }
    });
    join_all(wishes).await;
    let path = format!("/api/users/{id}/followers");
    let rows = list(&server, &path, 100).await;
    assert_eq!(counts(&server, &id).await, (rows.len().try_into().unwrap(), 0));
    for reader in &readers {
        let mine = reader.id().await;
        let following = list(&server, &format!("/api/users/{mine}/following"), 100).await;
        assert_eq!(counts(&server, &mine).await, (0, following.len().try_into().unwrap()));
        assert_eq!(rows.contains(&reader.name), following == ["star"]);
    }
}

#[tokio::test]
async fn defect_39_lists_of_people_take_as_many_statements_for_fifty_as_for_one() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    let id = ann.id().await;
    for number in 0..50 {
        let person = &server.user(&format!("person{number}")).await;
        follow(person, &id).await.expect_status(204);
        follow(&ann, &person.id().await).await.expect_status(204);
    }
    let lists = ["followers", "following"].map(|list| format!("/api/users/{id}/{list}?"));
    for list in lists {
        let one = statements(&server, &ann, &format!("{list}&limit=1"), 1).await;
        let fifty = statements(&server, &ann, &format!("{list}&limit=50"), 50).await;
        assert_eq!((one, fifty), (1, 1), "{list}");
    }
    // First those whose name begins so; if they do not fill the page, those in whose name it stands elsewhere.
    for (part, expected) in [("person", 2), ("erson", 2), ("p", 2)] {
        let search = format!("/api/users?q={part}&limit=50");
        assert_eq!(statements(&server, &ann, &search, 50).await, expected, "{part}");
    }
}
