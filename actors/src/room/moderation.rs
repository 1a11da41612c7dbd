//! Order in a room: who may be in it, who may speak and how often, and messages that are taken back.
//!
//! The [`Rules`] are read when a room starts and changed by message, so that a message costs a look at an empty map. The
//! slot keeps a copy, for a start while the database is down.

use super::{Receipt, RoomState};
use crate::limits;
use crate::session::SessionSlot;
use crate::tree::Services;
use crate::wire::{Refusal, native};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tickroom_storage::message::{Message, Sender};
use tickroom_storage::moderation::{self, SanctionKind};
use tickroom_storage::{MessageId, TimestampMs, UserId};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

/// Something that holds in a room from now on. It is stored by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling {
    /// Somebody may not do this, until then or for good.
    Imposed(SanctionKind, UserId, Option<TimestampMs>),
    /// Somebody may do this again.
    Lifted(SanctionKind, UserId),
    /// Everybody waits so long between two messages.
    SlowMode(Duration),
    /// Somebody keeps order.
    Appointed(UserId),
    /// Somebody keeps order no more.
    Dismissed(UserId),
}

/// A message to be taken back.
pub struct DeleteAsk {
    /// Which.
    pub message: MessageId,
    /// Who had said it, if that is known from the log: the room itself knows of what is in its window.
    pub sender: Option<UserId>,
    /// Who takes it back.
    pub by: Sender,
    /// Whether `by` may take back what others said.
    pub keeps_order: bool,
    /// Told what became of it: who had said it, once that is stored.
    pub answer: oneshot::Sender<Result<UserId, NotDeleted>>,
}

/// Why a message was not taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotDeleted {
    /// Nothing like it is in the window, or it was taken back before.
    Unknown,
    /// Somebody else said it.
    Foreign,
    /// It cannot be stored.
    Refused(Refusal),
}

/// What holds in a room.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules {
    bans: HashMap<UserId, Option<TimestampMs>>,
    mutes: HashMap<UserId, Option<TimestampMs>>,
    moderators: HashSet<UserId>,
    slow_mode: Duration,
    /// When each said something last, for as long as they have to wait.
    spoken: HashMap<UserId, Instant>,
}

/// Without the rules nobody knows who may come in.
#[derive(Debug, thiserror::Error)]
#[error("the rules of room {room} cannot be read: {reason}")]
pub(super) struct Unruly {
    room: String,
    reason: String,
}

/// What holds in the room of this slot: as it is stored, or else as it was known last.
pub(super) async fn rules(services: &Services, slot: &super::RoomSlot) -> Result<Rules, Unruly> {
    let read = services.moderation.rules(&slot.name, TimestampMs::now());
    let reason = match timeout(limits::LOG_READ_TIMEOUT, read).await {
        Ok(Ok(rules)) => return Ok(rules.into()),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {} s", limits::LOG_READ_TIMEOUT.as_secs()),
    };
    slot.rules().ok_or(Unruly { room: slot.name.to_string(), reason })
}

impl From<moderation::Rules> for Rules {
    fn from(stored: moderation::Rules) -> Self {
        let mut rules = Self {
            moderators: stored.moderators.into_iter().collect(),
            slow_mode: stored.slow_mode,
            ..Self::default()
        };
        for (kind, user, ends_at) in stored.sanctions {
            rules.sanctions(kind).insert(user, ends_at);
        }
        rules
    }
}

impl Rules {
    const fn sanctions(&mut self, kind: SanctionKind) -> &mut HashMap<UserId, Option<TimestampMs>> {
        match kind {
            SanctionKind::Ban => &mut self.bans,
            SanctionKind::Mute => &mut self.mutes,
        }
    }

    fn change(&mut self, ruling: Ruling) {
        match ruling {
            Ruling::Imposed(kind, user, ends_at) => _ = self.sanctions(kind).insert(user, ends_at),
            Ruling::Lifted(kind, user) => _ = self.sanctions(kind).remove(&user),
            Ruling::SlowMode(pause) => {
                self.slow_mode = pause;
                self.spoken.clear();
            }
            Ruling::Appointed(user) => _ = self.moderators.insert(user),
            Ruling::Dismissed(user) => _ = self.moderators.remove(&user),
        }
    }

