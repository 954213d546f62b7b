//! The functions of providers, as expressions call them.

use std::sync::Arc;

use crate::lang::convert::convert;
use crate::lang::functions::{CallError, Foreign};
use crate::model::{Type, Value};
use crate::provider::{ProviderDef, ProviderFunction};

struct Adapted {
    /// `provider::aws::arn_parse`.
    name: String,
    function: ProviderFunction,
}

/// The function of this name that a provider brings along.
pub fn function(provider: &dyn ProviderDef, name: &str) -> Option<Arc<dyn Foreign>> {
    let function = provider.functions().into_iter().find(|f| f.name == name)?;
    Some(Arc::new(Adapted { name: format!("provider::{}::{name}", provider.name()), function }))
}

impl Foreign for Adapted {
    fn name(&self) -> &str {
        &self.name
    }

    fn returns(&self) -> Type {
        self.function.returns.clone()
    }

    fn call(&self, args: &[Value]) -> Result<Value, CallError> {
        let params = &self.function.params;
        if args.len() != params.len() {
            let message = format!("{} takes {} arguments, {} are given", self.name, params.len(), args.len());
            return Err(CallError::new(message));
        }
        let mut ready = Vec::with_capacity(args.len());
        for (i, (arg, param)) in args.iter().zip(params).enumerate() {
            if arg.is_null() {
                return Err(CallError::at(i, format!("\"{}\" must not be null", param.name)));
            }
            let fitted = convert(arg, &param.ty).map_err(|e| CallError::at(i, format!("\"{}\": {e}", param.name)))?;
            ready.push(fitted);
        }
        (self.function.body)(&ready).map_err(CallError::new)
    }
}
