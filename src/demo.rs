//! `tickroom demo`: a server with people and something to read in it.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use bytes::Bytes;
use secrecy::SecretString;
use serde::Serialize;
use tickroom_actors::limits::WRITE_FRAMES;
use tickroom_actors::session::{Dialect, Identity, Inbound};
use tickroom_storage::TimestampMs;
use tickroom_storage::user::User;
use utoipa::ToSchema;

use crate::app::Server;
use crate::auth::Registration;
use crate::auth::password::Password;
use crate::language::Language;
use crate::socket::OpenSession;

mod community;
mod script;

/// Somebody whom a visitor of the demo can be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DemoLogin {
    /// The address to log in with.
    pub email: &'static str,
    /// The password to log in with.
    pub password: &'static str,
    /// What the others see.
    pub username: &'static str,
}

/// The people of the demo.
pub const LOGINS: [DemoLogin; 3] = [
    DemoLogin { email: "ann@example.com", password: "tickroom-ann", username: "ann" },
    DemoLogin { email: "bo@example.com", password: "tickroom-bo", username: "bo" },
    DemoLogin { email: "cho@example.com", password: "tickroom-cho", username: "조아라" },
];

/// What they said before the visitor came.
const GREETINGS: [(&str, &str, &str); 5] = [
    ("ann", "KRW-BTC", "good morning! these prices are made up, but the room is real"),
    ("조아라", "KRW-BTC", "안녕하세요 👋 비트코인 방입니다"),
    ("bo", "KRW-BTC", "open this page in a second browser and log in as somebody else"),
    ("ann", "KRW-ETH", "anybody watching ETH?"),
    ("bo", "KRW-ETH", "always"),
];

/// How long the people of the demo stay logged in; longer than anybody looks at it.
const STAY: Duration = Duration::from_secs(24 * 3600);

/// Makes the accounts of the demo, lets their owners say something, and brings a community with posts and comments,
/// the same for the same seed. In a folder where that has happened before, nothing is said twice.
///
/// # Errors
///
/// When an account cannot be made.
pub async fn populate(server: &Server, seed: u64) -> anyhow::Result<()> {
    let mut visitors = Vec::with_capacity(LOGINS.len());
    for login in LOGINS {
        let registration = Registration {
            name: login.username.parse()?,
            email: login.email.parse()?,
            password: Password::try_from(SecretString::from(login.password))?,
            language: Language::default(),
        };
        match server.app.auth.register(registration).await {
            Ok(user) => {
                greet(server, &user).await;
                visitors.push(user.id);
            }
            Err(error) if error.status() == StatusCode::CONFLICT => {}
            Err(error) => return Err(error.into()),
        }
    }
    if visitors.len() == LOGINS.len() {
        community::settle(&server.app, &visitors, seed).await?;
    }
    Ok(())
}

/// Says what this user has to say, the way every message goes, and waits until it is stored.
async fn greet(server: &Server, user: &User) {
    for (_, room, content) in GREETINGS.into_iter().filter(|(name, ..)| *name == user.name.as_str()) {
        if let Err(error) = say(server, user, room, content).await {
            tracing::warn!(room, %error, "demo greeting was not said");
        }
    }
}

async fn say(server: &Server, user: &User, room: &str, content: &str) -> anyhow::Result<()> {
    let tree = &server.app.tree;
    let identity = Identity {
        user: user.id,
        name: user.name.as_str().into(),
        profile_url: None,
        family: None,
        expires_at: TimestampMs::now().plus_millis(i64::try_from(STAY.as_millis())?),
    };
    let slot = tree.open(Some(identity), Dialect::Chat { room: room.parse()?, resume: None })?;
    let session = OpenSession::new(Arc::clone(tree), Arc::clone(&slot));
    let message = serde_json::json!({ "type": "MESSAGE", "content": content, "id": "greeting" });
    slot.receive(Inbound::Text(message.to_string().into()));
    let acked = async {
        let mut frames = VecDeque::new();
        while !frames.drain(..).any(|frame: Bytes| frame.windows(5).any(|part| part == b"\"ACK\"")) {
            poll_fn(|context| slot.outbox.poll_take(context, &mut frames, WRITE_FRAMES)).await;
        }
    };
    let outcome = tokio::time::timeout(Duration::from_secs(5), acked).await;
    drop(session);
    Ok(outcome?)
}

/// What a visitor needs to know, for stdout.
pub fn welcome(server: &Server) -> String {
    let url = server.app.config.server.public_url.as_str();
    let sockets = url.replacen("http", "ws", 1);
    let logins: String = LOGINS
        .iter()
        .map(|login| format!("             {:<18} {:<14} {}\n", login.email, login.password, login.username))
        .collect();
    format!(
        "\nTickroom demo. Prices are simulated.\n\n  page       {url}/\n  prices     {sockets}/ws/ticker   send {{\"market\":\"KRW-BTC\"}}\n  chat       {sockets}/ws/chat?room=KRW-BTC   with a login\n  rooms      {url}/api/rooms\n  posts      {url}/api/posts?sort=popular\n  health     {url}/health/ready\n\n  logins     mail               password       name\n{logins}\n  Ctrl-C ends it.\n"
    )
}
