//! The disk as the kernel calls it.

use std::ffi::OsStr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use fuser::{
    FileAttr, FileType, Filesystem, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory, ReplyEmpty,
    ReplyEntry, ReplyOpen, ReplyStatfs, ReplyWrite, Request, TimeOrNow,
};
use rustix::io::Errno;

use super::disk::{Attributes, Disk};

/// How long the kernel may believe what it was told: nobody else changes this disk.
const BELIEF: Duration = Duration::from_secs(3600);
const BLOCK: u32 = 4096;
/// Blocks that the disk says it has in all: 64 GiB.
const BLOCKS: u64 = 16 << 20;

pub(super) struct FileSystem(Arc<Mutex<Disk>>);

impl FileSystem {
    pub(super) const fn new(disk: Arc<Mutex<Disk>>) -> Self {
        Self(disk)
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().expect("nobody panics while holding it")
    }
}

fn shown(attributes: &Attributes) -> FileAttr {
    let (kind, perm) =
        if attributes.is_folder { (FileType::Directory, 0o755) } else { (FileType::RegularFile, 0o644) };
    FileAttr {
        ino: attributes.number,
        size: attributes.length,
        blocks: attributes.length.div_ceil(512),
        atime: SystemTime::UNIX_EPOCH,
        mtime: SystemTime::UNIX_EPOCH,
        ctime: SystemTime::UNIX_EPOCH,
        crtime: SystemTime::UNIX_EPOCH,
        kind,
        perm,
        nlink: 1,
        uid: rustix::process::getuid().as_raw(),
        gid: rustix::process::getgid().as_raw(),
        rdev: 0,
        blksize: BLOCK,
        flags: 0,
    }
}

fn entry(found: Result<Attributes, Errno>, reply: ReplyEntry) {
    match found {
        Ok(attributes) => reply.entry(&BELIEF, &shown(&attributes), 0),
        Err(error) => reply.error(error.raw_os_error()),
    }
}

fn empty(done: Result<(), Errno>, reply: ReplyEmpty) {
    match done {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(error.raw_os_error()),
    }
}

impl Filesystem for FileSystem {
    fn lookup(&mut self, _: &Request<'_>, parent: u64, name: &OsStr, reply: ReplyEntry) {
        entry(self.disk().lookup(parent, name), reply);
    }

    fn getattr(&mut self, _: &Request<'_>, ino: u64, _: Option<u64>, reply: ReplyAttr) {
        match self.disk().attributes(ino) {
            Ok(attributes) => reply.attr(&BELIEF, &shown(&attributes)),
            Err(error) => reply.error(error.raw_os_error()),
        }
    }

    fn setattr(
        &mut self,
        _: &Request<'_>,
        ino: u64,
        _mode: Option<u32>,
        _uid: Option<u32>,
        _gid: Option<u32>,
        size: Option<u64>,
        _atime: Option<TimeOrNow>,
        _mtime: Option<TimeOrNow>,
        _ctime: Option<SystemTime>,
        _fh: Option<u64>,
        _crtime: Option<SystemTime>,
        _chgtime: Option<SystemTime>,
        _bkuptime: Option<SystemTime>,
        _flags: Option<u32>,
        reply: ReplyAttr,
    ) {
        let mut disk = self.disk();
        let changed = size.map_or(Ok(()), |length| disk.set_length(ino, length));
        match changed.and_then(|()| disk.attributes(ino)) {
            Ok(attributes) => reply.attr(&BELIEF, &shown(&attributes)),
            Err(error) => reply.error(error.raw_os_error()),
        }
    }

    fn mkdir(
        &mut self,
        _: &Request<'_>,
        parent: u64,
        name: &OsStr,
        _mode: u32,
        _umask: u32,
        reply: ReplyEntry,
    ) {
        entry(self.disk().create(parent, name, true), reply);
    }

    fn unlink(&mut self, _: &Request<'_>, parent: u64, name: &OsStr, reply: ReplyEmpty) {
        empty(self.disk().remove(parent, name, false), reply);
    }

    fn rmdir(&mut self, _: &Request<'_>, parent: u64, name: &OsStr, reply: ReplyEmpty) {
        empty(self.disk().remove(parent, name, true), reply);
    }

