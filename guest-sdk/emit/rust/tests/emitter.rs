//! An emitter against hosts of our own making: good ones, slow ones, ones that go away, ones that lie.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::{sleep, timeout};
use wasmhost_emit::{ActrId, ActrType, Context, Emitter, HookEvent, Overflow, Stats, Target};

const LONG: Duration = Duration::from_secs(20);
const WELCOME: &[u8] = b"\xa1\x67welcome\x01";
const ME: ActrId<'static> = ActrId {
    realm: 7,
    serial_number: 1,
    kind: ActrType {
        manufacturer: "acme",
        name: "echo",
        version: "1.0.0",
    },
};
const CTX: Context<'static> = Context {
    self_id: ME,
    caller_id: None,
    request_id: "r-1",
};

/// A path for a socket that is gone with the test.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("wasmhost-emit-{}-{name}.sock", std::process::id()));
        let _ = std::fs::remove_file(&path);
        Self(path)
    }

    fn listen(&self) -> UnixListener {
        let _ = std::fs::remove_file(&self.0);
        UnixListener::bind(&self.0).unwrap()
    }

    fn target(&self) -> Target {
        Target::Unix(self.0.clone())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn ack(seq: u64) -> Vec<u8> {
    [b"\xa1\x63ack\x1b".as_slice(), &seq.to_be_bytes()].concat()
}

/// The host's end of one connection. All events are `SignalingConnected`, whose size tells its number apart.
struct Connection {
    stream: UnixStream,
    bytes: Vec<u8>,
}

impl Connection {
    /// Accept one, and read its hello.
    async fn accept(listener: &UnixListener) -> (Self, Vec<u8>) {
        let (stream, _) = timeout(LONG, listener.accept())
            .await
            .expect("nobody comes")
            .unwrap();
        let mut connection = Self {
            stream,
            bytes: Vec::new(),
        };
        let end = b"\x65hello\x01";
        let hello = loop {
            if let Some(at) = find(&connection.bytes, end) {
                break connection.bytes.drain(..at + end.len()).collect();
            }
            assert!(connection.more().await, "no hello");
        };
        (connection, hello)
    }

    async fn more(&mut self) -> bool {
        timeout(LONG, self.stream.read_buf(&mut self.bytes))
            .await
            .expect("nothing comes")
            .unwrap()
            > 0
    }

    async fn say(&mut self, answer: &[u8]) {
        self.stream.write_all(answer).await.unwrap();
    }

    /// The numbers of the next so many events.
    async fn seqs(&mut self, count: usize) -> Vec<u64> {
        let mut seqs = Vec::new();
        while seqs.len() < count {
            match cut(&mut self.bytes) {
                Some(seq) => seqs.push(seq),
                None => assert!(self.more().await, "only {seqs:?} of {count}"),
            }
        }
        seqs
    }

    /// All numbers that still come, until the emitter says that it leaves.
    async fn rest(&mut self) -> Vec<u64> {
        while self.more().await {}
        std::iter::from_fn(|| cut(&mut self.bytes)).collect()
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// Cut an event off; its number.
fn cut(bytes: &mut Vec<u8>) -> Option<u64> {
    let end = b"\x65event\xa0";
    let size = find(bytes, end)? + end.len();
    let event: Vec<u8> = bytes.drain(..size).collect();
    let at = find(&event, b"\x63seq").unwrap() + 4;
    Some(match event[at] {
        small @ 0..=23 => small.into(),
        24 => event[at + 1].into(),
        25 => u16::from_be_bytes([event[at + 1], event[at + 2]]).into(),
        other => panic!("a number of {other:#x}"),
    })
}

fn emit(emitter: &Emitter, count: u64) {
    for _ in 0..count {
        emitter.emit(&HookEvent::SignalingConnected, Some(&CTX));
    }
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let waited = timeout(LONG, async {
        while !holds() {
            sleep(Duration::from_millis(5)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("never: {what}"));
}

fn quick(place: &Place) -> wasmhost_emit::Builder {
    Emitter::to(place.target()).backoff(Duration::from_millis(5), Duration::from_millis(20))
}

fn adds_up(stats: Stats) -> Stats {
    assert_eq!(
        stats.emitted,
        stats.delivered + stats.dropped + stats.pending,
        "{stats:?}"
    );
    stats
}

#[tokio::test]
async fn events_arrive_in_order_and_are_delivered_when_they_are_acknowledged() {
    let place = Place::new("order");
    let listener = place.listen();
    let emitter = quick(&place).src("rs-a").start();
    emit(&emitter, 300);
    let (mut host, hello) = Connection::accept(&listener).await;
    assert_eq!(hello, b"\xa3\x63ack\xf5\x63src\x64rs-a\x65hello\x01");
    host.say(WELCOME).await;
    assert_eq!(host.seqs(300).await, (0..300).collect::<Vec<_>>());
    assert_eq!(
        emitter.stats(),
        Stats {
            emitted: 300,
            pending: 300,
            ..Stats::default()
        }
    );
    host.say(&ack(199)).await;
    until("200 are delivered", || {
        adds_up(emitter.stats()).delivered == 200
    })
    .await;
    emit(&emitter, 1);
    assert_eq!(host.seqs(1).await, [300]);
    host.say(&ack(300)).await;
    until("all are delivered", || {
        adds_up(emitter.stats()).delivered == 301
    })
    .await;
    assert!(emitter.link().connected);
}

#[tokio::test]
async fn what_was_not_acknowledged_is_sent_again_and_what_the_host_has_is_not() {
    let place = Place::new("again");
    let listener = place.listen();
    let emitter = quick(&place).start();
    emit(&emitter, 10);
    let (mut host, hello) = Connection::accept(&listener).await;
    host.say(WELCOME).await;
    host.seqs(10).await;
    host.say(&ack(3)).await;
    drop(host);
    emit(&emitter, 2);
    let (mut host, again) = Connection::accept(&listener).await;
    assert_eq!(hello, again);
    host.say(&ack(6)).await;
    assert_eq!(host.seqs(5).await, [7, 8, 9, 10, 11]);
    drop((host, listener));
    let listener = place.listen(); // a host that was started anew
    let (mut host, _) = Connection::accept(&listener).await;
    host.say(WELCOME).await;
    assert_eq!(host.seqs(5).await, [7, 8, 9, 10, 11]);
    host.say(&ack(11)).await;
    until("all are delivered", || emitter.stats().delivered == 12).await;
    assert_eq!(adds_up(emitter.stats()).dropped, 0);
    assert_eq!(emitter.link().connections, 3);
}

#[tokio::test]
async fn nothing_is_sent_before_the_host_has_answered_the_hello() {
    let place = Place::new("first");
    let listener = place.listen();
    let emitter = quick(&place).start();
    emit(&emitter, 5);
    let (mut host, _) = Connection::accept(&listener).await;
    let early = timeout(Duration::from_millis(50), host.more()).await;
    assert!(early.is_err(), "{:x?}", host.bytes);
    host.say(WELCOME).await;
    assert_eq!(host.seqs(5).await.len(), 5);
}

#[tokio::test]
async fn with_no_host_the_oldest_are_dropped_and_the_rest_arrives_later() {
    let place = Place::new("oldest");
    let emitter = quick(&place).room(100, 1 << 20).start();
    emit(&emitter, 250);
    assert_eq!(
        emitter.stats(),
        Stats {
            emitted: 250,
            delivered: 0,
            dropped: 150,
            pending: 100
        }
    );
    let listener = place.listen();
    let (mut host, _) = Connection::accept(&listener).await;
    host.say(WELCOME).await;
    let first = host.seqs(50).await; // half of the room may be in flight
    assert_eq!(first, (150..200).collect::<Vec<_>>());
    host.say(&ack(199)).await;
    assert_eq!(host.seqs(50).await, (200..250).collect::<Vec<_>>());
    host.say(&ack(249)).await;
    until("all are delivered", || {
        adds_up(emitter.stats()).pending == 0
    })
    .await;
}

#[tokio::test]
async fn the_other_policy_drops_the_newest() {
    let place = Place::new("newest");
    let emitter = quick(&place)
        .room(100, 1 << 20)
        .overflow(Overflow::Newest)
        .start();
    emit(&emitter, 250);
    assert_eq!(
        emitter.stats(),
        Stats {
            emitted: 250,
            delivered: 0,
            dropped: 150,
            pending: 100
        }
    );
    let listener = place.listen();
    let (mut host, _) = Connection::accept(&listener).await;
    host.say(WELCOME).await;
    assert_eq!(host.seqs(50).await, (0..50).collect::<Vec<_>>());
}

#[tokio::test]
async fn bytes_are_bounded_as_well() {
    let place = Place::new("bytes");
    let emitter = quick(&place).room(1_000, 2_000).start();
    emit(&emitter, 100);
    let stats = adds_up(emitter.stats());
    assert!((5..20).contains(&stats.pending), "{stats:?}");
    assert_eq!(stats.dropped, 100 - stats.pending);
}

#[tokio::test]
async fn an_event_that_no_host_would_have_is_dropped_and_leaves_a_gap() {
    let place = Place::new("large");
    let listener = place.listen();
    let emitter = quick(&place).start();
    let long = "x".repeat(70_000);
    emitter.emit(
        &HookEvent::SignalingConnected,
        Some(&Context {
            request_id: &long,
            ..CTX
        }),
    );
    emit(&emitter, 1);
    let (mut host, _) = Connection::accept(&listener).await;
    host.say(WELCOME).await;
    assert_eq!(host.seqs(1).await, [1]);
    assert_eq!(
        emitter.stats(),
        Stats {
            emitted: 2,
            delivered: 0,
            dropped: 1,
            pending: 1
        }
    );
}

#[tokio::test]
async fn what_is_in_flight_is_kept_when_the_room_is_full() {
    let place = Place::new("flight");
    let listener = place.listen();
    let emitter = quick(&place).room(10, 1 << 20).start();
    emit(&emitter, 5);
    let (mut host, _) = Connection::accept(&listener).await;
    host.say(WELCOME).await;
    assert_eq!(host.seqs(5).await, [0, 1, 2, 3, 4]);
    drop((host, listener));
    emit(&emitter, 20);
    assert_eq!(
        emitter.stats(),
        Stats {
            emitted: 25,
            delivered: 0,
            dropped: 15,
            pending: 10
        }
    );
    let listener = place.listen();
    let (mut host, _) = Connection::accept(&listener).await;
    host.say(&ack(4)).await;
    assert_eq!(host.seqs(5).await, [20, 21, 22, 23, 24]);
    assert_eq!(
        emitter.stats(),
        Stats {
            emitted: 25,
            delivered: 5,
            dropped: 15,
            pending: 5
        }
    );
}

#[tokio::test]
async fn closing_hears_the_host_out() {
    let place = Place::new("close");
    let listener = place.listen();
    let emitter = quick(&place).start();
    emit(&emitter, 100);
    let closing = tokio::spawn({
        let emitter = emitter.clone();
        async move { emitter.close(LONG).await }
    });
    let (mut host, _) = Connection::accept(&listener).await;
    host.say(WELCOME).await;
    assert_eq!(host.rest().await, (0..100).collect::<Vec<_>>());
    host.say(&ack(99)).await;
    drop(host);
    let stats = closing.await.unwrap();
    assert_eq!(
        stats,
        Stats {
            emitted: 100,
            delivered: 100,
            dropped: 0,
            pending: 0
        }
    );
    emit(&emitter, 3);
    assert_eq!(
        emitter.stats(),
        Stats {
            emitted: 103,
            delivered: 100,
            dropped: 3,
            pending: 0
        }
    );
}

#[tokio::test]
async fn closing_ends_in_time_without_a_host_and_counts_what_is_left() {
    let place = Place::new("alone");
    let emitter = quick(&place).start();
    emit(&emitter, 100);
    let stats = timeout(LONG, emitter.close(Duration::from_millis(50)))
        .await
        .unwrap();
    assert_eq!(
        stats,
        Stats {
            emitted: 100,
            delivered: 0,
            dropped: 100,
            pending: 0
        }
    );
}

#[tokio::test]
async fn closing_with_nothing_to_say_takes_no_time() {
    let place = Place::new("nothing");
    let emitter = quick(&place).backoff(LONG, LONG).start();
    until("it has tried", || emitter.link().trouble.is_some()).await;
    let stats = timeout(LONG / 2, emitter.close(Duration::from_millis(50)))
        .await
        .unwrap();
    assert_eq!(stats, Stats::default());
}

#[tokio::test]
async fn the_hosts_own_words_reach_the_operator() {
    let place = Place::new("refused");
    let listener = place.listen();
    let emitter = quick(&place).token("wrong").start();
    let (mut stream, _) = listener.accept().await.unwrap();
    stream
        .write_all(b"\xa1\x65error\x78\x18token: it is a wrong one")
        .await
        .unwrap();
    drop(stream);
    until("it says why", || emitter.link().trouble.is_some()).await;
    assert_eq!(
        emitter.link().trouble.as_deref(),
        Some("the host refuses: token: it is a wrong one")
    );
    assert!(!emitter.link().connected);
    let again = timeout(Duration::from_millis(60), listener.accept()).await;
    assert!(
        again.is_err(),
        "a refusal that only people can mend is not tried again at once"
    );
}

#[tokio::test]
async fn an_idle_connection_is_made_again_when_there_is_something_to_say() {
    let place = Place::new("idle");
    let listener = place.listen();
    let emitter = quick(&place).start();
    let (mut host, _) = Connection::accept(&listener).await;
    host.say(WELCOME).await;
    host.say(b"\xa1\x65error\x6fidle: no event.").await;
    drop(host);
    until("it is gone", || emitter.link().trouble.is_some()).await;
    assert!(
        timeout(Duration::from_millis(60), listener.accept())
            .await
            .is_err()
    );
    emit(&emitter, 1);
    let (mut host, _) = Connection::accept(&listener).await;
    host.say(WELCOME).await;
    assert_eq!(host.seqs(1).await, [0]);
}

#[tokio::test]
async fn a_host_that_is_silent_is_left_after_a_while() {
    let place = Place::new("silent");
    let listener = place.listen();
    let emitter = quick(&place).patience(Duration::from_millis(50)).start();
    let (_mute, _) = Connection::accept(&listener).await;
    let (mut host, _) = Connection::accept(&listener).await;
    host.say(WELCOME).await;
    sleep(Duration::from_millis(120)).await;
    assert!(
        emitter.link().connected,
        "with nothing to acknowledge, silence is right"
    );
    emit(&emitter, 1);
    host.seqs(1).await;
    let (mut host, _) = Connection::accept(&listener).await;
    host.say(&ack(0)).await;
    until("it is delivered", || emitter.stats().delivered == 1).await;
}

#[tokio::test]
async fn who_answers_in_another_language_is_no_host() {
    let place = Place::new("nonsense");
    let listener = place.listen();
    let emitter = quick(&place).start();
    emit(&emitter, 1);
    let (mut host, _) = Connection::accept(&listener).await;
    host.say(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    until("it is told", || {
        emitter.link().trouble.as_deref() == Some("what answers is no wasmhost")
    })
    .await;
    assert_eq!(emitter.stats().pending, 1);
}

#[tokio::test]
async fn a_src_that_the_host_knows_from_somebody_else_is_no_delivery() {
    let place = Place::new("namesake");
    let listener = place.listen();
    let emitter = quick(&place)
        .backoff(Duration::from_millis(1), Duration::from_millis(1))
        .start();
    emit(&emitter, 3);
    for _ in 0..3 {
        let (mut host, _) = Connection::accept(&listener).await;
        host.say(&ack(9)).await; // it drops all up to this one as repetitions
        host.rest().await;
    }
    let trouble = emitter.link().trouble.unwrap_or_default();
    assert!(trouble.contains("another emitter"), "{trouble}");
    assert_eq!(adds_up(emitter.stats()).delivered, 0);
    assert_eq!(emitter.stats().pending, 3);
}

#[tokio::test]
async fn an_ack_for_what_was_never_sent_is_believed_no_further_than_what_was() {
    let place = Place::new("liar");
    let listener = place.listen();
    let emitter = quick(&place).room(10, 1 << 20).start();
    emit(&emitter, 8);
    let (mut host, _) = Connection::accept(&listener).await;
    host.say(WELCOME).await;
    assert_eq!(host.seqs(5).await, [0, 1, 2, 3, 4]);
    host.say(&ack(1_000_000)).await;
    assert_eq!(host.seqs(3).await, [5, 6, 7]);
    assert_eq!(adds_up(emitter.stats()).delivered, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_numbers_add_up_while_hosts_come_and_go_and_threads_emit() {
    let place = Place::new("flapping");
    let emitter = quick(&place).room(200, 1 << 20).start();
    let threads: Vec<_> = (0..3)
        .map(|_| {
            let emitter = emitter.clone();
            std::thread::spawn(move || {
                for round in 0..2_000 {
                    emit(&emitter, 1);
                    if round % 50 == 0 {
                        std::thread::sleep(Duration::from_millis(1));
                    }
                }
            })
        })
        .collect();
    let taken = tokio::spawn(flap(place.0.clone()));
    for thread in threads {
        tokio::task::spawn_blocking(|| thread.join().unwrap())
            .await
            .unwrap();
    }
    let stats = emitter.close(LONG).await;
    assert_eq!((stats.emitted, stats.pending), (6_000, 0));
    assert_eq!(adds_up(stats).delivered, taken.await.unwrap());
}

/// A host that goes away after every so many events, and knows how many it has taken, once each.
async fn flap(path: PathBuf) -> u64 {
    let listener = UnixListener::bind(Path::new(&path)).unwrap();
    let (mut last, mut taken) = (None, 0);
    loop {
        let (mut host, _) = Connection::accept(&listener).await;
        host.say(&last.map_or(WELCOME.to_vec(), ack)).await;
        for _ in 0..100 {
            let Some(seq) = cut(&mut host.bytes) else {
                if !host.more().await {
                    host.say(&ack(last.unwrap())).await; // it leaves: its last acknowledgement
                    return taken;
                }
                continue;
            };
            if last.is_none_or(|last| seq > last) {
                last = Some(seq);
                taken += 1;
            }
        }
        host.say(&last.map_or(WELCOME.to_vec(), ack)).await;
    }
}
