//! The whole state at one moment, as the planner and the readers see it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Change, Intent, IntentOperation, RowKey, StoredInstance};
use crate::model::{Address, Marks, ResourceAddress, Str, Value};

/// The version of Terraform whose state format is written, unless an imported state says another.
pub const TERRAFORM_VERSION: &str = "1.11.4";

/// An output value of the root module, without marks.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    pub value: Value,
    pub sensitive: bool,
    /// Whether only its declaration makes it sensitive: the value itself is no secret.
    pub declared: bool,
}

impl Output {
    /// An output as a state of another tool gives it: of what it calls sensitive nothing more is known.
    pub fn new(value: Value, sensitive: bool) -> Output {
        Output { value, sensitive, declared: false }
    }

    /// What is kept of a value with its marks.
    pub fn of(value: &Value) -> Output {
        let (bare, marks) = value.unmark_deep();
        let sensitive = marks.contains(Marks::SENSITIVE);
        Output { value: bare, sensitive, declared: sensitive && marks.contains(Marks::DECLARED) }
    }

    /// The value with its marks again.
    pub fn marked(&self) -> Value {
        let marks = match (self.sensitive, self.declared) {
            (false, _) => Marks::NONE,
            (true, false) => Marks::SENSITIVE,
            (true, true) => Marks::SENSITIVE | Marks::DECLARED,
        };
        self.value.clone().mark(marks)
    }
}

/// An immutable view of a state. Cloning shares the rows, and rows are shared with the snapshots that it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// Names this state and its descendants; a UUID where we made it.
    pub lineage: Str,
    /// Rises by one with every run that changes something.
    pub serial: u64,
    /// What Terraform would say of itself in the file.
    pub terraform_version: Str,
    /// The version of terrane that wrote it last; empty where it never did.
    pub written_by: Str,
    pub outputs: BTreeMap<Str, Output>,
    /// The results of checks as the JSON array that Terraform's state has.
    pub check_results: Option<Arc<str>>,
    /// Sorted by address, the current object before the deposed ones.
    rows: Arc<Vec<Arc<StoredInstance>>>,
    /// Where the rows of each resource begin and end.
    resources: Arc<BTreeMap<ResourceAddress, (usize, usize)>>,
    /// The resources that one block of the configuration made, by its address without the keys of modules.
    configured: Arc<BTreeMap<ResourceAddress, Vec<ResourceAddress>>>,
    /// The rows whose deletion was begun, and whose end nobody has written down.
    ending: Arc<BTreeSet<RowKey>>,
    /// What calls were begun for that have no outcome.
    begun: Arc<BTreeSet<Address>>,
}

impl Snapshot {
    /// A state with nothing in it.
    pub fn empty(lineage: impl Into<Str>) -> Snapshot {
        Snapshot {
            lineage: lineage.into(),
            serial: 0,
            terraform_version: TERRAFORM_VERSION.into(),
            written_by: "".into(),
            outputs: BTreeMap::new(),
            check_results: None,
            rows: Arc::default(),
            resources: Arc::default(),
            configured: Arc::default(),
            ending: Arc::default(),
            begun: Arc::default(),
        }
    }

    /// The same state with these rows, given in any order. Of rows of the same key the last one stays.
    pub fn with_rows(mut self, mut rows: Vec<Arc<StoredInstance>>) -> Snapshot {
        rows.sort_by(|a, b| order(a).cmp(&order(b)));
        rows.reverse();
        rows.dedup_by(|earlier, last| order(earlier) == order(last));
        rows.reverse();
        let resources = index(&rows);
        let mut by_block: BTreeMap<ResourceAddress, Vec<ResourceAddress>> = BTreeMap::new();
        for resource in resources.keys() {
            by_block.entry(resource.without_keys()).or_default().push(resource.clone());
        }
        self.resources = Arc::new(resources);
        self.configured = Arc::new(by_block);
        self.rows = Arc::new(rows);
        self
    }

    /// The same state with the calls that were begun and have no outcome.
    pub fn with_intents(mut self, intents: &[Intent]) -> Snapshot {
        let deletions = intents.iter().filter(|intent| intent.operation == IntentOperation::Delete);
        let keys = deletions.map(|i| RowKey { address: i.address.clone(), deposed: i.deposed.clone() });
        self.ending = Arc::new(keys.collect());
        self.begun = Arc::new(intents.iter().map(|intent| intent.address.clone()).collect());
        self
    }

    /// What calls were begun for that have no outcome, by a run that is at work or by one that was interrupted.
    pub fn begun(&self) -> &BTreeSet<Address> {
        &self.begun
    }

    /// Whether the object may be gone because a run that deleted it was interrupted.
    pub fn is_ending(&self, row: &StoredInstance) -> bool {
        !self.ending.is_empty() && self.ending.contains(&row.key())
    }

