//! A server without a socket, its clock, and a client for it.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{ConnectInfo, FromRef},
    http::{HeaderMap, HeaderName, Method, Request, StatusCode, header},
    routing::{delete, get, post, put},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tickroom_storage::{
    FamilyId, IdGenerator, TimestampMs, UserId, account::Accounts, engine::Database, token::Tokens,
    user::Users,
};
use tower::ServiceExt;

use crate::{
    auth::{Auth, Authenticated, Dependencies, MaybeAuthenticated, SocketIdentity},
    config::{self, Config},
    extract::Query,
    mail::Mailer,
    middleware, routes,
};

pub(crate) const PASSWORD: &str = "correct horse";

pub(crate) struct TestServer {
    router: Router,
    clock: Arc<AtomicI64>,
    revoked: Arc<Mutex<Vec<(UserId, FamilyId)>>>,
    pub(crate) auth: Auth,
    pub(crate) database: Database,
    _dir: TempDir,
}

#[derive(Clone)]
struct State {
    auth: Auth,
    users: Users,
}

impl FromRef<State> for Auth {
    fn from_ref(state: &State) -> Self {
        state.auth.clone()
    }
}

impl FromRef<State> for Users {
    fn from_ref(state: &State) -> Self {
        state.users.clone()
    }
}

impl TestServer {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_config| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut config = config::load(&config::Sources::default()).unwrap().config;
        config.storage.data_dir = dir.path().into();
        config.server.public_url = "https://tickroom.example".parse().unwrap();
        config.auth.secure_cookies = true;
        config.auth.is_verification_required = false;
        config.auth.login_attempts_per_minute = 1000.try_into().unwrap();
        config.auth.registrations_per_hour = 1000.try_into().unwrap();
        change(&mut config);

        let url = format!("sqlite://{}", dir.path().join("test.db").display());
        let database = Database::connect(&url).await.unwrap();
        let users = Users::new(database.clone());
        let clock = Arc::new(AtomicI64::new(1_750_000_000_123));
        let revoked = Arc::new(Mutex::new(Vec::new()));
        let (ticking, ended) = (Arc::clone(&clock), Arc::clone(&revoked));
        let dependencies = Dependencies {
            users: users.clone(),
            accounts: Accounts::new(database.clone()),
            mailer: Mailer::new(&config.mail, dir.path()).unwrap(),
            tokens: Tokens::new(database.clone()),
            ids: Arc::new(IdGenerator::new()),
            clock: Arc::new(move || TimestampMs::new(ticking.load(Ordering::SeqCst))),
            on_revoked: Arc::new(move |user, family| ended.lock().unwrap().push((user, family))),
        };
        let auth = Auth::new(&config, dependencies).unwrap();
        let router = middleware::apply(urls(), &auth).with_state(State { auth: auth.clone(), users });
        Self { router, clock, revoked, auth, database, _dir: dir }
    }

    pub(crate) fn now(&self) -> TimestampMs {
        TimestampMs::new(self.clock.load(Ordering::SeqCst))
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.clock.fetch_add(by.as_millis().try_into().unwrap(), Ordering::SeqCst);
    }

    /// Families of which sockets have been told that they ended.
    pub(crate) fn revoked(&self) -> Vec<(UserId, FamilyId)> {
        self.revoked.lock().unwrap().clone()
    }

    pub(crate) fn get(&self, path: &str) -> Call<'_> {
        Call::new(self, Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str) -> Call<'_> {
        Call::new(self, Method::POST, path)
    }

    pub(crate) async fn register(&self, name: &str) -> Answer {
        let body = json!({"username": name, "email": email(name), "password": PASSWORD});
        self.post("/api/auth/register").json(&body).send().await
    }

    pub(crate) async fn login(&self, name: &str) -> Answer {
        let body = json!({"email": email(name), "password": PASSWORD});
        self.post("/api/auth/login").json(&body).send().await
    }

    /// Somebody who has an account and is logged in.
    pub(crate) async fn user(&self, name: &str) -> Answer {
        assert_eq!(self.register(name).await.status, StatusCode::CREATED);
        let login = self.login(name).await;
        assert_eq!(login.status, StatusCode::OK);
        login
    }

    pub(crate) async fn refresh(&self, token: &str) -> Answer {
        self.post("/api/auth/refresh").json(&json!({"refresh_token": token})).send().await
    }
}

pub(crate) fn email(name: &str) -> String {
    format!("{name}@example.com")
}

