//! The disk that the power-cut test stands on keeps what was synced and may forget the rest.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::FileExt as _;
use std::process::{Command, Stdio};

use tests::power_cut::PowerCutDisk;
use tests::skip;

#[test]
fn what_was_synced_survives_every_cut() {
    for seed in 0..20 {
        let Some(mut disk) = PowerCutDisk::mount(seed) else { return };
        let mut file = File::create(disk.join("kept")).unwrap();
        file.write_all(&[7; 100_000]).unwrap();
        file.sync_data().unwrap();
        File::open(disk.path()).unwrap().sync_all().unwrap();
        file.write_all(&[9; 100_000]).unwrap();
        drop(file);
        disk.cut();
        assert!(fs::read(disk.join("kept")).is_err() || File::create(disk.join("late")).is_err());
        disk.restore();
        let content = fs::read(disk.join("kept")).unwrap();
        assert!(content[..100_000].iter().all(|byte| *byte == 7), "seed {seed}");
        assert!(content[100_000..].iter().all(|byte| matches!(byte, 0 | 9)), "seed {seed}");
    }
}

#[test]
fn what_was_not_synced_is_lost_by_some_cut() {
    let (mut lost_content, mut lost_name, mut torn, mut undone_rename) = (false, false, false, false);
    for seed in 0..60 {
        let Some(mut disk) = PowerCutDisk::mount(seed) else { return };
        let old = disk.join("old");
        fs::write(&old, vec![1; 50_000]).unwrap();
        File::open(&old).unwrap().sync_data().unwrap();
        File::open(disk.path()).unwrap().sync_all().unwrap();
        OpenOptions::new().write(true).open(&old).unwrap().write_all_at(&[2; 50_000], 0).unwrap();
        fs::write(disk.join("new"), b"new").unwrap();
        fs::write(disk.join("a"), b"a").unwrap();
        fs::rename(disk.join("a"), disk.join("b")).unwrap();
        disk.cut();
        disk.restore();
        let content = fs::read(&old).unwrap();
        lost_content |= content.iter().all(|byte| *byte == 1);
        torn |= content.contains(&1) && content.contains(&2);
        lost_name |= !disk.join("new").exists();
        undone_rename |= disk.join("a").exists();
    }
    assert!(
        lost_content && lost_name && torn && undone_rename,
        "{lost_content} {lost_name} {torn} {undone_rename}"
    );
}

#[test]
fn the_same_seed_forgets_the_same() {
    let survivors = |seed| {
        let mut disk = PowerCutDisk::mount(seed)?;
        for number in 0..20 {
            fs::write(disk.join(&format!("file-{number}")), vec![number; 10_000]).unwrap();
        }
        disk.cut();
        disk.restore();
        let mut found: Vec<_> = fs::read_dir(disk.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| (path.file_name().unwrap().to_owned(), fs::read(path).unwrap()))
            .collect();
        found.sort();
        Some(found)
    };
    let Some(first) = survivors(5) else { return };
    assert_eq!(Some(first), survivors(5));
}

/// `SQLite` runs as a process of its own: one that serves a disk must not map files of it.
#[test]
fn sqlite_keeps_what_it_committed() {
    let Some(sqlite) = skip::program("sqlite3") else { return };
    for seed in 0..10 {
        let Some(mut disk) = PowerCutDisk::mount(seed) else { return };
        let path = disk.join("index.sqlite");
        let mut child =
            Command::new(&sqlite).arg(&path).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut sql = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;\n\
            CREATE TABLE entry (id INTEGER PRIMARY KEY, name TEXT);\n"
            .to_owned();
        for number in 0..50 {
            sql.push_str(&format!("INSERT INTO entry VALUES ({number}, 'committed');\n"));
        }
        sql.push_str("BEGIN; INSERT INTO entry VALUES (1000, 'open'); SELECT 'so far';\n");
        let mut input = child.stdin.take().unwrap();
        input.write_all(sql.as_bytes()).unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        assert!(output.lines().any(|line| line.unwrap() == "so far"), "seed {seed}");
        disk.cut();
        child.kill().unwrap();
        child.wait().unwrap();
        disk.restore();
        let answer = Command::new(&sqlite)
            .arg(&path)
            .arg("PRAGMA integrity_check; SELECT count(*) FROM entry")
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&answer.stdout), "ok\n50\n", "seed {seed}");
    }
}

#[test]
fn a_full_disk_and_a_failing_sync_are_told() {
    let Some(disk) = PowerCutDisk::mount(1) else { return };
    disk.limit(100_000);
    let mut file = File::create(disk.join("file")).unwrap();
    file.write_all(&[1; 90_000]).unwrap();
    let refused = file.write_all(&[1; 90_000]).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::StorageFull);
    disk.fail_syncs(1);
    assert!(file.sync_data().is_err());
    file.sync_data().unwrap();
    assert!(disk.syncs() >= 1);
}
