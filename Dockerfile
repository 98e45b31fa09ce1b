FROM python:3.11-slim-bookworm AS packages
COPY requirements.txt /tmp/requirements.txt
RUN python -m venv /opt/reperio \
    && /opt/reperio/bin/pip install --no-cache-dir --require-hashes -r /tmp/requirements.txt

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --user-group --home-dir /data --no-create-home --shell /usr/sbin/nologin reperio \
    && install -d -m 0700 -o reperio -g reperio /data /backups /run/reperio
# Fonts for Chinese, Japanese and Korean names on posters: the first has Korean, the second rarer Chinese characters.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends fonts-wqy-microhei fonts-droid-fallback \
    && rm -rf /var/lib/apt/lists/*
COPY --from=packages /opt/reperio /opt/reperio
COPY . /srv/reperio
WORKDIR /srv/reperio
RUN ["/opt/reperio/bin/python", "-m", "compileall", "-q", "."]
# /dev/shm: a worker's sign of life must not wait for a busy disk.
ENV PATH=/opt/reperio/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    APP_ENV=production \
    PORT=8000 \
    DATABASE_URL=sqlite:////data/reperio.db \
    STORAGE_URL=file:///data/storage \
    PROMETHEUS_MULTIPROC_DIR=/run/reperio/metrics \
    GUNICORN_CMD_ARGS="--worker-tmp-dir /dev/shm"
USER 10001:10001
# All that is written: the root file system may be read-only. /tmp holds uploads of up to 1 GiB: a disk, not memory.
VOLUME ["/data", "/backups", "/tmp", "/run/reperio"]
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --start-interval=1s \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f\"http://127.0.0.1:{os.environ['PORT']}/livez\", timeout=4)"]
CMD ["gunicorn", "main:app", "-c", "gunicorn_config.py"]