    /// Whether somebody may not be here.
    pub(super) fn is_banned(&self, user: UserId) -> bool {
        self.bans.get(&user).is_some_and(|ends_at| holds(*ends_at))
    }

    /// Whether somebody may say something now. The clock is only asked where it matters.
    pub(super) fn admit(&self, user: UserId, now: impl FnOnce() -> Instant) -> Result<(), Refusal> {
        // Nearly always there are no rules, and nobody has to be looked up.
        if !self.bans.is_empty() && self.is_banned(user) {
            return Err(Refusal::Banned);
        }
        if !self.mutes.is_empty()
            && let Some(ends_at) = self.mutes.get(&user).filter(|ends_at| holds(**ends_at))
        {
            return Err(Refusal::Muted { until: *ends_at });
        }
        if self.slow_mode.is_zero() || self.moderators.contains(&user) {
            return Ok(());
        }
        let spoken = self.spoken.get(&user).map(|at| now().saturating_duration_since(*at));
        let left = spoken.map(|ago| self.slow_mode.saturating_sub(ago)).unwrap_or_default();
        if left.is_zero() { Ok(()) } else { Err(Refusal::SlowMode { retry_after: left }) }
    }

    /// Somebody said something.
    pub(super) fn said(&mut self, user: UserId, now: impl FnOnce() -> Instant) {
        if !self.slow_mode.is_zero() {
            self.spoken.insert(user, now());
        }
    }

    /// Forgets what is over.
    pub(super) fn expire(&mut self, now: Instant) {
        let Self { bans, mutes, spoken, slow_mode, .. } = self;
        spoken.retain(|_, at| now.saturating_duration_since(*at) < *slow_mode);
        bans.retain(|_, ends_at| holds(*ends_at));
        mutes.retain(|_, ends_at| holds(*ends_at));
    }
}

fn holds(ends_at: Option<TimestampMs>) -> bool {
    ends_at.is_none_or(|ends_at| ends_at > TimestampMs::now())
}

impl RoomState {
    /// Has the rules hold from now on, for those who are here as well.
    pub(super) fn take_rules(&mut self, rules: Rules) {
        self.rules = rules;
        for user in self.rules.bans.keys().filter(|user| self.rules.is_banned(**user)) {
            self.slot.members.ban(*user);
        }
        self.slot.ruled(&self.rules);
    }

    /// Changes a rule, and tells those whom it concerns.
    pub(super) fn on_ruling(&mut self, ruling: Ruling) {
        self.rules.change(ruling);
        self.slot.ruled(&self.rules);
        let (members, room) = (&self.slot.members, &self.slot.name);
        match ruling {
            Ruling::Imposed(SanctionKind::Ban, user, _) => members.ban(user),
            Ruling::Imposed(SanctionKind::Mute, user, ends_at) => {
                members.inform(&native::mute(room, true, ends_at), Some(user));
            }
            Ruling::Lifted(SanctionKind::Mute, user) => {
                members.inform(&native::mute(room, false, None), Some(user));
            }
            Ruling::SlowMode(pause) => members.inform(&native::slow_mode(room, pause), None),
            Ruling::Lifted(SanctionKind::Ban, _) | Ruling::Appointed(_) | Ruling::Dismissed(_) => {}
        }
    }

    /// Whether this session's user may not be here.
    pub(super) fn is_banned(&self, session: &SessionSlot) -> bool {
        session.user().is_some_and(|user| self.rules.is_banned(user))
    }

