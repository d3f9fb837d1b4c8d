"""One model in pictures: where it errs, how it arranges movies and genres, what it thinks of each movie."""
