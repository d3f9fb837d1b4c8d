# docker build -t marquee .
# docker run --rm marquee                                   `make run` on the simulated data
# docker run --rm -v ~/data:/data:ro marquee make run DATASET=ml-1m SOURCE=/data
#
# docker build --target serve -t marquee-serve .
# docker run --rm -p 127.0.0.1:8000:8000 -v "$PWD":/home/marquee/app -e MARQUEE_TOKEN marquee-serve
#                                                           `marquee serve` on the finished run in this folder
#
# docker compose build                                      a Spark cluster on this machine: see compose.yaml
FROM python:3.11-slim AS run

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

# The server, in a project that is mounted: it reads the models of a finished run there and writes data/feedback.
FROM run AS serve
RUN make .venv/ready-serve && mv .venv ../venv
ENV PATH=/home/marquee/venv/bin:$PATH
EXPOSE 8000
HEALTHCHECK CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/healthz')"]
CMD ["python", "-m", "marquee", "serve", "--host", "0.0.0.0"]

# The driver, the master and the workers of compose.yaml.
FROM run AS spark
USER root
RUN apt-get update \
    && apt-get install --yes --no-install-recommends default-jre-headless procps \
    && rm -rf /var/lib/apt/lists/*
USER marquee
RUN make .venv/ready-spark && mv .venv ../venv
ENV PATH=/home/marquee/venv/bin:$PATH PYTHONPATH=/home/marquee/app

# Built where no target is named.
FROM run
