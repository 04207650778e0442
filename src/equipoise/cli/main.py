"""The command line: one verb, one module of `equipoise.cli.verbs`, loaded when it is called.

Loading on call keeps ``equipoise --help`` fast; every module here is on the top floor, so no rule
of the floors is at stake.
"""

from __future__ import annotations

import gc
import importlib
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from equipoise.core.errors import EquipoiseError, is_misuse

app = typer.Typer(
    name="equipoise",
    help="Should I try X for Y? From the trials of a treatment to an answer.",
    epilog="Exit codes: 0 done, 1 problems found, 2 misuse.",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
On = Annotated[
    str,
    typer.Option(
        "--on",
        metavar="YYYY-MM-DD",
        help="The day for which the age of the search is counted. Default: today.",
    ),
]


def _verb(name: str) -> Any:
    # What is loaded stays to the end: there is no garbage in it to look for, then or later.
    gc.disable()
    try:
        return importlib.import_module(f"equipoise.cli.verbs.{name}")
    finally:
        gc.freeze()
        gc.enable()


@app.command()
def new(
    folder: Annotated[Path, typer.Argument(help="The folder to make. Its name is the slug.")],
    treatment: Annotated[str, typer.Option(help="The treatment, X.")] = "",
    condition: Annotated[str, typer.Option(help="The condition, Y.")] = "",
) -> None:
    """Make a review folder with commented templates."""
    raise typer.Exit(_verb("new").run(folder, treatment, condition))


@app.command()
def check(
    reviews: Annotated[list[str], typer.Argument(help="Folders, or slugs of shipped reviews.")],
    json: Json = False,
    on: On = "",
) -> None:
    """Report every problem of a review folder and its page, with file and line."""
    raise typer.Exit(_verb("check").run(reviews, json, on))


@app.command()
def answer(
    review: Annotated[str, typer.Argument(help="A folder, or the slug of a shipped review.")],
    json: Json = False,
    on: On = "",
) -> None:
    """Answer a review's question in the terminal."""
    raise typer.Exit(_verb("answer").run(review, json, on))


@app.command()
def build(
    reviews: Annotated[list[str], typer.Argument(help="Folders, or slugs of shipped reviews.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The folder to write the site to.")],
    base_url: Annotated[
        str, typer.Option("--base-url", help="Where the site will live; adds a site map.")
    ] = "",
    on: On = "",
    draft: Annotated[
        bool, typer.Option("--draft", help="Build although checks fail; every page says so.")
    ] = False,
    earlier: Annotated[
        str, typer.Option("--earlier", help="A site built before, whose versions are kept.")
    ] = "",
) -> None:
    """Write a static site: one page a review, an index, sources and data."""
    raise typer.Exit(_verb("build").run(reviews, out, base_url, on, draft, earlier))


@app.command()
def export(
    review: Annotated[str, typer.Argument(help="A folder, or the slug of a shipped review.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The folder to write to.")],
    kind: Annotated[
        list[str] | None,
        typer.Option(
            "--kind",
            help="json, schema, csv, package, jsonld, fhir, word, svg, png, pdf or all; can be "
            "repeated. Default: those that need no extra package.",
        ),
    ] = None,
    on: On = "",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that are there.")
    ] = False,
) -> None:
    """Write an answer as files for other programs: JSON, CSV, FHIR, Word and others."""
    raise typer.Exit(_verb("export").run(review, out, kind or [], on, overwrite))


@app.command()
def analyse(
    path: Annotated[Path, typer.Argument(help="A CSV file: a row a trial, or a row a group.")],
    measure: Annotated[
        str, typer.Option("-m", "--measure", help="RR, OR, MD, SMD, HR and others.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--out",
            help="A folder for the report and the plots; trials-report for trials.csv when not "
            "given, and none with --json.",
        ),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option("--column", metavar="WANTED=HEADING", help="Which column is which."),
    ] = None,
    preset: Annotated[
        str,
        typer.Option(help="Defaults by name: cochrane-2025, metafor, meta, revman5 and others."),
    ] = "",
    model: Annotated[str, typer.Option(help="random or common.")] = "",
    tau2: Annotated[str, typer.Option(help="REML, DL, PM, ML and others.")] = "",
    interval: Annotated[str, typer.Option(help="auto, Wald, HK, HK-guarded and others.")] = "",
    mods: Annotated[str, typer.Option(help="Moderators, such as '~ year'.")] = "",
    order: Annotated[
        str, typer.Option(help="The column to add trials by, one after another.")
    ] = "",
    reference: Annotated[str, typer.Option(help="What others are compared with.")] = "",
    better: Annotated[str, typer.Option(help="Which values are good: lower or higher.")] = "",
    level: Annotated[float, typer.Option(help="Level of the intervals.")] = 0.95,
    json: Json = False,
) -> None:
    """Analyse a table of trials: results, plots and a report."""
    raise typer.Exit(
        _verb("analyse").run(
            path,
            out,
            column or [],
            json,
            measure=measure,
            preset=preset,
            model=model,
            tau2=tau2,
            interval=interval,
            mods=mods,
            order=order,
            reference=reference,
            better=better,
            level=level,
        )
    )


def _version(wanted: bool) -> None:
    if wanted:
        metadata = importlib.import_module("importlib.metadata")
        typer.echo(f"equipoise {metadata.version('equipoise')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Should I try X for Y? From the trials of a treatment to an answer."""


def main() -> None:
    """Run the command line; an expected error is one line on stderr and exit code 1, misuse 2."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show "●" or "−" gets a "?" instead of a traceback.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        app()
    except EquipoiseError as error:
        typer.echo(f"equipoise: {error}", err=True)
        raise SystemExit(2 if is_misuse(error) else 1) from None
    except BrokenPipeError:
        # The reader, such as `head`, has gone; nothing is left to say to it.
        sys.stderr.close()
        raise SystemExit(0) from None
