//! A Kafka client of five requests, written out byte by byte, so that no code of the product is on both sides of a test.
//!
//! Owns: ApiVersions 0, Metadata 4, Produce 3, Fetch 4 and ListOffsets 1 (the oldest forms that Kafka 4 speaks, without tags), and
//! the record batch of format 2, uncompressed. Leaves to others: every other client (`tests/clients`).
//! Invariant: a reply that is cut short or has the wrong number is an error, never a guess.

mod pipeline;
mod topics;

pub use pipeline::{Frame, produce_frame};

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// One connection.
pub struct Wire {
    stream: TcpStream,
    correlation: i32,
}

/// One record as it lies in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its offset.
    pub offset: i64,
    /// Its key; none is Kafka's null.
    pub key: Option<Vec<u8>>,
    /// Its value; none is Kafka's null.
    pub value: Option<Vec<u8>>,
}

impl Wire {
    /// Connects to a broker at this port of the loopback address.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn connect(port: u16) -> io::Result<Wire> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        Ok(Wire { stream, correlation: 0 })
    }

    /// Sends one request and gives the body of its reply.
    ///
    /// # Errors
    /// Those of the socket; a correlation id that is not ours.
    pub fn ask(&mut self, key: i16, version: i16, body: &[u8]) -> io::Result<Reader> {
        self.correlation += 1;
        let frame = Frame::new(key, version, self.correlation, body);
        self.send(&frame)?;
        let (correlation, reply) = self.receive()?;
        if correlation != self.correlation {
            return Err(bad(format!("reply {correlation} to request {}", self.correlation)));
        }
        Ok(reply)
    }

    /// The APIs that the broker offers: key, oldest and newest version.
    ///
    /// # Errors
    /// Those of [`Wire::ask`], and an error code in the reply.
    pub fn api_versions(&mut self) -> io::Result<Vec<(i16, i16, i16)>> {
        let mut reply = self.ask(18, 0, &[])?;
        no_error(reply.i16()?)?;
        (0..reply.i32()?).map(|_| Ok((reply.i16()?, reply.i16()?, reply.i16()?))).collect()
    }

    /// The topics that the broker names when asked for all, with their number of partitions.
    ///
    /// # Errors
    /// Those of [`Wire::ask`], and an error code in the reply.
    pub fn topics(&mut self) -> io::Result<Vec<(String, usize)>> {
        let mut body = Vec::new();
        body.extend((-1i32).to_be_bytes());
        body.push(0);
        let mut reply = self.ask(3, 4, &body)?;
        reply.i32()?;
        for _ in 0..reply.i32()? {
            reply.i32()?;
            reply.string()?;
            reply.i32()?;
            reply.string()?;
        }
        reply.string()?;
        reply.i32()?;
        let mut topics = Vec::new();
        for _ in 0..reply.i32()? {
            no_error(reply.i16()?)?;
            let name = reply.string()?.unwrap_or_default();
            reply.i8()?;
            let partitions = reply.i32()?;
            for _ in 0..partitions {
                reply.i16()?;
                reply.i32()?;
                reply.i32()?;
                for _ in 0..2 {
                    for _ in 0..reply.i32()? {
                        reply.i32()?;
                    }
                }
            }
            topics.push((name, partitions as usize));
        }
        Ok(topics)
    }

    /// Asks for one topic by name, which creates it where `auto.create.topics.enable` is on. The topic's error code.
    ///
    /// # Errors
    /// Those of [`Wire::ask`].
    pub fn touch(&mut self, topic: &str) -> io::Result<i16> {
        let mut body = Vec::new();
        body.extend(1i32.to_be_bytes());
        put_string(&mut body, topic);
        body.push(1);
        let mut reply = self.ask(3, 4, &body)?;
        reply.i32()?;
        for _ in 0..reply.i32()? {
            reply.i32()?;
            reply.string()?;
            reply.i32()?;
            reply.string()?;
        }
        reply.string()?;
        reply.i32()?;
        reply.i32()?;
        reply.i16()
    }

    /// Appends `values` as one batch, acks=all: its base offset.
    ///
    /// # Errors
    /// Those of [`Wire::ask`], and an error code in the reply.
    pub fn produce(&mut self, topic: &str, partition: i32, values: &[&[u8]]) -> io::Result<i64> {
        let body = pipeline::produce_body(topic, &[(partition, &batch(values))], 10_000);
        let mut reply = self.ask(0, 3, &body)?;
        reply.i32()?;
        reply.string()?;
        reply.i32()?;
        reply.i32()?;
        no_error(reply.i16()?)?;
        reply.i64()
    }

    /// The offset after the last record.
    ///
    /// # Errors
    /// Those of [`Wire::ask`], and an error code in the reply.
    pub fn end_offset(&mut self, topic: &str, partition: i32) -> io::Result<i64> {
        let mut body = Vec::new();
        body.extend((-1i32).to_be_bytes());
        body.extend(1i32.to_be_bytes());
        put_string(&mut body, topic);
        body.extend(1i32.to_be_bytes());
        body.extend(partition.to_be_bytes());
        body.extend((-1i64).to_be_bytes());
        let mut reply = self.ask(2, 1, &body)?;
        reply.i32()?;
        reply.string()?;
        reply.i32()?;
        reply.i32()?;
        no_error(reply.i16()?)?;
        reply.i64()?;
        reply.i64()
    }

    /// The records from `offset` on that one request brings, waiting half a second at most for the first.
    ///
    /// # Errors
    /// Those of [`Wire::ask`], an error code in the reply, a record batch that breaks its own rules.
    pub fn fetch(&mut self, topic: &str, partition: i32, offset: i64) -> io::Result<Vec<Record>> {
        let batches = self.fetch_batches(topic, partition, offset, [16 << 20; 2])?;
        let mut records = parse_batches(&batches)?;
        records.retain(|record| record.offset >= offset);
        Ok(records)
    }

    /// The bytes that one fetch brings: so many at most in all, and of the partition.
    fn fetch_batches(&mut self, topic: &str, partition: i32, offset: i64, most: [i32; 2]) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        body.extend((-1i32).to_be_bytes());
        body.extend(500i32.to_be_bytes());
        body.extend(1i32.to_be_bytes());
        body.extend(most[0].to_be_bytes());
        body.push(0);
        body.extend(1i32.to_be_bytes());
        put_string(&mut body, topic);
        body.extend(1i32.to_be_bytes());
        body.extend(partition.to_be_bytes());
        body.extend(offset.to_be_bytes());
        body.extend(most[1].to_be_bytes());
        let mut reply = self.ask(1, 4, &body)?;
        reply.i32()?;
        reply.i32()?;
        reply.string()?;
        reply.i32()?;
        reply.i32()?;
        no_error(reply.i16()?)?;
        reply.i64()?;
        reply.i64()?;
        for _ in 0..reply.i32()? {
            reply.i64()?;
            reply.i64()?;
        }
        let len = reply.i32()?.max(0) as usize;
        Ok(reply.take(len)?.to_vec())
    }

    /// Every record of a partition, from its beginning to the end that it has now.
    ///
    /// # Errors
    /// Those of [`Wire::fetch`].
    pub fn read_all(&mut self, topic: &str, partition: i32) -> io::Result<Vec<Record>> {
        let end = self.end_offset(topic, partition)?;
        let (mut next, mut records) = (0, Vec::new());
        while next < end {
            let more = self.fetch(topic, partition, next)?;
            let last = more.last().ok_or_else(|| bad(format!("nothing at offset {next}, the end is {end}")))?;
            next = last.offset + 1;
            records.extend(more);
        }
        Ok(records)
    }

    /// Sends raw bytes and gives whatever comes back until the broker closes or `patience` is over.
    ///
    /// # Errors
    /// Those of the socket's set-up; a connection that the broker resets is no error.
    pub fn throw(mut self, bytes: &[u8], patience: Duration) -> io::Result<Vec<u8>> {
        self.stream.set_read_timeout(Some(patience))?;
        let mut back = Vec::new();
        if self.stream.write_all(bytes).is_ok() {
            let _ = self.stream.shutdown(std::net::Shutdown::Write);
            let _ = self.stream.take(1 << 20).read_to_end(&mut back);
        }
        Ok(back)
    }
}

