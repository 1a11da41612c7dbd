//! Clients of the Centrifuge protocol, in both of its spellings.

use crate::harness::{TestTree, eventually, identity};
use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use prost::Message;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tickroom_actors::Tree;
use tickroom_actors::session::{Authority, Dialect, Identity, Inbound, Next, SessionSlot, Terms, Unproven};
use tickroom_actors::wire::CloseCode;
use tickroom_actors::wire::centrifuge::message::*;
use tickroom_actors::wire::centrifuge::{Command, Format, Reply};
use tickroom_storage::TimestampMs;

pub(crate) const CHAT: &str = "chat:KRW-BTC";

/// Takes names for tokens. Some names are special.
struct Names;

#[async_trait]
impl Authority for Names {
    async fn identify(&self, token: &str) -> Result<Identity, Unproven> {
        let in_ms = |ms| TimestampMs::now().plus_millis(ms);
        match token.split_once(':') {
            None if token == "expired" => Err(Unproven::Expired),
            None if token == "forged" => Err(Unproven::Invalid),
            None if token == "down" => Err(Unproven::Unavailable),
            None => Ok(identity(token)),
            Some(("short", name)) => Ok(Identity { expires_at: in_ms(1_000), ..identity(name) }),
            Some(("slow", name)) => {
                tokio::time::sleep(Duration::from_millis(300)).await;
                Ok(identity(name))
            }
            Some(_) => Err(Unproven::Invalid),
        }
    }
}

#[derive(Default)]
struct Seen {
    replies: Vec<Reply>,
    frames: usize,
    closed: Option<CloseCode>,
}

/// A socket of the Centrifuge protocol, and a task that reads its outbox.
pub(crate) struct Client {
    pub(crate) slot: Arc<SessionSlot>,
    pub(crate) format: Format,
    tree: Weak<Tree>,
    seen: Arc<Mutex<Seen>>,
    next_id: Mutex<u32>,
}

pub(crate) fn dialect(format: Format) -> Dialect {
    Dialect::Centrifuge(Terms { format, frame_pings: false, authority: Arc::new(Names) })
}

impl TestTree {
    /// A client that has connected with this token.
    pub(crate) async fn client(&self, format: Format, token: &str) -> Client {
        let client = self.silent_client(format);
        let reply =
            client.call(|command| command.connect = Some(ConnectRequest { token: token.into() })).await;
        assert!(reply.connect.is_some(), "{reply:?}");
        client
    }

    /// A client that has not said anything.
    pub(crate) fn silent_client(&self, format: Format) -> Client {
        let slot = self.tree.open(None, dialect(format)).unwrap();
        let seen = Arc::<Mutex<Seen>>::default();
        tokio::spawn(read(Arc::clone(&slot), format, Arc::clone(&seen)));
        Client { slot, format, tree: Arc::downgrade(&self.tree), seen, next_id: Mutex::new(1) }
    }
}

pub(crate) fn error_of(reply: &Reply) -> (u32, bool) {
    let error = reply.error.as_ref().unwrap_or_else(|| panic!("{reply:?}"));
    (error.code, error.temporary)
}

pub(crate) fn connect(id: u32, token: &str) -> Command {
    Command { id, connect: Some(ConnectRequest { token: token.into() }), ..Command::default() }
}

pub(crate) fn subscribe(id: u32, channel: &str) -> Command {
    let request = SubscribeRequest { channel: channel.into(), ..SubscribeRequest::default() };
    Command { id, subscribe: Some(request), ..Command::default() }
}

impl Client {
    /// Sends commands in one frame.
    pub(crate) async fn send(&self, commands: &[Command]) {
        poll_fn(|context| self.slot.poll_ready(context)).await;
        self.slot.receive(match self.format {
            Format::Json => {
                let lines: Vec<_> =
                    commands.iter().map(|command| serde_json::to_string(command).unwrap()).collect();
                Inbound::Text(lines.join("\n").into())
            }
            Format::Protobuf => Inbound::Binary(
                commands.iter().flat_map(Message::encode_length_delimited_to_vec).collect::<Vec<_>>().into(),
            ),
        });
    }

    /// A number that no command of this client had.
    pub(crate) fn id(&self) -> u32 {
        let mut next = self.next_id.lock();
        *next += 1;
        *next + 1_000
    }

    /// Sends one command and waits for its answer.
    pub(crate) async fn call(&self, fill: impl FnOnce(&mut Command)) -> Reply {
        let mut command = Command { id: self.id(), ..Command::default() };
        fill(&mut command);
        self.send(&[command.clone()]).await;
        self.answer(command.id).await
    }

