//! A plugin that panics while it is opened: nothing can catch that in the process that opens it.

farthing_sdk::plugin!("constructor-panics");

#[used]
#[cfg_attr(
    target_vendor = "apple",
    unsafe(link_section = "__DATA,__mod_init_func")
)]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".init_array"))]
static START: extern "C" fn() = start;

extern "C" fn start() {
    panic!("no configuration file in the home directory");
}
