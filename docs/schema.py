"""Write ``docs/schema/answer.schema.json`` afresh from the records: ``python docs/schema.py``."""

from __future__ import annotations

from pathlib import Path

from equipoise.present.exports.schema import schema_text

if __name__ == "__main__":
    target = Path(__file__).parent / "schema" / "answer.schema.json"
    target.write_text(schema_text(), encoding="utf-8")
