//! Typed responses become frames, length prefix and header included.
//!
//! Owns header versions and the length. Leaves which response answers what to the edge.
//! Invariant: a response that cannot be encoded leaves nothing behind in the buffer.

use bytes::{BufMut, BytesMut};
use kafka_protocol::{messages::*, protocol::Encodable};
use thiserror::Error;

use crate::{apis::with_apis, fetch::FetchResponse, header::RequestHeader, out::Out};

macro_rules! response_enum {
    ($($name:ident $min:literal ..= $max:literal from $served:literal $request:ident $response:ident $schema:ident;)*) => {
        /// A response, one variant per row of the table.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Response {
            $(#[doc = concat!("To [`crate::Request::", stringify!($name), "`].")] $name($response),)*
        }

        impl Response {
            /// Which API it answers.
            pub fn api(&self) -> ApiKey {
                match self { $(Self::$name(_) => ApiKey::$name,)* }
            }

            fn put_body(&self, out: &mut Out, version: i16) -> Result<(), String> {
                match self { $(Self::$name(body) => body.put(out, version),)* }
            }
        }
    };
}
with_apis!(response_enum);

/// Why a response is not sent.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EncodeError {
    /// Something in it is too long for its version, a string of more than 32,767 bytes say.
    #[error("{api:?} version {version} response cannot be encoded: {error}")]
    Body {
        /// The API.
        api: ApiKey,
        /// Its version.
        version: i16,
        /// The encoder's words.
        error: String,
    },
    /// A frame's length is 31 bits.
    #[error("a response of {0} bytes is longer than a frame can be")]
    TooLong(usize),
}

/// Appends the frame that answers the request of `header`.
///
/// # Errors
/// The response cannot be put on the wire; nothing was appended.
///
/// # Panics
/// If `response` answers another API: our own bug.
pub fn encode(out: &mut Out, header: &RequestHeader, response: &Response) -> Result<(), EncodeError> {
    encode_as(out, header.api, header.version, header.correlation_id, response)
}

/// As [`encode`], in a version of the caller's choice.
pub(crate) fn encode_as(
    out: &mut Out,
    api: ApiKey,
    version: i16,
    correlation_id: i32,
    response: &Response,
) -> Result<(), EncodeError> {
    assert_eq!(response.api(), api, "a response of another API");
    let start = out.mark();
    put_header(out.text(), api, version, correlation_id);
    let body = response.put_body(out, version);
    let encoded = body.map_err(|error| EncodeError::Body { api, version, error }).and_then(|()| {
        let len = out.since(start) - 4;
        i32::try_from(len).map_err(|_| EncodeError::TooLong(len))
    });
    match encoded {
        Ok(len) => out.fill(start, len.to_be_bytes()),
        Err(_) => out.cut(start),
    }
    encoded.map(drop)
}

/// Room for the length, the correlation id and, from header version 1 on, an empty block of tags. ApiVersions always has
/// header version 0 (KIP-511): the crate's table knows.
fn put_header(text: &mut BytesMut, api: ApiKey, version: i16, correlation_id: i32) {
    text.put_i32(0);
    text.put_i32(correlation_id);
    if api.response_header_version(version) >= 1 {
        text.put_u8(0);
    }
}

/// A body that can be written after a header; the error is the encoder's words.
trait Body {
    fn put(&self, out: &mut Out, version: i16) -> Result<(), String>;
}

impl Body for FetchResponse {
    fn put(&self, out: &mut Out, version: i16) -> Result<(), String> {
        self.encode(out, version);
        Ok(())
    }
}

impl<T: Encodable> Body for T {
    fn put(&self, out: &mut Out, version: i16) -> Result<(), String> {
        self.encode(out.text(), version).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apis::APIS;
    use kafka_protocol::protocol::{Decodable, StrBytes};

    macro_rules! default_responses {
        ($($name:ident $min:literal ..= $max:literal from $served:literal $request:ident $response:ident $schema:ident;)*) => {
            fn default_response(api: ApiKey) -> Response {
                match api {
                    $(ApiKey::$name => Response::$name($response::default()),)*
                    other => panic!("{other:?} has no row"),
                }
            }

            /// Decodes a body as a client would, to its last byte, and says whether it is the default response again.
            fn decodes_to_default(api: ApiKey, version: i16, mut body: bytes::Bytes) -> bool {
                match api {
                    $(ApiKey::$name => {
                        let decoded = kafka_protocol::messages::$response::decode(&mut body, version).unwrap();
                        assert!(body.is_empty(), "{api:?} {version}");
                        decoded == Default::default()
                    })*
                    other => panic!("{other:?} has no row"),
                }
            }
        };
    }
    with_apis!(default_responses);

    #[test]
    fn every_version_served_has_an_encoder() {
        for row in APIS {
            for version in row.served..=row.max {
                let mut out = Out::new();
                encode_as(&mut out, row.key, version, 0x0102_0304, &default_response(row.key)).unwrap();
                let frame = out.into_bytes();
                assert_eq!(frame[..4], (frame.len() as u32 - 4).to_be_bytes(), "{} {version}", row.name);
                assert_eq!(frame[4..8], [1, 2, 3, 4]);
                let header_len = if row.key.response_header_version(version) == 0 { 8 } else { 9 };
                assert!(decodes_to_default(row.key, version, frame.slice(header_len..)), "{} {version}", row.name);
            }
        }
    }

    #[test]
    fn api_versions_has_header_version_0_and_no_tags() {
        let mut out = Out::new();
        let answer = Response::ApiVersions(crate::apis::api_versions(crate::ErrorCode::NONE));
        encode_as(&mut out, ApiKey::ApiVersions, 3, 7, &answer).unwrap();
        let frame = out.into_bytes();
        let produce_0_to_9_no_tags = [0, 0, 0, 0, 0, 9, 0];
        assert_eq!(frame[4..11], [0, 0, 0, 7, 0, 0, APIS.len() as u8 + 1]);
        assert_eq!(frame[11..18], produce_0_to_9_no_tags);
        let no_throttle_no_tags = [0, 0, 0, 0, 0];
        assert!(frame.ends_with(&no_throttle_no_tags));
        assert_eq!(frame.len(), 11 + 7 * APIS.len() + 5);
    }

    #[test]
    fn a_response_that_cannot_be_encoded_leaves_nothing_behind() {
        let mut out = Out::new();
        out.text().put_slice(b"earlier");
        let name = StrBytes::from_string("x".repeat(40_000));
        let join = JoinGroupResponse::default().with_leader(name);
        let error = encode_as(&mut out, ApiKey::JoinGroup, 4, 7, &Response::JoinGroup(join)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "JoinGroup version 4 response cannot be encoded: String is too long to encode (40000 bytes)"
        );
        assert_eq!(out.into_bytes(), "earlier");
    }
}
