//! A request and its answer as bytes.
//!
//! Invariant: an answer is of the request that was sent, and nothing is left over of it.

use bytes::{Buf, Bytes, BytesMut};
use kafka_protocol::{
    messages::{ApiVersionsRequest, RequestHeader, ResponseHeader},
    protocol::{Decodable, Encodable, HeaderVersion, Request},
};

use super::text;

/// Header and body. The error says what the version cannot say.
pub(super) fn encode<R: Request>(version: i16, correlation: i32, request: &R) -> Result<Vec<u8>, String> {
    let header = RequestHeader::default()
        .with_request_api_key(R::KEY)
        .with_request_api_version(version)
        .with_correlation_id(correlation)
        .with_client_id(Some(text("connectd-tools")));
    let mut frame = BytesMut::new();
    header.encode(&mut frame, R::header_version(version)).map_err(|error| error.to_string())?;
    request.encode(&mut frame, version).map_err(|error| format!("version {version} cannot say this: {error}"))?;
    Ok(frame.to_vec())
}

/// The body of the answer. The error says why these bytes are none.
pub(super) fn decode<R: Request>(version: i16, correlation: i32, mut answer: Bytes) -> Result<R::Response, String> {
    let bad = |error: &dyn std::fmt::Display| format!("an answer that cannot be read: {error}");
    // ApiVersions answers in version 0 where it does not know the version that was asked for (KIP-511).
    let is_downgrade = R::KEY == ApiVersionsRequest::KEY && answer.get(4..6) == Some(&[0, 35]);
    let version = if is_downgrade { 0 } else { version };
    let header =
        ResponseHeader::decode(&mut answer, R::Response::header_version(version)).map_err(|error| bad(&error))?;
    if header.correlation_id != correlation {
        return Err(format!("answer {} to request {correlation}", header.correlation_id));
    }
    let response = R::Response::decode(&mut answer, version).map_err(|error| bad(&error))?;
    if answer.has_remaining() { Err(bad(&"bytes are left over")) } else { Ok(response) }
}
