//! A frame from a client becomes a header and a typed request, or an error that says what the connection must do.
//!
//! Owns the order: header, guard, decoder. Leaves what a request means to the edge and the core.
//! Invariant: the decoder sees only what the guard accepted.

use bytes::Bytes;
use kafka_protocol::{messages::*, protocol::Decodable};
use thiserror::Error;

use crate::{
    ErrorCode,
    apis::{self, with_apis},
    guard::{self, GuardError, requests},
    header::{self, RequestHeader},
    out::Out,
    response,
};

macro_rules! request_enum {
    ($($name:ident $min:literal ..= $max:literal from $served:literal $request:ident $response:ident $schema:ident;)*) => {
        /// A request, decoded. Strings and record batches are slices of the frame.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Request {
            $(#[doc = concat!("Versions ", $served, " to ", $max, ".")] $name($request),)*
        }

        impl Request {
            /// Which API it is.
            pub fn api(&self) -> ApiKey {
                match self { $(Self::$name(_) => ApiKey::$name,)* }
            }
        }

        /// The layout the guard checks a body against; `None` if there is no row for this API.
        pub fn schema(api: ApiKey) -> Option<&'static guard::schema::Message> {
            match api {
                $(ApiKey::$name => Some(&requests::$schema),)*
                _ => None,
            }
        }

        fn decode_body(header: &RequestHeader, body: &mut Bytes) -> Result<Request, DecodeError> {
            match header.api {
                $(ApiKey::$name => $request::decode(body, header.version).map(Request::$name).map_err(|error| {
                    DecodeError::Decoder { api: header.api, version: header.version, correlation_id: header.correlation_id, error: error.to_string() }
                }),)*
                other => unreachable!("{other:?} has no row"),
            }
        }
    };
}
with_apis!(request_enum);

/// Decodes one frame, without its length prefix.
///
/// # Errors
/// Whatever is wrong with it; ask [`DecodeError::reaction`] what to do.
pub fn decode(frame: Bytes) -> Result<(RequestHeader, Request), DecodeError> {
    let (header, mut body) = header::parse(&frame)?;
    let RequestHeader { api, version, correlation_id, .. } = header;
    let schema = schema(api).expect("every row has a schema");
    guard::check(schema, version, &body).map_err(|error| DecodeError::Body { api, version, correlation_id, error })?;
    let request = decode_body(&header, &mut body)?;
    Ok((header, request))
}

/// Why a frame is not a request that we serve.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// Not even a header.
    #[error("a request of {len} bytes is too short: a header takes at least 8")]
    TooShort {
        /// Bytes in the frame.
        len: usize,
    },
    /// An API that is not in the table.
    #[error("API key {key} (version {version}) is unknown or not served here")]
    UnknownApi {
        /// Its number.
        key: i16,
        /// The version asked for.
        version: i16,
        /// Of the request.
        correlation_id: i32,
    },
    /// A version that is not in the table.
    #[error("{api:?} version {version} is not served; {} are", versions(*.api))]
    UnsupportedVersion {
        /// The API.
        api: ApiKey,
        /// The version asked for.
        version: i16,
        /// Of the request.
        correlation_id: i32,
    },
    /// A broken client id or header tag.
    #[error("{api:?} version {version}: bad header: {error}")]
    Header {
        /// The API.
        api: ApiKey,
        /// Its version.
        version: i16,
        /// Of the request.
        correlation_id: i32,
        /// What and where; bytes are counted after the correlation id.
        error: GuardError,
    },
    /// A body that the guard refuses.
    #[error("{api:?} version {version}: {error}")]
    Body {
        /// The API.
        api: ApiKey,
        /// Its version.
        version: i16,
        /// Of the request.
        correlation_id: i32,
        /// What and where; bytes are counted from the start of the body.
        error: GuardError,
    },
    /// A body that the guard accepts and the decoder does not: our table is wrong, the client may be right.
    #[error("{api:?} version {version}: {error}")]
    Decoder {
        /// The API.
        api: ApiKey,
        /// Its version.
        version: i16,
        /// Of the request.
        correlation_id: i32,
        /// The decoder's words.
        error: String,
    },
}

/// What a connection does about a [`DecodeError`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// Close it, as Kafka does (`RequestContext.parseRequest`): the client cannot parse an answer in a version that we
    /// do not know.
    Close,
    /// Send this whole frame, in its turn, and go on.
    Answer(Bytes),
}

