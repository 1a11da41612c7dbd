//! What becomes of accounts: mail links, passwords, roles, suspension, deletion.

use tickroom_storage::account::{Accounts, EndedLogins, MailPurpose, NewMailToken};
use tickroom_storage::engine::Database;
use tickroom_storage::follow::Follows;
use tickroom_storage::token::{NewFamily, Tokens};
use tickroom_storage::user::{NewUser, Role, User, Users};
use tickroom_storage::{ErrorKind, FamilyId, FollowId, StorageError, UserId};
use tokio::task::JoinSet;

use crate::at;
use crate::user::newcomer;

on_every_engine!(World::new =>
    a_person_and_her_link_are_stored_together_or_not_at_all,
    a_link_is_good_for_its_purpose_and_its_time,
    an_address_is_proved_once,
    a_new_password_ends_the_other_logins_and_the_reset_links,
    a_reset_link_is_good_once_and_proves_the_address,
    of_twenty_who_come_with_one_reset_link_one_gets_in,
    a_login_that_was_proved_with_an_old_password_does_not_begin,
    losing_a_role_ends_all_logins_and_getting_one_none,
    a_suspension_ends_logins_and_begins_none_until_it_is_lifted,
    deletion_leaves_a_row_without_a_person,
    name_and_address_of_a_deleted_account_are_free_again,
    a_deleted_account_changes_no_more,
    defect_18_expired_links_are_forgotten,
    defect_18_an_address_that_is_never_proved_gives_name_and_address_back,
    people_are_found_by_part_of_name_or_address,
);

const ANN: UserId = UserId::new(1);
const BOB: UserId = UserId::new(2);
const NOBODY: UserId = UserId::new(99);
const DESK: FamilyId = FamilyId::new(10);
const PHONE: FamilyId = FamilyId::new(11);
const HOUR_MS: i64 = 3_600_000;

struct World {
    accounts: Accounts,
    follows: Follows,
    users: Users,
    tokens: Tokens,
}

impl World {
    fn new(database: Database) -> Self {
        Self {
            accounts: Accounts::new(database.clone()),
            follows: Follows::new(database.clone()),
            users: Users::new(database.clone()),
            tokens: Tokens::new(database),
        }
    }

    /// Ann has an account and is logged in at her desk and on her phone; so is Bob, somewhere.
    async fn with_people(self) -> Self {
        self.users.create(&newcomer(1, "Ann")).await.unwrap();
        self.users.create(&newcomer(2, "bob")).await.unwrap();
        self.log_in(ANN, DESK).await.unwrap();
        self.log_in(ANN, PHONE).await.unwrap();
        self.log_in(BOB, FamilyId::new(12)).await.unwrap();
        self
    }

    async fn log_in(&self, user: UserId, family: FamilyId) -> Result<(), StorageError> {
        let proved_against = self.user(user).await.password_hash;
        self.tokens.start_family(login(user, family, proved_against)).await
    }

    async fn user(&self, id: UserId) -> User {
        self.users.by_id(id).await.unwrap().unwrap()
    }

    async fn is_logged_in(&self, family: FamilyId) -> bool {
        self.tokens.holder(family, at(1)).await.unwrap().is_some()
    }

    async fn owner(&self, hash: &str, purpose: MailPurpose, now_ms: i64) -> Option<UserId> {
        self.accounts.owner_of_link(hash, purpose, at(now_ms)).await.unwrap()
    }
}

fn login(user_id: UserId, id: FamilyId, proved_against: String) -> NewFamily {
    NewFamily {
        id,
        user_id,
        proved_against,
        user_agent: None,
        address: None,
        token_hash: format!("token of {id}"),
        now: at(0),
        expires_at: at(HOUR_MS),
    }
}

fn link(user_id: UserId, purpose: MailPurpose, hash: &str) -> NewMailToken {
    NewMailToken { hash: hash.to_owned(), user_id, purpose, created_at: at(0), expires_at: at(HOUR_MS) }
}

fn families(mut ended: EndedLogins) -> Vec<FamilyId> {
    ended.families.sort_unstable();
    ended.families
}

fn kind<T: std::fmt::Debug>(result: Result<T, StorageError>) -> ErrorKind {
    result.unwrap_err().kind()
}

