# docker build -t marquee .
# docker run --rm marquee                                   `make run` on the simulated data
# docker run --rm -v ~/data:/data:ro marquee make run DATASET=ml-1m SOURCE=/data
FROM python:3.11-slim

RUN apt-get update \
    && apt-get install --yes --no-install-recommends git make \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home marquee
USER marquee
WORKDIR /home/marquee/app

# An index with CPU builds of torch: the default build for Linux brings several gigabytes of CUDA.
ARG PIP_EXTRA_INDEX_URL=
# The requirements come first, so that a change of code does not install them again.
COPY --chown=marquee requirements.txt constraints.txt Makefile ./
RUN make .venv/ready

# Git's own folder comes along: DVC reads the repository, and `dvc metrics diff HEAD` works inside.
COPY --chown=marquee . .
RUN make .venv/bin/marquee
CMD ["make", "run"]
