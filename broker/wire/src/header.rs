//! A request's header: the first bytes of every frame, parsed by hand before anything else is believed.
//!
//! Owns key, version, correlation id and client id. Leaves the body to the guard.
//! Invariant: once eight bytes are there the correlation id is known, so every later error can be answered.

use bytes::Bytes;
use kafka_protocol::{messages::ApiKey, protocol::StrBytes};

use crate::{
    apis::{self, Row},
    guard::Cursor,
    request::DecodeError,
};

/// Bytes of the fixed part: key, version, correlation id.
pub const FIXED_LEN: usize = 8;

/// What a client says about a request before its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestHeader {
    /// Which API.
    pub api: ApiKey,
    /// Which version of it; one that [`Row::serves`].
    pub version: i16,
    /// Echoed in the response.
    pub correlation_id: i32,
    /// The client's name for itself; empty if it sent none.
    pub client_id: StrBytes,
}

/// Splits a frame into its header and its body, without copying.
pub(crate) fn parse(frame: &Bytes) -> Result<(RequestHeader, Bytes), DecodeError> {
    let Some((fixed, _)) = frame.split_first_chunk::<FIXED_LEN>() else {
        return Err(DecodeError::TooShort { len: frame.len() });
    };
    let key = i16::from_be_bytes([fixed[0], fixed[1]]);
    let version = i16::from_be_bytes([fixed[2], fixed[3]]);
    let correlation_id = i32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]);
    let row = apis::find(key).ok_or(DecodeError::UnknownApi { key, version, correlation_id })?;
    if !row.serves(version) {
        return Err(DecodeError::UnsupportedVersion { api: row.key, version, correlation_id });
    }
    let (client_id, len) = rest(frame, row, version).map_err(|error| DecodeError::Header {
        api: row.key,
        version,
        correlation_id,
        error,
    })?;
    Ok((RequestHeader { api: row.key, version, correlation_id, client_id }, frame.slice(len..)))
}

/// Client id and, from header version 2 on, tagged fields, which are skipped. The client id is a classic nullable string
/// in both (KIP-482). Returns it with the length of the whole header.
fn rest(frame: &Bytes, row: &Row, version: i16) -> Result<(StrBytes, usize), crate::guard::GuardError> {
    let flexible = row.key.request_header_version(version) >= 2;
    let mut cursor = Cursor::new(&frame[FIXED_LEN..]);
    let id = cursor.classic_string("client_id")?.unwrap_or_default();
    let client_id = StrBytes::from_utf8(frame.slice_ref(id.as_bytes())).unwrap_or_default();
    if flexible {
        cursor.skip_tags("header tags")?;
    }
    Ok((client_id, FIXED_LEN + cursor.position()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(frame: &[u8], expected: Result<(ApiKey, i16, i32, &str, &[u8]), &str>) {
        let frame = Bytes::copy_from_slice(frame);
        match (parse(&frame), expected) {
            (Ok((header, body)), Ok((api, version, correlation_id, client_id, rest))) => {
                assert_eq!((header.api, header.version), (api, version));
                assert_eq!((header.correlation_id, &*header.client_id), (correlation_id, client_id));
                assert_eq!(body, rest);
            }
            (Err(error), Err(text)) => assert_eq!(error.to_string(), text),
            (got, expected) => panic!("{got:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn headers() {
        let heartbeat_3 = [0, 12, 0, 3, 0, 0, 0, 7, 0, 2, b'm', b'e', 42];
        check(&heartbeat_3, Ok((ApiKey::Heartbeat, 3, 7, "me", &[42])));
        let null_client = [0, 12, 0, 3, 0, 0, 0, 7, 255, 255, 42];
        check(&null_client, Ok((ApiKey::Heartbeat, 3, 7, "", &[42])));
        let flexible_with_a_tag = [0, 12, 0, 4, 0, 0, 0, 7, 0, 1, b'm', 1, 9, 2, 0, 0, 42];
        check(&flexible_with_a_tag, Ok((ApiKey::Heartbeat, 4, 7, "m", &[42])));
    }

    #[test]
    fn bad_headers() {
        check(&[], Err("a request of 0 bytes is too short: a header takes at least 8"));
        check(&[0, 12, 0, 3, 0, 0, 0], Err("a request of 7 bytes is too short: a header takes at least 8"));
        check(&[3, 231, 0, 1, 0, 0, 0, 7], Err("API key 999 (version 1) is unknown or not served here"));
        check(&[0, 12, 0, 9, 0, 0, 0, 7], Err("Heartbeat version 9 is not served; 0 to 4 are"));
        check(&[0, 0, 0, 2, 0, 0, 0, 7], Err("Produce version 2 is not served; 3 to 9 are"));
        check(
            &[0, 12, 0, 3, 0, 0, 0, 7, 0, 3, b'm'],
            Err("Heartbeat version 3: bad header: client_id at byte 0: a length of 3 where 1 bytes remain"),
        );
        check(
            &[0, 12, 0, 3, 0, 0, 0, 7],
            Err("Heartbeat version 3: bad header: client_id at byte 0: 2 bytes wanted where 0 remain"),
        );
    }
}
