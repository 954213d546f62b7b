//! The rules of the simulated cloud, inside of one transaction: objects come into being, change and go, and
//! every reference, name, range and quota is kept.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};

use super::body::{Shape, Shapes};
use super::catalog;
use super::cover::Covered;
use super::mint::Mint;
use super::ranges;
use super::references::{self, Reference};
use super::store::broken;
use super::synthesis::{Birth, complete};
use crate::model::{Object, ObjectBuilder, Path, Value};
use crate::provider::connection::ResourceInfo;
use crate::provider::{ErrorKind, ProviderDef, ProviderError};

/// What a call on one type of one provider needs to know.
#[derive(Clone)]
pub struct Context {
    pub def: Arc<dyn ProviderDef>,
    pub shape: Arc<Shape>,
    pub shapes: Arc<Shapes>,
    pub ty: String,
    /// The region where the object lives; empty for a global type.
    pub scope: String,
    pub region: String,
    pub seed: u64,
    pub default_tags: Arc<[(String, String)]>,
    /// Ids and names go through it wherever they stand in a query.
    pub covered: Covered,
}

/// An object that exists.
#[derive(Clone, Debug)]
pub struct Row {
    pub id: String,
    pub object: Object,
    /// Milliseconds since 1970 from which on it can be used.
    pub ready_at: i64,
}

/// A reference whose target was found.
struct Link {
    reference: &'static Reference,
    ty: &'static str,
    scope: String,
    id: String,
}

