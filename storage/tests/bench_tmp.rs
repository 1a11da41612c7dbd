#![allow(clippy::all, missing_docs)]
use std::sync::Arc;
use std::time::Instant;
use tickroom_storage::engine::Database;
use tickroom_storage::message::*;
use tickroom_storage::*;
fn batch(from: u64, n: u64) -> Vec<Arc<Message>> {
    static IDS: std::sync::LazyLock<IdGenerator> = std::sync::LazyLock::new(IdGenerator::new); let ids = &*IDS;
    (from..from + n)
        .map(|o| {
            Arc::new(Message {
                id: ids.next(),
                room: format!("KRW-R{}", o % 200).parse().unwrap(),
                offset: Offset::new(o / 200 + 1),
                sender: Sender {
                    id: UserId::new((7 << 40) + (o % 5000) as i64),
                    name: "김철수".into(),
                    profile_url: Some("/uploads/avatars/7.png".into()),
                },
                content: "비트코인 오늘 떡상 가즈아 to the moon, hold on tight everyone!".into(),
                client_id: Some(format!("550e8400-e29b-41d4-a716-{:012}", o).parse().unwrap()),
                created_at: TimestampMs::now(),
            })
        })
        .collect()
}
#[tokio::test(flavor = "multi_thread")]
async fn bench() {
    let dir = tempfile::tempdir_in("/work").unwrap();
    let db = Database::connect(&format!("sqlite://{}/x.db", dir.path().display()))
        .await
        .unwrap();
    let log = SqlMessageLog::new(db);
    let batches: Vec<_> = (0..100).map(|i| batch(i * 2000, 2000)).collect();
    let t = Instant::now();
    for b in &batches {
        log.append(b).await.unwrap();
    }
    let e = t.elapsed();
    println!("append 200k in {e:?}: {:.0}/s", 200_000.0 / e.as_secs_f64());
    let t = Instant::now();
    log.append(&batches[5]).await.unwrap();
    println!("retry of 2000: {:?}", t.elapsed());
    let t = Instant::now();
    for _ in 0..200 {
        log.page(&"KRW-R5".parse().unwrap(), PageBound::Latest, 50)
            .await
            .unwrap();
    }
    println!("page of 50: {:?}", t.elapsed() / 200);
    let small: Vec<_> = (0..200).map(|i| batch(200_000 + i * 10, 10)).collect();
    let t = Instant::now();
    for b in &small {
        log.append(b).await.unwrap();
    }
    println!("batch of 10: {:?}", t.elapsed() / 200);
    let mut spill = Spill::open(dir.path().join("spill"), 1 << 30).await.unwrap();
    let t = Instant::now();
    for b in &batches {
        spill.append(b).await.unwrap();
    }
    let e = t.elapsed();
    println!("spill: {:.0}/s", 200_000.0 / e.as_secs_f64());
    let t = Instant::now();
    while spill.pending() > 0 {
        let m = spill.peek(2000).await.unwrap();
        spill.advance(m.len()).await.unwrap();
    }
    println!("drain: {:.0}/s", 200_000.0 / t.elapsed().as_secs_f64());
}
