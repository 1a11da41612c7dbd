//! Posts become notifications, and these reach the event streams of all followers: each once and in order, and soon.
//!
//! Each account that is no author follows one author and listens on its share of the streams. Posts are written by
//! threads of their own, because an author waits for the answer; the time of each begins when it was due.

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::{Lab, Meter};
use crate::account::Request;
use crate::audience::Audience;
use crate::clock::{now_us, seconds, seconds_us};
use crate::outcome::{Outcome, float};
use crate::scan::{MARK, stamp_letters};
use crate::target::Target;

/// Threads that post. Each waits for an answer, so this many posts are under way at most.
const POSTERS: usize = 8;

pub(super) fn run(lab: &Lab<'_>, authors: usize, posts_per_s: u64, settle_s: u64) -> anyhow::Result<Outcome> {
    let (load, crowd) = (&lab.scenario.load, &lab.crowd);
    ensure!(lab.tokens.len() == crowd.users, "expected a server with accounts");
    let (writers, followers) = lab.tokens.split_at(authors);
    follow(lab.target, writers, followers)?;

    let mut audience = Audience::new(lab.target, followers)?;
    let (all, begun_us) = (crowd.sockets(), now_us());
    let weighed = gather(lab, &mut audience, settle_s)?;
    let outcome = &mut audience.ledger.outcome;
    outcome.count("joined", u64::try_from(all)?);
    outcome.peak("connect_s", seconds(now_us() - begun_us) - 2.0 * float(settle_s));
    if let Some(growth_kib) = weighed.rss_growth_kib()? {
        outcome.count("weighed_sockets", u64::try_from(all - all / 2)?);
        outcome.peak("rss_growth_kib", growth_kib);
    }

    let press = Press::new(lab.target, writers, posts_per_s);
    let meter = std::thread::scope(|scope| {
        for _ in 0..POSTERS {
            scope.spawn(|| press.work());
        }
        let meter = listen(lab, &mut audience);
        press.is_over.store(true, Ordering::Relaxed);
        meter
    })?;
    let (posts, refused) = press.counts();
    let expected: Vec<u64> = (0..all).map(|index| expected(index, followers.len(), &posts)).collect();
    let outstanding: u64 = expected.iter().sum();
    audience.listen_until(seconds_us(load.drain_s), |it| it.told().sum::<u64>() >= outstanding)?;
    let missing = audience.told().zip(&expected).map(|(told, expected)| expected.saturating_sub(told)).sum();

    let ledger = &mut audience.ledger;
    let streams_per_follower = float(u64::try_from(all)?) / float(u64::try_from(followers.len())?);
    ledger.outcome.count("missing", missing);
    ledger.outcome.count("refused_posts", refused);
    ledger.outcome.count("lost_sockets", u64::try_from(ledger.lost)?);
    ledger.outcome.count("posts", posts.iter().sum());
    ledger.outcome.count("deliveries", ledger.measured);
    ledger.outcome.peak("notifications", float(ledger.measured) / streams_per_follower);
    ledger.outcome.peak("window_s", seconds(ledger.last_delivery_us - ledger.measure_from_us));
    ledger.outcome.keep("latency", &ledger.latency);
    meter.stop(&mut ledger.outcome)?;
    Ok(std::mem::take(&mut audience.ledger.outcome))
}

/// Lets everybody come, and weighs the second half: the first takes up what the server had freed and not given back.
fn gather(lab: &Lab<'_>, audience: &mut Audience<'_>, settle_s: u64) -> anyhow::Result<Meter> {
    let (all, crowd) = (lab.crowd.sockets(), &lab.crowd);
    let within_us = seconds_us(crowd.gather_s);
    audience.gather(all / 2, crowd.handshakes, within_us)?;
    audience.listen_until(seconds_us(settle_s), |_| false)?;
    let half = Meter::start(lab.pid)?;
    audience.gather(all, crowd.handshakes, within_us)?;
    audience.listen_until(seconds_us(settle_s), |_| false)?;
    Ok(half)
}