impl Context {
    fn info(&self) -> Result<ResourceInfo<'_>, ProviderError> {
        let missing = || ProviderError::invalid(format!("there is no resource type \"{}\"", self.ty));
        self.def.resource(&self.ty).ok_or_else(missing)
    }

    /// Makes the object, or gives the one that the same key made before.
    pub fn create(
        &self,
        connection: &Connection,
        key: &str,
        desired: &Object,
        quota: Option<u64>,
        ready_at: i64,
    ) -> Result<Row, ProviderError> {
        if let Some(made) = self.find_by_key(connection, key)? {
            return Ok(made);
        }
        self.keep_quota(connection, quota)?;
        let links = self.links(connection, desired, "")?;
        let mint = Mint::new(self.seed, &self.ty, &self.scope, &self.region, key);
        let (id, object) = self.completed(connection, &mint, None, desired, &links)?;
        if self.get(connection, &id)?.is_some() {
            // A setting of another object is written over; an object of its own is not.
            if catalog::of(&self.ty).is_none_or(|kind| !kind.unique.is_empty()) {
                return Err(self.exists(&id));
            }
            self.forget(connection, &id)?;
        }
        self.insert(connection, key, "", &id, &object, &links, ready_at)?;
        self.bear_children(connection, &mint, &id, &object)?;
        Ok(Row { id, object: self.shape.decode(&self.shape.encode(&object))?, ready_at })
    }

    /// Changes what was asked for and nothing else.
    pub fn update(
        &self,
        connection: &Connection,
        id: &str,
        desired: &Object,
        changed: &[crate::model::Str],
    ) -> Result<Row, ProviderError> {
        let row = self.get(connection, id)?.ok_or_else(|| self.missing(&self.ty, id))?;
        let info = self.info()?;
        let mut fields = row.object.fields().clone();
        for name in changed {
            let value = desired.fields().get(name).cloned().unwrap_or(Value::NULL);
            let computed = info.schema.block.attribute(name).is_some_and(|a| a.computed);
            if !(value.is_null() && computed) {
                fields.set(name.clone(), value);
            }
        }
        let merged = Object::new(&Value::fields(fields));
        let links = self.links(connection, &merged, id)?;
        let mint = Mint::new(self.seed, &self.ty, &self.scope, &self.region, id);
        let (_, object) = self.completed(connection, &mint, Some(id), &merged, &links)?;
        let key = run_text(connection, "SELECT key FROM objects WHERE type = ?1 AND scope = ?2 AND id = ?3", self, id)?;
        self.forget_named(connection, &self.covered.name(id))?;
        self.insert(connection, &key.unwrap_or_default(), "", id, &object, &links, row.ready_at)?;
        Ok(Row { object: self.shape.decode(&self.shape.encode(&object))?, ..row })
    }

    /// Removes the object unless something holds it. One that is gone is removed already.
    pub fn delete(&self, connection: &Connection, id: &str) -> Result<(), ProviderError> {
        let holder = connection
            .prepare_cached(
                "SELECT from_type, from_scope, from_id FROM refs WHERE to_type = ?1 AND to_id = ?2 AND to_scope = ?3 AND holds = 1
                 AND NOT (from_type = ?1 AND from_id = ?2) ORDER BY 1, 3 LIMIT 1",
            )
            .and_then(|mut s| {
                let three = |row: &rusqlite::Row<'_>| -> rusqlite::Result<(String, String, String)> {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                };
                s.query_row(params![self.ty, self.covered.name(id), self.scope], three).optional()
            })
            .map_err(|e| broken(&e))?;
        if let Some((ty, scope, holder)) = holder {
            let holder = self.id_of(connection, &ty, &scope, &holder)?;
            let message = format!("\"{id}\" has dependencies and cannot be deleted: {ty} \"{holder}\" refers to it");
            return Err(ProviderError::new(ErrorKind::Conflict, message).code(catalog::in_use_code(&self.ty)));
        }
        self.forget(connection, id)
    }

    pub fn get(&self, connection: &Connection, id: &str) -> Result<Option<Row>, ProviderError> {
        Ok(self.get_many(connection, &[id.to_string()])?.pop())
    }

    /// The objects that exist of these ids, in any order, in one query.
    pub fn get_many(&self, connection: &Connection, ids: &[String]) -> Result<Vec<Row>, ProviderError> {
        let ids: Vec<String> = ids.iter().map(|id| self.covered.name(id)).collect();
        let ids = serde_json::Value::from(ids).to_string();
        let sql = "SELECT id, body, ready_at FROM objects
                   WHERE type = ?1 AND scope = ?2 AND id IN (SELECT value FROM json_each(?3))";
        self.rows(connection, sql, &[&self.ty, &self.scope, &ids])
    }

    pub fn find_by_key(&self, connection: &Connection, key: &str) -> Result<Option<Row>, ProviderError> {
        let sql = "SELECT id, body, ready_at FROM objects WHERE key = ?3 AND key <> '' AND type = ?1 AND scope = ?2";
        Ok(self.rows(connection, sql, &[&self.ty, &self.scope, &key])?.pop())
    }

    /// All objects of the type in this region, in the order of their making.
    pub fn list(&self, connection: &Connection) -> Result<Vec<Row>, ProviderError> {
        let sql = "SELECT id, body, ready_at FROM objects WHERE type = ?1 AND scope = ?2 ORDER BY rowid";
        self.rows(connection, sql, &[&self.ty, &self.scope])
    }

    fn rows(
        &self,
        connection: &Connection,
        sql: &str,
        values: &[&dyn rusqlite::ToSql],
    ) -> Result<Vec<Row>, ProviderError> {
        let mut statement = connection.prepare_cached(sql).map_err(|e| broken(&e))?;
        let mut found = statement.query(values).map_err(|e| broken(&e))?;
        let mut rows = Vec::new();
        while let Some(row) = found.next().map_err(|e| broken(&e))? {
            let (id, body) = self.covered.read(row).map_err(|e| broken(&e))?;
            let object = self.shape.decode(&body)?;
            rows.push(Row { id, object, ready_at: row.get(2).map_err(|e| broken(&e))? });
        }
        Ok(rows)
    }

    /// The id of an object, from how the file has it.
    fn id_of(&self, connection: &Connection, ty: &str, scope: &str, name: &str) -> Result<String, ProviderError> {
        let found = read_one(connection, &self.covered, (ty, scope, name))?;
        Ok(found.map_or_else(|| name.to_string(), |(id, _)| id))
    }

    fn completed(
        &self,
        connection: &Connection,
        mint: &Mint,
        id: Option<&str>,
        desired: &Object,
        links: &[Link],
    ) -> Result<(String, Object), ProviderError> {
        let info = self.info()?;
        let vpc_id = match desired.str("vpc_id") {
            Some(_) => None,
            None => {
                links.iter().find_map(|link| network_of(connection, &self.covered, link).transpose()).transpose()?
            }
        };
        let birth = Birth { ty: &self.ty, id, service: info.service, mint, vpc_id, default_tags: &self.default_tags };
        Ok(complete(&info.schema.block, info.id_attribute, desired, &birth))
    }

    fn keep_quota(&self, connection: &Connection, quota: Option<u64>) -> Result<(), ProviderError> {
        let Some(quota) = quota else { return Ok(()) };
        // Counting stops at the quota.
        let limit = i64::try_from(quota).unwrap_or(i64::MAX);
        let count: i64 = connection
            .prepare_cached(
                "SELECT COUNT(*) FROM (SELECT 1 FROM objects WHERE type = ?1 AND scope = ?2 AND parent = '' LIMIT ?3)",
            )
            .and_then(|mut s| s.query_row(params![self.ty, self.scope, limit], |row| row.get(0)))
            .map_err(|e| broken(&e))?;
        if count < limit {
            return Ok(());
        }
        let code = catalog::of(&self.ty).map_or("LimitExceededException", |k| k.quota_code);
        let message = format!("The maximum number of {} has been reached: {quota} in {}", self.ty, self.place());
        Err(ProviderError::new(ErrorKind::Quota, message).code(code).help(format!(
            "delete some, or order more with the clause: quota {}={}",
            self.ty,
            quota.saturating_mul(2)
        )))
    }

    /// Finds what the object refers to; what does not exist is an error.
    fn links(&self, connection: &Connection, object: &Object, own_id: &str) -> Result<Vec<Link>, ProviderError> {
        let mut links = Vec::new();
        for found in references::in_object(&self.ty, &object.value()) {
            if *found.handle == *own_id && !own_id.is_empty() {
                continue;
            }
            let mut target = None;
            for ty in found.reference.to {
                target = self.resolve(connection, ty, &found.handle)?.map(|(scope, id)| (*ty, scope, id));
                if target.is_some() {
                    break;
                }
            }
            match target {
                Some((ty, scope, id)) => links.push(Link { reference: found.reference, ty, scope, id }),
                // What the provider has no type for cannot be here.
                None => {
                    if let Some(ty) = found.reference.to.iter().find(|ty| self.def.resource(ty).is_some()) {
                        return Err(self.missing(ty, &found.handle).path(found.path));
                    }
                }
            }
        }
        Ok(links)
    }

    fn resolve(
        &self,
        connection: &Connection,
        ty: &str,
        handle: &str,
    ) -> Result<Option<(String, String)>, ProviderError> {
        connection
            .prepare_cached(
                "SELECT scope, id FROM handles WHERE type = ?1 AND handle = ?2 AND scope IN (?3, '') LIMIT 1",
            )
            .and_then(|mut s| {
                let pair =
                    |row: &rusqlite::Row<'_>| -> rusqlite::Result<(String, String)> { Ok((row.get(0)?, row.get(1)?)) };
                s.query_row(params![ty, self.covered.name(handle), self.region], pair).optional()
            })
            .map_err(|e| broken(&e))?
            .map(|(scope, name)| Ok((scope.clone(), self.id_of(connection, ty, &scope, &name)?)))
            .transpose()
    }

    #[expect(clippy::too_many_arguments, reason = "the columns of one row")]
    fn insert(
        &self,
        connection: &Connection,
        key: &str,
        parent: &str,
        id: &str,
        object: &Object,
        links: &[Link],
        ready_at: i64,
    ) -> Result<(), ProviderError> {
        self.take_names(connection, id, object)?;
        if let Some(rule) = ranges::rule_of(&self.ty) {
            let link = links.iter().find(|l| object.str(rule.parent_attribute) == Some(l.id.as_str()));
            if let Some(link) = link {
                let parents = ranges_of(connection, &self.covered, link)?;
                let taken = ranges::take(connection, rule, (&self.scope, id), &self.covered, object, &parents)?;
                if let Some(other) = taken {
                    let other = self.id_of(connection, &self.ty, &self.scope, &other)?;
                    return Err(ranges::conflict(rule, object, &other));
                }
            }
        }
        let name = |text: &str| self.covered.name(text);
        let (body, named) = (self.covered.body(id, self.shape.encode(object)), name(id));
        let put = |sql: &str, values: &[&dyn rusqlite::ToSql]| -> Result<(), ProviderError> {
            let mut statement = connection.prepare_cached(sql).map_err(|e| broken(&e))?;
            statement.execute(values).map(|_| ()).map_err(|e| broken(&e))
        };
        put(
            "INSERT OR IGNORE INTO objects (type, scope, id, key, parent, ready_at, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            &[&self.ty, &self.scope, &named, &key, &name(parent), &ready_at, &body],
        )?;
        for handle in [Some(id), object.str("arn"), object.str("name")].into_iter().flatten() {
            put(
                "INSERT OR IGNORE INTO handles VALUES (?1, ?2, ?3, ?4)",
                &[&self.ty, &name(handle), &self.scope, &named],
            )?;
        }
        for link in links {
            put(
                "INSERT INTO refs VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                &[&self.ty, &self.scope, &named, &link.ty, &link.scope, &name(&link.id), &link.reference.holds],
            )?;
        }
        Ok(())
    }

    /// Takes the combination of attributes that must be unique, or says that it is taken.
    fn take_names(&self, connection: &Connection, id: &str, object: &Object) -> Result<(), ProviderError> {
        let Some(kind) = catalog::of(&self.ty).filter(|k| !k.unique.is_empty()) else { return Ok(()) };
        let parts: Vec<&str> = kind.unique.iter().map(|name| object.str(name).unwrap_or_default()).collect();
        if parts.iter().all(|part| part.is_empty()) {
            return Ok(());
        }
        let taken = connection
            .prepare_cached("INSERT OR IGNORE INTO uniques VALUES (?1, ?2, ?3, ?4)")
            .and_then(|mut s| {
                s.execute(params![self.ty, self.scope, self.covered.name(&parts.join("\0")), self.covered.name(id)])
            })
            .map_err(|e| broken(&e))?;
        if taken == 1 {
            return Ok(());
        }
        let shown: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let at = kind.unique.last().copied().unwrap_or("name");
        Err(self.exists(&shown.join("\", \"")).path(Path::attr(at)))
    }

    /// The objects that the cloud makes along with this one, such as the default security group of a network.
    fn bear_children(
        &self,
        connection: &Connection,
        mint: &Mint,
        id: &str,
        object: &Object,
    ) -> Result<(), ProviderError> {
        let Some(kind) = catalog::of(&self.ty) else { return Ok(()) };
        let value = object.value();
        for (_, ty) in kind.children {
            let Some(info) = self.def.resource(ty) else { continue };
            let template = catalog::of(ty).map_or("child-{hex17}", |k| k.id);
            let child_id = mint.expand(template, &format!("child/{ty}"), "", object);
            let vpc_id = if self.ty == "aws_vpc" { Some(id) } else { nested_text(&value, "vpc_id") };
            let name = if self.ty == "aws_vpc" { "default".to_string() } else { format!("{}-{id}", self.ty) };
            let born = ObjectBuilder::new().set("id", child_id.as_str()).set("name", name);
            let born = born.maybe("vpc_id", vpc_id).set("description", "made along with its owner").build();
            let context = Context {
                ty: (*ty).to_string(),
                shape: self.shapes.of(ty, &info.schema.block),
                scope: if catalog::of(ty).is_some_and(|k| k.is_global) { String::new() } else { self.region.clone() },
                ..self.clone()
            };
            if context.get(connection, &child_id)?.is_some() {
                continue;
            }
            let child_mint = Mint::new(self.seed, ty, &context.scope, &self.region, &child_id);
            let (_, child) = context.completed(connection, &child_mint, Some(&child_id), &born, &[])?;
            let parent = format!("{}/{}/{id}", self.ty, self.scope);
            context.insert(connection, "", &parent, &child_id, &child, &[], 0)?;
        }
        Ok(())
    }

    /// Removes the object and what was made along with it.
    fn forget(&self, connection: &Connection, id: &str) -> Result<(), ProviderError> {
        self.forget_named(connection, &self.covered.name(id))?;
        if catalog::of(&self.ty).is_none_or(|k| k.children.is_empty()) {
            return Ok(());
        }
        let parent = self.covered.name(&format!("{}/{}/{id}", self.ty, self.scope));
        let children: Vec<(String, String, String)> = connection
            .prepare_cached("SELECT type, scope, id FROM objects WHERE parent = ?1 AND parent <> ''")
            .and_then(|mut s| s.query_map([&parent], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect())
            .map_err(|e| broken(&e))?;
        for (ty, scope, child) in children {
            Context { ty, scope, ..self.clone() }.forget_named(connection, &child)?;
        }
        Ok(())
    }

    /// `name` is the id as the file has it.
    fn forget_named(&self, connection: &Connection, name: &str) -> Result<(), ProviderError> {
        for sql in [
            "DELETE FROM objects WHERE type = ?1 AND scope = ?2 AND id = ?3",
            "DELETE FROM handles WHERE type = ?1 AND scope = ?2 AND id = ?3",
            "DELETE FROM refs WHERE from_type = ?1 AND from_scope = ?2 AND from_id = ?3",
            "DELETE FROM uniques WHERE type = ?1 AND scope = ?2 AND id = ?3",
            "DELETE FROM ranges WHERE type = ?1 AND scope = ?2 AND id = ?3",
        ] {
            connection
                .prepare_cached(sql)
                .and_then(|mut s| s.execute(params![self.ty, self.scope, name]))
                .map_err(|e| broken(&e))?;
        }
        Ok(())
    }

    fn exists(&self, what: &str) -> ProviderError {
        ProviderError::new(
            ErrorKind::AlreadyExists,
            format!("a {} \"{what}\" exists already in {}", self.ty, self.place()),
        )
        .code(catalog::exists_code(&self.ty))
    }

    fn missing(&self, ty: &str, id: &str) -> ProviderError {
        ProviderError::new(ErrorKind::NotFound, format!("the {ty} \"{id}\" does not exist in {}", self.place()))
            .code(catalog::missing_code(ty))
    }

    fn place(&self) -> &str {
        if self.region.is_empty() { "the sandbox" } else { &self.region }
    }
}

