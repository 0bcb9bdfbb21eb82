"""What `backend-audit init` finds in a repository, and what it writes there."""
