//! Mints what a cloud would choose: ids, ARNs, addresses. Everything comes from one digest, so the same seed and
//! idempotency key give the same object.

use sha2::{Digest, Sha256};

use crate::model::{Object, Value};

pub const ACCOUNT: &str = "123456789012";
pub const PARTITION: &str = "aws";
const CAPITALS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Mints for one object.
pub struct Mint {
    digest: [u8; 32],
    region: String,
}

impl Mint {
    pub fn new(seed: u64, ty: &str, scope: &str, region: &str, key: &str) -> Mint {
        let digest = Sha256::digest(format!("{seed}\0{ty}\0{scope}\0{key}").as_bytes()).into();
        Mint { digest, region: region.to_string() }
    }

    pub fn region(&self) -> &str {
        &self.region
    }

    /// Bytes of their own for each label.
    pub fn bytes(&self, label: &str) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(self.digest);
        hasher.update(label.as_bytes());
        hasher.finalize().into()
    }

    pub fn hex(&self, label: &str, digits: usize) -> String {
        let mut text = hex::encode(self.bytes(label));
        text.truncate(digits);
        text
    }

    /// Hexadecimal digits that all objects of an account have in common within a region, as host names hold them.
    fn zone(&self, digits: usize) -> String {
        let mut text = hex::encode(Sha256::digest(format!("{ACCOUNT}\0{}", self.region).as_bytes()));
        text.truncate(digits);
        text
    }

    pub fn capitals(&self, label: &str, count: usize) -> String {
        let pick = |byte: &u8| char::from(CAPITALS.get(usize::from(byte % 32)).copied().unwrap_or(b'A'));
        self.bytes(label).iter().take(count).map(pick).collect()
    }

    pub fn uuid(&self, label: &str) -> String {
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(self.bytes(label)).for_each(|(to, from)| *to = from);
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    }

    /// A number below the limit.
    pub fn below(&self, label: &str, limit: u64) -> u64 {
        let bytes = self.bytes(label);
        bytes.iter().take(8).fold(0, |n, byte| (n << 8) | u64::from(*byte)) % limit.max(1)
    }

    /// A moment of the year 2025, as RFC 3339 writes it.
    pub fn moment(&self, label: &str) -> String {
        let seconds = self.below(label, 365 * 86_400);
        let (day, rest) = (seconds / 86_400, seconds % 86_400);
        let date = time::Date::from_ordinal_date(2025, u16::try_from(day + 1).unwrap_or(1));
        let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
        format!("{}T{hour:02}:{minute:02}:{second:02}Z", date.unwrap_or(time::Date::MIN))
    }

    /// Fills in a template of the catalog. An attribute that is not set becomes a minted name.
    pub fn expand(&self, template: &str, label: &str, id: &str, object: &Object) -> String {
        let mut text = String::with_capacity(template.len() + 32);
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            text.push_str(before);
            let (place, after) = after.split_once('}').unwrap_or((after, ""));
            text.push_str(&self.place(place, &format!("{label}/{}", text.len()), id, object));
            rest = after;
        }
        text.push_str(rest);
        text
    }

    fn place(&self, place: &str, label: &str, id: &str, object: &Object) -> String {
        let counted = |word: &str| place.strip_prefix(word).and_then(|n| n.parse::<usize>().ok());
        match place {
            "region" => return self.region.clone(),
            "short_region" => return short_region(&self.region),
            "account" => return ACCOUNT.to_string(),
            "partition" => return PARTITION.to_string(),
            "uuid" => return self.uuid(label),
            "id" => return id.to_string(),
            _ => (),
        }
        if let Some(n) = counted("hex") {
            return self.hex(label, n);
        }
        if let Some(n) = counted("zone") {
            return self.zone(n);
        }
        if let Some(n) = counted("upper") {
            return self.capitals(label, n);
        }
        match object.get(place) {
            Some(Value::String(s)) => s.trim_start_matches("https://").to_string(),
            Some(Value::Number(n)) => n.to_string(),
            _ if place == "path" => "/".to_string(),
            _ => format!("sandbox-{}", self.hex(place, 8)),
        }
    }
}

/// A region as zone ids and host names hold it: `euw1` for `eu-west-1`.
pub fn short_region(region: &str) -> String {
    let mut parts = region.split('-');
    let first = parts.next().unwrap_or_default().to_string();
    parts.fold(first, |text, part| text + &part.chars().take(1).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ObjectBuilder;

    #[test]
    fn the_same_key_mints_the_same() {
        let mint = |seed, key: &str| Mint::new(seed, "aws_vpc", "eu-west-1", "eu-west-1", key);
        let object = ObjectBuilder::new().set("name", "web").build();
        let expand = |mint: &Mint, template: &str| mint.expand(template, "id", "vpc-1", &object);
        let id = expand(&mint(1, "k"), "vpc-{hex17}");
        assert!(id.len() == 21 && id == expand(&mint(1, "k"), "vpc-{hex17}"));
        assert_ne!(id, expand(&mint(2, "k"), "vpc-{hex17}"));
        assert_ne!(id, expand(&mint(1, "l"), "vpc-{hex17}"));
        let arn = expand(&mint(1, "k"), "arn:{partition}:iam::{account}:role{path}{name}/{id}");
        assert_eq!(arn, "arn:aws:iam::123456789012:role/web/vpc-1");
        assert_eq!(expand(&mint(1, "k"), "{upper5}").len(), 5);
        assert_eq!(expand(&mint(1, "k"), "{zone6}.{short_region}"), expand(&mint(2, "l"), "{zone6}.euw1"));
        assert!(mint(1, "k").moment("x").starts_with("2025-"));
    }
}
