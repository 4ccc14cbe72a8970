//! Answers that never come.

use origin::postdicom::CreationAnswer;

use super::{ROUTES, parameters, postdicom_with};

/// Functions that make something, and how much there is of it then.
const CREATIONS: [&str; 5] = [
    "CreatePatientOrder",
    "CreateFolder",
    "CreateShareLink",
    "SharePatientOrderWithUrl",
    "ShareFolderWithUrl",
];

#[tokio::test]
async fn what_was_made_stays_when_the_answer_is_lost() {
    for (answer, made) in [(CreationAnswer::Lost, true), (CreationAnswer::NeverMade, false)] {
        let served = postdicom_with(|options| options.postdicom.creation_answer = answer).await;
        let served = served.with_order_and_folder().await;
        for (function, ..) in ROUTES {
            if CREATIONS.contains(&function) {
                let error = served.request(function, &parameters(function)).send().await.unwrap_err();
                assert!(error.status().is_none() && !error.is_connect(), "{function}: {error:?}");
            }
        }
        let counts = [
            served.origin.orders().await.unwrap().len(),
            served.origin.folders().await.unwrap().len(),
            served.origin.shares().await.unwrap().len(),
        ];
        assert_eq!(counts, if made { [2, 2, 3] } else { [1, 1, 0] });
        // Everything else is answered, on connections of its own.
        for function in ["GetPatientOrderList", "SearchFolder", "AddOrderToFolder", "DeletePatientOrder"] {
            assert_eq!(served.send(function, &parameters(function)).await.status(), 200, "{function}");
        }
    }
}