fn run_text(connection: &Connection, sql: &str, context: &Context, id: &str) -> Result<Option<String>, ProviderError> {
    connection
        .prepare_cached(sql)
        .and_then(|mut s| {
            s.query_row(params![context.ty, context.scope, context.covered.name(id)], |row| row.get(0)).optional()
        })
        .map_err(|e| broken(&e))
}

/// The id and the text of the object of a type, a scope and a name as the file has it.
fn read_one(
    connection: &Connection,
    covered: &Covered,
    (ty, scope, name): (&str, &str, &str),
) -> Result<Option<(String, String)>, ProviderError> {
    connection
        .prepare_cached("SELECT id, body FROM objects WHERE type = ?1 AND scope = ?2 AND id = ?3")
        .and_then(|mut s| s.query_row(params![ty, scope, name], |row| covered.read(row)).optional())
        .map_err(|e| broken(&e))
}

fn body_text(
    connection: &Connection,
    covered: &Covered,
    link: &Link,
    field: &str,
) -> Result<Option<String>, ProviderError> {
    let found = read_one(connection, covered, (link.ty, &link.scope, &covered.name(&link.id)))?;
    Ok(found.and_then(|(_, text)| field_text(&text, field)))
}

/// The text of a field of an object that is written as JSON.
fn field_text(object: &str, field: &str) -> Option<String> {
    serde_json::from_str::<serde_json::Value>(object).ok()?.get(field)?.as_str().map(str::to_string)
}

