//! The task that talks to the host: connect, say hello, send in order, read what was taken; and again.
//!
//! Nobody waits for it. What is in flight belongs to it alone; a node's thread meets it only at the books in
//! `shared.rs`, for as long as it takes to copy [`BATCH`] bytes.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::answer::{Answer, MAX_ANSWER_BYTES, read};
use crate::backoff::Backoff;
use crate::cbor::Unread;
use crate::queue::Queue;
use crate::shared::{Phase, Shared};
use crate::target::{Stream, Way};

/// What is copied out of the books at once: some 60 events, in about a microsecond.
const BATCH: usize = 16 * 1024;
/// While events come, they are looked for so often. A node's thread that had to wake the sender for each would
/// pay several times what encoding costs.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// After so many looks for nothing the sender sleeps until the bell rings.
const LOOKS: u32 = 25;
/// How much longer than after any other end of a connection to wait after a refusal that only people can mend.
const LONG_WAIT: u32 = 6;

/// What a host wrote before it closed is there already, or on its way.
const LAST_WORDS_WITHIN: Duration = Duration::from_secs(1);

/// What the sender is told at its start.
pub(crate) struct Settings {
    pub(crate) hello: Vec<u8>,
    pub(crate) first_wait: Duration,
    pub(crate) most_wait: Duration,
    pub(crate) patience: Duration,
}

/// Why a connection ended.
#[derive(Debug)]
enum Trouble {
    Io(io::Error),
    /// The host's own words.
    Refused(String),
    /// It closed without a word.
    Closed,
    /// It did not answer in time.
    Silent,
    /// What it says is no answer.
    Nonsense,
    /// It has events of our source that are not ours, and would take ours for repetitions.
    Namesake,
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Refused(words) => write!(f, "the host refuses: {words}"),
            Self::Closed => f.write_str("the host closed the connection"),
            Self::Silent => f.write_str("the host does not answer"),
            Self::Nonsense => f.write_str("what answers is no wasmhost"),
            Self::Namesake => f.write_str("the host knows our src from another emitter"),
        }
    }
}

impl Trouble {
    /// It will be the same next time, until somebody changes something.
    fn is_for_people(&self) -> bool {
        let Self::Refused(words) = self else {
            return matches!(self, Self::Nonsense | Self::Namesake);
        };
        !["full:", "slow:", "idle:"]
            .iter()
            .any(|word| words.starts_with(word))
    }

    /// The host closed a connection on which nothing came: there is no hurry.
    fn is_idle(&self) -> bool {
        matches!(self, Self::Refused(words) if words.starts_with("idle:"))
    }
}

pub(crate) struct Sender {
    shared: Arc<Shared>,
    way: Way,
    settings: Settings,
    phase: watch::Receiver<Phase>,
    backoff: Backoff,
    /// Sent, or about to be, and not acknowledged.
    in_flight: Queue,
    /// The number of the newest event that ever was.
    newest: Option<u64>,
}

impl Sender {
    pub(crate) fn new(shared: Arc<Shared>, way: Way, settings: Settings) -> Self {
        let backoff = Backoff::new(settings.first_wait, settings.most_wait);
        let phase = shared.phase();
        Self {
            shared,
            way,
            settings,
            phase,
            backoff,
            in_flight: Queue::default(),
            newest: None,
        }
    }

    /// Serve until the emitter is closed. `done` is dropped at the end.
    pub(crate) async fn run(mut self, done: watch::Sender<bool>) {
        let mut phase = self.phase.clone();
        tokio::select! {
            () = self.serve() => {}
            _ = phase.wait_for(|phase| *phase == Phase::Abandoned) => {}
        }
        drop(done);
    }

    async fn serve(&mut self) {
        while !(self.is_closing() && self.is_empty()) {
            let Err(trouble) = self.connection().await else {
                return;
            };
            self.shared.disconnected(trouble.to_string());
            if trouble.is_idle() {
                self.wait_for_events().await;
            } else {
                let wait = self.backoff.wait();
                sleep(if trouble.is_for_people() {
                    wait.max(self.settings.most_wait) * LONG_WAIT
                } else {
                    wait
                })
                .await;
            }
        }
    }

