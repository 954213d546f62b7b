//! `tls_self_signed_cert`: a certificate that is signed with its own key, and replaced before it expires.

use async_trait::async_trait;
use dashu_int::UBig;
use rand::Rng;
use rcgen::{KeyPair, SerialNumber};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::certificate;
use super::key::Key;
use crate::model::{Object, ObjectBuilder, Path, Value};
use crate::provider::resource::ResourceBuilder;
use crate::provider::schema_words::{boolean, list_block, number, string, string_list};
use crate::provider::{
    Create, Delete, Driver, Outcome, PlannedChange, ProviderError, Read, ReadOutcome, RemoteId, ResourceType, Stored,
    Trace, Update, resource,
};
use crate::providers::builtin::Here;
use crate::providers::builtin::state_only::{PlannedObject, compute, no_import, read_kept, secure_generator};

pub fn tls_self_signed_cert() -> ResourceType<Here> {
    resource("tls_self_signed_cert", "A certificate that is signed with its own key.")
        .attr("private_key_pem", string().required().sensitive().replaces(), "The key to certify and to sign with.")
        .attr("validity_period_hours", number().required().replaces(), "How many hours it is valid from the apply on.")
        .attr("allowed_uses", string_list().required().replaces(), "What the key may be used for.")
        .attr("dns_names", string_list().optional().replaces(), "Domain names that it is for.")
        .attr("ip_addresses", string_list().optional().replaces(), "IP addresses that it is for.")
        .attr("uris", string_list().optional().replaces(), "URIs that it is for.")
        .attr("is_ca_certificate", boolean().default(false).replaces(), "Whether it may sign others.")
        .attr("max_path_length", number().optional().replaces(), "How many authorities may follow below this one.")
        .attr("set_subject_key_id", boolean().default(false).replaces(), "Write the subject's key identifier.")
        .attr("set_authority_key_id", boolean().default(false).replaces(), "Write the authority's key identifier.")
        .attr("early_renewal_hours", number().default(0), "Count as expired so many hours earlier.")
        .with(results)
        .block("subject", subject(), "Whom the certificate names.")
        .driver(SelfSignedCert)
}

fn results(resource: ResourceBuilder) -> ResourceBuilder {
    resource
        .attr("cert_pem", string().always(), "The certificate in PEM.")
        .attr("key_algorithm", string().always(), "The kind of the key.")
        .attr("validity_start_time", string().always(), "From when on it is valid, as RFC 3339 writes it.")
        .attr("validity_end_time", string().always(), "Until when it is valid, as RFC 3339 writes it.")
        .attr("ready_for_renewal", boolean().always(), "Whether it is expired or will be within early_renewal_hours.")
}

fn subject() -> crate::provider::schema_words::BlockWord {
    let part = || string().optional().replaces();
    list_block()
        .at_most(1)
        .replaces()
        .attr("common_name", part(), "Distinguished name: CN")
        .attr("country", part(), "Distinguished name: C")
        .attr("email_address", part(), "Distinguished name: E")
        .attr("locality", part(), "Distinguished name: L")
        .attr("organization", part(), "Distinguished name: O")
        .attr("organizational_unit", part(), "Distinguished name: OU")
        .attr("postal_code", part(), "Distinguished name: PC")
        .attr("province", part(), "Distinguished name: ST")
        .attr("serial_number", part(), "Distinguished name: SERIALNUMBER")
        .attr("street_address", string_list().optional().replaces(), "Distinguished name: STREET; one line.")
}

struct SelfSignedCert;

fn create(desired: &Object) -> Result<Stored, ProviderError> {
    let hours = desired.i64("validity_period_hours").unwrap_or(0);
    let wrong_hours = || {
        let message = format!("validity_period_hours is {hours}, it must be positive and end before the year 10000");
        ProviderError::invalid(message).path(Path::attr("validity_period_hours"))
    };
    let key = Key::parse(desired.str("private_key_pem").unwrap_or_default())
        .map_err(|e| e.path(Path::attr("private_key_pem")))?;
    let mut params = certificate::params(desired)?;
    let start = OffsetDateTime::now_utc().replace_nanosecond(0).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let span = hours.checked_mul(3600).filter(|s| *s > 0).map(Duration::seconds).ok_or_else(wrong_hours)?;
    let end = start.checked_add(span).ok_or_else(wrong_hours)?;
    // RFC 5280 allows 20 bytes that read as a positive number.
    let mut serial: [u8; 16] = secure_generator()?.random();
    serial[0] &= 0x7f;
    params.not_before = start;
    params.not_after = end;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    let signer = KeyPair::try_from(key.pkcs8_der()?.as_slice()).map_err(|e| {
        ProviderError::invalid(format!("the key cannot sign a certificate: {e}"))
            .path(Path::attr("private_key_pem"))
            .help("use an RSA key of 2048 to 8192 bits, an ECDSA key on P256 or P384, or an ED25519 key")
    })?;
    let signed = params
        .self_signed(&signer)
        .map_err(|e| ProviderError::invalid(format!("the certificate cannot be written: {e}")))?;
    let id = UBig::from_be_bytes(&serial).to_string();
    let object = ObjectBuilder::from(desired)
        .set("cert_pem", signed.pem())
        .set("key_algorithm", key.algorithm())
        .set("validity_start_time", text(start))
        .set("validity_end_time", text(end))
        .set("ready_for_renewal", is_due(desired, end, start))
        .set("id", id.as_str());
    Ok(Stored::new(id, object.build()))
}

