//! Models, decoding, log-probabilities, backward passes and update rules on Candle; knows no plugin.