/// A reply being read from its beginning.
pub struct Reader {
    bytes: Vec<u8>,
    at: usize,
}

impl Reader {
    fn take(&mut self, len: usize) -> io::Result<&[u8]> {
        let end = self.at.checked_add(len).filter(|&end| end <= self.bytes.len());
        let end = end.ok_or_else(|| bad(format!("{len} bytes wanted at {} of {}", self.at, self.bytes.len())))?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn fixed<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        Ok(self.take(N)?.try_into().expect("the length was asked for"))
    }

    fn i8(&mut self) -> io::Result<i8> {
        Ok(i8::from_be_bytes(self.fixed()?))
    }

    fn i16(&mut self) -> io::Result<i16> {
        Ok(i16::from_be_bytes(self.fixed()?))
    }

    fn i32(&mut self) -> io::Result<i32> {
        Ok(i32::from_be_bytes(self.fixed()?))
    }

    fn i64(&mut self) -> io::Result<i64> {
        Ok(i64::from_be_bytes(self.fixed()?))
    }

    fn string(&mut self) -> io::Result<Option<String>> {
        match self.i16()? {
            -1 => Ok(None),
            len if len >= 0 => Ok(Some(String::from_utf8_lossy(self.take(len as usize)?).into_owned())),
            len => Err(bad(format!("a string of {len} bytes"))),
        }
    }
}

fn bad(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

fn no_error(code: i16) -> io::Result<()> {
    if code == 0 { Ok(()) } else { Err(io::Error::other(format!("Kafka error code {code}"))) }
}

fn put_string(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as i16).to_be_bytes());
    out.extend(text.as_bytes());
}