fn text(moment: OffsetDateTime) -> String {
    moment.format(&Rfc3339).unwrap_or_default()
}

/// Whether the certificate counts as expired at this time.
fn is_due(config: &Object, end: OffsetDateTime, now: OffsetDateTime) -> bool {
    let early = config.i64("early_renewal_hours").unwrap_or(0).saturating_mul(3600);
    end.checked_sub(Duration::seconds(early)).is_none_or(|due| due <= now)
}

fn with_renewal(object: &Object, now: OffsetDateTime) -> Object {
    let end = object.str("validity_end_time").and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok());
    let due = end.is_some_and(|end| is_due(object, end, now));
    ObjectBuilder::from(object).set("ready_for_renewal", due).build()
}

#[async_trait]
impl Driver<Here> for SelfSignedCert {
    fn trace(&self) -> Trace {
        Trace::Nothing
    }

    /// One that was found due for renewal when it was read is replaced.
    fn plan(&self, change: &mut PlannedChange) {
        match change.prior_value("ready_for_renewal") {
            Some(due) => {
                change.plan_value("ready_for_renewal", due.clone());
                if due.as_bool() == Some(true) {
                    change.plan_replacing("ready_for_renewal", Value::Bool(false));
                }
            }
            None => change.plan_value("ready_for_renewal", Value::Bool(false)),
        }
    }

    async fn read_many(&self, _: &Here, reads: &[Read]) -> Vec<ReadOutcome> {
        let now = OffsetDateTime::now_utc();
        let look = |outcome| match outcome {
            ReadOutcome::Found(stored) => {
                ReadOutcome::Found(Stored { object: with_renewal(&stored.object, now), ..stored })
            }
            other => other,
        };
        read_kept(reads, |_| no_import("tls_self_signed_cert")).into_iter().map(look).collect()
    }

    async fn create(&self, _: &Here, request: Create) -> Outcome {
        compute(move || create(&request.desired)).await.into()
    }

    async fn update(&self, _: &Here, request: Update) -> Outcome {
        let early = request.desired.get("early_renewal_hours").cloned().unwrap_or(Value::int(0));
        let object = ObjectBuilder::from(&request.prior).set("early_renewal_hours", early).build();
        Outcome::Done(Stored { id: request.id, object, private: None })
    }

    async fn delete(&self, _: &Here, _: Delete) -> Result<(), ProviderError> {
        Ok(())
    }

    fn import_id(&self, _: &str) -> Result<RemoteId, ProviderError> {
        no_import("tls_self_signed_cert")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(key: &Key) -> ObjectBuilder {
        let subject = ObjectBuilder::new().set("common_name", "example.com").set("organization", "Acme").build();
        ObjectBuilder::new()
            .set("private_key_pem", key.pem().unwrap())
            .set("validity_period_hours", 12)
            .strings("allowed_uses", ["key_encipherment", "server_auth"])
            .strings("dns_names", ["example.com"])
            .strings("ip_addresses", ["127.0.0.1"])
            .set("is_ca_certificate", true)
            .blocks("subject", [subject])
    }

    #[test]
    fn certificates_are_made_of_each_kind_of_key_that_can_sign() {
        for (algorithm, curve) in [("ED25519", ""), ("ECDSA", "P256"), ("ECDSA", "P384"), ("RSA", "")] {
            let key = Key::generate(algorithm, 2048, curve).unwrap();
            let stored = create(&config(&key).build()).unwrap();
            assert!(stored.object.str("cert_pem").unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
            assert_eq!(stored.object.str("key_algorithm"), Some(algorithm));
            assert_eq!(stored.object.bool("ready_for_renewal"), Some(false));
            let late = OffsetDateTime::now_utc() + Duration::hours(13);
            assert_eq!(with_renewal(&stored.object, late).bool("ready_for_renewal"), Some(true));
        }
    }

    #[test]
    fn what_cannot_be_certified_is_refused_at_its_attribute() {
        let key = Key::generate("ECDSA", 0, "P521").unwrap();
        let at = |e: ProviderError| e.path.map(|p| p.to_string());
        assert_eq!(at(create(&config(&key).build()).unwrap_err()).as_deref(), Some("private_key_pem"));
        let key = Key::generate("ED25519", 0, "").unwrap();
        let uses = config(&key).strings("allowed_uses", ["flying"]).build();
        assert_eq!(at(create(&uses).unwrap_err()).as_deref(), Some("allowed_uses"));
        let hours = config(&key).set("validity_period_hours", 0).build();
        assert_eq!(at(create(&hours).unwrap_err()).as_deref(), Some("validity_period_hours"));
    }
}
