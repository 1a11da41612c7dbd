//! Keeping order in rooms.

use std::convert::identity;
use std::time::Duration;

use tickroom_storage::account::Accounts;
use tickroom_storage::engine::Database;
use tickroom_storage::limits::MODERATORS_MAX;
use tickroom_storage::moderation::{
    Action, Decided, Decision, Moderation, NewSanction, Rules, SanctionKind, Standing,
};
use tickroom_storage::room::Rooms;
use tickroom_storage::user::{Role, Users};
use tickroom_storage::{ErrorKind, MessageId, ModerationId, TimestampMs, UserId};
use tokio::task::JoinSet;

use crate::user::newcomer;
use crate::{at, room};

on_every_engine!(identity =>
    what_is_decided_holds_and_is_noted,
    a_ban_replaces_a_ban_and_leaves_a_mute_alone,
    what_has_ended_does_not_hold_any_more,
    what_was_never_imposed_cannot_be_lifted,
    who_keeps_order_is_protected,
    a_room_has_so_many_moderators_and_no_more,
    what_is_not_there_is_not_found,
    rooms_are_kept_in_order_by_themselves,
    lists_go_on_where_they_ended,
    decisions_at_once_all_hold,
    a_deleted_account_is_neither_moderator_nor_banned,
);

const BTC: &str = "KRW-BTC";
const ANN: UserId = UserId::new(1);
const BO: UserId = UserId::new(2);
const CY: UserId = UserId::new(3);

struct World {
    moderation: Moderation,
    accounts: Accounts,
    users: Users,
}

/// Two rooms, and Ann, Bo and Cy.
async fn world(database: Database) -> World {
    let users = Users::new(database.clone());
    for (id, name) in [(1, "ann"), (2, "bo"), (3, "cy")] {
        users.create(&newcomer(id, name)).await.unwrap();
    }
    Rooms::new(database.clone()).ensure(&[room(BTC), room("KRW-ETH")], at(0)).await.unwrap();
    World { moderation: Moderation::new(database.clone()), accounts: Accounts::new(database), users }
}

/// Ann decides about the room.
fn decision(name: &str, millis: i64) -> Decision {
    Decision { room: room(name), by: ANN, at: at(millis) }
}

fn sanction(kind: SanctionKind, user: UserId, ends_at: Option<TimestampMs>) -> NewSanction {
    NewSanction { kind, user, ends_at, reason: Some("돈 얘기만 함".parse().unwrap()) }
}

impl World {
    async fn ban(&self, user: UserId, ends_at: Option<TimestampMs>) -> Decided {
        let ban = sanction(SanctionKind::Ban, user, ends_at);
        self.moderation.impose(&decision(BTC, 1), &ban).await.unwrap()
    }

    async fn mute(&self, user: UserId, ends_at: Option<TimestampMs>) -> Decided {
        let mute = sanction(SanctionKind::Mute, user, ends_at);
        self.moderation.impose(&decision(BTC, 1), &mute).await.unwrap()
    }

    async fn rules(&self, millis: i64) -> Rules {
        self.moderation.rules(&room(BTC), at(millis)).await.unwrap()
    }

    async fn actions(&self) -> Vec<Action> {
        let entries = self.moderation.entries(&room(BTC), None, 100).await.unwrap();
        entries.into_iter().map(|entry| entry.action).collect()
    }
}

