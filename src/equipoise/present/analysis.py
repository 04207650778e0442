"""One table of trials in, results, plots and a report out: for those who write no Python."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from equipoise.core.arguments import typed
from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.core.order import natural
from equipoise.core.result import Method, Note
from equipoise.core.table import counted
from equipoise.effects.arms import arms
from equipoise.effects.blocks import Contrasts
from equipoise.effects.contrasts import effect_sizes
from equipoise.effects.inputs import INPUTS
from equipoise.effects.measures import MEASURES, measure_of
from equipoise.effects.reported import contrasts, published
from equipoise.models.network.fit import NetworkFit, network
from equipoise.models.network.regression import network_regress
from equipoise.models.pairwise import PairwiseFit, pairwise
from equipoise.present.drawing import resolved
from equipoise.present.pages import render, stylesheet, write_folder
from equipoise.present.parts import (
    Part,
    methods_of,
    network_parts,
    order_of,
    pairwise_parts,
    rare_parts,
    report_part,
)
from equipoise.review.sheet import MOST_ARMS, Sheet, bare, read_sheet

#: The settings of one comparison where nobody asks for others.
_PRESET = "cochrane-2025"

#: What programs write where a cell has nothing.
_GAPS = {"na", "nan", "n/a", "none", "null"}

#: Estimates as printed need one of these beside them.
_SPREADS = (("sei",), ("ci_low", "ci_high"), ("p_value",))


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Analysis:
    """A whole analysis of one table.

    Attributes
    ----------
    title
        What was analysed.
    es
        The effects of the trials.
    fit
        The synthesis: of one comparison, or of a network.
    parts
        The report, part by part.
    notes, methods
        What to know; the papers.
    columns
        Which column of the file was taken for what.
    """

    title: str
    es: Contrasts
    fit: PairwiseFit | NetworkFit
    parts: tuple[Part, ...]
    notes: tuple[Note, ...]
    methods: tuple[Method, ...]
    columns: dict[str, str]

    def summary(self) -> str:
        """The synthesis as it is printed in a terminal."""
        return self.fit.summary()

    def to_dict(self) -> dict[str, Any]:
        """Numbers uncut: the synthesis, the trials and the columns that were used."""
        return {
            "title": self.title,
            "columns": dict(self.columns),
            "fit": self.fit.to_dict(),
            "trials": self.es.to_dict(),
        }

    def files(self) -> dict[str, bytes]:
        """The report as files: ``index.html``, its style, figures, trials and numbers."""
        style, css = stylesheet()
        page = render("analysis.html", style=style, home="", a=self)
        text = json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False, indent=1)
        files = {
            "index.html": page,
            style: css,
            "result.json": (text + "\n").encode("utf-8"),
            "effects.csv": _effects_csv(self.es).encode("utf-8"),
        }
        for part in self.parts:
            if part.figure is not None:
                files[f"{part.id}.svg"] = (resolved(part.figure.svg) + "\n").encode("utf-8")
        return files

    def save(self, directory: str | Path) -> Path:
        """Write the report into a folder of its own, all of it or nothing; return its page.

        Raises
        ------
        InputError
            When the folder holds something that this program did not write.
        """
        return write_folder(self.files(), directory) / "index.html"

    def __repr__(self) -> str:
        return f"<Analysis of {self.title}: {self.fit!r}>"

    def __str__(self) -> str:
        return self.summary()


@typed
def analyse(
    path: str | Path,
    *,
    measure: str,
    columns: Mapping[str, str] | None = None,
    preset: str = _PRESET,
    model: str | None = None,
    tau2: str | None = None,
    interval: str | None = None,
    mods: str = "",
    order: str = "",
    reference: str | None = None,
    better: str | None = None,
    level: float = 0.95,
) -> Analysis:
    """Analyse a CSV file of trials.

    Parameters
    ----------
    path
        A table with one row a trial (``study``, then the columns that the measure needs, or an
        estimate with its spread: ``yi``, or headed with the measure itself), or one row an arm
        (``study``, ``treat``, ``events`` or ``mean`` and ``sd``, ``n``, or ``events`` and
        ``time``), or one row a trial with the arms of a network side by side (``treat1``,
        ``events1``, ``n1``, ``treat2``, … ``treat3``; blank where a trial has fewer). Separated by
        commas, semicolons or tabs.
    measure
        Code of the measure, such as ``RR``.
    columns
        Wanted column to heading, where the headings are none of the usual.
    preset, model, tau2, interval, level
        As for :func:`equipoise.pairwise`; a network takes model, tau2, interval and level.
    mods
        A formula of moderators, such as ``~ year``, for a meta-regression; one column for a
        network.
    order
        A column by which trials are added in the cumulative synthesis; the year where there is one.
    reference
        The treatment that others are compared with.
    better
        ``lower`` or ``higher``: which values are good; needed for ranks and for the words at the
        ends of the axis.
    level
        Level of all intervals.

    Returns
    -------
    Analysis

    Raises
    ------
    InputError, FolderError, UnknownNameError, NotEstimableError
        With file, line, column, likely cause and what to try.
    """
    sheet = read_sheet(path)
    code = measure_of(measure).code
    es, used = _effects(sheet, code, dict(columns or {}), reference)
    if not len(es):
        why = "; ".join(f"{row.study}: {row.why}" for row in es.left_out[:3])
        raise NotEstimableError(
            "no trial gives a comparison", where=why, hint="trials with two groups"
        )
    _check_compared(es, used)
    title = f"{Path(path).name}, {measure_of(code).name}"
    treats = {t for pair in zip(es.treat1, es.treat2, strict=True) for t in pair if t}
    if reference is not None:
        _check_reference(es, reference, treats)
    if len(treats) > 2:
        _only_for_pairs(preset, order)
        found = _network(title, es, used, reference, model, tau2, interval, better, level)
        if not mods:
            return found
        assert isinstance(found.fit, NetworkFit)
        more = _network_regression(found.fit, sheet, used, mods)
        return dataclasses.replace(found, parts=(*found.parts, more))
    settings: dict[str, Any] = {"preset": preset, "level": level}
    given = {"model": model, "tau2": tau2, "interval": interval}
    settings |= {name: value for name, value in given.items() if value is not None}
    fit = pairwise(es, **settings)
    parts = pairwise_parts(es, fit, sheet, better=better, order=order, mods=mods, settings=settings)
    if any(part.id == "cumulative" and part.figure for part in parts):
        used["order"] = order_of(sheet, order)
    return Analysis(title, es, fit, tuple(parts), tuple(fit.notes), methods_of(parts), used)


def _check_reference(es: Contrasts, reference: str, treats: Collection[str]) -> None:
    """Refuse a reference that the file does not have, or that one comparison does not go by."""
    if not treats:
        hint = "columns treat1 and treat2, or no reference"
        raise InputError(f"the reference {reference!r} where no treatment is named", hint=hint)
    if reference not in treats:
        raise UnknownNameError("reference", reference, sorted(treats, key=natural))
    if len(treats) == 2 and reference not in es.treat2:
        other = next(t for t in es.treat2 if t)
        raise InputError(
            f"the reference {reference!r}, where the file gives {reference} against {other}",
            where="reference",
            hint=f"{other!r}, or the other group as treat2 in the file",
        )


def _only_for_pairs(preset: str, order: str) -> None:
    """Refuse what a network would pass over in silence."""
    if preset != _PRESET:
        what, hint = f"the preset {preset!r} for a network", "model, tau2 and interval"
        raise InputError(what, where="preset", hint=hint)
    if order:
        what = f"a network added up in the order of {order!r}"
        raise InputError(what, where="order", hint="a file of one comparison, or no order")


def _check_compared(es: Contrasts, used: Mapping[str, str]) -> None:
    """Refuse rows that do not say what was compared, and treatments that name a part twice."""
    for study, *names in zip(es.study, es.treat1, es.treat2, strict=True):
        for column, name in zip(("treat1", "treat2"), names, strict=True):
            where = f"study {study}, column {used.get(column, used.get('treat', column))}"
            if not name.strip() and column in used:
                raise InputError("a blank treatment", where=where, hint="what was compared")
            parts = [part.strip() for part in name.split("+")]
            twice = next((part for part in parts if part and parts.count(part) > 1), None)
            if twice is not None:
                raise InputError(
                    f"the treatment {name!r} names {twice!r} twice",
                    where=where,
                    hint="each component once, joined by +",
                )


# --- reading ------------------------------------------------------------------------------------


def _effects(
    sheet: Sheet, measure: str, named: dict[str, str], reference: str | None
) -> tuple[Contrasts, dict[str, str]]:
    """The effects of the trials, and which columns they came from."""
    m = measure_of(measure)
    unknown = [name for name in named if name not in _known(measure)]
    if unknown:
        raise InputError(
            f"no column {unknown[0]!r} is wanted", where="--column", hint=", ".join(_known(measure))
        )
    wide = _side_by_side(sheet, measure, named, reference)
    if wide is not None:
        return wide
    about = sheet.find(("study", "treat1", "treat2"), named)
    labels: dict[str, Any] = {name: list(sheet.cells[head]) for name, head in about.items()}
    if m.data != "any":
        wanted = INPUTS[m.data].columns
        found = sheet.find(wanted, named)
        if len(found) == len(wanted):
            values = sheet.numbers(list(found.values()))
            data: dict[str, Any] = {name: values[head] for name, head in found.items()}
            return effect_sizes(measure, **data, **labels), about | found
        by_arm = _by_arm(sheet, measure, named, reference)
        if by_arm is not None:
            return by_arm
    return _as_printed(sheet, measure, named, about, labels)


def _known(measure: str) -> tuple[str, ...]:
    data = measure_of(measure).data
    own = INPUTS[data].columns if data != "any" else ()
    arm = ("treat", "events", "n", "mean", "sd", "time")
    further = tuple(f"{name}{j}" for j in range(3, MOST_ARMS + 1) for name in arm)
    spread = ("yi", "vi", "sei", "ci_low", "ci_high", "p_value", "n1", "n2")
    return tuple(dict.fromkeys(("study", "treat1", "treat2", *own, *arm, *spread, *further)))


def _by_arm(
    sheet: Sheet, measure: str, named: dict[str, str], reference: str | None
) -> tuple[Contrasts, dict[str, str]] | None:
    """One row an arm, where the file has that form."""
    found = sheet.find(("study", "treat", "n", "events", "mean", "sd", "time"), named)
    if "treat" not in found or "study" not in found:
        return None
    needed = _OF_AN_ARM.get(measure_of(measure).data)
    if needed is None or not all(name in found for name in needed):
        return None
    values = sheet.numbers([found[name] for name in needed])
    data = {name: values[found[name]] for name in needed}
    study, treat = (list(sheet.cells[found[name]]) for name in ("study", "treat"))
    held = arms(study=study, treat=treat, **data)
    es = held.contrasts(measure, reference=reference)
    return es, {name: found[name] for name in ("study", "treat", *needed)}


#: What an arm needs, by the kind of data of the measure.
_OF_AN_ARM = {
    "binary": ("events", "n"),
    "continuous": ("mean", "sd", "n"),
    "spreads": ("mean", "sd", "n"),
    "rates": ("events", "time"),
}


def _side_by_side(
    sheet: Sheet, measure: str, named: dict[str, str], reference: str | None
) -> tuple[Contrasts, dict[str, str]] | None:
    """One row a trial with three arms or more side by side, where the file has that form."""
    treats = sheet.find([f"treat{j}" for j in range(1, MOST_ARMS + 1)], named)
    count = next(j for j in range(1, MOST_ARMS + 2) if f"treat{j}" not in treats) - 1
    if count < 3:
        return None
    needed = _OF_AN_ARM.get(measure_of(measure).data, ())
    found = sheet.find(
        ("study", *(f"{name}{j}" for j in range(1, count + 1) for name in ("treat", *needed))),
        named,
    )
    missing = [
        f"{name}{j}" for j in range(1, count + 1) for name in needed if f"{name}{j}" not in found
    ]
    if missing or not needed:
        raise InputError(
            f"{counted(count, 'arm')} side by side without "
            f"{', '.join(missing) or 'results of arms'}",
            where=sheet.path,
            hint=f"{measure} takes {', '.join(needed) or 'one row a comparison'} of each arm; "
            "name columns with --column",
        )
    lists: dict[str, Any] = {
        "treat": [list(sheet.cells[treats[f"treat{j}"]]) for j in range(1, count + 1)]
    }
    for name in needed:
        headings = [found[f"{name}{j}"] for j in range(1, count + 1)]
        values = sheet.numbers(headings)
        lists[name] = [values[heading] for heading in headings]
    study = list(sheet.cells[found["study"]]) if "study" in found else _numbered(len(sheet))
    held = arms(study=study, **lists)
    return held.contrasts(measure, reference=reference), found


def _numbered(count: int) -> list[str]:
    return [str(i) for i in range(1, count + 1)]


def _as_printed(
    sheet: Sheet,
    measure: str,
    named: dict[str, str],
    about: dict[str, str],
    labels: dict[str, Any],
) -> tuple[Contrasts, dict[str, str]]:
    """Estimates with a spread."""
    names = ("yi", "vi", "sei", "ci_low", "ci_high", "p_value", "n1", "n2")
    found = sheet.find(names, named)
    spread = next((s for s in (("vi",), *_SPREADS) if all(x in found for x in s)), None)
    if spread is not None and "yi" not in found:
        found |= _own_heading(sheet, measure, spread)
    if "yi" not in found or spread is None:
        raise _nothing_fits(sheet, measure)
    people = [name for name in ("n1", "n2") if name in found]
    used = ("yi", *spread, *people)
    values = sheet.numbers([found[name] for name in used])
    data: dict[str, Any] = {name: values[found[name]] for name in used} | labels
    if spread in (("vi",), ("sei",)):
        # On the scale of analysis, as these columns are in every program that writes them.
        es = contrasts(measure=measure, **data)
    else:
        es = published(measure, estimate=data.pop("yi"), **data)
    return es, about | {name: found[name] for name in used}


def _own_heading(sheet: Sheet, measure: str, spread: tuple[str, ...]) -> dict[str, str]:
    """The column that is headed with the measure itself: ``hr``, ``log HR``, ``hazard ratio``.

    A variance or standard error belongs to the logarithm of a ratio, an interval as printed to
    the ratio.
    """
    m = measure_of(measure)
    own = {bare(m.code), bare(m.name)}
    logs = {f"{log}{name}" for log in ("log", "ln") for name in own} if m.scale == "log" else set()
    analysed = spread in (("vi",), ("sei",))
    wanted = logs if analysed and logs else own
    hits = [name for name in sheet.names if bare(name) in wanted]
    plain = [name for name in sheet.names if bare(name) in own]
    if plain and not hits:
        raise InputError(
            f"{plain[0]} beside a {'variance' if spread == ('vi',) else 'standard error'}",
            where=sheet.path,
            hint=f"log{m.code.lower()} or yi for logarithms; ci_low and ci_high for ratios",
        )
    return {"yi": hits[0]} if len(hits) == 1 else {}


def _nothing_fits(sheet: Sheet, measure: str) -> InputError:
    data = measure_of(measure).data
    wanted = INPUTS[data].columns if data != "any" else ()
    own = f"{', '.join(wanted)}; or " if wanted else ""
    fitting = [
        m.code
        for m in MEASURES.values()
        if m.data != "any"
        and len(sheet.find(INPUTS[m.data].columns, {})) == len(INPUTS[m.data].columns)
    ]
    hint = f"{own}yi with vi, sei, ci_low and ci_high, or p_value; name them with --column"
    if fitting:
        hint += f". These columns fit {', '.join(fitting[:6])}"
    return InputError(
        f"the columns {', '.join(sheet.names)} do not make {measure}", where=sheet.path, hint=hint
    )


def _network_regression(fit: NetworkFit, sheet: Sheet, used: Mapping[str, str], mods: str) -> Part:
    """How the effects of a network change with one column."""
    name = mods.strip().removeprefix("~").strip()
    if name not in sheet.cells:
        raise InputError(
            f"a network with the moderators {mods!r}",
            where="--mods",
            hint=f"one column, as '~ year': {', '.join(sheet.names)}",
        )
    if "study" not in used:
        raise InputError("a moderator of trials without names", hint="a column study")
    data = {"study": list(sheet.cells[used["study"]]), name: sheet.values(name)}
    found = network_regress(fit, name, data=data, study="study")
    title = f"Do effects change with {name}?"
    return Part("regression", title, tuple(found.summary().splitlines()))


def _network(
    title: str,
    es: Contrasts,
    used: dict[str, str],
    reference: str | None,
    model: str | None,
    tau2: str | None,
    interval: str | None,
    better: str | None,
    level: float,
) -> Analysis:
    given = {"tau2": tau2, "interval": interval}
    settings: dict[str, Any] = {k: v for k, v in given.items() if v is not None}
    es = dataclasses.replace(es, notes=(*es.notes, *_gaps(es)))
    fit: NetworkFit = network(es, reference=reference, model=model, level=level, **settings)
    parts = [*network_parts(fit, better), *rare_parts(es, fit.reference, level), report_part(fit)]
    return Analysis(title, es, fit, tuple(parts), fit.notes, methods_of(parts), used)


def _gaps(es: Contrasts) -> Iterator[Note]:
    """What to know of treatments that are called as programs write a gap."""
    rows = zip(es.study, zip(es.treat1, es.treat2, strict=True), strict=True)
    found = {t: study for study, pair in rows for t in pair if t.casefold() in _GAPS}
    if found:
        listed = ", ".join(f"{t!r} (study {study})" for t, study in found.items())
        text = f"Programs write gaps like this, but it counts as a treatment of its own: {listed}."
        yield Note("treatment-like-a-gap", text)


def _effects_csv(es: Contrasts) -> str:
    """Every trial's effect, uncut, as a CSV file."""
    out = io.StringIO(newline="")
    write = csv.writer(out, lineterminator="\n")
    raw = list(es.raw)
    write.writerow(["study", "treat1", "treat2", "yi", "vi", "sei", *raw])
    columns = [es.yi, es.vi, es.sei, *(es.raw[name] for name in raw)]
    for i, names in enumerate(zip(es.study, es.treat1, es.treat2, strict=True)):
        write.writerow([*names, *(_cell(float(c[i])) for c in columns)])
    return out.getvalue()


def _cell(value: float) -> str:
    return "" if math.isnan(value) else repr(value)
