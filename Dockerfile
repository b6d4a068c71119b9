# Everything in the image comes from Debian and from requirements.txt, with its hashes checked. `docker compose build --pull`
# updates Debian's part, `./grdf lock` the rest.
FROM debian:trixie-slim AS debian

RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*

# What makes Airflow list our connection types and their forms: a package of this project's name that has nothing but its
# metadata and the paths of the folders below. What builds it stays in this stage.
FROM debian AS metadata

COPY deploy/requirements-build.txt /opt/build/requirements.txt
RUN python3 -m venv /opt/build/venv \
    && /opt/build/venv/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
        --requirement /opt/build/requirements.txt
COPY pyproject.toml hatch_build.py README.md LICENSE /opt/airflow/
COPY plugins/grdf/__init__.py /opt/airflow/plugins/grdf/__init__.py
RUN cd /opt/airflow && /opt/build/venv/bin/hatchling build --target wheel:editable --directory /opt/build/dist

FROM debian

# A separate layer, so that a change to this project's code does not install the packages again. No package is built here,
# since build tools would be installed without hashes.
COPY requirements.txt /opt/grdf/requirements.txt
RUN python3 -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
        --requirement /opt/grdf/requirements.txt
COPY --from=metadata /opt/build/dist /opt/grdf/dist
RUN /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --no-index /opt/grdf/dist/*.whl \
    && /opt/venv/bin/pip check --disable-pip-version-check

# The user that runs everything owns two folders and none of the code. A new volume takes the owner of its folder. Airflow
# would write a settings file if there were none; ours are in the environment.
RUN useradd --uid 50000 --user-group --home-dir /opt/airflow --no-create-home --shell /usr/sbin/nologin airflow \
    && mkdir --parents /opt/airflow/logs /var/lib/grdf \
    && chown airflow:airflow /opt/airflow/logs /var/lib/grdf \
    && touch /opt/airflow/airflow.cfg

COPY dags /opt/airflow/dags
COPY plugins /opt/airflow/plugins
COPY include /opt/airflow/include
RUN python3 -m compileall -q /opt/airflow/dags /opt/airflow/plugins /opt/airflow/include

# DAG files and plugins import include.gas and grdf; Airflow does not put their parent folders on the path. Nothing that is
# on it can be written: neither the working folder nor the folder of state, which several services share, counts there.
ENV AIRFLOW_HOME=/opt/airflow \
    AIRFLOW__GRDF__STATE_FOLDER=/var/lib/grdf \
    PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPATH=/opt/airflow/plugins:/opt/airflow \
    PYTHONSAFEPATH=1 \
    PYTHONUNBUFFERED=1
WORKDIR /opt/airflow
USER airflow
ENTRYPOINT ["airflow"]
