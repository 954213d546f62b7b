//! Files of saved plans that are damaged, or that cannot be written: told clearly, and nothing else changes.

use std::fs;
use std::sync::Arc;

use terrane::ops::plan_file::{self, PlanFileError};
use terrane::state::seal::{Encryption, RawKey};

use crate::support::cli::Stack;
use crate::support::disk::Disk;

fn stack() -> Stack {
    let text = "variable \"v\" {\n  default = \"x\"\n}\nresource \"terraform_data\" \"a\" {\n  input = var.v\n}\n\
                output \"o\" {\n  value = terraform_data.a.id\n}\n";
    let stack = Stack::with("main.tf", text);
    stack.terrane(["plan", "-out=whole.plan"]).run().success();
    stack
}

/// Whatever is cut off or flipped: an error that names the file, or the same plan, never another and never a panic.
#[test]
fn no_damage_of_a_plan_goes_unnoticed() {
    let stack = stack();
    let path = stack.dir().join("whole.plan");
    let plain = Encryption::default();
    let sealed = Encryption::sealed(Arc::new(RawKey::parse("the key", &[7; 32]).unwrap()));
    let whole = plan_file::read(&path, &plain).unwrap();
    let expected = format!("{whole:?}");
    for (encryption, fewest) in [(plain, 0.9), (sealed, 1.0)] {
        plan_file::write(&path, &whole, &encryption).unwrap();
        let good = fs::read(&path).unwrap();
        let read = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            match plan_file::read(&path, &encryption) {
                Ok(found) => {
                    assert_eq!(format!("{found:?}"), expected);
                    false
                }
                Err(error) => {
                    assert!(error.to_string().contains("whole.plan"), "{error}");
                    true
                }
            }
        };
        for eighth in 0..8 {
            assert!(read(&good[..good.len() * eighth / 8]), "cut at {eighth}/8");
        }
        assert!(read(&good[..good.len() - 1]));
        let places: Vec<usize> = (0..good.len()).step_by(7).collect();
        let flipped = |at: &&usize| {
            let mut bytes = good.clone();
            bytes[**at] ^= 1 << (**at % 8);
            read(&bytes)
        };
        let noticed = places.iter().filter(flipped).count();
        // A few bits at the beginning of what is compressed mean nothing.
        assert!(noticed as f64 >= places.len() as f64 * fewest, "{noticed} of {} are noticed", places.len());
    }
}

#[test]
fn a_damaged_plan_is_told_and_changes_nothing() {
    let stack = stack();
    let good = fs::read(stack.dir().join("whole.plan")).unwrap();
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 4;
    let key = Encryption::sealed(Arc::new(RawKey::parse("the key", &[7; 32]).unwrap()));
    let whole = plan_file::read(&stack.dir().join("whole.plan"), &Encryption::default()).unwrap();
    plan_file::write(&stack.dir().join("sealed.plan"), &whole, &key).unwrap();
    let sealed = fs::read(stack.dir().join("sealed.plan")).unwrap();
    let future = [b"terrane plan 7\n", &good[15..]].concat();
    let cases: [(&[u8], &str, &str); 8] = [
        (&good[..good.len() / 2], "is damaged", "make a new plan"),
        (&flipped, "is damaged", "make a new plan"),
        (&good[..9], "is damaged: it ends in the middle", "make a new plan"),
        (b"", "is not a saved plan: the file is empty", "terrane plan -out=FILE"),
        (b"PK\x03\x04and more", "as the plans of Terraform are", "terrane plan -out=FILE"),
        (b"{\"format_version\": \"1.2\"}", "is not a saved plan", "terrane plan -out=FILE"),
        (&future, "has format 7, this terrane knows format 2", "with the terrane that made it"),
        (&sealed[..sealed.len() / 2], "no key is configured", "TERRANE_ENCRYPTION"),
    ];
    for (bytes, what, next) in cases {
        fs::write(stack.dir().join("damaged.plan"), bytes).unwrap();
        for command in ["show", "apply"] {
            let told = stack.terrane([command, "damaged.plan"]).run().expect_status(1);
            let said = told.said();
            assert!(said.contains(what) && said.contains(next) && said.contains("damaged.plan"), "{told}");
        }
        assert_eq!(fs::read(stack.dir().join("damaged.plan")).unwrap(), bytes);
    }
    assert_eq!(stack.terrane(["state", "list"]).run().success().stdout, "");
}

/// The old plan of the name stays whole, and no half of a new one stands anywhere.
#[test]
fn a_plan_that_cannot_be_written_leaves_the_one_before() {
    let stack = stack();
    let Some(disk) = Disk::at(&stack.dir().join("disk"), 64) else { return };
    let good = fs::read(stack.dir().join("whole.plan")).unwrap();
    fs::write(stack.dir().join("disk/old.plan"), &good).unwrap();
    let names = || {
        let mut names: Vec<_> =
            fs::read_dir(stack.dir().join("disk")).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let refused = |name: &str, what: &str| {
        let before = names();
        let refused = stack.terrane(["plan", &format!("-out=disk/{name}")]).run().expect_status(1);
        assert!(refused.said().contains(what) && refused.said().contains(name), "{refused}");
        assert_eq!(names(), before);
        assert_eq!(fs::read(stack.dir().join("disk/old.plan")).unwrap(), good);
    };
    disk.fill();
    refused("old.plan", "the disk is full");
    refused("new.plan", "free some space");
    disk.make_room();
    disk.only_to_be_read();
    refused("old.plan", "Read-only file system");
    refused("new.plan", "written by this user");
    disk.writable();
    refused("no/where.plan", "No such file or directory");
    stack.terrane(["plan", "-out=disk/old.plan"]).run().success();
    stack.terrane(["apply", "disk/old.plan"]).run().success();
}

#[cfg(unix)]
#[test]
fn a_plan_goes_where_a_link_leads() {
    let stack = stack();
    let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, stack.dir().join(name)).unwrap();
    link("whole.plan", "link.plan");
    link("/dev/null", "nowhere.plan");
    fs::write(stack.dir().join("whole.plan"), "old").unwrap();
    for name in ["link.plan", "nowhere.plan"] {
        stack.terrane(["plan", &format!("-out={name}")]).run().success();
        assert!(fs::symlink_metadata(stack.dir().join(name)).unwrap().is_symlink(), "{name}");
    }
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
    let read = plan_file::read(&stack.dir().join("whole.plan"), &Encryption::default());
    assert!(!matches!(read, Err(PlanFileError::Damaged { .. })));
    stack.terrane(["apply", "link.plan"]).run().success();
}