    fn is_closing(&self) -> bool {
        *self.phase.borrow() != Phase::Open
    }

    fn is_empty(&self) -> bool {
        self.in_flight.is_empty() && self.shared.is_drained()
    }

    async fn wait_for_events(&mut self) {
        if self.in_flight.is_empty() && self.shared.fall_asleep() {
            tokio::select! {
                () = self.shared.bell.notified() => {}
                _ = self.phase.changed() => {}
            }
        }
    }

    /// One connection, from its beginning to its end. It ends well only when the emitter is closed and all is said.
    async fn connection(&mut self) -> Result<(), Trouble> {
        let patience = self.settings.patience;
        let stream = timeout(patience, self.way.connect())
            .await
            .map_err(|_| Trouble::Silent)??;
        let (reader, mut writer) = split(stream);
        let mut answers = Answers {
            reader,
            unread: Vec::new(),
        };
        if let Err(error) = say(&mut writer, &self.settings.hello).await {
            return Err(answers.last_words(error.into()).await);
        }
        let first = timeout(patience, answers.next())
            .await
            .map_err(|_| Trouble::Silent)??;
        if let Answer::Ack(seq) = first {
            if self.newest < Some(seq) {
                return Err(Trouble::Namesake);
            }
            self.acknowledge(seq, usize::MAX); // taken on an earlier connection
        }
        self.shared.connected();
        let since = Instant::now();
        let end = Talk {
            sender: self,
            answers,
            writer,
            sent: 0,
            unflushed: false,
            looks: 0,
            heard: Instant::now(),
        }
        .run()
        .await;
        if since.elapsed() > self.settings.most_wait {
            self.backoff.reset();
        }
        end
    }

    /// Forget what the host has taken. That is what a connection is for, and not that it stands for a moment: a host
    /// that takes nothing is asked less and less often.
    fn acknowledge(&mut self, seq: u64, sent: usize) -> usize {
        let bytes = self.shared.acknowledge(&mut self.in_flight, seq, sent);
        if bytes > 0 {
            self.backoff.reset();
        }
        bytes
    }
}

/// A connection on which the host has answered the hello.
struct Talk<'a> {
    sender: &'a mut Sender,
    answers: Answers,
    writer: WriteHalf<Box<dyn Stream>>,
    /// How many bytes of what is in flight were written to this connection.
    sent: usize,
    unflushed: bool,
    /// How often in a row there was nothing to be sent.
    looks: u32,
    /// When the host was heard last, or had nothing to say.
    heard: Instant,
}

impl Talk<'_> {
    async fn run(mut self) -> Result<(), Trouble> {
        loop {
            let has_room = self.refill();
            let is_all_sent = self.sent == self.sender.in_flight.bytes() && !self.unflushed;
            if self.sender.is_closing() && is_all_sent && self.sender.shared.is_drained() {
                return self.leave().await;
            }
            self.step(is_all_sent, has_room).await?;
        }
    }

    /// Put the next events into flight, once the last ones are written.
    fn refill(&mut self) -> bool {
        let Self { sender, .. } = self;
        if self.sent < sender.in_flight.bytes() {
            return true;
        }
        if sender.in_flight.is_empty() {
            self.heard = Instant::now(); // it has nothing to say yet
        }
        let has_room = sender.shared.take(&mut sender.in_flight, BATCH);
        sender.newest = sender.in_flight.last().or(sender.newest);
        if self.sent < sender.in_flight.bytes() {
            self.looks = 0;
        }
        has_room
    }

    /// Do the one thing that can be done next: read, write, or wait.
    async fn step(&mut self, is_all_sent: bool, has_room: bool) -> Result<(), Trouble> {
        let sender = &mut *self.sender;
        let rest = if is_all_sent || self.unflushed {
            &[]
        } else {
            sender.in_flight.piece(self.sent)
        };
        let silent_at = self.heard + sender.settings.patience;
        let waits_for_ack = !sender.in_flight.is_empty();
        tokio::select! {
            biased;
            answer = self.answers.next() => {
                self.heard = Instant::now();
                if let Answer::Ack(seq) = answer? {
                    self.sent -= sender.acknowledge(seq, self.sent);
                }
            }
            written = write_or_flush(&mut self.writer, rest), if !is_all_sent => {
                let written = match written {
                    Ok(written) => written,
                    Err(trouble) => return Err(self.answers.last_words(trouble).await),
                };
                self.sent += written;
                self.unflushed = written > 0 && self.sent == sender.in_flight.bytes();
            }
            () = look(&sender.shared, self.looks), if is_all_sent && has_room => self.looks += 1,
            _ = sender.phase.changed() => {}
            () = sleep_until(silent_at), if waits_for_ack => return Err(Trouble::Silent),
        }
        Ok(())
    }

    /// Say that nothing more comes, and hear the host out: the last acknowledgement comes before its end.
    async fn leave(mut self) -> Result<(), Trouble> {
        self.writer.shutdown().await?;
        while !self.sender.in_flight.is_empty() {
            let heard = timeout(self.sender.settings.patience, self.answers.next()).await;
            if let Answer::Ack(seq) = heard.map_err(|_| Trouble::Silent)?? {
                self.sent -= self.sender.acknowledge(seq, self.sent);
            }
        }
        Ok(())
    }
}

