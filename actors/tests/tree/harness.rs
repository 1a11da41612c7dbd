//! Tests speak in roles: a tree, its members, what they said and saw.

use crate::faulty_log::FaultyLog;
use bytes::Bytes;
use governor::Quota;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::num::NonZeroU32;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tempfile::TempDir;
use tickroom_actors::room::Position;
use tickroom_actors::session::{Dialect, Identity, Inbound, Next, SessionSlot};
use tickroom_actors::wire::CloseCode;
use tickroom_actors::{EventStores, Stores, Tree, TreeConfig};
use tickroom_storage::candle::{Backfills, Candles};
use tickroom_storage::engine::Database;
use tickroom_storage::market::Markets;
use tickroom_storage::message::Spill;
use tickroom_storage::moderation::Moderation;
use tickroom_storage::room::Rooms;
use tickroom_storage::user::{NewUser, Role, Users};
use tickroom_storage::{FamilyId, Offset, RoomName, TimestampMs, UserId};

pub(crate) const BTC: &str = "KRW-BTC";

/// How long anything may take. Only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

/// A tree on a log that can fail, and what it leaves behind for the next one.
pub(crate) struct TestTree {
    pub(crate) tree: Arc<Tree>,
    pub(crate) log: Arc<FaultyLog>,
    folder: TempDir,
}

/// Room for as many messages as a test likes.
pub(crate) fn config() -> TreeConfig {
    TreeConfig {
        rooms: vec![BTC.parse().unwrap()],
        message_quota: Quota::per_second(NonZeroU32::new(1_000_000).unwrap()),
        linger: Duration::from_millis(5),
        session_shards: 2,
        ..TreeConfig::default()
    }
}

impl TestTree {
    pub(crate) async fn start() -> Self {
        Self::with(config()).await
    }

    pub(crate) async fn with(config: TreeConfig) -> Self {
        Self::on(tempfile::tempdir().unwrap(), Arc::default(), config, 1 << 30).await
    }

    pub(crate) async fn on(
        folder: TempDir,
        log: Arc<FaultyLog>,
        config: TreeConfig,
        spill_bytes: u64,
    ) -> Self {
        let database =
            Database::connect(&format!("sqlite://{}/t.db", folder.path().display())).await.unwrap();
        let stores = Stores {
            log: log.clone(),
            spill: Spill::open(folder.path().join("messages.spill"), spill_bytes).await.unwrap(),
            markets: Markets::new(database.clone()),
            rooms: Rooms::new(database.clone()),
            moderation: Moderation::new(database.clone()),
            candles: Candles::new(database.clone()),
            backfills: Backfills::new(database.clone()),
            events: EventStores::new(&database),
        };
        let tree = Arc::new(Tree::start(config, stores).await.unwrap());
        Self { tree, log, folder }
    }

    /// The process dies and another one starts on the same log and files.
    pub(crate) async fn crash_and_restart(self, spill_bytes: u64) -> Self {
        self.restart(config(), spill_bytes).await
    }

    /// The same, with this configuration.
    pub(crate) async fn restart_with(self, config: TreeConfig) -> Self {
        self.restart(config, 1 << 30).await
    }

    async fn restart(self, config: TreeConfig, spill_bytes: u64) -> Self {
        let Self { tree, log, folder } = self;
        assert_eq!(Arc::strong_count(&tree), 1, "nobody else keeps the old tree alive");
        drop(tree);
        // The spill file is locked until the last actor is gone; opening it waits for that.
        Self::on(folder, log, config, spill_bytes).await
    }

    /// Has the database know these people.
    pub(crate) async fn register(&self, names: &[&str]) {
        let url = format!("sqlite://{}/t.db", self.folder.path().display());
        let users = Users::new(Database::connect(&url).await.unwrap());
        for name in names {
            let user = NewUser {
                id: identity(name).user,
                name: name.parse().unwrap(),
                email: format!("{name}@example.com").parse().unwrap(),
                password_hash: String::new(),
                role: Role::User,
                verified_at: None,
                created_at: TimestampMs::now(),
            };
            users.create(&user).await.unwrap();
        }
    }

    /// Lets somebody in and waits until they have joined.
    pub(crate) async fn enter(&self, name: &str) -> Member {
        let member = self.open(name, None);
        member.sees("JOINED", |_| true).await;
        member
    }

    /// Lets somebody in where they were.
    pub(crate) fn open(&self, name: &str, resume: Option<Position>) -> Member {
        let room: RoomName = BTC.parse().unwrap();
        let slot = self.tree.open(Some(identity(name)), Dialect::Chat { room, resume }).unwrap();
        Member::new(&self.tree, slot)
    }

    /// Lets a price watcher in.
    pub(crate) fn watcher(&self) -> Member {
        Member::new(&self.tree, self.tree.open(None, Dialect::Ticker).unwrap())
    }

    /// The texts in the log, in their order.
    pub(crate) fn stored(&self) -> Vec<String> {
        self.log.contents(BTC).iter().map(|message| message.content.to_string()).collect()
    }

    /// Everything in the log is in place: offsets from 1, one by one.
    pub(crate) fn assert_log_is_unbroken(&self) {
        let offsets: Vec<_> = self.log.contents(BTC).iter().map(|message| message.offset.get()).collect();
        let expected: Vec<_> = (1..).take(offsets.len()).collect();
        assert_eq!(offsets, expected);
    }
}

