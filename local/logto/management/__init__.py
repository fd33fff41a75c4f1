"""The Management API: what an administrator, or a program, sets up at Logto."""

from local.logto.management import (
    applications,
    connectors,
    experience,
    hooks,
    rights,
    users,
)

modules = (applications, connectors, experience, hooks, rights, users)
routes = [route for module in modules for route in module.routes]
