//! Marks: what must be remembered about a value wherever it goes.

/// A small set of marks. Every operation on a marked value gives a value with the marks of all its inputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Marks(u8);

impl Marks {
    pub const NONE: Marks = Marks(0);
    /// Never shown in any output.
    pub const SENSITIVE: Marks = Marks(1);
    /// Never stored in a plan or a state.
    pub const EPHEMERAL: Marks = Marks(2);
    /// Beside [`Marks::SENSITIVE`] on an output of the root module: only its declaration says so, and the value is no
    /// secret elsewhere.
    pub const DECLARED: Marks = Marks(4);

    /// A computed value that repeats what is sensitive. It is shown as little, and means no more to the language than
    /// any other value: what providers compute is not sensitive there.
    pub const REPEATED: Marks = Marks(8);

    /// Whether the value is not to be shown, although it may be stored.
    pub fn is_secret(self) -> bool {
        self.contains(Marks::SENSITIVE) || self.contains(Marks::REPEATED)
    }

    /// What an output that is declared as sensitive gets beside the marks that its value has.
    pub fn of_declared(value: Marks) -> Marks {
        if value.is_secret() { Marks::SENSITIVE } else { Marks::SENSITIVE | Marks::DECLARED }
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn contains(self, other: Marks) -> bool {
        self.0 & other.0 == other.0
    }

    pub fn without(self, other: Marks) -> Marks {
        Marks(self.0 & !other.0)
    }
}

impl std::ops::BitOr for Marks {
    type Output = Marks;
    fn bitor(self, other: Marks) -> Marks {
        Marks(self.0 | other.0)
    }
}

impl std::ops::BitOrAssign for Marks {
    fn bitor_assign(&mut self, other: Marks) {
        self.0 |= other.0;
    }
}
