//! Who may do what: administrators and everybody else, those who guess, those who change too much at once.

use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};
use tickroom_storage::{
    account::Accounts,
    user::{Role, Users},
};

use super::harness::{Answer, PASSWORD, TestServer, email};

/// Somebody with a login of an administrator.
async fn admin(server: &TestServer, name: &str) -> Answer {
    server.register(name).await;
    let user = Users::new(server.database.clone()).by_email(&email(name).parse().unwrap()).await.unwrap();
    let accounts = Accounts::new(server.database.clone());
    accounts.set_role(user.unwrap().id, Role::Admin, server.now()).await.unwrap();
    server.login(name).await
}

async fn id(server: &TestServer, login: &Answer) -> String {
    server.get("/api/users/me").bearer(login.text("access_token")).send().await.text("id").to_owned()
}

async fn wrong(server: &TestServer, name: &str, peer: &str) -> Answer {
    let body = json!({"email": email(name), "password": "a wrong one"});
    server.post("/api/auth/login").peer(peer).json(&body).send().await
}

async fn right(server: &TestServer, name: &str, peer: &str) -> Answer {
    let body = json!({"email": email(name), "password": PASSWORD});
    server.post("/api/auth/login").peer(peer).json(&body).send().await
}

#[tokio::test]
async fn what_is_for_administrators_is_for_no_one_else() {
    let server = TestServer::start().await;
    let (root, ann) = (admin(&server, "root").await, server.user("ann").await);
    let bob = server.register("bob").await;
    let bob_id = bob.text("id");
    let calls: [(Method, String, Value); 4] = [
        (Method::GET, "/api/admin/users".into(), Value::Null),
        (Method::PUT, format!("/api/admin/users/{bob_id}/role"), json!({"role": "user"})),
        (Method::PUT, format!("/api/admin/users/{bob_id}/suspension"), Value::Null),
        (Method::DELETE, format!("/api/admin/users/{bob_id}/suspension"), Value::Null),
    ];
    for (method, path, body) in calls {
        let call = || server.post(&path).method(method.clone()).json(&body);
        assert_eq!(call().send().await.verdict(), (401, "unauthenticated"), "{path}");
        let refused = call().bearer(ann.text("access_token")).send().await;
        assert_eq!(refused.verdict(), (403, "forbidden"), "{path}");
        assert!(call().bearer(root.text("access_token")).send().await.status.is_success(), "{path}");
    }
}

#[tokio::test]
async fn a_gateway_makes_nobody_an_administrator() {
    let server = TestServer::start_with(|config| {
        config.server.identity_gateways = vec!["10.0.0.0/8".parse().unwrap()];
    })
    .await;
    let root = admin(&server, "root").await;
    let root_id = id(&server, &root).await;
    let call = server.get("/api/admin/users").header("x-claim-userid", &root_id).peer("10.0.0.1");
    assert_eq!(call.send().await.verdict(), (403, "insufficient_scope"));
}

#[tokio::test]
async fn a_new_administrator_is_one_from_the_next_token_on() {
    let server = TestServer::start().await;
    let (root, ann) = (admin(&server, "root").await, server.user("ann").await);
    let role = format!("/api/admin/users/{}/role", id(&server, &ann).await);
    let set = |role_body: &str| {
        let call = server.post(&role).method(Method::PUT).bearer(root.text("access_token"));
        call.json(&json!({ "role": role_body })).send()
    };
    assert_eq!(set("admin").await.status, 204);
    let list = |token: &str| server.get("/api/admin/users").bearer(token).send();
    assert_eq!(list(ann.text("access_token")).await.status, 403);
    let next = server.refresh(ann.text("refresh_token")).await;
    assert_eq!(list(next.text("access_token")).await.status, 200);

    assert!(server.revoked().is_empty());
    assert_eq!(set("user").await.status, 204);
    assert_eq!(server.revoked().len(), 1, "her sockets are told");
    assert_eq!(list(next.text("access_token")).await.verdict(), (401, "token_revoked"));
    assert_eq!(server.refresh(next.text("refresh_token")).await.status, 401);
    assert_eq!(set("owner").await.refused(), [("role", "invalid")]);
}

