//! Logins and their refresh tokens.

use std::convert::identity;

use tickroom_storage::engine::Database;
use tickroom_storage::token::{NewFamily, Rotation, Tokens};
use tickroom_storage::user::Users;
use tickroom_storage::{ErrorKind, FamilyId, TimestampMs, UserId};
use tokio::task::JoinSet;

use crate::at;
use crate::user::newcomer;

on_every_engine!(identity =>
    a_token_is_replaced_by_its_use,
    a_replaced_token_is_replayed_within_the_grace,
    reuse_after_the_grace_ends_the_login,
    of_twenty_who_present_one_token_one_rotates_it,
    an_expired_token_opens_nothing,
    an_unknown_token_opens_nothing,
    a_new_token_that_exists_is_refused,
    a_login_ends_once,
    all_logins_of_a_person_end_together,
    a_login_can_be_spared_when_the_others_end,
    one_ends_only_ones_own_login,
    logins_are_listed_newest_first_while_they_stand,
    an_address_is_known_to_whom_has_logged_in_from_there,
    a_login_needs_a_person,
    what_expired_is_forgotten,
    a_long_user_agent_is_cut,
);

const ANN: UserId = UserId::new(1);
const BOB: UserId = UserId::new(2);
const FAMILY: FamilyId = FamilyId::new(10);
const GRACE_MS: i64 = 1_000;
const LIFE_MS: i64 = 100_000;

fn login(id: FamilyId, user_id: UserId, token: &str) -> NewFamily {
    NewFamily {
        id,
        user_id,
        proved_against: newcomer(1, "ann").password_hash,
        address: Some("192.0.2.1".to_owned()),
        user_agent: Some("Firefox".to_owned()),
        token_hash: token.to_owned(),
        now: at(0),
        expires_at: at(LIFE_MS),
    }
}

/// Ann and Bob have accounts, and Ann is logged in with the token `first`.
async fn ann_is_logged_in(database: Database) -> Tokens {
    let users = Users::new(database.clone());
    users.create(&newcomer(1, "ann")).await.unwrap();
    users.create(&newcomer(2, "bob")).await.unwrap();
    let tokens = Tokens::new(database);
    tokens.start_family(login(FAMILY, ANN, "first")).await.unwrap();
    tokens
}

async fn rotate(tokens: &Tokens, old: &str, new: &str, now_ms: i64) -> Rotation {
    tokens.rotate(old, new, at(now_ms), at(now_ms + LIFE_MS), GRACE_MS).await.unwrap()
}

/// Whether a login stands.
async fn stands(tokens: &Tokens, family: FamilyId, now: TimestampMs) -> bool {
    tokens.holder(family, now).await.unwrap().is_some()
}

async fn a_token_is_replaced_by_its_use(database: Database) {
    let tokens = ann_is_logged_in(database).await;
    let rotated = Rotation::Rotated { family: FAMILY, user: ANN };
    assert_eq!(rotate(&tokens, "first", "second", 10).await, rotated);
    assert_eq!(rotate(&tokens, "second", "third", 20).await, rotated);
    // Use prolongs the login beyond the life of its first token.
    assert!(stands(&tokens, FAMILY, at(LIFE_MS + 10)).await);
    assert!(!stands(&tokens, FAMILY, at(LIFE_MS + 20)).await);
}

async fn a_replaced_token_is_replayed_within_the_grace(database: Database) {
    let tokens = ann_is_logged_in(database).await;
    rotate(&tokens, "first", "second", 10).await;
    let replayed = Rotation::Replayed { family: FAMILY, user: ANN };
    assert_eq!(rotate(&tokens, "first", "other", 10 + GRACE_MS).await, replayed);
    assert_eq!(rotate(&tokens, "other", "x", 20).await, Rotation::Unknown, "a replay makes no token");
    assert!(stands(&tokens, FAMILY, at(20)).await);
}

