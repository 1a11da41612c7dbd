//! Accounts as people live with them: the mail that proves an address, the one that helps when a password is forgotten,
//! administrators, and the end.

use reqwest::Method;
use serde_json::{Value, json};
use tickroom_storage::user::{NewUser, Role, Users};
use tickroom_storage::{TimestampMs, UserId};

use crate::harness::{Answer, Mail, TestServer, User, eventually, run};

const ROOM: &str = "KRW-BTC";
const VERIFICATION: [(&str, &str); 1] = [("auth.email_verification", "required")];

async fn with_verification() -> TestServer {
    TestServer::without_prices(&VERIFICATION).await
}

fn registration(name: &str) -> Value {
    json!({ "username": name, "email": format!("{name}@example.com"), "password": password(name) })
}

fn password(name: &str) -> String {
    format!("{name}, and nobody else")
}

async fn log_in(server: &TestServer, name: &str, password: &str) -> Answer {
    let body = json!({ "email": format!("{name}@example.com"), "password": password });
    server.post("/api/auth/login", &body).await
}

async fn send(server: &TestServer, user: &User, method: Method, path: &str, body: &Value) -> Answer {
    Answer::of(server.request(method, path).bearer_auth(&user.access_token).json(body)).await
}

/// The mails to somebody, once there are so many.
async fn mails(server: &TestServer, name: &str, count: usize) -> Vec<Mail> {
    let read = || Mail::all_to(server.data_dir(), &format!("{name}@example.com"));
    eventually("a mail", async || read().len() >= count).await;
    let mails = read();
    assert_eq!(mails.len(), count, "{mails:?}");
    mails
}

/// Ann, who has forgotten her password, and the token that she got by mail.
async fn reset_token(server: &TestServer, count: usize) -> String {
    let body = json!({ "email": "ann@example.com" });
    server.post("/api/auth/password-reset", &body).await.expect_status(202);
    mails(server, "ann", count).await.pop().unwrap().token()
}

#[tokio::test]
async fn defect_02_the_link_in_the_mail_opens_the_account() {
    let server = with_verification().await;
    let made = server.post("/api/auth/register", &registration("ann")).await.expect_status(201).json();
    assert_eq!(made["verified_at"], json!(null));
    log_in(&server, "ann", &password("ann")).await.expect_problem(403, "email_not_verified");
    let mail = mails(&server, "ann", 1).await.remove(0);
    assert!(mail.text.contains(&server.url("/api/auth/verify?token=")), "{mail:?}");
    assert!(mail.html.contains(&server.url(&mail.path())), "{mail:?}");
    for _also_by_a_scanner in 0..2 {
        let answer = server.get(&mail.path()).await.expect_status(303);
        assert_eq!((answer.header("location"), answer.header("cache-control")), ("/?verified=1", "no-store"));
    }
    let ann = server.log_in("ann").await;
    assert!(ann.me().await.json()["verified_at"].is_string());
}

#[tokio::test]
async fn a_program_that_follows_the_link_reads_json() {
    let server = with_verification().await;
    server.post("/api/auth/register", &registration("ann")).await.expect_status(201);
    let path = mails(&server, "ann", 1).await[0].path();
    let follow = async |path: &str| {
        Answer::of(server.request(Method::GET, path).header("accept", "application/json")).await
    };
    assert_eq!(follow(&path).await.expect_status(200).json(), json!({ "verified": true }));
    for bad in ["nonsense", "", &"x".repeat(10_000)] {
        let path = format!("/api/auth/verify?token={bad}");
        follow(&path).await.expect_problem(400, "link_invalid");
        assert_eq!(server.get(&path).await.expect_status(303).header("location"), "/?verified=0");
    }
    follow("/api/auth/verify").await.expect_violations(&[("token", "required")]);
}

#[tokio::test]
async fn whether_an_address_is_verified_is_told_only_with_the_right_password() {
    let server = with_verification().await;
    server.post("/api/auth/register", &registration("ann")).await.expect_status(201);
    log_in(&server, "ann", "a wrong one").await.expect_problem(401, "invalid_credentials");
    log_in(&server, "bob", "a wrong one").await.expect_problem(401, "invalid_credentials");
}

#[tokio::test]
async fn defect_18_a_mail_is_sent_again_to_who_waits_for_it_and_the_answer_tells_nobody() {
    let server = with_verification().await;
    server.post("/api/auth/register", &registration("ann")).await.expect_status(201);
    let resend = async |name: &str| {
        let body = json!({ "email": format!("{name}@example.com") });
        let answer = server.post("/api/auth/resend-verification", &body).await.expect_status(202);
        assert_eq!(answer.body, "");
    };
    resend("ann").await;
    resend("nobody").await;
    let both = mails(&server, "ann", 2).await;
    for mail in &both {
        server.get(&mail.path()).await.expect_status(303);
    }
    server.log_in("ann").await;
    resend("ann").await;
    // A mail that waits for one sent later is not there.
    server.post("/api/auth/register", &registration("bob")).await.expect_status(201);
    mails(&server, "bob", 1).await;
    assert_eq!(mails(&server, "ann", 2).await.len(), 2, "she is verified already");
    assert!(Mail::all_to(server.data_dir(), "nobody@example.com").is_empty());
    let body = json!({ "email": "no address" });
    server.post("/api/auth/resend-verification", &body).await.expect_violations(&[("email", "invalid")]);
}

