# Airflow's own image plus what this project adds to it: two packages and the code.
#
# requirements.in is installed rather than the lock: the image carries the versions that Airflow was released with, next
# to providers (FAB, Celery, PostgreSQL) that the lock does not know. pip keeps every version that already satisfies
# the list, so that only the CouchDB client (pinned exactly) and pygal, which draws the page's charts, are new.
# `pip check` fails the build if they do not agree.
FROM apache/airflow:3.3.2-python3.12

COPY requirements.in /requirements.in
RUN pip install --no-cache-dir --requirement /requirements.in && pip check

# A new volume mounted here takes this folder's owner.
RUN mkdir -p /opt/airflow/grdf

COPY --chown=airflow:0 dags /opt/airflow/dags
COPY --chown=airflow:0 plugins /opt/airflow/plugins
COPY --chown=airflow:0 include /opt/airflow/include

# DAG files and plugins import include.gas and grdf; Airflow puts neither folder's parent on the path by itself.
ENV PYTHONPATH=/opt/airflow:/opt/airflow/plugins
