//! The calls of `broker_store::disk`, with what they promise and not more.
//!
//! Owns each call's effect: whole, in part when the machine dies inside it, or not durable when it fails. Leaves the table to `table`.

use std::sync::MutexGuard;

use broker_store::disk::{self, BLOCK, DiskError, ErrorKind, Open};

use super::{
    Disk, File, WRITE_DURABLY,
    content::Content,
    crashed,
    folder::Folder,
    table::{Fate, Node, ROOT, State, not_found},
};

impl disk::Disk for Disk {
    type File = File;

    fn create_dir_all(&self, path: &str) -> Result<(), DiskError> {
        let mut state = self.enter("create", path)?;
        let mut at = ROOT;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            if let Some(inode) = state.folder(at).get(name) {
                at = inode;
                continue;
            }
            let fate = state.fate("create folder", path, 0);
            if state.happens(&fate) {
                let inode = state.nodes.len();
                state.nodes.push(Node::Folder(Folder::default()));
                state.folder(at).link(name, inode);
                at = inode;
            }
            end("create", path, fate)?;
        }
        Ok(())
    }

    fn remove_dir_all(&self, path: &str) -> Result<(), DiskError> {
        let mut state = self.enter("remove", path)?;
        let Some(inode) = state.find(path) else { return Ok(()) };
        let (parent, name) = state.parent("remove", path)?;
        let fate = state.fate("remove folder", path, 0);
        if state.happens(&fate) {
            state.remove_tree(parent, name, inode);
        }
        end("remove", path, fate)
    }

    fn list(&self, path: &str) -> Result<Vec<String>, DiskError> {
        let state = self.enter("list", path)?;
        match state.find(path).map(|inode| &state.nodes[inode]) {
            Some(Node::Folder(folder)) => Ok(folder.entries().map(|(name, _)| name.to_string()).collect()),
            _ => Err(not_found("list", path)),
        }
    }

    fn exists(&self, path: &str) -> Result<bool, DiskError> {
        Ok(self.enter("look for", path)?.find(path).is_some())
    }

    fn open(&self, path: &str, how: Open) -> Result<File, DiskError> {
        let mut state = self.enter("open", path)?;
        let (parent, name) = state.parent("open", path)?;
        let inode = match state.folder(parent).get(name) {
            Some(inode) => inode,
            None if how == Open::Read => return Err(not_found("open", path)),
            None => {
                let fate = state.fate("create", path, 0);
                let inode = state.nodes.len();
                if state.happens(&fate) {
                    state.nodes.push(Node::File(Content::default()));
                    state.folder(parent).link(name, inode);
                }
                end("create", path, fate)?;
                inode
            }
        };
        if matches!(state.nodes[inode], Node::Folder(_)) {
            return Err(DiskError::new("open", path, ErrorKind::Io, "it is a folder"));
        }
        Ok(File { disk: self.clone(), inode, how, path: path.into() })
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), DiskError> {
        let mut state = self.enter("rename", from)?;
        let (folder, old) = state.parent("rename", from)?;
        let (other, new) = state.parent("rename", to)?;
        assert_eq!(folder, other, "a rename stays in its folder: {from} to {to}");
        state.folder(folder).get(old).ok_or_else(|| not_found("rename", from))?;
        let fate = state.fate("rename", to, 0);
        if state.happens(&fate) {
            state.folder(folder).rename(old, new);
        }
        end("rename", from, fate)
    }

    fn remove(&self, path: &str) -> Result<(), DiskError> {
        let mut state = self.enter("remove", path)?;
        let (folder, name) = state.parent("remove", path)?;
        state.folder(folder).get(name).ok_or_else(|| not_found("remove", path))?;
        let fate = state.fate("remove", path, 0);
        if state.happens(&fate) {
            state.folder(folder).unlink(name);
        }
        end("remove", path, fate)
    }

    fn sync_dir(&self, path: &str) -> Result<(), DiskError> {
        let mut state = self.enter("sync", path)?;
        let inode = state.find(path).ok_or_else(|| not_found("sync", path))?;
        let fate = state.fate("sync folder", path, 0);
        let State { nodes, random, .. } = &mut *state;
        let Node::Folder(folder) = &mut nodes[inode] else { return Err(not_found("sync", path)) };
        if fate == Fate::Done {
            folder.sync();
        } else {
            folder.write_back(random, 50);
        }
        end("sync", path, fate)
    }

    fn sync_all(&self) -> Result<(), DiskError> {
        let mut state = self.enter("sync", "")?;
        let fate = state.fate("sync all", "", 0);
        if fate == Fate::Done {
            state.sync_all();
            return Ok(());
        }
        let State { nodes, random, .. } = &mut *state;
        for node in nodes {
            match node {
                Node::File(content) if fate == Fate::Fails => content.fail_sync(random),
                Node::File(content) => content.write_back(random, 50),
                Node::Folder(folder) => folder.write_back(random, 50),
            }
        }
        end("sync", "", fate)
    }
}

