//! What people are told of.

use tickroom_storage::activity::{ActivityLog, Effects, SqlActivityLog};
use tickroom_storage::limits::NOTIFICATIONS_KEPT;
use tickroom_storage::notification::{
    About, Notification, NotificationKind as Kind, NotificationLog, Notifications,
};
use tickroom_storage::{ErrorKind, NotificationId, Offset, TimestampMs, UserId};

use crate::activity::planned;
use crate::event::{ANN, BO, CHO, Empty, World};
use crate::{at, room};

on_every_engine!(Empty =>
    a_notification_says_who_did_what_and_where,
    pages_go_on_where_they_ended_whatever_arrives,
    defect_46_nobody_reads_or_changes_what_another_is_told,
    reading_all_leaves_what_came_later,
    a_stream_reads_on_behind_what_it_has_shown,
    counts_of_many_are_read_at_once,
    settings_are_remembered_for_each_kind,
    old_and_too_many_notifications_go,
);

/// Tells Bo so many things, under event ids from `first` on.
async fn tell(world: &World, first: i64, count: i64) -> Vec<NotificationId> {
    let log = SqlActivityLog::new(world.database.clone());
    let events: Vec<_> = (first..first + count)
        .map(|id| planned(id, ANN, Effects { tell: vec![(BO, Kind::Mention)], ..Effects::default() }))
        .collect();
    log.carry_out(&events).await.unwrap().told.into_iter().map(|(_, id)| id).collect()
}

fn ids(notifications: &[Notification]) -> Vec<NotificationId> {
    notifications.iter().map(|notification| notification.id).collect()
}

async fn a_notification_says_who_did_what_and_where(empty: Empty) {
    let world = World::new(empty).await;
    let (log, notifications) =
        (SqlActivityLog::new(world.database.clone()), Notifications::new(world.database.clone()));
    let post = world.post(ANN, "x").await;
    let comment = world.comment(BO, post, None, "y").await;
    let place = (room("KRW-BTC"), Offset::new(7));
    let abouts = [
        (Kind::Follow, About::default()),
        (Kind::Comment, About { post: Some(post), comment: Some(comment), message: None }),
        (Kind::Mention, About { message: Some(place), ..About::default() }),
    ];
    for ((kind, about), id) in abouts.iter().zip(1..) {
        let effects = Effects { tell: vec![(ANN, *kind)], about: about.clone(), ..Effects::default() };
        log.carry_out(&[planned(id, BO, effects)]).await.unwrap();
    }
    let all = notifications.after(ANN, NotificationId::new(0), 10).await.unwrap();
    for (notification, (kind, about)) in all.iter().zip(&abouts) {
        assert_eq!((notification.kind, &notification.about), (*kind, about));
        assert_eq!((notification.actor, notification.actor_name.as_deref()), (BO, Some("bo")));
        assert_eq!((notification.reader, notification.read_at), (ANN, None));
    }
    let titles: Vec<_> = all.iter().map(|notification| notification.post_title.as_deref()).collect();
    assert_eq!(titles, [None, Some("a title"), None]);
    assert_eq!(all[0].created_at, at(1));
}

async fn pages_go_on_where_they_ended_whatever_arrives(empty: Empty) {
    let world = World::new(empty).await;
    let notifications = Notifications::new(world.database.clone());
    let told = tell(&world, 1, 5).await;
    let page = ids(&notifications.page(BO, false, None, 2).await.unwrap());
    assert_eq!(page, [told[4], told[3]]);
    tell(&world, 10, 2).await;
    assert_eq!(
        ids(&notifications.page(BO, false, Some(page[1]), 9).await.unwrap()),
        [told[2], told[1], told[0]]
    );
    notifications.read(BO, told[1], at(0)).await.unwrap();
    let unread = ids(&notifications.page(BO, true, Some(told[3]), 9).await.unwrap());
    assert_eq!(unread, [told[2], told[0]]);
}

