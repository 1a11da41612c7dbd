//! Profiles: what people tell of themselves, who sees it, and how they are found. Names that begin with `defect_` say
//! which defect of the system before this one is excluded.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, TestServer};

const ROOM: &str = "KRW-BTC";

/// What the views of people are called, of a page of them.
fn names(page: &Value) -> Vec<&str> {
    page["users"].as_array().unwrap().iter().map(|user| user["username"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_newcomer_has_told_nothing_and_shows_nothing() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    let me = ann.me().await.expect_status(200).json();
    let private = json!({ "birth_year": "private", "region": "private", "interests": "private" });
    assert_eq!((&me["visibility"], &me["interests"]), (&private, &json!([])));
    assert_eq!(
        (&me["birth_year"], &me["profile_url"], &me["intro"]),
        (&json!(null), &json!(null), &json!(null))
    );
    assert_eq!((&me["follower_count"], &me["following_count"]), (&json!(0), &json!(0)));
}

#[tokio::test]
async fn a_profile_changes_where_it_is_told_to() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    let all = json!({
        "username": "앤 리", "intro": " 코인 3년차 ", "birth_year": 1990, "region": "KR-11",
        "interests": ["비트코인", "chess", "chess"], "visibility": { "region": "public" },
    });
    let changed = ann.patch("/api/users/me", &all).await.expect_status(200).json();
    assert_eq!((&changed["username"], &changed["intro"]), (&json!("앤 리"), &json!("코인 3년차")));
    assert_eq!(changed["interests"], json!(["비트코인", "chess"]));
    assert_eq!(changed, ann.me().await.json());

    let part =
        ann.patch("/api/users/me", &json!({ "intro": null, "region": "" })).await.expect_status(200).json();
    assert_eq!((&part["intro"], &part["region"]), (&json!(null), &json!(null)));
    assert_eq!((&part["username"], &part["birth_year"]), (&json!("앤 리"), &json!(1990)));
    assert_eq!(part["visibility"]["region"], "public");
    let none = ann.patch("/api/users/me", &json!({})).await.expect_status(200).json();
    assert_eq!(none, part);
    let hidden = ann.patch("/api/users/me", &json!({ "visibility": null })).await.json();
    assert_eq!(hidden["visibility"]["region"], "private");
}

#[tokio::test]
async fn others_see_only_what_is_public() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    let bob = server.user("bob").await;
    let path = format!("/api/users/{}", ann.id().await);
    let told = json!({ "birth_year": 1990, "region": "KR", "interests": ["chess"] });
    ann.patch("/api/users/me", &told).await.expect_status(200);
    for answer in [server.get(&path).await, bob.get(&path).await, ann.get(&path).await] {
        let seen = answer.expect_status(200).json();
        assert_eq!(seen["birth_year"], json!(null));
        assert_eq!((&seen["region"], &seen["interests"]), (&json!(null), &json!(null)));
        assert!(
            seen.get("email").is_none() && seen.get("role").is_none() && seen.get("visibility").is_none()
        );
    }
    let visibility = json!({ "visibility": { "region": "public", "interests": "public" } });
    ann.patch("/api/users/me", &visibility).await.expect_status(200);
    let seen = server.get(&path).await.json();
    assert_eq!((&seen["region"], &seen["interests"]), (&json!("KR"), &json!(["chess"])));
    assert_eq!(seen["birth_year"], json!(null));
}

#[tokio::test]
async fn defect_14_one_changes_nobody_but_oneself() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    let bob = server.user("bob").await;
    let id = bob.id().await;
    let evil =
        json!({ "intro": "hacked", "id": id, "user_id": id, "email": "x@example.com", "role": "admin" });
    ann.patch(&format!("/api/users/{id}"), &evil).await.expect_problem(405, "method_not_allowed");
    let me = ann.patch("/api/users/me", &evil).await.expect_status(200).json();
    assert_eq!((&me["email"], &me["role"]), (&json!("ann@example.com"), &json!("user")));
    assert_eq!(bob.me().await.json()["intro"], json!(null));
    let nobody = server.request(Method::PATCH, "/api/users/me").json(&evil);
    Answer::of(nobody).await.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn defect_15_every_bad_field_of_a_profile_is_named_at_once() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    let before = ann.me().await.json();
    let wrong = json!({
        "username": "a", "intro": "x".repeat(201), "birth_year": 2999, "region": "Seoul",
        "interests": ["ok", "", 5, "a\u{200b}b"], "visibility": { "region": "friends", "birth_year": "public" },
    });
    ann.patch("/api/users/me", &wrong).await.expect_violations(&[
        ("username", "too_short"),
        ("intro", "too_long"),
        ("birth_year", "out_of_range"),
        ("region", "invalid"),
        ("interests[1]", "too_short"),
        ("interests[2]", "invalid"),
        ("interests[3]", "invisible_character"),
        ("visibility.region", "invalid"),
    ]);
    let types = json!({
        "username": null, "intro": 5, "birth_year": 1990.5, "region": ["KR"], "interests": "chess", "visibility": 1,
    });
    ann.patch("/api/users/me", &types).await.expect_violations(&[
        ("username", "invalid"),
        ("intro", "invalid"),
        ("birth_year", "invalid"),
        ("region", "invalid"),
        ("interests", "invalid"),
        ("visibility", "invalid"),
    ]);
    let many = json!({ "interests": (0..11).map(|n| n.to_string()).collect::<Vec<_>>() });
    ann.patch("/api/users/me", &many).await.expect_violations(&[("interests", "too_many")]);
    for body in [json!([]), json!("x"), json!(null)] {
        ann.patch("/api/users/me", &body).await.expect_problem(422, "validation_failed");
    }
    assert_eq!(ann.me().await.json(), before);
}

