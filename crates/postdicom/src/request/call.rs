//! Any call, so that it can wait in a queue and be taken apart where it is too long.

use serde::{Deserialize, Serialize};

use super::*;
use crate::parameters::Parameters;
use crate::{Conventions, Error, Function, InvalidField, SharePassword, SideEffect, prepared};

/// A call of any function.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "function", content = "parameters")]
#[expect(missing_docs, reason = "each variant is the type of its name")]
#[non_exhaustive]
pub enum Call {
    CreateShareLink(CreateShareLink),
    SharePatientOrderWithUrl(SharePatientOrderWithUrl),
    CreateFolder(CreateFolder),
    SearchFolder(SearchFolder),
    ShareFolderWithUrl(ShareFolderWithUrl),
    AddOrderToFolder(AddOrderToFolder),
    AssignOrderToUser(AssignOrderToUser),
    AssignOrderToUserGroup(AssignOrderToUserGroup),
    CreatePatientOrder(Box<CreatePatientOrder>),
    GetPatientOrderProperties(GetPatientOrderProperties),
    GetDicomTagContent(GetDicomTagContent),
    GetPatientOrderList(Box<GetPatientOrderList>),
    DeletePatientOrder(DeletePatientOrder),
}

macro_rules! from_requests {
    ($($name:ident),*) => {$(
        impl From<$name> for Call {
            fn from(request: $name) -> Self {
                Self::$name(request.into())
            }
        }
    )*};
}

from_requests!(
    CreateShareLink,
    SharePatientOrderWithUrl,
    CreateFolder,
    SearchFolder,
    ShareFolderWithUrl,
    AddOrderToFolder,
    AssignOrderToUser,
    AssignOrderToUserGroup,
    CreatePatientOrder,
    GetPatientOrderProperties,
    GetDicomTagContent,
    GetPatientOrderList,
    DeletePatientOrder
);

/// A call that was stored, read again.
#[derive(Debug, Clone)]
pub struct Restored {
    /// The call, without its password.
    pub call: Call,
    /// It had a password, which is not stored: the call is refused until [`Call::set_share_password`] has
    /// set one again, since the share would be public without.
    pub password_missing: bool,
}

/// A stored call that cannot be read. What is wrong is not repeated, since it holds a patient's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stored call cannot be read")]
pub struct UnreadableCall;

/// What [`Call::store`] writes.
#[derive(Serialize, Deserialize)]
struct Stored<C> {
    #[serde(flatten)]
    call: C,
    #[serde(default)]
    had_password: bool,
}

impl Call {
    /// Which function is called.
    #[must_use]
    pub const fn function(&self) -> Function {
        match self {
            Self::CreateShareLink(_) => Function::CreateShareLink,
            Self::SharePatientOrderWithUrl(_) => Function::SharePatientOrderWithUrl,
            Self::CreateFolder(_) => Function::CreateFolder,
            Self::SearchFolder(_) => Function::SearchFolder,
            Self::ShareFolderWithUrl(_) => Function::ShareFolderWithUrl,
            Self::AddOrderToFolder(_) => Function::AddOrderToFolder,
            Self::AssignOrderToUser(_) => Function::AssignOrderToUser,
            Self::AssignOrderToUserGroup(_) => Function::AssignOrderToUserGroup,
            Self::CreatePatientOrder(_) => Function::CreatePatientOrder,
            Self::GetPatientOrderProperties(_) => Function::GetPatientOrderProperties,
            Self::GetDicomTagContent(_) => Function::GetDicomTagContent,
            Self::GetPatientOrderList(_) => Function::GetPatientOrderList,
            Self::DeletePatientOrder(_) => Function::DeletePatientOrder,
        }
    }

    /// What it changes.
    #[must_use]
    pub const fn side_effect(&self) -> SideEffect {
        self.function().side_effect()
    }

    /// Its parameters as a JSON object in ASCII.
    pub(crate) fn parameters(&self, conventions: &Conventions) -> Result<String, InvalidField> {
        let to = Parameters::new(conventions);
        let written = match self {
            Self::CreateShareLink(request) => request.write(to),
            Self::SharePatientOrderWithUrl(request) => request.write(to),
            Self::CreateFolder(request) => request.write(to),
            Self::SearchFolder(request) => request.write(to),
            Self::ShareFolderWithUrl(request) => request.write(to),
            Self::AddOrderToFolder(request) => request.write(to),
            Self::AssignOrderToUser(request) => request.write(to),
            Self::AssignOrderToUserGroup(request) => request.write(to),
            Self::CreatePatientOrder(request) => request.write(to),
            Self::GetPatientOrderProperties(request) => request.write(to),
            Self::GetDicomTagContent(request) => request.write(to),
            Self::GetPatientOrderList(request) => request.write(to),
            Self::DeletePatientOrder(request) => request.write(to),
        };
        written.map(|parameters| parameters.to_json())
    }