/// Listens while there are posts, measuring after the warm-up.
fn listen(lab: &Lab<'_>, audience: &mut Audience<'_>) -> anyhow::Result<Meter> {
    let load = &lab.scenario.load;
    audience.listen_until(seconds_us(load.warmup_s), |_| false)?;
    audience.ledger.measure(now_us());
    let meter = Meter::start(lab.pid)?;
    audience.listen_until(seconds_us(load.measure_s), |_| false)?;
    Ok(meter)
}

/// The author whom an account follows.
const fn followed(follower: usize, authors: usize) -> usize {
    follower % authors
}

/// How many notifications the listener with this number gets.
fn expected(listener: usize, followers: usize, posts: &[u64]) -> u64 {
    posts.get(followed(listener % followers, posts.len())).copied().unwrap_or_default()
}

fn follow(target: Target, writers: &[String], followers: &[String]) -> anyhow::Result<()> {
    let ask = |index: usize, method, path: &str, token: &str| {
        Request { method, path, token: Some(token), body: None }.send(target, index)
    };
    let mut ids = Vec::with_capacity(writers.len());
    for (index, token) in writers.iter().enumerate() {
        let user = ask(index, "GET", "/api/users/me", token)?.expect(200, "ask who one is")?;
        let user: Value = serde_json::from_str(&user)?;
        ids.push(user.get("id").and_then(Value::as_str).context("expected the id of a user")?.to_owned());
    }
    for (index, token) in followers.iter().enumerate() {
        let author = ids.get(followed(index, ids.len())).context("expected an author")?;
        let path = format!("/api/users/{author}/follow");
        let answer = ask(index, "PUT", &path, token)?;
        ensure!(matches!(answer.status, 200 | 204), "cannot follow: {} {}", answer.status, answer.body);
    }
    Ok(())
}

/// What posts, at a steady rate.
struct Press<'a> {
    target: Target,
    writers: &'a [String],
    start_us: u64,
    posts_per_s: u64,
    /// The number of the next post.
    next: AtomicU64,
    is_over: AtomicBool,
    /// Posts that were taken, by author.
    taken: Vec<AtomicU64>,
    refused: AtomicU64,
}

impl<'a> Press<'a> {
    fn new(target: Target, writers: &'a [String], posts_per_s: u64) -> Self {
        Self {
            target,
            writers,
            start_us: now_us(),
            posts_per_s,
            next: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
            taken: writers.iter().map(|_| AtomicU64::new(0)).collect(),
            refused: AtomicU64::new(0),
        }
    }

    /// Posts what is due until it is over.
    #[expect(clippy::disallowed_methods, reason = "a poster is a thread of its own")]
    fn work(&self) {
        while !self.is_over.load(Ordering::Relaxed) {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let due_us = self.start_us + number * 1_000_000 / self.posts_per_s.max(1);
            while now_us() < due_us {
                if self.is_over.load(Ordering::Relaxed) {
                    return;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            self.post(number, due_us);
        }
    }

    fn post(&self, number: u64, due_us: u64) {
        let authors = u64::try_from(self.writers.len()).unwrap_or(u64::MAX).max(1);
        let author = usize::try_from(number % authors).unwrap_or_default();
        let (Some(token), Some(taken)) = (self.writers.get(author), self.taken.get(author)) else { return };
        let stamp = String::from_utf8_lossy(&stamp_letters(due_us)).into_owned();
        let title = format!("{}{stamp} of the swarm", char::from(MARK));
        let body = json!({ "title": title, "content": "Written to be told of." });
        let request = Request { method: "POST", path: "/api/posts", token: Some(token), body: Some(&body) };
        match request.send(self.target, author) {
            Ok(answer) if answer.status == 201 => taken.fetch_add(1, Ordering::Relaxed),
            _ => self.refused.fetch_add(1, Ordering::Relaxed),
        };
    }

    fn counts(&self) -> (Vec<u64>, u64) {
        let taken = self.taken.iter().map(|taken| taken.load(Ordering::Relaxed)).collect();
        (taken, self.refused.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_listener_gets_the_posts_of_the_author_whom_its_account_follows() {
        // Two authors, three followers, seven streams.
        let told: Vec<u64> = (0..7).map(|listener| expected(listener, 3, &[10, 1])).collect();
        assert_eq!(told, [10, 1, 10, 10, 1, 10, 10]);
    }
}
