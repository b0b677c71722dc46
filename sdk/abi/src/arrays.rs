//! Arrays and numbers that travel with their names, so that a later host can offer more
//! of them to an old plugin and a later plugin can do without one that an old host lacks.

use abi_stable::{
    StableAbi, sabi_trait,
    std_types::{RSlice, RSliceMut, RStr},
};

/// A named input array, owned by the host.
#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
pub struct RawArray<'a> {
    pub name: RStr<'a>,
    pub values: RSlice<'a, f32>,
}

/// A named output array, owned and zeroed by the host, written by the plugin.
#[repr(C)]
#[derive(StableAbi)]
pub struct RawArrayMut<'a> {
    pub name: RStr<'a>,
    pub values: RSliceMut<'a, f32>,
}

/// A named number.
#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
pub struct RawNumber<'a> {
    pub name: RStr<'a>,
    pub value: f64,
}

/// One metric of one micro-batch. `fold` says how micro-batches combine:
/// 0 weighted mean, 1 sum, 2 minimum, 3 maximum.
#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
pub struct RawMetric<'a> {
    pub name: RStr<'a>,
    pub value: f64,
    pub weight: f64,
    pub fold: u8,
}

/// Where a plugin's metrics go; implemented by the host.
#[sabi_trait]
pub trait RawMetricSink {
    #[sabi(last_prefix_field)]
    fn record(&mut self, metric: RawMetric<'_>);
}