#[tokio::test]
async fn mails_are_korean_unless_the_reader_prefers_english() {
    let server = with_verification().await;
    for (name, accepted, subject, greeting) in [
        ("ann", "en-US,en;q=0.9", "Subject: Confirm your mail address", "Hello ann,"),
        ("min", "ko-KR,ko;q=0.9,en;q=0.8", "Subject: Tickroom =?utf-8?", "min님, 안녕하세요."),
    ] {
        let request = server.request(Method::POST, "/api/auth/register").header("accept-language", accepted);
        Answer::of(request.json(&registration(name))).await.expect_status(201);
        let mail = mails(&server, name, 1).await.remove(0);
        assert!(mail.headers.contains(subject), "{mail:?}");
        assert!(mail.headers.contains("Auto-Submitted: auto-generated"), "{mail:?}");
        assert!(mail.text.contains(greeting) && mail.html.contains(greeting), "{mail:?}");
    }
}

#[tokio::test]
async fn an_address_that_no_mail_reaches_is_refused_where_one_has_to_be_sent() {
    let server = with_verification().await;
    for address in ["a,b@example.com", "a..b@example.com", "<a@example.com>"] {
        let body = json!({ "username": "ann", "email": address, "password": password("ann") });
        server.post("/api/auth/register", &body).await.expect_violations(&[("email", "invalid")]);
    }
}

#[tokio::test]
async fn links_begin_with_the_configured_url_whatever_host_was_called() {
    let settings =
        [("auth.email_verification", "required"), ("server.public_url", "https://chat.example.com")];
    let server = TestServer::without_prices(&settings).await;
    let request = server.request(Method::POST, "/api/auth/register").header("host", "evil.example");
    Answer::of(request.json(&registration("ann"))).await.expect_status(201);
    let mail = mails(&server, "ann", 1).await.remove(0);
    assert!(mail.text.contains("\nhttps://chat.example.com/api/auth/verify?token="), "{mail:?}");
    assert!(!mail.html.contains("evil"), "{mail:?}");
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_once_by_mail_and_all_logins_end() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    let mut socket = ann.enter(ROOM).await;
    let token = reset_token(&server, 1).await;
    let confirm = async |token: &str, password: &str| {
        let body = json!({ "token": token, "password": password });
        server.post("/api/auth/password-reset/confirm", &body).await
    };
    confirm(&token, "password1").await.expect_violations(&[("password", "too_common")]);
    confirm("nonsense", "a brand new one").await.expect_problem(400, "link_invalid");
    confirm(&token, "a brand new one").await.expect_status(204);
    socket.expect_close(3503).await;
    assert_eq!(ann.me().await.status, 401);
    confirm(&token, "another new one").await.expect_problem(400, "link_invalid");
    log_in(&server, "ann", &password("ann")).await.expect_problem(401, "invalid_credentials");
    log_in(&server, "ann", "a brand new one").await.expect_status(200);
}

#[tokio::test]
async fn a_reset_proves_the_address_too() {
    let server = with_verification().await;
    server.post("/api/auth/register", &registration("ann")).await.expect_status(201);
    mails(&server, "ann", 1).await;
    let token = reset_token(&server, 2).await;
    let verify = format!("/api/auth/verify?token={token}");
    assert_eq!(server.get(&verify).await.header("location"), "/?verified=0", "it is for one purpose");
    let body = json!({ "token": token, "password": "a brand new one" });
    server.post("/api/auth/password-reset/confirm", &body).await.expect_status(204);
    log_in(&server, "ann", "a brand new one").await.expect_status(200);
}

#[tokio::test]
async fn who_asks_for_a_reset_does_not_learn_whether_there_is_an_account() {
    let server = TestServer::without_prices(&[("auth.mails_per_hour", "2")]).await;
    server.user("ann").await;
    for name in ["ann", "nobody"] {
        let ask = async || {
            let body = json!({ "email": format!("{name}@example.com") });
            server.post("/api/auth/password-reset", &body).await
        };
        assert_eq!(ask().await.expect_status(202).body, "");
        assert_eq!(ask().await.expect_status(202).body, "");
        ask().await.expect_problem(429, "rate_limited");
    }
    mails(&server, "ann", 2).await;
}

