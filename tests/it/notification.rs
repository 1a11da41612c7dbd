//! What people are told of: whom, when, and over which way.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tickroom_storage::user::Role;

use crate::harness::{Answer, EventStream, Process, TestServer, User, eventually, statements, within};

const STREAM: &str = "/api/notifications/stream";

async fn list(user: &User) -> Vec<Value> {
    let page = user.get("/api/notifications?limit=100").await.expect_status(200).json();
    page["notifications"].as_array().unwrap().clone()
}

async fn unread(user: &User) -> u64 {
    let count = user.get("/api/notifications/unread-count").await.expect_status(200).json();
    count["count"].as_u64().unwrap()
}

async fn like(user: &User, path: &str, method: Method) {
    assert!(user.send(method, &format!("{path}/like")).await.status < 300);
}

#[tokio::test]
async fn whoever_it_concerns_is_told_at_once_and_can_read_it_later() {
    let server = TestServer::without_prices(&[]).await;
    let (ann, bo) = (server.user("ann").await, server.user("bo").await);
    let mut page = ann.listen().await;
    bo.follow(&ann).await;
    let told = page.next_of("notification").await;
    assert_eq!(
        (&told.data["kind"], &told.data["text"]),
        (&json!("follow"), &json!("bo님이 회원님을 팔로우했습니다."))
    );
    assert_eq!(told.data["actor"]["username"], "bo");
    assert_eq!(told.data["link"], format!("/api/users/{}", bo.id().await));
    assert_eq!(told.id, told.data["id"].as_str().unwrap());
    page.sees_unread(1).await;
    assert_eq!(list(&ann).await, [told.data]);
    assert_eq!(unread(&ann).await, 1);
    assert!(list(&bo).await.is_empty());
}

#[tokio::test]
async fn defect_41_authors_and_followers_are_told_what_concerns_them() {
    let server = TestServer::without_prices(&[]).await;
    let (ann, bo, cho) = (server.user("ann").await, server.user("bo").await, server.user("cho").await);
    cho.follow(&ann).await;
    let post = ann.post("a title", "for @bo").await;
    cho.is_told(&["post"]).await;
    bo.is_told(&["mention"]).await;
    let comment = bo.comment(&post, "well, @cho").await;
    cho.is_told(&["mention", "post"]).await;
    cho.reply(&post, &comment, "no").await;
    bo.is_told(&["reply", "mention"]).await;
    like(&cho, &format!("/api/posts/{}", post["id"].as_str().unwrap()), Method::PUT).await;
    like(&ann, &format!("/api/comments/{}", comment["id"].as_str().unwrap()), Method::PUT).await;
    bo.is_told(&["comment_like", "reply", "mention"]).await;
    ann.is_told(&["post_like", "comment", "follow"]).await;
    let texts: Vec<_> = list(&ann).await.into_iter().map(|told| told["text"].clone()).collect();
    assert_eq!(texts[0], "cho님이 회원님의 글 “a title”에 좋아요를 눌렀습니다.");
    assert_eq!(texts[1], "bo님이 회원님의 글 “a title”에 댓글을 남겼습니다.");
}

#[tokio::test]
async fn a_mention_in_a_room_is_told_with_its_place() {
    let server = TestServer::without_prices(&[]).await;
    let (ann, bo) = (server.user("ann").await, server.user("조아라").await);
    let mut page = bo.listen().await;
    let mut socket = ann.enter("KRW-BTC").await;
    let ack = socket.say_and_wait("1", "안녕 @조아라님, mail ann@조아라.com").await;
    let told = page.next_of("notification").await.data;
    assert_eq!(told["text"], "ann님이 KRW-BTC 방에서 회원님을 언급했습니다.");
    assert_eq!(told["link"], "/#KRW-BTC");
    assert_eq!(told["target"], json!({ "room": "KRW-BTC", "offset": ack["offset"] }));
    socket.say_and_wait("2", "nothing for @ann herself").await;
    socket.say_and_wait("1", "안녕 @조아라님, mail ann@조아라.com").await;
    bo.is_told(&["mention"]).await;
    assert!(list(&ann).await.is_empty());
}

#[tokio::test]
async fn what_is_told_on_the_stream_is_told_on_the_users_sockets_too() {
    let server = TestServer::without_prices(&[]).await;
    let (ann, bo) = (server.user("ann").await, server.user("bo").await);
    let (mut one, mut another) = (ann.enter("KRW-BTC").await, ann.enter("KRW-ETH").await);
    let mut others = bo.enter("KRW-BTC").await;
    bo.follow(&ann).await;
    for socket in [&mut one, &mut another] {
        let frame = socket.next_of("NOTIFICATION").await;
        assert_eq!((&frame["kind"], &frame["actor"]["name"]), (&json!("follow"), &json!("bo")));
    }
    others.say_and_wait("1", "hello").await;
    assert!(others.take_unread().iter().all(|frame| frame["type"] != "NOTIFICATION"));
}

