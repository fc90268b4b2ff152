//! What `emit` costs a node, beside encoding alone, whatever the host does.
//!
//! `cargo run --release --example cost` prints a table: an event is emitted every 50 µs or so while the host
//! listens, is not there, is slow, or comes and goes. The cost of reading the clock is taken off.

use std::hint::black_box;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;
use wasmhost_emit::{
    ActrId, ActrType, Context, Emitter, HookEvent, PeerEvent, PeerStatus, Target, encode_event,
};

const BURSTS: u32 = 3_000;
const BURST: u32 = 20;
const WARM_UP: u32 = 30_000;
const PAUSE: Duration = Duration::from_millis(1);
const WELCOME: &[u8] = b"\xa1\x67welcome\x01";

#[derive(Clone, Copy, PartialEq)]
enum Host {
    Up,
    Down,
    Slow,
    Flapping,
}

fn main() {
    let kind = ActrType {
        manufacturer: "acme",
        name: "echo",
        version: "1.0.0",
    };
    let me = ActrId {
        realm: 7,
        serial_number: 1 << 40,
        kind,
    };
    let ctx = Context {
        self_id: me,
        caller_id: None,
        request_id: "5f0c9a1be2d37586",
    };
    let peer = PeerEvent {
        peer: ActrId {
            serial_number: 2 << 40,
            ..me
        },
        relayed: Some(false),
        status: Some(PeerStatus::Connected),
    };
    let event = HookEvent::WebRtcConnected(peer);

    let clock = median(&mut timed(|| {}));
    let mut out = Vec::with_capacity(1024);
    let mut seq = 0;
    let mut encoding = timed(|| {
        out.clear();
        seq += 1;
        encode_event(
            &mut out,
            black_box(&event),
            seq,
            1 << 60,
            black_box(Some(&ctx)),
            None,
        );
        black_box(&out);
    });
    let alone = median(&mut encoding).saturating_sub(clock);
    println!(
        "{:<22} {:>8} {:>8} {:>8}",
        "nanoseconds per event", "median", "p99", "ratio"
    );
    line("encoding alone", &mut encoding, clock, alone);
    for (name, host) in [
        ("emit, host up", Host::Up),
        ("emit, host down", Host::Down),
        ("emit, host slow", Host::Slow),
        ("emit, host flapping", Host::Flapping),
    ] {
        let (mut samples, told) = with_host(host, |emitter| {
            // The first time through the buffer, the kernel has to find the memory for it.
            (0..WARM_UP).for_each(|_| emitter.emit(&event, Some(&ctx)));
            timed(|| emitter.emit(black_box(&event), black_box(Some(&ctx))))
        });
        line(name, &mut samples, clock, alone);
        eprintln!("    {told}");
    }
    println!(
        "an event has {} bytes; reading the clock took {clock} ns, taken off above",
        out.len()
    );
}

/// How long each call takes, in nanoseconds: calls in bursts, with pauses, as a node has them.
fn timed(mut call: impl FnMut()) -> Vec<u64> {
    let mut samples = Vec::with_capacity((BURSTS * BURST) as usize);
    for _ in 0..BURSTS {
        for _ in 0..BURST {
            let start = Instant::now();
            call();
            samples.push(start.elapsed().as_nanos() as u64);
        }
        std::thread::sleep(PAUSE);
    }
    samples
}

fn median(samples: &mut [u64]) -> u64 {
    quantile(samples, 50)
}

fn quantile(samples: &mut [u64], percent: usize) -> u64 {
    samples.sort_unstable();
    samples[(samples.len() - 1) * percent / 100]
}

fn line(name: &str, samples: &mut [u64], clock: u64, alone: u64) {
    let middle = median(samples).saturating_sub(clock);
    let high = quantile(samples, 99).saturating_sub(clock);
    println!(
        "{name:<22} {middle:>8} {high:>8} {:>8.2}",
        middle as f64 / alone as f64
    );
}

/// Measure beside an emitter whose sender and host share a runtime of their own; also say how it ended.
fn with_host(host: Host, measure: impl FnOnce(&Emitter) -> Vec<u64>) -> (Vec<u64>, String) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let path = std::env::temp_dir().join(format!("wasmhost-emit-cost-{}.sock", std::process::id()));
    let _ = std::fs::remove_file(&path);
    if host != Host::Down {
        runtime.spawn(serve(host, path.clone()));
    }
    let emitter = Emitter::to(Target::Unix(path.clone())).start_on(runtime.handle());
    std::thread::sleep(Duration::from_millis(200));
    let samples = measure(&emitter);
    let links = emitter.link().connections;
    let stats = runtime.block_on(emitter.close(Duration::from_secs(2)));
    assert_eq!(stats.emitted, stats.delivered + stats.dropped);
    let _ = std::fs::remove_file(&path);
    (samples, format!("{stats:?}, {links} connections"))
}

/// A host that counts bytes instead of events: what has come when it reads is acknowledged as a whole.
async fn serve(host: Host, path: PathBuf) {
    let listener = UnixListener::bind(path).expect("a socket");
    let mut taken = None;
    while let Ok((mut stream, _)) = listener.accept().await {
        let mut buffer = vec![0; 64 * 1024];
        let Ok(_hello) = stream.read(&mut buffer).await else {
            continue;
        };
        let first = taken.map_or_else(|| WELCOME.to_vec(), ack);
        let born = Instant::now();
        let mut unread: Vec<u8> = Vec::new();
        let mut said = stream.write_all(&first).await;
        while said.is_ok()
            && !(host == Host::Flapping && born.elapsed() > Duration::from_millis(50))
        {
            match stream.read(&mut buffer).await {
                Ok(size) if size > 0 => unread.extend_from_slice(&buffer[..size]),
                _ => break,
            }
            for seq in whole(&mut unread) {
                taken = taken.max(Some(seq));
            }
            if let Some(seq) = taken {
                said = stream.write_all(&ack(seq)).await;
            }
            let pause = if host == Host::Slow { 100 } else { 20 };
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
    }
}

/// Cut off the whole events, which all begin alike; their numbers.
fn whole(unread: &mut Vec<u8>) -> Vec<u64> {
    let starts: Vec<usize> = unread
        .windows(4)
        .enumerate()
        .filter(|(_, head)| head == b"\xa5\x62at")
        .map(|(at, _)| at)
        .collect();
    let Some(&last) = starts.last() else {
        return Vec::new();
    };
    let seqs = starts[..starts.len() - 1]
        .iter()
        .filter_map(|&start| number(&unread[start..]))
        .collect();
    unread.drain(..last);
    seqs
}

fn number(event: &[u8]) -> Option<u64> {
    let at = event.windows(4).position(|key| key == b"\x63seq")? + 4;
    Some(match event.get(at)? {
        small @ 0..=23 => (*small).into(),
        24 => event[at + 1].into(),
        25 => u16::from_be_bytes([event[at + 1], event[at + 2]]).into(),
        _ => {
            u32::from_be_bytes([event[at + 1], event[at + 2], event[at + 3], event[at + 4]]).into()
        }
    })
}

fn ack(seq: u64) -> Vec<u8> {
    [b"\xa1\x63ack\x1b".as_slice(), &seq.to_be_bytes()].concat()
}