async fn defect_46_nobody_reads_or_changes_what_another_is_told(empty: Empty) {
    let world = World::new(empty).await;
    let notifications = Notifications::new(world.database.clone());
    let told = tell(&world, 1, 2).await;
    assert_eq!(notifications.page(CHO, false, None, 9).await.unwrap(), []);
    let read = notifications.read(CHO, told[0], at(0)).await.unwrap_err();
    let delete = notifications.delete(CHO, told[0]).await.unwrap_err();
    assert_eq!((read.kind(), delete.kind()), (ErrorKind::NotFound, ErrorKind::NotFound));
    assert_eq!(notifications.read_up_to(CHO, told[1], at(0)).await.unwrap(), 0);
    assert_eq!(notifications.unread_count(BO).await.unwrap(), 2);
    assert_eq!(notifications.unread_count(CHO).await.unwrap(), 0);

    notifications.read(BO, told[0], at(5)).await.unwrap();
    notifications.read(BO, told[0], at(9)).await.unwrap();
    let read = notifications.page(BO, false, None, 9).await.unwrap().remove(1);
    assert_eq!(read.read_at, Some(at(5)), "read once is read");
    notifications.delete(BO, told[0]).await.unwrap();
    assert!(notifications.delete(BO, told[0]).await.is_err());
}

async fn reading_all_leaves_what_came_later(empty: Empty) {
    let world = World::new(empty).await;
    let notifications = Notifications::new(world.database.clone());
    let told = tell(&world, 1, 3).await;
    let later = tell(&world, 4, 1).await;
    assert_eq!(notifications.read_up_to(BO, told[2], at(0)).await.unwrap(), 3);
    assert_eq!(ids(&notifications.page(BO, true, None, 9).await.unwrap()), later);
}

async fn a_stream_reads_on_behind_what_it_has_shown(empty: Empty) {
    let world = World::new(empty).await;
    let notifications = Notifications::new(world.database.clone());
    assert_eq!(notifications.latest(BO).await.unwrap(), None);
    let told = tell(&world, 1, 4).await;
    assert_eq!(notifications.latest(BO).await.unwrap(), Some(told[3]));
    assert_eq!(ids(&notifications.after(BO, told[0], 2).await.unwrap()), told[1..3]);
    let mut asked = told.clone();
    asked.reverse();
    asked.push(NotificationId::new(1));
    assert_eq!(ids(&notifications.by_ids(&asked).await.unwrap()), told);
}

async fn counts_of_many_are_read_at_once(empty: Empty) {
    let world = World::new(empty).await;
    let notifications = Notifications::new(world.database.clone());
    let told = tell(&world, 1, 3).await;
    notifications.read(BO, told[0], at(0)).await.unwrap();
    let people: Vec<UserId> = (1..600).map(UserId::new).collect();
    let counts = notifications.unread_counts(&people).await.unwrap();
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), [(BO, 2)]);
    assert!(notifications.unread_counts(&[]).await.unwrap().is_empty());
}

async fn settings_are_remembered_for_each_kind(empty: Empty) {
    let world = World::new(empty).await;
    let notifications = Notifications::new(world.database.clone());
    assert_eq!(notifications.muted(BO).await.unwrap(), []);
    for _ in 0..2 {
        notifications.set_wanted(BO, &[(Kind::PostLike, false), (Kind::Follow, true)]).await.unwrap();
    }
    assert_eq!(notifications.muted(BO).await.unwrap(), [Kind::PostLike]);
    assert_eq!(notifications.muted(ANN).await.unwrap(), []);
    notifications.set_wanted(BO, &[(Kind::PostLike, true)]).await.unwrap();
    assert_eq!(notifications.muted(BO).await.unwrap(), []);
    let stranger = notifications.set_wanted(UserId::new(99), &[(Kind::Post, false)]).await.unwrap_err();
    assert_eq!(stranger.kind(), ErrorKind::NotFound);
}

async fn old_and_too_many_notifications_go(empty: Empty) {
    let world = World::new(empty).await;
    let notifications = Notifications::new(world.database.clone());
    let kept = i64::from(NOTIFICATIONS_KEPT);
    let told = tell(&world, 1, kept + 700).await;
    assert_eq!(notifications.purge(TimestampMs::now()).await.unwrap(), 700);
    let left = notifications.page(BO, false, None, u16::MAX).await.unwrap();
    assert_eq!(ids(&left), told[700..].iter().rev().copied().collect::<Vec<_>>());
    let in_a_year = TimestampMs::now().plus_millis(365 * 24 * 60 * 60 * 1000);
    assert_eq!(notifications.purge(in_a_year).await.unwrap(), u64::from(NOTIFICATIONS_KEPT));
}
