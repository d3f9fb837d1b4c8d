"""Pictures as matplotlib Figures: no pyplot, no global state.

`dataset` draws what was rated, `comparison` what the models made of it, `curves` how one was fitted, and
`portrait` gathers what it has to show: its `errors`, `maps` of movies, `opinions` of movies and genres
(with `labels` and `projections` for these). `style` is what they share, `inline` makes them part of a page.
"""
