//! The components of this library, collected by `inventory` without a list to maintain.
//!
//! Each dynamic library has an inventory of its own, so the root module hands the list over.

use std::collections::BTreeMap;

use farthing_abi::{
    Boxed, RawComponent, RawCreate, RawCurriculum_TO, RawError, RawOptimizer_TO, RawReward_TO,
    RawSampler_TO, RawTask_TO,
};
use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};

use crate::{Curriculum, Error, Optimizer, Result, Reward, Sampler, Task, shim};

/// One component: what is known of it before it is made, and how to make it.
pub struct Registration {
    name: &'static str,
    description: &'static str,
    schema: fn(SchemaGenerator) -> Schema,
    create: Create,
}

type Made<T> = fn(RawCreate<'_>) -> Result<T>;

enum Create {
    Task(Made<RawTask_TO<Boxed>>),
    Reward(Made<RawReward_TO<Boxed>>),
    Sampler(Made<RawSampler_TO<Boxed>>),
    Optimizer(Made<RawOptimizer_TO<Boxed>>),
    Curriculum(Made<RawCurriculum_TO<Boxed>>),
}

inventory::collect!(Registration);

macro_rules! constructors {
    ($($function:ident $trait_:ident $create:path;)*) => {
        impl Registration {
            $(
                /// For `#[component]`.
                pub const fn $function<T: $trait_>(
                    name: &'static str,
                    description: &'static str,
                ) -> Self {
                    Self {
                        name,
                        description,
                        schema: schema_of::<T::Config>,
                        create: Create::$trait_($create),
                    }
                }
            )*
        }
    };
}

constructors! {
    task Task shim::task::create::<T>;
    reward Reward shim::reward::create::<T>;
    sampler Sampler shim::sampler::create::<T>;
    optimizer Optimizer shim::optimizer::create::<T>;
    curriculum Curriculum shim::curriculum::create::<T>;
}

macro_rules! finders {
    ($($function:ident $variant:ident $raw:ident;)*) => {
        $(
            pub(crate) fn $function(create: RawCreate<'_>) -> Result<$raw<Boxed>> {
                let name = create.name.as_str();
                for registration in inventory::iter::<Registration> {
                    if let (Create::$variant(make), true) =
                        (&registration.create, registration.name == name)
                    {
                        return make(create);
                    }
                }
                Err(Error::new(format!(
                    "this plugin has no {} {name:?}", stringify!($function)
                )))
            }
        )*
    };
}

finders! {
    task Task RawTask_TO;
    reward Reward RawReward_TO;
    sampler Sampler RawSampler_TO;
    optimizer Optimizer RawOptimizer_TO;
    curriculum Curriculum RawCurriculum_TO;
}

/// Every component, by kind and name; inventory's own order is the linker's.
pub(crate) fn components() -> Result<Vec<RawComponent>> {
    let mut found = BTreeMap::new();
    for registration in inventory::iter::<Registration> {
        let kind = registration.kind();
        if found
            .insert((kind, registration.name), registration)
            .is_some()
        {
            return Err(Error::new(format!(
                "the plugin registers two components of kind {kind} named {:?}",
                registration.name
            ))
            .help("rename one of them in its #[component(..)]"));
        }
    }
    let describe = |registration: &&Registration| {
        Ok(RawComponent {
            kind: registration.kind().into(),
            name: registration.name.into(),
            description: registration.description.into(),
            schema: serde_json::to_string(&registration.schema())?.into(),
        })
    };
    found.values().map(describe).collect()
}

impl Registration {
    fn kind(&self) -> &'static str {
        match self.create {
            Create::Task(_) => "task",
            Create::Reward(_) => "reward",
            Create::Sampler(_) => "sampler",
            Create::Optimizer(_) => "optimizer",
            Create::Curriculum(_) => "curriculum",
        }
    }

    fn schema(&self) -> Schema {
        (self.schema)(SchemaSettings::draft2020_12().into_generator())
    }
}

fn schema_of<T: JsonSchema>(generator: SchemaGenerator) -> Schema {
    generator.into_root_schema_for::<T>()
}

/// Turns the sdk's result into the boundary's.
pub(crate) fn flatten<T>(
    result: Result<T>,
) -> farthing_abi::abi_stable::std_types::RResult<T, RawError> {
    result.map_err(RawError::from).into()
}
