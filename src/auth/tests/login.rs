//! Logins from their beginning to their end.

use std::time::Duration;

use serde_json::json;
use tokio::join;

use super::harness::{Answer, PASSWORD, TestServer, email};
use crate::auth::password::Passwords;

const QUARTER: Duration = Duration::from_secs(15 * 60 + 5);
const PAST_GRACE: Duration = Duration::from_secs(11);

/// The cookies of `login` after the browser has dropped the access token.
fn refresh_cookie(login: &Answer) -> String {
    format!("REFRESH_TOKEN={}", login.cookie("REFRESH_TOKEN").unwrap())
}

#[tokio::test]
async fn defect_10_cookies_are_for_browsers_only_and_for_a_time() {
    let server = TestServer::start().await;
    let login = server.user("ann").await;
    let (access, refresh) = (login.text("access_token"), login.text("refresh_token"));
    let attributes = "Path=/; HttpOnly; SameSite=Lax; Secure";
    assert_eq!(
        login.set_cookies(),
        [
            format!("ACCESS_TOKEN={access}; Max-Age=900; {attributes}"),
            format!("REFRESH_TOKEN={refresh}; Max-Age=1209600; {attributes}"),
        ]
    );
    assert_eq!(login.header("cache-control"), "no-store");
    assert_eq!(login.text("token_type"), "Bearer");
}

#[tokio::test]
async fn an_unknown_address_and_a_wrong_password_get_one_answer() {
    let server = TestServer::start().await;
    server.register("ann").await;
    for (address, password) in
        [("ann@example.com", "wrong password"), ("bob@example.com", PASSWORD), ("bob", PASSWORD)]
    {
        let body = json!({"email": address, "password": password});
        let answer = server.post("/api/auth/login").json(&body).send().await;
        assert_eq!(answer.verdict(), (401, "invalid_credentials"));
        assert_eq!(answer.text("detail"), "the email or the password is wrong");
        assert_eq!(answer.header("www-authenticate"), r#"Bearer realm="tickroom""#);
    }
    let body = json!({"email": "ANN@example.com", "password": PASSWORD});
    assert_eq!(server.post("/api/auth/login").json(&body).send().await.status, 200);
}

#[tokio::test]
async fn a_flood_of_logins_is_refused_at_the_door() {
    let passwords = Passwords::new(1).unwrap();
    let (first, second) =
        join!(passwords.verify(PASSWORD.into(), None), passwords.verify(PASSWORD.into(), None));
    assert!(!first.unwrap());
    assert_eq!(second.unwrap_err().status(), 503);
    assert!(!passwords.verify(PASSWORD.into(), None).await.unwrap(), "there is room again");
}

#[tokio::test]
async fn defect_3_a_stale_access_cookie_is_renewed_on_the_way() {
    let server = TestServer::start().await;
    let login = server.user("ann").await;
    server.advance(QUARTER);
    let answer = server.get("/probe").cookies_of(&login).send().await;
    assert_eq!((answer.status.as_u16(), answer.text("name")), (200, "ann read write"));
    assert_ne!(answer.cookie("REFRESH_TOKEN"), login.cookie("REFRESH_TOKEN"));
    let next = server.get("/probe").cookies_of(&answer).send().await;
    assert_eq!(next.status, 200);
    assert!(next.set_cookies().is_empty(), "nothing to renew");

    for junk in ["ACCESS_TOKEN=nonsense; ", ""] {
        let cookies = format!("{junk}{}", refresh_cookie(&server.login("ann").await));
        let answer = server.post("/probe").header("cookie", &cookies).send().await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.cookies().len(), 2);
    }
}

#[tokio::test]
async fn defect_4_a_browser_refreshes_by_cookie_alone() {
    let server = TestServer::start().await;
    let login = server.user("ann").await;
    let answer = server.post("/api/auth/refresh").header("cookie", &refresh_cookie(&login)).send().await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.cookie("ACCESS_TOKEN"), Some(answer.text("access_token")));
    assert!(answer.cookie("REFRESH_TOKEN").is_some());
    assert!(answer.body.get("refresh_token").is_none(), "scripts must not get it");
    assert_eq!(server.post("/api/auth/refresh").send().await.verdict(), (401, "unauthenticated"));
}

#[tokio::test]
async fn defect_5_a_refresh_token_is_good_for_one_use() {
    let server = TestServer::start().await;
    let first = server.user("ann").await;
    let second = server.refresh(first.text("refresh_token")).await;
    server.advance(PAST_GRACE);
    let third = server.refresh(second.text("refresh_token")).await;
    assert_eq!(third.status, 200);
    assert!(server.revoked().is_empty());

    assert_eq!(server.refresh(first.text("refresh_token")).await.verdict(), (401, "token_revoked"));
    assert_eq!(server.revoked().len(), 1, "sockets are told");
    assert_eq!(server.refresh(third.text("refresh_token")).await.verdict(), (401, "token_revoked"));
    let access = third.text("access_token");
    assert_eq!(server.get("/probe").bearer(access).send().await.verdict(), (401, "token_revoked"));
}