/// Somebody with a login that is good for an hour; the same name is the same user.
pub(crate) fn identity(name: &str) -> Identity {
    let user = name.bytes().fold(7i64, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
    Identity {
        user: UserId::new(user),
        name: name.into(),
        profile_url: None,
        family: Some(FamilyId::new(user)),
        expires_at: TimestampMs::now().plus_millis(3_600_000),
    }
}

#[derive(Default)]
struct Seen {
    frames: Vec<Value>,
    pings: usize,
    closed: Option<CloseCode>,
}

/// A session, and a task that reads its outbox as a socket would.
pub(crate) struct Member {
    pub(crate) slot: Arc<SessionSlot>,
    tree: Weak<Tree>,
    seen: Arc<Mutex<Seen>>,
}

impl Member {
    fn new(tree: &Arc<Tree>, slot: Arc<SessionSlot>) -> Self {
        let seen = Arc::<Mutex<Seen>>::default();
        tokio::spawn(read(Arc::clone(&slot), Arc::clone(&seen)));
        Self { slot, tree: Arc::downgrade(tree), seen }
    }

    /// Sends a text frame, as soon as the session takes it.
    pub(crate) async fn send(&self, text: String) {
        poll_fn(|context| self.slot.poll_ready(context)).await;
        self.slot.receive(Inbound::Text(text.into()));
    }

    /// Says something and wants an ack.
    pub(crate) async fn say(&self, content: &str) {
        self.send(json!({ "type": "MESSAGE", "content": content, "id": content }).to_string()).await;
    }

    /// Says something until it is acknowledged, as a careful client does.
    pub(crate) async fn insist(&self, content: &str) {
        loop {
            self.say(content).await;
            let patience = Duration::from_millis(500);
            if tokio::time::timeout(patience, self.sees_ack(content)).await.is_ok() {
                return;
            }
        }
    }

    pub(crate) async fn sees_ack(&self, content: &str) -> Value {
        self.sees("ACK", |frame| frame["id"] == content).await
    }

    /// Waits for a frame of this type.
    pub(crate) async fn sees(&self, kind: &str, matches: impl Fn(&Value) -> bool) -> Value {
        let found = || self.frames(kind).into_iter().find(|frame| matches(frame));
        eventually(&format!("{kind} is seen"), || found().is_some()).await;
        found().unwrap()
    }

    /// Frames of one type so far.
    pub(crate) fn frames(&self, kind: &str) -> Vec<Value> {
        self.seen.lock().frames.iter().filter(|frame| frame["type"] == kind).cloned().collect()
    }

    /// Offset and text of every message so far, as they came.
    pub(crate) fn messages(&self) -> Vec<(u64, String)> {
        let message = |frame: &Value| {
            (frame["offset"].as_u64().unwrap(), frame["content"].as_str().unwrap().to_owned())
        };
        self.frames("MESSAGE").iter().map(message).collect()
    }

    pub(crate) async fn sees_messages(&self, count: usize) -> Vec<(u64, String)> {
        eventually(&format!("{count} messages are seen"), || self.messages().len() >= count).await;
        self.messages()
    }

    pub(crate) fn pings(&self) -> usize {
        self.seen.lock().pings
    }

    /// Where a client would resume.
    pub(crate) fn position(&self) -> Position {
        let joined = self.frames("JOINED").pop().unwrap();
        let last = self.messages().last().map_or(joined["offset"].as_u64().unwrap(), |(offset, _)| *offset);
        Position { epoch: joined["epoch"].as_str().unwrap().into(), offset: Offset::new(last) }
    }

    pub(crate) async fn is_closed_with(&self, code: CloseCode) {
        eventually(&format!("closed with {code:?}"), || self.seen.lock().closed.is_some()).await;
        assert_eq!(self.seen.lock().closed, Some(code));
    }

    pub(crate) fn is_open(&self) -> bool {
        self.slot.outbox.closing().is_none()
    }

    /// The socket is gone.
    pub(crate) fn hang_up(&self) {
        self.tree.upgrade().unwrap().close(&self.slot);
    }
}

async fn read(slot: Arc<SessionSlot>, seen: Arc<Mutex<Seen>>) {
    let mut batch = VecDeque::new();
    loop {
        match poll_fn(|context| slot.outbox.poll_take(context, &mut batch, 64)).await {
            Next::Close(code) => {
                seen.lock().closed = Some(code);
                return;
            }
            Next::Write => batch.drain(..).for_each(|frames| split(frames, &mut seen.lock())),
        }
    }
}

/// Takes a piece of frames apart, as RFC 6455 has them.
fn split(mut frames: Bytes, seen: &mut Seen) {
    while !frames.is_empty() {
        let (opcode, short) = (frames[0] & 0x0f, usize::from(frames[1]));
        let (header, length) = match short {
            126 => (4, usize::from(u16::from_be_bytes([frames[2], frames[3]]))),
            127 => (10, usize::try_from(u64::from_be_bytes(frames[2..10].try_into().unwrap())).unwrap()),
            short => (2, short),
        };
        let frame = frames.split_to(header + length);
        match opcode {
            1 => seen.frames.push(serde_json::from_slice(&frame[header..]).unwrap()),
            9 => seen.pings += 1,
            other => panic!("unexpected opcode {other}"),
        }
    }
}

/// Waits for a condition.
pub(crate) async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, wait).await.is_ok(), "never happened: {what}");
}
