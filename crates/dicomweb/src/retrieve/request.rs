//! What is retrieved, and how it is asked for.

use instance::{TransferSyntax, Uid};
use reqwest::Url;

use crate::url::Target;
use crate::{Client, Error, Profile};

/// A study, a series or an instance to retrieve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retrieve {
    /// The study.
    pub study: Uid,
    /// Only this series.
    pub series: Option<Uid>,
    /// Only this instance of the series.
    pub instance: Option<Uid>,
    /// In which transfer syntaxes.
    pub transfer_syntax: Accept,
}

/// Transfer syntaxes in which instances are wanted (PS3.18 §8.7.3.5.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accept {
    /// Each as it is stored: `transfer-syntax=*`. From a server that does not know it, in the server's
    /// default.
    Any,
    /// One of these, the most wanted first.
    These(Vec<TransferSyntax>),
}

impl Retrieve {
    pub(super) fn url(&self, client: &Client) -> Result<Url, Error> {
        let Profile { paths, retrieve, .. } = client.profile();
        let template = match (&self.series, &self.instance) {
            (None, None) if retrieve.whole_study => &paths.retrieve_study,
            (Some(_), None) if retrieve.whole_series => &paths.retrieve_series,
            (Some(_), Some(_)) => &paths.instance,
            (None, Some(_)) => return Err(Error::Profile("no instance without its series")),
            (None, None) => return Err(Error::Profile("no retrieve of a whole study")),
            (Some(_), None) => return Err(Error::Profile("no retrieve of a whole series")),
        };
        let target = Target {
            study: Some(&self.study),
            series: self.series.as_ref(),
            instance: self.instance.as_ref(),
        };
        Ok(client.base_url().resource_with(template, target, ""))
    }

    /// The value of the Accept header field.
    pub(super) fn accept(&self, profile: &Profile) -> Result<String, Error> {
        let single_part = profile.retrieve.single_part_instance && self.instance.is_some();
        let media_type =
            if single_part { "application/dicom" } else { "multipart/related; type=\"application/dicom\"" };
        match &self.transfer_syntax {
            Accept::Any if profile.any_transfer_syntax => Ok(format!("{media_type}; transfer-syntax=*")),
            Accept::Any => Ok(media_type.to_owned()),
            Accept::These(syntaxes) => {
                let count = if profile.retrieve.several_transfer_syntaxes { syntaxes.len() } else { 1 };
                let accepted: Vec<_> = syntaxes
                    .iter()
                    .take(count)
                    .map(|syntax| format!("{media_type}; transfer-syntax={}", syntax.uid()))
                    .collect();
                if accepted.is_empty() {
                    return Err(Error::Profile("no retrieve in none of all transfer syntaxes"));
                }
                Ok(accepted.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::client_with;

    fn retrieve(series: Option<&str>, instance: Option<&str>) -> Retrieve {
        let uid = |text: &str| text.parse().unwrap();
        let (study, series, instance) = (uid("1.2"), series.map(uid), instance.map(uid));
        Retrieve { study, series, instance, transfer_syntax: Accept::Any }
    }

    #[test]
    fn each_resource_has_its_url_unless_the_profile_lacks_it() {
        let client = |change: fn(&mut Profile)| client_with("http://h/dw".parse().unwrap(), change);
        let standard = client(|_| ());
        let url = |retrieve: &Retrieve| retrieve.url(&standard).unwrap().to_string();
        assert_eq!(url(&retrieve(None, None)), "http://h/dw/studies/1.2");
        assert_eq!(url(&retrieve(Some("1.3"), None)), "http://h/dw/studies/1.2/series/1.3");
        let one = retrieve(Some("1.3"), Some("1.4"));
        assert_eq!(url(&one), "http://h/dw/studies/1.2/series/1.3/instances/1.4");
        assert!(retrieve(None, Some("1.4")).url(&standard).is_err());
        let lacking = client(|profile| {
            profile.retrieve.whole_study = false;
            profile.retrieve.whole_series = false;
        });
        assert!(retrieve(None, None).url(&lacking).is_err());
        assert!(retrieve(Some("1.3"), None).url(&lacking).is_err());
        assert_eq!(one.url(&lacking).unwrap().to_string(), url(&one));
    }

    #[test]
    fn transfer_syntaxes_are_asked_for_in_the_way_of_the_profile() {
        let these = |uids: &[&str]| {
            Accept::These(uids.iter().map(|uid| TransferSyntax::new(uid.parse().unwrap())).collect())
        };
        let profile = |change: fn(&mut Profile)| {
            let mut profile = Profile::standard();
            change(&mut profile);
            profile
        };
        let standard = profile(|_| ());
        let no_wildcard = profile(|profile| profile.any_transfer_syntax = false);
        let one = profile(|profile| profile.retrieve.several_transfer_syntaxes = false);
        let single = profile(|profile| profile.retrieve.single_part_instance = true);
        const MULTIPART: &str = "multipart/related; type=\"application/dicom\"";
        let rows = [
            (&standard, Accept::Any, format!("{MULTIPART}; transfer-syntax=*")),
            (&no_wildcard, Accept::Any, MULTIPART.to_owned()),
            (
                &standard,
                these(&["1.2.1", "1.2.2"]),
                format!("{MULTIPART}; transfer-syntax=1.2.1, {MULTIPART}; transfer-syntax=1.2.2"),
            ),
            (&one, these(&["1.2.1", "1.2.2"]), format!("{MULTIPART}; transfer-syntax=1.2.1")),
            (&single, Accept::Any, "application/dicom; transfer-syntax=*".to_owned()),
        ];
        for (profile, transfer_syntax, expected) in rows {
            let retrieve = Retrieve { transfer_syntax, ..retrieve(Some("1.3"), Some("1.4")) };
            assert_eq!(retrieve.accept(profile).unwrap(), expected);
        }
        let series = retrieve(Some("1.3"), None);
        assert_eq!(series.accept(&single).unwrap(), format!("{MULTIPART}; transfer-syntax=*"));
        let none = Retrieve { transfer_syntax: these(&[]), ..series };
        assert!(none.accept(&standard).is_err());
    }
}
