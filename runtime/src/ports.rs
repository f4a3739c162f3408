//! Who has a port: for the one message that a port in use deserves.
//!
//! Owns the reading of Linux's tables (`/proc/net/tcp`, `/proc/<pid>/fd`); elsewhere the answer is that it is not known. Invariant: what
//! cannot be found out (another user's process, say) is left out, never guessed.

use std::{fmt, fs, path::Path};

/// A process that listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its id.
    pub pid: u32,
    /// Its command line, shortened.
    pub command: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} ({})", self.pid, self.command)
    }
}

/// The message of a port that somebody else listens on; `setting` is the one that names it.
pub fn in_use(port: u16, setting: &str) -> String {
    let who = holder(port).map_or("another process".to_owned(), |holder| holder.to_string());
    format!(
        "Cannot listen on port {port} ({setting}): {who} listens there. Stop that one, or name another port in {setting}."
    )
}

/// Longest command line that is shown, characters.
const COMMAND_MOST: usize = 80;

/// The process that listens on TCP port `port` of this machine, if that can be seen.
pub fn holder(port: u16) -> Option<Holder> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| fs::read_to_string(table).unwrap_or_default());
    let inodes: Vec<u64> = tables.iter().flat_map(|table| listening(table, port)).collect();
    let links: Vec<String> = inodes.iter().map(|inode| format!("socket:[{inode}]")).collect();
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.into_iter().find(|pid| has_one_of(*pid, &links)).map(|pid| Holder { pid, command: command(pid) })
}

/// Inodes of the sockets that listen on `port`, from a table of `/proc/net` (proc(5)).
fn listening(table: &str, port: u16) -> Vec<u64> {
    const LISTEN: &str = "0A";
    let row = |line: &str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let (_, local_port) = columns.get(1)?.rsplit_once(':')?;
        let listens = *columns.get(3)? == LISTEN && u16::from_str_radix(local_port, 16).ok()? == port;
        columns.get(9)?.parse().ok().filter(|_| listens)
    };
    table.lines().skip(1).filter_map(row).collect()
}

fn has_one_of(pid: u32, links: &[String]) -> bool {
    let files = fs::read_dir(format!("/proc/{pid}/fd"));
    files
        .into_iter()
        .flatten()
        .flatten()
        .any(|file| fs::read_link(file.path()).is_ok_and(|link| links.iter().any(|wanted| Path::new(wanted) == link)))
}

fn command(pid: u32) -> String {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let line = String::from_utf8_lossy(&line).trim_end_matches('\0').replace('\0', " ");
    if line.chars().count() <= COMMAND_MOST {
        return line;
    }
    line.chars().take(COMMAND_MOST).chain("...".chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_the_kernel() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
             0: 0100007F:2384 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0 100 0 0 10 0\n   \
             1: 0100007F:2384 0100007F:9C40 01 00000000:00000000 00:00000000 00000000  1000        0 4712 1 0 20 4 30 10 -1\n   \
             2: broken\n";
        assert_eq!(listening(table, 0x2384), [4711]);
        assert_eq!(listening(table, 1), [0; 0]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_listener_of_this_process_is_found() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let holder = holder(socket.local_addr().unwrap().port()).unwrap();
        assert_eq!(holder.pid, std::process::id());
        assert!(!holder.command.is_empty());
    }
}
