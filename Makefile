.PHONY: setup run up test check fmt bench bench-quick chaos lock docs clean
PY := .venv/bin/python

setup: .venv/ready

# The stamp is newer than the lock file once everything in the lock is installed: a second `make setup` does nothing.
.venv/ready: requirements.lock pyproject.toml
	@test -x $(PY) || python3 -m venv .venv
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

run: setup
	.venv/bin/sais demo

up: setup
	.venv/bin/sais up

test: setup
	$(PY) -m pytest -n 3 --dist loadgroup

check: setup
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	.venv/bin/lint-imports

fmt: setup
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

# All of them take an hour and a half. make bench NAMES="pipeline imaging"
bench: setup
	$(PY) -m benchmarks $(NAMES)

# Whether each still works, at a tiny size and without looking at any number.
bench-quick: setup
	$(PY) -m benchmarks --quick $(NAMES)

# About twenty minutes: each seam, then two long runs. Everything listens on loopback only.
chaos: setup
	$(PY) -m tests.chaos seams
	$(PY) -m tests.chaos servers
	$(PY) -m tests.chaos embedded

docs: setup
	$(PY) -m docs.generate

lock: setup
	.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --all-extras \
	  --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' \
	  --output-file requirements.lock pyproject.toml

clean:
	rm -rf .venv var .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
