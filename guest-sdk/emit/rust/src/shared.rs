//! What the node's threads and the sender both hold: the events that were not sent yet, and the books.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tokio::sync::{Notify, watch};

use crate::encode::{MAX_EVENT_BYTES, encode_event};
use crate::queue::Queue;
use crate::records::{Context, HookEvent, nanos};

/// Which event is dropped when there is no room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// The oldest that was not sent yet: what is left is what happened last.
    #[default]
    Oldest,
    /// The one that comes: what is left is what happened first.
    Newest,
}

/// How much may wait in a node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    pub(crate) events: usize,
    pub(crate) bytes: usize,
    pub(crate) overflow: Overflow,
}

/// What became of the events. `emitted` is always the sum of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Calls of [`Emitter::emit`](crate::Emitter::emit).
    pub emitted: u64,
    /// Events that a host acknowledged.
    pub delivered: u64,
    /// Events that were given up: there was no room, they were too large, or the emitter was closed. A host
    /// may have had one that was sent and not acknowledged before the emitter was closed.
    pub dropped: u64,
    /// Events that wait to be sent or acknowledged; 0 once the emitter is closed.
    pub pending: u64,
}

/// How the connection fares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// A host is there, and has answered.
    pub connected: bool,
    /// How often that came about.
    pub connections: u64,
    /// What went wrong last, for people to read.
    pub trouble: Option<String>,
}

/// How far the emitter's life has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    Open,
    /// Nothing new is taken; what there is is still sent.
    Closing,
    /// Nothing is sent any more.
    Abandoned,
}

pub(crate) struct Shared {
    books: Mutex<Books>,
    room: Room,
    /// Rung when an event comes while the sender sleeps.
    pub(crate) bell: Notify,
    phase: watch::Sender<Phase>,
}

struct Books {
    fresh: Queue,
    /// The event that is being encoded.
    scratch: Vec<u8>,
    next_seq: u64,
    emitted: u64,
    delivered: u64,
    dropped: u64,
    in_flight_events: usize,
    in_flight_bytes: usize,
    /// The sender waits for the bell.
    asleep: bool,
    open: bool,
    link: Link,
}

impl Books {
    fn put(
        &mut self,
        room: Room,
        event: &HookEvent<'_>,
        at: u64,
        ctx: Option<&Context<'_>>,
    ) -> bool {
        let seq = self.next_seq;
        self.next_seq += 1;
        self.emitted += 1;
        let full = |books: &Self| books.fresh.events() + books.in_flight_events >= room.events;
        if !self.open || (room.overflow == Overflow::Newest && full(self)) {
            return false;
        }
        self.scratch.clear();
        encode_event(&mut self.scratch, event, seq, at, ctx, None);
        if self.scratch.len() > MAX_EVENT_BYTES.min(room.bytes) {
            return false;
        }
        let most = room.bytes - self.scratch.len();
        while full(self) || self.fresh.bytes() + self.in_flight_bytes > most {
            if room.overflow == Overflow::Newest || self.fresh.pop().is_none() {
                return false;
            }
            self.dropped += 1;
        }
        self.fresh.push(seq, &self.scratch);
        true
    }
}

impl Shared {
    pub(crate) fn new(room: Room) -> Self {
        let books = Books {
            fresh: Queue::with_room(room.events, room.bytes),
            scratch: Vec::with_capacity(1024),
            next_seq: 0,
            emitted: 0,
            delivered: 0,
            dropped: 0,
            in_flight_events: 0,
            in_flight_bytes: 0,
            asleep: false,
            open: true,
            link: Link::default(),
        };
        Self {
            books: Mutex::new(books),
            room,
            bell: Notify::new(),
            phase: watch::Sender::new(Phase::Open),
        }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn emit(&self, event: &HookEvent<'_>, ctx: Option<&Context<'_>>) {
        let at = nanos(SystemTime::now());
        let mut books = self.books();
        if !books.put(self.room, event, at, ctx) {
            books.dropped += 1;
        }
        let ring = std::mem::take(&mut books.asleep);
        drop(books);
        if ring {
            self.bell.notify_one();
        }
    }

    pub(crate) fn stats(&self) -> Stats {
        let books = self.books();
        Stats {
            emitted: books.emitted,
            delivered: books.delivered,
            dropped: books.dropped,
            pending: (books.fresh.events() + books.in_flight_events) as u64,
        }
    }

    pub(crate) fn link(&self) -> Link {
        self.books().link.clone()
    }

    pub(crate) fn phase(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    /// Take nothing new from now on.
    pub(crate) fn close(&self) {
        self.books().open = false;
        self.enter(Phase::Closing);
    }

    /// Give up what is left.
    pub(crate) fn abandon(&self) {
        self.enter(Phase::Abandoned);
        let mut books = self.books();
        books.open = false;
        books.dropped += (books.fresh.events() + books.in_flight_events) as u64;
        books.fresh = Queue::default();
        (books.in_flight_events, books.in_flight_bytes) = (0, 0);
        books.link.connected = false;
    }

    fn enter(&self, next: Phase) {
        self.phase.send_if_modified(|phase| {
            let later = *phase < next;
            *phase = next.max(*phase);
            later
        });
    }

    fn is_abandoned(&self) -> bool {
        *self.phase.borrow() == Phase::Abandoned
    }

    // For the sender.

    /// Move what is to be sent next behind what is in flight. It returns whether there is room for more in flight.
    ///
    /// Half of the room at most: what was sent cannot be dropped, since nobody knows whether the host has it,
    /// and with the other half the node remembers what happened since.
    pub(crate) fn take(&self, in_flight: &mut Queue, batch: usize) -> bool {
        let mut books = self.books();
        if self.is_abandoned() {
            return false; // what was left is counted as dropped already
        }
        let events = (self.room.events / 2)
            .max(1)
            .saturating_sub(books.in_flight_events);
        let bytes = (self.room.bytes / 2)
            .max(1)
            .saturating_sub(books.in_flight_bytes);
        books.fresh.move_to(in_flight, events, bytes.min(batch));
        (books.in_flight_events, books.in_flight_bytes) = (in_flight.events(), in_flight.bytes());
        events > 0 && bytes > 0
    }

    /// Note that the sender will wait for the bell; false if there is something to be sent instead.
    pub(crate) fn fall_asleep(&self) -> bool {
        let mut books = self.books();
        books.asleep = books.fresh.is_empty();
        books.asleep
    }

    /// Nothing is left to be moved into flight.
    pub(crate) fn is_drained(&self) -> bool {
        self.books().fresh.is_empty()
    }

    /// Forget what the host has acknowledged, of the first `sent` bytes in flight; returns how many bytes that was.
    pub(crate) fn acknowledge(&self, in_flight: &mut Queue, seq: u64, sent: usize) -> usize {
        let before = in_flight.bytes();
        let mut events = 0;
        while in_flight.first().is_some_and(|first| first <= seq)
            && before - in_flight.bytes() + in_flight.first_size() <= sent
        {
            in_flight.pop();
            events += 1;
        }
        let mut books = self.books(); // only now: nobody is to wait for the loop above
        if !self.is_abandoned() {
            books.delivered += events;
            (books.in_flight_events, books.in_flight_bytes) =
                (in_flight.events(), in_flight.bytes());
        }
        before - in_flight.bytes()
    }

    pub(crate) fn connected(&self) {
        let mut books = self.books();
        books.link.connected = true;
        books.link.connections += 1;
    }

    pub(crate) fn disconnected(&self, trouble: String) {
        let mut books = self.books();
        books.link.connected = false;
        books.link.trouble = Some(trouble);
    }
}