    fn rename(
        &mut self,
        _: &Request<'_>,
        parent: u64,
        name: &OsStr,
        new_parent: u64,
        new_name: &OsStr,
        _flags: u32,
        reply: ReplyEmpty,
    ) {
        empty(self.disk().rename((parent, name), (new_parent, new_name)), reply);
    }

    fn open(&mut self, _: &Request<'_>, ino: u64, _flags: i32, reply: ReplyOpen) {
        match self.disk().attributes(ino) {
            Ok(_) => reply.opened(0, 0),
            Err(error) => reply.error(error.raw_os_error()),
        }
    }

    fn create(
        &mut self,
        _: &Request<'_>,
        parent: u64,
        name: &OsStr,
        _mode: u32,
        _umask: u32,
        _flags: i32,
        reply: ReplyCreate,
    ) {
        match self.disk().create(parent, name, false) {
            Ok(attributes) => reply.created(&BELIEF, &shown(&attributes), 0, 0, 0),
            Err(error) => reply.error(error.raw_os_error()),
        }
    }

    fn read(
        &mut self,
        _: &Request<'_>,
        ino: u64,
        _fh: u64,
        offset: i64,
        size: u32,
        _flags: i32,
        _lock: Option<u64>,
        reply: ReplyData,
    ) {
        match self.disk().read(ino, offset.unsigned_abs(), size as usize) {
            Ok(bytes) => reply.data(bytes),
            Err(error) => reply.error(error.raw_os_error()),
        }
    }

    fn write(
        &mut self,
        _: &Request<'_>,
        ino: u64,
        _fh: u64,
        offset: i64,
        data: &[u8],
        _write_flags: u32,
        _flags: i32,
        _lock: Option<u64>,
        reply: ReplyWrite,
    ) {
        match self.disk().write(ino, offset.unsigned_abs(), data) {
            // A request of the kernel is far below 4 GiB.
            Ok(()) => reply.written(u32::try_from(data.len()).unwrap_or(u32::MAX)),
            Err(error) => reply.error(error.raw_os_error()),
        }
    }

    /// Closing a file promises nothing.
    fn flush(&mut self, _: &Request<'_>, _ino: u64, _fh: u64, _lock: u64, reply: ReplyEmpty) {
        reply.ok();
    }

    fn fsync(&mut self, _: &Request<'_>, ino: u64, _fh: u64, _datasync: bool, reply: ReplyEmpty) {
        empty(self.disk().sync(ino), reply);
    }

    fn fsyncdir(&mut self, _: &Request<'_>, ino: u64, _fh: u64, _datasync: bool, reply: ReplyEmpty) {
        empty(self.disk().sync(ino), reply);
    }

    fn readdir(&mut self, _: &Request<'_>, ino: u64, _fh: u64, offset: i64, mut reply: ReplyDirectory) {
        let entries = match self.disk().list(ino) {
            Ok(entries) => entries,
            Err(error) => return reply.error(error.raw_os_error()),
        };
        let dots = [(ino, true, ".".into()), (ino, true, "..".into())];
        let skipped = usize::try_from(offset).unwrap_or(0);
        for (index, (number, is_folder, name)) in dots.into_iter().chain(entries).enumerate().skip(skipped) {
            let kind = if is_folder { FileType::Directory } else { FileType::RegularFile };
            let next = i64::try_from(index + 1).unwrap_or(i64::MAX);
            if reply.add(number, next, kind, name) {
                break;
            }
        }
        reply.ok();
    }

    fn statfs(&mut self, _: &Request<'_>, _ino: u64, reply: ReplyStatfs) {
        let free = self.disk().free(BLOCKS * u64::from(BLOCK)) / u64::from(BLOCK);
        reply.statfs(BLOCKS, free, free, 1 << 20, 1 << 20, BLOCK, 255, BLOCK);
    }

    fn fallocate(
        &mut self,
        _: &Request<'_>,
        ino: u64,
        _fh: u64,
        offset: i64,
        length: i64,
        mode: i32,
        reply: ReplyEmpty,
    ) {
        // Plain allocation is a promise of space and a new length; the other modes may be missing.
        if mode != 0 {
            return reply.error(Errno::OPNOTSUPP.raw_os_error());
        }
        let end = offset.unsigned_abs() + length.unsigned_abs();
        let mut disk = self.disk();
        let done = disk
            .attributes(ino)
            .and_then(|now| if end > now.length { disk.set_length(ino, end) } else { Ok(()) });
        drop(disk);
        empty(done, reply);
    }
}
