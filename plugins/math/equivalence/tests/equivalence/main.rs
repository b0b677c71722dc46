//! The engine through its public surface. Each module is a table of pairs, what is accepted
//! beside what is rejected; `hostile` and `properties` ask for peace instead of a verdict.

mod canonical;
mod choices;
mod collections;
mod formulas;
mod hostile;
mod labels;
mod numbers;
mod pieces;
mod properties;
mod public;
mod quantities;
mod relations;
mod table;
mod typography;
mod words_and_units;
