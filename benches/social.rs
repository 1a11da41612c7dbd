//! What the lists of posts cost with 10,000 people and 100,000 posts: the time from when a request was due to when its
//! answer was read, over HTTP, while others post and like.
//!
//! Server and client share the process and its cores, so what is told here is what the client waits, not what the
//! server could do with all of the machine. Not a criterion bench: means hide what the slowest reader waits for.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a bench may panic, and prints"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use fastrand::Rng;
use reqwest::Client;
use serde_json::{Value, json};
use tickroom::app::{Options, Server};
use tickroom::config::{self, Sources};
use tickroom_storage::comment::NewComment;
use tickroom_storage::engine::Database;
use tickroom_storage::follow::Follows;
use tickroom_storage::post::{NewPost, Posts};
use tickroom_storage::user::{NewUser, Role, Users};
use tickroom_storage::{FollowId, IdGenerator, PostId, TimestampMs, UserId};
use tokio::task::JoinSet;

const PEOPLE: usize = 10_000;
const POSTS: usize = 100_000;
const LIKES: usize = 60_000;
const COMMENTS: usize = 20_000;
const FOLLOWED: usize = 1_000;

/// Over how long the posts are spread; half of them fall into the window of the popular ones.
const SPREAD_MS: i64 = 14 * 24 * 3_600_000;

/// Requests that come in a second, whether the earlier ones are answered or not.
const RATE: u32 = 100;
const REQUESTS: u32 = 1_000;

const WORDS: [&str; 24] = [
    "비트코인",
    "이더리움",
    "리플이",
    "오른다",
    "떨어진다",
    "거래량",
    "차트",
    "돌파",
    "지지선",
    "저항선",
    "손절",
    "매수",
    "bitcoin",
    "ether",
    "volume",
    "breakout",
    "support",
    "resistance",
    "spread",
    "order",
    "book",
    "patience",
    "risk",
    "exit",
];

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
    let database =
        Database::connect(&format!("sqlite://{}/tickroom.db", folder.path().display())).await.unwrap();
    let started = Instant::now();
    let mut world = World::new(database.clone());
    world.fill().await;
    println!(
        "{PEOPLE} people, {POSTS} posts, {LIKES} likes, {COMMENTS} comments in {:.0?}",
        started.elapsed()
    );
    println!(
        "{RATE} requests a second for each list, {REQUESTS} in all, while 5 posts and 20 likes come a second\n"
    );
    let sources = [
        ("server.listen", "127.0.0.1:0"),
        ("storage.data_dir", folder.path().to_str().unwrap()),
        ("feed.source", "off"),
        ("auth.email_verification", "off"),
    ];
    let sources = sources
        .into_iter()
        .fold(Sources::default(), |sources, (key, value)| sources.argument("bench", key, value));
    let server = Server::start(config::load(&sources).unwrap().config, Options::default()).await.unwrap();
    let reader = Reader::new(&server).await;
    world.follow(reader.id, FOLLOWED).await;
    let busy = tokio::spawn(world.go_on());
    println!("{:<42} {:>8} {:>8} {:>8} {:>8}", "", "p50", "p90", "p99", "most");
    for (name, path) in [
        ("newest", "/api/posts?limit=50"),
        ("popular", "/api/posts?limit=50&sort=popular"),
        ("tag on every tenth post", "/api/posts?limit=50&tag=tag3"),
        ("the same, popular", "/api/posts?limit=50&tag=tag3&sort=popular"),
        ("search, common word", "/api/posts?limit=50&q=비트코인"),
        ("search, two letters in a word", "/api/posts?limit=50&q=트코"),
        ("search, three words", "/api/posts?limit=50&q=bitcoin%20거래량%20risk"),
        ("search, nothing to find", "/api/posts?limit=50&q=거래량비트"),
        ("search, one letter", "/api/posts?limit=50&q=b"),
        ("timeline, 1,000 followed", "/api/timeline?limit=50"),
        ("the same, popular", "/api/timeline?limit=50&sort=popular"),
        ("one post", &format!("/api/posts/{}", reader.some_post)),
    ] {
        reader.read_all(name, path).await;
    }
    busy.abort();
    server.stop().await;
}

/// Everybody and everything.
struct World {
    database: Database,
    posts: Posts,
    rng: Rng,
    clock: Arc<AtomicI64>,
    ids: IdGenerator,
    people: Vec<UserId>,
    made: Vec<PostId>,
}

impl World {
    fn new(database: Database) -> Self {
        let clock = Arc::new(AtomicI64::new(0));
        let hand = Arc::clone(&clock);
        Self {
            posts: Posts::new(database.clone()),
            database,
            rng: Rng::with_seed(7),
            clock,
            ids: IdGenerator::with_clock(1, move || TimestampMs::new(hand.load(Ordering::Relaxed))),
            people: Vec::with_capacity(PEOPLE),
            made: Vec::with_capacity(POSTS),
        }
    }

