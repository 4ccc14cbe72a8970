//! PostDICOM's own end points of an origin.

use super::origin::Reading;
use crate::config_file::{HeaderValue, Problem, postdicom as written};
use bridge::config::{Narrowing, PostDicom};
use http::{HeaderName, header::AUTHORIZATION};
use postdicom::{
    BaseUrl, BooleanStyle, ClientConfig, Conventions, Credentials, EmptyAnswer, EmptyList, EmptyParameters,
    HttpVersion, InvalidBaseUrl, ListStyle, ReasonOnSuccess, Route, TagForm, Timeouts, Tls, Transport,
    Unconfirmed, UuidForm,
};
use std::collections::BTreeMap;

/// Name of the profile that has them.
pub(super) const PROFILE: &str = "postdicom";

impl Reading<'_> {
    /// The end points, where the profile has them. `client` is what DICOMweb of the same account is.
    ///
    /// # Errors
    /// The first problem; also keys of them with another profile, where they would mean nothing.
    pub(super) fn postdicom(
        &mut self,
        client: &dicomweb::ClientConfig,
    ) -> Result<Option<PostDicom>, Problem> {
        if self.origin.profile != PROFILE {
            return match self.document.holds(&self.path.key("postdicom")) {
                true => Err(self.problem(
                    "postdicom",
                    format!("has no meaning with profile `{}`, only with `{PROFILE}`", self.origin.profile),
                )),
                false => Ok(None),
            };
        }
        let written = &self.origin.postdicom;
        let client = ClientConfig {
            base_url: self.end_points()?,
            credentials: self.account(client)?,
            tls: Tls {
                ca_file: client.tls.ca_file.clone(),
                certificate_file: client.tls.certificate_file.clone(),
                key_file: client.tls.key_file.clone(),
            },
            conventions: self.conventions(client)?,
            timeouts: Timeouts {
                connect: self.origin.connect_timeout.0,
                total: written.timeout.0,
                turn: self.origin.unavailable_timeout.0,
                pool_idle: written.idle_connection.0,
            },
            plain_http_allowed: written.plain_http,
            ..ClientConfig::new(self.end_points()?, None)
        };
        let narrowing = &written.narrowing;
        Ok(Some(PostDicom {
            client,
            institutions: written.institutions.0.iter().map(|uuid| uuid.0.clone()).collect(),
            narrowing: Narrowing {
                patient_name: narrowing.patient_name,
                patient_id: narrowing.patient_id,
                accession_number: narrowing.accession_number,
                modality: narrowing.modality,
                study_date: narrowing.study_date,
                patient_birth_date: narrowing.patient_birth_date,
            },
            date_slack_days: written.date_slack,
            patients_max: self.at_least_one("patients_max", written.patients_max)?,
            patients_at_once: self.at_least_one("patients_at_once", written.patients_at_once)?,
        }))
    }

    fn at_least_one(&self, key: &str, written: u32) -> Result<usize, Problem> {
        match written {
            0 => Err(self.document.problem(&self.path.key("postdicom").key(key), "at least 1")),
            count => Ok(super::count(count)),
        }
    }

    fn end_points(&self) -> Result<BaseUrl, Problem> {
        let (path, text) = match &self.origin.postdicom.url {
            Some(url) => (self.path.key("postdicom").key("url"), url),
            None => (self.path.key("url"), &self.origin.url),
        };
        text.parse().map_err(|error: InvalidBaseUrl| self.document.problem(&path, error.to_string()))
    }

    /// Every call carries name and password (RFC 7617); without them a proxy on the way must know them.
    fn account(&self, client: &dicomweb::ClientConfig) -> Result<Option<Credentials>, Problem> {
        match &client.credentials {
            dicomweb::Credentials::Basic { username, password } => {
                Ok(Some(Credentials { username: username.clone(), password: password.clone() }))
            }
            dicomweb::Credentials::None if !client.headers.iter().any(|(name, _)| name == AUTHORIZATION) => {
                Ok(None)
            }
            _ => Err(self.problem("auth", "PostDICOM's end points take `basic`")),
        }
    }

    fn conventions(&mut self, client: &dicomweb::ClientConfig) -> Result<Conventions, Problem> {
        let written = &self.origin.postdicom;
        let (transport, usual) = match written.transport {
            written::Transport::HeaderGet => (Transport::HeaderGet, Conventions::default()),
            written::Transport::PostJson => (Transport::PostJson, Conventions::post_json()),
        };
        let limit = |size: crate::config_file::Size| usize::try_from(size.0).unwrap_or(usize::MAX);
        let mut headers = self.extra_headers(&written.extra_headers)?;
        headers.extend(client.headers.iter().cloned());
        Ok(Conventions {
            transport,
            lists: written.list_encoding.map_or(usual.lists, lists),
            booleans: written.bool_style.map_or(usual.booleans, booleans),
            empty_parameters: match written.empty_params {
                written::EmptyParams::SendEmpty => EmptyParameters::Send,
                written::EmptyParams::Omit => EmptyParameters::Omit,
            },
            empty_list: written.empty_lists.map_or(usual.empty_list, empty_list),
            uuids: match written.uuids {
                written::Uuids::Any => UuidForm::Any,
                written::Uuids::Rfc4122 => UuidForm::Rfc4122,
            },
            tags: match written.tag_form {
                written::TagForm::Digits => TagForm::Digits,
                written::TagForm::Comma => TagForm::Comma,
                written::TagForm::Parentheses => TagForm::Parentheses,
            },
            empty_answer: match written.empty_answer {
                written::EmptyAnswer::NothingFound => EmptyAnswer::NothingFound,
                written::EmptyAnswer::Unreadable => EmptyAnswer::Unreadable,
            },
            reason_on_success: match written.reason_on_success {
                written::ReasonOnSuccess::Failure => ReasonOnSuccess::Failure,
                written::ReasonOnSuccess::Ignored => ReasonOnSuccess::Ignored,
            },
            unconfirmed: match written.unconfirmed_orders {
                written::UnconfirmedOrders::Hold => Unconfirmed::Hold,
                written::UnconfirmedOrders::Same => Unconfirmed::Same,
            },
            http_version: match written.http_version {
                written::HttpVersion::One => HttpVersion::One,
                written::HttpVersion::Negotiated => HttpVersion::Negotiated,
            },
            routes: written.routes.iter().map(|(function, route)| (function.0, self::route(route))).collect(),
            headers,
            header_bytes_max: limit(written.header_limit),
            body_bytes_max: limit(written.body_limit),
            answer_bytes_max: limit(written.answer_limit),
            list_items_max: super::count(written.list_limit),
        })
    }

    fn extra_headers(
        &mut self,
        written: &BTreeMap<String, HeaderValue>,
    ) -> Result<Vec<(HeaderName, http::HeaderValue)>, Problem> {
        let path = self.path.key("postdicom").key("extra_headers");
        self.header_fields(&path, written)
    }
}

fn route(written: &written::Route) -> Route {
    Route {
        path: written.path.as_ref().map(|path| path.0.clone()),
        header: written.header.as_ref().map(|header| header.0.clone()),
        method: written.method.as_ref().map(|method| method.0.clone()),
    }
}

const fn lists(written: written::ListEncoding) -> ListStyle {
    match written {
        written::ListEncoding::NestedJsonString => ListStyle::NestedJson,
        written::ListEncoding::Array => ListStyle::Array,
    }
}

const fn booleans(written: written::BoolStyle) -> BooleanStyle {
    match written {
        written::BoolStyle::Small => BooleanStyle::Small,
        written::BoolStyle::Capitalised => BooleanStyle::Capitalised,
        written::BoolStyle::Json => BooleanStyle::Native,
    }
}

const fn empty_list(written: written::EmptyLists) -> EmptyList {
    match written {
        written::EmptyLists::OneEmptyString => EmptyList::OneEmptyString,
        written::EmptyLists::NoElement => EmptyList::NoElement,
        written::EmptyLists::EmptyString => EmptyList::EmptyString,
    }
}
