//! Accounts of the swarm: registered and logged in over plain HTTP, once, before anything is measured.

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::time::Duration;

use crate::limits::{HEADERS_MAX, HTTP_ANSWER_BYTES_MAX, HTTP_TIMEOUT_S};
use crate::socket::begin_connect;
use crate::target::Target;

/// Makes accounts and logs them in. Returns an access token for each; none at a server that has no accounts.
///
/// Each account is made from a source address of its own, as the server counts registrations by address.
///
/// # Errors
///
/// When the server refuses.
pub fn tokens(target: Target, users: usize) -> anyhow::Result<Vec<String>> {
    let run = fastrand::u32(..);
    let password = format!("{:032x}", fastrand::u128(..));
    let mut tokens = Vec::with_capacity(users);
    for user in 0..users {
        let name = format!("swarm-{run:08x}-{user}");
        let email = format!("{name}@example.com");
        let body = json!({ "username": name, "email": email, "password": password });
        match post(target, user, "/api/auth/register", &body)? {
            Answer { status: 404, .. } => return Ok(Vec::new()),
            answer => answer.expect(201, "register")?,
        };
        let login = json!({ "email": email, "password": password });
        let login = post(target, user, "/api/auth/login", &login)?;
        let login: Value = serde_json::from_str(&login.expect(200, "log in")?)?;
        let token = login.get("access_token").and_then(Value::as_str);
        tokens.push(token.context("expected access_token in the answer to a login")?.to_owned());
    }
    Ok(tokens)
}

/// An answer over HTTP.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: String,
}

impl Answer {
    /// The body, if this is the status.
    ///
    /// # Errors
    ///
    /// With what came, when it is another.
    pub fn expect(self, status: u16, what: &str) -> anyhow::Result<String> {
        let hint = if self.status == 429 { "; server.toml has settings that allow it" } else { "" };
        ensure!(
            self.status == status,
            "cannot {what}: expected {status}, got {}{hint}: {}",
            self.status,
            self.body
        );
        Ok(self.body)
    }
}

/// A request with or without a body, from somebody or nobody.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a str,
    /// Path and query.
    pub path: &'a str,
    /// The access token of whoever asks.
    pub token: Option<&'a str>,
    /// The JSON that is sent.
    pub body: Option<&'a Value>,
}

impl Request<'_> {
    /// Asks, on a connection of its own, from the source address of the `index`th client.
    ///
    /// # Errors
    ///
    /// When there is no answer, or it is no HTTP.
    pub fn send(&self, target: Target, index: usize) -> anyhow::Result<Answer> {
        let Self { method, path, .. } = self;
        let host = target.address();
        let token = self.token.map_or_else(String::new, |token| format!("authorization: Bearer {token}\r\n"));
        let body = self.body.map_or_else(String::new, Value::to_string);
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{token}\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        exchange(target, index, &request)
    }
}

/// Asks for a page.
///
/// # Errors
///
/// When there is no answer, or it is no HTTP.
pub fn get(target: Target, path: &str) -> anyhow::Result<Answer> {
    Request { method: "GET", path, token: None, body: None }.send(target, 0)
}

fn post(target: Target, index: usize, path: &str, body: &Value) -> anyhow::Result<Answer> {
    Request { method: "POST", path, token: None, body: Some(body) }.send(target, index)
}

fn exchange(target: Target, index: usize, request: &str) -> anyhow::Result<Answer> {
    let timeout = Some(Duration::from_secs(HTTP_TIMEOUT_S));
    let mut stream = begin_connect(Target::source(index), target.address(), None)?;
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(timeout)?;
    stream.set_write_timeout(timeout)?;
    let mut answer = Vec::new();
    stream.write_all(request.as_bytes()).with_context(|| format!("no server at {target}"))?;
    stream.take(HTTP_ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
    read(&answer)
}

fn read(answer: &[u8]) -> anyhow::Result<Answer> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(head) = response.parse(answer)? else {
        bail!("expected a whole answer over HTTP")
    };
    let body = String::from_utf8_lossy(answer.get(head..).unwrap_or_default()).into_owned();
    Ok(Answer { status: response.code.unwrap_or_default(), body })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_status_and_body() {
        let answer = read(b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\nok").unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (201, "ok"));
        assert!(read(b"HTTP/1.1 201 Cre").is_err());
    }

    #[test]
    fn a_refusal_for_too_many_says_what_helps() {
        let answer = Answer { status: 429, body: String::new() };
        assert!(answer.expect(201, "register").unwrap_err().to_string().contains("server.toml"));
    }
}