/// The network that a linked object lies in.
fn network_of(connection: &Connection, covered: &Covered, link: &Link) -> Result<Option<String>, ProviderError> {
    match link.ty {
        "aws_vpc" => Ok(Some(link.id.clone())),
        "aws_subnet" | "aws_security_group" | "aws_db_subnet_group" => body_text(connection, covered, link, "vpc_id"),
        _ => Ok(None),
    }
}

/// The ranges that a network has: its first one and those that were associated later.
fn ranges_of(connection: &Connection, covered: &Covered, link: &Link) -> Result<Vec<Object>, ProviderError> {
    let mut texts: Vec<String> = body_text(connection, covered, link, "cidr_block")?.into_iter().collect();
    let more: Vec<String> = connection
        .prepare_cached(
            "SELECT id, body FROM refs JOIN objects
             ON objects.type = from_type AND objects.scope = from_scope AND objects.id = from_id
             WHERE to_type = ?1 AND to_id = ?2 AND to_scope = ?3 AND from_type = 'aws_vpc_ipv4_cidr_block_association'
             AND holds IN (0, 1)",
        )
        .and_then(|mut s| {
            let rows = s.query_map(params![link.ty, covered.name(&link.id), link.scope], |row| covered.read(row))?;
            let objects = rows.collect::<rusqlite::Result<Vec<_>>>()?;
            Ok(objects.iter().filter_map(|(_, text)| field_text(text, "cidr_block")).collect())
        })
        .map_err(|e| broken(&e))?;
    texts.extend(more);
    Ok(texts.into_iter().map(|text| ObjectBuilder::new().set("cidr_block", text).build()).collect())
}

/// The first text under a name, at any depth.
fn nested_text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    if let Some(fields) = value.as_fields() {
        if let Some(text) = fields.get(name).and_then(|v| v.as_str()) {
            return Some(text);
        }
        return fields.values().find_map(|v| nested_text(v, name));
    }
    value.as_items().unwrap_or(&[]).iter().find_map(|v| nested_text(v, name))
}
