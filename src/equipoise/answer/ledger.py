"""The book of every number that an answer shows, with its way back to the cells."""

from __future__ import annotations

from collections.abc import Iterable

from equipoise.core.errors import EquipoiseError
from equipoise.core.provenance import Cell, Quantity


class Ledger:
    """Collects quantities while an answer is made; ids are unique.

    The only mutable thing in `assess`; it does not outlive it.
    """

    def __init__(self) -> None:
        self._book: dict[str, Quantity] = {}

    def add(
        self,
        id: str,
        value: float,
        unit: str,
        label: str,
        formula: str,
        *,
        low: float | None = None,
        high: float | None = None,
        cells: Iterable[Cell] = (),
        inputs: Iterable[Quantity] = (),
    ) -> Quantity:
        """Enter a number; an input's cells are its own and need not be repeated."""
        if id in self._book:
            raise EquipoiseError(f"quantity {id!r} was entered twice")
        quantity = Quantity(
            id=id,
            value=float(value),
            unit=unit,
            label=label,
            formula=formula,
            low=None if low is None else float(low),
            high=None if high is None else float(high),
            cells=tuple(dict.fromkeys(cells)),
            inputs=tuple(q.id for q in inputs),
        )
        self._book[id] = quantity
        return quantity

    def book(self) -> dict[str, Quantity]:
        """All quantities in the order in which they were entered."""
        return dict(self._book)
