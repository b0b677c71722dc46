//! A plugin of the future.

farthing_sdk::plugin!(@descriptor "newer-sdk", [0, 999, 0]);
farthing_sdk::plugin!(@root Yes);
