//! Settings from the environment. Every error names the variable and what it should hold.

use std::path::PathBuf;
use std::str::FromStr;

use crate::content_type::ContentType;
use crate::contract::env;
use crate::s3_address::S3Address;
use crate::sign::Credentials;
use crate::upload_request::UploadLimits;

/// A variable is missing or holds something else than it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    #[error("environment variable {0} is not set")]
    Missing(&'static str),
    #[error("environment variable {name} is {value:?}, but should be {wanted}")]
    Invalid { name: &'static str, value: String, wanted: &'static str },
}

/// A source of settings: the process's environment, or a table in tests.
pub struct Settings<'a> {
    lookup: Box<Lookup<'a>>,
}

type Lookup<'a> = dyn Fn(&str) -> Option<String> + 'a;

impl std::fmt::Debug for Settings<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Settings") // The environment holds credentials.
    }
}

impl<'a> Settings<'a> {
    /// The process's environment.
    pub fn from_environment() -> Settings<'static> {
        Settings { lookup: Box::new(|name| std::env::var(name).ok()) }
    }

    /// A table, for tests.
    pub fn from_table(table: &'a [(&'a str, &'a str)]) -> Self {
        let find =
            move |name: &str| table.iter().find(|entry| entry.0 == name).map(|entry| entry.1.to_owned());
        Self { lookup: Box::new(find) }
    }

    /// A variable that may be absent; empty counts as absent.
    pub fn optional(&self, name: &'static str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.is_empty())
    }

    /// A variable that must be set and not empty.
    pub fn required(&self, name: &'static str) -> Result<String, SettingError> {
        self.optional(name).ok_or(SettingError::Missing(name))
    }

    /// A variable that must hold a value of some type and shape.
    pub fn parsed<T: FromStr>(
        &self,
        name: &'static str,
        wanted: &'static str,
        fits: impl Fn(&T) -> bool,
    ) -> Result<T, SettingError> {
        let value = self.required(name)?;
        let parsed = value.parse().ok().filter(fits);
        parsed.ok_or(SettingError::Invalid { name, value, wanted })
    }

    /// Origins besides the gallery's own.
    pub fn allowed_origins(&self) -> Vec<String> {
        let origins = self.optional(env::ALLOWED_ORIGINS).unwrap_or_default();
        origins.split(',').map(str::trim).filter(|origin| !origin.is_empty()).map(str::to_owned).collect()
    }

    /// What the gallery accepts.
    pub fn upload_limits(&self) -> Result<UploadLimits, SettingError> {
        let max_bytes =
            self.parsed(env::MAX_UPLOAD_BYTES, "a number of bytes, at least 1", |bytes: &u64| *bytes > 0)?;
        let value = self.required(env::CONTENT_TYPES)?;
        let content_types: Result<Vec<ContentType>, _> =
            value.split(',').map(|kind| kind.trim().parse()).collect();
        let wanted = "image types separated by commas";
        let content_types =
            content_types.map_err(|_| SettingError::Invalid { name: env::CONTENT_TYPES, value, wanted })?;
        Ok(UploadLimits { max_bytes, content_types })
    }

    /// The region, as Lambda sets it.
    pub fn region(&self) -> Result<String, SettingError> {
        self.required("AWS_REGION")
    }

    /// Another endpoint than AWS's own, as a local AWS sets it.
    pub fn endpoint(&self) -> Option<String> {
        self.optional("AWS_ENDPOINT_URL").map(|url| url.trim_end_matches('/').to_owned())
    }

    /// A file of certificates to trust instead of the pinned roots, as the AWS tools call it: for a local AWS behind TLS.
    pub fn authorities(&self) -> Option<PathBuf> {
        self.optional("AWS_CA_BUNDLE").map(PathBuf::from)
    }

    /// Where S3 is.
    pub fn s3_address(&self) -> Result<S3Address, SettingError> {
        Ok(S3Address::new(self.region()?, self.endpoint()))
    }

    /// The role's credentials, as Lambda sets them for the life of the process: there is nothing to look up or refresh.
    pub fn credentials(&self) -> Result<Credentials, SettingError> {
        Ok(Credentials {
            access_key_id: self.required("AWS_ACCESS_KEY_ID")?,
            secret_access_key: self.required("AWS_SECRET_ACCESS_KEY")?,
            session_token: self.optional("AWS_SESSION_TOKEN"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_variable() {
        let settings = Settings::from_table(&[("MAX_UPLOAD_BYTES", "many"), ("TABLE", "")]);
        assert_eq!(
            settings.required(env::TABLE).unwrap_err().to_string(),
            "environment variable TABLE is not set"
        );
        assert_eq!(
            settings.upload_limits().unwrap_err().to_string(),
            r#"environment variable MAX_UPLOAD_BYTES is "many", but should be a number of bytes, at least 1"#
        );
    }

    #[test]
    fn lists_are_split_and_trimmed() {
        let settings = Settings::from_table(&[
            ("ALLOWED_ORIGINS", "https://a.example, https://b.example,"),
            ("MAX_UPLOAD_BYTES", "10"),
            ("CONTENT_TYPES", "image/png, image/gif"),
        ]);
        assert_eq!(settings.allowed_origins(), ["https://a.example", "https://b.example"]);
        assert_eq!(settings.upload_limits().unwrap().content_types, [ContentType::Png, ContentType::Gif]);
        assert!(Settings::from_table(&[]).allowed_origins().is_empty());
    }
}
