//! What a post by somebody with 100,000 followers costs: how long until the last of them is told, what it takes in memory,
//! and what it does to others, who comment and are told of comments meanwhile.
//!
//! Not a criterion bench: it happens once, and means hide what the slowest bystander waits for.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a bench may panic, and prints"
)]

use std::time::{Duration, Instant};

use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use tickroom::app::{Options, Server};
use tickroom::config::{self, Sources};
use tickroom_storage::engine::Database;
use tickroom_storage::event::{Outbox, SqlOutbox};
use tickroom_storage::follow::Follows;
use tickroom_storage::user::{NewUser, Role, Users};
use tickroom_storage::{FollowId, IdGenerator, TimestampMs, UserId};

const FOLLOWERS: usize = 100_000;

/// Comments of the bystanders, one after the other, before and after the post.
const COMMENTS: usize = 200;

/// Events taken out of the outbox at a time.
const EVENTS: u16 = 200;

/// How often is looked whether the last follower is told.
const LOOK: Duration = Duration::from_millis(20);

fn main() {
    // `cargo test --benches` runs it with this, to see that it compiles.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(measure());
}

async fn measure() {
    let folder = tempfile::tempdir().unwrap();
    let sources = [
        ("server.listen", "127.0.0.1:0"),
        ("storage.data_dir", folder.path().to_str().unwrap()),
        ("feed.source", "off"),
        ("auth.email_verification", "off"),
        ("server.writes_per_minute", "1000000"),
    ];
    let sources = sources
        .into_iter()
        .fold(Sources::default(), |sources, (key, value)| sources.argument("bench", key, value));
    let config = || config::load(&sources).unwrap().config;
    let server = Server::start(config(), Options::default()).await.unwrap();
    let root = format!("http://{}", server.address);
    // One provider for the process; it is no error that the server installed it before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let id = Person::new(&root, "author").await.id().await;
    server.stop().await;

    let started = Instant::now();
    let database =
        Database::connect(&format!("sqlite://{}/tickroom.db", folder.path().display())).await.unwrap();
    follow(database, id, FOLLOWERS - 1).await;
    let server = Server::start(config(), Options::default()).await.unwrap();
    let root = format!("http://{}", server.address);
    let author = Person::login(&root, "author").await;
    let (ann, bo) = (Person::new(&root, "ann").await, Person::new(&root, "bo").await);
    // Followers are told in the order of their accounts, so this one is told last.
    let last = Person::new(&root, "last").await;
    last.send(Method::PUT, &format!("/api/users/{id}/follow"), None).await;
    println!("{FOLLOWERS} followers in {:.0?}", started.elapsed());

    let post = ann.post().await;
    let before = comments(&bo, &ann, &post).await;
    let memory_kib = resident_kib();
    let begun = Instant::now();
    author.post().await;
    let told = tokio::spawn(async move {
        while last.unread().await == 0 {
            tokio::time::sleep(LOOK).await;
        }
        begun.elapsed()
    });
    let meanwhile = comments(&bo, &ann, &post).await;
    let comments_took = begun.elapsed();
    let told = told.await.unwrap();
    println!("the last follower was told after {told:.1?}: {:.0} a second", rate(told));
    println!("resident memory grew by {} KiB", resident_kib().saturating_sub(memory_kib));
    println!("{COMMENTS} comments of others took {comments_took:.1?} meanwhile\n");
    println!("from a comment's request to its notification {:>8} {:>8} {:>8}", "p50", "p90", "most");
    for (name, times) in [("before", before), ("while they are told", meanwhile)] {
        let at = |share: usize| format!("{:.1?}", times[(times.len() - 1) * share / 100]);
        println!("{name:<44} {:>8} {:>8} {:>8}", at(50), at(90), at(100));
    }
    server.stop().await;
}

fn rate(elapsed: Duration) -> f64 {
    f64::from(u32::try_from(FOLLOWERS).unwrap()) / elapsed.as_secs_f64()
}

async fn follow(database: Database, author: UserId, count: usize) {
    let (users, follows) = (Users::new(database.clone()), Follows::new(database.clone()));
    let ids = IdGenerator::new();
    for number in 0..count {
        let user = NewUser {
            id: ids.next(),
            name: format!("follower {number}").parse().unwrap(),
            email: format!("follower{number}@example.com").parse().unwrap(),
            password_hash: String::new(),
            role: Role::User,
            verified_at: None,
            created_at: TimestampMs::now(),
        };
        users.create(&user).await.unwrap();
        let id: FollowId = ids.next();
        follows.follow(id, user.id, author, TimestampMs::now()).await.unwrap();
    }
    // That they follow is nothing that the author is to be told of now.
    let outbox = SqlOutbox::new(database);
    loop {
        let ids: Vec<_> = outbox.waiting(EVENTS).await.unwrap().iter().map(|event| event.id).collect();
        if ids.is_empty() {
            break;
        }
        outbox.forget(&ids).await.unwrap();
    }
}

/// Comments one after the other: the times until each is told, in order.
async fn comments(from: &Person, to: &Person, post: &str) -> Vec<Duration> {
    let mut times = Vec::with_capacity(COMMENTS);
    let path = format!("/api/posts/{post}/comments");
    for _ in 0..COMMENTS {
        let (unread, begun) = (to.unread().await, Instant::now());
        from.send(Method::POST, &path, Some(json!({ "content": "by the way" }))).await;
        while to.unread().await == unread {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    times
}

/// Resident memory of this process, which is the server's and the clients'.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim_end_matches("kB").trim().parse().unwrap()
}

fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

fn account(name: &str) -> Value {
    json!({ "username": name, "email": format!("{name}@example.com"), "password": "to write and to wait" })
}

async fn post(root: &str, path: &str, body: &Value) -> Response {
    let request = client().post(format!("{root}{path}")).json(body);
    request.send().await.unwrap().error_for_status().unwrap()
}

/// Somebody with an account.
struct Person {
    http: Client,
    root: String,
    token: String,
}

impl Person {
    async fn new(root: &str, name: &str) -> Self {
        post(root, "/api/auth/register", &account(name)).await;
        Self::login(root, name).await
    }

    async fn login(root: &str, name: &str) -> Self {
        let login: Value = post(root, "/api/auth/login", &account(name)).await.json().await.unwrap();
        let token = login["access_token"].as_str().unwrap().to_owned();
        Self { http: client(), root: root.to_owned(), token }
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Response {
        let request = self.http.request(method, format!("{}{path}", self.root)).bearer_auth(&self.token);
        let request = match &body {
            Some(body) => request.json(body),
            None => request,
        };
        request.send().await.unwrap().error_for_status().unwrap()
    }

    async fn id(&self) -> UserId {
        let me: Value = self.send(Method::GET, "/api/users/me", None).await.json().await.unwrap();
        me["id"].as_str().unwrap().parse().unwrap()
    }

    async fn post(&self) -> String {
        let body = json!({ "title": "something to talk about", "content": "text" });
        let post: Value = self.send(Method::POST, "/api/posts", Some(body)).await.json().await.unwrap();
        post["id"].as_str().unwrap().to_owned()
    }

    async fn unread(&self) -> u64 {
        let path = "/api/notifications/unread-count";
        let answer: Value = self.send(Method::GET, path, None).await.json().await.unwrap();
        answer["count"].as_u64().unwrap()
    }
}
