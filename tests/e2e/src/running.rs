//! A child process that cannot outlive its test, with its output in a file.
//!
//! Invariant: dropped means dead; a child is only ever signalled by its own id.

use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// A process that we started.
pub struct Running {
    child: Child,
    log: PathBuf,
}

impl Running {
    /// Starts `command` with no standard input and with both outputs appended to `log`.
    ///
    /// # Errors
    /// When the program cannot be started or the log cannot be opened.
    pub fn start(command: &mut Command, log: &Path) -> io::Result<Running> {
        let out = File::options().create(true).append(true).open(log)?;
        let err = out.try_clone()?;
        let child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn()?;
        Ok(Running { child, log: log.to_path_buf() })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// All it has printed so far, and whatever stood in the log before.
    pub fn log(&self) -> String {
        fs::read(&self.log)
            .map_or_else(|e| format!("(no log: {e})"), |bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be asked")
    }

    /// Sends a signal. A child that has ended already is left alone.
    pub fn signal(&mut self, signal: Signal) {
        if self.ended().is_none() {
            let pid = Pid::from_raw(self.child.id() as i32).expect("a process id is not 0");
            let _ = kill_process(pid, signal);
        }
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it still runs after `limit`: it is killed, and the message holds its log.
    pub fn wait(&mut self, limit: Duration) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.ended() {
                return status;
            }
            if start.elapsed() > limit {
                self.kill();
                panic!("still running after {limit:?}:\n{}", self.log());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// `kill -9`, and waits until it is gone.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Ctrl-C, and waits for its end as [`Running::wait`] does.
    pub fn interrupt(&mut self, limit: Duration) -> ExitStatus {
        self.signal(Signal::INT);
        self.wait(limit)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}
