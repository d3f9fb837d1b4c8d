"""Draw figures with matplotlib, without pyplot and without global state.

`dataset` draws the ratings, `leaderboard` the comparison of models, and `model_figures` everything about one
model: its `learning_curve`, `rating_errors`, `embedding_map` and `learned_parameters`. `captioned` saves
figures with their captions, `svg` makes them parts of a page, `style` is common to all.
"""
