//! The document and its browser. That the document tells the truth about answers is for schemathesis to find out
//! (`.ci/run api`); here it is whether it is whole.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use reqwest::Method;
use serde_json::Value;
use syn::{Expr, Stmt};
use tickroom_storage::user::Role;

use crate::harness::{Answer, TestServer};

/// `get /api/posts/{id}`.
type Operation = String;

#[tokio::test]
async fn every_route_is_in_the_document_and_nothing_else_is() {
    let document = document(&TestServer::without_prices(&[]).await).await;
    let described: BTreeSet<_> = operations(&document).into_keys().collect();
    assert_eq!(described, routes());
}

#[tokio::test]
async fn the_document_asks_for_a_login_exactly_where_the_server_does() {
    let server = TestServer::without_prices(&[]).await;
    let document = document(&server).await;
    for (operation, description) in operations(&document) {
        let (method, path) = operation.split_once(' ').unwrap();
        // Handshakes are refused for what they lack before anybody asks who sent them.
        if path.starts_with("/ws/") || path.starts_with("/connection/") {
            continue;
        }
        let method = method.to_uppercase().parse::<Method>().unwrap();
        let request =
            server.request(method, &example_of(path)).header("content-type", "application/json").body("{}");
        let answer = Answer::of(request).await;
        let is_asked_for = answer.status == 401 && answer.json()["code"] == "unauthenticated";
        let is_optional =
            |ways: &Vec<Value>| ways.is_empty() || ways.contains(&Value::Object(Default::default()));
        let is_described = !description["security"].as_array().is_none_or(is_optional);
        // It takes its token from the body or a cookie, and says so.
        if operation != "post /api/auth/refresh" {
            assert_eq!(is_asked_for, is_described, "{operation}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn defect_11_every_url_of_the_document_leads_to_a_handler() {
    let server = TestServer::without_prices(&[]).await;
    for operation in operations(&document(&server).await).into_keys() {
        let (method, path) = operation.split_once(' ').unwrap();
        let method = method.to_uppercase().parse::<Method>().unwrap();
        let answer = Answer::of(server.request(method, &example_of(path))).await;
        let leads_nowhere = answer.status == 405 || answer.body.contains("there is no such resource");
        assert!(!leads_nowhere, "{operation}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_cursor_that_is_too_long_is_422_in_every_list() {
    let server = TestServer::without_prices(&[]).await;
    let admin = server.promoted("admin", Role::Admin).await;
    let post = admin.post("title", "text").await;
    let comment = admin.comment(&post, "comment").await;
    // A good one of a search, but for its length.
    let cursor = BASE64_URL_SAFE_NO_PAD.encode(format!("1.1.{}", "a".repeat(200)));
    let mut lists = 0;
    for (operation, description) in operations(&document(&server).await) {
        let takes = |name| {
            let parameters = description["parameters"].as_array().into_iter().flatten();
            parameters.clone().any(|parameter| parameter["name"] == name)
        };
        if !takes("cursor") {
            continue;
        }
        let (_, path) = operation.split_once(' ').unwrap();
        let id = match path {
            "/api/posts/{id}/comments" => post["id"].as_str().unwrap().to_owned(),
            "/api/comments/{id}/replies" => comment["id"].as_str().unwrap().to_owned(),
            _ => admin.id().await,
        };
        let words = if takes("q") { "&q=a" } else { "" };
        let path =
            format!("{}?cursor={cursor}{words}", path.replace("{id}", &id).replace("{name}", "KRW-BTC"));
        admin.get(&path).await.expect_violations(&[("cursor", "invalid")]);
        lists += 1;
    }
    assert!(lists >= 11, "{lists}");
    let just_so = BASE64_URL_SAFE_NO_PAD.encode(format!("1.1.{}", "a".repeat(180)));
    server.get(&format!("/api/users?q=a&cursor={just_so}")).await.expect_status(200);
}

#[tokio::test]
async fn every_code_that_the_server_may_answer_is_described_and_no_other() {
    let document = document(&TestServer::without_prices(&[]).await).await;
    let mut described = BTreeSet::new();
    for response in document["components"]["responses"].as_object().unwrap().values() {
        let codes =
            &response["content"]["application/problem+json"]["schema"]["allOf"][1]["properties"]["code"];
        described
            .extend(codes["enum"].as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned()));
    }
    // Of methods that a resource does not have, and so of no operation.
    described.insert("method_not_allowed".to_owned());
    assert_eq!(described, codes_in_sources());
}

#[tokio::test]
async fn every_operation_says_what_it_does_under_a_name_of_its_own() {
    let document = document(&TestServer::without_prices(&[]).await).await;
    assert_eq!(document["openapi"], "3.1.0");
    let tags = document["tags"].as_array().unwrap();
    let mut names = BTreeSet::new();
    for (operation, description) in operations(&document) {
        let summary = description["summary"].as_str().unwrap_or_default();
        assert!((3..=120).contains(&summary.len()), "{operation}: {summary:?}");
        assert!(tags.iter().any(|tag| tag["name"] == description["tags"][0]), "{operation}");
        assert!(names.insert(description["operationId"].as_str().unwrap().to_owned()), "{operation}");
        for answer in description["responses"].as_object().unwrap().values() {
            assert_ne!(answer["description"], "", "{operation}");
        }
    }
}

#[tokio::test]
async fn every_reference_in_the_document_leads_somewhere() {
    let document = document(&TestServer::without_prices(&[]).await).await;
    let mut references = Vec::new();
    collect_references(&document, &mut references);
    assert!(references.len() > 100);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[tokio::test]
async fn the_document_is_not_sent_again_while_it_is_the_same() {
    let server = TestServer::without_prices(&[]).await;
    let first = server.get("/api-docs/openapi.json").await.expect_status(200);
    assert_eq!(first.header("content-type"), "application/json");
    let request =
        server.request(Method::GET, "/api-docs/openapi.json").header("if-none-match", first.header("etag"));
    Answer::of(request).await.expect_status(304);
}

#[tokio::test]
async fn the_browser_of_the_document_needs_no_other_server_and_nothing_inline() {
    let server = TestServer::without_prices(&[]).await;
    let page = server.get("/docs").await.expect_status(200);
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert!(!page.body.contains("<style") && !page.body.contains("http"), "{}", page.body);
    let named: Vec<_> = page.body.split('"').filter(|word| word.starts_with("/assets/")).collect();
    assert!(named.contains(&"/assets/docs.js"), "{named:?}");
    for asset in named {
        server.get(asset).await.expect_status(200);
    }
}

async fn document(server: &TestServer) -> Value {
    server.get("/api-docs/openapi.json").await.expect_status(200).json()
}

fn operations(document: &Value) -> BTreeMap<Operation, Value> {
    let paths = document["paths"].as_object().unwrap().iter();
    let operations = paths.flat_map(|(path, item)| {
        let item = item.as_object().unwrap().iter();
        item.map(move |(method, operation)| (format!("{method} {path}"), operation.clone()))
    });
    operations.collect()
}

/// A URL of this form that leads to nothing in particular.
fn example_of(path: &str) -> String {
    path.replace("{id}", "1")
        .replace("{name}", "KRW-NONE")
        .replace("{code}", "KRW-NONE")
        .replace("{path}", "none")
}

/// What `src/router.rs` says, which axum cannot be asked for.
fn routes() -> BTreeSet<Operation> {
    let source = fs::read_to_string(folder("src/router.rs")).unwrap();
    let functions = syn::parse_file(&source).unwrap().items.into_iter().filter_map(|item| match item {
        syn::Item::Fn(function) => Some(function.block.stmts),
        _ => None,
    });
    let chains = functions.flatten().filter_map(|statement| match statement {
        Stmt::Expr(chain, None) => Some(chain),
        _ => None,
    });
    let routes: Vec<_> = chains.flat_map(calls).filter(|(name, _)| name == "route").collect();
    assert_eq!(routes.len(), source.matches(".route(").count(), "a route is where this test does not look");
    let operations = routes.into_iter().flat_map(|(_, arguments)| {
        let [Expr::Lit(path), handlers] = &arguments[..] else { panic!("expected a path and its handlers") };
        let syn::Lit::Str(path) = &path.lit else { panic!("expected a path") };
        let path = path.value().replace("{*", "{");
        let methods = calls(handlers.clone()).into_iter().filter(|(name, _)| name != "layer");
        // Sockets are open to any method, for HTTP/2 opens them by another; of that a document knows nothing.
        let named = |method: &str| if method == "any" { "get".to_owned() } else { method.to_owned() };
        methods.map(move |(method, _)| format!("{} {path}", named(&method))).collect::<Vec<_>>()
    });
    operations.collect()
}

/// The calls in a chain such as `get(list).post(create)`, with their arguments, the last first.
fn calls(chain: Expr) -> Vec<(String, Vec<Expr>)> {
    match chain {
        Expr::MethodCall(call) => {
            let this = (call.method.to_string(), call.args.into_iter().collect());
            std::iter::once(this).chain(calls(*call.receiver)).collect()
        }
        Expr::Call(call) => match *call.func {
            Expr::Path(function) => {
                let name = function.path.segments.last().unwrap().ident.to_string();
                vec![(name, call.args.into_iter().collect())]
            }
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// Every code that is given to a constructor of `ApiError`.
fn codes_in_sources() -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    for file in sources(&folder("src")) {
        let text = fs::read_to_string(&file).unwrap();
        for constructor in ["bad_request(", "unauthorized(", "forbidden(", "conflict(", "unprocessable("] {
            let arguments = text.split(constructor).skip(1);
            codes.extend(arguments.filter_map(first_literal));
        }
        let by_status = text.split("Self::new(StatusCode::").skip(1);
        codes.extend(by_status.filter_map(|call| first_literal(call.split_once(',')?.1)));
    }
    codes
}

/// The text in quotation marks with which this begins.
fn first_literal(source: &str) -> Option<String> {
    Some(source.trim_start().strip_prefix('"')?.split('"').next()?.to_owned())
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files =
        entries.filter(|path| path.file_name().is_some_and(|name| name != "tests" && name != "tests.rs"));
    files.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn collect_references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| match value {
            Value::String(target) if name == "$ref" => found.push(target.clone()),
            other => collect_references(other, found),
        }),
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, found)),
        _ => {}
    }
}
