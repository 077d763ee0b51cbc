//! The keys and certificates of one control plane, made anew for each run.

use std::path::Path;

use anyhow::{Context as _, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

/// A certificate and its key, both PEM.
#[derive(Debug)]
pub struct Identity {
    pub certificate: String,
    pub key: String,
}

/// Signs what a control plane needs.
#[derive(Debug)]
pub struct Authority {
    /// The certificate that everybody checks against, PEM.
    pub certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub fn new() -> Result<Self> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, "photogallery-local");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?.pem();
        Ok(Self { certificate, issuer: Issuer::new(params, key) })
    }

    /// For the API server: the names and addresses that clients call it by.
    pub fn server(&self) -> Result<Identity> {
        let names = ["localhost", "kubernetes.default.svc", "127.0.0.1", "10.0.0.1"].map(String::from);
        let params = CertificateParams::new(names)?;
        self.sign(params, ExtendedKeyUsagePurpose::ServerAuth, "kube-apiserver")
    }

    /// For a client: Kubernetes reads the user from the common name and the groups from the organisation.
    pub fn client(&self, user: &str, group: Option<&str>) -> Result<Identity> {
        let mut params = CertificateParams::new(Vec::new())?;
        if let Some(group) = group {
            params.distinguished_name.push(DnType::OrganizationName, group);
        }
        self.sign(params, ExtendedKeyUsagePurpose::ClientAuth, user)
    }

    fn sign(
        &self,
        mut params: CertificateParams,
        usage: ExtendedKeyUsagePurpose,
        name: &str,
    ) -> Result<Identity> {
        params.distinguished_name.push(DnType::CommonName, name);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?.pem();
        Ok(Identity { certificate, key: key.serialize_pem() })
    }
}

impl Identity {
    /// Writes `<name>.crt` and `<name>.key`.
    pub fn write(&self, folder: &Path, name: &str) -> Result<()> {
        write_private(&folder.join(format!("{name}.crt")), &self.certificate)?;
        write_private(&folder.join(format!("{name}.key")), &self.key)
    }
}

/// The pair of keys for `ServiceAccount` tokens: `<name>.key` signs, `<name>.pub` checks.
pub fn write_signing_keys(folder: &Path, name: &str) -> Result<()> {
    let pair = KeyPair::generate()?;
    write_private(&folder.join(format!("{name}.key")), &pair.serialize_pem())?;
    write_private(&folder.join(format!("{name}.pub")), &pair.public_key_pem())
}

/// Writes a file that only its owner may read.
pub fn write_private(path: &Path, content: &str) -> Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let file = std::fs::File::options().write(true).create(true).truncate(true).mode(0o600).open(path);
    let mut file = file.with_context(|| format!("failed to write {}", path.display()))?;
    file.write_all(content.as_bytes()).with_context(|| format!("failed to write {}", path.display()))
}
