//! The command, killed at each point between two things that must not be torn apart, and run again: on the sandbox with
//! the state in a file, and on moto with the state in other stores. The cloud must then hold what the state holds, and
//! nothing may be open: no intent, no lock, no commit that waits.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use terrane::backends::Unsent;
use terrane::model::KillPoint;
use terrane::ops::rehearsal::sandbox_path;
use terrane::state::{SqliteStore, Store, Surroundings, Workspace, read_snapshot};

use crate::backends::beds::{self, Bed};
use crate::properties::lab::inventory;
use crate::support::boto::{Boto, state_inventory};
use crate::support::cli::{KillSwitch, Run, Stack, Terrane};
use crate::support::moto;

/// Objects that are made; then one changes, one is replaced in each order, one goes and one comes; then all go.
fn steps() -> [String; 3] {
    const GATEWAY: &str = "resource \"aws_internet_gateway\" \"main\" {\n  vpc_id = aws_vpc.main.id\n}\n";
    const GROUP: &str =
        "resource \"aws_security_group\" \"main\" {\n  name   = \"main\"\n  vpc_id = aws_vpc.main.id\n}\n";
    [network("one", 1) + GATEWAY, network("two", 11) + GROUP, String::new()]
}

fn network(step: &str, third: u8) -> String {
    format!(
        r#"
resource "aws_vpc" "main" {{
  cidr_block = "10.0.0.0/16"
  tags       = {{ step = "{step}" }}
}}
resource "aws_subnet" "a" {{
  vpc_id     = aws_vpc.main.id
  cidr_block = "10.0.{third}.0/24"
}}
resource "aws_subnet" "b" {{
  vpc_id     = aws_vpc.main.id
  cidr_block = "10.0.{}.0/24"
  lifecycle {{
    create_before_destroy = true
  }}
}}
"#,
        third + 1
    )
}

/// Where a run is killed: a point, and the how manieth time it is come to.
type Kill = (KillPoint, usize);

fn name(point: KillPoint) -> &'static str {
    KillPoint::ALL.iter().find(|(known, _)| *known == point).map(|(_, name)| *name).unwrap()
}

fn at(run: Terrane, (point, nth): Kill) -> Terrane {
    run.env("TERRANE_KILL_AT", format!("{}:{nth}", name(point)))
}

/// Goes through the steps, each killed once and then run to its end. Gives the number of kills.
fn go_through(stack: &Stack, kill: Kill, apply: &dyn Fn() -> Terrane, compare: &dyn Fn(&str)) -> usize {
    let mut killed = 0;
    for (n, step) in steps().iter().enumerate() {
        stack.write("main.tf", step);
        let what = format!("killed at {} for the {}. time in step {n}", name(kill.0), kill.1);
        if kill.0 == KillPoint::Settling {
            // There is something to settle.
            at(apply(), (KillPoint::CallAnswered, 1)).run();
        }
        let first = at(apply(), kill).run();
        killed += usize::from(first.status.is_none());
        let last = apply().run();
        assert_eq!(last.status, Some(0), "{what}\n{first}\n{last}");
        compare(&what);
    }
    killed
}

#[test]
fn a_state_file_survives_a_kill_at_every_point() {
    use KillPoint::*;
    let nths = [(LockTaken, 1), (Settling, 1), (Unlocking, 1)].into_iter();
    let each = [IntentWritten, CallAnswered, OutcomeWritten, CommitReady, Committed];
    let mut killed = 0;
    for kill in nths.chain(each.into_iter().flat_map(|point| [(point, 1), (point, 2), (point, 4)])) {
        let stack = Stack::new();
        let data = stack.dir().join(".terrane");
        let compare = |what: &str| {
            let path = Workspace::default().state_path(&data);
            let state = read_snapshot(&path).unwrap().unwrap();
            let id = |r: &terrane::state::StoredInstance| r.remote_id.as_deref().unwrap_or_default().to_string();
            let mut rows: Vec<_> = state.rows().iter().map(|r| (r.address.ty().to_string(), id(r))).collect();
            rows.sort();
            assert_eq!(rows, inventory(&sandbox_path(&data)), "{what}");
            settled(&SqliteStore::open(&path, Surroundings::default()).unwrap(), what);
        };
        killed += go_through(&stack, kill, &|| stack.terrane(["apply", "-sandbox", "-auto-approve"]), &compare);
    }
    println!("{killed} runs killed at points of a state file");
    assert!(killed >= 40, "{killed}");
}

/// Nothing is open, and whoever comes next need not wait for a lock.
fn settled(store: &dyn Store, what: &str) {
    assert_eq!(store.open_intents().wait().unwrap(), [], "{what}");
    let around = Surroundings::default();
    let live: Vec<_> = store
        .leases()
        .wait()
        .unwrap()
        .into_iter()
        .filter(|l| !l.is_over(&around) && !l.holder_is_gone(&around))
        .collect();
    assert_eq!(live, [], "{what}");
}

fn a_store_survives_a_kill_at_every_point(bed: &Bed, kills: &[Kill]) {
    let moto = moto::Server::start();
    let region = moto.region();
    let boto = Boto::new(moto.url(), region);
    for kill in kills {
        moto.reset();
        let stack = Stack::new();
        // Over HTTP the beginning of a deletion is not sent at once. Where nothing says where the objects are, a plan then
        // does not take those that are not there for deleted.
        let provider = if bed.kind == "http" { "provider \"aws\" {\n}\n" } else { "" };
        stack.write("backend.tf", &(bed.block() + provider));
        stack.terrane(["init"]).run().success();
        let compare = |what: &str| {
            assert_eq!(state_inventory(&stack), boto.inventory("none"), "{what}");
            let backend = bed.backend(&stack.dir().join(".terrane"), Surroundings::default(), Unsent::Refuse);
            settled(&*backend.open(&Workspace::default()).unwrap(), what);
            let unsent = std::fs::read_dir(stack.dir().join(".terrane/unsent")).map_or(0, Iterator::count);
            assert_eq!(unsent, 0, "{what}");
        };
        let apply = || stack.terrane(["apply", "-auto-approve"]).aws(moto.url(), region);
        let killed = go_through(&stack, *kill, &apply, &compare);
        assert!(killed > 0, "{kill:?}");
    }
}

