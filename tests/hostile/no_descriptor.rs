//! A root module, and no descriptor that could be read before any code runs.

farthing_sdk::plugin!(@root Yes);
