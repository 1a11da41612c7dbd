//! [`Members`]: who listens to a room, and what each was given last.
//!
//! Part of the slot, so a room that dies does not lose its audience. Sessions leave by themselves; a room with a
//! long queue is not asked. Members stand in one list for each way of spelling: what is delivered is encoded once for
//! each list that has somebody in it.

use super::Window;
use crate::limits::{JOIN_LEAVE_MEMBERS, PRESENCE_CLIENTS};
use crate::session::{Reading, SessionId, SessionSlot};
use crate::wire::centrifuge::message::{ClientInfo, Presence};
use crate::wire::centrifuge::{Format, Push, Reply};
use crate::wire::{CloseCode, frame};
use bytes::Bytes;
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use tickroom_storage::{Offset, UserId};

/// The members of one room.
pub struct Members {
    /// What the Centrifuge protocol calls the room.
    channel: Box<str>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    native: List,
    json: List,
    protobuf: List,
    /// How many want to know who comes and goes.
    curious: usize,
}

#[derive(Default)]
struct List {
    /// Dense, because every delivery walks it.
    members: Vec<Member>,
    /// Where each session stands among them.
    places: HashMap<SessionId, usize>,
}

struct Member {
    session: Arc<SessionSlot>,
    /// The last offset that was pushed to its outbox.
    delivered: Offset,
    /// Whether it wants to know who comes and goes.
    is_curious: bool,
}

/// A piece of messages, in every way of spelling that somebody here reads.
pub(crate) struct Pieces {
    pub(crate) native: Bytes,
    pub(crate) json: Option<Bytes>,
    pub(crate) protobuf: Option<Bytes>,
}

/// How the members keep up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Audience {
    pub(crate) members: usize,
    /// Those with more than half an outbox still to read.
    pub(crate) behind: usize,
}

impl Audience {
    /// Whether the room is too fast for its members, and not some members too slow for their room.
    pub(crate) const fn is_behind(self) -> bool {
        self.behind * 2 > self.members
    }
}

/// The user may not be here any more: the client stays away from this room, by itself.
const BANNED: (u32, &str) = (2000, "banned");

/// The room goes on without what a member misses: it subscribes again, and is told so.
const INSUFFICIENT_STATE: (u32, &str) = (2500, "insufficient state");

impl Members {
    /// Nobody yet.
    pub(crate) fn new(channel: String) -> Self {
        Self { channel: channel.into(), inner: Mutex::default() }
    }

    /// What the Centrifuge protocol calls the room.
    pub(crate) fn channel(&self) -> &str {
        &self.channel
    }

    /// Adds a session that was given everything up to `delivered`, unless it is gone already.
    pub(crate) fn add(&self, session: &Arc<SessionSlot>, delivered: Offset, is_curious: bool) {
        let mut inner = self.inner.lock();
        // Checked under the lock: whoever ends the membership removes it under the same lock afterwards.
        if session.is_closed() || !session.is_in(&self.channel) {
            return;
        }
        let list = inner.list(session.format());
        if list.places.contains_key(&session.id) {
            return;
        }
        list.places.insert(session.id, list.members.len());
        list.members.push(Member { session: Arc::clone(session), delivered, is_curious });
        inner.curious += usize::from(is_curious);
        inner.tell(&self.channel, || Push { join: Some(presence_of(session)), ..Push::default() });
    }

    /// Removes a session; nothing happens if it is not there.
    pub(crate) fn remove(&self, session: &SessionSlot) {
        let mut inner = self.inner.lock();
        if let Some(member) = inner.list(session.format()).take(session.id) {
            inner.curious -= usize::from(member.is_curious);
            inner.tell(&self.channel, || Push { leave: Some(presence_of(session)), ..Push::default() });
        }
    }

    /// Whether somebody reads this format. Only the room adds members, so it may ask first and encode then.
    pub(crate) fn reads(&self, format: Format) -> bool {
        !self.inner.lock().list(Some(format)).members.is_empty()
    }

