//! The same query finds the same on an origin that does all of PS3.18 and on one that does little.

use std::{collections::BTreeMap, net::SocketAddr};

use dataset::{
    element::VR,
    json::{Element, Item},
    matching::{self, Keys},
};
use dicomweb::Profile;
use dimse::acse::QueryRetrieveOptions;
use instance::Tag;
use origin::{
    Options, Origin, Personality,
    synthetic::archive::{self, Archive, Attributes, Value},
};
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::workstation::{
    MODALITIES, SERIES_INSTANCES, STUDY_INSTANCES, STUDY_SERIES, Workstation, identifier,
};
use crate::tests::{origin::FakeOrigin, site::Site};

const STUDY_TIME: Tag = Tag(0x0008, 0x0030);
const STUDY_DESCRIPTION: Tag = Tag(0x0008, 0x1030);
const PATIENT_SEX: Tag = Tag(0x0010, 0x0040);
const BIRTH_DATE: Tag = Tag(0x0010, 0x0030);
const STUDY_ID: Tag = Tag(0x0020, 0x0010);
const SERIES_NUMBER: Tag = Tag(0x0020, 0x0011);
const REFERRING: Tag = Tag(0x0008, 0x0090);

pub(super) type Query = &'static [(Tag, VR, &'static str)];

/// Keys of studies, beside the unique one.
pub(super) const QUERIES: &[Query] = &[
    &[],
    &[(Tag::PATIENT_NAME, VR::PN, "*a*")],
    &[(Tag::PATIENT_NAME, VR::PN, "S*")],
    &[(Tag::PATIENT_NAME, VR::PN, "s*^*")],
    &[(Tag::PATIENT_NAME, VR::PN, "?????*")],
    &[(Tag::PATIENT_NAME, VR::PN, "*ов*")],
    &[(Tag::PATIENT_NAME, VR::PN, "И*")],
    &[(Tag::PATIENT_NAME, VR::PN, "=山*")],
    &[(Tag::PATIENT_NAME, VR::PN, "山*")],
    &[(Tag::PATIENT_NAME, VR::PN, "*'*")],
    &[(Tag::PATIENT_ID, VR::LO, "*1*")],
    &[(Tag::PATIENT_ID, VR::LO, "nobody")],
    &[(Tag::STUDY_DATE, VR::DA, "20200101-")],
    &[(Tag::STUDY_DATE, VR::DA, "-20191231")],
    &[(Tag::STUDY_DATE, VR::DA, "20180101-20211231"), (STUDY_TIME, VR::TM, "1000-1400")],
    &[(STUDY_TIME, VR::TM, "-09")],
    &[(MODALITIES, VR::CS, "CT")],
    &[(MODALITIES, VR::CS, "CT\\MR")],
    &[(MODALITIES, VR::CS, "U?")],
    &[(PATIENT_SEX, VR::CS, "F")],
    &[(BIRTH_DATE, VR::DA, "19500101-19791231")],
    &[(Tag::ACCESSION_NUMBER, VR::SH, "*1")],
    &[(STUDY_DESCRIPTION, VR::LO, "*e*")],
    &[(REFERRING, VR::PN, "*^*")],
    &[(STUDY_ID, VR::SH, "*"), (PATIENT_SEX, VR::CS, "M"), (MODALITIES, VR::CS, "MR")],
    &[(STUDY_SERIES, VR::IS, "2")],
    &[(STUDY_INSTANCES, VR::IS, "3")],
];

/// The same studies at origins that can be searched by much and by little.
struct Sites {
    archive: Archive,
    all: Vec<(&'static str, Site)>,
    _directories: Vec<TempDir>,
}

/// Serves the archive without asking who is there. The base URL.
async fn serve(archive: &Archive, personality: Personality) -> (String, SocketAddr, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { tokens: None, ..Options::new(directory.path(), personality) };
    let origin = Origin::open_with(options.clone()).unwrap();
    origin.list_all(archive.files()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { origin::serve(listener, &origin, std::future::pending()).await });
    (options.url(address), address, directory)
}

impl Sites {
    async fn new() -> Self {
        let options = archive::Options { studies: 240, ..archive::Options::new(1) };
        let archive = Archive::generate(options);
        let mut sites = Self { archive, all: Vec::new(), _directories: Vec::new() };
        sites.add("full", Personality::Standard, Profile::standard()).await;
        sites.add("limited", Personality::Limited, Profile::azure()).await;
        sites.add("google", Personality::Google, Profile::google()).await;
        sites
    }

