//! Rooms.

use tickroom_storage::RoomName;
use tickroom_storage::room::{Room, Rooms};

use crate::{at, room};

on_every_engine!(Rooms::new =>
    a_room_keeps_its_first_moment,
    rooms_are_listed_by_name,
    hundreds_at_once_are_fine,
);

async fn a_room_keeps_its_first_moment(rooms: Rooms) {
    let btc = room("KRW-BTC");
    assert_eq!(rooms.get(&btc).await.unwrap(), None);
    rooms.ensure(&[btc.clone(), btc.clone()], at(1)).await.unwrap();
    rooms.ensure(std::slice::from_ref(&btc), at(2)).await.unwrap();
    assert_eq!(rooms.get(&btc).await.unwrap(), Some(Room { name: btc, created_at: at(1) }));
}

async fn rooms_are_listed_by_name(rooms: Rooms) {
    rooms.ensure(&[room("KRW-ETH"), room("BTC-ETH")], at(1)).await.unwrap();
    rooms.ensure(&[room("KRW-BTC"), room("KRW-ETH")], at(2)).await.unwrap();
    let names: Vec<String> = rooms.list().await.unwrap().iter().map(|room| room.name.to_string()).collect();
    assert_eq!(names, ["BTC-ETH", "KRW-BTC", "KRW-ETH"]);
}

async fn hundreds_at_once_are_fine(rooms: Rooms) {
    let all: Vec<RoomName> = (1000..1700).map(|n| room(&format!("KRW-{n}"))).collect();
    rooms.ensure(&all, at(1)).await.unwrap();
    assert_eq!(rooms.list().await.unwrap().len(), 700);
}
