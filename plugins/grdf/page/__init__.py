"""The page "Gas accounts" in Airflow's UI: a FastAPI application mounted at ``/grdf``.

``app`` assembles it, ``security`` decides who may do what, ``guard`` checks each request and adds headers, ``render``
builds pages. Each group of routes has a ``router``.
"""
