"""Choose the options of a model on its validation data: `marquee tune`.

`search` asks for trials in batches and stops most of them early; `trials` runs one, `worker` several at once;
`store` keeps what a killed search has done; `sampler` is Optuna; `outcome` is what is written of a search;
`records` says which parameters were tuned.
"""
