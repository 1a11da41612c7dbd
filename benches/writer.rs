//! What a full batch costs in the message log and in the spill file, synced both times.

#![allow(missing_docs, clippy::unwrap_used, reason = "criterion makes functions; a bench may panic")]

use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use tickroom_storage::engine::Database;
use tickroom_storage::message::{Message, MessageLog, Sender, Spill, SqlMessageLog};
use tickroom_storage::{IdGenerator, Offset, TimestampMs, UserId};

const BATCH: u64 = 2_000;

/// The next batch of one busy room.
struct Talk {
    ids: IdGenerator,
    offset: Offset,
}

impl Talk {
    fn batch(&mut self) -> Vec<Arc<Message>> {
        (0..BATCH).map(|_| Arc::new(self.message())).collect()
    }

    fn message(&mut self) -> Message {
        self.offset = self.offset.next();
        Message {
            id: self.ids.next(),
            room: "KRW-BTC".parse().unwrap(),
            offset: self.offset,
            sender: Sender { id: UserId::new(1), name: Arc::from("ann"), profile_url: None },
            content: "x".repeat(150).into(),
            client_id: None,
            deletes: None,
            created_at: TimestampMs::now(),
        }
    }
}

fn writer(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/bench.db", folder.path().display());
    let log = SqlMessageLog::new(runtime.block_on(Database::connect(&url)).unwrap());
    let mut spill = runtime.block_on(Spill::open(folder.path().join("spill"), u64::MAX)).unwrap();
    let mut talk = Talk { ids: IdGenerator::new(), offset: Offset::ZERO };

    let mut group = criterion.benchmark_group("a batch of 2,000 messages");
    group.throughput(Throughput::Elements(BATCH)).sample_size(20);
    group.bench_function("to the log in SQLite", |bencher| {
        bencher.iter_batched(
            || talk.batch(),
            |batch| runtime.block_on(log.append(&batch)).unwrap(),
            BatchSize::PerIteration,
        );
    });
    group.bench_function("to the spill file", |bencher| {
        bencher.iter_batched(
            || talk.batch(),
            |batch| {
                runtime.block_on(spill.append(&batch)).unwrap();
                runtime.block_on(spill.advance(batch.len())).unwrap();
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, writer);
criterion_main!(benches);