fn urls() -> Router<State> {
    Router::new()
        .route("/api/auth/register", post(routes::auth::register))
        .route("/api/auth/login", post(routes::auth::login))
        .route("/api/auth/refresh", post(routes::auth::refresh))
        .route("/api/auth/logout", post(routes::auth::logout))
        .route("/api/auth/ticket", post(routes::auth::ticket))
        .route(
            "/api/auth/sessions",
            get(routes::auth::session::list).delete(routes::auth::session::end_others),
        )
        .route("/api/auth/sessions/{id}", delete(routes::auth::session::end))
        .route("/api/users/me", get(routes::user::me).delete(routes::account::delete))
        .route("/api/users/me/password", put(routes::account::change_password))
        .route("/api/admin/users", get(routes::admin::users))
        .route("/api/admin/users/{id}/role", put(routes::admin::set_role))
        .route(
            "/api/admin/users/{id}/suspension",
            put(routes::admin::suspend).delete(routes::admin::lift_suspension),
        )
        .route("/api/users/{id}", get(routes::user::show))
        .route("/probe", get(whoami).post(whoami).put(whoami).patch(whoami).delete(whoami))
        .route("/probe/{*rest}", get(whoami))
        .route("/maybe", get(async |MaybeAuthenticated(who)| name(who.map(|who| who.name.to_string()))))
        .route("/socket", get(async |SocketIdentity(who)| name(Some(who.name.to_string()))))
        .route("/number", get(async |Query(_): Query<std::collections::HashMap<String, u8>>| ()))
        .route("/panic", get(async || -> () { panic!("a bug") }))
}

async fn whoami(Authenticated(who): Authenticated) -> axum::Json<Value> {
    name(Some(format!("{} {}", who.name, who.scopes)))
}

fn name(name: Option<String>) -> axum::Json<Value> {
    axum::Json(json!({ "name": name }))
}

/// A request in the making.
pub(crate) struct Call<'a> {
    server: &'a TestServer,
    request: Request<Body>,
}

impl<'a> Call<'a> {
    fn new(server: &'a TestServer, method: Method, path: &str) -> Self {
        let request = Request::builder().method(method).uri(path).header(header::HOST, "tickroom.example");
        Self { server, request: request.body(Body::empty()).unwrap() }.peer("192.0.2.1")
    }

    pub(crate) fn method(mut self, method: Method) -> Self {
        *self.request.method_mut() = method;
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.request.headers_mut().append(HeaderName::from_static(name), value.parse().unwrap());
        self
    }

    pub(crate) fn host(mut self, host: &str) -> Self {
        self.request.headers_mut().insert(header::HOST, host.parse().unwrap());
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn peer(mut self, peer: &str) -> Self {
        let peer = SocketAddr::new(peer.parse().unwrap(), 4711);
        self.request.extensions_mut().insert(ConnectInfo(peer));
        self
    }

    /// As a browser that holds the cookies which `answer` set.
    pub(crate) fn cookies_of(self, answer: &Answer) -> Self {
        let cookies: Vec<_> =
            answer.cookies().into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        self.header("cookie", &cookies.join("; "))
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }

    pub(crate) fn body(mut self, body: impl Into<Body>) -> Self {
        *self.request.body_mut() = body.into();
        self
    }

    pub(crate) async fn send(self) -> Answer {
        let response = self.server.router.clone().oneshot(self.request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        let body = serde_json::from_slice(&body).unwrap_or_else(|_| String::from_utf8_lossy(&body).into());
        Answer { status: parts.status, headers: parts.headers, body }
    }
}

/// A response, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn text(&self, field: &str) -> &str {
        self.body[field].as_str().unwrap_or_else(|| panic!("no text {field} in {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    /// Status and code together, for those tests that exclude an error.
    pub(crate) fn verdict(&self) -> (u16, &str) {
        (self.status.as_u16(), self.body["code"].as_str().unwrap_or_default())
    }

    /// Refused fields with their codes.
    pub(crate) fn refused(&self) -> Vec<(&str, &str)> {
        let errors = self.body["errors"].as_array().unwrap();
        errors.iter().map(|e| (e["field"].as_str().unwrap(), e["code"].as_str().unwrap())).collect()
    }

    pub(crate) fn set_cookies(&self) -> Vec<&str> {
        self.headers.get_all(header::SET_COOKIE).into_iter().map(|value| value.to_str().unwrap()).collect()
    }

    /// Name and value of the cookies that a browser keeps.
    pub(crate) fn cookies(&self) -> Vec<(&str, &str)> {
        let pairs =
            self.set_cookies().into_iter().filter_map(|cookie| cookie.split(';').next()?.split_once('='));
        pairs.filter(|(_, value)| !value.is_empty()).collect()
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies().into_iter().find(|(found, _)| *found == name).map(|(_, value)| value)
    }
}
