//! Lines that wait for a server: a bound on bytes, oldest out first.

use std::collections::VecDeque;

/// Lines of several looks, oldest first.
#[derive(Debug)]
pub struct Queue {
    looks: VecDeque<Vec<u8>>,
    bytes: usize,
    max_bytes: usize,
    dropped: u64,
}

impl Queue {
    /// An empty queue for so many bytes.
    pub fn new(max_bytes: usize) -> Self {
        Self { looks: VecDeque::new(), bytes: 0, max_bytes, dropped: 0 }
    }

    /// Adds the lines of one look; the oldest go until all fits. Lines that alone are too long go
    /// themselves.
    pub fn push(&mut self, lines: Vec<u8>) {
        if lines.is_empty() {
            return;
        }
        self.bytes += lines.len();
        self.looks.push_back(lines);
        while self.bytes > self.max_bytes {
            let Some(oldest) = self.looks.pop_front() else { break };
            self.bytes -= oldest.len();
            self.dropped += line_count(&oldest);
        }
    }

    /// How many looks from the front make a text of at most `max_bytes`, and that text; at least
    /// one, unless there is none.
    pub fn front(&self, max_bytes: usize) -> (usize, Vec<u8>) {
        let mut text = Vec::new();
        let mut taken = 0;
        for look in &self.looks {
            if taken > 0 && text.len() + look.len() > max_bytes {
                break;
            }
            text.extend_from_slice(look);
            taken += 1;
        }
        (taken, text)
    }

    /// Lets the first so many looks go: they arrived.
    pub fn remove(&mut self, looks: usize) {
        for look in self.looks.drain(..looks.min(self.looks.len())) {
            self.bytes -= look.len();
        }
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.looks.is_empty()
    }

    /// Bytes that wait.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Lines that had to go before they were sent, since the start.
    pub const fn dropped_lines(&self) -> u64 {
        self.dropped
    }
}

/// Lines in a text; each ends in a line feed.
pub(super) fn line_count(text: &[u8]) -> u64 {
    text.iter().fold(0, |count, byte| count + u64::from(*byte == b'\n'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_oldest_go_first_and_are_counted() {
        let mut queue = Queue::new(8);
        queue.push(b"a\nb\n".to_vec());
        queue.push(b"cc\n".to_vec());
        assert_eq!((queue.bytes(), queue.dropped_lines()), (7, 0));
        queue.push(b"d\n".to_vec());
        assert_eq!((queue.bytes(), queue.dropped_lines()), (5, 2));
        assert_eq!(queue.front(100), (2, b"cc\nd\n".to_vec()));
        assert_eq!(queue.front(1), (1, b"cc\n".to_vec()));
        queue.push(b"far too long\n".to_vec());
        assert_eq!((queue.bytes(), queue.dropped_lines()), (0, 5));
        assert_eq!(queue.front(100), (0, Vec::new()));
    }

    proptest! {
        #[test]
        fn what_is_taken_is_in_order_and_nothing_is_lost_uncounted(
            steps in prop::collection::vec((any::<bool>(), 1_usize..20), 0..60),
            max_bytes in 1_usize..100,
        ) {
            let mut queue = Queue::new(max_bytes);
            let (mut pushed, mut taken) = (0_u64, Vec::<u64>::new());
            for (is_push, size) in steps {
                if is_push {
                    queue.push(format!("{pushed:0size$}\n").into_bytes());
                    pushed += 1;
                } else {
                    let (looks, text) = queue.front(size);
                    prop_assert!(looks <= 1 || text.len() <= size);
                    queue.remove(looks);
                    let text = String::from_utf8(text).unwrap();
                    taken.extend(text.lines().map(|line| line.parse::<u64>().unwrap()));
                }
                prop_assert!(queue.bytes() <= max_bytes);
            }
            let (_, rest) = queue.front(usize::MAX);
            prop_assert!(taken.is_sorted());
            let total = u64::try_from(taken.len()).unwrap() + line_count(&rest);
            prop_assert_eq!(total + queue.dropped_lines(), pushed);
        }
    }
}