#[tokio::test]
async fn administrators_do_not_lock_themselves_out() {
    let server = TestServer::start().await;
    let root = admin(&server, "root").await;
    let own = id(&server, &root).await;
    for (path, body) in [("role", json!({"role": "user"})), ("suspension", Value::Null)] {
        let path = format!("/api/admin/users/{own}/{path}");
        let call = server.post(&path).method(Method::PUT).bearer(root.text("access_token")).json(&body);
        assert_eq!(call.send().await.verdict(), (409, "own_account"));
    }
}

#[tokio::test]
async fn nobody_can_be_suspended_who_is_not_there() {
    let server = TestServer::start().await;
    let root = admin(&server, "root").await;
    for (method, path) in [
        (Method::PUT, "/api/admin/users/1/suspension"),
        (Method::DELETE, "/api/admin/users/1/suspension"),
        (Method::PUT, "/api/admin/users/1/role"),
    ] {
        let call = server.post(path).method(method).bearer(root.text("access_token"));
        assert_eq!(call.json(&json!({"role": "user"})).send().await.verdict(), (404, "not_found"));
    }
}

#[tokio::test]
async fn the_suspended_are_told_so_only_with_the_right_password() {
    let server = TestServer::start().await;
    let (root, ann) = (admin(&server, "root").await, server.user("ann").await);
    let path = format!("/api/admin/users/{}/suspension", id(&server, &ann).await);
    let set = |method: Method| server.post(&path).method(method).bearer(root.text("access_token")).send();
    assert_eq!(set(Method::PUT).await.status, 204);
    assert_eq!(
        server.get("/probe").bearer(ann.text("access_token")).send().await.verdict().1,
        "token_revoked"
    );
    assert_eq!(server.refresh(ann.text("refresh_token")).await.verdict().1, "token_revoked");
    assert_eq!(server.login("ann").await.verdict(), (403, "account_suspended"));
    assert_eq!(wrong(&server, "ann", "192.0.2.1").await.verdict(), (401, "invalid_credentials"));
    assert_eq!(set(Method::DELETE).await.status, 204);
    assert_eq!(server.login("ann").await.status, 200);
}

#[tokio::test]
async fn administrators_find_people_by_part_of_name_or_address() {
    let server = TestServer::start().await;
    let root = admin(&server, "root").await;
    for name in ["ann", "joanne", "bob"] {
        server.register(name).await;
    }
    let list =
        |query: &str| server.get(&format!("/api/admin/users{query}")).bearer(root.text("access_token"));
    let found = list("?q=ANN").send().await;
    let names: Vec<_> =
        found.body["users"].as_array().unwrap().iter().map(|user| &user["username"]).collect();
    assert_eq!(names, ["joanne", "ann"]);
    assert_eq!(found.body["users"][1]["email"], "ann@example.com");
    assert!(!found.body.to_string().contains("argon2"));

    let first = list("?limit=3").send().await;
    let next = list(&format!("?limit=3&cursor={}", first.text("next_cursor"))).send().await;
    assert_eq!(next.body["users"].as_array().unwrap().len(), 1);
    assert!(next.body.get("next_cursor").is_none());
    assert_eq!(list("?limit=0").send().await.refused(), [("limit", "out_of_range")]);
    let long = format!("?q={}", "x".repeat(255));
    assert_eq!(list(&long).send().await.refused(), [("q", "too_long")]);
}

