//! Where a bucket answers. The one place that knows virtual-hosted from path style.

/// S3 in one region, or a local stand-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Address {
    region: String,
    endpoint: Option<String>,
}

/// The address of one bucket, split as a signature needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketAddress {
    /// `https` or `http`.
    pub scheme: String,
    /// Host, with the port where it is not the scheme's own.
    pub host: String,
    /// What precedes the key: `/`, or `/<bucket>/` in path style.
    pub path: String,
}

impl BucketAddress {
    /// A path of an endpoint that is given as a URL.
    pub(crate) fn at(endpoint: &str, path: impl Into<String>) -> Self {
        let (scheme, host) = endpoint.split_once("://").unwrap_or(("https", endpoint));
        Self { scheme: scheme.into(), host: host.into(), path: path.into() }
    }

    /// The address as a URL, ending in `/`.
    pub fn url(&self) -> String {
        format!("{}://{}{}", self.scheme, self.host, self.path)
    }
}

impl S3Address {
    /// With an endpoint the addresses are path style, as no local DNS knows the buckets.
    pub fn new(region: impl Into<String>, endpoint: Option<String>) -> Self {
        Self { region: region.into(), endpoint }
    }

    /// The region, which signatures name.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Where the bucket answers. Always the regional name: the global one redirects for hours after a bucket was made,
    /// and a browser does not follow a redirect of a CORS preflight.
    pub fn bucket(&self, bucket: &str) -> BucketAddress {
        if let Some(endpoint) = &self.endpoint {
            return BucketAddress::at(endpoint, format!("/{bucket}/"));
        }
        let host = format!("{bucket}.s3.{}.{}", self.region, suffix(&self.region));
        BucketAddress { scheme: "https".into(), host, path: "/".into() }
    }
}

/// What AWS's host names of a region end in.
pub(crate) fn suffix(region: &str) -> &'static str {
    if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aws_is_addressed_by_the_buckets_regional_host() {
        let address = S3Address::new("eu-west-1", None).bucket("pg-photos");
        assert_eq!(address.url(), "https://pg-photos.s3.eu-west-1.amazonaws.com/");
        let china = S3Address::new("cn-north-1", None).bucket("pg-photos");
        assert_eq!(china.url(), "https://pg-photos.s3.cn-north-1.amazonaws.com.cn/");
    }

    #[test]
    fn a_local_endpoint_is_addressed_by_path() {
        let address = S3Address::new("eu-west-1", Some("http://127.0.0.1:4599".into())).bucket("pg-photos");
        assert_eq!(address.url(), "http://127.0.0.1:4599/pg-photos/");
        assert_eq!(address.host, "127.0.0.1:4599");
    }
}
