//! Hashes of strings and files, password hashes, UUIDs, RSA decryption.

use base64::Engine as _;
use md5::Md5;
use rsa::pkcs1::DecodeRsaPrivateKey as _;
use rsa::pkcs8::DecodePrivateKey as _;
use rsa::{Pkcs1v15Encrypt, RsaPrivateKey};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use uuid::Uuid;

use super::encoding::BASE64;
use super::{Call, CallError, Function, Kind, Needs, Param, param, plain};
use crate::model::{Type, Value};

type Answer = Result<Value, CallError>;

/// The cost of a password hash where none is given, or one below the least.
const DEFAULT_COST: i64 = 10;

pub static FUNCTIONS: &[Function] = &[
    plain("base64sha256", "The SHA-256 hash of a string, in base 64.", STR, Kind::String, |call| {
        Ok(BASE64.encode(Sha256::digest(call.str(0)?.as_bytes())).into())
    }),
    plain("base64sha512", "The SHA-512 hash of a string, in base 64.", STR, Kind::String, |call| {
        Ok(BASE64.encode(Sha512::digest(call.str(0)?.as_bytes())).into())
    }),
    plain("bcrypt", "The bcrypt hash of a password, with a fresh salt.", STR, Kind::String, password_hash)
        .with_variadic(param("cost", Kind::Number, "From 4 to 31: each step doubles the time it takes; 10 if absent.")),
    file_hash("filebase64sha256", "The SHA-256 hash of a file, in base 64.", |call| {
        Ok(BASE64.encode(Sha256::digest(super::files::content(call)?)).into())
    }),
    file_hash("filebase64sha512", "The SHA-512 hash of a file, in base 64.", |call| {
        Ok(BASE64.encode(Sha512::digest(super::files::content(call)?)).into())
    }),
    file_hash("filemd5", "The MD5 hash of a file, in hexadecimal digits.", |call| {
        Ok(hex::encode(Md5::digest(super::files::content(call)?)).into())
    }),
    file_hash("filesha1", "The SHA-1 hash of a file, in hexadecimal digits.", |call| {
        Ok(hex::encode(Sha1::digest(super::files::content(call)?)).into())
    }),
    file_hash("filesha256", "The SHA-256 hash of a file, in hexadecimal digits.", |call| {
        Ok(hex::encode(Sha256::digest(super::files::content(call)?)).into())
    }),
    file_hash("filesha512", "The SHA-512 hash of a file, in hexadecimal digits.", |call| {
        Ok(hex::encode(Sha512::digest(super::files::content(call)?)).into())
    }),
    plain("md5", "The MD5 hash of a string, in hexadecimal digits.", STR, Kind::String, |call| {
        Ok(hex::encode(Md5::digest(call.str(0)?.as_bytes())).into())
    }),
    plain(
        "rsadecrypt",
        "Decrypts a message that was encrypted for a private key (PKCS #1 v1.5).",
        &[
            param("ciphertext", Kind::String, "The message in base 64."),
            param("privatekey", Kind::String, "The private key in PEM form, without a passphrase."),
        ],
        Kind::String,
        rsadecrypt,
    ),
    plain("sha1", "The SHA-1 hash of a string, in hexadecimal digits.", STR, Kind::String, |call| {
        Ok(hex::encode(Sha1::digest(call.str(0)?.as_bytes())).into())
    }),
    plain("sha256", "The SHA-256 hash of a string, in hexadecimal digits.", STR, Kind::String, |call| {
        Ok(hex::encode(Sha256::digest(call.str(0)?.as_bytes())).into())
    }),
    plain("sha512", "The SHA-512 hash of a string, in hexadecimal digits.", STR, Kind::String, |call| {
        Ok(hex::encode(Sha512::digest(call.str(0)?.as_bytes())).into())
    }),
    plain("uuid", "A fresh random UUID, another one at each call.", &[], Kind::String, |call| {
        let fresh = call.host.random().map(|bytes| uuid::Builder::from_random_bytes(bytes).into_uuid());
        Ok(fresh.map_or_else(|| super::call::not_null(Type::String), |id| id.to_string().into()))
    })
    .with_needs(Needs::Outer),
    plain(
        "uuidv5",
        "The UUID of a name in a namespace, always the same.",
        &[
            param("namespace", Kind::String, "dns, url, oid, x500, or a UUID."),
            param("name", Kind::String, "The name."),
        ],
        Kind::String,
        uuidv5,
    ),
];

const STR: &[Param] = &[param("str", Kind::String, "The string.")];

const PATH: &[Param] = &[param("path", Kind::String, "The path of the file.")];

