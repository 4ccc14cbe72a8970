//! The child process, as its parent sees it.

use std::{io, os::unix::process::ExitStatusExt, path::Path, process::Stdio};

use bytes::{Buf, Bytes, BytesMut};
use futures::{Stream, StreamExt};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command},
    sync::OwnedSemaphorePermit,
};

use super::{Limits, Order, error::TranscodeError};

/// Bytes read from the child at a time: what a pipe holds by default.
const PIECE_LENGTH: usize = 64 * 1024;

/// Most bytes of a reason that a child gives.
const REASON_LENGTH_MAX: u64 = 1024;

/// A child at work. Dropping it kills the process; the runtime reaps it.
pub(super) struct Running<S> {
    source: S,
    child: Child,
    input: Option<ChildStdin>,
    output: ChildStdout,
    reason: ChildStderr,
    /// What is not written to the child yet.
    pending: Bytes,
    source_ended: bool,
    taken: u64,
    limits: Limits,
    buffer: BytesMut,
    _permit: OwnedSemaphorePermit,
}

/// What happened next.
enum Step {
    Given(usize),
    Fed,
}

impl<S> Running<S>
where
    S: Stream<Item = io::Result<Bytes>> + Send + Unpin,
{
    /// Starts `program transcode` for `order`.
    pub(super) fn start(
        program: &Path,
        order: &Order,
        limits: Limits,
        source: S,
        permit: OwnedSemaphorePermit,
    ) -> Result<Self, TranscodeError> {
        let mut child = Command::new(program)
            .arg("transcode")
            .args(["--from", order.from.uid().as_str(), "--to", order.to.uid().as_str()])
            .args(["--frame-length", &order.frame_length_max.to_string()])
            .args(["--kept-back", &order.kept_back_max.to_string()])
            .args(["--memory", &limits.memory_max.to_string()])
            .args(["--processor-time", &limits.processor_time_max.as_secs().max(1).to_string()])
            // What the environment holds, secrets among it, is nothing to a codec.
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(TranscodeError::Child)?;
        let no_pipe = || TranscodeError::Child(io::Error::other("no pipe to the child"));
        Ok(Self {
            source,
            input: Some(child.stdin.take().ok_or_else(no_pipe)?),
            output: child.stdout.take().ok_or_else(no_pipe)?,
            reason: child.stderr.take().ok_or_else(no_pipe)?,
            child,
            pending: Bytes::new(),
            source_ended: false,
            taken: 0,
            limits,
            buffer: BytesMut::new(),
            _permit: permit,
        })
    }

    /// The next bytes that the child gives; none when it has ended well, behind the source's end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, TranscodeError> {
        loop {
            self.buffer.reserve(PIECE_LENGTH);
            // While nothing is there for the child, it is not its fault that it stands still.
            let at_work = self.input.is_none() || !self.pending.is_empty();
            let stall_max = self.limits.stall_max;
            let step = tokio::select! {
                biased;
                read = self.output.read_buf(&mut self.buffer) => Step::Given(read.map_err(TranscodeError::Child)?),
                fed = feed(&mut self.source, &mut self.input, &mut self.pending, &mut self.source_ended),
                    if self.input.is_some() =>
                {
                    self.taken += fed?;
                    Step::Fed
                }
                () = tokio::time::sleep(stall_max), if at_work => return Err(TranscodeError::TimedOut),
            };
            match step {
                Step::Given(0) => return self.end().await.map(|()| None),
                Step::Given(_) => return Ok(Some(self.buffer.split().freeze())),
                Step::Fed if self.taken > self.limits.length_max => {
                    return Err(too_large(self.limits.length_max));
                }
                Step::Fed => {}
            }
        }
    }

    /// Waits for the child, which has closed its output.
    async fn end(&mut self) -> Result<(), TranscodeError> {
        self.input = None;
        let mut reason = Vec::new();
        let ended = async {
            (&mut self.reason).take(REASON_LENGTH_MAX).read_to_end(&mut reason).await?;
            self.child.wait().await
        };
        let status = tokio::time::timeout(self.limits.stall_max, ended).await;
        let status = status.map_err(|_| TranscodeError::TimedOut)?.map_err(TranscodeError::Child)?;
        let reason = printable(&reason);
        Err(match (status.code(), status.signal()) {
            (Some(0), _) if self.source_ended => return Ok(()),
            (Some(65), _) => TranscodeError::Undecodable(reason),
            (Some(66), _) => TranscodeError::Truncated,
            (Some(67), _) => TranscodeError::TooLarge(reason),
            // SIGXCPU
            (_, Some(24)) => TranscodeError::TimedOut,
            _ => TranscodeError::ChildEnded(format!("{status} {reason}").trim_end().to_owned()),
        })
    }
}

/// Why an object of more bytes than `length_max` is not transcoded.
pub(super) fn too_large(length_max: u64) -> TranscodeError {
    TranscodeError::TooLarge(format!("more than {length_max} bytes"))
}

/// Moves bytes from the source to the child, and tells how many came from the source. May be dropped at
/// any time without a loss.
async fn feed<S>(
    source: &mut S,
    input: &mut Option<ChildStdin>,
    pending: &mut Bytes,
    source_ended: &mut bool,
) -> Result<u64, TranscodeError>
where
    S: Stream<Item = io::Result<Bytes>> + Send + Unpin,
{
    if pending.is_empty() {
        return match source.next().await {
            Some(bytes) => {
                *pending = bytes.map_err(TranscodeError::Source)?;
                Ok(pending.len() as u64)
            }
            None => {
                *source_ended = true;
                *input = None;
                Ok(0)
            }
        };
    }
    let Some(pipe) = input else { return Ok(0) };
    match pipe.write(pending).await {
        Ok(written) => pending.advance(written),
        // The child has ended: its status tells why.
        Err(_) => *input = None,
    }
    Ok(0)
}

/// The first line of what a child printed, as far as it can be printed again.
fn printable(bytes: &[u8]) -> String {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    line.iter().map(|byte| if (b' '..=b'~').contains(byte) { char::from(*byte) } else { '?' }).collect()
}
