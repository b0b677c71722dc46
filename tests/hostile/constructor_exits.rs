//! A plugin that ends the process while it is opened, and calls that a success.

farthing_sdk::plugin!("constructor-exits");

#[used]
#[cfg_attr(
    target_vendor = "apple",
    unsafe(link_section = "__DATA,__mod_init_func")
)]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".init_array"))]
static START: extern "C" fn() = start;

extern "C" fn start() {
    std::process::exit(0);
}
