//! Write tasks, rewards, samplers, optimizers and curricula for Farthing.