/// CRC-32C (Castagnoli, RFC 3720), a byte at a time.
pub fn crc32c(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut byte = 0;
        while byte < 256 {
            let (mut crc, mut bit) = (byte as u32, 0);
            while bit < 8 {
                crc = if crc & 1 == 1 { (crc >> 1) ^ 0x82F6_3B78 } else { crc >> 1 };
                bit += 1;
            }
            table[byte] = crc;
            byte += 1;
        }
        table
    };
    !bytes.iter().fold(!0, |crc, &byte| (crc >> 8) ^ TABLE[(crc as u8 ^ byte) as usize])
}

/// A batch of format 2 with null keys, no producer and offsets from 0.
pub fn batch(values: &[&[u8]]) -> Vec<u8> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_millis() as i64);
    let mut tail = Vec::new();
    tail.extend(0i16.to_be_bytes());
    tail.extend((values.len() as i32 - 1).to_be_bytes());
    tail.extend(now.to_be_bytes());
    tail.extend(now.to_be_bytes());
    tail.extend((-1i64).to_be_bytes());
    tail.extend((-1i16).to_be_bytes());
    tail.extend((-1i32).to_be_bytes());
    tail.extend((values.len() as i32).to_be_bytes());
    for (delta, value) in values.iter().enumerate() {
        let mut record = vec![0];
        put_varint(&mut record, 0);
        put_varint(&mut record, delta as i64);
        put_varint(&mut record, -1);
        put_varint(&mut record, value.len() as i64);
        record.extend(*value);
        put_varint(&mut record, 0);
        put_varint(&mut tail, record.len() as i64);
        tail.extend(record);
    }
    let mut out = Vec::with_capacity(tail.len() + 21);
    out.extend(0i64.to_be_bytes());
    out.extend((tail.len() as i32 + 9).to_be_bytes());
    out.extend((-1i32).to_be_bytes());
    out.push(2);
    out.extend(crc32c(&tail).to_be_bytes());
    out.extend(tail);
    out
}

fn put_varint(out: &mut Vec<u8>, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

fn parse_batches(bytes: &[u8]) -> io::Result<Vec<Record>> {
    let (mut records, mut rest) = (Vec::new(), bytes);
    while rest.len() >= 61 {
        let base = i64::from_be_bytes(rest[..8].try_into().expect("eight bytes"));
        let len = i32::from_be_bytes(rest[8..12].try_into().expect("four bytes")) as usize + 12;
        if len > rest.len() {
            break; // Kafka cuts the last batch where the limit of the request falls.
        }
        let (batch, after) = rest.split_at(len);
        rest = after;
        if crc32c(&batch[21..]) != u32::from_be_bytes(batch[17..21].try_into().expect("four bytes")) {
            return Err(bad(format!("the checksum of the batch at offset {base} is wrong")));
        }
        let attributes = i16::from_be_bytes([batch[21], batch[22]]);
        if attributes & 7 != 0 {
            return Err(bad(format!("the batch at offset {base} is compressed; this client reads plain ones")));
        }
        if attributes & 0x20 == 0 {
            parse_records(base, &batch[57..], &mut records)?;
        }
    }
    Ok(records)
}

fn parse_records(base: i64, bytes: &[u8], records: &mut Vec<Record>) -> io::Result<()> {
    let mut reader = Reader { bytes: bytes.to_vec(), at: 0 };
    for _ in 0..reader.i32()? {
        varint(&mut reader)?;
        reader.i8()?;
        varint(&mut reader)?;
        let offset = base + varint(&mut reader)?;
        let key = blob(&mut reader)?;
        let value = blob(&mut reader)?;
        for _ in 0..varint(&mut reader)? {
            blob(&mut reader)?;
            blob(&mut reader)?;
        }
        records.push(Record { offset, key, value });
    }
    Ok(())
}

fn varint(reader: &mut Reader) -> io::Result<i64> {
    let (mut value, mut shift) = (0u64, 0);
    loop {
        let byte = reader.i8()? as u8;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok((value >> 1) as i64 ^ -((value & 1) as i64));
        }
        shift += 7;
        if shift > 63 {
            return Err(bad("a varint of more than ten bytes".to_owned()));
        }
    }
}

fn blob(reader: &mut Reader) -> io::Result<Option<Vec<u8>>> {
    match varint(reader)? {
        -1 => Ok(None),
        len => Ok(Some(reader.take(usize::try_from(len).map_err(|e| bad(e.to_string()))?)?.to_vec())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_reads_back_as_it_was_written() {
        for values in [vec![&b"one"[..]], vec![b"", b"a", b"bb"], vec![&[7; 300][..]; 200]] {
            let records = parse_batches(&batch(&values)).unwrap();
            let read: Vec<&[u8]> = records.iter().map(|r| r.value.as_deref().unwrap()).collect();
            assert_eq!(read, values);
            assert_eq!(records.last().unwrap().offset, values.len() as i64 - 1);
        }
    }

    #[test]
    fn the_checksum_is_castagnolis() {
        assert_eq!(crc32c(b"123456789"), 0xE306_9283);
    }

    #[test]
    fn a_changed_byte_is_noticed() {
        let mut bytes = batch(&[b"one", b"two"]);
        *bytes.last_mut().unwrap() ^= 1;
        assert!(parse_batches(&bytes).is_err());
    }
}
