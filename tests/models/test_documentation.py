"""docs/networks.md: its table is what `describe` counts."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_table_is_current():
    spec = importlib.util.spec_from_file_location("table", ROOT / "scripts/networks_table.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    text = (ROOT / "docs/networks.md").read_text(encoding="utf-8")
    assert script.table() in text, "run python scripts/networks_table.py"
    assert script.LIST.read_text(encoding="utf-8") == script.listed()
