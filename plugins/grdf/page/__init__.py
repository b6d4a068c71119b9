"""The page "Gas accounts" in Airflow's UI: a FastAPI application that Airflow's API server mounts at ``/grdf``.

``app`` puts it together, ``security`` says who may do what, ``guard`` watches every request and answer, ``render``
makes pages from templates and ``texts``. Each group of routes is a module with a ``router``.
"""
