use axum::http::StatusCode;

use super::*;

fn answer(status: u16, outcome: InstanceOutcome) -> StoreAnswer {
    StoreAnswer {
        http_status: StatusCode::from_u16(status).unwrap(),
        retry_after: None,
        body: match outcome {
            InstanceOutcome::Unknown => AnswerBody::Unreadable(Unreadable::Empty),
            _ => AnswerBody::ResponseDataSet,
        },
        instances: vec![outcome],
    }
}

fn failed(failure_reason: Option<u16>) -> InstanceOutcome {
    InstanceOutcome::Failed { failure_reason, duplicate: false }
}

fn refused(status: u16, retry_after: Option<u64>) -> Error {
    Error::Refused {
        status: StatusCode::from_u16(status).unwrap(),
        retry_after: retry_after.map(Duration::from_secs),
        credentials_changed: false,
    }
}

#[test]
fn an_answer_that_names_the_instance_settles_it() {
    let profile = Profile::standard();
    let verdict =
        |status, outcome: InstanceOutcome| of_instance(&answer(status, outcome.clone()), &outcome, &profile);
    let stored = |warning_reason| InstanceOutcome::Stored { warning_reason, retrieve_url: None };
    assert_eq!(verdict(200, stored(None)), Verdict::Delivered("the origin answered 200 OK".into()));
    assert!(
        matches!(verdict(202, stored(Some(0xB000))), Verdict::Delivered(words) if words.contains("B000"))
    );
    assert!(matches!(verdict(202, failed(Some(0xC000))), Verdict::Refused(words) if words.contains("C000")));
    assert!(matches!(verdict(409, failed(Some(0x0110))), Verdict::Refused(_)));
    assert!(matches!(verdict(409, failed(None)), Verdict::Refused(_)));
    assert!(matches!(verdict(409, failed(Some(0xA700))), Verdict::Later(..)));
    assert!(matches!(verdict(409, failed(Some(0xB00F))), Verdict::Refused(_)), "no word of this profile");
    let of_azure = Profile { busy_failure_reasons: vec![0xB00F], ..Profile::standard() };
    let outcome = failed(Some(0xB00F));
    let busy = of_instance(&answer(409, outcome.clone()), &outcome, &of_azure);
    assert!(matches!(busy, Verdict::Later(words, None) if words.contains("B00F")));
    let duplicate = InstanceOutcome::Failed { failure_reason: Some(0x0111), duplicate: true };
    assert_eq!(verdict(409, duplicate), Verdict::Duplicate);
}

#[test]
fn an_answer_that_does_not_name_it_is_looked_up() {
    let cases = [
        (StoreResponse::Verify, IfNotAskable::Held),
        (StoreResponse::Hold, IfNotAskable::Held),
        (StoreResponse::StatusOnly, IfNotAskable::Delivered),
    ];
    for (store_response, expected) in cases {
        let profile = Profile { store_response, ..Profile::standard() };
        let outcome = InstanceOutcome::Unknown;
        let verdict = of_instance(&answer(200, outcome.clone()), &outcome, &profile);
        assert!(matches!(verdict, Verdict::Unknown(_, otherwise) if otherwise == expected), "{verdict:?}");
    }
}

/// Token end points that fail, and what that tells.
fn no_token() -> Vec<(Error, Cause)> {
    use dicomweb::auth::TokenFault;
    let error = |fault| Error::Token(TokenError { end_point: "https://h/token".to_owned(), fault });
    let refused = |status: u16| TokenFault::Refused {
        status: StatusCode::from_u16(status).unwrap(),
        code: None,
        retry_after: Some(Duration::from_secs(9)),
    };
    vec![
        (error(TokenFault::Unreachable("refused".to_owned())), Cause::NoToken),
        (error(TokenFault::Silent(Duration::from_secs(10))), Cause::NoToken),
        (error(TokenFault::Unreadable(Unreadable::Html)), Cause::NoToken),
        (error(refused(503)), Cause::NoToken),
        (error(refused(401)), Cause::TokenRefused),
        (error(TokenFault::OwnProof("no file".to_owned())), Cause::TokenRefused),
    ]
}

