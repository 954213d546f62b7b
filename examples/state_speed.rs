//! Measures the state: `cargo run --release --no-default-features --example state_speed`.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use terrane::model::{Address, Key, ResourceAddress, Type, Value};
use terrane::state::{
    Change, SqliteStore, Store, StoredInstance, StoredProvider, Surroundings, read_snapshot, tfstate,
};

const ROWS: usize = 100_000;
const PER_RESOURCE: usize = 1000;

fn row(n: usize, provider: &Arc<StoredProvider>, dependencies: &Arc<[ResourceAddress]>) -> StoredInstance {
    let names = ["arn", "availability_zone", "cidr_block", "description", "id", "name", "owner_id", "vpc_id"];
    let ty = Type::object(names.iter().map(|n| (*n, Type::String)));
    let text = |name: &str| Value::string(format!("{name}-of-object-{n:08}-with-some-more-text-as-arns-have"));
    let object = Value::object(names.iter().map(|name| (*name, text(name))));
    let resource = ResourceAddress::managed("aws_subnet", format!("r{}", n / PER_RESOURCE));
    let address = Address { resource, key: Some(Key::Index((n % PER_RESOURCE) as u64)) };
    let row = StoredInstance::new(address, provider.clone(), &object, &ty);
    StoredInstance { remote_id: Some(format!("subnet-{n:08}").into()), dependencies: dependencies.clone(), ..row }
}

/// What this process used of the processors, which other work on the machine does not change.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks: u64 = stat.split(' ').skip(13).take(2).filter_map(|t| t.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// Elapsed time and processor time since a moment.
struct Watch(Instant, Duration);

impl Watch {
    fn start() -> Watch {
        Watch(Instant::now(), cpu())
    }

    fn told(&self) -> String {
        format!("{:?} ({:?} of processor time)", self.0.elapsed(), cpu() - self.1)
    }
}

/// Megabytes.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|p| p.parse::<usize>().ok()).unwrap_or(0) * 4096 / (1 << 20)
}

fn load(path: &Path) -> Result<(), Box<dyn std::error::Error>> {
    for _ in 0..3 {
        let before = resident();
        let at = Watch::start();
        let snapshot = read_snapshot(path)?.ok_or("no state")?;
        let (told, more) = (at.told(), resident().saturating_sub(before));
        println!("{} rows loaded: {told}, {more} MB more in memory", snapshot.rows().len());
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    if let Some(path) = std::env::args_os().nth(1) {
        return load(Path::new(&path));
    }
    let folder = std::env::temp_dir().join(format!("terrane-state-speed-{}", std::process::id()));
    let path = folder.join("state.db");
    let provider = Arc::new(StoredProvider::of_source("registry.terraform.io/hashicorp/aws"));
    let dependencies: Arc<[_]> = (0..20).map(|n| ResourceAddress::managed("aws_vpc", format!("v{n}"))).collect();
    let put = |n| Change::Put(Arc::new(row(n, &provider, &dependencies)));

    let store = SqliteStore::open(&path, Surroundings::default())?;
    let changes: Vec<_> = (0..ROWS).map(put).collect();
    let at = Watch::start();
    store.commit(changes).wait()?;
    println!("{ROWS} rows written in one commit: {}", at.told());
    drop(store);
    let size = std::fs::metadata(&path)?.len();
    println!("file: {} MB, {} bytes a row", size >> 20, size as usize / ROWS);

    // In a process of its own, so that the memory is that of the rows alone.
    std::process::Command::new(std::env::current_exe()?).arg(&path).status()?;

    let store = SqliteStore::open(&path, Surroundings::default())?;
    let changes: Vec<_> = (0..10_000).map(|n| put(n * 10)).collect();
    let at = Watch::start();
    let answers: Vec<_> = changes.into_iter().map(|c| store.commit(vec![c])).collect();
    answers.into_iter().try_for_each(|a| a.wait())?;
    println!("10000 commits of one row: {}, {} transactions", at.told(), store.transactions());

    let at = Instant::now();
    for n in 0..100 {
        store.commit(vec![put(n)]).wait()?;
    }
    println!("a commit alone: {:?}", at.elapsed() / 100);

    let snapshot = store.snapshot().wait()?;
    let at = Watch::start();
    let text = tfstate::export(&snapshot);
    println!("exported {} MB: {}", text.len() >> 20, at.told());
    let at = Watch::start();
    let imported = tfstate::import(&text)?;
    println!("imported {} rows: {}", imported.rows().len(), at.told());
    drop(store);
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}
