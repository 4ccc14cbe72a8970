//! `dimseway worklist`.

use super::api::Api;
use crate::{
    cli::{Worklist, WorklistShow},
    configuration::Configuration,
    exit::{Exit, OrExit, fail},
    table,
    worklist::{Entry, Page, Question},
};
use anyhow::Context;
use bridge::Metrics;
use spool::local::ReadOnlyDocuments;
use std::{fmt::Write, path::Path, sync::Arc};

/// Shows the worklist.
///
/// # Errors
/// The configuration is wrong, or there is neither a daemon nor a spool.
pub(crate) async fn run(path: &Path, arguments: &Worklist) -> anyhow::Result<()> {
    let Worklist::Show(arguments) = arguments;
    let configuration = Configuration::read(path).or_exit(Exit::Configuration)?;
    if configuration.bridge.worklist.sources.is_empty() {
        return Err(fail(
            Exit::Configuration,
            "there is no worklist: no [worklist_source.NAME] is configured",
        ));
    }
    let page = page(&configuration, arguments).await?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&page)?);
    } else {
        print!("{}", in_words(&page, arguments.brief));
    }
    Ok(())
}

/// What the daemon shows; where none answers, what the spool keeps.
async fn page(configuration: &Configuration, arguments: &WorklistShow) -> anyhow::Result<Page> {
    let api = Api::new(configuration)?;
    if api.answers().await {
        let question = Question {
            ae: arguments.ae.as_ref().map(ToString::to_string),
            date: arguments.date.map(|date| date.to_string()),
        };
        return api.json(api.get("worklist").query(&question)).await;
    }
    let directory = configuration.spool.directory.clone();
    let nowhere = || {
        let directory = configuration.spool.directory.display();
        format!("no daemon answers at {}, and nothing is kept in {directory}", api.base)
    };
    let opened = tokio::task::spawn_blocking(move || ReadOnlyDocuments::open(&directory)).await?;
    let documents = opened.with_context(nowhere).or_exit(Exit::Unavailable)?;
    eprintln!("no daemon answers at {}: this is what its spool keeps", api.base);
    let metrics = Arc::new(Metrics::new()?);
    let kept = bridge::worklist::Worklist::kept(&configuration.bridge, Arc::new(documents), metrics).await;
    let kept = kept.map_err(|error| configuration.start_problem(&error)).or_exit(Exit::Configuration)?;
    Ok(kept.show(arguments.ae.as_ref(), arguments.date).into())
}

fn in_words(page: &Page, brief: bool) -> String {
    let mut text = String::new();
    if brief {
        if !page.entries.is_empty() {
            text.push_str(&lines(&page.entries));
        }
    } else {
        for entry in &page.entries {
            text.push_str(&block(entry));
            text.push('\n');
        }
    }
    // Writing to a String cannot fail.
    let _ = match page.entries.len() {
        1 => writeln!(text, "1 entry"),
        entries => writeln!(text, "{entries} entries"),
    };
    let mut reasons = std::collections::BTreeMap::<&str, usize>::new();
    for hidden in &page.hidden {
        *reasons.entry(&hidden.reason).or_default() += 1;
    }
    for (reason, entries) in reasons {
        let _ = writeln!(text, "{entries} not shown: {reason}");
    }
    for source in &page.sources {
        let _ = writeln!(text, "source {}: {}", source.name, source.in_words());
    }
    text
}

/// Day and time of a step, as people write them.
fn start(entry: &Entry) -> String {
    let date = entry.value("ScheduledProcedureStepStartDate");
    let time = entry.value("ScheduledProcedureStepStartTime");
    let parts = (date.get(..4), date.get(4..6), date.get(6..8), time.get(..2), time.get(2..4));
    match parts {
        (Some(year), Some(month), Some(day), Some(hour), minute) => {
            format!("{year}-{month}-{day} {hour}:{}", minute.unwrap_or("00"))
        }
        _ => format!("{date} {time}"),
    }
}

