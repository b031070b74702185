//! What is said on a stream. A stream that is dropped before its end is a reset to the peer.
use std::{io, sync::LazyLock, time::Instant};

use futures::{future::try_join, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::{Stream, StreamProtocol};

pub const ECHO: StreamProtocol = StreamProtocol::new("/echo/1.0.0");
pub const PERF: StreamProtocol = StreamProtocol::new("/perf/1.0.0");
/// Answered by a reset.
pub const RESET: StreamProtocol = StreamProtocol::new("/reset/1.0.0");
pub const PING: StreamProtocol = StreamProtocol::new("/ipfs/ping/1.0.0");

const CHUNK: usize = 65_536;

/// What is echoed: this block over and over. Its length is a prime, so a chunk that is lost or swapped is seen.
static BLOCK: LazyLock<Vec<u8>> = LazyLock::new(|| {
    (0..65_521)
        .map(|i| (i * 31 + (i >> 8) * 17) as u8)
        .collect()
});

pub async fn answer(protocol: StreamProtocol, stream: Stream) -> io::Result<()> {
    if protocol == ECHO {
        answer_echo(stream).await
    } else if protocol == PERF {
        answer_perf(stream).await
    } else {
        Ok(())
    }
}

async fn answer_echo(stream: Stream) -> io::Result<()> {
    let (mut reader, mut writer) = stream.split();
    let mut buffer = vec![0; CHUNK];

    loop {
        match reader.read(&mut buffer).await? {
            0 => return writer.close().await,
            n => {
                writer.write_all(&buffer[..n]).await?;
                writer.flush().await?;
            }
        }
    }
}

async fn answer_perf(mut stream: Stream) -> io::Result<()> {
    let mut wanted = [0; 8];
    stream.read_exact(&mut wanted).await?;
    drain(&mut stream).await?;
    write_zeros(&mut stream, u64::from_be_bytes(wanted) as usize).await?;
    stream.close().await
}

/// Returns the seconds from the request to the end of the answer.
pub async fn perf(mut stream: Stream, upload: usize, download: usize) -> io::Result<f64> {
    let started = Instant::now();
    stream.write_all(&(download as u64).to_be_bytes()).await?;
    write_zeros(&mut stream, upload).await?;
    stream.close().await?;
    expect(drain(&mut stream).await?, download)?;
    Ok(started.elapsed().as_secs_f64())
}

/// Returns milliseconds.
pub async fn ping(mut stream: Stream) -> io::Result<f64> {
    let started = Instant::now();
    let mut answer = [0; 32];
    stream.write_all(&BLOCK[..32]).await?;
    stream.flush().await?;
    stream.read_exact(&mut answer).await?;
    stream.close().await?;

    if answer != BLOCK[..32] {
        return Err(io::Error::other("other bytes came back than were sent"));
    }
    Ok(started.elapsed().as_secs_f64() * 1_000.0)
}

pub async fn echo(stream: Stream, length: usize) -> io::Result<()> {
    let (reader, writer) = stream.split();
    let ((), received) = try_join(write_pattern(writer, length), read_pattern(reader)).await?;
    expect(received, length)
}

async fn write_pattern(mut writer: impl AsyncWrite + Unpin, length: usize) -> io::Result<()> {
    let mut left = length;

    while left > 0 {
        let n = left.min(BLOCK.len());
        writer.write_all(&BLOCK[..n]).await?;
        left -= n;
    }
    writer.close().await
}

async fn read_pattern(mut reader: impl AsyncRead + Unpin) -> io::Result<usize> {
    let mut buffer = vec![0; CHUNK];
    let mut received = 0;

    loop {
        let n = reader.read(&mut buffer).await?;
        let mut rest = &buffer[..n];

        if n == 0 {
            return Ok(received);
        }
        while !rest.is_empty() {
            let expected = &BLOCK[received % BLOCK.len()..];
            let n = rest.len().min(expected.len());

            if rest[..n] != expected[..n] {
                return Err(io::Error::other("other bytes came back than were sent"));
            }
            received += n;
            rest = &rest[n..];
        }
    }
}

async fn drain(stream: &mut Stream) -> io::Result<usize> {
    let mut buffer = vec![0; CHUNK];
    let mut received = 0;

    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(received),
            n => received += n,
        }
    }
}

async fn write_zeros(stream: &mut Stream, length: usize) -> io::Result<()> {
    let zeros = vec![0; CHUNK];
    let mut left = length;

    while left > 0 {
        let n = left.min(CHUNK);
        stream.write_all(&zeros[..n]).await?;
        left -= n;
    }
    Ok(())
}

fn expect(received: usize, wanted: usize) -> io::Result<()> {
    if received == wanted {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "received {received} of {wanted} bytes"
    )))
}
