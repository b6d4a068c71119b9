# Everything that runs in it comes from Debian and from requirements.txt, hashes checked. `docker compose build --pull`
# renews Debian's part, `./grdf lock` the rest.
FROM debian:trixie-slim

RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*

# A layer of its own, so that a change of this project's code does not install anew. No package is built here, since what
# a build needs would come unhashed.
COPY requirements.txt /opt/grdf/requirements.txt
RUN python3 -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
        --requirement /opt/grdf/requirements.txt \
    && /opt/venv/bin/pip check --disable-pip-version-check

# The user that runs all of it owns two folders and none of the code. A new volume takes its folder's owner. Airflow would
# write its own settings file where there is none; ours are in the environment.
RUN useradd --uid 50000 --user-group --home-dir /opt/airflow --no-create-home --shell /usr/sbin/nologin airflow \
    && mkdir --parents /opt/airflow/logs /opt/airflow/grdf \
    && chown airflow:airflow /opt/airflow/logs /opt/airflow/grdf \
    && touch /opt/airflow/airflow.cfg

COPY dags /opt/airflow/dags
COPY plugins /opt/airflow/plugins
COPY include /opt/airflow/include
RUN python3 -m compileall -q /opt/airflow/dags /opt/airflow/plugins /opt/airflow/include

# DAG files and plugins import include.gas and grdf; Airflow puts neither folder's parent on the path by itself.
ENV AIRFLOW_HOME=/opt/airflow \
    PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPATH=/opt/airflow:/opt/airflow/plugins \
    PYTHONUNBUFFERED=1
WORKDIR /opt/airflow
USER airflow
ENTRYPOINT ["airflow"]
