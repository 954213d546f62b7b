//! The journal of this machine on a disk that is full or only to be read, and one that was damaged before the next run:
//! nothing that was acknowledged is lost without a word.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use terrane::backends::Unsent;
use terrane::model::Value;
use terrane::state::{StateError, Store, Workspace};

use super::beds::{self, Bed, Machine, take};
use super::suite::names;
use crate::state_rows::{data_row, put};
use crate::support::disk::Disk;

macro_rules! journals {
    ($($bed:ident),*) => {$(
        mod $bed {
            #[test]
            fn a_full_disk_refuses_what_it_cannot_keep() {
                super::a_full_disk_refuses_what_it_cannot_keep(&super::beds::$bed());
            }

            #[test]
            fn the_store_takes_what_this_machine_cannot_keep() {
                super::the_store_takes_what_this_machine_cannot_keep(&super::beds::$bed());
            }

            #[test]
            fn no_damage_of_a_journal_goes_unnoticed() {
                super::no_damage_of_a_journal_goes_unnoticed(&super::beds::$bed());
            }
        }
    )*};
}

journals!(s3, http, pg);

fn write(store: &Arc<dyn Store>, name: &str) -> Result<(), StateError> {
    store.commit(vec![put(data_row(name, Value::string("x".repeat(2_000))))]).wait()
}

fn read(machine: &Machine<'_>) -> Vec<String> {
    names(&machine.backend().read(&Workspace::default()).unwrap().unwrap())
}

/// In an outage and on a full disk there is no place for an outcome: that is an error, and what was kept before is sent.
fn a_full_disk_refuses_what_it_cannot_keep(bed: &Bed) {
    let here = Machine::new(bed);
    let Some(disk) = Disk::at(&here.folder().join("unsent"), 256) else { return };
    let store = here.open();
    take(&*store, "anna").unwrap();
    write(&store, "a.before").unwrap();
    bed.way.cut();
    write(&store, "a.during").unwrap();
    disk.fill();
    for name in ["a.lost", "a.lost_too"] {
        let refused = write(&store, name).unwrap_err();
        assert!(matches!(refused, StateError::Journal { .. }), "{refused}");
        let told = refused.to_string();
        assert!(
            told.contains("unsent/") && told.contains("the disk is full") && told.contains("free some space"),
            "{told}"
        );
    }
    disk.make_room();
    write(&store, "a.later").unwrap();
    drop(store);
    bed.way.mend();
    here.clock().pass(beds::LONG);
    here.free();
    assert_eq!(read(&here), ["a.before", "a.during", "a.later"]);
    assert_eq!(here.leftovers(), 0);
}

/// A folder that takes nothing is no reason not to write to a store that does.
fn the_store_takes_what_this_machine_cannot_keep(bed: &Bed) {
    let here = Machine::new(bed);
    let Some(disk) = Disk::at(&here.folder().join("unsent"), 256) else { return };
    let store = here.open();
    take(&*store, "anna").unwrap();
    write(&store, "a.before").unwrap();
    disk.fill();
    write(&store, "a.full").unwrap();
    store.release().wait().unwrap();
    disk.make_room();
    disk.only_to_be_read();
    take(&*store, "anna").unwrap();
    write(&store, "a.read_only").unwrap();
    bed.way.cut();
    let refused = write(&store, "a.lost").unwrap_err();
    assert!(matches!(refused, StateError::Journal { .. }), "{refused}");
    assert!(refused.to_string().contains("Read-only") || refused.to_string().contains("readonly"), "{refused}");
    bed.way.mend();
    here.clock().pass(beds::LONG);
    drop(store);
    here.free();
    // What was refused may be there all the same.
    let but_lost =
        |machine: &Machine<'_>| read(machine).into_iter().filter(|name| name != "a.lost").collect::<Vec<_>>();
    assert_eq!(but_lost(&here.another()), ["a.before", "a.full", "a.read_only"]);
    disk.writable();
    assert_eq!(but_lost(&here), ["a.before", "a.full", "a.read_only"]);
}

/// Leaves a journal with three commits behind, and gives its file.
fn left_behind(here: &Machine<'_>, bed: &Bed) -> PathBuf {
    let store = here.open();
    take(&*store, "anna").unwrap();
    write(&store, "a.before").unwrap();
    store.flush().wait().unwrap();
    bed.way.cut();
    ["a.one", "a.two", "a.three"].into_iter().for_each(|name| write(&store, name).unwrap());
    drop(store);
    bed.way.mend();
    here.clock().pass(beds::LONG);
    here.free();
    let is_damaged = |path: &PathBuf| path.to_string_lossy().contains(".damaged-");
    here.journals().into_iter().map(|(path, _)| path).find(|path| !is_damaged(path)).unwrap()
}

/// Whatever is cut off or flipped in what waits to be sent: the next run says so and sends nothing, or sends it all.
fn no_damage_of_a_journal_goes_unnoticed(bed: &Bed) {
    let here = Machine::new(bed);
    let path = left_behind(&here, bed);
    let good = fs::read(&path).unwrap();
    let mut damages: Vec<Vec<u8>> = (0..8).map(|eighth| good[..good.len() * eighth / 8].to_vec()).collect();
    let first = good.windows(8).position(|w| w == b"xxxxxxxx").unwrap();
    for at in (0..good.len()).step_by(good.len() / 12).chain([first + 100]) {
        let mut bytes = good.clone();
        bytes[at..(at + 24).min(good.len())].iter_mut().for_each(|byte| *byte ^= 0x24);
        damages.push(bytes);
    }
    let mut noticed = 0;
    for (n, bytes) in damages.iter().enumerate() {
        fs::write(&path, bytes).unwrap();
        match here.backend().read(&Workspace::default()) {
            Ok(found) => {
                assert_eq!(names(&found.unwrap()), ["a.before", "a.one", "a.three", "a.two"], "damage {n}");
                // All is sent: the rest has nothing to lose any more.
                break;
            }
            Err(refused) => {
                assert!(matches!(refused, StateError::DamagedJournal { .. }), "damage {n}: {refused}");
                let told = refused.to_string();
                assert!(told.contains("unsent/") && told.contains("terrane init -unsent=push"), "{told}");
                assert_eq!(&fs::read(&path).unwrap(), bytes, "damage {n}: it was left as it was");
                noticed += 1;
            }
        }
    }
    assert!(noticed >= 8, "{noticed} of {} are noticed", damages.len());

    // What can be read of it is sent where that is asked for, and the file is kept.
    let there = Machine::new(bed);
    let before = read(&there);
    let path = left_behind(&there, bed);
    let good = fs::read(&path).unwrap();
    let last = good.windows(7).rposition(|w| w == b"a.three").unwrap();
    let mut bytes = good.clone();
    bytes[last] ^= 1;
    fs::write(&path, &bytes).unwrap();
    assert!(there.backend().read(&Workspace::default()).is_err());
    let sent = there.backend_that(Unsent::Push).read(&Workspace::default()).unwrap().unwrap();
    assert!(names(&sent).contains(&"a.two".to_string()), "{before:?}");
    let kept = |machine: &Machine<'_>| {
        machine.journals().into_iter().filter(|(path, _)| path.to_string_lossy().contains(".damaged-")).count()
    };
    assert_eq!((kept(&there), there.leftovers()), (1, 1));
    let path = left_behind(&there, bed);
    fs::write(&path, b"").unwrap();
    there.backend_that(Unsent::Discard).read(&Workspace::default()).unwrap();
    assert_eq!((kept(&there), there.leftovers()), (2, 2));
    read(&there);
}
