//! Where the access key of AWS comes from that requests to an origin are signed with.

use super::{credentials::variable, origin::Reading, secret};
use crate::config_file::{Problem, StreamedBody};
use dicomweb::auth::aws::{self, AccessKey, AccessKeySource, AwsSigV4, ContainerToken};
use std::{net::IpAddr, path::PathBuf};

/// Where the agent of a container is that names its end point by a path alone.
const CONTAINER_HOST: &str = "http://169.254.170.2";

/// Agents of containers to which an access may go without TLS, beside the machine itself: ECS, and EKS Pod
/// Identity by IPv4 and IPv6 (AWS SDKs and Tools Reference, "Container credential provider").
const CONTAINER_AGENTS: [&str; 3] = ["169.254.170.2", "169.254.170.23", "fd00:ec2::23"];

impl Reading<'_> {
    /// How requests are signed.
    pub(super) fn aws_sigv4(&mut self) -> Result<AwsSigV4, Problem> {
        let auth = &self.origin.auth;
        let region = auth.region.clone().or_else(|| variable("AWS_REGION"));
        let region = region.or_else(|| variable("AWS_DEFAULT_REGION")).ok_or_else(|| {
            self.problem("auth", "`aws-sigv4` needs `region`, or AWS_REGION in the environment")
        })?;
        self.one_source_of_keys()?;
        let streamed = match auth.streamed_body {
            None | Some(StreamedBody::Chunks) => aws::StreamedBody::Chunks,
            Some(StreamedBody::Plain) => aws::StreamedBody::Plain,
            Some(StreamedBody::Unsigned) => aws::StreamedBody::Unsigned,
        };
        let service = auth.service.clone();
        let signing = AwsSigV4::health_imaging(region.clone(), self.access_key_source(&region)?);
        Ok(AwsSigV4 { service: service.unwrap_or(signing.service), streamed, ..signing })
    }

    /// Refuses a key that means nothing beside or without another one, since the access key comes from elsewhere.
    fn one_source_of_keys(&self) -> Result<(), Problem> {
        let auth = &self.origin.auth;
        let fixed = auth.access_key_id.is_some();
        let agent = auth.token_url.is_some() && auth.role_arn.is_none();
        let unused = [
            (
                "secret_access_key_file",
                auth.secret_access_key_file.is_some() && !fixed,
                "without `access_key_id`",
            ),
            (
                "secret_access_key_env",
                auth.secret_access_key_env.is_some() && !fixed,
                "without `access_key_id`",
            ),
            ("role_arn", auth.role_arn.is_some() && fixed, "beside `access_key_id`"),
            ("token_url", auth.token_url.is_some() && fixed, "beside `access_key_id`"),
            ("token_file", auth.token_file.is_some() && fixed, "beside `access_key_id`"),
            ("session_name", auth.session_name.is_some() && (fixed || agent), "without `role_arn`"),
        ];
        match unused.into_iter().find(|(_, unused, _)| *unused) {
            Some((key, _, why)) => Err(self.auth_problem(key, format!("has no meaning {why}"))),
            None => Ok(()),
        }
    }

    fn access_key_source(&mut self, region: &str) -> Result<AccessKeySource, Problem> {
        let auth = &self.origin.auth;
        if let Some(id) = auth.access_key_id.clone() {
            let (file, variable) =
                (auth.secret_access_key_file.as_deref(), auth.secret_access_key_env.as_deref());
            return Ok(AccessKeySource::Fixed(AccessKey::new(
                id,
                self.secret("secret_access_key", file, variable)?,
            )));
        }
        if auth.role_arn.is_some() {
            return self.web_identity(region);
        }
        if let Some(url) = &auth.token_url {
            let token = match &auth.token_file {
                Some(file) => Some(ContainerToken::File(self.token_file(file)?)),
                None => self.container_token()?,
            };
            return Ok(AccessKeySource::Container { url: self.token_url(url)?, token });
        }
        self.of_environment(region)
    }

    /// What AWS puts into the environment, in the order in which its own clients look.
    fn of_environment(&self, region: &str) -> Result<AccessKeySource, Problem> {
        if let (Some(id), Some(secret)) = (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY")) {
            let session_token = variable("AWS_SESSION_TOKEN").map(Into::into);
            let key = AccessKey { session_token, ..AccessKey::new(id, secret.into()) };
            return Ok(AccessKeySource::Fixed(key));
        }
        if variable("AWS_ROLE_ARN").is_some() && variable("AWS_WEB_IDENTITY_TOKEN_FILE").is_some() {
            return self.web_identity(region);
        }
        let url = match variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
            Some(path) => Some(format!("{CONTAINER_HOST}{path}")),
            None => variable("AWS_CONTAINER_CREDENTIALS_FULL_URI"),
        };
        let Some(url) = url else {
            let message = "`aws-sigv4` needs `access_key_id`, `role_arn` or `token_url`, or an access key, a \
                           web identity or the agent of a container in the environment";
            return Err(self.problem("auth", message));
        };
        if !is_agent(&url) {
            let message = "the agent of the container that the environment names is neither on this machine \
                           nor asked by https";
            return Err(self.problem("auth", message));
        }
        Ok(AccessKeySource::Container { url: self.token_url(&url)?, token: self.container_token()? })
    }

    /// The token of another identity provider, and the role that it may assume.
    fn web_identity(&self, region: &str) -> Result<AccessKeySource, Problem> {
        let auth = &self.origin.auth;
        let file = auth.token_file.clone().or_else(|| variable("AWS_WEB_IDENTITY_TOKEN_FILE"));
        let file = file.ok_or_else(|| {
            let message = "`role_arn` needs `token_file`, or AWS_WEB_IDENTITY_TOKEN_FILE in the environment";
            self.problem("auth", message)
        })?;
        let role_arn = auth.role_arn.clone().or_else(|| variable("AWS_ROLE_ARN"));
        let session_name = auth.session_name.clone().or_else(|| variable("AWS_ROLE_SESSION_NAME"));
        let url = auth.token_url.clone().unwrap_or_else(|| {
            let china = if region.starts_with("cn-") { ".cn" } else { "" };
            format!("https://sts.{region}.amazonaws.com{china}/")
        });
        Ok(AccessKeySource::WebIdentity {
            url: self.token_url(&url)?,
            role_arn: self.needed("role_arn", role_arn.as_deref())?,
            session_name: session_name.unwrap_or_else(|| "dimseway".to_owned()),
            token_file: self.token_file(&file)?,
        })
    }

    /// What the environment says that the agent of the container is to be shown.
    fn container_token(&self) -> Result<Option<ContainerToken>, Problem> {
        match variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
            Some(file) => Ok(Some(ContainerToken::File(self.token_file(&file)?))),
            None => {
                let token = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN");
                Ok(token.map(|token| ContainerToken::Fixed(token.into())))
            }
        }
    }

    /// A file that is replaced as its token ages, and read for each request, so that it is not watched.
    fn token_file(&self, file: &str) -> Result<PathBuf, Problem> {
        let key = self.path.key("auth").key("token_file");
        secret::readable(file, &key, self.document, &mut Vec::new())
    }
}

/// Whether an end point may be asked for access keys that only the environment names.
fn is_agent(url: &str) -> bool {
    let Ok(url) = url.parse::<http::Uri>() else { return false };
    if url.scheme_str() == Some("https") {
        return true;
    }
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']);
    CONTAINER_AGENTS.contains(&host)
        || host == "localhost"
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_asked_for_on_the_machine_or_by_https() {
        let rows = [
            ("http://169.254.170.2/v2/credentials/1", true),
            ("http://169.254.170.23/v1/credentials", true),
            ("http://[fd00:ec2::23]/v1/credentials", true),
            ("http://127.0.0.1:8080/", true),
            ("http://[::1]/", true),
            ("http://localhost/", true),
            ("https://keys.example.org/", true),
            ("http://keys.example.org/", false),
            ("http://169.254.169.254/", false),
            ("ftp://localhost.example.org/", false),
            ("", false),
        ];
        for (url, expected) in rows {
            assert_eq!(is_agent(url), expected, "{url}");
        }
    }
}
