//! The program's commands as a person runs them.

use serde_json::Value;

use crate::Site;

/// What a command did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) error: String,
}

impl Ran {
    /// Its JSON; it has to have ended well.
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.code, 0, "{self:?}");
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Site {
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        let output = self.home.run(arguments);
        Ran {
            code: output.status.code().expect("it ended by itself"),
            out: String::from_utf8(output.stdout).unwrap(),
            error: String::from_utf8(output.stderr).unwrap(),
        }
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        self.run(&[arguments, &["--json"]].concat()).json()
    }
}

/// `orders create` with what the vendor demands.
pub(crate) fn create<'a>(patient_name: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let demanded = [
        "orders",
        "create",
        "--patient-name",
        patient_name,
        "--patient-id",
        "PID1",
        "--birthdate",
        "1980-01-02",
        "--modality",
        "CT",
    ];
    [&demanded, more].concat()
}
