//! Which store it is.

/// The names in the path of a store:
/// `/v1/projects/PROJECT/locations/LOCATION/datasets/DATASET/dicomStores/STORE/dicomWeb`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Project.
    pub project: String,
    /// Location.
    pub location: String,
    /// Dataset.
    pub dataset: String,
    /// DICOM store.
    pub store: String,
}

impl Options {
    /// Path below which the DICOMweb resources stand.
    #[must_use]
    pub fn base_path(&self) -> String {
        let Self { project, location, dataset, store } = self;
        format!("/v1/projects/{project}/locations/{location}/datasets/{dataset}/dicomStores/{store}/dicomWeb")
    }
}

impl Default for Options {
    fn default() -> Self {
        let [project, location, dataset, store] =
            ["demo", "europe-west4", "imaging", "archive"].map(str::to_owned);
        Self { project, location, dataset, store }
    }
}