async fn reuse_after_the_grace_ends_the_login(database: Database) {
    let tokens = ann_is_logged_in(database).await;
    rotate(&tokens, "first", "second", 10).await;
    let reused = Rotation::Reused { family: FAMILY, user: ANN };
    assert_eq!(rotate(&tokens, "first", "thief", 11 + GRACE_MS).await, reused);
    assert_eq!(rotate(&tokens, "second", "third", 12 + GRACE_MS).await, Rotation::Revoked);
    assert_eq!(rotate(&tokens, "first", "thief", 13 + GRACE_MS).await, Rotation::Revoked);
    assert!(!stands(&tokens, FAMILY, at(12 + GRACE_MS)).await);
}

async fn of_twenty_who_present_one_token_one_rotates_it(database: Database) {
    let tokens = ann_is_logged_in(database).await;
    let mut race = JoinSet::new();
    for tab in 0..20 {
        let tokens = tokens.clone();
        race.spawn(async move { rotate(&tokens, "first", &format!("new {tab}"), 10).await });
    }
    let outcomes = race.join_all().await;
    let count = |wanted: Rotation| outcomes.iter().filter(|outcome| **outcome == wanted).count();
    assert_eq!(count(Rotation::Rotated { family: FAMILY, user: ANN }), 1);
    assert_eq!(count(Rotation::Replayed { family: FAMILY, user: ANN }), 19);
}

async fn an_expired_token_opens_nothing(database: Database) {
    let tokens = ann_is_logged_in(database).await;
    assert_eq!(rotate(&tokens, "first", "second", LIFE_MS).await, Rotation::Expired);
    assert_eq!(rotate(&tokens, "second", "third", 0).await, Rotation::Unknown);
    // The refusal leaves no trace: before that moment the token works.
    let rotated = Rotation::Rotated { family: FAMILY, user: ANN };
    assert_eq!(rotate(&tokens, "first", "second", LIFE_MS - 1).await, rotated);
}

async fn an_unknown_token_opens_nothing(database: Database) {
    let tokens = ann_is_logged_in(database).await;
    assert_eq!(rotate(&tokens, "FIRST", "second", 10).await, Rotation::Unknown);
}

async fn a_new_token_that_exists_is_refused(database: Database) {
    let tokens = ann_is_logged_in(database).await;
    let error = tokens.rotate("first", "first", at(10), at(LIFE_MS), GRACE_MS).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let rotated = Rotation::Rotated { family: FAMILY, user: ANN };
    assert_eq!(rotate(&tokens, "first", "second", 10).await, rotated);
}

async fn a_login_ends_once(database: Database) {
    let tokens = ann_is_logged_in(database).await;
    assert!(stands(&tokens, FAMILY, at(1)).await);
    assert!(tokens.revoke_family(FAMILY, at(2)).await.unwrap());
    assert!(!tokens.revoke_family(FAMILY, at(3)).await.unwrap());
    assert!(!tokens.revoke_family(FamilyId::new(99), at(3)).await.unwrap());
    assert!(!stands(&tokens, FAMILY, at(3)).await);
    assert_eq!(rotate(&tokens, "first", "second", 10).await, Rotation::Revoked);
}

async fn all_logins_of_a_person_end_together(database: Database) {
    let tokens = ann_is_logged_in(database).await;
    let (phone, ended, bobs) = (FamilyId::new(11), FamilyId::new(12), FamilyId::new(13));
    tokens.start_family(login(phone, ANN, "phone")).await.unwrap();
    tokens.start_family(login(ended, ANN, "ended")).await.unwrap();
    tokens.start_family(login(bobs, BOB, "bobs")).await.unwrap();
    tokens.revoke_family(ended, at(1)).await.unwrap();
    assert_eq!(tokens.revoke_others(ANN, None, at(2)).await.unwrap(), [FAMILY, phone]);
    assert_eq!(tokens.revoke_others(ANN, None, at(3)).await.unwrap(), []);
    assert!(!stands(&tokens, phone, at(3)).await);
    assert!(stands(&tokens, bobs, at(3)).await);
}

