//! The `files` interface: what a guest says about a file, turned into calls of [`crate::files`].
//!
//! Owns the look-up of grants by config key and the wording of refusals. Calls that may wait for a disk run on tokio's
//! blocking threads, so that the call's deadline holds for them, too. Invariant: a guest names keys, never paths.

use crate::bindings::connect::connector::files::{Host, HostAppender, HostReader, Identity, Stat};
use crate::bindings::connect::connector::types::{Error, ErrorClass};
use crate::env::{FileGrant, FileMode};
use crate::files::{self, MAX_READ, OpenAppender, OpenReader};
use crate::imports::refusal;
use crate::store::TaskData;
use std::io;
use std::sync::Arc;
use wasmtime::component::Resource;

type Answer<T> = wasmtime::Result<Result<T, Error>>;

impl TaskData {
    fn grant(&self, key: &str, mode: FileMode) -> Result<Arc<FileGrant>, Error> {
        let grant = self.files.iter().find(|grant| grant.key == key && grant.mode == mode);
        grant.cloned().ok_or_else(|| {
            let message = format!(
                "The file that `{key}` names is not granted to this connector. A configuration over REST may name files \
                 inside `connectd.grants.files` only."
            );
            refusal(ErrorClass::Fatal, "file.not-granted", message)
        })
    }
}

/// Runs what may wait, away from the thread that serves other guests.
async fn blocking<T: Send + 'static>(what: String, work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Answer<T> {
    Ok(tokio::task::spawn_blocking(work).await?.map_err(|error| io_refusal(&what, &error)))
}

/// An error of the file system as the guest gets it.
pub(crate) fn io_refusal(what: &str, error: &io::Error) -> Error {
    let code = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "file.full",
        io::ErrorKind::PermissionDenied => "file.permission",
        io::ErrorKind::NotFound => "file.not-found",
        io::ErrorKind::IsADirectory | io::ErrorKind::InvalidInput => "file.not-regular",
        io::ErrorKind::ResourceBusy => "file.busy",
        io::ErrorKind::CrossesDevices => "file.outside-grant",
        _ => "file.io",
    };
    // All of these may pass: space is made, a right is granted, a folder appears.
    refusal(ErrorClass::Retriable, code, format!("Couldn't {what}: {error}"))
}

fn identity(found: files::Identity) -> Identity {
    Identity { device: found.device, inode: found.inode }
}

fn stat(found: files::Found) -> Stat {
    Stat { identity: identity(found.identity), size: found.size }
}

impl Host for TaskData {}

impl HostReader for TaskData {
    async fn open(&mut self, config_key: String) -> Answer<Option<Resource<OpenReader>>> {
        let grant = match self.grant(&config_key, FileMode::Read) {
            Ok(grant) => grant,
            Err(refused) => return Ok(Err(refused)),
        };
        self.watched.insert(grant.path.clone());
        let what = format!("open {}", grant.path.display());
        match blocking(what, move || OpenReader::open(grant)).await? {
            Ok(Some(reader)) => Ok(Ok(Some(self.table.push(reader)?))),
            Ok(None) => Ok(Ok(None)),
            Err(refused) => Ok(Err(refused)),
        }
    }

    async fn stat(&mut self, this: Resource<OpenReader>) -> Answer<Stat> {
        let reader = self.table.get(&this)?;
        Ok(reader.stat().map(stat).map_err(|error| io_refusal(&format!("look at {}", reader.path()), &error)))
    }

    async fn at_path(&mut self, this: Resource<OpenReader>) -> Answer<Option<Identity>> {
        let grant = self.table.get(&this)?.grant();
        let what = format!("look at {}", grant.path.display());
        Ok(blocking(what, move || files::at_path(&grant)).await?.map(|found| found.map(identity)))
    }

    async fn read_at(&mut self, this: Resource<OpenReader>, offset: u64, max: u32) -> Answer<Vec<u8>> {
        let reader = self.table.get(&this)?;
        let max = MAX_READ.min(max as usize);
        if let Some(cached) = reader.read_cached(offset, max) {
            return Ok(Ok(cached));
        }
        let (what, file) = (format!("read {}", reader.path()), reader.file());
        blocking(what, move || files::read_at(&file, offset, max)).await
    }

    async fn drop(&mut self, this: Resource<OpenReader>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

impl HostAppender for TaskData {
    async fn open(&mut self, config_key: String) -> Answer<Resource<OpenAppender>> {
        let grant = match self.grant(&config_key, FileMode::Append) {
            Ok(grant) => grant,
            Err(refused) => return Ok(Err(refused)),
        };
        let what = format!("open {}", grant.path.display());
        match blocking(what, move || OpenAppender::open(grant)).await? {
            Ok(appender) => Ok(Ok(self.table.push(appender)?)),
            Err(refused) => Ok(Err(refused)),
        }
    }

    async fn stat(&mut self, this: Resource<OpenAppender>) -> Answer<Stat> {
        let appender = self.table.get(&this)?.clone();
        blocking(format!("look at {}", appender.path()), move || appender.stat()).await.map(|found| found.map(stat))
    }

    async fn at_path(&mut self, this: Resource<OpenAppender>) -> Answer<Option<Identity>> {
        let grant = self.table.get(&this)?.grant();
        let what = format!("look at {}", grant.path.display());
        Ok(blocking(what, move || files::at_path(&grant)).await?.map(|found| found.map(identity)))
    }

    async fn append(&mut self, this: Resource<OpenAppender>, data: Vec<u8>) -> Answer<u64> {
        let appender = self.table.get(&this)?.clone();
        blocking(format!("append to {}", appender.path()), move || appender.append(&data)).await
    }

    async fn cut(&mut self, this: Resource<OpenAppender>, size: u64) -> Answer<Option<String>> {
        let appender = self.table.get(&this)?.clone();
        blocking(format!("cut {}", appender.path()), move || appender.cut(size)).await
    }

    async fn sync(&mut self, this: Resource<OpenAppender>) -> Answer<()> {
        let appender = self.table.get(&this)?.clone();
        blocking(format!("sync {}", appender.path()), move || appender.sync()).await
    }

    async fn drop(&mut self, this: Resource<OpenAppender>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}
