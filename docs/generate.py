"""Writes the documents that are made from the code: states.md, and the table of settings in the README.

python -m docs.generate
"""

from pathlib import Path

from sais.settings import Settings
from sais_models.markings import MACHINES, StateMachine

ROOT = Path(__file__).resolve().parent.parent
STATES = ROOT / "docs" / "states.md"
README = ROOT / "README.md"
BEGIN, END = "<!-- settings: made by docs/generate.py -->\n", "<!-- end of settings -->"


def states() -> str:
    parts = ["# States\n\nMade from `sais_models/markings.py` by `make docs`; a test compares them.\n"]
    return "\n".join([*parts, *(chapter(machine) for machine in MACHINES)])


def chapter(machine: StateMachine) -> str:
    moves = "\n".join(f"    {move.source} --> {move.target}: {move.name}" for move in machine.moves)
    meanings = "\n".join(f"| `{marking}` | {meaning} |" for marking, meaning in machine.meanings.items())
    return f"""## {machine.subject}

```mermaid
stateDiagram-v2
    [*] --> {machine.initial}
{moves}
```

| marking | means |
|---|---|
{meanings}
"""


def settings_table() -> str:
    rows = ["| setting | default | what |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "" if field.default in (None, ()) else f"`{field.default}`"
        rows.append(f"| `SAIS_{name.upper()}` | {default} | {field.description} |")
    return "\n".join(rows) + "\n"


def with_settings(readme: str) -> str:
    """The README with its table of settings made anew."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{settings_table()}{END}{after}"


def main() -> None:
    STATES.write_text(states())
    README.write_text(with_settings(README.read_text()))


if __name__ == "__main__":
    main()
