//! What one does to one's own account: another password, an end of logins, an end of it all.

use axum::http::Method;
use serde_json::json;

use super::harness::{Answer, PASSWORD, TestServer, email};

const NEW: &str = "battery staple";

fn change<'a>(server: &'a TestServer, login: &Answer, current: &str, new: &str) -> super::harness::Call<'a> {
    let call = server.post("/api/users/me/password").method(Method::PUT).bearer(login.text("access_token"));
    call.json(&json!({"current_password": current, "new_password": new}))
}

#[tokio::test]
async fn defect_05_a_new_password_ends_all_other_logins() {
    let server = TestServer::start().await;
    let (desk, phone) = (server.user("ann").await, server.login("ann").await);
    assert_eq!(change(&server, &desk, PASSWORD, NEW).send().await.status, 204);
    assert_eq!(server.get("/probe").bearer(desk.text("access_token")).send().await.status, 200);
    let ended = server.get("/probe").bearer(phone.text("access_token")).send().await;
    assert_eq!(ended.verdict(), (401, "token_revoked"));
    assert_eq!(server.refresh(phone.text("refresh_token")).await.verdict(), (401, "token_revoked"));
    assert_eq!(server.revoked().len(), 1, "its sockets are told");
    assert_eq!(server.login("ann").await.verdict(), (401, "invalid_credentials"));
    let body = json!({"email": email("ann"), "password": NEW});
    assert_eq!(server.post("/api/auth/login").json(&body).send().await.status, 200);
}

#[tokio::test]
async fn defect_14_a_password_is_changed_by_its_owner_who_knows_it() {
    let server = TestServer::start().await;
    let ann = server.user("ann").await;
    let refused = change(&server, &ann, "a wrong one", NEW).send().await;
    assert_eq!(refused.verdict(), (403, "wrong_password"));
    assert_eq!(server.get("/probe").bearer(ann.text("access_token")).send().await.status, 200);
    let nobody = server.post("/api/users/me/password").method(Method::PUT).json(&json!({}));
    assert_eq!(nobody.send().await.verdict(), (401, "unauthenticated"));
    for _wrong in 0..4 {
        change(&server, &ann, "a wrong one", NEW).send().await;
    }
    let guessing = change(&server, &ann, PASSWORD, NEW).send().await;
    assert_eq!(guessing.verdict(), (429, "rate_limited"), "a stolen login is no place to guess from");
}

#[tokio::test]
async fn defect_15_passwords_that_everybody_tries_first_are_refused() {
    let server = TestServer::start().await;
    for (password, code) in [
        ("short", "too_short"),
        ("password1", "too_common"),
        ("QWERTY123", "too_common"),
        ("zoe-miller-1999", "like_owner"),
        ("zoemiller@example.com", "like_owner"),
    ] {
        let body = json!({"username": "Zoe Miller", "email": "zoemiller@example.com", "password": password});
        let answer = server.post("/api/auth/register").json(&body).send().await;
        assert_eq!(answer.refused(), [("password", code)]);
    }
    let ann = server.user("annabel").await;
    for (new, code) in [("iloveyou", "too_common"), ("annabel123", "like_owner")] {
        let refused = change(&server, &ann, PASSWORD, new).send().await;
        assert_eq!(refused.refused(), [("new_password", code)]);
    }
}

