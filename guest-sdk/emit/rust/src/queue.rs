//! Encoded events, one behind the other in one ring of bytes: no allocation for each.

use std::collections::VecDeque;

/// A FIFO of encoded events with their numbers.
#[derive(Default)]
pub(crate) struct Queue {
    bytes: VecDeque<u8>,
    /// Number and size of each, the oldest first.
    entries: VecDeque<(u64, u32)>,
}

impl Queue {
    /// One with room for so much, which is touched only as it is used.
    pub(crate) fn with_room(events: usize, bytes: usize) -> Self {
        Self {
            bytes: VecDeque::with_capacity(bytes),
            entries: VecDeque::with_capacity(events),
        }
    }

    pub(crate) fn events(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn push(&mut self, seq: u64, event: &[u8]) {
        self.bytes.extend(event);
        self.entries.push_back((seq, event.len() as u32)); // at most 64 KiB, the emitter sees to it
    }

    /// Forget the oldest.
    pub(crate) fn pop(&mut self) -> Option<u64> {
        let (seq, size) = self.entries.pop_front()?;
        self.bytes.drain(..size as usize);
        Some(seq)
    }

    /// The number of the oldest.
    pub(crate) fn first(&self) -> Option<u64> {
        self.entries.front().map(|(seq, _)| *seq)
    }

    /// The number of the newest.
    pub(crate) fn last(&self) -> Option<u64> {
        self.entries.back().map(|(seq, _)| *seq)
    }

    /// How many bytes the oldest takes; 0 if there is none.
    pub(crate) fn first_size(&self) -> usize {
        self.entries.front().map_or(0, |(_, size)| *size as usize)
    }

    /// Move the oldest to the end of another: as many as fit, and one in any case where `bytes` is not 0.
    pub(crate) fn move_to(&mut self, other: &mut Self, mut events: usize, mut bytes: usize) {
        let (mut count, mut size) = (0, 0);
        for (_, next) in &self.entries {
            let next = *next as usize;
            if events == 0 || bytes == 0 || (count > 0 && next > bytes) {
                break;
            }
            events -= 1;
            bytes = bytes.saturating_sub(next);
            count += 1;
            size += next;
        }
        let (head, tail) = self.bytes.as_slices();
        let split = size.min(head.len());
        other.bytes.extend(&head[..split]);
        other.bytes.extend(&tail[..size - split]);
        self.bytes.drain(..size);
        other.entries.extend(self.entries.drain(..count));
    }

    /// What follows the first `skipped` bytes, as far as it lies in one piece.
    pub(crate) fn piece(&self, skipped: usize) -> &[u8] {
        let (head, tail) = self.bytes.as_slices();
        head.get(skipped..)
            .filter(|rest| !rest.is_empty())
            .unwrap_or_else(|| &tail[skipped - head.len()..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(queue: &mut Queue) -> Vec<(u64, Vec<u8>)> {
        let mut all = Vec::new();
        while let Some((seq, size)) = queue.entries.front().copied() {
            all.push((
                seq,
                queue.bytes.iter().take(size as usize).copied().collect(),
            ));
            queue.pop();
        }
        all
    }

    #[test]
    fn what_goes_in_comes_out_in_order_however_it_wraps() {
        let mut queue = Queue::with_room(4, 16);
        let mut seq = 0;
        for _ in 0..50 {
            queue.push(seq, format!("event {seq}").as_bytes());
            queue.push(seq + 1, b"");
            seq += 2;
            if queue.events() > 3 {
                assert_eq!(queue.pop(), Some(seq - 4));
                assert_eq!(queue.pop(), Some(seq - 3));
            }
        }
        assert_eq!(
            texts(&mut queue),
            [(98, b"event 98".to_vec()), (99, Vec::new())]
        );
    }

    #[test]
    fn as_many_move_as_fit_and_one_even_if_it_does_not() {
        let mut from = Queue::default();
        for seq in 0..4 {
            from.push(seq, &[seq as u8; 10]);
        }
        let mut to = Queue::default();
        from.move_to(&mut to, 10, 25);
        assert_eq!((from.events(), to.events(), to.bytes()), (2, 2, 20));
        from.move_to(&mut to, 10, 5);
        assert_eq!((from.events(), to.events()), (1, 3));
        from.move_to(&mut to, 0, 100);
        from.move_to(&mut to, 100, 0);
        assert_eq!((from.events(), to.events()), (1, 3));
        assert_eq!(
            texts(&mut to),
            (0..3)
                .map(|seq| (seq, vec![seq as u8; 10]))
                .collect::<Vec<_>>()
        );
    }

    #[test]
    fn pieces_cover_all_bytes_from_any_place() {
        let mut queue = Queue::with_room(8, 16);
        for seq in 0..9 {
            queue.push(seq, &[seq as u8; 5]);
            if seq > 1 {
                queue.pop();
            }
        }
        let whole: Vec<u8> = queue.bytes.iter().copied().collect();
        for skipped in 0..=whole.len() {
            let (mut at, mut seen) = (skipped, Vec::new());
            while at < whole.len() {
                let piece = queue.piece(at);
                assert!(!piece.is_empty());
                seen.extend_from_slice(piece);
                at += piece.len();
            }
            assert_eq!(seen, &whole[skipped..]);
        }
    }
}