    async fn add(&mut self, name: &'static str, personality: Personality, profile: Profile) {
        let (url, address, directory) = serve(&self.archive, personality).await;
        let site = Site::with_origin(FakeOrigin::default(), address, |config| {
            config.origins[0].client.base_url = url.parse().unwrap();
            config.origins[0].client.profile = profile;
        });
        self.all.push((name, site.await));
        self._directories.push(directory);
    }
}

fn element(value: &Value) -> Element {
    match value {
        Value::Text(vr, text) => Element::texts(*vr, text.split('\\')),
        Value::Items(items) => Element::sequence(items.iter().map(item)),
    }
}

fn item(attributes: &Attributes) -> Item {
    attributes.iter().map(|(tag, value)| (tag, element(value))).collect()
}

/// The studies that match, by the generated data alone.
pub(super) fn expected(archive: &Archive, keys: &Keys) -> Vec<String> {
    let studies = archive.studies.iter().filter_map(|study| {
        let mut found = item(&study.attributes);
        let modalities: Vec<_> =
            study.series.iter().filter_map(|one| one.attributes.text(Tag::MODALITY)).collect();
        found.insert(MODALITIES, Element::texts(VR::CS, modalities));
        found.insert(STUDY_SERIES, Element::integer(VR::IS, study.series.len() as i64));
        found.insert(STUDY_INSTANCES, Element::integer(VR::IS, study.instance_count() as i64));
        keys.matches(&found).then(|| found.text(Tag::STUDY_INSTANCE_UID).unwrap().into_owned())
    });
    let mut uids: Vec<_> = studies.collect();
    uids.sort();
    uids
}

#[tokio::test(flavor = "multi_thread")]
async fn studies() {
    let sites = Sites::new().await;
    let mut workstations = Vec::new();
    for (name, site) in &sites.all {
        workstations.push((*name, Workstation::at(site).await));
    }
    for query in QUERIES {
        let mut identifier = identifier("STUDY", query);
        let keys = Keys::read(&identifier, matching::Options::default()).unwrap();
        identifier.insert(Tag::STUDY_INSTANCE_UID, Element::empty(VR::UI));
        let expected = expected(&sites.archive, &keys);
        let is_for_nobody = query.iter().any(|(_, _, value)| *value == "nobody");
        assert_eq!(expected.is_empty(), is_for_nobody, "{query:?} shows nothing");
        for (origin, workstation) in &mut workstations {
            let found = workstation.find(&identifier).await.whole();
            assert_eq!(found.values(Tag::STUDY_INSTANCE_UID), expected, "{origin}: {query:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fuzzy_names_and_moments_where_they_are_negotiated() {
    let sites = Sites::new().await;
    let options =
        QueryRetrieveOptions { relational: false, combined_date_time: true, fuzzy: true, time_zone: false };
    let queries: [Query; 3] = [
        &[(Tag::PATIENT_NAME, VR::PN, "an")],
        &[(Tag::PATIENT_NAME, VR::PN, "ив")],
        &[(Tag::STUDY_DATE, VR::DA, "20180601-20220301"), (STUDY_TIME, VR::TM, "1800-0600")],
    ];
    for (origin, site) in &sites.all {
        let mut workstation = Workstation::with(site, options).await;
        for query in queries {
            let mut identifier = identifier("STUDY", query);
            let matching =
                matching::Options { combined_date_time: true, fuzzy: true, ..matching::Options::default() };
            let expected = expected(&sites.archive, &Keys::read(&identifier, matching).unwrap());
            identifier.insert(Tag::STUDY_INSTANCE_UID, Element::empty(VR::UI));
            let found = workstation.find(&identifier).await.whole();
            assert_eq!(found.values(Tag::STUDY_INSTANCE_UID), expected, "{origin}: {query:?}");
            assert!(!expected.is_empty(), "{query:?} finds nothing, which shows nothing");
        }
    }
}

/// Relational queries: all series with a number, all instances of a patient.
#[tokio::test(flavor = "multi_thread")]
async fn series_and_instances_of_any_study() {
    let sites = Sites::new().await;
    let relational = QueryRetrieveOptions { relational: true, ..QueryRetrieveOptions::default() };
    let patient = sites.archive.studies[0].attributes.text(Tag::PATIENT_ID).unwrap().to_owned();
    let of_patient = |study: &&archive::Study| study.attributes.text(Tag::PATIENT_ID) == Some(&patient);
    let mut numbered = BTreeMap::new();
    for series in sites.archive.studies.iter().flat_map(|study| &study.series) {
        if series.attributes.text(SERIES_NUMBER) == Some("2") {
            let uid = series.attributes.text(Tag::SERIES_INSTANCE_UID).unwrap().to_owned();
            numbered.insert(uid, series.instances.len().to_string());
        }
    }
    let of_patient = sites.archive.studies.iter().filter(of_patient).flat_map(|study| study.files());
    let mut instances: Vec<String> =
        of_patient.map(|file| file.identity.sop_instance_uid.to_string()).collect();
    instances.sort();
    assert!(!numbered.is_empty() && !instances.is_empty());
    for (origin, site) in &sites.all {
        let mut workstation = Workstation::with(site, relational).await;
        let elements = [
            (Tag::SERIES_INSTANCE_UID, VR::UI, ""),
            (SERIES_NUMBER, VR::IS, "2"),
            (SERIES_INSTANCES, VR::IS, ""),
        ];
        let found = workstation.find(&identifier("SERIES", &elements)).await.whole();
        let counts: BTreeMap<_, _> = found
            .results
            .iter()
            .map(|(_, item)| {
                let text = |tag| item.text(tag).unwrap_or_default().into_owned();
                (text(Tag::SERIES_INSTANCE_UID), text(SERIES_INSTANCES))
            })
            .collect();
        assert_eq!(counts, numbered, "{origin}");
        let elements = [(Tag::SOP_INSTANCE_UID, VR::UI, ""), (Tag::PATIENT_ID, VR::LO, patient.as_str())];
        let found = workstation.find(&identifier("IMAGE", &elements)).await.whole();
        assert_eq!(found.values(Tag::SOP_INSTANCE_UID), instances, "{origin}");
    }
}