    /// Pushes one piece of messages, which ends at `tail`, to everybody.
    pub(crate) fn deliver(&self, pieces: &Pieces, tail: Offset) -> Audience {
        let mut inner = self.inner.lock();
        let Inner { native, json, protobuf, .. } = &mut *inner;
        let mut audience = native.deliver(&pieces.native, tail);
        for (list, piece) in [(json, &pieces.json), (protobuf, &pieces.protobuf)] {
            if let Some(piece) = piece {
                let more = list.deliver(piece, tail);
                audience.members += more.members;
                audience.behind += more.behind;
            }
        }
        audience
    }

    /// How they keep up.
    pub(crate) fn audience(&self) -> Audience {
        let inner = self.inner.lock();
        let behind = inner.all().filter(|member| member.session.outbox.reading() == Reading::Behind);
        Audience { members: inner.len(), behind: behind.count() }
    }

    /// After a restart: gives each member exactly what its room had not pushed to it when it died.
    pub(crate) fn catch_up(&self, window: &Window) {
        let mut inner = self.inner.lock();
        for member in &mut inner.native.members {
            match window.since(member.delivered) {
                Some(frames) => member.session.outbox.push_replay(frames),
                None => member.session.outbox.close(CloseCode::INSUFFICIENT_STATE),
            }
            member.delivered = window.tail();
        }
        let mut lost = Vec::new();
        for format in Format::ALL {
            for member in &mut inner.list(Some(format)).members {
                match window.pushes_since(format, &self.channel, member.delivered) {
                    Some(frame) => member.session.outbox.push_replay(frame.into_iter()),
                    None => lost.push(Arc::clone(&member.session)),
                }
                member.delivered = window.tail();
            }
        }
        lost.iter().for_each(|session| inner.expel(&self.channel, session, INSUFFICIENT_STATE));
    }

    /// Pushes a frame that has no place in the order to those who read the native dialect.
    pub(crate) fn announce(&self, frame: &Bytes) {
        for member in &self.inner.lock().native.members {
            member.session.outbox.push(frame.clone());
        }
    }

    /// Has those who speak the Centrifuge protocol subscribe again: it has no word for a room that starts over.
    pub(crate) fn resubscribe(&self) {
        let mut inner = self.inner.lock();
        let Inner { json, protobuf, .. } = &*inner;
        let members = json.members.iter().chain(&protobuf.members);
        let sessions: Vec<_> = members.map(|member| Arc::clone(&member.session)).collect();
        sessions.iter().for_each(|session| inner.expel(&self.channel, session, INSUFFICIENT_STATE));
    }

    /// Puts a user out, by all sockets that the user is here with: off the socket, where the room is all there is on it.
    pub(crate) fn ban(&self, user: UserId) {
        let mut inner = self.inner.lock();
        let of_user = inner.all().filter(|member| member.session.user() == Some(user));
        let sessions: Vec<_> = of_user.map(|member| Arc::clone(&member.session)).collect();
        for session in &sessions {
            match session.format() {
                None => session.outbox.close(CloseCode::BANNED),
                Some(_) => inner.expel(&self.channel, session, BANNED),
            }
        }
    }

    /// Tells everybody, or one user, something that has no place in the order.
    pub(crate) fn inform(&self, frame: &Bytes, user: Option<UserId>) {
        let inner = self.inner.lock();
        let pushes = Format::ALL.map(|format| format.push(&self.channel, frame::payload(frame)));
        let [json, protobuf] = &pushes;
        for (list, frame) in [(&inner.native, frame), (&inner.json, json), (&inner.protobuf, protobuf)] {
            for member in &list.members {
                if user.is_none() || member.session.user() == user {
                    member.session.outbox.push(frame.clone());
                }
            }
        }
    }

    /// Sends every member away: off its socket, where the room is all there is on it.
    pub(crate) fn send_away(&self, code: CloseCode) {
        for member in &self.inner.lock().native.members {
            member.session.outbox.close(code);
        }
        self.resubscribe();
    }

