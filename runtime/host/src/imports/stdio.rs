//! The worker's standard streams, where they are granted.

use crate::bindings::connect::connector::stdio::{Host, Input};
use crate::bindings::connect::connector::types::{Error, ErrorClass};
use crate::files::MAX_READ;
use crate::imports::{files::io_refusal, refusal};
use crate::store::TaskData;
use std::io::Write;

impl Host for TaskData {
    async fn read(&mut self, max: u32) -> wasmtime::Result<Result<Input, Error>> {
        let Some(stdin) = &self.env.stdin else { return Ok(Err(not_granted("input"))) };
        Ok(Ok(match stdin.read(MAX_READ.min(max as usize)) {
            crate::stdin::Input::Data(data) => Input::Data(data),
            crate::stdin::Input::Pending => Input::Pending,
            crate::stdin::Input::End => Input::End,
        }))
    }

    async fn write(&mut self, data: Vec<u8>) -> wasmtime::Result<Result<(), Error>> {
        if !self.env.stdout {
            return Ok(Err(not_granted("output")));
        }
        let written = tokio::task::spawn_blocking(move || {
            let mut stdout = std::io::stdout().lock();
            stdout.write_all(&data).and_then(|()| stdout.flush())
        });
        Ok(written.await?.map_err(|error| io_refusal("write to the standard output", &error)))
    }
}

fn not_granted(stream: &str) -> Error {
    let message = format!("The standard {stream} is not granted to this connector; name a file instead.");
    refusal(ErrorClass::Fatal, "stdio.not-granted", message)
}