async fn a_person_and_her_link_are_stored_together_or_not_at_all(world: World) {
    let World { accounts, users, .. } = &world;
    let ann = newcomer(1, "ann");
    let created = accounts.register(&ann, Some(&link(ANN, MailPurpose::Verify, "a"))).await.unwrap();
    assert_eq!(users.by_id(ANN).await.unwrap().unwrap(), created);
    assert_eq!(world.owner("a", MailPurpose::Verify, 1).await, Some(ANN));
    let taken = accounts.register(&newcomer(2, "bob"), Some(&link(BOB, MailPurpose::Verify, "a"))).await;
    assert_eq!(kind(taken), ErrorKind::Conflict);
    assert_eq!(users.by_id(BOB).await.unwrap(), None);
    let taken = accounts.register(&newcomer(2, "ANN"), Some(&link(BOB, MailPurpose::Verify, "b"))).await;
    assert_eq!(taken.unwrap_err().field(), Some("name"));
    assert_eq!(world.owner("b", MailPurpose::Verify, 1).await, None);
}

async fn a_link_is_good_for_its_purpose_and_its_time(world: World) {
    let world = world.with_people().await;
    world.accounts.add_link(&link(ANN, MailPurpose::Verify, "v")).await.unwrap();
    world.accounts.add_link(&link(ANN, MailPurpose::Reset, "r")).await.unwrap();
    assert_eq!(world.owner("v", MailPurpose::Verify, HOUR_MS - 1).await, Some(ANN));
    assert_eq!(world.owner("v", MailPurpose::Verify, HOUR_MS).await, None);
    assert_eq!(world.owner("v", MailPurpose::Reset, 1).await, None);
    assert_eq!(world.accounts.reset_password("v", "new", at(1)).await.unwrap(), None);
    assert_eq!(world.accounts.reset_password("r", "new", at(HOUR_MS)).await.unwrap(), None);
    let stranger = world.accounts.add_link(&link(NOBODY, MailPurpose::Reset, "x")).await;
    assert_eq!(kind(stranger), ErrorKind::NotFound);
}

async fn an_address_is_proved_once(world: World) {
    let world = world.with_people().await;
    world.accounts.verify(ANN, at(5)).await.unwrap();
    world.accounts.verify(ANN, at(6)).await.unwrap();
    assert_eq!(world.user(ANN).await.verified_at, Some(at(5)));
    assert_eq!(world.user(BOB).await.verified_at, None);
}

async fn a_new_password_ends_the_other_logins_and_the_reset_links(world: World) {
    let world = world.with_people().await;
    world.accounts.add_link(&link(ANN, MailPurpose::Reset, "r")).await.unwrap();
    world.accounts.add_link(&link(ANN, MailPurpose::Verify, "v")).await.unwrap();
    let ended = world.accounts.set_password(ANN, "new", Some(DESK), at(1)).await.unwrap();
    assert_eq!((ended.user, families(ended)), (ANN, vec![PHONE]));
    assert_eq!(world.user(ANN).await.password_hash, "new");
    assert!(world.is_logged_in(DESK).await && !world.is_logged_in(PHONE).await);
    assert_eq!(world.owner("r", MailPurpose::Reset, 1).await, None);
    assert_eq!(world.owner("v", MailPurpose::Verify, 1).await, Some(ANN));
    assert_eq!(kind(world.accounts.set_password(NOBODY, "new", None, at(1)).await), ErrorKind::NotFound);
}

async fn a_reset_link_is_good_once_and_proves_the_address(world: World) {
    let world = world.with_people().await;
    for hash in ["first", "second"] {
        world.accounts.add_link(&link(ANN, MailPurpose::Reset, hash)).await.unwrap();
    }
    let ended = world.accounts.reset_password("first", "new", at(7)).await.unwrap().unwrap();
    assert_eq!((ended.user, families(ended)), (ANN, vec![DESK, PHONE]));
    let ann = world.user(ANN).await;
    assert_eq!((ann.password_hash.as_str(), ann.verified_at), ("new", Some(at(7))));
    for hash in ["first", "second"] {
        assert_eq!(world.accounts.reset_password(hash, "newer", at(8)).await.unwrap(), None, "{hash}");
    }
}

async fn of_twenty_who_come_with_one_reset_link_one_gets_in(world: World) {
    let world = world.with_people().await;
    world.accounts.add_link(&link(ANN, MailPurpose::Reset, "r")).await.unwrap();
    let mut race = JoinSet::new();
    for tab in 0..20 {
        let accounts = world.accounts.clone();
        race.spawn(async move { accounts.reset_password("r", &format!("new {tab}"), at(1)).await.unwrap() });
    }
    assert_eq!(race.join_all().await.into_iter().flatten().count(), 1);
}