    /// The same state after changes; what only the store keeps (intents, the serial) stays.
    pub fn with_changes<'a>(&self, changes: impl IntoIterator<Item = &'a Change>) -> Snapshot {
        let mut next = self.clone();
        let mut rows: BTreeMap<RowKey, Option<Arc<StoredInstance>>> = BTreeMap::new();
        for change in changes {
            match change {
                Change::Put(row) => drop(rows.insert(row.key(), Some(row.clone()))),
                Change::Remove(key) => drop(rows.insert(key.clone(), None)),
                Change::Outputs(outputs) => next.outputs = outputs.clone(),
                Change::CheckResults(results) => next.check_results = results.clone(),
                Change::Output(name, Some(output)) => drop(next.outputs.insert(name.clone(), output.clone())),
                Change::Output(name, None) => drop(next.outputs.remove(name)),
                Change::Replace(all) => {
                    rows.clear();
                    next = (**all).clone();
                }
                Change::Begin(_) | Change::End(_) | Change::BumpSerial | Change::Spend | Change::Describe(_) => (),
            }
        }
        if rows.is_empty() {
            return next;
        }
        let kept = next.rows.iter().filter(|row| !rows.contains_key(&row.key())).cloned();
        let all = kept.chain(rows.values().flatten().cloned()).collect();
        next.with_rows(all)
    }

    /// All rows, sorted by address, the current object before the deposed ones.
    pub fn rows(&self) -> &[Arc<StoredInstance>] {
        &self.rows
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.outputs.is_empty()
    }

    /// The current object of an instance.
    pub fn get(&self, address: &Address) -> Option<&Arc<StoredInstance>> {
        self.find(address, None)
    }

    /// One object of an instance, current or deposed.
    pub fn row(&self, key: &RowKey) -> Option<&Arc<StoredInstance>> {
        self.find(&key.address, key.deposed.as_ref())
    }

    /// The objects of an instance that still have to be deleted.
    pub fn deposed(&self, address: &Address) -> impl Iterator<Item = &Arc<StoredInstance>> {
        let rows = self.instances(&address.resource);
        let from = rows.partition_point(|row| row.address.key < address.key);
        rows[from..].iter().take_while(|r| r.address.key == address.key).filter(|r| r.deposed.is_some())
    }

    /// All objects of the instances of a resource.
    pub fn instances(&self, resource: &ResourceAddress) -> &[Arc<StoredInstance>] {
        self.resources.get(resource).and_then(|&(from, to)| self.rows.get(from..to)).unwrap_or(&[])
    }

    /// The resources in order of their addresses, each with all its objects.
    pub fn resources(&self) -> impl Iterator<Item = (&ResourceAddress, &[Arc<StoredInstance>])> {
        self.resources.iter().map(|(address, &(from, to))| (address, self.rows.get(from..to).unwrap_or(&[])))
    }

    /// The resources that a row means by a dependency: of a module without a key, those of all its instances.
    pub fn dependency(
        &self,
        meant: &ResourceAddress,
    ) -> impl Iterator<Item = (&ResourceAddress, &[Arc<StoredInstance>])> {
        let candidates = self.configured.get(&meant.without_keys()).map(Vec::as_slice).unwrap_or(&[]);
        let meant = meant.clone();
        candidates.iter().filter(move |c| is_meant(c, &meant)).map(|c| (c, self.instances(c)))
    }

    fn find(&self, address: &Address, deposed: Option<&Str>) -> Option<&Arc<StoredInstance>> {
        let rows = self.instances(&address.resource);
        let order = |row: &Arc<StoredInstance>| (&row.address.key, row.deposed.as_ref()).cmp(&(&address.key, deposed));
        rows.binary_search_by(order).ok().and_then(|i| rows.get(i))
    }
}

fn order(row: &StoredInstance) -> (&Address, Option<&Str>) {
    (&row.address, row.deposed.as_ref())
}

/// Both are of one block of the configuration.
fn is_meant(resource: &ResourceAddress, meant: &ResourceAddress) -> bool {
    let mut steps = resource.module.steps().iter().zip(meant.module.steps());
    steps.all(|(step, meant)| meant.key.is_none() || meant.key == step.key)
}

fn index(rows: &[Arc<StoredInstance>]) -> BTreeMap<ResourceAddress, (usize, usize)> {
    let mut resources = BTreeMap::new();
    let mut from = 0;
    for group in rows.chunk_by(|a, b| a.address.resource == b.address.resource) {
        if let Some(first) = group.first() {
            resources.insert(first.address.resource.clone(), (from, from + group.len()));
        }
        from += group.len();
    }
    resources
}
