//! What people tell of themselves, and how they are found by their names.

use std::convert::identity;

use tickroom_storage::account::Accounts;
use tickroom_storage::engine::Database;
use tickroom_storage::user::{
    BirthYear, DetailVisibility, Profile, ProfileChange, SearchPlace, Users, Visibility,
};
use tickroom_storage::{ErrorKind, UserId};

use crate::at;
use crate::user::newcomer;

on_every_engine!(identity =>
    a_newcomer_has_told_nothing,
    what_is_told_comes_back,
    what_is_not_named_stays,
    what_is_emptied_is_gone,
    a_name_that_is_taken_changes_nothing_at_all,
    one_may_change_the_letter_case_of_ones_own_name,
    strangers_have_no_profile,
    people_are_found_by_any_part_of_their_name,
    one_korean_syllable_finds_somebody,
    names_that_begin_with_it_come_first,
    a_name_with_the_text_twice_is_found_once,
    a_search_goes_on_page_by_page,
    signs_of_patterns_mean_themselves,
    a_changed_name_is_found_instead_of_the_old_one,
    a_deleted_account_tells_nothing_and_is_not_found,
);

const ANN: UserId = UserId::new(1);

async fn ann(database: Database) -> Users {
    people(database, &["ann"]).await
}

/// People with these names and the ids 1, 2, ….
async fn people(database: Database, names: &[&str]) -> Users {
    let users = Users::new(database);
    for (id, name) in (1..).zip(names) {
        users.create(&newcomer(id, name)).await.unwrap();
    }
    users
}

async fn profile(users: &Users) -> Profile {
    users.profile(ANN, None).await.unwrap().unwrap()
}

fn everything() -> ProfileChange {
    ProfileChange {
        name: None,
        intro: Some(Some("to the moon".parse().unwrap())),
        birth_year: Some(Some(BirthYear::new(1990, at(0)).unwrap())),
        region: Some(Some("KR-11".parse().unwrap())),
        interests: Some(vec!["비트코인".parse().unwrap(), "\"quoted\"".parse().unwrap()]),
        birth_year_visibility: None,
        region_visibility: Some(Visibility::Public),
        interests_visibility: None,
    }
}

/// Names that are found, in their order.
async fn found(users: &Users, text: &str) -> Vec<String> {
    let hits = users.find_by_name(text, None, None, 100).await.unwrap();
    hits.into_iter().map(|hit| hit.profile.name.to_string()).collect()
}

async fn a_newcomer_has_told_nothing(database: Database) {
    let users = ann(database).await;
    let user = users.by_id(ANN).await.unwrap().unwrap();
    assert_eq!(profile(&users).await, Profile::of_newcomer(&user));
}

async fn what_is_told_comes_back(database: Database) {
    let users = ann(database).await;
    users.change_profile(ANN, everything()).await.unwrap();
    let told = profile(&users).await;
    assert_eq!(told.intro.unwrap().as_str(), "to the moon");
    assert_eq!(told.birth_year.unwrap().get(), 1990);
    assert_eq!(told.region.unwrap().as_str(), "KR-11");
    assert_eq!(told.interests.iter().map(|i| i.as_str()).collect::<Vec<_>>(), ["비트코인", "\"quoted\""]);
    let visibility = DetailVisibility { region: Visibility::Public, ..DetailVisibility::default() };
    assert_eq!(told.visibility, visibility);
}

async fn what_is_not_named_stays(database: Database) {
    let users = ann(database).await;
    users.change_profile(ANN, everything()).await.unwrap();
    let before = profile(&users).await;
    users.change_profile(ANN, ProfileChange::default()).await.unwrap();
    assert_eq!(profile(&users).await, before);
}

async fn what_is_emptied_is_gone(database: Database) {
    let users = ann(database).await;
    users.change_profile(ANN, everything()).await.unwrap();
    let nothing = ProfileChange {
        intro: Some(None),
        birth_year: Some(None),
        region: Some(None),
        interests: Some(Vec::new()),
        region_visibility: Some(Visibility::Private),
        ..ProfileChange::default()
    };
    users.change_profile(ANN, nothing).await.unwrap();
    let user = users.by_id(ANN).await.unwrap().unwrap();
    assert_eq!(profile(&users).await, Profile::of_newcomer(&user));
}

