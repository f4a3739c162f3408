//! The commits in `__consumer_offsets`, as Kafka's `OffsetsMessageFormatter` prints them: JSON, one after the other, without a line's end.
//!
//! Source: Kafka's `OffsetCommitKey.json` and `OffsetCommitValue.json`, versions 0 to 4.

use serde_json::{Value, json};

use super::Record;

/// The JSON of a commit, or of its end; nothing for what else is in the topic.
pub fn json(record: &Record<'_>) -> Option<String> {
    let mut key = Reader(record.key?);
    let kind = key.i16()?;
    // 0 and 1 are commits, 2 and more the groups themselves.
    if !(0..=1).contains(&kind) {
        return None;
    }
    let (group, topic, partition) = (key.text()?, key.text()?, key.i32()?);
    let key = format!(
        "{{\"type\":{kind},\"data\":{{\"group\":{},\"topic\":{},\"partition\":{partition}}}}}",
        Value::from(group),
        Value::from(topic)
    );
    let value = match record.value {
        Some(value) => of_value(value)?,
        None => Value::Null.to_string(),
    };
    Some(format!("{{\"key\":{key},\"value\":{value}}}"))
}

fn of_value(value: &[u8]) -> Option<String> {
    let mut value = Reader(value);
    let version = value.i16()?;
    let mut fields = vec![format!("\"offset\":{}", value.i64()?)];
    if version >= 3 {
        fields.push(format!("\"leaderEpoch\":{}", value.i32()?));
    }
    let metadata = if version >= 4 { value.compact_text()? } else { value.text()? };
    fields.push(format!("\"metadata\":{}", Value::from(metadata)));
    fields.push(format!("\"commitTimestamp\":{}", value.i64()?));
    if version == 1 {
        fields.push(format!("\"expireTimestamp\":{}", value.i64()?));
    }
    if version >= 4
        && let Some(id) = value.topic_id()
    {
        fields.push(format!("\"topicId\":{}", json!(id)));
    }
    Some(format!("{{\"version\":{version},\"data\":{{{}}}}}", fields.join(",")))
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(head)
    }

    fn i16(&mut self) -> Option<i16> {
        self.take(2)?.try_into().ok().map(i16::from_be_bytes)
    }

    fn i32(&mut self) -> Option<i32> {
        self.take(4)?.try_into().ok().map(i32::from_be_bytes)
    }

    fn i64(&mut self) -> Option<i64> {
        self.take(8)?.try_into().ok().map(i64::from_be_bytes)
    }

    fn text(&mut self) -> Option<String> {
        let len = usize::try_from(self.i16()?).ok()?;
        Some(String::from_utf8_lossy(self.take(len)?).into_owned())
    }

    fn varint(&mut self) -> Option<u32> {
        let mut number = 0;
        for shift in (0..35).step_by(7) {
            let byte = self.take(1)?[0];
            number |= u32::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn compact_text(&mut self) -> Option<String> {
        let len = self.varint()?.checked_sub(1)? as usize;
        Some(String::from_utf8_lossy(self.take(len)?).into_owned())
    }

    /// The tagged field 0, in Kafka's way to write ids.
    fn topic_id(&mut self) -> Option<String> {
        for _ in 0..self.varint()? {
            let (tag, len) = (self.varint()?, self.varint()? as usize);
            let bytes = self.take(len)?;
            if tag == 0 {
                use base64::Engine;
                return Some(base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(bytes));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_and_its_end() {
        let key = b"\0\x01\0\x02g1\0\x02t1\0\0\0\0";
        let value = b"\0\x03\0\0\0\0\0\0\0\x02\xff\xff\xff\xff\0\x01m\0\0\0\0\0\0\0\x09";
        let record = Record { key: Some(key), value: Some(value), ..Record::default() };
        let head = r#"{"key":{"type":1,"data":{"group":"g1","topic":"t1","partition":0}},"value":"#;
        assert_eq!(
            json(&record).unwrap(),
            format!(
                r#"{head}{{"version":3,"data":{{"offset":2,"leaderEpoch":-1,"metadata":"m","commitTimestamp":9}}}}}}"#
            )
        );
        assert_eq!(json(&Record { value: None, ..record.clone() }).unwrap(), format!("{head}null}}"));
        assert_eq!(json(&Record { key: Some(b"\0\x02\0\x02g1"), ..record }), None);
    }
}
