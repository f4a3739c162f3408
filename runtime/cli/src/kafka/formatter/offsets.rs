//! The commits in `__consumer_offsets`, as Kafka's `OffsetsMessageFormatter` prints them: JSON, one after the other, without a line's end.
//!
//! Leaves reading them to [`crate::message`].

use super::Record;
use crate::message::{coordinator::read, groups::GROUPS};

/// The JSON of a commit, or of its end; nothing for what else is in the topic.
pub fn json(record: &Record<'_>) -> Option<String> {
    let (kind, key, value) = read(GROUPS, record.key?, record.value).ok()?;
    // 0 and 1 are commits, 2 and more the groups themselves.
    if !(0..=1).contains(&kind) {
        return None;
    }
    let value = value
        .map_or_else(|| "null".to_owned(), |(version, value)| format!("{{\"version\":{version},\"data\":{value}}}"));
    Some(format!("{{\"key\":{{\"type\":{kind},\"data\":{key}}},\"value\":{value}}}"))
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