#[tokio::test]
async fn defect_47_a_like_that_is_taken_back_is_withdrawn_and_the_badge_is_right() {
    let server = TestServer::without_prices(&[]).await;
    let (ann, bo) = (server.user("ann").await, server.user("bo").await);
    let post = ann.post("a title", "text").await;
    let path = format!("/api/posts/{}", post["id"].as_str().unwrap());
    let mut page = ann.listen().await;
    like(&bo, &path, Method::PUT).await;
    page.sees_unread(1).await;
    like(&bo, &path, Method::DELETE).await;
    page.sees_unread(0).await;
    assert!(list(&ann).await.is_empty());
    bo.comment(&post, "well").await;
    ann.is_told(&["comment"]).await;
    ann.delete(&path).await.expect_status(204);
    ann.is_told(&[]).await;
}

#[tokio::test]
async fn all_pages_of_a_user_show_the_same_number() {
    let server = TestServer::without_prices(&[]).await;
    let (ann, bo) = (server.user("ann").await, server.user("bo").await);
    let post = ann.post("a title", "text").await;
    for _ in 0..3 {
        bo.comment(&post, "well").await;
    }
    ann.is_told(&["comment"; 3]).await;
    let (mut one, mut another) = (ann.listen().await, ann.listen().await);
    let told = list(&ann).await;
    let id = |index: usize| told[index]["id"].as_str().unwrap();
    ann.send(Method::POST, &format!("/api/notifications/{}/read", id(2))).await.expect_status(204);
    for page in [&mut one, &mut another] {
        page.sees_unread(2).await;
    }
    ann.delete(&format!("/api/notifications/{}", id(1))).await.expect_status(204);
    one.sees_unread(1).await;
    let body = json!({ "up_to": id(0) });
    let read = ann.send_json(Method::POST, "/api/notifications/read-all", &body).await;
    assert_eq!(read.expect_status(200).json(), json!({ "read": 1 }));
    for page in [&mut one, &mut another] {
        page.sees_unread(0).await;
    }
    assert_eq!(list(&ann).await.len(), 2);
    let none = ann.get("/api/notifications?unread=true").await.json();
    assert_eq!(none["notifications"], json!([]));
}

