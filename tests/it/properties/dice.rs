//! Choices that are read from bytes: proptest shrinks the bytes, and so the stack that they make. When the bytes are
//! used up every choice is the first one, the plainest.

pub struct Dice<'b> {
    bytes: &'b [u8],
}

impl<'b> Dice<'b> {
    pub fn new(bytes: &'b [u8]) -> Dice<'b> {
        Dice { bytes }
    }

    /// A number below `n`.
    pub fn pick(&mut self, n: usize) -> usize {
        match self.bytes.split_first() {
            Some((first, rest)) => {
                self.bytes = rest;
                usize::from(*first) % n.max(1)
            }
            None => 0,
        }
    }

    /// True once in `n` times.
    pub fn once_in(&mut self, n: usize) -> bool {
        self.pick(n) == n.saturating_sub(1) && n > 1
    }

    pub fn of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.pick(choices.len())].clone()
    }
}
