//! What leaves a log: offsets before its start, segments that only have such, and segments that compaction has replaced.
//!
//! Owns which files may go and when. Leaves who decides it to the core, and the files to [`crate::segment::SegmentWriter`].
//!
//! A segment leaves in four steps: it is dropped here, so that no new read begins in it; a checkpoint is made that does not know it; the
//! last read that began earlier ends; then its files go. One that replaces others is written under names of its own (`.swap`), and gets
//! theirs in the last step. A crash between any two of these is settled by the checkpoint: recovery removes what it does not know, and
//! renames what it knows as `swap`.
//!
//! Invariant: no file is removed or replaced that a durable checkpoint or a read still needs.

use alloc::{collections::VecDeque, vec::Vec};

use super::{Lease, Log, LogDir, SegmentState, segment::Segment};

/// Files to remove, and then to rename: all in one folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// The log's folder.
    pub dir: LogDir,
    /// Base offsets of the segments whose files go.
    pub remove: Vec<i64>,
    /// Base offset of the segment whose files lose the `.swap` at their end, replacing those that have the name.
    pub rename: Option<i64>,
}

/// Segments on their way out.
#[derive(Debug, Default)]
pub(super) struct Leaving {
    groups: VecDeque<Group>,
    /// A removal was handed out.
    removing: bool,
    /// Files have lost their `.swap`, and a checkpoint would have recovery look for it: until then there may be no other such files.
    renamed: Option<Known>,
}

impl Leaving {
    /// Of a log whose last checkpoint knows of files named `.swap`, or does not.
    pub fn restore(renamed: bool) -> Self {
        Self { renamed: renamed.then_some(Known::Last), ..Self::default() }
    }

    /// True if files named `.swap` would be taken for others.
    pub fn is_renamed(&self) -> bool {
        self.renamed.is_some()
    }
}

#[derive(Debug)]
struct Group {
    segments: Vec<(i64, Lease)>,
    rename: Option<i64>,
    known: Known,
}

/// Which checkpoint would still bring it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Last,
    OneBefore,
    Gone,
}

impl Log {
    /// Its segments as appended to, oldest first.
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = &SegmentState> {
        self.segments.iter().map(Segment::state)
    }

    /// Ends the last segment: the next batch begins a new one.
    pub fn roll(&mut self) {
        if let Some(last) = self.segments.last_mut().filter(|last| !last.is_closed()) {
            last.close();
        }
    }

    /// From now on nothing before `offset` can be read; segments that have nothing else leave, but the last one only if it was ended.
    ///
    /// # Panics
    /// If the log ends before: the core has to know.
    pub fn set_start(&mut self, offset: i64) {
        assert!(offset <= self.next_offset, "a log starts at {offset} and ends at {}", self.next_offset);
        self.start_offset = self.start_offset.max(offset);
        self.drop_old();
    }

    /// Drops segments below the start, oldest first, as far as they are in their files.
    pub(super) fn drop_old(&mut self) {
        let mut gone = Vec::new();
        while let Some(first) = self.segments.first() {
            let ends = first.state().next_offset.max(self.segments.get(1).map_or(0, |next| next.state().base_offset));
            let active = self.segments.len() == 1 && !first.is_closed();
            if ends > self.start_offset
                || active
                || !first.is_written()
                || first.state().swap
                || self.writing
                || self.cleaning
            {
                break;
            }
            let first = self.segments.remove(0);
            gone.push((first.state().base_offset, first.lease()));
            self.forget_memory_below(ends);
        }
        if !gone.is_empty() {
            self.leave(gone, None);
        }
    }

    /// Segments have left; the one to `rename`, if there is one, takes the place of the first.
    pub(super) fn leave(&mut self, segments: Vec<(i64, Lease)>, rename: Option<i64>) {
        self.leaving.groups.push_back(Group { segments, rename, known: Known::Last });
    }