    /// Tells those who want to know how many are here.
    pub(crate) fn tell_count(&self) {
        let inner = self.inner.lock();
        if inner.curious == 0 {
            return;
        }
        let data = Bytes::from(format!(r#"{{"type":"MEMBERS","members":{}}}"#, inner.len()));
        for (format, list) in [(Format::Json, &inner.json), (Format::Protobuf, &inner.protobuf)] {
            let frame = format.push(&self.channel, data.clone());
            for member in list.members.iter().filter(|member| member.is_curious) {
                member.session.outbox.push(frame.clone());
            }
        }
    }

    /// Who is here, by the name of the connection: the first [`PRESENCE_CLIENTS`] of them.
    pub(crate) fn presence(&self) -> BTreeMap<String, ClientInfo> {
        let inner = self.inner.lock();
        let info = |member: &Member| (member.session.client.to_string(), member.session.client_info());
        inner.all().take(PRESENCE_CLIENTS).map(info).collect()
    }

    /// How many connections are here, and of how many people.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let inner = self.inner.lock();
        let users: HashSet<_> = inner.all().filter_map(|member| member.session.user()).collect();
        (inner.len(), users.len())
    }

    /// Whether a session is a member.
    pub fn contains(&self, session: &SessionSlot) -> bool {
        self.inner.lock().list(session.format()).places.contains_key(&session.id)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.inner.lock().len()
    }

    /// Whether nobody listens.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Inner {
    const fn list(&mut self, format: Option<Format>) -> &mut List {
        match format {
            None => &mut self.native,
            Some(Format::Json) => &mut self.json,
            Some(Format::Protobuf) => &mut self.protobuf,
        }
    }

    fn all(&self) -> impl Iterator<Item = &Member> {
        [&self.native, &self.json, &self.protobuf].into_iter().flat_map(|list| &list.members)
    }

    const fn len(&self) -> usize {
        self.native.members.len() + self.json.members.len() + self.protobuf.members.len()
    }

    /// Tells those who want to know who came or left, while the room is small. Under the lock, so that nobody is seen
    /// leaving before coming.
    fn tell(&self, channel: &str, push: impl Fn() -> Push) {
        if self.curious == 0 || self.len() > JOIN_LEAVE_MEMBERS {
            return;
        }
        for (format, list) in [(Format::Json, &self.json), (Format::Protobuf, &self.protobuf)] {
            let frame = format.single(&Reply::push(Push { channel: channel.to_owned(), ..push() }));
            for member in list.members.iter().filter(|member| member.is_curious) {
                member.session.outbox.push(frame.clone());
            }
        }
    }

    /// Ends a membership from this side, for this reason.
    fn expel(&mut self, channel: &str, session: &Arc<SessionSlot>, (code, reason): (u32, &str)) {
        let Some(member) = self.list(session.format()).take(session.id) else { return };
        self.curious -= usize::from(member.is_curious);
        session.unsubscribed(channel, code, reason);
        self.tell(channel, || Push { leave: Some(presence_of(session)), ..Push::default() });
    }
}

impl List {
    fn deliver(&mut self, piece: &Bytes, tail: Offset) -> Audience {
        let mut behind = 0;
        for member in &mut self.members {
            behind += usize::from(member.session.outbox.push(piece.clone()) == Reading::Behind);
            member.delivered = tail;
        }
        Audience { members: self.members.len(), behind }
    }

    fn take(&mut self, session: SessionId) -> Option<Member> {
        let place = self.places.remove(&session)?;
        let member = self.members.swap_remove(place);
        if let Some(moved) = self.members.get(place).map(|member| member.session.id) {
            self.places.insert(moved, place);
        }
        Some(member)
    }
}

fn presence_of(session: &SessionSlot) -> Presence {
    Presence { info: Some(session.client_info()) }
}
