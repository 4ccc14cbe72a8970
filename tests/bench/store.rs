//! The store path: beside DCMTK and Orthanc, and with large objects and many associations.

mod figures;
mod judge;
mod memory;
mod rounds;
mod site;

use crate::Arguments;
use crate::verdict::Verdict;

/// How much is done.
#[derive(Debug, Clone)]
struct Extent {
    smoke: bool,
    runs: u32,
    instances: u32,
    /// Bytes of Pixel Data of the large object.
    large_object: u64,
    associations: usize,
    instances_per_association: u32,
}

impl From<&Arguments> for Extent {
    fn from(arguments: &Arguments) -> Self {
        if arguments.smoke {
            return Self {
                smoke: true,
                runs: 1,
                instances: 30,
                large_object: 64 << 20,
                associations: 64,
                instances_per_association: 1,
            };
        }
        Self {
            smoke: false,
            runs: arguments.runs,
            instances: arguments.instances,
            large_object: 1 << 30,
            associations: 64,
            instances_per_association: 5,
        }
    }
}

/// True where no target was missed, in a smoke run only those of memory; nothing where a tool is
/// missing.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Option<bool>> {
    let extent = Extent::from(arguments);
    let Some(mut site) = site::Site::open(&arguments.folder, &extent)? else { return Ok(None) };
    let mut figures = figures::Figures::new(&extent);
    rounds::measure(&mut site, &extent, &mut figures)?;
    memory::measure(&site, &extent, &mut figures)?;
    let verdicts = judge::judge(&figures);
    figures::print(&figures, &verdicts);
    let name = if extent.smoke { "store-smoke.json" } else { "store.json" };
    let path = arguments.folder.join(name);
    figures::write(&path, &figures, &verdicts)?;
    println!("\nwritten to {}", path.display());
    Ok(Some(verdicts.iter().all(|verdict: &Verdict| !verdict.is_failure(extent.smoke))))
}