    /// Takes a message back: what takes it back gets the next place in the order, is stored and delivered like a message,
    /// so that those who are away hear of it when they are back. The words leave the window at once.
    pub(super) fn on_delete(&mut self, ask: DeleteAsk) {
        let DeleteAsk { message: id, sender, by, keeps_order, answer } = ask;
        let found = self.window.find(id);
        // Whoever asked may have given up, here and below.
        let sender = match (found, sender) {
            (Some(mark), _) if !mark.is_gone => mark.sender,
            (None, Some(sender)) => sender,
            _ => return drop(answer.send(Err(NotDeleted::Unknown))),
        };
        if !keeps_order && sender != by.id {
            return drop(answer.send(Err(NotDeleted::Foreign)));
        }
        let entry = Arc::new(Message {
            id: self.services.ids.next(),
            room: self.slot.name.clone(),
            offset: self.tail().next(),
            sender: by,
            content: Box::default(),
            client_id: None,
            deletes: Some(id),
            created_at: TimestampMs::now(),
        });
        let receipt = Receipt::for_deletion(sender, answer);
        if let Err((refusal, receipt)) = self.services.intake.push(Arc::clone(&entry), receipt) {
            return receipt.refuse(&refusal);
        }
        self.window.replace(id, |offset| native::deleted(&self.slot.name, offset, id));
        self.stage(entry);
        self.deliver();
    }
}

/// The entries of a log without the words of those that others of them take back: what is stored may not have been
/// emptied yet.
pub(super) fn without_deleted(entries: Vec<Arc<Message>>) -> Vec<Arc<Message>> {
    let deleted: HashSet<MessageId> = entries.iter().filter_map(|entry| entry.deletes).collect();
    let emptied = |entry: Arc<Message>| {
        if deleted.contains(&entry.id) {
            Arc::new(Message { content: Box::default(), ..Message::clone(&entry) })
        } else {
            entry
        }
    };
    entries.into_iter().map(emptied).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: UserId = UserId::new(1);
    const BO: UserId = UserId::new(2);

    fn now_plus(millis: i64) -> Option<TimestampMs> {
        Some(TimestampMs::now().plus_millis(millis))
    }

    #[test]
    fn without_rules_everybody_speaks_as_often_as_they_like() {
        let (mut rules, now) = (Rules::default(), Instant::now());
        for _ in 0..3 {
            assert_eq!(rules.admit(ANN, || now), Ok(()));
            rules.said(ANN, || now);
        }
        assert!(rules.spoken.is_empty(), "nothing is kept");
    }

    #[test]
    fn a_sanction_holds_for_one_person_and_until_it_ends_or_is_lifted() {
        let (mut rules, now) = (Rules::default(), Instant::now());
        rules.change(Ruling::Imposed(SanctionKind::Ban, ANN, now_plus(-1)));
        rules.change(Ruling::Imposed(SanctionKind::Mute, ANN, now_plus(-1)));
        assert_eq!(rules.admit(ANN, || now), Ok(()), "over");
        rules.change(Ruling::Imposed(SanctionKind::Mute, ANN, None));
        assert_eq!(rules.admit(ANN, || now), Err(Refusal::Muted { until: None }));
        rules.change(Ruling::Imposed(SanctionKind::Ban, ANN, now_plus(60_000)));
        assert_eq!(rules.admit(ANN, || now), Err(Refusal::Banned));
        assert_eq!(rules.admit(BO, || now), Ok(()));
        rules.expire(now);
        assert!(rules.is_banned(ANN) && rules.mutes.len() == 1);
        rules.change(Ruling::Lifted(SanctionKind::Ban, ANN));
        rules.change(Ruling::Lifted(SanctionKind::Mute, ANN));
        assert_eq!(rules.admit(ANN, || now), Ok(()));
    }

    #[test]
    fn in_slow_mode_everybody_but_moderators_waits() {
        let (mut rules, now) = (Rules::default(), Instant::now());
        rules.change(Ruling::SlowMode(Duration::from_secs(5)));
        assert_eq!(rules.admit(ANN, || now), Ok(()));
        rules.said(ANN, || now);
        let later = now + Duration::from_secs(2);
        let left = Duration::from_secs(3);
        assert_eq!(rules.admit(ANN, || later), Err(Refusal::SlowMode { retry_after: left }));
        assert_eq!(rules.admit(BO, || later), Ok(()));
        assert_eq!(rules.admit(ANN, || later + left), Ok(()));
        rules.change(Ruling::Appointed(ANN));
        assert_eq!(rules.admit(ANN, || later), Ok(()));
        rules.change(Ruling::Dismissed(ANN));
        rules.expire(later + left);
        assert!(rules.spoken.is_empty());
    }
}
