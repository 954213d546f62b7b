//! A disk that is small, or that can only be read: a file system in memory, where this user may make one.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// It goes with the value.
pub struct Disk {
    path: PathBuf,
}

impl Disk {
    /// A disk of so many kilobytes in this folder, which is made; nothing where that is not allowed, which is printed.
    pub fn at(path: &Path, kilobytes: usize) -> Option<Disk> {
        fs::create_dir_all(path).expect("folders can be made");
        let disk = Disk { path: path.to_path_buf() };
        let made = disk.mount(&["-t", "tmpfs", "-o", &format!("size={kilobytes}k"), "tmpfs"]);
        if !made {
            println!("no disk can be made here: this was not tested");
        }
        made.then_some(disk)
    }

    fn mount(&self, arguments: &[&str]) -> bool {
        let done = Command::new("mount").args(arguments).arg(&self.path).output();
        done.is_ok_and(|output| output.status.success())
    }

    /// Leaves no room on it.
    pub fn fill(&self) {
        let mut file = OpenOptions::new().create(true).append(true).open(self.path.join("filler")).unwrap();
        for size in [4096, 1] {
            while file.write_all(&vec![b'x'; size]).is_ok() {}
        }
    }

    pub fn make_room(&self) {
        fs::remove_file(self.path.join("filler")).unwrap();
    }

    pub fn only_to_be_read(&self) {
        assert!(self.mount(&["-o", "remount,ro"]));
    }

    pub fn writable(&self) {
        assert!(self.mount(&["-o", "remount,rw"]));
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // What is left of it goes with the machine.
        let _gone = Command::new("umount").arg("-l").arg(&self.path).output();
    }
}
