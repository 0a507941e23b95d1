"""Alembic's entry: runs on the connection that sais.catalog.database hands over."""

from alembic import context
from sqlmodel import SQLModel

import sais_models  # noqa: F401  (fills SQLModel.metadata)

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
)
context.run_migrations()
