//! Tokens that end, are taken back, or cannot be had.

use std::time::Duration;

use super::end_points::{Answer, Cloud};
use crate::auth::TokenFault;
use crate::error::{Remedy, Unreadable};
use crate::testing::{impatient, small};
use crate::{Client, Error};

fn statuses(cloud: &Cloud) -> Vec<u16> {
    cloud.served().into_iter().map(|(_, status)| status).collect()
}

#[tokio::test]
async fn a_token_that_was_taken_back_is_replaced_without_anybody_noticing() {
    let cloud = Cloud::new().await;
    let client = cloud.client();
    client.probe().await.unwrap();
    cloud.revoke();
    client.probe().await.unwrap();
    assert_eq!(statuses(&cloud), [204, 401, 204]);
    assert_eq!(cloud.asked().len(), 2);
}

/// The data of a store request can be read but once, so it is for the caller to send it again.
#[tokio::test]
async fn a_store_that_is_refused_may_be_sent_again_at_once() {
    let cloud = Cloud::new().await;
    let client = cloud.client();
    client.store(vec![small("1.1")]).await.unwrap();
    cloud.revoke();
    let error = client.store(vec![small("1.1")]).await.unwrap_err();
    assert!(matches!(error, Error::Refused { credentials_changed: true, .. }), "{error}");
    assert_eq!(error.remedy(), Remedy::Retry { after: Some(Duration::ZERO) });
    client.store(vec![small("1.1")]).await.unwrap();
    assert_eq!(statuses(&cloud), [204, 401, 204]);
}

#[tokio::test]
async fn an_origin_that_takes_no_token_is_told_from_a_token_that_has_ended() {
    let cloud = Cloud::new().await;
    let client = cloud.client();
    cloud.answers(Answer::Other(200, "application/json", r#"{"access_token":"for another one"}"#));
    // Another token than before is none the better, however often it is asked for.
    for _ in 0..3 {
        let error = client.probe().await.unwrap_err();
        assert_eq!(error.remedy(), Remedy::FixCredentials);
    }
    assert_eq!(cloud.asked().len(), 2);
}

#[tokio::test]
async fn a_hundred_requests_at_a_time_have_one_token() {
    let cloud = Cloud::new().await;
    let client = cloud.client();
    for _ in 0..2 {
        let requests = (0..100).map(|_| client.probe());
        assert!(futures::future::join_all(requests).await.into_iter().all(|answer| answer.is_ok()));
        cloud.revoke();
    }
    assert_eq!(cloud.asked().len(), 2, "one at first, one after the first 401");
}

#[tokio::test]
async fn who_gives_no_token_is_named_and_the_origin_not_asked() {
    let other = |status, kind, body| Answer::Other(status, kind, body);
    const JSON: &str = "application/json";
    let html = TokenFault::Unreadable(Unreadable::Html);
    let refused = |status: u16, code| TokenFault::Refused {
        status: status.try_into().unwrap(),
        code,
        retry_after: None,
    };
    let invalid_client = r#"{"error":"invalid_client","error_description":"AADSTS7000215: secret"}"#;
    let cases = [
        (other(200, "text/html", "<html>Sign in, Jane Doe"), html.clone(), Remedy::Retry { after: None }),
        (other(200, JSON, "<!DOCTYPE html>"), html, Remedy::Retry { after: None }),
        (
            other(200, JSON, "{}"),
            TokenFault::Unreadable(Unreadable::Malformed),
            Remedy::Retry { after: None },
        ),
        (other(200, JSON, ""), TokenFault::Unreadable(Unreadable::Empty), Remedy::Retry { after: None }),
        (other(500, "text/html", "<html>"), refused(500, None), Remedy::Retry { after: None }),
        (other(503, JSON, "{}"), refused(503, None), Remedy::Retry { after: None }),
        (other(401, JSON, invalid_client), refused(401, Some("invalid_client")), Remedy::FixCredentials),
        (other(400, JSON, r#"{"error":"Jane Doe"}"#), refused(400, None), Remedy::FixCredentials),
        (other(302, JSON, ""), refused(302, None), Remedy::FixCredentials),
        (Answer::Silence, TokenFault::Silent(impatient().connect), Remedy::Retry { after: None }),
    ];
    for (answer, fault, remedy) in cases {
        let cloud = Cloud::new().await;
        cloud.answers(answer);
        let mut config = cloud.config(cloud.secret());
        config.timeouts.token = impatient().connect;
        let client = Client::new(config).unwrap();
        let error = client.store(vec![small("1.1")]).await.unwrap_err();
        assert_eq!(error.remedy(), remedy, "{error}");
        let Error::Token(error) = error else { panic!("{error}") };
        assert_eq!(
            (&error.fault, error.end_point.as_str()),
            (&fault, cloud.token_url().to_string().as_str())
        );
        for secret in ["Jane", "AADSTS", "sesame"] {
            assert!(!error.to_string().contains(secret), "{error}");
        }
        assert_eq!(cloud.served(), []);
    }
}

#[tokio::test]
async fn an_end_point_that_is_down_is_told() {
    let cloud = Cloud::new().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nowhere = listener.local_addr().unwrap();
    drop(listener);
    let crate::Credentials::OAuthClient(mut client) = cloud.secret() else { panic!() };
    client.token_url = format!("http://{nowhere}/token").parse().unwrap();
    let client = Client::new(cloud.config(crate::Credentials::OAuthClient(client))).unwrap();
    let error = client.authenticate().await.unwrap_err();
    let Error::Token(error) = error else { panic!("{error}") };
    assert!(matches!(error.fault, TokenFault::Unreachable(_)), "{error}");
    assert!(error.to_string().contains(&nowhere.to_string()), "{error}");
}

#[tokio::test]
async fn a_token_can_be_looked_at() {
    let cloud = Cloud::new().await;
    let client = cloud.client();
    assert_eq!(client.token_state(), None);
    let state = client.authenticate().await.unwrap().unwrap();
    assert_eq!((state.end_point, state.life.as_secs()), (cloud.token_url().to_string(), 3600));
    assert!(client.token_state().unwrap().rest <= state.life);
    assert_eq!(cloud.asked().len(), 1);
    assert!(!format!("{client:?}").contains("t1"));
    let without = Client::new(cloud.config(crate::Credentials::None)).unwrap();
    assert_eq!(without.authenticate().await.unwrap(), None);
}
