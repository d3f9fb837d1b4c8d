"""Pictures as matplotlib Figures, one module for each stage that draws: no pyplot, no global state.

`dataset` draws what was rated, `comparison` what the models made of it; `style` is what they share.
`maps` and `opinions` draw what a single model has learned, from `projections` and with `labels`.
"""
