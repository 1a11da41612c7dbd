//! The page: served whole and guarded, and nothing but the page.

use reqwest::Method;

use crate::harness::{Answer, TestServer};

#[tokio::test]
async fn the_page_is_html_that_loads_nothing_from_elsewhere() {
    let server = TestServer::without_prices(&[]).await;
    let page = server.get("/").await.expect_status(200);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("unsafe-inline") && !policy.contains('*'), "{policy}");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert!(page.body.to_lowercase().contains("<!doctype html>"));
}

#[tokio::test]
async fn everything_that_the_page_names_is_there() {
    let server = TestServer::without_prices(&[]).await;
    let page = server.get("/").await.expect_status(200).body;
    let assets: Vec<&str> =
        page.split('"').filter(|word| word.starts_with("/assets/") || word.starts_with("assets/")).collect();
    assert!(!assets.is_empty(), "{page}");
    for asset in assets {
        server.get(&format!("/{}", asset.trim_start_matches('/'))).await.expect_status(200);
    }
}

#[tokio::test]
async fn an_asset_that_has_not_changed_is_not_sent_again() {
    let server = TestServer::without_prices(&[]).await;
    let first = server.get("/assets/api.js").await.expect_status(200);
    assert_eq!(first.header("content-type"), "text/javascript; charset=utf-8");
    let again = async |tag: &str| {
        let request = server.request(Method::GET, "/assets/api.js").header("if-none-match", tag);
        Answer::of(request).await
    };
    assert_eq!(again(first.header("etag")).await.expect_status(304).body, "");
    assert_eq!(again("\"another\"").await.expect_status(200).body, first.body);
}

#[tokio::test]
async fn the_page_may_load_its_parts_the_second_time_too() {
    let server = TestServer::without_prices(&[]).await;
    for path in ["/", "/docs"] {
        let first = server.get(path).await.expect_status(200);
        let request = server.request(Method::GET, path).header("if-none-match", first.header("etag"));
        let again = Answer::of(request).await.expect_status(304);
        for name in ["content-security-policy", "cache-control", "etag"] {
            assert_eq!(again.header(name), first.header(name), "{path}: a browser keeps what a 304 says");
        }
        assert!(first.header("content-security-policy").contains("script-src 'self'"));
    }
}

#[tokio::test]
async fn what_is_not_part_of_the_page_is_not_served() {
    let server = TestServer::without_prices(&[]).await;
    for path in [
        "/assets/",
        "/assets/nothing.js",
        "/assets/../Cargo.toml",
        "/assets/%2e%2e/Cargo.toml",
        "/assets/..%2fCargo.toml",
        "/assets/%2e%2e%2fCargo.toml",
        "/assets/..%5cCargo.toml",
        "/assets/....//Cargo.toml",
        "/assets//etc/passwd",
        "/assets/%2fetc%2fpasswd",
        "/assets/api.js%00.html",
        "/assets/../src/routes/ui.rs",
        "/assets/tests/../api.js",
        "/assets/package.json",
    ] {
        let answer = server.get_raw(path).await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{path}: {answer:.300}");
    }
}
