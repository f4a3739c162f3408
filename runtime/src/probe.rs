//! Does a Kafka broker answer there?
//!
//! Owns one question, `ApiVersions` version 0, which every broker since 0.10 answers (KIP-35). Invariant: it takes bounded time.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// A broker on this machine has this long.
const PATIENCE: Duration = Duration::from_millis(500);

/// Length 10; API 18, version 0; correlation id 0x636f6e6e; no client id.
const REQUEST: [u8; 14] = [0, 0, 0, 10, 0, 18, 0, 0, b'c', b'o', b'n', b'n', 0xff, 0xff];

/// True if a broker answers at `address` (`host:port`).
pub async fn is_broker(address: &str) -> bool {
    timeout(PATIENCE, ask(address)).await.is_ok_and(|answered| answered.unwrap_or(false))
}

/// True if somebody listens there, whoever it is.
pub async fn listens(address: &str) -> bool {
    timeout(PATIENCE, TcpStream::connect(address)).await.is_ok_and(|connected| connected.is_ok())
}

async fn ask(address: &str) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(&REQUEST).await?;
    let mut head = [0; 8];
    stream.read_exact(&mut head).await?;
    Ok(head[4..] == REQUEST[8..12])
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn who_answers_with_our_number_is_a_broker() {
        for (answer, expected) in
            [(&b"\0\0\0\x06conn\0\0"[..], true), (b"HTTP/1.1 400 Bad Request", false), (b"", false)]
        {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap().to_string();
            tokio::spawn(async move {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = REQUEST;
                stream.read_exact(&mut request).await.unwrap();
                stream.write_all(answer).await.unwrap();
            });
            assert_eq!(is_broker(&address).await, expected, "{answer:?}");
        }
        assert!(!is_broker("127.0.0.1:1").await);
    }
}