    /// Batches before `offset` leave memory.
    pub(super) fn forget_memory_below(&mut self, offset: i64) {
        while self.memory.pop_front_if(|held| held.last_offset < offset).is_some() {}
        self.memory_from = self.memory_from.max(offset).min(self.next_offset);
    }

    /// True if segments have left that the last checkpoint knows: another one lets their files go.
    pub fn wants_checkpoint(&self) -> bool {
        self.leaving.is_renamed() || self.leaving.groups.iter().any(|group| group.known != Known::Gone)
    }

    /// A checkpoint is made of this moment's [`Log::state`].
    pub fn checkpointing(&mut self) {
        let groups = self.leaving.groups.iter_mut().map(|group| &mut group.known);
        groups.chain(&mut self.leaving.renamed).filter(|known| **known == Known::Last).for_each(|known| {
            *known = Known::OneBefore;
        });
    }

    /// It is durable.
    pub fn checkpointed(&mut self) {
        self.leaving.groups.iter_mut().filter(|group| group.known == Known::OneBefore).for_each(|group| {
            group.known = Known::Gone;
        });
        self.leaving.renamed = self.leaving.renamed.filter(|known| *known != Known::OneBefore);
    }

    /// True if files may go as soon as nobody reads them.
    pub fn has_removal(&self) -> bool {
        !self.leaving.removing && self.leaving.groups.front().is_some_and(|group| group.known == Known::Gone)
    }

    /// Files that may go; say [`Log::removed`] when they have.
    pub fn take_removal(&mut self) -> Option<Removal> {
        let group = self.leaving.groups.front().filter(|_| self.has_removal())?;
        if !group.segments.iter().all(|(_, lease)| lease.is_over()) {
            return None;
        }
        self.leaving.removing = true;
        let kept = |base: &i64| Some(*base) != group.rename;
        let remove = group.segments.iter().map(|(base, _)| *base).filter(kept).collect();
        Some(Removal { dir: self.dir.clone(), remove, rename: group.rename })
    }

    /// What was taken last is done.
    pub fn removed(&mut self) {
        if core::mem::take(&mut self.leaving.removing) {
            let group = self.leaving.groups.pop_front().expect("a removal was taken");
            if let Some(base) = group.rename {
                let renamed = self.segments.iter_mut().find(|segment| segment.state().base_offset == base);
                renamed.into_iter().for_each(Segment::swapped);
                self.leaving.renamed = Some(Known::Last);
            }
        }
        self.drop_old();
    }
}

#[cfg(test)]
mod tests {
    use alloc::{string::String, vec, vec::Vec};

    use super::*;
    use crate::{
        batch::{BatchInfo, Builder, stamp},
        buffer::Pool,
        disk::{Disk, Open},
        entry::PartitionId,
        log::LogSettings,
        segment::{SegmentReader, SegmentWriter},
        testdisk::TestDisk,
    };

    const P: PartitionId = PartitionId { topic: [1; 16], partition: 0 };
    const SETTINGS: LogSettings =
        LogSettings { segment_bytes: 1, segment_ms: i64::MAX, index_interval_bytes: 0, index_max_bytes: 10 << 20 };

    fn append(log: &mut Log) {
        let mut builder = Builder::new();
        builder.push(1, None, Some(b"value"), &[]);
        let mut bytes = builder.finish();
        stamp(&mut bytes, log.next_offset(), 0);
        log.append(&BatchInfo::parse(&bytes).unwrap(), bytes.into());
    }

    /// A log of four batches, each a segment, all in files and out of memory; and its disk.
    fn written() -> (TestDisk, SegmentWriter<TestDisk>, Log) {
        let (disk, mut log) = (TestDisk::default(), Log::new(P, "t", SETTINGS));
        (0..4).for_each(|_| append(&mut log));
        let mut writer = SegmentWriter::new(disk.clone());
        writer.write(&log.take_writes()).unwrap();
        log.written();
        (disk, writer, log)
    }

    fn bases(log: &Log) -> Vec<i64> {
        log.segments().map(|segment| segment.base_offset).collect()
    }

