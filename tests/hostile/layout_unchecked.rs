//! A plugin whose root module does not carry its layout, so that nobody can compare it.

farthing_sdk::plugin!(@descriptor "layout-unchecked", farthing_sdk::private::SDK_VERSION);
farthing_sdk::plugin!(@root No);
