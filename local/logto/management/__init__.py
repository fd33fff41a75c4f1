"""The Management API: what an administrator, or a program, sets up at Logto."""

from local.logto.management import applications, connectors, experience, hooks, users

modules = (applications, connectors, experience, hooks, users)
routes = [route for module in modules for route in module.routes]
