"""The Management API, by which an administrator or a program sets Logto up."""

from local.logto.management import (
    applications,
    connectors,
    experience,
    hooks,
    jit,
    rights,
    sessions,
    users,
)

modules = (applications, connectors, experience, hooks, jit, rights, sessions, users)
routes = [route for module in modules for route in module.routes]
