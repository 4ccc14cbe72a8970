//! A token end point and an origin that knows its tokens.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{Response, StatusCode};
use axum::routing::any;

use crate::auth::{ClientProof, OAuthClient, TokenUrl};
use crate::testing::serve;
use crate::{BaseUrl, Client, ClientConfig, Credentials, Profile};

/// What came in at the token end point.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) query: BTreeMap<String, String>,
    pub(super) headers: http::HeaderMap,
    pub(super) form: BTreeMap<String, String>,
}

/// What the token end point answers.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    /// The token `tN` with this life in seconds, N counted from 1.
    Token(u64),
    /// This status and body, of this media type.
    Other(u16, &'static str, &'static str),
    /// Nothing at all.
    Silence,
}

/// A token end point at `/token`, and an origin everywhere else that takes the tokens in `good`.
#[derive(Clone)]
pub(super) struct Cloud {
    pub(super) base: BaseUrl,
    asked: Arc<Mutex<Vec<Asked>>>,
    answer: Arc<Mutex<Answer>>,
    /// Tokens that the origin takes; those given by the end point are put in here by itself.
    good: Arc<Mutex<Vec<String>>>,
    /// Method and path of requests to the origin, and the status that they got.
    served: Arc<Mutex<Vec<(String, u16)>>>,
}

impl Cloud {
    pub(super) async fn new() -> Self {
        let cloud = Self {
            base: "http://h/".parse().unwrap(),
            asked: Arc::default(),
            answer: Arc::new(Mutex::new(Answer::Token(3600))),
            good: Arc::default(),
            served: Arc::default(),
        };
        let (tokens, origin) = (cloud.clone(), cloud.clone());
        let router = Router::new()
            .route("/token", any(move |request| async move { tokens.give(request).await }))
            .fallback(move |request| async move { origin.serve(request).await });
        Self { base: serve(router).await, ..cloud }
    }

    pub(super) fn answers(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    /// Takes tokens back before their end.
    pub(super) fn revoke(&self) {
        self.good.lock().unwrap().clear();
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub(super) fn served(&self) -> Vec<(String, u16)> {
        std::mem::take(&mut self.served.lock().unwrap())
    }

    pub(super) fn token_url(&self) -> TokenUrl {
        self.base.to_string().replace("/dicom-web", "/token").parse().unwrap()
    }

    pub(super) fn config(&self, credentials: Credentials) -> ClientConfig {
        ClientConfig { credentials, ..ClientConfig::new(self.base.clone(), Profile::standard()) }
    }

    /// A client with a secret.
    pub(super) fn client(&self) -> Client {
        Client::new(self.config(self.secret())).unwrap()
    }

    pub(super) fn secret(&self) -> Credentials {
        Credentials::OAuthClient(OAuthClient {
            token_url: self.token_url(),
            client_id: "dimseway".to_owned(),
            proof: ClientProof::SecretInBody("open sesame".to_owned().into()),
            scope: Some("archive/.default".to_owned()),
            parameters: BTreeMap::new(),
        })
    }

    async fn give(&self, request: Request) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let number = {
            let mut asked = self.asked.lock().unwrap();
            asked.push(Asked {
                method: parts.method.to_string(),
                query: fields(parts.uri.query().unwrap_or_default()),
                headers: parts.headers,
                form: fields(std::str::from_utf8(&body).unwrap()),
            });
            asked.len()
        };
        let answer = self.answer.lock().unwrap().clone();
        match answer {
            Answer::Token(life) => {
                let token = format!("t{number}");
                self.good.lock().unwrap().push(format!("Bearer {token}"));
                let body =
                    format!(r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":{life}}}"#);
                let builder = Response::builder().header("metadata-flavor", "Google");
                builder.header("content-type", "application/json").body(body.into()).unwrap()
            }
            Answer::Other(status, kind, body) => {
                let builder = Response::builder().status(status).header("content-type", kind);
                builder.body(body.into()).unwrap()
            }
            Answer::Silence => std::future::pending().await,
        }
    }

    async fn serve(&self, request: Request) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let granted = {
            let shown = parts.headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
            shown.is_some_and(|shown| self.good.lock().unwrap().contains(&shown))
        };
        let _ = axum::body::to_bytes(body, usize::MAX).await;
        let status = if granted { StatusCode::NO_CONTENT } else { StatusCode::UNAUTHORIZED };
        let line = format!("{} {}", parts.method, parts.uri.path());
        self.served.lock().unwrap().push((line, status.as_u16()));
        Response::builder().status(status).body(Body::empty()).unwrap()
    }
}

/// The fields of a form or query.
fn fields(text: &str) -> BTreeMap<String, String> {
    let decoded = |text: &str| {
        let text = text.replace('+', " ");
        percent_encoding::percent_decode_str(&text).decode_utf8().unwrap().into_owned()
    };
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (decoded(name), decoded(value))).collect()
}