    /// The call itself if it fits one request; else calls that do, which together say the same. A link to
    /// many orders so becomes several links.
    ///
    /// # Errors
    /// [`Error::Invalid`]; [`Error::TooLong`] where no list can be taken apart.
    pub fn split(self, conventions: &Conventions) -> Result<Vec<Self>, Error> {
        // All values are checked at once, so that nothing is sent of a call whose end is wrong.
        let json = self.parameters(conventions)?;
        let Err(too_long) = prepared::check_length(self.function(), &json, conventions) else {
            return Ok(vec![self]);
        };
        let Some((first, second)) = self.halves() else { return Err(too_long) };
        let mut calls = first.split(conventions)?;
        calls.extend(second.split(conventions)?);
        Ok(calls)
    }

    /// The call with each half of its longest list, if it has one that can be halved.
    fn halves(&self) -> Option<(Self, Self)> {
        let (mut first, mut second) = (self.clone(), self.clone());
        match (&mut first, &mut second) {
            (Self::CreateShareLink(a), Self::CreateShareLink(b)) => halve(&mut a.orders, &mut b.orders),
            (Self::SharePatientOrderWithUrl(a), Self::SharePatientOrderWithUrl(b)) => {
                halve(&mut a.orders, &mut b.orders)
            }
            (Self::AddOrderToFolder(a), Self::AddOrderToFolder(b)) => halve(&mut a.folders, &mut b.folders),
            (Self::GetDicomTagContent(a), Self::GetDicomTagContent(b)) => halve(&mut a.tags, &mut b.tags),
            (Self::GetPatientOrderList(a), Self::GetPatientOrderList(b)) => {
                let (mut these, mut those) = (a.modalities.clone().into(), b.modalities.clone().into());
                if halve(&mut a.institutions, &mut b.institutions) {
                    true
                } else if halve::<crate::Modality>(&mut these, &mut those) {
                    (a.modalities, b.modalities) = (these.into(), those.into());
                    true
                } else {
                    false
                }
            }
            _ => false,
        }
        .then_some((first, second))
    }

    /// The call as it waits in a queue, without its password. It holds what it says of a patient.
    #[must_use]
    pub fn store(&self) -> Vec<u8> {
        let stored = Stored { call: self, had_password: self.share_password().is_some() };
        // INVARIANT: no key is anything but a string and no value but text, lists and truth values.
        #[expect(clippy::expect_used, reason = "writing such JSON into memory cannot fail")]
        serde_json::to_vec(&stored).expect("plain JSON")
    }

    /// Reads a call from a queue. Every value is checked again.
    ///
    /// # Errors
    /// [`UnreadableCall`].
    pub fn restore(bytes: &[u8]) -> Result<Restored, UnreadableCall> {
        let Stored { mut call, had_password } =
            serde_json::from_slice::<Stored<Self>>(bytes).map_err(|_| UnreadableCall)?;
        if had_password {
            call.set_share_password(SharePassword::WITHHELD);
        }
        Ok(Restored { call, password_missing: had_password })
    }

    /// The password of a share.
    #[must_use]
    pub const fn share_password(&self) -> Option<&SharePassword> {
        match self {
            Self::CreateShareLink(request) => request.password.as_ref(),
            Self::SharePatientOrderWithUrl(request) => request.password.as_ref(),
            Self::ShareFolderWithUrl(request) => request.password.as_ref(),
            _ => None,
        }
    }

    /// Sets the password of a share; nothing else has one.
    pub fn set_share_password(&mut self, password: SharePassword) {
        match self {
            Self::CreateShareLink(request) => request.password = Some(password),
            Self::SharePatientOrderWithUrl(request) => request.password = Some(password),
            Self::ShareFolderWithUrl(request) => request.password = Some(password),
            _ => {}
        }
    }
}

/// Leaves one half of equal lists in each of them; false where there is nothing to halve.
fn halve<T>(first: &mut Vec<T>, second: &mut Vec<T>) -> bool {
    let middle = first.len().div_ceil(2);
    if first.len() < 2 {
        return false;
    }
    first.truncate(middle);
    second.drain(..middle);
    true
}