#[tokio::test]
async fn defect_46_what_another_is_told_can_neither_be_read_nor_changed() {
    let server = TestServer::without_prices(&[]).await;
    let (ann, bo) = (server.user("ann").await, server.user("bo").await);
    bo.follow(&ann).await;
    ann.is_told(&["follow"]).await;
    let id = list(&ann).await[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/api/notifications/{id}");
    bo.send(Method::POST, &format!("{path}/read")).await.expect_problem(404, "not_found");
    bo.delete(&path).await.expect_problem(404, "not_found");
    let body = json!({ "up_to": id });
    let read = bo.send_json(Method::POST, "/api/notifications/read-all", &body).await.json();
    assert_eq!(read["read"], 0);
    assert_eq!(unread(&ann).await, 1);
    for path in ["", "/unread-count", "/settings", "/stream"] {
        server.get(&format!("/api/notifications{path}")).await.expect_problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn pages_have_limits_and_cursors_and_cost_the_same_whatever_their_length() {
    let server = TestServer::without_prices(&[]).await;
    let (ann, bo) = (server.user("ann").await, server.user("bo").await);
    let post = ann.post("a title", "text").await;
    for _ in 0..50 {
        bo.comment(&post, "well").await;
    }
    ann.is_told(&["comment"; 50]).await;
    let all = list(&ann).await;
    let first = ann.get("/api/notifications?limit=30").await.json();
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = ann.get(&format!("/api/notifications?limit=30&cursor={cursor}")).await.json();
    assert_eq!(second["next_cursor"], Value::Null);
    let pages = [first, second].map(|page| page["notifications"].as_array().unwrap().clone()).concat();
    assert_eq!(pages, all);
    for (query, field) in [("limit=0", "limit"), ("limit=101", "limit"), ("cursor=x", "cursor")] {
        let problem =
            ann.get(&format!("/api/notifications?{query}")).await.expect_problem(422, "validation_failed");
        assert_eq!(problem["errors"][0]["field"], field);
    }
    let one = statements(&server, &ann, "/api/notifications?limit=1", 1).await;
    let many = statements(&server, &ann, "/api/notifications?limit=50", 50).await;
    assert_eq!(one, many);
}

#[tokio::test]
async fn the_language_is_that_of_the_request() {
    let server = TestServer::without_prices(&[]).await;
    let (ann, bo) = (server.user("ann").await, server.user("bo").await);
    bo.follow(&ann).await;
    ann.is_told(&["follow"]).await;
    let english = ann.request(Method::GET, "/api/notifications").header("Accept-Language", "en-US,en;q=0.9");
    let page = Answer::of(english).await.json();
    assert_eq!(page["notifications"][0]["text"], "bo follows you.");
    let request =
        ann.request(Method::GET, STREAM).header("Accept-Language", "en").header("Last-Event-ID", "0");
    let told = EventStream::open(request).await.next_of("notification").await;
    assert_eq!(told.data["text"], "bo follows you.");
}

#[tokio::test]
async fn one_is_told_only_what_one_wants_to_be_told() {
    let server = TestServer::without_prices(&[]).await;
    let (ann, bo) = (server.user("ann").await, server.user("bo").await);
    let path = "/api/notifications/settings";
    let all = ann.get(path).await.expect_status(200).json();
    assert!(all.as_object().unwrap().values().all(|wanted| *wanted == true));
    assert_eq!(all.as_object().unwrap().len(), 7);
    let changed =
        ann.send_json(Method::PUT, path, &json!({ "follow": false })).await.expect_status(200).json();
    assert_eq!((&changed["follow"], &changed["post"]), (&json!(false), &json!(true)));
    for body in [json!({ "pokes": true }), json!({ "follow": "no" })] {
        ann.send_json(Method::PUT, path, &body).await.expect_problem(422, "validation_failed");
    }
    bo.follow(&ann).await;
    let post = ann.post("a title", "text").await;
    bo.comment(&post, "well").await;
    ann.is_told(&["comment"]).await;
}

#[tokio::test]
async fn defect_44_who_comes_back_is_told_exactly_what_was_missed() {
    let server = TestServer::without_prices(&[]).await;
    let (ann, bo) = (server.user("ann").await, server.user("bo").await);
    let post = ann.post("a title", "text").await;
    let mut page = ann.listen().await;
    bo.comment(&post, "1").await;
    page.next_of("notification").await;
    let last = page.last_id.clone();
    drop(page);
    for text in ["2", "3"] {
        bo.comment(&post, text).await;
    }
    ann.is_told(&["comment"; 3]).await;
    let mut page = ann.listen_after(&last).await;
    bo.comment(&post, "4").await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(page.next_of("notification").await.id);
    }
    let all: Vec<String> = list(&ann).await.iter().map(|told| told["id"].as_str().unwrap().into()).collect();
    assert_eq!(ids, [&*all[2], &*all[1], &*all[0]]);

    let server = {
        drop(page);
        server.restart().await
    };
    let ann = server.log_in("ann").await;
    let mut page = ann.listen_after(&ids[0]).await;
    assert_eq!(page.next_of("notification").await.id, ids[1], "also after a restart");
    // Whoever makes an id up is told what is new, and nothing else.
    let mut page = ann.listen_after(&i64::MAX.to_string()).await;
    page.sees_unread(4).await;
    assert_eq!(page.last_id, all[0]);
}

#[tokio::test]
async fn a_stream_that_knows_no_position_begins_now() {
    let server = TestServer::without_prices(&[]).await;
    let (ann, bo) = (server.user("ann").await, server.user("bo").await);
    bo.follow(&ann).await;
    ann.is_told(&["follow"]).await;
    for unreadable in ["", "nonsense"] {
        let mut page = ann.listen_after(unreadable).await;
        assert_eq!(page.next().await.unwrap().kind, "unread-count", "defect 43: not the whole past");
        assert_eq!(page.last_id, list(&ann).await[0]["id"].as_str().unwrap());
    }
}

#[tokio::test]
async fn a_stream_is_not_kept_back_on_the_way_and_speaks_http_2_as_well() {
    let server = TestServer::without_prices(&[]).await;
    let (ann, bo) = (server.user("ann").await, server.user("bo").await);
    let http = reqwest::Client::builder().http2_prior_knowledge().no_proxy().build().unwrap();
    let mut pages = vec![ann.listen().await];
    pages.push(EventStream::open(http.get(server.url(STREAM)).bearer_auth(&ann.access_token)).await);
    assert_eq!(pages[1].response.version(), reqwest::Version::HTTP_2);
    bo.follow(&ann).await;
    for page in &mut pages {
        let headers = page.response.headers();
        let header = |name: &str| headers.get(name).unwrap().to_str().unwrap();
        assert_eq!(header("content-type"), "text/event-stream");
        assert_eq!((header("cache-control"), header("x-accel-buffering")), ("no-store", "no"));
        assert!((2_000..=4_000).contains(&page.retry.unwrap()));
        assert_eq!(page.next_of("notification").await.data["kind"], "follow");
    }
}

#[tokio::test]
async fn a_stream_takes_a_cookie_or_a_ticket_but_not_from_a_page_of_elsewhere() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    let with_cookie = || server.request(Method::GET, STREAM).header("Cookie", ann.cookie());
    EventStream::open(with_cookie()).await;
    EventStream::open(with_cookie().header("Sec-Fetch-Site", "same-origin")).await;
    for (name, value) in [("Origin", "https://evil.example"), ("Sec-Fetch-Site", "cross-site")] {
        Answer::of(with_cookie().header(name, value)).await.expect_problem(403, "origin_forbidden");
    }
    let path = format!("{STREAM}?ticket={}", ann.ticket().await);
    EventStream::open(server.request(Method::GET, &path)).await;
    server.get(&path).await.expect_problem(401, "token_invalid");
}

#[tokio::test]
async fn streams_are_limited_for_each_user_and_a_closed_one_gives_its_place_back() {
    let server = TestServer::without_prices(&[("socket.sockets_per_user", "2")]).await;
    let (ann, bo) = (server.user("ann").await, server.user("bo").await);
    let pages = [ann.listen().await, ann.listen().await];
    ann.get(STREAM).await.expect_problem(429, "too_many_sockets");
    bo.listen().await;
    drop(pages);
    let streams = &server.inside().app.tree.services().streams;
    eventually("the places are given back", async || streams.is_empty()).await;
    ann.listen().await;
}

#[tokio::test]
async fn a_logout_ends_the_streams_of_that_login_and_no_others() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    let elsewhere = server.log_in("ann").await;
    let (mut page, mut other) = (ann.listen().await, elsewhere.listen().await);
    ann.log_out().await;
    assert_eq!(page.rest().await, []);
    server.user("bo").await.follow(&elsewhere).await;
    assert_eq!(other.next_of("notification").await.data["kind"], "follow");
}

