//! A plugin that never finishes being opened.

farthing_sdk::plugin!("constructor-hangs");

#[used]
#[cfg_attr(
    target_vendor = "apple",
    unsafe(link_section = "__DATA,__mod_init_func")
)]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".init_array"))]
static START: extern "C" fn() = start;

extern "C" fn start() {
    loop {
        std::thread::park();
    }
}