/// What all stores that are elsewhere pass, and a few of the others.
const EVERYWHERE: [Kill; 4] = [
    (KillPoint::IntentWritten, 2),
    (KillPoint::CallAnswered, 1),
    (KillPoint::OutcomeWritten, 2),
    (KillPoint::Unlocking, 1),
];

macro_rules! stores {
    ($($bed:ident: $kills:expr),* $(,)?) => {$(
        #[test]
        fn $bed() {
            let kills: Vec<Kill> = super::EVERYWHERE.into_iter().chain($kills).collect();
            super::a_store_survives_a_kill_at_every_point(&super::beds::$bed(), &kills);
        }
    )*};
}

mod a_store_survives_a_kill_at_every_point {
    use super::Kill;
    use terrane::model::KillPoint::*;

    stores! {
        s3: [(LockTaken, 1), (JournalWritten, 1), (JournalWritten, 4), (JournalSent, 1), (JournalSent, 3), (DocumentWritten, 1), (Settling, 1)],
        azurerm: [(JournalWritten, 2), (JournalSent, 2), (DocumentWritten, 1)],
        http: [(JournalWritten, 2), (DocumentWritten, 2)],
        pg: [(LockTaken, 1), (CommitReady, 1), (CommitReady, 3), (Committed, 1), (Committed, 3), (Settling, 1)],
    }
}

/// Two states, of which the second is written before the first forgets.
#[test]
fn what_moves_to_another_state_is_in_one_of_them_at_least() {
    let stack = Stack::with("main.tf", "resource \"terraform_data\" \"a\" {\n  input = 1\n}\n");
    stack.terrane(["apply", "-auto-approve"]).run().success();
    let mv = || stack.terrane(["state", "mv", "-state-out=other.tfstate", "terraform_data.a", "terraform_data.b"]);
    let killed = at(mv(), (KillPoint::Copied, 1)).run();
    assert_eq!(killed.status, None, "{killed}");
    let listed = |run: Run| run.success().stdout;
    assert_eq!(listed(stack.terrane(["state", "list"]).run()), "terraform_data.a\n");
    assert!(stack.read("other.tfstate").contains("\"b\""));
}

/// A move of all states that was killed is made again.
#[test]
fn a_migration_that_was_killed_is_made_again() {
    let bed = beds::s3();
    let stack = Stack::with("main.tf", "resource \"terraform_data\" \"a\" {\n  input = 1\n}\n");
    stack.terrane(["apply", "-auto-approve"]).run().success();
    let before = stack.terrane(["state", "pull"]).run().success().json();
    stack.write("backend.tf", &bed.block());
    let migrate = || stack.terrane(["init", "-migrate-state", "-force-copy"]);
    let killed = at(migrate(), (KillPoint::Copied, 1)).run();
    assert_eq!(killed.status, None, "{killed}");
    migrate().run().success();
    let after = stack.terrane(["state", "pull"]).run().success().json();
    assert_eq!((&after["lineage"], &after["resources"]), (&before["lineage"], &before["resources"]));
    stack.terrane(["plan", "-detailed-exitcode"]).run().success();
}

/// `make kill-moto N=100` kills so many runs on moto, at any moment and at points.
#[test]
fn runs_on_moto_that_are_killed_at_any_moment_leave_neither_orphans_nor_duplicates() {
    let number =
        |name: &str, otherwise: u64| std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(otherwise);
    let (kills, seed) = (number("TERRANE_MOTO_KILLS", 3), number("TERRANE_KILL_SEED", 1));
    let mut random = StdRng::seed_from_u64(seed);
    let moto = moto::Server::start();
    let region = moto.region();
    let boto = Boto::new(moto.url(), region);
    let mut killed = 0;
    while killed < kills {
        moto.reset();
        let stack = Stack::new();
        let apply = || stack.terrane(["apply", "-auto-approve"]).aws(moto.url(), region);
        for step in steps() {
            stack.write("main.tf", &step);
            for _ in 0..random.random_range(1..4) {
                killed += u64::from(killed_somewhere(apply(), &mut random).status.is_none());
            }
            let last = apply().run().success();
            assert_eq!(state_inventory(&stack), boto.inventory("none"), "seed {seed}, {killed} kills\n{last}");
            let path = Workspace::default().state_path(&stack.dir().join(".terrane"));
            settled(&SqliteStore::open(&path, Surroundings::default()).unwrap(), "at any moment");
        }
    }
    println!("{killed} runs on moto killed, none with orphans or duplicates");
}

fn killed_somewhere(run: Terrane, random: &mut StdRng) -> Run {
    if random.random() {
        let (point, _) = KillPoint::ALL[random.random_range(0..KillPoint::ALL.len())];
        return at(run, (point, random.random_range(1..6))).run();
    }
    let kill = KillSwitch::default();
    let running = run.kill_switch(&kill).spawn();
    std::thread::sleep(Duration::from_millis(random.random_range(50..2500)));
    running.kill();
    running.wait()
}
