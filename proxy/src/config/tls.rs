//! TLS configurations from certificate files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, ServerConfig,
    SignatureScheme,
};

use super::{ClientTls, ServerTls, plain_reason};

/// Why a certificate or key file is of no use.
#[derive(Debug, thiserror::Error)]
pub enum TlsFileError {
    /// It cannot be read, or holds no PEM of the kind that is needed.
    #[error("file \"{}\" holds no {what}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
        /// What was found instead.
        reason: String,
    },
    /// It can be read, and TLS cannot use it.
    #[error("TLS cannot use file \"{}\": {reason}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl TlsFileError {
    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Unreadable { path, .. } | Self::Unusable { path, .. } => path,
        }
    }
}

/// What the leg to the server needs; `None` for plaintext.
///
/// # Errors
/// The root certificate's file is of no use.
pub fn server_tls(tls: &ServerTls) -> Result<Option<Arc<ClientConfig>>, TlsFileError> {
    let provider = Arc::new(ring::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = match tls {
        ServerTls::Disable => return Ok(None),
        ServerTls::Require => Arc::new(Unnamed { chain: None, provider: Arc::clone(&provider) }),
        ServerTls::VerifyCa(root) => {
            let chain = Some(verifier(root, &provider)?);
            Arc::new(Unnamed { chain, provider: Arc::clone(&provider) })
        }
        ServerTls::VerifyFull(root) => verifier(root, &provider)?,
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsFileError::Unusable {
            path: PathBuf::new(),
            reason: error.to_string(),
        })?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(Some(Arc::new(config)))
}

/// What the leg to the client needs.
///
/// # Errors
/// The certificate or the key is of no use.
pub fn client_tls(files: &ClientTls) -> Result<Arc<ServerConfig>, TlsFileError> {
    let chain = certificates(&files.certificate)?;
    let key =
        PrivateKeyDer::from_pem_file(&files.key).map_err(|error| TlsFileError::Unreadable {
            path: files.key.clone(),
            what: "private key",
            reason: error.to_string(),
        })?;
    let unusable = |error: rustls::Error| TlsFileError::Unusable {
        path: files.certificate.clone(),
        reason: error.to_string(),
    };
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(unusable)?;
    Ok(Arc::new(config))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsFileError> {
    let unreadable = |reason: String| TlsFileError::Unreadable {
        path: path.to_owned(),
        what: "certificate",
        reason,
    };
    let certificates = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unreadable(pem_reason(error)))?;
    if certificates.is_empty() {
        return Err(unreadable("no PEM block of that kind in it".to_owned()));
    }
    Ok(certificates)
}

fn pem_reason(error: pem::Error) -> String {
    match error {
        pem::Error::Io(error) => plain_reason(&error.to_string()),
        other => other.to_string(),
    }
}

fn verifier(
    root: &Path,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, TlsFileError> {
    let unusable = |reason: String| TlsFileError::Unusable { path: root.to_owned(), reason };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(root)? {
        roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map_err(|error| unusable(error.to_string()))
}

/// libpq's `require` and `verify-ca`: the host's name is not compared, and without `chain` neither
/// is the issuer.
#[derive(Debug)]
struct Unnamed {
    chain: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Unnamed {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        // The chain is checked before the name, so a wrong name means that the chain is right.
        match chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