impl DecodeError {
    /// What the connection must do: close, except for ApiVersions in a version that we do not know, which is answered in
    /// version 0 with error 35 and the table (KIP-511), so that the client steps down.
    pub fn reaction(&self) -> Reaction {
        match *self {
            Self::UnsupportedVersion { api: ApiKey::ApiVersions, correlation_id, .. } => {
                let answer = response::Response::ApiVersions(apis::api_versions(ErrorCode::UNSUPPORTED_VERSION));
                let mut out = Out::new();
                response::encode_as(&mut out, ApiKey::ApiVersions, 0, correlation_id, &answer)
                    .expect("the table fits a frame");
                Reaction::Answer(out.into_bytes())
            }
            _ => Reaction::Close,
        }
    }
}

fn versions(api: ApiKey) -> String {
    apis::find(api as i16).map(|row| format!("{} to {}", row.served, row.max)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kafka_protocol::messages::api_versions_response::ApiVersion;

    /// A frame: key, version, correlation id 7, client id `me`, then `rest`.
    fn frame(api: ApiKey, version: i16, rest: &[u8]) -> Bytes {
        let fixed = [(api as i16).to_be_bytes(), version.to_be_bytes()].concat();
        [&fixed[..], &[0, 0, 0, 7, 0, 2, b'm', b'e'], rest].concat().into()
    }

    #[test]
    fn record_batches_are_slices_of_the_frame() {
        let topic = [0, 0, 0, 1, 0, 1, b't', 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 5, 1, 2, 3, 4, 5];
        let frame = frame(ApiKey::Produce, 7, &[&[255, 255, 255, 255, 0, 0, 117, 48][..], &topic].concat());
        let (header, request) = decode(frame.clone()).unwrap();
        assert_eq!((header.api, header.version, header.correlation_id), (ApiKey::Produce, 7, 7));
        let Request::Produce(produce) = request else { panic!("{request:?}") };
        assert_eq!((produce.acks, produce.timeout_ms), (-1, 30_000));
        let partition = &produce.topic_data[0].partition_data[0];
        let records = partition.records.as_ref().unwrap();
        assert_eq!((partition.index, &records[..]), (3, &[1, 2, 3, 4, 5][..]));
        assert_eq!(records.as_ptr(), frame[frame.len() - 5..].as_ptr());
    }

    #[test]
    fn nine_hostile_bytes() {
        let check = |api, version, body: &[u8], expected: &str| {
            let error = decode(frame(api, version, body)).unwrap_err();
            assert_eq!(error.to_string(), expected);
            assert_eq!(error.reaction(), Reaction::Close);
        };
        check(
            ApiKey::Metadata,
            0,
            &[0x7f, 0xff, 0xff, 0xff],
            "Metadata version 0: topics at byte 0: 2147483647 elements cannot be in 0 bytes",
        );
        check(
            ApiKey::DescribeGroups,
            5,
            &[0, 0xff, 0xff, 0xff, 0xff, 0x0f],
            "DescribeGroups version 5: groups at byte 0: 4294967294 elements cannot be in 0 bytes",
        );
        let empty_structs = [&[0, 0x81, 0x80, 0x40][..], &[0; 2 << 20]].concat();
        check(
            ApiKey::Metadata,
            9,
            &empty_structs,
            "Metadata version 9: topics at byte 0: decoding would take more than eight times the memory of the request",
        );
    }

    #[test]
    fn an_unknown_version_of_api_versions_is_answered_in_version_0() {
        let error = decode(frame(ApiKey::ApiVersions, 9, &[])).unwrap_err();
        let Reaction::Answer(answer) = error.reaction() else { panic!("{error}") };
        assert_eq!(answer[..4], (answer.len() as u32 - 4).to_be_bytes());
        assert_eq!(answer[4..10], [0, 0, 0, 7, 0, 35]);
        let mut body = answer.slice(8..);
        let decoded = ApiVersionsResponse::decode(&mut body, 0).unwrap();
        assert!(body.is_empty());
        let own_row = ApiVersion::default().with_api_key(18).with_min_version(0).with_max_version(4);
        assert!(decoded.api_keys.contains(&own_row));
        assert!(decoded.api_keys.contains(&ApiVersion::default().with_max_version(9)), "Produce from 0");
    }
}
