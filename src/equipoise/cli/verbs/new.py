"""``equipoise new``: a review folder with commented templates."""

from __future__ import annotations

from pathlib import Path

from equipoise.review.folder import new_folder


def run(folder: Path, treatment: str, condition: str) -> int:
    """Make the folder and say what comes next."""
    new_folder(folder, treatment=treatment, condition=condition)
    print(f"Made {folder}. Next: fill in review.toml, then the CSV files from the trials.")
    print(f"To see what is missing: equipoise check {folder}")
    return 0
