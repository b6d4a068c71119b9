"""The page "Gas accounts" in Airflow's UI: a FastAPI application that Airflow's API server mounts at ``/grdf``.

``app`` assembles the application, ``security`` decides who may do what, ``guard`` checks every request and adds headers
to every response, and ``render`` builds pages from templates and ``texts``. Each group of routes is a module with a
``router``.
"""