#[tokio::test]
async fn defect_12_a_guesser_waits_longer_each_time_and_a_right_password_ends_it() {
    let server = TestServer::start().await;
    server.register("ann").await;
    for _free in 0..5 {
        assert_eq!(wrong(&server, "ann", "192.0.2.1").await.status, 401);
    }
    let mut waits = Vec::new();
    for _more in 0..3 {
        let waiting = right(&server, "ann", "192.0.2.1").await;
        assert_eq!(waiting.verdict(), (429, "rate_limited"), "even the right one has to wait");
        let wait = waiting.header("retry-after").parse().unwrap();
        waits.push(wait);
        server.advance(Duration::from_secs(wait));
        assert_eq!(wrong(&server, "ann", "192.0.2.1").await.status, 401);
    }
    assert_eq!(waits, [1, 2, 4]);
    assert_eq!(right(&server, "ann", "192.0.2.2").await.status, 200, "the owner is somewhere else");
    server.advance(Duration::from_secs(8));
    assert_eq!(right(&server, "ann", "192.0.2.1").await.status, 200);
    assert_eq!(wrong(&server, "ann", "192.0.2.1").await.status, 401);
    assert_eq!(right(&server, "ann", "192.0.2.1").await.status, 200);
}

#[tokio::test]
async fn many_guessers_do_not_lock_the_owner_out() {
    let server = TestServer::start().await;
    server.register("ann").await;
    assert_eq!(right(&server, "ann", "192.0.2.1").await.status, 200);
    for n in 0..56 {
        server.advance(Duration::from_secs(60));
        wrong(&server, "ann", &format!("198.51.100.{n}")).await;
    }
    let stranger = right(&server, "ann", "203.0.113.1").await;
    assert_eq!(stranger.verdict(), (429, "rate_limited"));
    assert_eq!(right(&server, "ann", "192.0.2.1").await.status, 200, "she has been here before");
    for n in 0..56 {
        server.advance(Duration::from_secs(60));
        wrong(&server, "nobody", &format!("198.51.100.{n}")).await;
    }
    let unknown = right(&server, "nobody", "203.0.113.1").await;
    assert_eq!(unknown.verdict(), (429, "rate_limited"), "an address without an account is no different");
}

#[tokio::test]
async fn defect_12_changes_of_one_user_are_limited_and_reading_is_not() {
    let server =
        TestServer::start_with(|config| config.server.writes_per_minute = 2.try_into().unwrap()).await;
    let (ann, bob) = (server.user("ann").await, server.user("bob").await);
    let write = |login: &Answer| server.post("/probe").bearer(login.text("access_token")).send();
    assert_eq!(write(&ann).await.status, 200);
    assert_eq!(write(&ann).await.status, 200);
    let refused = write(&ann).await;
    assert_eq!(refused.verdict(), (429, "rate_limited"));
    assert!((1..=60).contains(&refused.header("retry-after").parse().unwrap()));
    assert_eq!(server.get("/probe").bearer(ann.text("access_token")).send().await.status, 200);
    assert_eq!(write(&bob).await.status, 200);
    let logout = server.post("/api/auth/logout").bearer(ann.text("access_token")).send().await;
    assert_eq!(logout.status, 204, "one can always leave");
}

#[tokio::test]
async fn defect_12_refreshing_is_limited_by_address_on_the_way_too() {
    let server =
        TestServer::start_with(|config| config.auth.refreshes_per_minute = 2.try_into().unwrap()).await;
    let login = server.user("ann").await;
    for status in [401, 401, 429] {
        assert_eq!(server.refresh("nonsense").await.status, status);
    }
    let call = server.get("/probe").header("cookie", "REFRESH_TOKEN=nonsense").send().await;
    assert_eq!(call.verdict(), (429, "rate_limited"));
    assert!(call.set_cookies().is_empty(), "nobody is logged out by a limit");
    let elsewhere = json!({"refresh_token": login.text("refresh_token")});
    let call = server.post("/api/auth/refresh").peer("192.0.2.2").json(&elsewhere);
    assert_eq!(call.send().await.status, 200);
}