    pub(crate) async fn answer(&self, id: u32) -> Reply {
        let found = || self.replies().into_iter().find(|reply| reply.id == id);
        eventually(&format!("command {id} is answered"), || found().is_some()).await;
        found().unwrap()
    }

    pub(crate) async fn subscribe(&self, channel: &str) -> SubscribeResult {
        let reply = self.call(|command| command.subscribe = subscribe(1, channel).subscribe).await;
        reply.subscribe.clone().unwrap_or_else(|| panic!("{reply:?}"))
    }

    /// Comes back to a room.
    pub(crate) async fn recover(&self, epoch: &str, offset: u64) -> SubscribeResult {
        let request = SubscribeRequest {
            channel: CHAT.into(),
            recover: true,
            epoch: epoch.into(),
            offset,
            ..Default::default()
        };
        let reply = self.call(|command| command.subscribe = Some(request)).await;
        reply.subscribe.clone().unwrap_or_else(|| panic!("{reply:?}"))
    }

    /// Says something, named by its content, and waits for the answer.
    pub(crate) async fn publish(&self, content: &str) -> Reply {
        let data = serde_json::json!({ "content": content, "id": content }).to_string().into();
        self.call(|command| command.publish = Some(PublishRequest { channel: CHAT.into(), data })).await
    }

    /// Says something until that is stored.
    pub(crate) async fn insist(&self, content: &str) {
        while self.publish(content).await.error.is_some() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) async fn unsubscribe(&self, channel: &str) -> Reply {
        self.call(|command| command.unsubscribe = Some(ChannelRequest { channel: channel.into() })).await
    }

    /// Everything so far, in order.
    pub(crate) fn replies(&self) -> Vec<Reply> {
        self.seen.lock().replies.clone()
    }

    pub(crate) fn pushes(&self) -> Vec<tickroom_actors::wire::centrifuge::Push> {
        self.replies().into_iter().filter_map(|reply| reply.push).collect()
    }

    /// Frames so far, fragments counted.
    pub(crate) fn frames(&self) -> usize {
        self.seen.lock().frames
    }

    /// Offset and text of every message so far, as they came, out of replies and pushes alike.
    pub(crate) fn messages(&self) -> Vec<(u64, String)> {
        let mut messages = Vec::new();
        for reply in self.replies() {
            let listed = reply.subscribe.into_iter().flat_map(|result| result.publications);
            let pushed = reply.push.and_then(|push| push.publication);
            for said in listed.chain(pushed).filter(|said| said.offset > 0) {
                let data: serde_json::Value = serde_json::from_slice(&said.data).unwrap();
                assert_eq!(data["offset"], said.offset, "{data}");
                assert_eq!(data["sender"]["id"], said.info.unwrap().user);
                messages.push((said.offset, data["content"].as_str().unwrap().to_owned()));
            }
        }
        messages
    }

    pub(crate) async fn sees_messages(&self, count: usize) -> Vec<(u64, String)> {
        eventually(&format!("{count} messages are seen"), || self.messages().len() >= count).await;
        self.messages()
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

async fn read(slot: Arc<SessionSlot>, format: Format, seen: Arc<Mutex<Seen>>) {
    let (mut batch, mut message) = (VecDeque::new(), Vec::new());
    loop {
        match poll_fn(|context| slot.outbox.poll_take(context, &mut batch, 64)).await {
            Next::Close(code) => {
                seen.lock().closed = Some(code);
                return;
            }
            Next::Write => {
                batch.drain(..).for_each(|frames| take(frames, format, &mut message, &mut seen.lock()))
            }
        }
    }
}

/// Puts a frame to the message that it is part of; a whole one is taken apart.
fn take(mut frame: Bytes, format: Format, message: &mut Vec<u8>, seen: &mut Seen) {
    let (first, short) = (frame[0], usize::from(frame[1]));
    let expected = match (format, message.is_empty()) {
        (Format::Json, true) => 1,
        (Format::Protobuf, true) => 2,
        _ => 0,
    };
    assert_eq!(first & 0x0f, expected, "opcode");
    let header = match short {
        126 => 4,
        127 => 10,
        _ => 2,
    };
    seen.frames += 1;
    message.extend_from_slice(&frame.split_off(header));
    if first & 0x80 == 0 {
        return;
    }
    let mut whole = &std::mem::take(message)[..];
    match format {
        Format::Json => {
            let lines = whole.split(|byte| *byte == b'\n');
            seen.replies.extend(lines.map(|line| serde_json::from_slice::<Reply>(line).unwrap()));
        }
        Format::Protobuf => {
            while !whole.is_empty() {
                seen.replies.push(Reply::decode_length_delimited(&mut whole).unwrap());
            }
        }
    }
}