#[tokio::test]
async fn within_the_grace_a_used_refresh_token_yields_access_only() {
    let server = TestServer::start().await;
    let login = server.user("ann").await;
    server.refresh(login.text("refresh_token")).await;
    server.advance(Duration::from_secs(10));
    let again = server.refresh(login.text("refresh_token")).await;
    assert_eq!(again.status, 200);
    assert!(again.body.get("refresh_token").is_none());
    assert_eq!(again.cookies().len(), 1);
    assert_eq!(server.get("/probe").bearer(again.text("access_token")).send().await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_tabs_that_refresh_at_once_all_get_access_and_one_the_next_token() {
    let server = TestServer::start().await;
    let login = server.user("ann").await;
    let tabs = (0..8).map(|_| server.get("/probe").header("cookie", &refresh_cookie(&login)).send());
    let answers = futures_util::future::join_all(tabs).await;
    assert!(answers.iter().all(|answer| answer.status == 200 && answer.cookie("ACCESS_TOKEN").is_some()));
    assert_eq!(answers.iter().filter(|answer| answer.cookie("REFRESH_TOKEN").is_some()).count(), 1);
    assert!(server.revoked().is_empty());
}

#[tokio::test]
async fn an_expired_login_is_forgotten_by_the_browser_too() {
    let server = TestServer::start().await;
    let login = server.user("ann").await;
    server.advance(Duration::from_secs(14 * 24 * 3600));
    assert_eq!(server.refresh(login.text("refresh_token")).await.verdict(), (401, "token_expired"));
    let answer = server.get("/maybe").cookies_of(&login).send().await;
    assert_eq!((answer.status.as_u16(), answer.body["name"].is_null()), (200, true));
    assert!(answer.cookies().is_empty());
    assert!(answer.set_cookies().iter().all(|cookie| cookie.contains("=; Max-Age=0;")), "{answer:?}");
}

#[tokio::test]
async fn defect_5_logout_ends_the_login_everywhere() {
    let server = TestServer::start().await;
    let login = server.user("ann").await;
    let ticket = server.post("/api/auth/ticket").cookies_of(&login).send().await;
    let logout = server.post("/api/auth/logout").cookies_of(&login).send().await;
    assert_eq!(logout.status, 204);
    assert_eq!(logout.set_cookies().len(), 2);
    assert!(logout.cookies().is_empty());
    assert_eq!(server.revoked().len(), 1);

    let access = login.text("access_token");
    assert_eq!(server.get("/probe").bearer(access).send().await.verdict(), (401, "token_revoked"));
    assert_eq!(server.refresh(login.text("refresh_token")).await.verdict(), (401, "token_revoked"));
    let socket = format!("/socket?ticket={}", ticket.text("ticket"));
    assert_eq!(server.get(&socket).send().await.verdict(), (401, "token_revoked"));
}

#[tokio::test]
async fn logout_takes_any_token_and_asks_for_none() {
    let server = TestServer::start().await;
    server.register("ann").await;
    let logout = || server.post("/api/auth/logout");

    let login = server.login("ann").await;
    server.advance(QUARTER);
    assert_eq!(logout().bearer(login.text("access_token")).send().await.status, 204);
    assert_eq!(server.revoked().len(), 1, "an expired access token still says whose it is");

    let login = server.login("ann").await;
    assert_eq!(logout().header("cookie", &refresh_cookie(&login)).send().await.status, 204);
    assert_eq!(server.revoked().len(), 2);
    let login = server.login("ann").await;
    let body = json!({"refresh_token": login.text("refresh_token")});
    assert_eq!(logout().json(&body).send().await.status, 204);
    assert_eq!(logout().json(&body).send().await.status, 204);
    assert_eq!(logout().send().await.status, 204);
    assert_eq!(server.revoked().len(), 3);
}

#[tokio::test]
async fn one_logout_leaves_other_devices_alone() {
    let server = TestServer::start().await;
    let (phone, desk) = (server.user("ann").await, server.login("ann").await);
    server.post("/api/auth/logout").cookies_of(&phone).send().await;
    assert_eq!(server.get("/probe").cookies_of(&desk).send().await.status, 200);
}

#[tokio::test]
async fn login_with_stale_cookies_sets_the_new_ones() {
    let server = TestServer::start().await;
    let old = server.user("ann").await;
    server.advance(QUARTER);
    let body = json!({"email": email("ann"), "password": PASSWORD});
    let new = server.post("/api/auth/login").cookies_of(&old).json(&body).send().await;
    assert_eq!(new.set_cookies().len(), 2);
    assert_eq!(server.get("/probe").cookies_of(&new).send().await.status, 200);
}