async fn say(writer: &mut WriteHalf<Box<dyn Stream>>, words: &[u8]) -> io::Result<()> {
    writer.write_all(words).await?;
    writer.flush().await
}

/// Write some of what there is; flush where that is nothing. Cancelled, it has done nothing.
async fn write_or_flush(
    writer: &mut WriteHalf<Box<dyn Stream>>,
    rest: &[u8],
) -> Result<usize, Trouble> {
    if rest.is_empty() {
        writer.flush().await?;
        return Ok(0);
    }
    match writer.write(rest).await? {
        0 => Err(Trouble::Closed),
        written => Ok(written),
    }
}

/// Wait until there may be events to be sent.
async fn look(shared: &Shared, looks: u32) {
    if looks < LOOKS {
        sleep(LOOK_EVERY).await;
    } else if shared.fall_asleep() {
        shared.bell.notified().await;
    }
}

/// The host's answers, cut out of what comes.
struct Answers {
    reader: ReadHalf<Box<dyn Stream>>,
    unread: Vec<u8>,
}

impl Answers {
    /// The next answer. Cancelled, it loses nothing.
    async fn next(&mut self) -> Result<Answer, Trouble> {
        loop {
            match read(&self.unread) {
                Ok((answer, size)) => {
                    self.unread.drain(..size);
                    match answer {
                        Answer::Refused(words) => return Err(Trouble::Refused(words)),
                        Answer::Unknown => continue,
                        answer => return Ok(answer),
                    }
                }
                Err(Unread::Incomplete) if self.unread.len() < MAX_ANSWER_BYTES => {}
                Err(_) => return Err(Trouble::Nonsense),
            }
            if self.reader.read_buf(&mut self.unread).await? == 0 {
                return Err(Trouble::Closed);
            }
        }
    }
    /// Why nothing can be written any more: the host's own words, where it left some before it closed.
    async fn last_words(&mut self, trouble: Trouble) -> Trouble {
        let heard = timeout(LAST_WORDS_WITHIN, async {
            loop {
                if let Err(end) = self.next().await {
                    return end;
                }
            }
        });
        match heard.await {
            Ok(Trouble::Refused(words)) => Trouble::Refused(words),
            _ => trouble,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_passes_by_itself_is_tried_again_soon() {
        for (words, passes) in [
            ("full: too many", true),
            ("slow: no hello", true),
            ("idle: no event", true),
            ("token: wrong", false),
            ("replaced: by another", false),
            ("malformed: no CBOR", false),
            ("oversized: an item", false),
            ("of a later version: no", false),
        ] {
            assert_ne!(
                Trouble::Refused(words.into()).is_for_people(),
                passes,
                "{words}"
            );
        }
    }
}
