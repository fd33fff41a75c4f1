"""What the stand-ins for Logto and Microsoft share as OAuth servers: parameters, errors, pages."""