#[tokio::test]
async fn defect_16_a_taken_name_is_409_and_nothing_else_changes() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    let _bob = server.user("bob").await;
    let body = json!({ "username": "BOB", "intro": "I am Bob" });
    let problem = ann.patch("/api/users/me", &body).await.expect_problem(409, "taken");
    assert_eq!(problem["errors"][0]["field"], "username");
    assert_eq!(ann.me().await.json()["intro"], json!(null));
    ann.patch("/api/users/me", &json!({ "username": "Ann" })).await.expect_status(200);
}

#[tokio::test]
async fn defect_17_what_is_wrong_with_a_request_for_people_is_said() {
    let server = TestServer::without_prices(&[]).await;
    server.get("/api/users/1").await.expect_problem(404, "not_found");
    server.get("/api/users/x").await.expect_problem(400, "invalid_path");
    server.get("/api/users/99999999999999999999").await.expect_problem(400, "invalid_path");
    server.get("/api/users").await.expect_violations(&[("q", "required")]);
    server.get("/api/users?q=%20").await.expect_violations(&[("q", "required")]);
    let long = format!("/api/users?q={}&limit=201&cursor=*", "x".repeat(21));
    server.get(&long).await.expect_violations(&[
        ("q", "too_long"),
        ("limit", "out_of_range"),
        ("cursor", "invalid"),
    ]);
    server.get("/api/users?q=a&limit=0").await.expect_violations(&[("limit", "out_of_range")]);
    server.get("/api/users?q=a&limit=x").await.expect_problem(422, "validation_failed");
    server.get("/api/users?q=a&cursor=AAAA").await.expect_violations(&[("cursor", "invalid")]);
}

#[tokio::test]
async fn defect_22_a_changed_name_shows_at_the_next_connect_though_the_token_is_older() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    let phone = server.log_in("ann").await;
    // Both logins are known by the old name.
    assert_eq!(phone.me().await.json()["username"], "ann");
    ann.patch("/api/users/me", &json!({ "username": "Anna" })).await.expect_status(200);
    for login in [&ann, &phone] {
        let mut socket = login.enter(ROOM).await;
        socket.say("who am I?").await;
        assert_eq!(socket.next_message().await["sender"]["name"], "Anna");
    }
    let path = format!("/api/users/{}", ann.id().await);
    assert_eq!(server.get(&path).await.json()["username"], "Anna");
}

#[tokio::test]
async fn people_are_found_by_any_part_of_their_name() {
    let server = TestServer::without_prices(&[]).await;
    for name in ["kim", "akim", "bo"] {
        server.user(name).await;
    }
    let kim = server.log_in("kim").await;
    kim.patch("/api/users/me", &json!({ "username": "김철수" })).await.expect_status(200);
    let akim = server.log_in("akim").await;
    akim.patch("/api/users/me", &json!({ "username": "박김" })).await.expect_status(200);
    for text in ["김", "%EA%B9%80"] {
        let page = server.get(&format!("/api/users?q={text}")).await.expect_status(200).json();
        assert_eq!((names(&page), &page["next_cursor"]), (vec!["김철수", "박김"], &json!(null)));
        assert!(page["users"][0].get("followed_by_me").is_none());
    }
    let first = server.get("/api/users?q=김&limit=1").await.json();
    assert_eq!(names(&first), ["김철수"]);
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = akim.get(&format!("/api/users?q=김&limit=1&cursor={cursor}")).await.json();
    assert_eq!((names(&second), &second["next_cursor"]), (vec!["박김"], &json!(null)));
    assert_eq!(second["users"][0]["followed_by_me"], false);
    assert_eq!(names(&server.get("/api/users?q=BO").await.json()), ["bo"]);
    assert_eq!(names(&server.get("/api/users?q=%25").await.json()), [""; 0]);
}
