use std::time::Duration;

use origin::{Faults, Throttle, TokenFault, token};
use reqwest::header;

use super::{
    azure, azure_with,
    instances::{Small, answer, failures},
};

#[tokio::test]
async fn so_many_requests_are_refused_and_no_more() {
    let served = azure().await;
    for (status, retry_after) in [(429, Some(7)), (503, None)] {
        let throttle = Throttle { status, retry_after: retry_after.map(Duration::from_secs), requests: 2 };
        served.origin.set_faults(Faults { throttle: Some(throttle), ..Faults::default() });
        for _ in 0..2 {
            let response = served.store(&[Small::new(1).file()]).await;
            assert_eq!(response.status(), status);
            let after = response.headers().get(header::RETRY_AFTER).map(|value| value.to_str().unwrap());
            assert_eq!(after, retry_after.map(|_| "7"));
        }
        assert_eq!(served.status("/studies").await, 204);
        assert_eq!(served.origin.faults().throttle.unwrap().requests, 0);
    }
}

#[tokio::test]
async fn an_instance_that_is_being_created_is_refused() {
    let served = azure().await;
    served.origin.set_faults(Faults { pending_instances: 1, ..Faults::default() });
    let file = Small::new(1).file();
    let (status, body) = answer(served.store(std::slice::from_ref(&file)).await).await;
    assert_eq!((status, failures(&body)), (409, vec![45071]));
    assert_eq!(served.count().await, 0);
    assert_eq!(served.store(&[file]).await.status(), 200);
}

#[tokio::test]
async fn a_token_end_point_fails_while_resources_do_not() {
    let served = azure_with(|options| options.tokens = Some(token::Options::generate())).await;
    let url = served.tokens.clone().unwrap().token_url;
    for (fault, status) in
        [(TokenFault::Unavailable, 503), (TokenFault::Page, 200), (TokenFault::Slow(Duration::ZERO), 400)]
    {
        served.origin.set_faults(Faults { token: Some(fault), ..Faults::default() });
        let request =
            served.client.post(&url).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let response = request.body("grant_type=").send().await.unwrap();
        assert_eq!(response.status(), status, "{fault:?}");
        let is_page = response.headers()[header::CONTENT_TYPE] == "text/html";
        assert_eq!(is_page, fault == TokenFault::Page);
        assert_eq!(served.status("/studies").await, 401);
    }
}