async fn a_name_that_is_taken_changes_nothing_at_all(database: Database) {
    let users = people(database, &["ann", "bob"]).await;
    let before = profile(&users).await;
    let change = ProfileChange { name: Some("BOB".parse().unwrap()), ..everything() };
    let error = users.change_profile(ANN, change).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::Conflict, Some("name")));
    assert_eq!(profile(&users).await, before);
    assert_eq!(found(&users, "ann").await, ["ann"]);
}

async fn one_may_change_the_letter_case_of_ones_own_name(database: Database) {
    let users = ann(database).await;
    let change = ProfileChange { name: Some("Ann".parse().unwrap()), ..ProfileChange::default() };
    users.change_profile(ANN, change).await.unwrap();
    assert_eq!(profile(&users).await.name.as_str(), "Ann");
}

async fn strangers_have_no_profile(database: Database) {
    let users = ann(database).await;
    let nobody = UserId::new(9);
    assert_eq!(users.profile(nobody, None).await.unwrap(), None);
    let error = users.change_profile(nobody, everything()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let error = users.set_avatar(nobody, Some("/media/x"), at(0)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

async fn people_are_found_by_any_part_of_their_name(database: Database) {
    let users = people(database, &["Joanna", "bob", "Straße"]).await;
    for text in ["joanna", "JO", "ann", "a", "oAnN", "nna"] {
        assert!(found(&users, text).await.contains(&"Joanna".to_owned()), "{text}");
    }
    assert_eq!(found(&users, "STRASS").await, ["Straße"]);
    assert_eq!(found(&users, "joannas").await, [""; 0]);
}

async fn one_korean_syllable_finds_somebody(database: Database) {
    let users = people(database, &["김철수", "박김영", "조아라", "김 민지"]).await;
    assert_eq!(found(&users, "김").await, ["김 민지", "김철수", "박김영"]);
    assert_eq!(found(&users, "철수").await, ["김철수"]);
    assert_eq!(found(&users, "라").await, ["조아라"]);
}

async fn names_that_begin_with_it_come_first(database: Database) {
    let users = people(database, &["zoe ann", "hanna", "anna", "ann"]).await;
    assert_eq!(found(&users, "ann").await, ["ann", "anna", "zoe ann", "hanna"]);
}

async fn a_name_with_the_text_twice_is_found_once(database: Database) {
    let users = people(database, &["banana", "an an"]).await;
    assert_eq!(found(&users, "an").await, ["an an", "banana"]);
    assert_eq!(found(&users, "na").await, ["banana"]);
}

async fn a_search_goes_on_page_by_page(database: Database) {
    let names = ["kim", "kim 2", "kim 3", "akim", "bkim", "xkimkim"];
    let users = people(database, &names).await;
    let whole = found(&users, "kim").await;
    assert_eq!(whole.len(), names.len());
    for limit in 1..=4 {
        let mut walked = Vec::new();
        let mut place: Option<SearchPlace> = None;
        loop {
            let hits = users.find_by_name("kim", None, place.take(), limit).await.unwrap();
            let Some(last) = hits.last() else { break };
            place = Some(last.place.clone());
            walked.extend(hits.iter().map(|hit| hit.profile.name.to_string()));
        }
        assert_eq!(walked, whole, "pages of {limit}");
    }
}

async fn signs_of_patterns_mean_themselves(database: Database) {
    let users = people(database, &["100%", "a_b", "ab", "x*y"]).await;
    for (text, name) in [("%", "100%"), ("_", "a_b"), ("*", "x*y")] {
        assert_eq!(found(&users, text).await, [name]);
    }
    assert_eq!(found(&users, "' or 1=1 --").await, [""; 0]);
}

async fn a_changed_name_is_found_instead_of_the_old_one(database: Database) {
    let users = ann(database).await;
    let change = ProfileChange { name: Some("철수".parse().unwrap()), ..ProfileChange::default() };
    users.change_profile(ANN, change).await.unwrap();
    assert_eq!((found(&users, "ann").await, found(&users, "수").await), (vec![], vec!["철수".to_owned()]));
}

async fn a_deleted_account_tells_nothing_and_is_not_found(database: Database) {
    let users = ann(database.clone()).await;
    users.change_profile(ANN, everything()).await.unwrap();
    Accounts::new(database).delete(ANN, at(1)).await.unwrap();
    let left = users.by_id(ANN).await.unwrap().unwrap();
    assert_eq!(profile(&users).await, Profile::of_newcomer(&left));
    assert_eq!((found(&users, "ann").await, found(&users, "deleted").await), (vec![], vec![]));
    let error = users.change_profile(ANN, everything()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}
