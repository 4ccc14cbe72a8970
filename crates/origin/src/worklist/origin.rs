//! Steps past the wire: to put some there, and to see what became of them.

use std::sync::Arc;

use dataset::{
    element::VR,
    json::{Element, Item},
};
use instance::{Tag, Uid};

use super::store::{Kept, Kind, Store};
use crate::{Error, Origin};

impl Origin {
    fn worklist_store(&self) -> Result<&Arc<Store>, Error> {
        self.state.worklist.as_ref().ok_or(Error::NoWorklist)
    }

    async fn steps(&self, kind: Kind) -> Result<Vec<Item>, Error> {
        let all = self.worklist_store()?.blocking(move |store| Ok(store.all(kind))).await?;
        Ok(all.into_iter().map(Arc::unwrap_or_clone).collect())
    }

    /// Schedules procedure steps, each a data set as of PS3.4 §K.6.1.2.2. `key` names it: another one of the
    /// same key takes its place. Nothing is checked.
    ///
    /// # Errors
    /// The personality keeps none, or they cannot be written.
    pub async fn add_scheduled_steps(
        &self,
        steps: impl IntoIterator<Item = (String, Item)>,
    ) -> Result<(), Error> {
        let steps: Vec<_> = steps.into_iter().map(|(key, step)| (key, Some(step))).collect();
        self.worklist_store()?.blocking(move |store| store.put_all(Kind::ScheduledStep, &steps)).await
    }

    /// Schedules one procedure step, as [`Origin::add_scheduled_steps`].
    ///
    /// # Errors
    /// As [`Origin::add_scheduled_steps`].
    pub async fn add_scheduled_step(&self, key: &str, step: Item) -> Result<(), Error> {
        self.add_scheduled_steps([(key.to_owned(), step)]).await
    }

    /// Takes all scheduled procedure steps off.
    ///
    /// # Errors
    /// As [`Origin::add_scheduled_steps`].
    pub async fn clear_scheduled_steps(&self) -> Result<(), Error> {
        self.worklist_store()?.blocking(|store| store.clear(Kind::ScheduledStep)).await
    }

    /// All scheduled procedure steps, the oldest first.
    ///
    /// # Errors
    /// The personality keeps none.
    pub async fn scheduled_steps(&self) -> Result<Vec<Item>, Error> {
        self.steps(Kind::ScheduledStep).await
    }

    /// All performed procedure steps, the oldest first, each with its SOP Instance UID.
    ///
    /// # Errors
    /// The personality keeps none.
    pub async fn performed_steps(&self) -> Result<Vec<Item>, Error> {
        self.steps(Kind::PerformedStep).await
    }

    /// Removes a performed procedure step, so that it is gone (410).
    ///
    /// # Errors
    /// As [`Origin::add_scheduled_steps`].
    pub async fn remove_performed_step(&self, uid: &Uid) -> Result<(), Error> {
        let step = [(uid.to_string(), None)];
        self.worklist_store()?.blocking(move |store| store.put_all(Kind::PerformedStep, &step)).await
    }

    /// Makes workitems, each with its SOP Instance UID; one without gets none and is left out. Nothing else is
    /// checked, and one of the same UID is replaced.
    ///
    /// # Errors
    /// As [`Origin::add_scheduled_steps`].
    pub async fn add_workitems(&self, workitems: impl IntoIterator<Item = Item>) -> Result<(), Error> {
        let named = |item: Item| Some((item.uid(Tag::SOP_INSTANCE_UID)?.to_string(), Some(item)));
        let workitems: Vec<_> = workitems.into_iter().filter_map(named).collect();
        self.worklist_store()?.blocking(move |store| store.put_all(Kind::Workitem, &workitems)).await
    }

    /// Makes a workitem of this UID, as [`Origin::add_workitems`].
    ///
    /// # Errors
    /// As [`Origin::add_scheduled_steps`].
    pub async fn add_workitem(&self, uid: &Uid, mut workitem: Item) -> Result<(), Error> {
        workitem.insert(Tag::SOP_INSTANCE_UID, Element::text(VR::UI, uid.as_str()));
        self.add_workitems([workitem]).await
    }

    /// All workitems, the oldest first, with their Transaction UIDs.
    ///
    /// # Errors
    /// The personality keeps none.
    pub async fn workitems(&self) -> Result<Vec<Item>, Error> {
        self.steps(Kind::Workitem).await
    }

    /// A workitem, with its Transaction UID.
    ///
    /// # Errors
    /// The personality keeps none.
    pub async fn workitem(&self, uid: &Uid) -> Result<Option<Item>, Error> {
        Ok(match self.worklist_store()?.get(Kind::Workitem, uid.as_str()) {
            Kept::There(item) => Some(Arc::unwrap_or_clone(item)),
            Kept::Nothing | Kept::Removed => None,
        })
    }

    /// Removes a workitem, so that it is gone (410).
    ///
    /// # Errors
    /// As [`Origin::add_scheduled_steps`].
    pub async fn remove_workitem(&self, uid: &Uid) -> Result<(), Error> {
        let workitem = [(uid.to_string(), None)];
        self.worklist_store()?.blocking(move |store| store.put_all(Kind::Workitem, &workitem)).await
    }
}
