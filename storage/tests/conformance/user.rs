//! People.

use tickroom_storage::user::{NewUser, Role, User, Users};
use tickroom_storage::{ErrorKind, StorageError, UserId};
use tokio::task::JoinSet;

use crate::at;

on_every_engine!(Users::new =>
    a_person_comes_back_as_she_registered,
    strangers_are_none,
    names_are_unique_in_any_letter_case,
    names_are_unique_in_any_spelling,
    addresses_are_unique_in_any_letter_case,
    an_id_cannot_be_given_twice,
    of_twenty_who_want_one_name_one_gets_it,
    many_are_found_at_once,
    the_hash_stays_out_of_debug_output,
);

/// Whoever registers under this name.
pub(crate) fn newcomer(id: i64, name: &str) -> NewUser {
    NewUser {
        id: UserId::new(id),
        name: name.parse().unwrap(),
        email: format!("user{id}@example.com").parse().unwrap(),
        password_hash: "$argon2id$secret".to_owned(),
        role: Role::User,
        verified_at: None,
        created_at: at(0),
    }
}

fn conflict(result: Result<User, StorageError>) -> &'static str {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    error.field().unwrap()
}

async fn a_person_comes_back_as_she_registered(users: Users) {
    let new = NewUser { role: Role::Admin, verified_at: Some(at(5)), ..newcomer(1, "김 철수") };
    let created = users.create(&new).await.unwrap();
    assert_eq!(created.name, new.name);
    assert_eq!((created.role, created.verified_at), (Role::Admin, Some(at(5))));
    assert_eq!((&created.intro, &created.avatar_url), (&None, &None));
    assert_eq!(users.by_id(new.id).await.unwrap().unwrap(), created);
    assert_eq!(users.by_email(&"USER1@example.com".parse().unwrap()).await.unwrap().unwrap(), created);
}

async fn strangers_are_none(users: Users) {
    assert_eq!(users.by_id(UserId::new(1)).await.unwrap(), None);
    assert_eq!(users.by_email(&"nobody@example.com".parse().unwrap()).await.unwrap(), None);
    assert_eq!(users.by_ids(&[]).await.unwrap(), []);
}

async fn names_are_unique_in_any_letter_case(users: Users) {
    users.create(&newcomer(1, "Straße")).await.unwrap();
    assert_eq!(conflict(users.create(&newcomer(2, "STRASSE")).await), "name");
    users.create(&newcomer(2, "Strase")).await.unwrap();
}

/// `가나` in syllables and in letters.
async fn names_are_unique_in_any_spelling(users: Users) {
    users.create(&newcomer(1, "가나")).await.unwrap();
    assert_eq!(conflict(users.create(&newcomer(2, "\u{1100}\u{1161}\u{1102}\u{1161}")).await), "name");
    let found = users.find_by_name("\u{1102}\u{1161}", None, None, 10).await.unwrap();
    assert_eq!(found.len(), 1);
}

async fn addresses_are_unique_in_any_letter_case(users: Users) {
    users.create(&newcomer(1, "ann")).await.unwrap();
    let bob = NewUser { email: "User1@Example.com".parse().unwrap(), ..newcomer(2, "bob") };
    assert_eq!(conflict(users.create(&bob).await), "email");
}

async fn an_id_cannot_be_given_twice(users: Users) {
    users.create(&newcomer(1, "ann")).await.unwrap();
    let bob = NewUser { email: "bob@example.com".parse().unwrap(), ..newcomer(1, "bob") };
    assert_eq!(conflict(users.create(&bob).await), "id");
}

async fn of_twenty_who_want_one_name_one_gets_it(users: Users) {
    let mut race = JoinSet::new();
    for id in 0..20 {
        let users = users.clone();
        let name = if id % 2 == 0 { "Ann" } else { "aNN" };
        race.spawn(async move { users.create(&newcomer(id, name)).await });
    }
    let (created, refused): (Vec<_>, Vec<_>) = race.join_all().await.into_iter().partition(Result::is_ok);
    assert_eq!(created.len(), 1);
    for result in refused {
        assert_eq!(conflict(result), "name");
    }
}

async fn many_are_found_at_once(users: Users) {
    for id in 1..=300 {
        users.create(&newcomer(id, &format!("user {id}"))).await.unwrap();
    }
    let asked: Vec<UserId> = (1..=600).chain(1..=5).map(UserId::new).collect();
    let mut found: Vec<i64> = users.by_ids(&asked).await.unwrap().iter().map(|user| user.id.get()).collect();
    found.sort_unstable();
    assert_eq!(found, (1..=300).collect::<Vec<_>>());
}

async fn the_hash_stays_out_of_debug_output(users: Users) {
    let new = newcomer(1, "ann");
    let ann = users.create(&new).await.unwrap();
    assert!(!format!("{new:?}{ann:?}").contains("secret"));
}
