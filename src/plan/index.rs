//! The prior objects by address, after moves, and what refreshing made of them.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::change::ProviderName;
use super::moved::Moves;
use super::prior::{Prior, PriorObject};
use crate::model::{Address, Key, ResourceAddress, Value};

/// Index of an object in the prior state.
pub type PriorId = usize;

pub struct PriorIndex {
    pub objects: Vec<Entry>,
    current: HashMap<Address, PriorId>,
    by_resource: BTreeMap<ResourceAddress, Vec<PriorId>>,
    /// When an object that depends on a resource was written last; made for the first who asks.
    users_written: OnceCell<HashMap<ResourceAddress, u64>>,
}

pub struct Entry {
    pub object: PriorObject,
    /// Where the state has it, when it moved.
    pub previous: Option<Address>,
    pub live: Live,
    /// Whether a planned instance took it over.
    pub claimed: bool,
    /// What its block refers to now, where the state says otherwise.
    pub dependencies: Option<Arc<[ResourceAddress]>>,
    /// Whether it moved to another type.
    pub retyped: bool,
}

/// From the old and the new address and the object; nothing where that cannot be.
pub type Retype<'r> = &'r mut dyn FnMut(&Address, &Address, &Value) -> Option<(Value, ProviderName)>;

/// The object as it is now.
#[derive(Clone, Debug)]
pub enum Live {
    /// Not read in this run: the state is taken for true.
    AsStored,
    Found(Value),
    Gone,
}

impl PriorIndex {
    /// `retype` makes an object that moved to another type one of that type, with the provider that serves it.
    pub fn new(prior: &Prior, moves: &Moves, retype: Retype) -> PriorIndex {
        let occupied: HashMap<&Address, ()> = match moves.is_empty() {
            true => HashMap::new(),
            false => prior.objects.iter().filter(|o| o.deposed.is_none()).map(|o| (&o.address, ())).collect(),
        };
        let mut index = PriorIndex {
            objects: Vec::with_capacity(prior.objects.len()),
            current: HashMap::with_capacity(prior.objects.len()),
            by_resource: BTreeMap::new(),
            users_written: OnceCell::new(),
        };
        for object in &prior.objects {
            let moved = moves.apply(&object.address, |to| occupied.contains_key(to));
            let mut object = object.clone();
            let previous = moved.map(|to| std::mem::replace(&mut object.address, to));
            let mut retyped = false;
            if let Some(from) = previous.as_ref().filter(|from| from.resource.ty != object.address.resource.ty) {
                let to = object.address.clone();
                if let Some((value, provider)) = retype(from, &to, &object.value) {
                    (object.value, object.provider) = (value, provider);
                    retyped = true;
                }
            }
            index.insert(Entry { object, previous, live: Live::AsStored, claimed: false, dependencies: None, retyped });
        }
        index
    }

    fn insert(&mut self, entry: Entry) {
        let id = self.objects.len();
        let address = &entry.object.address;
        if entry.object.deposed.is_none() {
            self.current.insert(address.clone(), id);
        }
        match self.by_resource.get_mut(&address.resource) {
            Some(ids) => ids.push(id),
            None => {
                self.by_resource.insert(address.resource.clone(), vec![id]);
            }
        }
        self.objects.push(entry);
    }

    pub fn get(&self, address: &Address) -> Option<PriorId> {
        self.current.get(address).copied()
    }

    /// All objects of a resource block, deposed ones included.
    pub fn of_resource(&self, resource: &ResourceAddress) -> &[PriorId] {
        self.by_resource.get(resource).map_or(&[], Vec::as_slice)
    }

    pub fn resources(&self) -> impl Iterator<Item = (&ResourceAddress, &Vec<PriorId>)> {
        self.by_resource.iter()
    }

    /// Whether what depends on an object was written after it, or with it.
    pub fn written_since(&self, object: &PriorObject) -> bool {
        let all = self.users_written.get_or_init(|| {
            let mut all = HashMap::new();
            for user in self.objects.iter().map(|entry| &entry.object) {
                for needed in user.dependencies.iter() {
                    let last = all.entry(needed.without_keys()).or_insert(0);
                    *last = user.written.max(*last);
                }
            }
            all
        });
        all.get(&object.address.resource.without_keys()).is_some_and(|last| *last >= object.written)
    }

    /// A block that gained or lost `count` keeps its object: no key and `[0]` stand for each other. An object that a
    /// `moved` block brought here stays where that says.
    pub fn rename_single(&mut self, resource: &ResourceAddress, wants: Option<Key>) {
        let other = if wants.is_none() { Some(Key::Index(0)) } else { None };
        let (from, to) = (resource.instance(other), resource.instance(wants));
        if self.current.contains_key(&to) {
            return;
        }
        let Some(id) = self.get(&from).filter(|id| self.objects[*id].previous.is_none()) else { return };
        self.current.remove(&from);
        let entry = &mut self.objects[id];
        entry.previous = Some(from);
        entry.object.address = to.clone();
        self.current.insert(to, id);
    }
}

impl Entry {
    /// What the object depends on, as far as the configuration or else the state says.
    pub fn depends_on(&self) -> &Arc<[ResourceAddress]> {
        self.dependencies.as_ref().unwrap_or(&self.object.dependencies)
    }

    /// The object that the plan starts from; nothing where it is gone.
    pub fn value(&self) -> Option<&Value> {
        match &self.live {
            Live::AsStored => Some(&self.object.value),
            Live::Found(value) => Some(value),
            Live::Gone => None,
        }
    }
}
