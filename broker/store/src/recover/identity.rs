//! Whose data folder it is.
//!
//! Owns `meta.properties`: Kafka's own, version 1, with one line more that says whose format the rest of the folder has. It is the
//! first thing written to a new folder. Invariant: a folder that has something in it but not this file, or not with our line, is
//! not touched.

use alloc::{
    format,
    string::{String, ToString},
};

use super::RecoverError;
use crate::{
    checkpoint::{read_all, replace},
    disk::{Disk, ErrorKind},
};

const FILE: &str = "meta.properties";
pub(super) const TEMPORARY: &str = "meta.properties.tmp";
const FORMAT_KEY: &str = "connectd.format";
const FORMAT: u32 = 1;

/// What may be in a folder that is new all the same: the edge's lock, a file system's own folder, a start that was cut short.
const NOT_COUNTED: [&str; 3] = [".lock", "lost+found", TEMPORARY];

/// Who a data folder is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `cluster.id`.
    pub cluster_id: String,
    /// `node.id`.
    pub node_id: i32,
    /// `directory.id`.
    pub directory_id: String,
}

/// The identity of the folder, and whether it has just got it.
pub(super) fn settle<D: Disk>(disk: &D, wanted: Identity) -> Result<(Identity, bool), RecoverError> {
    if let Some(bytes) = read_all(disk, FILE)? {
        let found = parse(&bytes)?;
        if found.node_id != wanted.node_id {
            return Err(RecoverError::OtherNode { found: found.node_id, expected: wanted.node_id });
        }
        return Ok((found, false));
    }
    let names = match disk.list("") {
        Err(error) if error.kind == ErrorKind::NotFound => {
            disk.create_dir_all("")?;
            Default::default()
        }
        names => names?,
    };
    if let Some(name) = names.iter().find(|name| !NOT_COUNTED.contains(&name.as_str())) {
        return Err(RecoverError::NotOurs { why: format!("it has {name} in it, but no {FILE}") });
    }
    replace(disk, TEMPORARY, FILE, encode(&wanted).as_bytes())?;
    Ok((wanted, true))
}

fn encode(identity: &Identity) -> String {
    let Identity { cluster_id, node_id, directory_id } = identity;
    format!(
        "cluster.id={cluster_id}\n{FORMAT_KEY}={FORMAT}\ndirectory.id={directory_id}\nnode.id={node_id}\nversion=1\n"
    )
}

fn parse(bytes: &[u8]) -> Result<Identity, RecoverError> {
    let rot = |why: &str| RecoverError::Rot { file: FILE.into(), offset: 0, why: why.to_string() };
    let text = core::str::from_utf8(bytes).map_err(|_| rot("it is not text"))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let value = |key: &str| {
        let mut pairs = lines.clone().filter_map(|line| line.split_once('='));
        pairs.find(|(name, _)| name.trim() == key).map(|(_, value)| value.trim())
    };
    let Some(format) = value(FORMAT_KEY) else {
        return Err(RecoverError::NotOurs {
            why: format!("{FILE} is there, but without {FORMAT_KEY}, so it is Apache Kafka's"),
        });
    };
    let format: u32 = format.parse().map_err(|_| rot("its format is not a number"))?;
    if format > FORMAT {
        return Err(RecoverError::Newer { file: FILE.into(), version: format });
    }
    let text = |key: &str| value(key).map(String::from).ok_or_else(|| rot(&format!("it has no {key}")));
    Ok(Identity {
        cluster_id: text("cluster.id")?,
        node_id: text("node.id")?.parse().map_err(|_| rot("its node.id is not a number"))?,
        directory_id: text("directory.id")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        Identity { cluster_id: "c-1".into(), node_id: 7, directory_id: "d_2".into() }
    }

    #[test]
    fn it_is_kafkas_file_with_a_line_of_ours() {
        let text = encode(&identity());
        assert_eq!(text, "cluster.id=c-1\nconnectd.format=1\ndirectory.id=d_2\nnode.id=7\nversion=1\n");
        assert_eq!(parse(text.as_bytes()), Ok(identity()));
        assert_eq!(parse(format!("#\n#Mon\n{text}").as_bytes()), Ok(identity()));
    }

    #[test]
    fn what_is_not_ours_is_told_apart() {
        let check = |text: &str, expected: &str| {
            let why = format!("{}", parse(text.as_bytes()).unwrap_err());
            assert!(why.contains(expected), "{why}");
        };
        check("cluster.id=x\nnode.id=1\nversion=1\n", "Apache Kafka's");
        check("connectd.format=2\n", "newer connectd");
        check("connectd.format=1\ncluster.id=x\ndirectory.id=y\nnode.id=one\n", "not a number");
        check("connectd.format=1\n", "no cluster.id");
    }
}