async fn a_login_can_be_spared_when_the_others_end(database: Database) {
    let tokens = ann_is_logged_in(database).await;
    let phone = FamilyId::new(11);
    tokens.start_family(login(phone, ANN, "phone")).await.unwrap();
    assert_eq!(tokens.revoke_others(ANN, Some(phone), at(2)).await.unwrap(), [FAMILY]);
    assert!(stands(&tokens, phone, at(3)).await);
}

async fn one_ends_only_ones_own_login(database: Database) {
    let tokens = ann_is_logged_in(database).await;
    assert!(!tokens.revoke_own(BOB, FAMILY, at(1)).await.unwrap());
    assert!(stands(&tokens, FAMILY, at(1)).await);
    assert!(tokens.revoke_own(ANN, FAMILY, at(1)).await.unwrap());
    assert!(!tokens.revoke_own(ANN, FAMILY, at(1)).await.unwrap());
    assert!(!stands(&tokens, FAMILY, at(1)).await);
}

async fn logins_are_listed_newest_first_while_they_stand(database: Database) {
    let tokens = ann_is_logged_in(database).await;
    let (phone, ended, bobs) = (FamilyId::new(11), FamilyId::new(12), FamilyId::new(13));
    tokens.start_family(login(phone, ANN, "phone")).await.unwrap();
    tokens.start_family(login(ended, ANN, "ended")).await.unwrap();
    tokens.start_family(login(bobs, BOB, "bobs")).await.unwrap();
    tokens.revoke_family(ended, at(1)).await.unwrap();
    rotate(&tokens, "phone", "next", 10).await;
    let listed = async |before, limit, now_ms| tokens.logins(ANN, before, limit, at(now_ms)).await.unwrap();
    let all = listed(None, 10, 20).await;
    assert_eq!(all.iter().map(|login| login.id).collect::<Vec<_>>(), [phone, FAMILY]);
    assert_eq!((all[0].created_at, all[0].last_used_at), (at(0), at(10)));
    assert_eq!(
        (all[1].user_agent.as_deref(), all[1].address.as_deref()),
        (Some("Firefox"), Some("192.0.2.1"))
    );
    assert_eq!(listed(None, 1, 20).await, all[..1]);
    assert_eq!(listed(Some(phone), 10, 20).await, all[1..]);
    assert_eq!(listed(None, 10, LIFE_MS).await, all[..1], "the other one has expired");
}

async fn an_address_is_known_to_whom_has_logged_in_from_there(database: Database) {
    let tokens = ann_is_logged_in(database).await;
    tokens.revoke_family(FAMILY, at(1)).await.unwrap();
    assert!(tokens.knows_address(ANN, "192.0.2.1").await.unwrap());
    assert!(!tokens.knows_address(ANN, "192.0.2.2").await.unwrap());
    assert!(!tokens.knows_address(BOB, "192.0.2.1").await.unwrap());
}

async fn a_login_needs_a_person(database: Database) {
    let tokens = ann_is_logged_in(database).await;
    let error = tokens.start_family(login(FamilyId::new(11), UserId::new(99), "x")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

async fn what_expired_is_forgotten(database: Database) {
    let tokens = ann_is_logged_in(database).await;
    rotate(&tokens, "first", "second", 10).await;
    assert_eq!(tokens.purge_expired(at(LIFE_MS - 1)).await.unwrap(), 0);
    assert_eq!(tokens.purge_expired(at(LIFE_MS)).await.unwrap(), 1, "the first token");
    assert!(stands(&tokens, FAMILY, at(LIFE_MS)).await);
    assert_eq!(tokens.purge_expired(at(LIFE_MS + 10)).await.unwrap(), 2, "the second, and the login");
    assert_eq!(rotate(&tokens, "second", "third", 20).await, Rotation::Unknown);
}

async fn a_long_user_agent_is_cut(database: Database) {
    let tokens = ann_is_logged_in(database).await;
    let endless = Some("가".repeat(1_000_000));
    let family = NewFamily { user_agent: endless, ..login(FamilyId::new(11), ANN, "x") };
    tokens.start_family(family).await.unwrap();
}