async fn a_login_that_was_proved_with_an_old_password_does_not_begin(world: World) {
    let world = world.with_people().await;
    let old = world.user(ANN).await.password_hash;
    world.accounts.set_password(ANN, "new", None, at(1)).await.unwrap();
    let late = world.tokens.start_family(login(ANN, FamilyId::new(20), old)).await;
    assert_eq!(kind(late), ErrorKind::NotFound);
    world.log_in(ANN, FamilyId::new(21)).await.unwrap();
}

async fn losing_a_role_ends_all_logins_and_getting_one_none(world: World) {
    let world = world.with_people().await;
    let granted = world.accounts.set_role(ANN, Role::Admin, at(1)).await.unwrap();
    assert_eq!((families(granted), world.user(ANN).await.role), (vec![], Role::Admin));
    let again = world.accounts.set_role(ANN, Role::Admin, at(2)).await.unwrap();
    assert_eq!(families(again), []);
    let revoked = world.accounts.set_role(ANN, Role::User, at(3)).await.unwrap();
    assert_eq!((families(revoked), world.user(ANN).await.role), (vec![DESK, PHONE], Role::User));
    assert_eq!(kind(world.accounts.set_role(NOBODY, Role::User, at(1)).await), ErrorKind::NotFound);
}

async fn a_suspension_ends_logins_and_begins_none_until_it_is_lifted(world: World) {
    let world = world.with_people().await;
    assert_eq!(families(world.accounts.suspend(ANN, at(1)).await.unwrap()), [DESK, PHONE]);
    assert_eq!(families(world.accounts.suspend(ANN, at(2)).await.unwrap()), []);
    assert_eq!(world.user(ANN).await.suspended_at, Some(at(1)));
    assert_eq!(kind(world.log_in(ANN, FamilyId::new(20)).await), ErrorKind::NotFound);
    for _again in 0..2 {
        world.accounts.lift_suspension(ANN).await.unwrap();
    }
    world.log_in(ANN, FamilyId::new(20)).await.unwrap();
    assert_eq!(kind(world.accounts.suspend(NOBODY, at(1)).await), ErrorKind::NotFound);
    assert_eq!(kind(world.accounts.lift_suspension(NOBODY).await), ErrorKind::NotFound);
}

async fn deletion_leaves_a_row_without_a_person(world: World) {
    let world = world.with_people().await;
    world.accounts.add_link(&link(ANN, MailPurpose::Reset, "r")).await.unwrap();
    world.accounts.set_role(ANN, Role::Admin, at(1)).await.unwrap();
    let before = world.user(ANN).await;
    assert_eq!(families(world.accounts.delete(ANN, at(2)).await.unwrap()), [DESK, PHONE]);
    let left = world.user(ANN).await;
    assert_eq!((left.deleted_at, left.created_at), (Some(at(2)), before.created_at));
    assert_eq!((left.name.as_str(), left.role, left.verified_at), ("deleted user", Role::User, None));
    assert_eq!((left.intro.as_deref(), left.avatar_url.as_deref()), (None, None));
    assert!(left.email.as_str().ends_with("@deleted.invalid") && left.password_hash.is_empty());
    assert_eq!(world.users.by_email(&before.email).await.unwrap(), None);
    assert_eq!(world.users.by_email(&left.email).await.unwrap(), None);
    assert_eq!(world.tokens.logins(ANN, None, 10, at(1)).await.unwrap(), []);
    assert_eq!(world.owner("r", MailPurpose::Reset, 3).await, None);
    assert_eq!(world.user(BOB).await.deleted_at, None);
}

async fn name_and_address_of_a_deleted_account_are_free_again(world: World) {
    let world = world.with_people().await;
    let before = world.user(ANN).await;
    world.accounts.delete(ANN, at(1)).await.unwrap();
    let again = NewUser { email: before.email, ..newcomer(3, "ANN") };
    world.users.create(&again).await.unwrap();
    world.accounts.delete(again.id, at(1)).await.unwrap();
    world.accounts.delete(BOB, at(1)).await.unwrap();
}

