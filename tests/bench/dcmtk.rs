//! DCMTK's programs: `storescu` as the modality, `movescu` and `getscu` as the workstation, `storescp` as
//! the peer to compare with and as the destination.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::Context as _;
use tests::dcmtk::free_port;
use tests::skip;
use tests::wait::eventually;

/// Whether DCMTK's programs leave Nagle's algorithm on, which is their default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nagle {
    On,
    /// `TCP_NODELAY=1` in the environment.
    Off,
}

fn program(name: &str, nagle: Nagle) -> Option<Command> {
    let mut command = Command::new(skip::program(name)?);
    command.stdin(Stdio::null()).env_remove("TCP_NODELAY");
    if nagle == Nagle::Off {
        command.env("TCP_NODELAY", "1");
    }
    Some(command)
}

/// Sends files over one association; seconds from the start of the program to its end.
pub(crate) fn store(to: SocketAddr, called: &str, nagle: Nagle, files: &[PathBuf]) -> anyhow::Result<f64> {
    let mut command = program("storescu", nagle).context("storescu is not installed")?;
    command.args(["-aet", "BENCH", "-aec", called]);
    // The default list of presentation contexts stands for CT; a large object is of a rarer class.
    if files.len() == 1 {
        command.arg("--required");
    }
    command.arg(to.ip().to_string()).arg(to.port().to_string()).args(files);
    let begun = Instant::now();
    let output = command.output()?;
    let seconds = begun.elapsed().as_secs_f64();
    if !output.status.success() {
        anyhow::bail!("storescu ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(seconds)
}

/// Has a study moved to a destination; seconds from the start of the program to its end.
pub(crate) fn retrieve_to(
    to: SocketAddr,
    called: &str,
    destination: &str,
    study: &str,
) -> anyhow::Result<f64> {
    let mut command = program("movescu", Nagle::Off).context("movescu is not installed")?;
    command.args(["-aem", destination]);
    retrieve(command, to, called, study)
}

/// Gets a study over the association on which it is asked for, and throws it away; seconds.
pub(crate) fn retrieve_here(to: SocketAddr, called: &str, study: &str) -> anyhow::Result<f64> {
    let mut command = program("getscu", Nagle::Off).context("getscu is not installed")?;
    command.arg("--ignore");
    retrieve(command, to, called, study)
}

fn retrieve(mut command: Command, to: SocketAddr, called: &str, study: &str) -> anyhow::Result<f64> {
    command.args(["-v", "-S", "-aet", "BENCH", "-aec", called]);
    command.args(["-k", "0008,0052=STUDY", "-k"]).arg(format!("0020,000d={study}"));
    command.arg(to.ip().to_string()).arg(to.port().to_string());
    let begun = Instant::now();
    let output = command.output()?;
    let seconds = begun.elapsed().as_secs_f64();
    // It may end well although the retrieve did not.
    let log = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    if !output.status.success() || !log.contains("(Success)") {
        anyhow::bail!("{} ended with {}:\n{log}", command.get_program().display(), output.status);
    }
    Ok(seconds)
}

/// What a `storescp` does with what it receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Writes files, without waiting for the disk: its default.
    Files,
    /// Throws everything away: `--ignore`.
    Nothing,
}

/// A running `storescp`; killed when dropped.
pub(crate) struct Storescp {
    child: Child,
    address: SocketAddr,
    folder: PathBuf,
}

impl Storescp {
    /// Nothing where it is not installed.
    pub(crate) fn start(folder: &Path, keep: Keep, nagle: Nagle) -> anyhow::Result<Option<Self>> {
        Self::start_with(folder, keep, nagle, &[])
    }

    /// The same with further options, which name its folder too.
    pub(crate) fn start_with(
        folder: &Path,
        keep: Keep,
        nagle: Nagle,
        options: &[&str],
    ) -> anyhow::Result<Option<Self>> {
        let Some(mut command) = program("storescp", nagle) else { return Ok(None) };
        command.args(options);
        let folder = folder.join(format!("storescp-{keep:?}-{nagle:?}{}", options.concat()));
        fs::create_dir_all(&folder)?;
        match keep {
            Keep::Files => command.arg("-od").arg(&folder),
            Keep::Nothing => command.arg("--ignore"),
        };
        let port = free_port();
        let log = File::create(folder.with_extension("log"))?;
        let child = command.arg(port.to_string()).stdout(Stdio::null()).stderr(log).spawn()?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let peer = Self { child, address, folder };
        eventually("storescp listens", || TcpStream::connect(address).ok());
        Ok(Some(peer))
    }

    /// Stores files in it and sets aside what it wrote; seconds.
    pub(crate) fn measure(&self, nagle: Nagle, files: &[PathBuf]) -> anyhow::Result<f64> {
        let seconds = store(self.address, "ANY-SCP", nagle, files)?;
        self.set_aside()?;
        Ok(seconds)
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes the files that it wrote out of its way, empties them, and keeps them until the end; how many there
    /// were. ext4 spares an inode that was freed within the last minutes, and looks at each of them for every
    /// file that is created: where hundreds were just removed, that takes `storescp` nearly as long as all its
    /// other work, and nothing removes files behind an archive's back.
    pub(crate) fn set_aside(&self) -> anyhow::Result<usize> {
        let aside = self.folder.with_extension("aside");
        let round = (0_u32..).map(|round| aside.join(round.to_string())).find(|path| !path.exists());
        let round = round.context("a free name")?;
        fs::create_dir_all(&round)?;
        let mut count = 0;
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            File::options().write(true).truncate(true).open(entry.path())?;
            fs::rename(entry.path(), round.join(entry.file_name()))?;
            count += 1;
        }
        Ok(count)
    }
}

impl Drop for Storescp {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
