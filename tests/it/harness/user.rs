//! [`User`]: somebody with a login.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::{
    Answer, CentrifugeSocket, ChatSocket, EventStream, Host, SMALL_BUFFER_BYTES, Socket, eventually,
};

/// One login of somebody.
pub(crate) struct User {
    host: Host,
    pub(crate) name: String,
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
}

impl User {
    pub(super) fn email(name: &str) -> String {
        format!("{name}@example.com")
    }

    pub(crate) fn password(name: &str) -> String {
        format!("{name}, and nobody else")
    }

    pub(super) async fn log_in(host: &Host, name: &str) -> Self {
        Self::log_in_with(host, name, &Self::email(name), &Self::password(name)).await
    }

    /// A login by what somebody would type.
    pub(crate) async fn log_in_with(host: &Host, name: &str, email: &str, password: &str) -> Self {
        let answer = host.post("/api/auth/login", &json!({ "email": email, "password": password })).await;
        let tokens = answer.expect_status(200).json();
        let token = |key: &str| tokens[key].as_str().unwrap().to_owned();
        Self {
            host: host.clone(),
            name: name.to_owned(),
            access_token: token("access_token"),
            refresh_token: token("refresh_token"),
        }
    }

    pub(crate) fn bearer(&self) -> String {
        format!("Bearer {}", self.access_token)
    }

    /// What a browser sends along.
    pub(crate) fn cookie(&self) -> String {
        format!("ACCESS_TOKEN={}", self.access_token)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.host.request(method, path).bearer_auth(&self.access_token)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path)).await
    }

    pub(crate) async fn put(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::PUT, path)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Answer {
        Answer::of(self.request(Method::PATCH, path).json(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::DELETE, path)).await
    }

    /// What a request without a body is answered with.
    pub(crate) async fn send(&self, method: Method, path: &str) -> Answer {
        Answer::of(self.request(method, path)).await
    }

    /// What a request with this body is answered with.
    pub(crate) async fn send_json(&self, method: Method, path: &str, body: &Value) -> Answer {
        Answer::of(self.request(method, path).json(body)).await
    }

    /// What a request with this body is answered with under an idempotency key.
    pub(crate) async fn send_once(&self, path: &str, key: &str, body: &Value) -> Answer {
        let request = self.request(Method::POST, path);
        Answer::of(request.header("Idempotency-Key", key).json(body)).await
    }

    /// Follows somebody.
    pub(crate) async fn follow(&self, other: &User) {
        self.put(&format!("/api/users/{}/follow", other.id().await)).await.expect_status(204);
    }

    /// Posts something, and returns the post.
    pub(crate) async fn post(&self, title: &str, content: &str) -> Value {
        let body = json!({ "title": title, "content": content });
        self.send_json(Method::POST, "/api/posts", &body).await.expect_status(201).json()
    }

    /// Comments on a post, and returns the comment.
    pub(crate) async fn comment(&self, post: &Value, content: &str) -> Value {
        self.say_below(post, &json!({ "content": content })).await
    }

    /// Replies to a comment on a post, and returns the reply.
    pub(crate) async fn reply(&self, post: &Value, parent: &Value, content: &str) -> Value {
        self.say_below(post, &json!({ "content": content, "parent_id": parent["id"] })).await
    }

    async fn say_below(&self, post: &Value, body: &Value) -> Value {
        let path = format!("/api/posts/{}/comments", post["id"].as_str().unwrap());
        self.send_json(Method::POST, &path, body).await.expect_status(201).json()
    }

    pub(crate) async fn me(&self) -> Answer {
        self.get("/api/users/me").await
    }

    pub(crate) async fn post_to(&self, path: &str, body: &Value) -> Answer {
        Answer::of(self.request(Method::POST, path).json(body)).await
    }

    pub(crate) async fn id(&self) -> String {
        self.me().await.expect_status(200).json()["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn ticket(&self) -> String {
        let request = self.host.request(Method::POST, "/api/auth/ticket").bearer_auth(&self.access_token);
        let ticket = Answer::of(request).await.expect_status(200).json();
        ticket["ticket"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn log_out(&self) {
        let request = self.host.request(Method::POST, "/api/auth/logout").bearer_auth(&self.access_token);
        Answer::of(request).await.expect_status(204);
    }

    /// Opens a page that is told what happens to this user.
    pub(crate) async fn listen(&self) -> EventStream {
        EventStream::open(self.request(Method::GET, "/api/notifications/stream")).await
    }

    /// Opens it again where another one ended.
    pub(crate) async fn listen_after(&self, id: &str) -> EventStream {
        let request = self.request(Method::GET, "/api/notifications/stream");
        EventStream::open(request.header("Last-Event-ID", id)).await
    }

    /// What this user was told, newest first, as kinds.
    pub(crate) async fn told(&self) -> Vec<String> {
        let page = self.get("/api/notifications?limit=100").await.expect_status(200).json();
        let rows = page["notifications"].as_array().unwrap().iter();
        rows.map(|row| row["kind"].as_str().unwrap().to_owned()).collect()
    }

    /// Waits until this user was told exactly this, newest first.
    pub(crate) async fn is_told(&self, kinds: &[&str]) {
        eventually(&format!("{} is told {kinds:?}", self.name), async || self.told().await == kinds).await;
    }

    /// A socket for any channels, connected.
    pub(crate) async fn centrifuge(&self) -> CentrifugeSocket {
        let mut socket = self.host.centrifuge().await;
        socket.connect(&self.access_token).await;
        socket
    }

    /// Enters a room as somebody new to it.
    pub(crate) async fn enter(&self, room: &str) -> ChatSocket {
        ChatSocket::join(self.open(&format!("/ws/chat?room={room}")).await).await
    }

    /// Comes back to a room and names the last position it knows.
    pub(crate) async fn come_back(&self, room: &str, epoch: &str, offset: impl Into<Value>) -> ChatSocket {
        let offset = offset.into();
        let path = format!("/ws/chat?room={room}&epoch={epoch}&offset={offset}");
        ChatSocket::join(self.open(&path).await).await
    }

    /// Enters a room with a receive buffer so small that the server soon notices when nobody reads.
    pub(crate) async fn enter_reading_slowly(&self, room: &str) -> ChatSocket {
        let path = format!("/ws/chat?room={room}");
        let bearer = self.bearer();
        let headers = [("Authorization", bearer.as_str())];
        ChatSocket::join(Socket::open(self.host.address, &path, &headers, Some(SMALL_BUFFER_BYTES)).await)
            .await
    }

    pub(crate) async fn open(&self, path: &str) -> Socket {
        self.host.open(path, &[("Authorization", &self.bearer())]).await
    }

    /// What entering a room is refused with.
    pub(crate) async fn refusal(&self, path: &str) -> Answer {
        self.host.refusal(path, &[("Authorization", &self.bearer())]).await
    }
}