/// One line for each entry.
fn lines(entries: &[Entry]) -> String {
    let head =
        ["START", "STATION", "MODALITY", "STATUS", "PATIENT ID", "PATIENT", "ACCESSION", "STEP", "SOURCE"];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(entries.iter().map(|entry| {
        let step = match entry.value("ScheduledProcedureStepDescription") {
            "" => entry.value("RequestedProcedureDescription"),
            description => description,
        };
        [
            start(entry),
            entry.value("ScheduledStationAETitle").to_owned(),
            entry.value("Modality").to_owned(),
            entry.value("ScheduledProcedureStepStatus").to_owned(),
            entry.value("PatientID").to_owned(),
            entry.value("PatientName").to_owned(),
            entry.value("AccessionNumber").to_owned(),
            step.to_owned(),
            entry.source.clone(),
        ]
    }));
    table::columns(&rows)
}

/// An entry with all its values and where they came from.
fn block(entry: &Entry) -> String {
    let mut text = format!("{} {}/{}\n", start(entry), entry.source, table::shown(&entry.id));
    let rows: Vec<[String; 4]> = entry
        .attributes
        .iter()
        .map(|attribute| {
            let (group, element) = attribute.tag.split_at_checked(4).unwrap_or((&attribute.tag, ""));
            let indent = if attribute.of_step { "  > " } else { "  " };
            [
                format!("{indent}({group},{element})"),
                attribute.keyword.clone(),
                attribute.value.clone(),
                attribute.from.clone(),
            ]
        })
        .collect();
    text.push_str(&table::columns(&rows));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worklist::{Attribute, HiddenEntry, Source};

    fn entry(values: &[(&str, &str, &str, &str)]) -> Entry {
        let attributes = values.iter().map(|(tag, keyword, value, from)| Attribute {
            tag: (*tag).to_owned(),
            keyword: (*keyword).to_owned(),
            of_step: tag.starts_with("0040"),
            value: (*value).to_owned(),
            from: (*from).to_owned(),
        });
        Entry { source: "ris".into(), id: "1\n2".into(), attributes: attributes.collect() }
    }

    #[test]
    fn every_value_says_where_it_came_from_and_nothing_in_it_moves_the_cursor() {
        let shown = entry(&[
            ("00400002", "ScheduledProcedureStepStartDate", "20261122", "source"),
            ("00400003", "ScheduledProcedureStepStartTime", "0730", "fallback"),
            ("00100010", "PatientName", "A\u{1b}[2J", "source"),
        ]);
        let page = Page {
            entries: vec![shown],
            hidden: vec![
                HiddenEntry { source: "ris".into(), id: "3".into(), reason: "completed".into() },
                HiddenEntry { source: "ris".into(), id: "4".into(), reason: "completed".into() },
            ],
            sources: vec![Source {
                name: "ris".into(),
                refreshed_at: None,
                answers: None,
                is_served: false,
                entries: 1,
                left_out: Default::default(),
                unreadable: 0,
            }],
        };
        let expected = "\
2026-11-22 07:30 ris/1\\n2
  > (0040,0002)  ScheduledProcedureStepStartDate  20261122        source
  > (0040,0003)  ScheduledProcedureStepStartTime  0730            fallback
  (0010,0010)    PatientName                      A\\u{1b}[2J      source

1 entry
2 not shown: completed
source ris: was not asked yet, 1 entry
";
        let text = in_words(&page, false);
        assert_eq!(
            text.split_whitespace().collect::<Vec<_>>(),
            expected.split_whitespace().collect::<Vec<_>>()
        );
        assert!(!text.contains('\u{1b}'));
        assert_eq!(text.lines().count(), expected.lines().count());
        let brief = in_words(&page, true);
        assert!(brief.starts_with("START "), "{brief}");
        assert!(brief.contains("2026-11-22 07:30"), "{brief}");
    }
}
