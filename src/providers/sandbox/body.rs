//! Objects as the file keeps them: JSON that reads back as exactly the same value.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::{Map, Value as Json};

use crate::model::value_json::{from_json_typed, to_json, type_from_json, type_to_json};
use crate::model::{Block, Object, Str, Type, Value};
use crate::provider::{ErrorKind, ProviderError};

/// The shapes of the types that were used so far.
#[derive(Debug, Default)]
pub struct Shapes(RwLock<HashMap<String, Arc<Shape>>>);

impl Shapes {
    pub fn of(&self, ty: &str, block: &Block) -> Arc<Shape> {
        if let Some(shape) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(ty) {
            return shape.clone();
        }
        let shape = Arc::new(Shape::new(block));
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(ty.to_string(), shape.clone());
        shape
    }
}

/// How objects of one schema are read and written.
#[derive(Debug)]
pub struct Shape {
    ty: Type,
    /// Attributes of any type: their own type is kept beside the value.
    dynamic: Vec<Str>,
    block: Block,
}

impl Shape {
    fn new(block: &Block) -> Shape {
        let dynamic = block.attributes.iter().filter(|a| a.ty.has_dynamic()).map(|a| a.name.clone()).collect();
        let attributes = block.attributes.iter().map(|a| match a.ty.has_dynamic() {
            true => (a.name.clone(), Type::Dynamic),
            false => (a.name.clone(), a.ty.without_optional()),
        });
        let ty = Type::object(attributes.chain(block.blocks.iter().map(|b| (b.name.clone(), b.ty()))));
        Shape { ty, dynamic, block: block.clone() }
    }

    pub fn encode(&self, object: &Object) -> String {
        let mut entries: Map<String, Json> =
            object.fields().iter().map(|(name, value)| (name.to_string(), to_json(value))).collect();
        for name in &self.dynamic {
            if let Some(value) = object.get(name) {
                let kept = [("type".to_string(), type_to_json(&value.ty())), ("value".to_string(), to_json(value))];
                entries.insert(name.to_string(), Json::Object(kept.into_iter().collect()));
            }
        }
        Json::Object(entries).to_string()
    }

    pub fn decode(&self, text: &str) -> Result<Object, ProviderError> {
        let damaged = |e: &dyn std::fmt::Display| {
            ProviderError::new(ErrorKind::Other, format!("an object in the sandbox does not fit its schema: {e}"))
                .help("it was made by another version: delete the sandbox's file to start empty")
        };
        let json: Json = serde_json::from_str(text).map_err(|e| damaged(&e))?;
        let value = from_json_typed(&json, &self.ty).map_err(|e| damaged(&e))?;
        let blocks_missing = self.block.blocks.iter().any(|b| json.get(&*b.name).is_none());
        let value = if blocks_missing { self.block.fit(&value) } else { value };
        if self.dynamic.is_empty() {
            return Ok(Object::new(&value));
        }
        let mut fields = Object::new(&value).fields().clone();
        for name in &self.dynamic {
            let Some(kept) = json.get(&**name).filter(|k| !k.is_null()) else { continue };
            let ty = kept.get("type").and_then(type_from_json).unwrap_or(Type::Dynamic);
            let value = from_json_typed(kept.get("value").unwrap_or(&Json::Null), &ty).map_err(|e| damaged(&e))?;
            fields.set(name.clone(), value);
        }
        Ok(Object::new(&Value::fields(fields)))
    }
}
