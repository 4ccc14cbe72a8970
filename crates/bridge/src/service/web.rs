//! The worklist and performed procedure steps for user agents of PS3.18: what modalities ask with C-FIND and
//! report with N-CREATE and N-SET, asked and reported over HTTP. The same list, the same rules, the same
//! durability; the HTTP itself is the program's.

mod parameters;

use dataset::{character_set::CharacterSet, identifier::write, json::Item};
use instance::{AeTitle, Encoding, Uid};

pub use self::parameters::{InvalidParameter, Search};
use crate::{
    Bridge,
    config::Mpps,
    service::{
        performed_procedure::{DataSet, Fault},
        worklist,
    },
};

/// Scheduled procedure steps that match.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// Those of the page that was asked for.
    pub items: Vec<Item>,
    /// How many there are behind it.
    pub further: usize,
}

/// Why a request was not carried out, by what its answer is. Messages say nothing about a patient.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The service is not configured.
    #[error("the service is not configured")]
    NotOffered,
    /// The request is wrong (400).
    #[error("{0}")]
    Invalid(String),
    /// There is a step of this UID (409).
    #[error("there is a step of this UID")]
    Exists,
    /// There is none of this UID (404).
    #[error("there is no step of this UID")]
    Unknown,
    /// The step is COMPLETED or DISCONTINUED (410).
    #[error("the step may no longer be updated")]
    Final,
    /// It cannot be done now (503).
    #[error("{0}")]
    Unavailable(String),
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Unreadable(_)
            | Fault::Missing(_)
            | Fault::Empty(_)
            | Fault::Invalid(_)
            | Fault::NotAllowed(_) => Self::Invalid(fault.to_string()),
            Fault::Duplicate => Self::Exists,
            Fault::NoSuchInstance => Self::Unknown,
            Fault::MayNoLongerBeUpdated => Self::Final,
            Fault::Contended => Self::Unavailable("the step is being changed by others".to_owned()),
            Fault::Spool(_) => Self::Unavailable("storage is not available".to_owned()),
            Fault::Damaged => Self::Unavailable("the step that is kept cannot be read".to_owned()),
        }
    }
}

impl Bridge {
    /// Searches the worklist (PS3.18 §14), as C-FIND does. Orders for any station are shown under `calling`.
    ///
    /// # Errors
    /// [`Refusal::NotOffered`], [`Refusal::Invalid`], [`Refusal::Unavailable`].
    pub async fn scheduled_procedure_steps(
        &self,
        calling: &AeTitle,
        search: &Search,
    ) -> Result<Found, Refusal> {
        if self.core.snapshot.load().config.worklist.sources.is_empty() {
            return Err(Refusal::NotOffered);
        }
        let page = worklist::Page { offset: search.offset, limit: search.limit };
        let identifier = encoded(&search.keys);
        worklist::search(&self.core.worklist, calling, &identifier, search.fuzzy, page).await
    }

    /// Creates a performed procedure step (PS3.18 §15.4), as N-CREATE does. It is durable, and all sinks will
    /// be told, when this returns.
    ///
    /// # Errors
    /// [`Refusal::NotOffered`], [`Refusal::Invalid`], [`Refusal::Exists`], [`Refusal::Unavailable`].
    pub async fn create_performed_procedure_step(
        &self,
        sop_instance_uid: Uid,
        attributes: &Item,
    ) -> Result<(), Refusal> {
        let mpps = self.mpps()?;
        let provider = &self.core.performed_procedure;
        provider.create(&mpps, Some(sop_instance_uid), data_set(attributes)).await?;
        Ok(())
    }

    /// Changes a performed procedure step (PS3.18 §15.5), as N-SET does.
    ///
    /// # Errors
    /// [`Refusal::NotOffered`], [`Refusal::Invalid`], [`Refusal::Unknown`], [`Refusal::Final`],
    /// [`Refusal::Unavailable`].
    pub async fn update_performed_procedure_step(
        &self,
        sop_instance_uid: &Uid,
        modifications: &Item,
    ) -> Result<(), Refusal> {
        let mpps = self.mpps()?;
        self.core.performed_procedure.set(&mpps, sop_instance_uid, data_set(modifications)).await?;
        Ok(())
    }

    /// A performed procedure step (PS3.18 §15.6), as N-GET gives it.
    ///
    /// # Errors
    /// [`Refusal::NotOffered`], [`Refusal::Unknown`], [`Refusal::Unavailable`].
    pub async fn performed_procedure_step(&self, sop_instance_uid: &Uid) -> Result<Item, Refusal> {
        self.mpps()?;
        Ok(self.core.performed_procedure.get(sop_instance_uid, &[]).await?.attributes)
    }

    fn mpps(&self) -> Result<Mpps, Refusal> {
        self.core.snapshot.load().config.mpps.clone().ok_or(Refusal::NotOffered)
    }
}

/// DICOM JSON is in UTF-8 (PS3.18 §F.2.3), so its binary form is too.
fn encoded(item: &Item) -> bytes::Bytes {
    write(item, Encoding::ExplicitVrLittleEndian, &CharacterSet::utf_8()).bytes.into()
}

fn data_set(item: &Item) -> DataSet<'static> {
    DataSet { bytes: encoded(item), encoding: Encoding::ExplicitVrLittleEndian, assumed: None }
}