#[tokio::test]
async fn a_login_ended_from_elsewhere_ends_its_sockets_at_once() {
    let server = TestServer::without_prices(&[]).await;
    let (desk, phone) = (server.user("ann").await, server.log_in("ann").await);
    let (mut at_desk, mut on_phone) = (desk.enter(ROOM).await, phone.enter(ROOM).await);
    let sessions = send(&server, &phone, Method::GET, "/api/auth/sessions", &Value::Null).await.json();
    let other = sessions["sessions"].as_array().unwrap().iter().find(|session| session["current"] == false);
    let path = format!("/api/auth/sessions/{}", other.unwrap()["id"].as_str().unwrap());
    send(&server, &phone, Method::DELETE, &path, &Value::Null).await.expect_status(204);
    at_desk.expect_close(3503).await;
    on_phone.say("still here").await;
    on_phone.expect_message("still here").await;
}

#[tokio::test]
async fn a_suspension_ends_sockets_at_once() {
    let server = TestServer::without_prices(&[]).await;
    let (root, ann) = (server.admin("root").await, server.user("ann").await);
    let mut socket = ann.enter(ROOM).await;
    let path = format!("/api/admin/users/{}/suspension", ann.id().await);
    send(&server, &root, Method::PUT, &path, &Value::Null).await.expect_status(204);
    socket.expect_close(3503).await;
    log_in(&server, "ann", &password("ann")).await.expect_problem(403, "account_suspended");
}

#[tokio::test]
async fn deleting_an_account_ends_sockets_and_leaves_what_was_said() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    let id = ann.id().await;
    let mut socket = ann.enter(ROOM).await;
    socket.say_and_wait("1", "these words stay").await;
    let body = json!({ "password": password("ann") });
    send(&server, &ann, Method::DELETE, "/api/users/me", &body).await.expect_status(204);
    socket.expect_close(3503).await;
    let said = server.history(ROOM).await;
    assert_eq!(
        (&said[0]["content"], &said[0]["sender"]["name"]),
        (&json!("these words stay"), &json!("ann"))
    );
    let left = server.get(&format!("/api/users/{id}")).await.expect_status(200).json();
    assert_eq!((&left["deleted"], &left["username"]), (&json!(true), &json!(null)));
}

#[tokio::test]
async fn an_operator_makes_administrators_beside_a_running_server() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    let data_dir = server.data_dir().to_str().unwrap().to_owned();
    let admin = async |what: &str, email: &str| {
        let arguments = ["admin", what, email, "--data-dir", &data_dir].map(str::to_owned);
        let run = move || run(&arguments.each_ref().map(String::as_str));
        tokio::task::spawn_blocking(run).await.unwrap()
    };
    let granted = admin("grant", "ANN@example.com").await;
    assert!(granted.status.success(), "{granted:?}");
    assert!(String::from_utf8(granted.stdout).unwrap().contains("ann <ann@example.com> is an administrator"));
    let list = async |user: &User| send(&server, user, Method::GET, "/api/admin/users", &Value::Null).await;
    list(&ann).await.expect_problem(403, "forbidden");
    let root = server.log_in("ann").await;
    list(&root).await.expect_status(200);
    assert!(admin("revoke", "ann@example.com").await.status.success());
    log_in(&server, "ann", &password("ann")).await.expect_status(200);
    let refresh = json!({ "refresh_token": root.refresh_token });
    server.post("/api/auth/refresh", &refresh).await.expect_problem(401, "token_revoked");
    let unknown = admin("grant", "nobody@example.com").await;
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8(unknown.stderr).unwrap().contains("nobody has the address"));
}

#[tokio::test]
async fn defect_18_an_account_that_nobody_proves_is_gone_after_a_week() {
    let server = with_verification().await;
    let users = Users::new(server.database().await);
    for (number, name, days) in [(1, "old", 8), (2, "young", 6)] {
        let account = NewUser {
            id: UserId::new(number),
            name: name.parse().unwrap(),
            email: format!("{name}@example.com").parse().unwrap(),
            password_hash: String::new(),
            role: Role::User,
            verified_at: None,
            created_at: TimestampMs::now().plus_millis(-days * 24 * 3_600_000),
        };
        users.create(&account).await.unwrap();
    }
    // A server looks for them when it starts, and then each hour; one that asks for no proof does not.
    let server = server.restart().await.restart_with(&VERIFICATION).await;
    server.post("/api/auth/register", &registration("young")).await.expect_problem(409, "taken");
    eventually("the name", async || {
        server.post("/api/auth/register", &registration("old")).await.status == 201
    })
    .await;
    server.post("/api/auth/register", &registration("young")).await.expect_problem(409, "taken");
}

#[tokio::test]
async fn defect_40_accounts_and_links_outlive_a_restart() {
    let server = with_verification().await;
    server.post("/api/auth/register", &registration("ann")).await.expect_status(201);
    let path = mails(&server, "ann", 1).await[0].path();
    let server = server.restart().await;
    assert_eq!(server.get(&path).await.expect_status(303).header("location"), "/?verified=1");
    server.log_in("ann").await;
}

impl TestServer {
    /// Somebody new who runs the place.
    async fn admin(&self, name: &str) -> User {
        let user = self.user(name).await.id().await.parse().unwrap();
        self.grant(user, Role::Admin).await;
        self.log_in(name).await
    }
}