#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let server = TestServer::without_prices(&[("auth.access_token_ttl_s", "2")]).await;
    let ann = server.user("ann").await;
    let mut page = ann.listen().await;
    assert_eq!(page.rest().await, []);
}

#[tokio::test]
async fn an_idle_stream_gives_signs_of_life() {
    let settings = [("socket.ping_interval_s", "2"), ("socket.pong_timeout_s", "1")];
    let server = TestServer::without_prices(&settings).await;
    let ann = server.user("ann").await;
    let mut page = ann.listen().await;
    page.sees_unread(0).await;
    // A comment makes no event, so reading on is what finds it.
    let bo = server.user("bo").await;
    within("a sign of life", async {
        let mut round = 0;
        while page.comments == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
            let method = if round % 2 == 0 { Method::PUT } else { Method::DELETE };
            bo.send(method, &format!("/api/users/{}/follow", ann.id().await)).await;
            page.next_of("unread-count").await;
            round += 1;
        }
    })
    .await;
}

#[tokio::test]
async fn a_stopping_server_says_when_to_come_back_and_ends_the_stream() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    let mut page = ann.listen().await;
    let last_words = async { (page.rest().await, page.retry.unwrap()) };
    let ((rest, retry), server) = tokio::join!(last_words, server.restart());
    assert_eq!(rest, []);
    assert!((500..5_000).contains(&retry), "{retry}");
    server.log_in("ann").await.listen().await;
}

#[tokio::test]
async fn defect_31_what_was_done_before_a_kill_9_is_told_after_it_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::serve(folder.path());
    let (ann, bo) = (server.user("ann").await, server.user("bo").await);
    let post = ann.post("a title", "text").await;
    for _ in 0..20 {
        bo.comment(&post, "well").await;
    }
    server.kill();
    let server = Process::serve(folder.path());
    let ann = server.log_in("ann").await;
    ann.is_told(&["comment"; 20]).await;
    bo_follows(&server, &ann).await;
    let mut told = vec!["comment"; 20];
    told.insert(0, "follow");
    ann.is_told(&told).await;
}

async fn bo_follows(server: &Process, ann: &User) {
    server.log_in("bo").await.follow(ann).await;
}

#[tokio::test]
async fn dead_letters_are_for_administrators() {
    let server = TestServer::without_prices(&[]).await;
    let (ann, root) = (server.user("ann").await, server.promoted("root", Role::Admin).await);
    ann.get("/api/admin/dead-letters").await.expect_problem(403, "forbidden");
    let page = root.get("/api/admin/dead-letters").await.expect_status(200).json();
    assert_eq!(page, json!({ "dead_letters": [], "next_cursor": null }));
    for (method, path) in
        [(Method::POST, "/api/admin/dead-letters/7/replay"), (Method::DELETE, "/api/admin/dead-letters/7")]
    {
        ann.send(method.clone(), path).await.expect_problem(403, "forbidden");
        root.send(method, path).await.expect_problem(404, "not_found");
    }
    let answer = root.get("/api/admin/dead-letters?limit=0").await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
}
