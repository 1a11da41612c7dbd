use proptest::collection::vec;
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::message::Sender;
use crate::{MessageId, TimestampMs, UserId};

const ROOMY: u64 = 1 << 30;

fn said(id: i64, words: &str) -> Arc<Message> {
    let room = if id % 3 == 0 { "KRW-ETH" } else { "KRW-BTC" };
    Arc::new(Message {
        id: MessageId::new(id),
        room: room.parse().unwrap(),
        offset: Offset::new(id.unsigned_abs()),
        sender: Sender { id: UserId::new(7), name: "ann".into(), profile_url: None },
        content: words.into(),
        client_id: None,
        deletes: None,
        created_at: TimestampMs::new(id),
    })
}

/// A batch with the ids that follow `last`, one message for each text.
fn batch(last: &mut i64, texts: &[String]) -> Vec<Arc<Message>> {
    let mut next = |words: &String| {
        *last += 1;
        said(*last, words)
    };
    texts.iter().map(&mut next).collect()
}

fn highest(messages: &[Arc<Message>]) -> HashMap<RoomName, Offset> {
    let mut tails = HashMap::new();
    messages.iter().for_each(|message| raise(&mut tails, message));
    tails
}

/// What can happen to a spill file.
#[derive(Clone, Debug)]
enum Step {
    Append(Vec<String>),
    Peek(usize),
    Advance(usize),
    Restart,
    /// The process dies in the middle of an append: some of its bytes are in the file, then perhaps some rubbish.
    Crash {
        texts: Vec<String>,
        reached: prop::sample::Index,
        rubbish: Vec<u8>,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let texts = || vec("\\PC{0,40}", 0..6);
    prop_oneof![
        3 => texts().prop_map(Step::Append),
        3 => (0..8_usize).prop_map(Step::Peek),
        2 => (0..8_usize).prop_map(Step::Advance),
        1 => Just(Step::Restart),
        1 => (texts(), any::<prop::sample::Index>(), prop_oneof![vec(any::<u8>(), 0..20), vec(Just(0), 0..20)])
            .prop_map(|(texts, reached, rubbish)| Step::Crash { texts, reached, rubbish }),
    ]
}

/// A spill file beside what it should hold.
struct Checked {
    folder: TempDir,
    spill: Option<Spill>,
    file: Vec<Arc<Message>>,
    drained: usize,
    last_id: i64,
}

impl Checked {
    async fn new() -> Self {
        let mut new =
            Self { folder: tempfile::tempdir().unwrap(), spill: None, file: vec![], drained: 0, last_id: 0 };
        new.reopen().await;
        new
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("deep/spill")
    }

    async fn reopen(&mut self) {
        self.spill = None;
        self.spill = Some(Spill::open(self.path(), ROOMY).await.unwrap());
        self.drained = 0;
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Append(texts) => {
                let batch = batch(&mut self.last_id, &texts);
                self.spill.as_mut().unwrap().append(&batch).await.unwrap();
                self.file.extend(batch);
            }
            Step::Peek(max) => {
                let waiting = &self.file[self.drained..];
                let seen = self.spill.as_mut().unwrap().peek(max).await.unwrap();
                assert_eq!(seen, waiting[..max.min(waiting.len())]);
            }
            Step::Advance(n) => {
                self.spill.as_mut().unwrap().advance(n).await.unwrap();
                self.drained = self.file.len().min(self.drained + n);
                if self.drained == self.file.len() {
                    self.file.clear();
                    self.drained = 0;
                }
            }
            Step::Restart => self.reopen().await,
            Step::Crash { texts, reached, rubbish } => self.crash(&texts, reached, &rubbish).await,
        }
        self.check();
    }

    async fn crash(&mut self, texts: &[String], reached: prop::sample::Index, rubbish: &[u8]) {
        self.spill = None;
        let mut bytes = Vec::new();
        let mut ends = Vec::new();
        let batch = batch(&mut self.last_id, texts);
        for message in &batch {
            record::encode(message, &mut bytes).unwrap();
            ends.push(bytes.len());
        }
        let reached = reached.index(bytes.len() + 1);
        bytes.truncate(reached);
        bytes.extend(rubbish);
        File::options().append(true).open(self.path()).unwrap().write_all(&bytes).unwrap();
        self.reopen().await;
        // Whole records of the batch may come out although nobody acknowledged them; the log will tell.
        let whole = ends.iter().filter(|end| **end <= reached).count();
        self.file.extend_from_slice(&batch[..whole]);
        let kept = whole.checked_sub(1).map_or(0, |last| ends[last]);
        assert_eq!(self.spill.as_ref().unwrap().cut_bytes(), u64::try_from(bytes.len() - kept).unwrap());
    }

