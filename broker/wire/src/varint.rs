//! The unsigned variable-length numbers of the wire (KIP-482): seven bits a byte, low bits first.
//!
//! Owns writing them. Leaves reading to the guard's cursor, and the signed ones of records to `broker_store::batch`.

use bytes::{BufMut, BytesMut};

/// Appends `value`, 1 to 5 bytes.
pub(crate) fn put_u32(buf: &mut BytesMut, mut value: u32) {
    while value >= 0x80 {
        buf.put_u8(value as u8 | 0x80);
        value >>= 7;
    }
    buf.put_u8(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seven_bits_a_byte() {
        let check = |value, expected: &[u8]| {
            let mut buf = BytesMut::new();
            put_u32(&mut buf, value);
            assert_eq!(buf, expected);
        };
        check(0, &[0]);
        check(0x7f, &[0x7f]);
        check(0x80, &[0x80, 1]);
        check(300, &[0xac, 2]);
        check(u32::MAX, &[0xff, 0xff, 0xff, 0xff, 0x0f]);
    }
}