impl File {
    fn enter(&self, op: &'static str) -> Result<MutexGuard<'_, State>, DiskError> {
        self.disk.enter(op, &self.path)
    }

    fn must_write(&self) {
        assert_ne!(self.how, Open::Read, "{} was opened to be read", self.path);
    }

    fn must_be_aligned(&self, offset: u64, bytes: &[u8]) {
        let aligned = offset.is_multiple_of(BLOCK as u64)
            && bytes.len().is_multiple_of(BLOCK)
            && bytes.as_ptr().addr().is_multiple_of(BLOCK);
        assert!(aligned, "{} takes whole blocks in aligned memory, not {} bytes at {offset}", self.path, bytes.len());
    }
}

impl disk::DiskFile for File {
    fn read_at(&self, offset: u64, to: &mut [u8]) -> Result<usize, DiskError> {
        if self.how == Open::Journal {
            self.must_be_aligned(offset, to);
        }
        let mut state = self.enter("read")?;
        Ok(state.file(self.inode).read(offset, to))
    }

    fn write_at(&self, offset: u64, pieces: &[&[u8]]) -> Result<(), DiskError> {
        self.must_write();
        if self.how == Open::Journal {
            pieces.iter().for_each(|piece| self.must_be_aligned(offset, piece));
        }
        let mut state = self.enter("write")?;
        let len: u64 = pieces.iter().map(|piece| piece.len() as u64).sum();
        let fate = state.fate("write", &self.path, offset ^ len);
        let missing = state.room(self.inode, offset + len);
        let mut left = match fate {
            Fate::Done => len.saturating_sub(missing),
            _ => state.random.between(0, len),
        };
        let mut at = offset;
        for piece in pieces {
            let part = &piece[..piece.len().min(left as usize)];
            if !part.is_empty() {
                state.file(self.inode).write(at, part);
            }
            at += part.len() as u64;
            left -= part.len() as u64;
        }
        end("write", &self.path, fate)?;
        if missing > 0 {
            return Err(DiskError::new("write", &self.path, ErrorKind::Full, "no space left on the simulated disk"));
        }
        Ok(())
    }

    fn write_durable(&self, offset: u64, pieces: &[&[u8]]) -> Result<(), DiskError> {
        assert_eq!(self.how, Open::Journal, "{} was not opened for durable writes", self.path);
        let mut state = self.enter("write")?;
        let len: u64 = pieces.iter().map(|piece| piece.len() as u64).sum();
        assert!(
            offset + len <= state.file(self.inode).len(),
            "{} is written durably where it has no blocks",
            self.path
        );
        pieces.iter().for_each(|piece| self.must_be_aligned(offset, piece));
        let fate = state.fate(WRITE_DURABLY, &self.path, offset ^ len);
        // A disk writes the sectors of one call in the order it likes.
        let whole = fate == Fate::Done || state.random.percent(70);
        let mut left = if whole { len } else { state.random.between(0, len) };
        let mut at = offset;
        for piece in pieces {
            let part = &piece[..piece.len().min(left as usize)];
            if fate == Fate::Done {
                state.file(self.inode).write_through(at, part);
            } else if !part.is_empty() {
                state.file(self.inode).write(at, part);
            }
            at += part.len() as u64;
            left -= part.len() as u64;
        }
        end("write", &self.path, fate)
    }

    fn sync(&self) -> Result<(), DiskError> {
        let mut state = self.enter("sync")?;
        let fate = state.fate("sync", &self.path, 0);
        let State { nodes, random, .. } = &mut *state;
        let Node::File(content) = &mut nodes[self.inode] else { panic!("{} is a file", self.path) };
        match fate {
            Fate::Done => content.sync(),
            Fate::Dies => content.write_back(random, 50),
            Fate::Fails => content.fail_sync(random),
        }
        end("sync", &self.path, fate)
    }

    fn truncate(&self, len: u64) -> Result<(), DiskError> {
        self.must_write();
        let mut state = self.enter("truncate")?;
        let fate = state.fate("truncate", &self.path, len);
        if state.happens(&fate) {
            state.file(self.inode).truncate(len);
        }
        end("truncate", &self.path, fate)
    }

    fn len(&self) -> Result<u64, DiskError> {
        Ok(self.enter("look at")?.file(self.inode).len())
    }
}

fn end(op: &'static str, path: &str, fate: Fate) -> Result<(), DiskError> {
    match fate {
        Fate::Done => Ok(()),
        Fate::Dies => Err(crashed(op, path)),
        Fate::Fails => Err(DiskError::new(op, path, ErrorKind::Io, "the simulated disk failed")),
    }
}
