//! The parts of a certificate as configurations write them: subject, names, allowed uses.

use std::net::IpAddr;

use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose,
    SanType,
};

use crate::model::{Object, Path};
use crate::provider::ProviderError;

/// What the attributes of a certificate say; the times and the serial number are the caller's.
pub fn params(config: &Object) -> Result<CertificateParams, ProviderError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = subject(config)?;
    params.subject_alt_names = names(config)?;
    for written in config.strings("allowed_uses") {
        match allowed_use(&written)? {
            Use::Key(usage) => params.key_usages.push(usage),
            Use::Extended(usage) => params.extended_key_usages.push(usage),
        }
    }
    let is_ca = config.bool("is_ca_certificate").unwrap_or(false);
    params.is_ca = match (is_ca, config.i64("max_path_length").filter(|n| *n >= 0)) {
        (true, Some(length)) => IsCa::Ca(BasicConstraints::Constrained(u8::try_from(length).map_err(|_| {
            ProviderError::invalid("max_path_length must be at most 255").path(Path::attr("max_path_length"))
        })?)),
        (true, None) => IsCa::Ca(BasicConstraints::Unconstrained),
        (false, _) if config.bool("set_subject_key_id").unwrap_or(false) => IsCa::ExplicitNoCa,
        (false, _) => IsCa::NoCa,
    };
    params.use_authority_key_identifier_extension = config.bool("set_authority_key_id").unwrap_or(false);
    Ok(params)
}

fn subject(config: &Object) -> Result<DistinguishedName, ProviderError> {
    let mut name = DistinguishedName::new();
    let Some(subject) = config.block("subject") else { return Ok(name) };
    let street = subject.strings("street_address");
    if street.len() > 1 {
        let message = "street_address takes one line, a subject with more cannot be written";
        return Err(ProviderError::invalid(message).path(Path::attr("subject")));
    }
    // Object identifiers of RFC 5280, appendix A, and of RFC 2985 for the address of electronic mail.
    let custom = |last: u64| DnType::CustomDnType(vec![2, 5, 4, last]);
    let parts = [
        (DnType::CountryName, subject.string("country")),
        (DnType::StateOrProvinceName, subject.string("province")),
        (DnType::LocalityName, subject.string("locality")),
        (custom(9), street.into_iter().next()),
        (custom(17), subject.string("postal_code")),
        (DnType::OrganizationName, subject.string("organization")),
        (DnType::OrganizationalUnitName, subject.string("organizational_unit")),
        (DnType::CommonName, subject.string("common_name")),
        (custom(5), subject.string("serial_number")),
        (DnType::CustomDnType(vec![1, 2, 840, 113_549, 1, 9, 1]), subject.string("email_address")),
    ];
    for (ty, value) in parts {
        if let Some(value) = value.filter(|v| !v.is_empty()) {
            name.push(ty, value);
        }
    }
    Ok(name)
}

fn names(config: &Object) -> Result<Vec<SanType>, ProviderError> {
    let ascii = |text: &str, attribute: &str| {
        let wrong = || ProviderError::invalid(format!("\"{text}\" has characters that a certificate cannot hold"));
        Ia5String::try_from(text).map_err(|_| wrong().path(Path::attr(attribute)))
    };
    let mut names = Vec::new();
    for name in config.strings("dns_names") {
        names.push(SanType::DnsName(ascii(&name, "dns_names")?));
    }
    for text in config.strings("ip_addresses") {
        let wrong = |_| ProviderError::invalid(format!("\"{text}\" is not an IP address"));
        let address: IpAddr = text.parse().map_err(|e| wrong(e).path(Path::attr("ip_addresses")))?;
        names.push(SanType::IpAddress(address));
    }
    for uri in config.strings("uris") {
        names.push(SanType::URI(ascii(&uri, "uris")?));
    }
    Ok(names)
}

enum Use {
    Key(KeyUsagePurpose),
    Extended(ExtendedKeyUsagePurpose),
}

/// Key usages and extended key usages, by the names that the tls provider documents.
fn allowed_use(written: &str) -> Result<Use, ProviderError> {
    use ExtendedKeyUsagePurpose as E;
    use KeyUsagePurpose as K;
    let key = |usage| Ok(Use::Key(usage));
    let extended = |usage| Ok(Use::Extended(usage));
    let other = |oid: &[u64]| Ok(Use::Extended(E::Other(oid.to_vec())));
    match written {
        "digital_signature" => key(K::DigitalSignature),
        "content_commitment" => key(K::ContentCommitment),
        "key_encipherment" => key(K::KeyEncipherment),
        "data_encipherment" => key(K::DataEncipherment),
        "key_agreement" => key(K::KeyAgreement),
        "cert_signing" => key(K::KeyCertSign),
        "crl_signing" => key(K::CrlSign),
        "encipher_only" => key(K::EncipherOnly),
        "decipher_only" => key(K::DecipherOnly),
        "any_extended" => extended(E::Any),
        "server_auth" => extended(E::ServerAuth),
        "client_auth" => extended(E::ClientAuth),
        "code_signing" => extended(E::CodeSigning),
        "email_protection" => extended(E::EmailProtection),
        "timestamping" => extended(E::TimeStamping),
        "ocsp_signing" => extended(E::OcspSigning),
        "ipsec_end_system" => other(&[1, 3, 6, 1, 5, 5, 7, 3, 5]),
        "ipsec_tunnel" => other(&[1, 3, 6, 1, 5, 5, 7, 3, 6]),
        "ipsec_user" => other(&[1, 3, 6, 1, 5, 5, 7, 3, 7]),
        "microsoft_server_gated_crypto" => other(&[1, 3, 6, 1, 4, 1, 311, 10, 3, 3]),
        "netscape_server_gated_crypto" => other(&[2, 16, 840, 1, 113_730, 4, 1]),
        "microsoft_commercial_code_signing" => other(&[1, 3, 6, 1, 4, 1, 311, 2, 1, 22]),
        "microsoft_kernel_code_signing" => other(&[1, 3, 6, 1, 4, 1, 311, 61, 1, 1]),
        _ => {
            let error = ProviderError::invalid(format!("there is no allowed use \"{written}\""));
            Err(error.path(Path::attr("allowed_uses")))
        }
    }
}