async fn a_deleted_account_changes_no_more(world: World) {
    let world = world.with_people().await;
    world.accounts.delete(ANN, at(1)).await.unwrap();
    let accounts = &world.accounts;
    assert_eq!(kind(accounts.delete(ANN, at(2)).await), ErrorKind::NotFound);
    assert_eq!(kind(accounts.set_password(ANN, "new", None, at(2)).await), ErrorKind::NotFound);
    assert_eq!(kind(accounts.set_role(ANN, Role::Admin, at(2)).await), ErrorKind::NotFound);
    assert_eq!(kind(accounts.suspend(ANN, at(2)).await), ErrorKind::NotFound);
    accounts.verify(ANN, at(2)).await.unwrap();
    assert_eq!(world.user(ANN).await.verified_at, None);
    assert_eq!(kind(world.log_in(ANN, FamilyId::new(20)).await), ErrorKind::NotFound);
}

async fn defect_18_expired_links_are_forgotten(world: World) {
    let world = world.with_people().await;
    world.accounts.add_link(&link(ANN, MailPurpose::Verify, "v")).await.unwrap();
    assert_eq!(world.accounts.purge_expired(at(HOUR_MS - 1)).await.unwrap(), 0);
    assert_eq!(world.accounts.purge_expired(at(HOUR_MS)).await.unwrap(), 1);
    assert_eq!(world.owner("v", MailPurpose::Verify, 1).await, None);
}

async fn defect_18_an_address_that_is_never_proved_gives_name_and_address_back(world: World) {
    let World { users, accounts, .. } = &world;
    for (id, name) in
        [(1, "forgotten"), (2, "proved"), (3, "suspended"), (4, "admin"), (5, "busy"), (6, "logged in")]
    {
        users.create(&newcomer(id, name)).await.unwrap();
    }
    users.create(&NewUser { created_at: at(HOUR_MS), ..newcomer(7, "young") }).await.unwrap();
    accounts.add_link(&link(ANN, MailPurpose::Verify, "v")).await.unwrap();
    accounts.verify(BOB, at(1)).await.unwrap();
    accounts.suspend(UserId::new(3), at(1)).await.unwrap();
    accounts.set_role(UserId::new(4), Role::Admin, at(1)).await.unwrap();
    for (number, followee) in [(1, ANN), (2, BOB)] {
        world.follows.follow(FollowId::new(number), UserId::new(5), followee, at(1)).await.unwrap();
    }
    world.log_in(UserId::new(6), DESK).await.unwrap();

    assert_eq!(accounts.purge_unproved(at(0), at(HOUR_MS)).await.unwrap(), 0);
    assert_eq!(accounts.purge_unproved(at(HOUR_MS), at(HOUR_MS)).await.unwrap(), 1);
    assert_eq!(users.by_id(ANN).await.unwrap(), None);
    assert_eq!(world.owner("v", MailPurpose::Verify, 1).await, None);
    for id in 2..=7 {
        assert!(users.by_id(UserId::new(id)).await.unwrap().is_some(), "{id}");
    }
    let busy = users.profile(UserId::new(5), None).await.unwrap().unwrap();
    assert_eq!(busy.following_count, 1, "who followed her follows one less");
    users.create(&newcomer(1, "Forgotten")).await.unwrap();
}

async fn people_are_found_by_part_of_name_or_address(world: World) {
    let World { users, accounts, .. } = &world;
    for (id, name) in [(1, "Ann"), (2, "Joanne"), (3, "100% 김철수"), (4, "a_b"), (5, "axb"), (6, "anna")]
    {
        users.create(&newcomer(id, name)).await.unwrap();
    }
    accounts.delete(UserId::new(6), at(1)).await.unwrap();
    let found = async |part: &str, before: Option<i64>, limit: u16| -> Vec<i64> {
        let found = users.search_accounts(part, before.map(UserId::new), limit).await.unwrap();
        found.iter().map(|user| user.id.get()).collect()
    };
    assert_eq!(found("ANN", None, 10).await, [2, 1]);
    assert_eq!(found("철수", None, 10).await, [3]);
    assert_eq!(found("0%", None, 10).await, [3]);
    assert_eq!(found("a_b", None, 10).await, [4], "an underscore is one");
    assert_eq!(found("!", None, 10).await, [0_i64; 0]);
    assert_eq!(found("User5@Example", None, 10).await, [5]);
    assert_eq!(found("", None, 2).await, [5, 4]);
    assert_eq!(found("", Some(4), 2).await, [3, 2]);
}
