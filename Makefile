# `make run` and `make test` are the two commands that matter; both set up what they need, and a second run starts at
# once. Only python3 (3.11 to 3.14), make and git are expected of the machine.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
# uv lives beside the environment's packages, not among them: a sync removes whatever the lock does not name.
UV := $(VENV)/tools/bin/uv --quiet --system-certs
COMPILE := $(UV) pip compile --universal --fork-strategy fewest --python-version 3.11 --generate-hashes --no-annotate --no-header --upgrade

# With bytecode switched off every process would compile everything anew: three times the CPU at each start.
unexport PYTHONDONTWRITEBYTECODE
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := run
.PHONY: run test murder mutants roads accessible check lock clean

run:
	@$(call set_up,app)
	@exec $(PY) -m dashboard

# Six at once, also on two cores: whole processes are waited for now and then.
test:
	@$(call set_up,test)
	@$(PY) tests/browser.py --install
	@$(PY) -m pytest -n 6

# Long proofs, run by hand: sidecars killed 200 times on each database; faults planted in the store, and caught; every
# model by every road, and every documented failure of each; every screen in every state, light, dark and on a phone.
murder:
	@$(call set_up,test)
	@$(PY) tests/murder.py

mutants:
	@$(call set_up,test)
	@$(PY) tests/mutants.py

roads:
	@$(call set_up,test)
	@$(PY) tests/browser.py --install
	@$(PY) tests/roads.py

accessible:
	@$(call set_up,test)
	@$(PY) tests/browser.py --install
	@$(PY) -m pytest tests/dashboard/accessible_day.py tests/dashboard/accessible.py

check:
	@$(call set_up,test)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports

# Versions move only here. The locks hold hashes and no addresses: whichever index a machine uses, it gets these files.
lock:
	@$(call set_up,app)
	echo uv | $(COMPILE) - --output-file uv.txt
	$(COMPILE) app.in --output-file app.lock
	$(COMPILE) --constraints app.lock test.in --output-file test.lock

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

# $(call set_up,app|test) brings the environment to the lock. `ready` remembers what was installed, for which folder and
# from which files, by content: a changed branch renews the environment, an unchanged one costs 20 ms. Where the tests'
# tools are installed, `make run` keeps them (test.lock holds all of app.lock, in the same versions).
# uv takes 3 seconds where pip takes 90, but reads no configuration of pip: where uv cannot reach an index, pip
# installs the very same lock.
define set_up
set -eu; kind=$(1); \
if grep -qs '^test ' $(VENV)/ready; then kind=test; fi; \
wanted="$$kind $$(cat Makefile pyproject.toml uv.txt app.lock $$kind.lock | cksum) $$PWD"; \
if [ "$$wanted" != "$$(cat $(VENV)/ready 2>/dev/null)" ] || [ ! -x $(PY) ]; then \
  python=; \
  for candidate in $(PYTHON) python3.14 python3.13 python3.12 python3.11; do \
    if $$candidate -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null; then python=$$candidate; break; fi; \
  done; \
  if [ -z "$$python" ]; then echo "Picture Desk needs Python 3.11 to 3.14 and found none. Name one: make PYTHON=/path/to/python3 $@"; exit 1; fi; \
  if ! $$python -c 'import ensurepip, venv' 2>/dev/null; then \
    echo "This Python cannot make environments. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; fi; \
  echo "Setting up Picture Desk in $(VENV) (once; half a minute, or two where uv cannot be used) ..."; \
  case "$$(cat $(VENV)/ready 2>/dev/null)" in ""|*" $$PWD") ;; *) rm -f $(VENV)/bin/python ;; esac; \
  $(PY) -c 'import pip' 2>/dev/null || $$python -m venv --clear $(VENV); \
  rm -f $(VENV)/ready; \
  if $(PY) -m pip install --quiet --upgrade --target $(VENV)/tools --require-hashes --only-binary :all: -r uv.txt \
    && $(UV) pip sync --python $(PY) --require-hashes --only-binary :all: $$kind.lock; then :; \
  else \
    echo "uv could not be used; pip installs the same lock ..."; \
    $(PY) -m pip install --quiet --require-hashes --only-binary :all: -r $$kind.lock; \
  fi; \
  $(PY) -m pip install --quiet --no-deps --no-build-isolation --editable .; \
  echo "$$wanted" > $(VENV)/ready; \
fi
endef