    async fn fill(&mut self) {
        let begin = TimestampMs::now().plus_millis(-SPREAD_MS);
        self.clock.store(begin.get(), Ordering::Relaxed);
        let users = Users::new(self.database.clone());
        for number in 0..PEOPLE {
            let user = NewUser {
                id: self.ids.next(),
                name: format!("person {number}").parse().unwrap(),
                email: format!("person{number}@example.com").parse().unwrap(),
                password_hash: String::new(),
                role: Role::User,
                verified_at: None,
                created_at: begin,
            };
            users.create(&user).await.unwrap();
            self.people.push(user.id);
        }
        for number in 0..POSTS {
            let share = i64::try_from(number).unwrap() * SPREAD_MS / i64::try_from(POSTS).unwrap();
            self.post(begin.plus_millis(share)).await;
        }
        for _ in 0..LIKES {
            self.like().await;
        }
        let comments = tickroom_storage::comment::Comments::new(self.database.clone());
        for _ in 0..COMMENTS {
            let comment = NewComment {
                id: self.ids.next(),
                post_id: self.made[self.rng.usize(..self.made.len())],
                parent_id: None,
                author_id: self.somebody(),
                content: self.words(10).parse().unwrap(),
                created_at: TimestampMs::now(),
            };
            comments.create(&comment, None).await.unwrap().unwrap();
        }
    }

    fn somebody(&mut self) -> UserId {
        // Some write much more than others.
        let place = (self.rng.f64().powi(3) * 10_000.0).floor().to_string().parse::<usize>().unwrap();
        self.people[place.min(PEOPLE - 1)]
    }

    fn words(&mut self, count: usize) -> String {
        (0..count).map(|_| WORDS[self.rng.usize(..WORDS.len())]).collect::<Vec<_>>().join(" ")
    }

    async fn post(&mut self, at: TimestampMs) {
        self.clock.store(at.get(), Ordering::Relaxed);
        let (count, tag) = (self.rng.usize(20..120), self.rng.usize(..10));
        let post = NewPost {
            id: self.ids.next(),
            author_id: self.somebody(),
            title: self.words(6).parse().unwrap(),
            content: format!("{} #tag{tag} $KRW-BTC", self.words(count)).parse().unwrap(),
            tags: Vec::new(),
            created_at: at,
        };
        self.posts.create(&post, None).await.unwrap();
        self.made.push(post.id);
    }

    async fn like(&mut self) {
        let (post, user) = (self.made[self.rng.usize(..self.made.len())], self.somebody());
        self.posts.like(post, user, TimestampMs::now()).await.unwrap();
    }

    async fn follow(&mut self, reader: UserId, count: usize) {
        let follows = Follows::new(self.database.clone());
        for followee in self.rng.choose_multiple(self.people.clone(), count) {
            let id: FollowId = self.ids.next();
            follows.follow(id, reader, followee, TimestampMs::now()).await.unwrap();
        }
    }

    /// Life goes on while somebody reads.
    async fn go_on(mut self) {
        let mut ticks = tokio::time::interval(Duration::from_millis(200));
        loop {
            ticks.tick().await;
            self.post(TimestampMs::now()).await;
            for _ in 0..4 {
                self.like().await;
            }
        }
    }
}

/// Somebody who reads.
struct Reader {
    http: Client,
    root: String,
    token: String,
    id: UserId,
    some_post: String,
}

impl Reader {
    async fn new(server: &Server) -> Self {
        // One provider for the process; it is no error that the server installed it before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder().no_proxy().build().unwrap();
        let root = format!("http://{}", server.address);
        let account =
            json!({ "username": "reader", "email": "reader@example.com", "password": "to read and to wait" });
        let send = async |path: &str| -> Value {
            http.post(format!("{root}{path}")).json(&account).send().await.unwrap().json().await.unwrap()
        };
        let user = send("/api/auth/register").await;
        let token = send("/api/auth/login").await["access_token"].as_str().unwrap().to_owned();
        let posts: Value = http.get(format!("{root}/api/posts")).send().await.unwrap().json().await.unwrap();
        let some_post = posts["posts"][0]["id"].as_str().unwrap().to_owned();
        let id = user["id"].as_str().unwrap().parse().unwrap();
        Self { http, root, token, id, some_post }
    }

    async fn read_all(&self, name: &str, path: &str) {
        let mut times = JoinSet::new();
        let begin = Instant::now();
        for number in 0..REQUESTS {
            let due = begin + Duration::from_secs(1) / RATE * number;
            tokio::time::sleep_until(due.into()).await;
            let request = self.http.get(format!("{}{path}", self.root)).bearer_auth(&self.token);
            times.spawn(async move {
                let answer = request.send().await.unwrap().error_for_status().unwrap();
                answer.bytes().await.unwrap();
                due.elapsed()
            });
        }
        let mut times = times.join_all().await;
        times.sort_unstable();
        let at = |share: usize| format!("{:.1?}", times[times.len() * share / 1_000]);
        println!("{name:<42} {:>8} {:>8} {:>8} {:>8}", at(500), at(900), at(990), at(999));
    }
}
