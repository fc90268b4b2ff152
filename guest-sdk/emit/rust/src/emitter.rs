//! The front door: make an emitter, tell it what happens, close it.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::backoff::Chance;
use crate::cbor::{boolean, map, text, uint};
use crate::records::{Context, HookEvent};
use crate::sender::{Sender, Settings};
use crate::shared::{Link, Overflow, Room, Shared, Stats};
use crate::target::{Target, Way};

/// How an emitter is made: where to, and how much it may keep. All but the target has a default.
#[derive(Clone)]
#[must_use = "an emitter is made by `start`"]
pub struct Builder {
    target: Target,
    src: Option<String>,
    token: Option<String>,
    room: Room,
    first_wait: Duration,
    most_wait: Duration,
    patience: Duration,
    #[cfg(feature = "tls")]
    tls: Option<crate::tls::Tls>,
}

impl Builder {
    fn new(target: Target) -> Self {
        Self {
            target,
            src: None,
            token: None,
            room: Room {
                events: 16_384,
                bytes: 8 << 20,
                overflow: Overflow::default(),
            },
            first_wait: Duration::from_millis(50),
            most_wait: Duration::from_secs(10),
            patience: Duration::from_secs(30),
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// The name of this start of the node, instead of a random one. It must be new each time, since the host
    /// knows by it what it has taken already.
    pub fn src(mut self, src: impl Into<String>) -> Self {
        self.src = Some(src.into());
        self
    }

    /// The secret that the host asks for.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// How much may wait in the node: so many events (16,384), and so many bytes (8 MiB).
    pub fn room(mut self, events: usize, bytes: usize) -> Self {
        (self.room.events, self.room.bytes) = (events, bytes);
        self
    }

    /// Which event is dropped when there is no room.
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.room.overflow = overflow;
        self
    }

    /// How long to wait before the first attempt to reconnect (50 ms), and before any (10 s). It doubles in between.
    pub fn backoff(mut self, first: Duration, most: Duration) -> Self {
        (self.first_wait, self.most_wait) = (first, most);
        self
    }

    /// How long a host may leave a connection, a hello or events unanswered (30 s) until another connection is tried.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Speak TLS, for a `tcp:` target.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: crate::tls::Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Start the task that sends, on the tokio runtime of the caller. It connects as soon as the host is there.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime; see [`Builder::start_on`].
    pub fn start(self) -> Emitter {
        self.start_on(&Handle::current())
    }

    /// Start the task that sends on another runtime. It has to have its clock and network enabled.
    pub fn start_on(self, runtime: &Handle) -> Emitter {
        let src = self
            .src
            .unwrap_or_else(|| format!("rs-{:016x}", Chance::new().number()));
        let shared = Arc::new(Shared::new(self.room));
        let (running, done) = watch::channel(false);
        let way = Way {
            target: self.target,
            #[cfg(feature = "tls")]
            tls: self.tls,
        };
        let settings = Settings {
            hello: hello(&src, self.token.as_deref()),
            first_wait: self.first_wait,
            most_wait: self.most_wait,
            patience: self.patience,
        };
        runtime.spawn(Sender::new(Arc::clone(&shared), way, settings).run(running));
        Emitter(Arc::new(Inner { shared, src, done }))
    }
}

/// Tells a host what happens in a node, and never waits for it.
///
/// Clones are the same emitter. It is safe to use from any thread, in or outside of a runtime. When the last
/// clone is dropped without [`Emitter::close`], what was not sent is lost.
#[derive(Clone)]
pub struct Emitter(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    src: String,
    done: watch::Receiver<bool>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.abandon();
    }
}

impl Emitter {
    /// Begin to make an emitter for the host at `target`.
    pub fn to(target: Target) -> Builder {
        Builder::new(target)
    }

    /// Tell what happened, at this moment of the clock.
    ///
    /// It encodes the event and puts it into the buffer. It does not wait and cannot fail: what finds no room is
    /// dropped by the policy, counted, and told to the observers as lost. So is an event over 64 KiB, and one that
    /// comes after [`Emitter::close`].
    ///
    /// `ctx` is None as long as the node has no identity; the host gives such events to the two early signaling
    /// hooks only.
    pub fn emit(&self, event: &HookEvent<'_>, ctx: Option<&Context<'_>>) {
        self.0.shared.emit(event, ctx);
    }

    /// What became of the events so far.
    pub fn stats(&self) -> Stats {
        self.0.shared.stats()
    }

    /// How the connection fares.
    pub fn link(&self) -> Link {
        self.0.shared.link()
    }

    /// The name of this start, by which the host knows the events.
    pub fn src(&self) -> &str {
        &self.0.src
    }

    /// Take nothing more, send what there is, and wait for it to be acknowledged, but not longer than `within`.
    /// What is left then counts as dropped.
    pub async fn close(&self, within: Duration) -> Stats {
        self.0.shared.close();
        let mut done = self.0.done.clone();
        // It is never set: that its other end is dropped says that the sender is done.
        let _ = timeout(within, done.wait_for(|done| *done)).await;
        self.0.shared.abandon();
        self.stats()
    }
}

fn hello(src: &str, token: Option<&str>) -> Vec<u8> {
    let mut out = Vec::new();
    map(&mut out, 3 + u8::from(token.is_some()));
    text(&mut out, "ack");
    boolean(&mut out, true);
    text(&mut out, "src");
    text(&mut out, src);
    text(&mut out, "hello");
    uint(&mut out, 1);
    if let Some(token) = token {
        text(&mut out, "token");
        text(&mut out, token);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hello_has_its_keys_in_order() {
        assert_eq!(
            hello("rs-1", None),
            b"\xa3\x63ack\xf5\x63src\x64rs-1\x65hello\x01"
        );
        let said = hello("rs-1", Some("s3cret"));
        assert_eq!(
            said,
            b"\xa4\x63ack\xf5\x63src\x64rs-1\x65hello\x01\x65token\x66s3cret"
        );
    }
}
