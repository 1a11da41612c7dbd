//! What passes for an access token, and what does not.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::harness::{Answer, TestServer};

const KEY: &str = "a key for tests, 32 bytes or more";

async fn server() -> TestServer {
    TestServer::start_with(|config| config.auth.signing_key = Some(KEY.into())).await
}

fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

fn sign(claims: &Value, algorithm: Algorithm, key: &str) -> String {
    encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(key.as_bytes())).unwrap()
}

async fn probe(server: &TestServer, token: &str) -> Answer {
    server.get("/probe").bearer(token).send().await
}

#[tokio::test]
async fn a_token_says_who_and_what_for() {
    let server = server().await;
    let login = server.user("ann").await;
    let claims = claims(login.text("access_token"));
    assert_eq!(claims["iss"], "https://tickroom.example");
    assert_eq!((&claims["aud"], &claims["typ"]), (&json!("tickroom"), &json!("access")));
    assert_eq!((&claims["name"], &claims["role"]), (&json!("ann"), &json!("user")));
    assert_eq!(claims["scope"], "read write");
    assert!(claims["jti"].is_string() && claims["sid"].is_string());
    assert_eq!(probe(&server, login.text("access_token")).await.text("name"), "ann read write");
}

#[tokio::test]
async fn defect_6_a_token_lasts_a_quarter_of_an_hour() {
    let server = server().await;
    let login = server.user("ann").await;
    let token = login.text("access_token");
    let claims = claims(token);
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 900);
    assert_eq!(login.body["expires_in_s"], 900);
    server.advance(Duration::from_secs(899));
    assert_eq!(probe(&server, token).await.status, 200);
    server.advance(Duration::from_secs(6));
    let expired = probe(&server, token).await;
    assert_eq!(expired.verdict(), (401, "token_expired"));
    assert_eq!(expired.header("www-authenticate"), r#"Bearer realm="tickroom", error="invalid_token""#);
}

#[tokio::test]
async fn every_claim_counts() {
    let server = server().await;
    let good = claims(server.user("ann").await.text("access_token"));
    assert_eq!(probe(&server, &sign(&good, Algorithm::HS256, KEY)).await.status, 200);
    let spoilt = [
        ("iss", json!("https://elsewhere.example")),
        ("aud", json!("another service")),
        ("typ", json!("refresh")),
        ("sub", json!("nobody")),
        ("scope", json!("read write everything")),
        ("iat", json!(good["iat"].as_i64().unwrap() + 3600)),
        ("exp", json!("never")),
    ];
    for (claim, value) in spoilt {
        let mut bad = good.clone();
        bad[claim] = value;
        assert_eq!(
            probe(&server, &sign(&bad, Algorithm::HS256, KEY)).await.verdict(),
            (401, "token_invalid"),
            "{claim}"
        );
    }
    for claim in ["iss", "aud", "typ", "sub", "scope", "iat", "exp", "jti", "sid", "role"] {
        let mut bad = good.clone();
        bad.as_object_mut().unwrap().remove(claim);
        assert_eq!(probe(&server, &sign(&bad, Algorithm::HS256, KEY)).await.status, 401, "{claim}");
    }
}

#[tokio::test]
async fn nothing_but_our_own_signature_counts() {
    let server = server().await;
    let login = server.user("ann").await;
    let token = login.text("access_token");
    let good = claims(token);
    let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("no JWT") };
    let none = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    let mut admin = good.clone();
    admin["role"] = json!("admin");
    admin["scope"] = json!("read write admin");
    let forged = BASE64_URL_SAFE_NO_PAD.encode(admin.to_string());
    let bad = [
        sign(&good, Algorithm::HS256, "another key, also of 32 bytes....."),
        sign(&good, Algorithm::HS512, KEY),
        format!("{none}.{payload}."),
        format!("{none}.{payload}.{signature}"),
        format!("{header}.{forged}.{signature}"),
        format!("{header}.{payload}."),
        format!("{header}.{payload}"),
        format!("{token}{}", "a".repeat(5000)),
        String::from("nonsense"),
    ];
    for token in bad {
        assert_eq!(probe(&server, &token).await.verdict(), (401, "token_invalid"), "{token}");
    }
}

#[tokio::test]
async fn defect_5_access_and_refresh_tokens_cannot_stand_in_for_each_other() {
    let server = server().await;
    let login = server.user("ann").await;
    let (access, refresh) = (login.text("access_token"), login.text("refresh_token"));
    assert_eq!(probe(&server, refresh).await.verdict(), (401, "token_invalid"));
    assert_eq!(server.refresh(access).await.verdict(), (401, "token_invalid"));
    let swapped = format!("ACCESS_TOKEN={refresh}; REFRESH_TOKEN={access}");
    assert_eq!(server.get("/probe").header("cookie", &swapped).send().await.status, 401);
}

#[tokio::test]
async fn scopes_are_checked_against_the_method() {
    let server = server().await;
    let mut claims = claims(server.user("ann").await.text("access_token"));
    claims["scope"] = json!("read");
    let token = sign(&claims, Algorithm::HS256, KEY);
    assert_eq!(probe(&server, &token).await.status, 200);
    let refused = server.post("/probe").bearer(&token).send().await;
    assert_eq!(refused.verdict(), (403, "insufficient_scope"));
    assert!(refused.header("www-authenticate").contains("insufficient_scope"));
}
