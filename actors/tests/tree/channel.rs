//! Channels of the Centrifuge protocol: recovery at any moment, deaths in between, who is there, what was said.

use crate::client::{CHAT, Client, error_of, subscribe};
use crate::faulty_log::Mode;
use crate::harness::{BTC, TestTree, eventually};
use std::sync::Arc;
use std::time::Duration;
use tickroom_actors::wire::centrifuge::message::*;
use tickroom_actors::wire::centrifuge::{Format, Push};

const JSON: Format = Format::Json;

/// Somebody talks at full speed while others come back, again and again, at any moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_back_while_others_talk_sees_every_message_once_and_in_order() {
    let test = Arc::new(TestTree::start().await);
    let talker = test.client(JSON, "ann").await;
    talker.insist("0").await;
    let epoch = talker.recover("", 0).await.epoch;
    let readers: Vec<_> =
        (0..6).map(|reader| tokio::spawn(come_and_go(Arc::clone(&test), reader, epoch.clone()))).collect();
    for number in 1..400 {
        talker.insist(&number.to_string()).await;
    }
    for reader in readers {
        let offsets: Vec<u64> = reader.await.unwrap();
        assert_eq!(offsets, (1..=400).collect::<Vec<_>>());
    }
}

async fn come_and_go(test: Arc<TestTree>, reader: usize, epoch: String) -> Vec<u64> {
    let format = Format::ALL[reader % 2];
    let mut offsets = Vec::new();
    while offsets.len() < 400 {
        let client = test.client(format, &format!("reader-{reader}")).await;
        let position = offsets.last().copied().unwrap_or(0);
        let result = client.recover(&epoch, position).await;
        assert!(result.recovered && result.was_recovering && result.offset == position, "{result:?}");
        let pause = Duration::from_millis(fastrand::u64(0..30));
        tokio::time::sleep(pause).await;
        client.hang_up();
        let seen = client.messages();
        offsets.extend(seen.into_iter().map(|(offset, _)| offset));
    }
    offsets
}

#[tokio::test]
async fn a_position_is_recovered_whole_or_not_at_all() {
    let test = TestTree::start().await;
    let talker = test.client(JSON, "ann").await;
    for number in 1..=200 {
        talker.insist(&number.to_string()).await;
    }
    let fresh = talker.subscribe(CHAT).await;
    assert_eq!((fresh.offset, fresh.publications.len()), (200, 0));
    for format in Format::ALL {
        let client = test.client(format, "bo").await;
        for (epoch, offset, recovered) in [
            (&*fresh.epoch, 200, true),
            (&fresh.epoch, 63, true),
            ("", 1, true),
            ("another", 200, false),
            (&fresh.epoch, 201, false),
        ] {
            let result = client.recover(epoch, offset).await;
            assert!(result.was_recovering);
            assert_eq!(result.recovered, recovered, "{epoch} {offset}");
            let listed: Vec<u64> = result.publications.iter().map(|said| said.offset).collect();
            let expected: Vec<u64> = if recovered { (offset + 1..=200).collect() } else { vec![] };
            assert_eq!((listed, result.offset), (expected, if recovered { offset } else { 200 }));
            client.unsubscribe(CHAT).await;
        }
        let request = SubscribeRequest {
            channel: CHAT.into(),
            recover: true,
            epoch: "old".into(),
            offset: 5,
            flag: 2,
            ..Default::default()
        };
        let reply = client.call(|command| command.subscribe = Some(request)).await;
        assert_eq!(error_of(&reply), (112, false));
        client.subscribe(CHAT).await;
    }
}

async fn talk_through(test: &TestTree, clients: &[Client], kill: impl Fn()) {
    for number in 0..100 {
        if number % 20 == 10 {
            kill();
        }
        clients[number % clients.len()].insist(&number.to_string()).await;
    }
    for client in clients {
        let offsets: Vec<_> = client.sees_messages(100).await.into_iter().map(|(offset, _)| offset).collect();
        assert_eq!(offsets, (1..=100).collect::<Vec<_>>());
        assert!(client.is_open());
    }
    assert_eq!(test.stored().len(), 100, "nothing is stored twice");
}

