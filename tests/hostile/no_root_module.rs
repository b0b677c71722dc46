//! A descriptor, and nothing behind it: the library of somebody who copied half of `plugin!`.

farthing_sdk::plugin!(@descriptor "no-root-module", farthing_sdk::private::SDK_VERSION);
