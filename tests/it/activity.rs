//! What people did, as they themselves can look back at it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{TestServer, User, eventually};

async fn kinds(user: &User) -> Vec<String> {
    let page = user.get("/api/activity").await.expect_status(200).json();
    let rows = page["activities"].as_array().unwrap().iter();
    rows.map(|row| row["kind"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn one_sees_what_one_did_and_nobody_else_does() {
    let server = TestServer::without_prices(&[]).await;
    let (ann, bo) = (server.user("ann").await, server.user("bo").await);
    bo.follow(&ann).await;
    let post = ann.post("a title", "text").await;
    let comment = bo.comment(&post, "well").await;
    let like = format!("/api/posts/{}/like", post["id"].as_str().unwrap());
    for method in [Method::PUT, Method::PUT, Method::DELETE] {
        bo.send(method, &like).await;
    }
    let expected = ["post_unliked", "post_liked", "comment_created", "user_followed"];
    eventually("bo's activity", async || kinds(&bo).await == expected).await;
    eventually("ann's activity", async || kinds(&ann).await == ["post_created"]).await;
    server.get("/api/activity").await.expect_problem(401, "unauthenticated");

    let page = bo.get("/api/activity?limit=3").await.json();
    assert_eq!(page["activities"][2]["details"]["comment"], comment["id"]);
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = bo.get(&format!("/api/activity?cursor={cursor}")).await.json();
    assert_eq!(rest["activities"][0]["details"], json!({ "user": ann.id().await }));
    assert_eq!(rest["next_cursor"], Value::Null);
}
