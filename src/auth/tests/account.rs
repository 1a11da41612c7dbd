//! Registration and what others see of an account.

use std::net::Ipv4Addr;

use serde_json::json;

use super::harness::{PASSWORD, TestServer, email};

#[tokio::test]
async fn registering_answers_201_with_the_user_and_where_it_is() {
    let server = TestServer::start().await;
    let ann = server.register("ann").await;
    assert_eq!(ann.status, 201);
    assert_eq!(ann.text("username"), "ann");
    assert_eq!(ann.text("email"), "ann@example.com");
    assert!(!ann.body.to_string().contains("argon2"));
    assert_eq!(ann.header("location"), format!("/api/users/{}", ann.text("id")));

    let shown = server.get(ann.header("location")).send().await;
    assert_eq!(shown.text("username"), "ann");
}

#[tokio::test]
async fn defect_15_every_bad_field_is_named_at_once() {
    let server = TestServer::start().await;
    let body = json!({"username": "a", "email": "ann", "password": "1234567"});
    let answer = server.post("/api/auth/register").json(&body).send().await;
    assert_eq!(answer.verdict(), (422, "validation_failed"));
    assert_eq!(
        answer.refused(),
        [("username", "too_short"), ("email", "invalid"), ("password", "too_short")]
    );

    let answer = server.post("/api/auth/register").json(&json!({})).send().await;
    assert_eq!(answer.refused().len(), 3);
}

#[tokio::test]
async fn defect_16_a_taken_name_or_address_is_409_naming_the_field() {
    let server = TestServer::start().await;
    server.register("ann").await;
    for (name, email, field) in
        [("ANN", "other@example.com", "username"), ("bob", "Ann@Example.com", "email")]
    {
        let body = json!({"username": name, "email": email, "password": PASSWORD});
        let answer = server.post("/api/auth/register").json(&body).send().await;
        assert_eq!(answer.verdict(), (409, "taken"));
        assert_eq!(answer.refused(), [(field, "taken")]);
        assert!(!answer.body.to_string().to_lowercase().contains("sql"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn defect_16_of_many_who_register_at_once_one_gets_the_name() {
    let server = TestServer::start().await;
    let attempts = futures_util::future::join_all((0..8).map(|_| server.register("ann"))).await;
    let mut statuses: Vec<u16> = attempts.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409, 409, 409]);
}

#[tokio::test]
async fn defect_14_one_sees_and_names_only_oneself() {
    let server = TestServer::start().await;
    let ann = server.user("ann").await;
    let bob = server.register("bob").await;
    let me = server.get("/api/users/me").bearer(ann.text("access_token")).send().await;
    assert_eq!((me.text("username"), me.text("email")), ("ann", "ann@example.com"));

    let other = server.get(bob.header("location")).bearer(ann.text("access_token")).send().await;
    assert_eq!(other.text("username"), "bob");
    assert!(other.body.get("email").is_none() && other.body.get("role").is_none());
    assert_eq!(server.get("/api/users/me").send().await.verdict(), (401, "unauthenticated"));
    assert_eq!(server.get("/api/users/1").send().await.verdict(), (404, "not_found"));
}

#[tokio::test]
async fn defect_14_a_password_in_the_query_string_is_not_read() {
    let server = TestServer::start().await;
    server.register("ann").await;
    let url = format!("/api/auth/login?email=ann@example.com&password={}", PASSWORD.replace(' ', "%20"));
    assert_eq!(server.post(&url).send().await.status, 415);
    assert_eq!(server.post(&url).json(&json!({})).send().await.refused().len(), 2);
}

#[tokio::test]
async fn nobody_registers_as_an_administrator() {
    let server = TestServer::start().await;
    let body = json!({"username": "ann", "email": email("ann"), "password": PASSWORD, "role": "admin", "admin": true});
    assert_eq!(server.post("/api/auth/register").json(&body).send().await.text("role"), "user");
}

#[tokio::test]
async fn names_are_unicode_without_tricks() {
    let server = TestServer::start().await;
    for (n, name) in ["김철수", "Zoë", "👩🚀 ok"].into_iter().enumerate() {
        let body = json!({"username": name, "email": email(&n.to_string()), "password": PASSWORD});
        assert_eq!(server.post("/api/auth/register").json(&body).send().await.text("username"), name);
    }
    let body = json!({"username": "a\u{200b}nn", "email": email("x"), "password": PASSWORD});
    let answer = server.post("/api/auth/register").json(&body).send().await;
    assert_eq!(answer.refused(), [("username", "invisible_character")]);
}

#[tokio::test]
async fn defect_19_the_longest_address_and_name_log_in() {
    let server = TestServer::start().await;
    let (name, address) = ("가".repeat(20), format!("{}@example.com", "a".repeat(242)));
    let body = json!({"username": name, "email": address, "password": PASSWORD});
    assert_eq!(server.post("/api/auth/register").json(&body).send().await.status, 201);
    let login = server.post("/api/auth/login").json(&body).send().await;
    let me = server.get("/api/users/me").cookies_of(&login).send().await;
    assert_eq!(me.text("username"), name);
    assert_eq!(server.refresh(login.text("refresh_token")).await.status, 200);
}

#[tokio::test]
async fn passwords_are_counted_in_characters_and_refused_before_they_are_hashed() {
    let server = TestServer::start().await;
    let cases =
        [("비".repeat(7), 422), ("비".repeat(8), 201), ("😀".repeat(128), 201), ("a".repeat(129), 422)];
    for (n, (password, status)) in cases.into_iter().enumerate() {
        let name = format!("user {n}");
        let body = json!({"username": name, "email": email(&n.to_string()), "password": password});
        let answer = server.post("/api/auth/register").json(&body).send().await;
        assert_eq!(answer.status, status, "{answer:?}");
        let login = server.post("/api/auth/login").json(&body).send().await;
        assert_eq!(login.status, if status == 201 { 200 } else { 401 });
    }
    let body = json!({"username": "ann", "email": email("ann"), "password": "a".repeat(1_000_000)});
    let answer = server.post("/api/auth/register").json(&body).send().await;
    assert_eq!(answer.refused(), [("password", "too_long")]);
    assert!(answer.body.to_string().len() < 1000, "the password is not repeated");
    assert_eq!(
        server.post("/api/auth/login").json(&body).send().await.verdict(),
        (401, "invalid_credentials")
    );
}

#[tokio::test]
async fn defect_12_registrations_and_logins_are_limited_by_address() {
    let server = TestServer::start_with(|config| {
        config.auth.registrations_per_hour = 1.try_into().unwrap();
        config.auth.login_attempts_per_minute = 2.try_into().unwrap();
    })
    .await;
    assert_eq!(server.register("ann").await.status, 201);
    let refused = server.register("bob").await;
    assert_eq!(refused.verdict(), (429, "rate_limited"));
    assert!((3590..=3600).contains(&refused.header("retry-after").parse().unwrap()));

    let attempt = |peer: String, forwarded: String| {
        let wrong = json!({"email": email("ann"), "password": "wrong password"});
        let call = server.post("/api/auth/login").peer(&peer).header("x-forwarded-for", &forwarded);
        async move { call.json(&wrong).send().await.status.as_u16() }
    };
    for (n, status) in [401, 401, 429, 429].into_iter().enumerate() {
        // A made-up address does not help: the peer is no proxy of ours.
        let forwarded = Ipv4Addr::from_bits(u32::try_from(n).unwrap()).to_string();
        assert_eq!(attempt("192.0.2.1".into(), forwarded).await, status);
    }
    assert_eq!(attempt("192.0.2.2".into(), "192.0.2.1".into()).await, 401);
}
