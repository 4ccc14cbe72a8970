//! curl as the user agent to compare with.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::Context as _;
use tests::skip;

/// Whether it is installed.
pub(crate) fn is_installed() -> bool {
    skip::program("curl").is_some()
}

/// Fetches one URL after the other over one connection and throws the answers away; seconds from the
/// start of the program to its end.
pub(crate) fn fetch_all(urls: &[String]) -> anyhow::Result<f64> {
    let urls = urls.iter().map(|url| format!("url = \"{url}\"\noutput = \"/dev/null\"\n"));
    run(&["--header", "Accept: application/dicom+json"], &urls.collect::<String>())
}

/// Fetches a study into a file; seconds.
pub(crate) fn fetch_study(url: &str, file: &Path) -> anyhow::Result<f64> {
    let accept = "Accept: multipart/related; type=\"application/dicom\"; transfer-syntax=*";
    let urls = format!("url = \"{url}\"\noutput = \"{}\"\n", file.display());
    run(&["--header", accept], &urls)
}

/// Stores a Part 10 file as the whole body of a request.
pub(crate) fn store(url: &str, file: &Path) -> anyhow::Result<()> {
    let urls = format!("url = \"{url}\"\nupload-file = \"{}\"\noutput = \"/dev/null\"\n", file.display());
    run(&["--request", "POST", "--header", "Content-Type: application/dicom"], &urls).map(|_| ())
}

/// Runs it with options and a list of what to transfer.
fn run(options: &[&str], transfers: &str) -> anyhow::Result<f64> {
    let mut command = Command::new(skip::program("curl").context("curl is not installed")?);
    command.args(["--silent", "--show-error", "--fail", "--noproxy", "*", "--config", "-"]).args(options);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let begun = Instant::now();
    let mut child = command.spawn()?;
    child.stdin.take().context("standard input")?.write_all(transfers.as_bytes())?;
    let output = child.wait_with_output()?;
    let seconds = begun.elapsed().as_secs_f64();
    if !output.status.success() {
        anyhow::bail!("curl ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(seconds)
}
