//! What drivers share whose objects exist nowhere but in the state: reading gives back what is stored,
//! deleting has nothing to do, planning can often say the result.

use rand::SeedableRng;
use rand::rngs::{OsRng, StdRng};

use crate::model::{Fields, Object, Path, Value};
use crate::provider::{ErrorKind, PlannedChange, ProviderError, Read, ReadOutcome, Stored};

/// Reads objects that cannot change behind our back; `import` makes one from an id that a user wrote.
pub fn read_kept(reads: &[Read], import: impl Fn(&str) -> Result<Stored, ProviderError>) -> Vec<ReadOutcome> {
    let one = |read: &Read| match known(read) {
        Some(object) => ReadOutcome::Found(Stored { id: read.id.clone(), object: object.clone(), private: None }),
        None => import(&read.id.0).map_or_else(ReadOutcome::Failed, ReadOutcome::Found),
    };
    reads.iter().map(one).collect()
}

/// What the state has of the object; nothing when there is no more than an id, as on import.
pub fn known(read: &Read) -> Option<&Object> {
    let object = read.prior.as_ref()?;
    object.fields().iter().any(|(name, value)| &**name != "id" && !value.is_null()).then_some(object)
}

/// The answer to an import of a type that cannot be made from an id.
pub fn no_import<T>(ty: &str) -> Result<T, ProviderError> {
    Err(ProviderError::invalid(format!("\"{ty}\" cannot be imported: its values exist in a state alone"))
        .help("create a new one instead"))
}

/// A generator that nobody can predict, seeded by the operating system.
pub fn secure_generator() -> Result<StdRng, ProviderError> {
    StdRng::try_from_rng(&mut OsRng)
        .map_err(|e| ProviderError::new(ErrorKind::Other, format!("the system gives no random numbers: {e}")))
}

/// Runs work that keeps a processor busy for long, such as making a key, beside the calls in flight.
pub async fn compute<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ProviderError> + Send + 'static,
) -> Result<T, ProviderError> {
    let ended = tokio::task::spawn_blocking(work).await;
    ended.unwrap_or_else(|e| Err(ProviderError::new(ErrorKind::Other, format!("the computation was given up: {e}"))))
}

/// The planned change of one object, with typed access for the plan hooks.
pub trait PlannedObject {
    /// The attribute as planned, without marks; null where it is absent.
    fn planned_value(&self, name: &str) -> Value;
    /// The attribute as stored; nothing on create.
    fn prior_value(&self, name: &str) -> Option<Value>;
    /// The attribute as written; null where nothing is said.
    fn config_value(&self, name: &str) -> Value;
    /// Plans the attribute's value.
    fn plan_value(&mut self, name: &str, value: Value);
    /// Plans the value of an attribute that replaces the object when it changes.
    fn plan_replacing(&mut self, name: &str, value: Value);
    /// Whether a new object will be made.
    fn makes_new(&self) -> bool;
}

impl PlannedObject for PlannedChange {
    fn planned_value(&self, name: &str) -> Value {
        get(&self.planned, name).unwrap_or(Value::NULL)
    }

    fn prior_value(&self, name: &str) -> Option<Value> {
        get(self.prior.as_ref()?, name)
    }

    fn config_value(&self, name: &str) -> Value {
        get(&self.config, name).unwrap_or(Value::NULL)
    }

    fn plan_value(&mut self, name: &str, value: Value) {
        if self.planned.bare().as_fields().and_then(|f| f.get(name)) == Some(&value) {
            return;
        }
        let (bare, marks) = self.planned.unmark();
        if let Value::Object(fields) = bare {
            let mut fields: Fields = (***fields).clone();
            fields.set(name.into(), value);
            self.planned = Value::fields(fields).mark(marks);
        }
    }

    fn plan_replacing(&mut self, name: &str, value: Value) {
        let path = Path::attr(name);
        let differs = self.prior_value(name).is_some_and(|prior| prior != value);
        if differs && !self.replace.contains(&path) {
            self.replace.push(path);
        }
        self.plan_value(name, value);
    }

    fn makes_new(&self) -> bool {
        self.prior.as_ref().is_none_or(Value::is_null) || !self.replace.is_empty()
    }
}

fn get(object: &Value, name: &str) -> Option<Value> {
    object.bare().as_fields()?.get(name).map(|v| v.unmark_deep().0)
}