#[test]
fn a_request_that_fails_as_a_whole_tells_about_the_destination() {
    let profile = Profile::standard();
    let of = |error: &Error| of_request(error, 2, &profile);
    let unavailable = Health::Failed(Cause::Unavailable);
    let credentials = Health::Failed(Cause::Credentials);

    assert_eq!(of(&Error::Connect("refused".into())), (Whole::NotAttempted, unavailable));
    for (error, cause) in no_token() {
        assert_eq!(of(&error), (Whole::NotAttempted, Health::Failed(cause)), "{error}");
    }
    let changed =
        Error::Refused { status: StatusCode::UNAUTHORIZED, retry_after: None, credentials_changed: true };
    assert_eq!(of(&changed), (Whole::NotAttempted, Health::Unclear));
    for status in [401, 403] {
        assert_eq!(of(&refused(status, None)), (Whole::NotAttempted, credentials), "{status}");
    }
    for status in [400, 406, 409, 413, 415] {
        let (whole, health) = of(&refused(status, None));
        assert!(matches!(whole, Whole::Divide(Verdict::Refused(_))), "{status}: {whole:?}");
        assert_eq!(health, Health::Answered, "{status}");
    }
    // A server whose database is gone answers 500 to everything. 424 is Azure's data lake or key out of reach.
    for status in [424, 500, 502, 503, 504] {
        let (whole, health) = of(&refused(status, None));
        assert!(matches!(whole, Whole::Each(Verdict::Later(..))), "{status}: {whole:?}");
        assert_eq!(health, unavailable, "{status}");
    }
    // It is the server that asks for time; the instances have not failed.
    for (status, after) in [(429, 7), (503, 30), (424, 9)] {
        let after = Duration::from_secs(after);
        let (whole, health) = of(&refused(status, Some(after.as_secs())));
        assert!(matches!(whole, Whole::PutOff(_, asked) if asked == Some(after)), "{status}: {whole:?}");
        assert_eq!(health, Health::Pause(after), "{status}");
    }
    let (whole, health) = of(&refused(429, None));
    assert!(matches!(whole, Whole::PutOff(_, None)), "{whole:?}");
    assert_eq!(health, unavailable);
    for error in [Error::Timeout(dicomweb::error::Wait::Answer), Error::Interrupted("reset".into())] {
        let (whole, health) = of(&error);
        assert!(matches!(whole, Whole::Each(Verdict::Unknown(_, IfNotAskable::SentAgain))), "{whole:?}");
        assert_eq!(health, unavailable);
    }
}

#[test]
fn a_status_that_means_duplicate_counts_for_one_instance_only() {
    let profile = Profile { duplicate_statuses: vec![409], ..Profile::standard() };
    assert_eq!(of_request(&refused(409, None), 1, &profile).0, Whole::Each(Verdict::Duplicate));
    assert!(matches!(of_request(&refused(409, None), 2, &profile).0, Whole::Divide(_)));
}

#[test]
fn a_probe_asks_only_whether_it_serves() {
    let cases = [
        (Ok(()), Health::Answered),
        (Err(refused(400, None)), Health::Answered),
        (Err(refused(401, None)), Health::Failed(Cause::Credentials)),
        (Err(refused(503, None)), Health::Failed(Cause::Unavailable)),
        (Err(refused(503, Some(9))), Health::Pause(Duration::from_secs(9))),
        (Err(Error::Connect("refused".into())), Health::Failed(Cause::Unavailable)),
    ];
    for (probe, health) in cases {
        assert_eq!(of_probe(&probe), health, "{probe:?}");
    }
    for (error, cause) in no_token() {
        assert_eq!(of_probe(&Err(error)), Health::Failed(cause));
    }
}

#[test]
fn causes_are_told_in_words() {
    assert_eq!(
        failure_in_words(&Error::Connect("connection refused".into())),
        "no connection to the origin: connection refused"
    );
    assert_eq!(failure_in_words(&refused(413, None)), "the origin answered 413 Payload Too Large");
}