    fn check(&self) {
        let spill = self.spill.as_ref().unwrap();
        assert_eq!(spill.pending(), u64::try_from(self.file.len() - self.drained).unwrap());
        assert_eq!(spill.bytes(), fs::metadata(self.path()).unwrap().len());
        assert_eq!(*spill.tails(), highest(&self.file));
    }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_was_acknowledged_comes_out_in_order(steps in vec(step(), 1..25)) {
        block_on(async {
            let mut checked = Checked::new().await;
            for step in steps {
                checked.take(step).await;
            }
            checked.take(Step::Restart).await;
            checked.take(Step::Peek(usize::MAX)).await;
            checked.take(Step::Advance(usize::MAX)).await;
            assert_eq!(checked.spill.unwrap().bytes(), 0);
        });
    }

    #[test]
    fn a_rotten_byte_costs_its_record_and_what_follows(texts in vec("\\PC{0,20}", 1..6), at: prop::sample::Index, flip in 1..=255_u8) {
        block_on(async {
            let mut checked = Checked::new().await;
            checked.take(Step::Append(texts)).await;
            checked.spill = None;
            let mut bytes = fs::read(checked.path()).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            fs::write(checked.path(), &bytes).unwrap();
            let mut end = 0;
            let sound = checked.file.iter().take_while(|message| {
                end += record::encode(message, &mut Vec::new()).unwrap();
                end <= u64::try_from(at).unwrap()
            });
            let sound = sound.count();
            checked.file.truncate(sound);
            checked.take(Step::Restart).await;
            checked.take(Step::Peek(usize::MAX)).await;
        });
    }
}

#[tokio::test]
async fn a_full_file_takes_all_of_a_batch_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let record = record::encode(&said(1, "hello"), &mut Vec::new()).unwrap();
    let mut spill = Spill::open(folder.path().join("spill"), record * 2).await.unwrap();
    spill.append(&[said(1, "hello")]).await.unwrap();

    let error = spill.append(&[said(2, "hello"), said(3, "hello")]).await.unwrap_err();
    assert!(matches!(error, SpillError::Full { max_bytes } if max_bytes == record * 2));
    assert_eq!((spill.pending(), spill.bytes()), (1, record));

    spill.append(&[said(2, "hello")]).await.unwrap();
    spill.advance(1).await.unwrap();
    assert_eq!(spill.append(&[said(3, "hello")]).await.unwrap_err().kind(), ErrorKind::Unavailable);
    spill.advance(1).await.unwrap();
    spill.append(&[said(3, "hello")]).await.unwrap();
    assert_eq!(spill.peek(9).await.unwrap(), [said(3, "hello")]);
}

#[tokio::test]
async fn an_append_that_nobody_waits_for_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let mut spill = Spill::open(folder.path().join("spill"), ROOMY).await.unwrap();
    spill.append(&[said(1, "kept")]).await.unwrap();
    for id in 2..20 {
        let long = "x".repeat(100_000);
        let batch = [said(id, &long)];
        // Polled once, so that the write begins; then dropped.
        tokio::select! {
            biased;
            result = spill.append(&batch) => panic!("no write is that fast: {result:?}"),
            () = std::future::ready(()) => {}
        }
    }
    spill.append(&[said(20, "kept too")]).await.unwrap();
    assert_eq!(spill.peek(9).await.unwrap(), [said(1, "kept"), said(20, "kept too")]);
    drop(spill);
    let mut spill = Spill::open(folder.path().join("spill"), ROOMY).await.unwrap();
    assert_eq!(spill.peek(9).await.unwrap(), [said(1, "kept"), said(20, "kept too")]);
    assert_eq!(spill.cut_bytes(), 0);
}

#[test]
fn a_write_that_fails_leaves_the_file_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spill");
    let file = create(&path).unwrap();
    write(&file, 0, ROOMY, &[said(1, "kept")]).unwrap();
    let before = fs::read(&path).unwrap();
    let read_only = File::open(&path).unwrap();
    let end = u64::try_from(before.len()).unwrap();
    let error = write(&read_only, end, ROOMY, &[said(2, "lost")]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_file_that_changes_underneath_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spill");
    let mut spill = Spill::open(&path, ROOMY).await.unwrap();
    spill.append(&[said(1, "hello")]).await.unwrap();
    let mut bytes = fs::read(&path).unwrap();
    bytes[20] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert_eq!(spill.peek(1).await.unwrap_err().kind(), ErrorKind::Corrupt);
}

#[tokio::test(start_paused = true)]
async fn a_second_holder_waits_for_the_first_but_not_forever() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spill");
    let first = Spill::open(&path, ROOMY).await.unwrap();
    let second = Spill::open(&path, ROOMY).await;
    assert!(matches!(second.unwrap_err(), SpillError::InUse));

    let (second, ()) = tokio::join!(Spill::open(&path, ROOMY), async {
        sleep(SPILL_LOCK_WAIT / 2).await;
        drop(first);
    });
    second.unwrap();
}