#[tokio::test]
async fn ones_own_logins_are_listed_with_where_they_are() {
    let server = TestServer::start().await;
    server.register("ann").await;
    let login = async |user_agent: &str, peer: &str| {
        let call = server.post("/api/auth/login").peer(peer).header("user-agent", user_agent);
        call.json(&json!({"email": email("ann"), "password": PASSWORD})).send().await
    };
    let desk = login("Mozilla/5.0 (Windows NT 10.0; rv:124.0) Firefox/124.0", "192.0.2.7").await;
    let phone = login("Tickroom for iPhone", "2001:db8::1:2:3:4").await;
    server.user("bob").await;
    let list = |query: &str, login: &Answer| {
        server.get(&format!("/api/auth/sessions{query}")).bearer(login.text("access_token")).send()
    };
    let listed = list("", &desk).await;
    let sessions = listed.body["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    assert_eq!((&sessions[0]["current"], &sessions[1]["current"]), (&json!(false), &json!(true)));
    assert_eq!(
        (&sessions[1]["device"], &sessions[1]["address"]),
        (&json!("Firefox on Windows"), &json!("192.0.2.7"))
    );
    assert_eq!((&sessions[0]["device"], &sessions[0]["address"]), (&json!("iPhone"), &json!("2001:db8::")));
    assert!(sessions[0]["created_at"].is_string() && sessions[0]["last_used_at"].is_string());
    assert!(!listed.body.to_string().contains(desk.text("refresh_token")));

    let first = list("?limit=1", &phone).await;
    assert_eq!(
        first.body["sessions"][0],
        json!({
            "id": sessions[0]["id"], "device": "iPhone", "user_agent": "Tickroom for iPhone",
            "address": "2001:db8::", "created_at": sessions[0]["created_at"],
            "last_used_at": sessions[0]["last_used_at"], "current": true,
        })
    );
    let second = list(&format!("?limit=1&cursor={}", first.text("next_cursor")), &phone).await;
    assert_eq!(second.body["sessions"][0]["id"], sessions[1]["id"]);
    assert_eq!(list("?limit=201", &phone).await.refused(), [("limit", "out_of_range")]);
}

#[tokio::test]
async fn a_login_is_ended_from_another_one_and_only_by_its_owner() {
    let server = TestServer::start().await;
    let (desk, phone, bob) = (server.user("ann").await, server.login("ann").await, server.user("bob").await);
    let listed = server.get("/api/auth/sessions").bearer(phone.text("access_token")).send().await;
    let desk_id = listed.body["sessions"][1]["id"].as_str().unwrap();
    let end = |login: &Answer| {
        let path = format!("/api/auth/sessions/{desk_id}");
        server.post(&path).method(Method::DELETE).bearer(login.text("access_token")).send()
    };
    assert_eq!(end(&bob).await.verdict(), (404, "not_found"));
    assert!(server.revoked().is_empty());
    assert_eq!(end(&phone).await.status, 204);
    assert_eq!(server.revoked().len(), 1);
    assert_eq!(end(&phone).await.verdict(), (404, "not_found"));
    assert_eq!(server.get("/probe").bearer(desk.text("access_token")).send().await.status, 401);
    assert_eq!(server.get("/probe").bearer(phone.text("access_token")).send().await.status, 200);
}

#[tokio::test]
async fn all_other_logins_are_ended_at_once() {
    let server = TestServer::start().await;
    let (desk, phone, bob) = (server.user("ann").await, server.login("ann").await, server.user("bob").await);
    server.login("ann").await;
    let end = server.post("/api/auth/sessions").method(Method::DELETE).bearer(phone.text("access_token"));
    assert_eq!(end.send().await.status, 204);
    assert_eq!(server.revoked().len(), 2);
    for (login, status) in [(&desk, 401), (&phone, 200), (&bob, 200)] {
        assert_eq!(server.get("/probe").bearer(login.text("access_token")).send().await.status, status);
    }
}

#[tokio::test]
async fn a_deleted_account_is_nobody_whose_name_is_free() {
    let server = TestServer::start().await;
    let (ann, phone) = (server.user("ann").await, server.login("ann").await);
    let me = server.get("/api/users/me").bearer(ann.text("access_token")).send().await;
    let delete = |password: &str| {
        let call = server.post("/api/users/me").method(Method::DELETE).cookies_of(&ann);
        call.json(&json!({ "password": password })).send()
    };
    assert_eq!(delete("a wrong one").await.verdict(), (403, "wrong_password"));
    let deleted = delete(PASSWORD).await;
    assert_eq!((deleted.status.as_u16(), deleted.cookies().len()), (204, 0));
    assert_eq!(deleted.set_cookies().len(), 2, "the browser forgets");
    assert_eq!(server.revoked().len(), 2, "sockets of all logins are told");
    for login in [&ann, &phone] {
        assert_eq!(server.get("/api/users/me").bearer(login.text("access_token")).send().await.status, 401);
        assert_eq!(server.refresh(login.text("refresh_token")).await.status, 401);
    }
    assert_eq!(server.login("ann").await.verdict(), (401, "invalid_credentials"));

    let left = server.get(&format!("/api/users/{}", me.text("id"))).send().await;
    assert_eq!((left.status.as_u16(), &left.body["deleted"]), (200, &json!(true)));
    for gone in ["username", "intro", "profile_url"] {
        assert!(left.body[gone].is_null(), "{gone}");
    }
    assert_eq!(server.register("ann").await.status, 201);
}
