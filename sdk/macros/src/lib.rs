//! The attribute and export macros of farthing-sdk.
