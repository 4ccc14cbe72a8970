//! What is brought back from origins.

use super::count;
use crate::config_file::{self, Document, File, KeyPath, Problem, PullMethod};
use bridge::config::{Origin, Pattern, Pull};
use dicomweb::profile::ChangeFeed;

/// All pulls; `origins` are those of the configuration.
///
/// # Errors
/// The first problem.
pub(super) fn pulls(file: &File, document: &Document, origins: &[Origin]) -> Result<Vec<Pull>, Problem> {
    let one = |(index, written)| pull(written, &KeyPath::from("pull").index(index), document, origins);
    file.pull.iter().enumerate().map(one).collect()
}

fn pull(
    written: &config_file::Pull,
    path: &KeyPath,
    document: &Document,
    origins: &[Origin],
) -> Result<Pull, Problem> {
    let problem = |key: &str, message: String| document.problem(&path.key(key), message);
    let to = written.to.iter().enumerate().map(|(index, name)| {
        let place = path.key("to").index(index);
        name.parse().map_err(|error| document.problem(&place, format!("`{name}`: {error}")))
    });
    let modalities = written.modality.iter().map(|text| {
        text.parse::<Pattern>().map_err(|error| problem("modality", format!("`{text}`: {error}")))
    });
    Ok(Pull {
        interval: written.interval.0,
        since: written.since.as_ref().map(|moment| moment.0.0),
        modalities: modalities.collect::<Result<_, _>>()?,
        own: written.own,
        concurrent: count(written.concurrent),
        backlog_max: written.backlog_max.0,
        ..Pull::new(
            written.name.as_str(),
            written.origin.as_str(),
            to.collect::<Result<_, _>>()?,
            method(written, path, document, origins)?,
        )
    })
}

/// How the origin is asked: as it is written, or by its list of changes if it has one.
fn method(
    written: &config_file::Pull,
    path: &KeyPath,
    document: &Document,
    origins: &[Origin],
) -> Result<bridge::config::PullMethod, Problem> {
    let lists = |origin: &Origin| origin.client.profile.change_feed == ChangeFeed::ByTime;
    let by_changes = match written.method {
        Some(method) => method == PullMethod::ChangeFeed,
        None => origins.iter().find(|origin| origin.name == written.origin).is_some_and(lists),
    };
    let (unused, word) = if by_changes { ("days", "change-feed") } else { ("settle", "search") };
    if document.holds(&path.key(unused)) {
        let message = format!("has no meaning with method = \"{word}\"");
        return Err(document.problem(&path.key(unused), message));
    }
    Ok(if by_changes {
        let settle = written.settle.map_or(Pull::SETTLE, |settle| settle.0);
        bridge::config::PullMethod::ChangeFeed { settle }
    } else {
        bridge::config::PullMethod::Search { days: written.days.unwrap_or(Pull::DAYS) }
    })
}

#[cfg(test)]
mod tests {
    use crate::{config_file::Document, configuration::Configuration};
    use bridge::config::PullMethod;

    const SITE: &str = "[origin.cloud]\nurl = \"http://127.0.0.1:9/v2\"\nprofile = \"azure\"\n\
        [origin.archive]\nurl = \"http://127.0.0.1:9/\"\n[[route]]\nstore = [\"archive\"]\n\
        [[peer]]\nae_title = \"PACS\"\naddress = \"127.0.0.1:104\"\n[[pull]]\nname = \"back\"\n";

    fn read(pull: &str) -> Result<Configuration, String> {
        let document = Document::new("dimseway.toml".into(), format!("{SITE}{pull}\n"));
        let (file, document) =
            crate::config_file::File::parse(document).map_err(|error| error.to_string())?;
        Configuration::from_file(&file, document).map_err(|error| error.to_string())
    }

    #[test]
    fn the_profile_says_how_an_origin_is_asked() {
        let pull = |text: &str| read(text).unwrap().bridge.pulls.remove(0);
        let cloud = pull("origin = \"cloud\"\nto = [\"peer:PACS\", \"archive\"]");
        assert!(matches!(cloud.method, PullMethod::ChangeFeed { .. }));
        assert_eq!(cloud.to.len(), 2);
        let archive = pull("origin = \"archive\"\nto = [\"cloud\"]\ndays = 3\nsince = \"2026-11-01\"");
        assert_eq!(archive.method, PullMethod::Search { days: 3 });
        assert_eq!(archive.since.unwrap().to_string(), "2026-11-01T00:00:00Z");
        let searched = pull("origin = \"cloud\"\nto = [\"archive\"]\nmethod = \"search\"");
        assert_eq!(searched.method, PullMethod::Search { days: 7 });
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, words) in [
            (
                "origin = \"cloud\"\nto = [\"cloud\"]",
                "pull.to: what is pulled from an origin cannot be sent back",
            ),
            ("origin = \"archive\"\nto = [\"cloud\"]\nmethod = \"change-feed\"", "no list of changes"),
            ("origin = \"cloud\"\nto = [\"archive\"]\ndays = 3", "no meaning with method = \"change-feed\""),
            (
                "origin = \"archive\"\nto = [\"cloud\"]\nsettle = \"3s\"",
                "no meaning with method = \"search\"",
            ),
            ("origin = \"archive\"\nto = [\"peer:\"]", "no AE title follows"),
            ("origin = \"archive\"\nto = [\"cloud\"]\nsince = \"yesterday\"", "write a date"),
            ("origin = \"nowhere\"\nto = [\"cloud\"]", "there is no [origin.nowhere]"),
        ] {
            let problem = read(text).unwrap_err();
            assert!(problem.contains(words), "{text}: {problem}");
            assert!(problem.starts_with("dimseway.toml:1"), "{problem}");
        }
    }
}