async fn what_is_decided_holds_and_is_noted(database: Database) {
    let world = world(database).await;
    let decided = decision(BTC, 1);
    assert_eq!(world.moderation.appoint(&decided, ANN).await.unwrap(), Decided::Done);
    assert_eq!(world.ban(BO, Some(at(1_000))).await, Decided::Done);
    assert_eq!(world.mute(CY, None).await, Decided::Done);
    world.moderation.set_slow_mode(&decided, 30).await.unwrap();
    world.moderation.note_deletion(&decided, MessageId::new(77), BO).await.unwrap();
    let rules = world.rules(2).await;
    assert_eq!((rules.slow_mode, &rules.moderators[..]), (Duration::from_secs(30), &[ANN][..]));
    let mut sanctions = rules.sanctions;
    sanctions.sort_by_key(|(_, user, _)| *user);
    assert_eq!(sanctions, [(SanctionKind::Ban, BO, Some(at(1_000))), (SanctionKind::Mute, CY, None)]);
    let standing = world.moderation.standing(&room(BTC), BO, at(2)).await.unwrap();
    let expected = Standing {
        is_moderator: false,
        sanctions: vec![(SanctionKind::Ban, Some(at(1_000)))],
        slow_mode: Duration::from_secs(30),
    };
    assert_eq!(standing, expected);

    let entries = world.moderation.entries(&room(BTC), None, 100).await.unwrap();
    assert!(entries.iter().all(|entry| entry.by.id == ANN && entry.created_at == at(1)));
    assert_eq!((entries[0].message, entries[0].target), (Some(MessageId::new(77)), Some(BO)));
    assert_eq!(entries[1].seconds, Some(30));
    assert_eq!(entries[3].reason.as_ref().unwrap().as_str(), "돈 얘기만 함");
    let bans = world.moderation.sanctions(&room(BTC), SanctionKind::Ban, at(2), None, 10).await.unwrap();
    assert_eq!((bans.len(), bans[0].user.id, bans[0].by, bans[0].id), (1, BO, ANN, entries[3].id));
    let moderators = world.moderation.moderators(&room(BTC)).await.unwrap();
    assert_eq!(moderators[0].name.as_str(), "ann");
}

async fn a_ban_replaces_a_ban_and_leaves_a_mute_alone(database: Database) {
    let world = world(database).await;
    world.mute(BO, Some(at(50))).await;
    world.ban(BO, Some(at(1_000))).await;
    world.ban(BO, None).await;
    let mut sanctions = world.rules(2).await.sanctions;
    sanctions.sort_by_key(|(kind, ..)| kind.as_str());
    assert_eq!(sanctions, [(SanctionKind::Ban, BO, None), (SanctionKind::Mute, BO, Some(at(50)))]);
    assert!(world.moderation.lift(&decision(BTC, 2), SanctionKind::Ban, BO).await.unwrap());
    assert_eq!(world.rules(2).await.sanctions, [(SanctionKind::Mute, BO, Some(at(50)))]);
    assert_eq!(world.actions().await, [Action::Unban, Action::Ban, Action::Ban, Action::Mute]);
}

async fn what_has_ended_does_not_hold_any_more(database: Database) {
    let world = world(database).await;
    world.ban(BO, Some(at(1_000))).await;
    assert_eq!(world.rules(999).await.sanctions.len(), 1);
    assert_eq!(world.rules(1_000).await.sanctions, []);
    let bans = world.moderation.sanctions(&room(BTC), SanctionKind::Ban, at(1_000), None, 10).await.unwrap();
    assert_eq!(bans, []);
    assert_eq!(world.moderation.standing(&room(BTC), BO, at(1_000)).await.unwrap(), Standing::default());
}

async fn what_was_never_imposed_cannot_be_lifted(database: Database) {
    let world = world(database).await;
    for kind in SanctionKind::ALL {
        assert!(!world.moderation.lift(&decision(BTC, 1), *kind, BO).await.unwrap());
    }
    assert!(!world.moderation.dismiss(&decision(BTC, 1), BO).await.unwrap());
    world.moderation.set_slow_mode(&decision(BTC, 1), 0).await.unwrap();
    assert_eq!(world.actions().await, [], "nothing was done, so nothing is noted");
}

async fn who_keeps_order_is_protected(database: Database) {
    let world = world(database).await;
    world.moderation.appoint(&decision(BTC, 1), BO).await.unwrap();
    world.accounts.set_role(CY, Role::Admin, at(0)).await.unwrap();
    for user in [BO, CY] {
        assert_eq!(world.ban(user, None).await, Decided::Protected);
        assert_eq!(world.mute(user, None).await, Decided::Protected);
    }
    assert!(world.moderation.dismiss(&decision(BTC, 1), BO).await.unwrap());
    assert_eq!(world.ban(BO, None).await, Decided::Done);
}

