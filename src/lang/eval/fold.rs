//! Folding: what has only constant parts is evaluated when it is compiled.

use std::cell::Cell;
use std::io;

use super::Env;
use crate::lang::expr::{Expr, Kind};
use crate::lang::functions::{Entry, Host};
use crate::lang::scope::{Scope, Slot};
use crate::model::{Diagnostic, Key, Span, Str, Value};

impl Expr {
    /// The expression, or its value where all its parts are constants and evaluating them needs nothing from
    /// outside. What is wrong stays as it is: the error belongs to those who use the value.
    pub(in crate::lang) fn folded(self) -> Expr {
        let mut constant = true;
        self.for_each_child(&mut |child| constant &= matches!(child.kind, Kind::Literal(_)));
        if !constant {
            return self;
        }
        let nowhere = Nowhere::default();
        match self.value(&mut Env::new(&nowhere)) {
            Ok(value) if value.is_wholly_known() && !nowhere.asked.get() => Expr::constant(value, self.span),
            _ => self,
        }
    }
}

/// A scope without anything, which notices whether it is asked.
#[derive(Default)]
struct Nowhere {
    asked: Cell<bool>,
}

impl Nowhere {
    fn ask<T>(&self, answer: T) -> T {
        self.asked.set(true);
        answer
    }

    fn refuse(&self, span: Span) -> Result<Value, Diagnostic> {
        self.ask(Err(Diagnostic::error("only constants are allowed here").at(span)))
    }
}

impl Scope for Nowhere {
    fn value(&self, _: &Slot, span: Span) -> Result<Value, Diagnostic> {
        self.refuse(span)
    }

    fn instance(&self, _: u32, _: &Key, span: Span) -> Result<Value, Diagnostic> {
        self.refuse(span)
    }

    fn output(&self, _: u32, _: Option<&Key>, _: &Str, span: Span) -> Result<Value, Diagnostic> {
        self.refuse(span)
    }

    fn host(&self) -> &dyn Host {
        self
    }
}

impl Host for Nowhere {
    fn read_file(&self, _: &str) -> io::Result<Vec<u8>> {
        self.ask(Err(io::ErrorKind::NotFound.into()))
    }

    fn entry(&self, _: &str) -> io::Result<Entry> {
        self.ask(Ok(Entry::Missing))
    }

    fn list_dir(&self, _: &str) -> io::Result<Vec<(String, Entry)>> {
        self.ask(Err(io::ErrorKind::NotFound.into()))
    }

    fn working_dir(&self) -> String {
        self.ask("/".to_string())
    }

    fn home_dir(&self) -> Option<String> {
        self.ask(None)
    }

    fn plan_timestamp(&self) -> Option<String> {
        self.ask(None)
    }

    fn now(&self) -> Option<i64> {
        self.ask(None)
    }

    fn random(&self) -> Option<[u8; 16]> {
        self.ask(None)
    }
}
