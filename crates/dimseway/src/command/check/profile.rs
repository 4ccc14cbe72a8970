//! What an origin is taken to be able to do.

use crate::configuration::effective;
use bridge::config::Origin;
use dicomweb::{Profile, profile::AzureVersion};

/// The effective profile in words that the configuration file would take: all in which it is not that of a
/// server that keeps to PS3.18 and promises nothing beyond it, and what of that is of the file and not of the
/// built-in profile.
pub(super) fn lines(origin: &Origin) -> Vec<String> {
    let profile = &origin.client.profile;
    let partition = partition(profile);
    let within = |mut profile: Profile| {
        if let Some(name) = partition {
            // The name is that of a partition which was entered before.
            let _ = profile.paths.enter_partition(name);
        }
        effective::keys(&profile)
    };
    let built_in = match AzureVersion::of_url(&origin.client.base_url) {
        Some(version) if profile.name == AZURE => Profile::azure_in(version),
        _ => Profile::built_in(&profile.name).unwrap_or_default(),
    };
    let (standard, built_in) = (within(Profile::standard()), within(built_in));
    let mut lines = vec![head(origin, partition)];
    for (key, value) in effective::keys(profile) {
        let is_of = |keys: &[(String, String)]| keys.contains(&(key.clone(), value.clone()));
        let (of_standard, of_built_in) = (is_of(&standard), is_of(&built_in));
        if !of_standard || !of_built_in {
            let whose = if of_built_in { "" } else { "  # of this configuration" };
            lines.push(format!("           {key} = {value}{whose}"));
        }
    }
    lines
}

/// Name of the profile whose paths may lead into a partition.
const AZURE: &str = "azure";

fn head(origin: &Origin, partition: Option<&str>) -> String {
    let (name, profile) = (&origin.name, &origin.client.profile.name);
    let within = partition.map(|name| format!(", in partition {name}")).unwrap_or_default();
    let but = if profile == "standard" { "" } else { ", which is the standard but for" };
    format!("profile  {name} at {}{within}: `{profile}`{but}", origin.client.base_url)
}

fn partition(profile: &Profile) -> Option<&str> {
    let path = profile.paths.studies.as_str().strip_prefix("/partitions/")?;
    path.split('/').next().filter(|_| profile.name == AZURE)
}