async fn a_room_has_so_many_moderators_and_no_more(database: Database) {
    let world = world(database).await;
    for id in 10..10 + i64::from(MODERATORS_MAX) {
        world.users.create(&newcomer(id, &format!("user {id}"))).await.unwrap();
        let appointed = world.moderation.appoint(&decision(BTC, id), UserId::new(id)).await.unwrap();
        assert_eq!(appointed, Decided::Done);
    }
    assert_eq!(world.moderation.appoint(&decision(BTC, 1), ANN).await.unwrap(), Decided::TooMany);
    // Who is one already stays one.
    let again = world.moderation.appoint(&decision(BTC, 1), UserId::new(10)).await.unwrap();
    assert_eq!(again, Decided::Done);
}

async fn what_is_not_there_is_not_found(database: Database) {
    let world = world(database).await;
    let nobody = sanction(SanctionKind::Ban, UserId::new(99), None);
    let ban = sanction(SanctionKind::Ban, BO, None);
    let errors = [
        world.moderation.impose(&decision(BTC, 1), &nobody).await.unwrap_err(),
        world.moderation.impose(&decision("KRW-NONE", 1), &ban).await.unwrap_err(),
        world.moderation.appoint(&decision(BTC, 1), UserId::new(99)).await.unwrap_err(),
        world.moderation.set_slow_mode(&decision("KRW-NONE", 1), 5).await.unwrap_err(),
    ];
    assert!(errors.iter().all(|error| error.kind() == ErrorKind::NotFound), "{errors:?}");
    assert_eq!(world.moderation.rules(&room("KRW-NONE"), at(1)).await.unwrap(), Rules::default());
}

async fn rooms_are_kept_in_order_by_themselves(database: Database) {
    let world = world(database).await;
    world.ban(BO, None).await;
    world.moderation.appoint(&decision(BTC, 1), CY).await.unwrap();
    world.moderation.set_slow_mode(&decision(BTC, 1), 9).await.unwrap();
    let elsewhere = room("KRW-ETH");
    assert_eq!(world.moderation.rules(&elsewhere, at(2)).await.unwrap(), Rules::default());
    assert!(!world.moderation.is_moderator(&elsewhere, CY).await.unwrap());
    assert_eq!(world.moderation.entries(&elsewhere, None, 10).await.unwrap(), []);
}

async fn lists_go_on_where_they_ended(database: Database) {
    let world = world(database).await;
    for id in 10..20 {
        world.users.create(&newcomer(id, &format!("user {id}"))).await.unwrap();
        world.ban(UserId::new(id), None).await;
    }
    let (mut before, mut seen, mut noted): (Option<ModerationId>, Vec<i64>, usize) = (None, Vec::new(), 0);
    loop {
        let bans = world.moderation.sanctions(&room(BTC), SanctionKind::Ban, at(2), before, 3).await.unwrap();
        noted += world.moderation.entries(&room(BTC), before, 3).await.unwrap().len();
        let Some(last) = bans.last() else { break };
        before = Some(last.id);
        seen.extend(bans.iter().map(|ban| ban.user.id.get()));
    }
    assert_eq!(seen, (10..20).rev().collect::<Vec<_>>());
    assert_eq!(noted, 10);
}

async fn decisions_at_once_all_hold(database: Database) {
    let world = world(database).await;
    let mut deciders = JoinSet::new();
    for turn in 0..16 {
        let moderation = world.moderation.clone();
        let kind = if turn % 2 == 0 { SanctionKind::Ban } else { SanctionKind::Mute };
        deciders.spawn(async move {
            moderation.impose(&decision(BTC, turn), &sanction(kind, BO, None)).await.unwrap()
        });
    }
    assert_eq!(deciders.join_all().await, [Decided::Done; 16]);
    assert_eq!(world.rules(100).await.sanctions.len(), 2);
    assert_eq!(world.actions().await.len(), 16);
}

async fn a_deleted_account_is_neither_moderator_nor_banned(database: Database) {
    let world = world(database).await;
    world.ban(BO, None).await;
    world.moderation.appoint(&decision(BTC, 1), CY).await.unwrap();
    for user in [BO, CY] {
        world.accounts.delete(user, at(5)).await.unwrap();
    }
    assert_eq!(world.rules(6).await, Rules::default());
    assert_eq!(world.actions().await.len(), 2, "what was done stays known");
}
