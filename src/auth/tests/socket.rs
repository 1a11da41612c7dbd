//! Who opens a socket: tickets, cookies, gateways, and contradictions between them.

use std::time::Duration;

use axum::http::HeaderMap;
use serde_json::json;

use super::harness::{Answer, TestServer};

const GATEWAY: &str = "10.1.2.3";
const OUR_PAGE: &str = "https://tickroom.example";

async fn behind_gateway() -> TestServer {
    TestServer::start_with(|config| config.server.identity_gateways = vec!["10.0.0.0/8".parse().unwrap()])
        .await
}

async fn ticket(server: &TestServer, login: &Answer) -> String {
    let answer = server.post("/api/auth/ticket").bearer(login.text("access_token")).send().await;
    assert_eq!((answer.status.as_u16(), &answer.body["expires_in_s"]), (200, &json!(30)));
    answer.text("ticket").to_owned()
}

#[tokio::test]
async fn a_ticket_opens_one_socket() {
    let server = TestServer::start().await;
    let login = server.user("ann").await;
    let url = format!("/socket?ticket={}", ticket(&server, &login).await);
    assert_eq!(server.get(&url).send().await.text("name"), "ann");
    assert_eq!(server.get(&url).send().await.verdict(), (401, "token_invalid"));
    assert_eq!(server.get("/socket?ticket=").send().await.verdict(), (401, "token_invalid"));
    let url = format!("/probe?ticket={}", ticket(&server, &login).await);
    assert_eq!(server.get(&url).send().await.status, 401, "tickets are for sockets");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_come_with_one_ticket_one_gets_in() {
    let server = TestServer::start().await;
    let login = server.user("ann").await;
    for _round in 0..50 {
        let ticket = ticket(&server, &login).await;
        let peer = "192.0.2.1:1".parse().unwrap();
        let races = (0..8).map(|_| {
            let (auth, ticket) = (server.auth.clone(), ticket.clone());
            tokio::spawn(
                async move { auth.identify_socket(&HeaderMap::new(), peer, Some(&ticket)).await.is_ok() },
            )
        });
        let outcomes = futures_util::future::join_all(races).await;
        assert_eq!(outcomes.into_iter().filter(|outcome| *outcome.as_ref().unwrap()).count(), 1);
    }
}

#[tokio::test]
async fn a_ticket_is_good_for_half_a_minute_and_not_longer_than_its_token() {
    let server = TestServer::start().await;
    let login = server.user("ann").await;
    let peer = "192.0.2.1:1".parse().unwrap();
    let old = ticket(&server, &login).await;
    server.advance(Duration::from_secs(30));
    assert!(server.auth.identify_socket(&HeaderMap::new(), peer, Some(&old)).await.is_err());

    let fresh = ticket(&server, &login).await;
    let identity = server.auth.identify_socket(&HeaderMap::new(), peer, Some(&fresh)).await.unwrap();
    assert_eq!(
        identity.expires_at.millis_since(server.now()),
        870_000 - 123,
        "the token's end, in whole seconds"
    );

    server.advance(Duration::from_secs(869));
    let last = ticket(&server, &login).await;
    server.advance(Duration::from_secs(1));
    assert!(server.auth.identify_socket(&HeaderMap::new(), peer, Some(&last)).await.is_err());
}

#[tokio::test]
async fn defect_10_cookies_open_sockets_for_allowed_pages_only() {
    let server = TestServer::start_with(|config| {
        config.server.allowed_origins = vec!["https://partner.example".parse().unwrap()];
    })
    .await;
    let login = server.user("ann").await;
    let open =
        |origin: &'static str| server.get("/socket").cookies_of(&login).header("origin", origin).send();
    for origin in [OUR_PAGE, "https://partner.example", "HTTPS://TICKROOM.EXAMPLE:443"] {
        assert_eq!(open(origin).await.status, 200, "{origin}");
    }
    for origin in
        ["https://evil.example", "http://tickroom.example", "null", "https://tickroom.example.evil.example"]
    {
        assert_eq!(open(origin).await.verdict(), (403, "origin_forbidden"), "{origin}");
    }
    assert_eq!(server.get("/socket").cookies_of(&login).send().await.status, 403);
    let bearer =
        server.get("/socket").bearer(login.text("access_token")).header("origin", "https://evil.example");
    assert_eq!(bearer.send().await.status, 200, "a page that has the token may use it");
}

#[tokio::test]
async fn defect_3_a_handshake_renews_stale_cookies_where_it_can_deliver_them() {
    let server = TestServer::start().await;
    let login = server.user("ann").await;
    server.advance(Duration::from_secs(3600));
    let call = server.get("/socket").cookies_of(&login).header("origin", OUR_PAGE);
    let answer = call.send().await;
    assert_eq!((answer.status.as_u16(), answer.cookies().len()), (200, 2));

    let cookies = format!("REFRESH_TOKEN={}", answer.cookie("REFRESH_TOKEN").unwrap());
    let headers = [("cookie", cookies.as_str()), ("origin", OUR_PAGE)];
    let headers = headers.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
    let peer = "192.0.2.1:1".parse().unwrap();
    let refused = server.auth.identify_socket(&headers.into_iter().collect(), peer, None).await.unwrap_err();
    assert_eq!(refused.code(), "token_expired");
    assert_eq!(server.get("/probe").cookies_of(&answer).send().await.status, 200, "and nothing was used up");
}

#[tokio::test]
async fn defect_7_a_claim_counts_from_trusted_peers_only() {
    let server = behind_gateway().await;
    let id = server.register("ann").await.text("id").to_owned();
    for url in ["/probe", "/socket"] {
        let claim = |peer: &str| server.get(url).header("x-claim-userid", &id).peer(peer).send();
        assert_eq!(claim("192.0.2.1").await.verdict(), (401, "unauthenticated"));
        assert!(claim(GATEWAY).await.text("name").starts_with("ann"));
    }
    let forged = server.get("/probe").header("x-claim-userid", &id).header("x-forwarded-for", GATEWAY);
    assert_eq!(forged.send().await.status, 401, "an address in a header is no peer");
    for nobody in ["1", "ann", "", "-1 or 1=1"] {
        let call = server.get("/maybe").header("x-claim-userid", nobody).peer(GATEWAY);
        assert_eq!(call.send().await.verdict(), (401, "token_invalid"), "{nobody:?}");
    }
}

#[tokio::test]
async fn defect_7_without_trusted_peers_no_claim_counts() {
    let server = TestServer::start().await;
    let id = server.register("ann").await.text("id").to_owned();
    for peer in [GATEWAY, "127.0.0.1", "::1"] {
        let answer = server.get("/maybe").header("x-claim-userid", &id).peer(peer).send().await;
        assert!(answer.body["name"].is_null());
    }
}

#[tokio::test]
async fn defect_7_a_proxy_that_is_trusted_with_addresses_is_not_believed_who_somebody_is() {
    let server = TestServer::start_with(|config| {
        config.server.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
    })
    .await;
    let id = server.register("ann").await.text("id").to_owned();
    let claim = server.get("/probe").header("x-claim-userid", &id).peer(GATEWAY).send().await;
    assert_eq!(claim.verdict(), (401, "unauthenticated"));
}

#[tokio::test]
async fn two_explicit_credentials_contradict_and_one_beats_cookies() {
    let server = behind_gateway().await;
    let (ann, bob) = (server.user("ann").await, server.user("bob").await);
    let url = format!("/socket?ticket={}", ticket(&server, &ann).await);
    let both = server.get(&url).bearer(ann.text("access_token")).send().await;
    assert_eq!(both.verdict(), (400, "ambiguous_credentials"));
    let twice = server.get("/probe").bearer(ann.text("access_token")).bearer(bob.text("access_token"));
    assert_eq!(twice.send().await.verdict(), (400, "ambiguous_credentials"));
    let claim =
        server.get("/probe").bearer(ann.text("access_token")).header("x-claim-userid", "1").peer(GATEWAY);
    assert_eq!(claim.send().await.verdict(), (400, "ambiguous_credentials"));

    let name = server.get("/probe").cookies_of(&bob).bearer(ann.text("access_token")).send().await;
    assert!(name.text("name").starts_with("ann"));
    let bad = server.get("/maybe").cookies_of(&bob).bearer("nonsense").send().await;
    assert_eq!(bad.verdict(), (401, "token_invalid"), "cookies do not stand in for a bad token");
    let basic = server.get("/probe").cookies_of(&bob).header("authorization", "Basic cHJveHk6cHJveHk=");
    assert_eq!(basic.send().await.status, 200, "another scheme is a proxy's business");
}