const fn file_hash(name: &'static str, doc: &'static str, body: fn(&Call<'_>) -> Answer) -> Function {
    plain(name, doc, PATH, Kind::String, body)
}

fn password_hash(call: &Call<'_>) -> Answer {
    let cost = match call.args.len() {
        1 => DEFAULT_COST,
        2 => call.int(1)?,
        _ => return Err(CallError::at(2, "one or two arguments are required")),
    };
    let cost = if cost < 4 { DEFAULT_COST } else { cost };
    let cost = u32::try_from(cost).ok().filter(|c| *c <= 31);
    let cost = cost.ok_or_else(|| CallError::at(1, "the cost is at most 31"))?;
    let password = call.str(0)?;
    if password.len() > 72 {
        return Err(CallError::at(0, "a password of more than 72 bytes cannot be hashed"));
    }
    let Some(salt) = call.host.random() else { return Ok(super::call::not_null(Type::String)) };
    let parts = bcrypt::hash_with_salt(password.as_bytes(), cost, salt).map_err(|e| CallError::new(e.to_string()))?;
    Ok(parts.format_for_version(bcrypt::Version::TwoA).into())
}

fn rsadecrypt(call: &Call<'_>) -> Answer {
    // Neither message shows what was passed: one is a secret and the other may be.
    let message = BASE64.decode(&**call.str(0)?).map_err(|_| CallError::at(0, "the message is not in base 64"))?;
    let pem = call.str(1)?;
    let key = RsaPrivateKey::from_pkcs1_pem(pem).or_else(|_| RsaPrivateKey::from_pkcs8_pem(pem));
    let key = key.ok().or_else(|| openssh_key(pem));
    let key = key.ok_or_else(|| CallError::at(1, "this is no RSA private key in PEM form without a passphrase"))?;
    let plain = key.decrypt(Pkcs1v15Encrypt, &message);
    let plain = plain.map_err(|_| CallError::new("the message was not encrypted for this key"))?;
    let text = String::from_utf8(plain).map_err(|_| CallError::new("the decrypted message is no UTF-8 text"))?;
    Ok(text.into())
}

fn openssh_key(pem: &str) -> Option<RsaPrivateKey> {
    let key = ssh_key::PrivateKey::from_openssh(pem).ok()?;
    RsaPrivateKey::try_from(key.key_data().rsa()?).ok()
}

fn uuidv5(call: &Call<'_>) -> Answer {
    let namespace = match &**call.str(0)? {
        "dns" => Uuid::NAMESPACE_DNS,
        "url" => Uuid::NAMESPACE_URL,
        "oid" => Uuid::NAMESPACE_OID,
        "x500" => Uuid::NAMESPACE_X500,
        other => Uuid::parse_str(other).map_err(|_| {
            CallError::at(0, format!("the namespace \"{other}\" is none of dns, url, oid, x500, nor a UUID"))
        })?,
    };
    Ok(Uuid::new_v5(&namespace, call.str(1)?.as_bytes()).to_string().into())
}

#[cfg(test)]
pub mod tests {
    use crate::lang::functions::{Isolated, lookup};
    use crate::model::Value;

    /// The text "message", encrypted, and the key for it.
    pub const ENCRYPTED: [&str; 2] = [
        "J5NQLidGnS7ayLOkexAu0pwml4hCgrPiUTnXHDoxVEEy5oceIceezcOc7M9/KThB1lbXWDkqA8B3qc95Qg8dVQ==",
        "-----BEGIN RSA PRIVATE KEY-----\n\
         MIIBPQIBAAJBAKmSHy7E/fbnYvhXS7uttyIPF0LxwW9hag6X6aCLWz2FfXpMnl7W\n\
         um6tbQVlUWUMt6eA5xeUs8iN8lNxEj7xlDUCAwEAAQJBAIo4xtxLzSxurlj6Z4xD\n\
         bO0BWhfCkseko1vj7pdkIOqCyk6oWLyCU2L3kw4uuLEY3cGK9lJ4zgkq4oMRss8K\n\
         kqECIQDd4QZKn5jrnF6xPA3SdUhep4BtHYCo3YsmgZ+MLrN8nQIhAMOl0T59aC4r\n\
         QlYR7xXutcVOCImXohLuOhC04yx08AZ5AiEArWT9lbPDvd0l4zwbUS12sQIVyzAT\n\
         K+R2qlECbnrQqcECIQCkRzZUR07T/YTc6oAbpW3Bd01Z4xW22Yut/YUHDkWA2QIh\n\
         AL5F4Sqf37vsoDTSvbfbU/QWKxNRhu3PofDIWkec4tNv\n\
         -----END RSA PRIVATE KEY-----\n",
    ];

    fn decrypt(message: &str, key: &str) -> Result<Value, String> {
        lookup("rsadecrypt").unwrap().call(&[message.into(), key.into()], &Isolated).map_err(|e| e.message)
    }

    #[test]
    fn messages_are_decrypted_and_errors_show_neither_message_nor_key() {
        let [message, key] = ENCRYPTED;
        assert_eq!(decrypt(message, key), Ok("message".into()));
        for (message, key) in [("AAAA", key), ("-", key), (message, "nokey"), (message, "")] {
            let problem = decrypt(message, key).unwrap_err();
            assert!(!problem.contains("AAAA") && !problem.contains("nokey"), "{problem}");
        }
    }
}