async fn three_clients(test: &TestTree) -> Vec<Client> {
    let mut clients = Vec::new();
    for (format, name) in [(JSON, "ann"), (Format::Protobuf, "bo"), (JSON, "cho")] {
        let client = test.client(format, name).await;
        client.subscribe(CHAT).await;
        clients.push(client);
    }
    clients
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_room_dies_and_its_subscribers_do_not_notice() {
    let test = TestTree::start().await;
    let clients = three_clients(&test).await;
    let room = test.tree.services().directory.get(&BTC.parse().unwrap()).unwrap();
    talk_through(&test, &clients, || room.address.actor().unwrap().kill()).await;
    let stats = clients[0]
        .call(|command| command.presence_stats = Some(ChannelRequest { channel: CHAT.into() }))
        .await;
    assert_eq!(stats.presence_stats, Some(PresenceStatsResult { num_clients: 3, num_users: 3 }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_die_and_every_command_is_answered_all_the_same() {
    let test = TestTree::start().await;
    let clients = three_clients(&test).await;
    talk_through(&test, &clients, || {
        if test.tree.services().sessions[0].is_up() {
            test.tree.services().sessions[0].actor().unwrap().kill();
        }
    })
    .await;
}

#[tokio::test]
async fn a_room_that_starts_over_has_its_subscribers_come_again() {
    let test = TestTree::start().await;
    let client = test.client(JSON, "ann").await;
    let before = client.subscribe(CHAT).await;
    client.insist("one").await;
    test.log.set(Mode::Down);
    let room = test.tree.services().directory.get(&BTC.parse().unwrap()).unwrap();
    room.address.actor().unwrap().kill();
    let told = || client.pushes().into_iter().find_map(|push| push.unsubscribe);
    eventually("told to subscribe again", || told().is_some()).await;
    assert_eq!(told().unwrap().code, 2500);
    let result = client.recover(&before.epoch, 1).await;
    assert!(result.was_recovering && !result.recovered && result.epoch != before.epoch);
}

#[tokio::test]
async fn who_comes_and_goes_is_told_to_those_who_want_to_know_in_pairs() {
    let test = TestTree::start().await;
    let curious = test.client(JSON, "ann").await;
    let request = SubscribeRequest { channel: CHAT.into(), join_leave: true, ..Default::default() };
    curious.call(|command| command.subscribe = Some(request)).await;
    let indifferent = test.client(Format::Protobuf, "bo").await;
    indifferent.subscribe(CHAT).await;
    for _ in 0..30 {
        let client = test.client(JSON, "cho").await;
        client.send(&[subscribe(1, CHAT)]).await;
        if fastrand::bool() {
            client.answer(1).await;
        }
        client.hang_up();
    }
    let count_of = |is_it: fn(&Push) -> bool| curious.pushes().iter().filter(|push| is_it(push)).count();
    let pairs = || (count_of(|push| push.join.is_some()), count_of(|push| push.leave.is_some()));
    let room = test.tree.services().directory.get(&BTC.parse().unwrap()).unwrap();
    eventually("all have left", || room.members.len() == 2 && pairs().0 == pairs().1 + 2).await;
    let (mut joined, mut left) = (Vec::new(), Vec::new());
    for push in curious.pushes() {
        if let Some(join) = push.join {
            joined.push(join.info.unwrap().client);
        }
        if let Some(leave) = push.leave {
            let client = leave.info.unwrap().client;
            assert!(joined.contains(&client), "nobody leaves before coming");
            left.push(client);
        }
    }
    assert_eq!(joined[0], curious.slot.client.to_string(), "one's own");
    assert!(indifferent.pushes().is_empty());
    let count = || {
        let data = |push: Push| push.publication.filter(|p| p.offset == 0).map(|p| p.data);
        curious.pushes().into_iter().filter_map(data).next_back()
    };
    eventually("the number is told", || {
        count().is_some_and(|data| *data == br#"{"type":"MEMBERS","members":2}"#[..])
    })
    .await;
}

#[tokio::test]
async fn presence_lists_connections_and_counts_people() {
    let test = TestTree::start().await;
    let (phone, laptop) = (test.client(JSON, "ann").await, test.client(JSON, "ann").await);
    phone.subscribe(CHAT).await;
    laptop.subscribe(CHAT).await;
    let bo = test.enter("bo").await;
    let channel = || Some(ChannelRequest { channel: CHAT.into() });
    let presence = phone.call(|command| command.presence = channel()).await.presence.unwrap().presence;
    assert_eq!(presence.len(), 3);
    let ann = &presence[&phone.slot.client.to_string()];
    assert_eq!(ann.user, phone.slot.user().unwrap().to_string());
    assert_eq!(*ann.conn_info, br#"{"name":"ann","profileUrl":null}"#[..]);
    let stats = phone.call(|command| command.presence_stats = channel()).await.presence_stats;
    assert_eq!(stats, Some(PresenceStatsResult { num_clients: 3, num_users: 2 }));
    laptop.hang_up();
    bo.hang_up();
    let stats = phone.call(|command| command.presence_stats = channel()).await.presence_stats;
    assert_eq!(stats, Some(PresenceStatsResult { num_clients: 1, num_users: 1 }));
    let prices = phone
        .call(|command| command.presence = Some(ChannelRequest { channel: "ticker:KRW-BTC".into() }))
        .await;
    assert_eq!(error_of(&prices), (108, false));
}

async fn history(client: &Client, limit: i32, since: Option<u64>, reverse: bool) -> Vec<u64> {
    let since = since.map(|offset| StreamPosition { offset, ..Default::default() });
    let request = HistoryRequest { channel: CHAT.into(), limit, since, reverse };
    let reply = client.call(|command| command.history = Some(request)).await;
    let result = reply.history.clone().unwrap_or_else(|| panic!("{reply:?}"));
    assert_eq!(result.offset, 5_000);
    result.publications.iter().map(|said| said.offset).collect()
}

#[tokio::test]
async fn history_is_paged_through_the_window_and_the_log_behind_it() {
    let test = TestTree::start().await;
    test.log.fill(BTC, 5_000);
    let client = test.client(Format::Protobuf, "ann").await;
    assert_eq!(history(&client, 0, None, false).await, [0; 0]);
    assert_eq!(history(&client, 3, None, false).await, [1, 2, 3]);
    assert_eq!(history(&client, 3, None, true).await, [5_000, 4_999, 4_998]);
    // The window begins behind 904.
    assert_eq!(history(&client, 4, Some(902), false).await, [903, 904, 905, 906]);
    assert_eq!(history(&client, 4, Some(907), true).await, [906, 905, 904, 903]);
    assert_eq!(history(&client, -1, Some(4_000), false).await, (4_001..=4_300).collect::<Vec<_>>());
    assert_eq!(history(&client, 9, Some(4_998), false).await, [4_999, 5_000]);
    let (mut all, mut since) = (Vec::new(), None);
    while all.last() != Some(&1) {
        all.extend(history(&client, 300, since, true).await);
        since = all.last().copied();
    }
    assert_eq!(all, (1..=5_000).rev().collect::<Vec<_>>());
    for (epoch, offset, reverse, code) in [("old", 1, false, 112), ("x", 0, true, 107)] {
        let since = Some(StreamPosition { offset, epoch: epoch.into() });
        let request = HistoryRequest { channel: CHAT.into(), limit: 1, since, reverse };
        assert_eq!(error_of(&client.call(|command| command.history = Some(request)).await), (code, false));
    }
}
