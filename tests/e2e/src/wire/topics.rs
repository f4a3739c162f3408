//! Topics made and removed: CreateTopics 2 and DeleteTopics 1.

use super::{Wire, no_error, put_string};
use std::io;

const TIMEOUT_MS: i32 = 30_000;

impl Wire {
    /// Creates a topic with one replica.
    ///
    /// # Errors
    /// Those of [`Wire::ask`], and an error code in the reply.
    pub fn create_topic(&mut self, topic: &str, partitions: i32) -> io::Result<()> {
        let mut body = Vec::new();
        body.extend(1i32.to_be_bytes());
        put_string(&mut body, topic);
        body.extend(partitions.to_be_bytes());
        body.extend(1i16.to_be_bytes());
        body.extend(0i32.to_be_bytes());
        body.extend(0i32.to_be_bytes());
        body.extend(TIMEOUT_MS.to_be_bytes());
        body.push(0);
        self.topic_error(19, 2, &body)
    }

    /// Deletes a topic.
    ///
    /// # Errors
    /// Those of [`Wire::ask`], and an error code in the reply.
    pub fn delete_topic(&mut self, topic: &str) -> io::Result<()> {
        let mut body = Vec::new();
        body.extend(1i32.to_be_bytes());
        put_string(&mut body, topic);
        body.extend(TIMEOUT_MS.to_be_bytes());
        self.topic_error(20, 1, &body)
    }

    /// Both replies begin with a throttle time, and one topic with its error code.
    fn topic_error(&mut self, key: i16, version: i16, body: &[u8]) -> io::Result<()> {
        let mut reply = self.ask(key, version, body)?;
        reply.i32()?;
        reply.i32()?;
        reply.string()?;
        no_error(reply.i16()?)
    }
}