    fn logs(disk: &TestDisk) -> Vec<String> {
        disk.list("t-0").unwrap().into_iter().filter(|name| name.ends_with(".log")).collect()
    }

    #[test]
    fn segments_below_the_start_leave_but_the_last_one_only_once_it_has_ended() {
        let check = |start, roll: bool, expected: &[i64]| {
            let (_, _, mut log) = written();
            if roll {
                log.roll();
                log.take_writes();
                log.written();
            }
            log.set_start(start);
            assert_eq!((bases(&log), log.start_offset()), (expected.to_vec(), start));
            append(&mut log);
            assert_eq!(log.next_offset(), 5, "it goes on where it was");
        };
        check(0, false, &[0, 1, 2, 3]);
        check(1, false, &[1, 2, 3]);
        check(4, false, &[3]);
        check(4, true, &[]);
    }

    #[test]
    fn a_segment_that_is_not_in_its_file_leaves_once_it_is() {
        let (_, _, mut log) = written();
        append(&mut log);
        append(&mut log);
        let before = log.state();
        assert_eq!(log.take_writes().len(), 3, "two, and the last entry of a time index");
        log.set_start(5);
        assert_eq!(bases(&log), [0, 1, 2, 3, 4, 5], "while anything is being written");
        assert_eq!((log.state().next_offset, log.state().segments), (before.next_offset, before.segments));
        log.written();
        assert_eq!(bases(&log), [5]);
    }

    #[test]
    fn files_go_when_no_checkpoint_knows_them_and_nobody_reads_them() {
        let (disk, mut writer, mut log) = written();
        let read = log.read(1, 4, 1, true).file.unwrap();
        log.set_start(2);
        assert!(log.wants_checkpoint() && log.take_removal().is_none(), "the last checkpoint knows them");
        log.checkpointing();
        assert_eq!(log.take_removal(), None, "one is being made");
        log.checkpointed();
        assert_eq!(log.take_removal(), None, "one of them is read");
        assert!(SegmentReader::new(disk.clone(), Pool::new()).read(&read).is_ok());
        drop(read);
        let removal = log.take_removal().unwrap();
        assert_eq!((&removal.remove, removal.rename), (&vec![0, 1], None));
        assert!(!log.has_removal(), "one at a time");
        writer.remove(&removal).unwrap();
        writer.remove(&removal).unwrap();
        log.removed();
        assert_eq!(logs(&disk), ["00000000000000000002.log", "00000000000000000003.log"]);
        assert!(!log.wants_checkpoint() && !log.has_removal());
    }

    #[test]
    fn a_log_whose_segments_have_all_left_goes_on_after_a_restart() {
        let (_, _, mut log) = written();
        log.roll();
        log.take_writes();
        log.written();
        log.set_start(4);
        append(&mut log);
        let state = log.state();
        assert_eq!((state.start_offset, state.next_offset, state.segments.len()), (4, 4, 0));
        let mut log = Log::restore(state, SETTINGS);
        append(&mut log);
        assert_eq!(log.read(4, 5, 1, true).memory.len(), 1);
    }

    #[test]
    fn a_segment_that_was_swapped_in_is_read_under_either_name() {
        let (disk, mut writer, log) = written();
        let mut state = log.state();
        state.segments[1].swap = true;
        for what in ["log", "index", "timeindex"] {
            let path = log.dir().path(1, what);
            disk.open(&path, Open::Append).unwrap();
            disk.rename(&path, &alloc::format!("{path}.swap")).unwrap();
        }
        let mut log = log;
        log.cleaning = true;
        log.replace(&[1], Some(state.segments[1]));
        let read = || SegmentReader::new(disk.clone(), Pool::new()).read(&log.read(1, 4, 1, true).file.unwrap());
        let before = read().unwrap();
        writer.remove(&Removal { dir: log.dir(), remove: vec![], rename: Some(1) }).unwrap();
        assert_eq!(read().unwrap(), before);
        assert_eq!(logs(&disk).len(), 4);
    }
}
