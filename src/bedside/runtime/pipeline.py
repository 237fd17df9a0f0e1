"""From a raw row to an answer: gate, preprocess, network, postprocess, and explanation if asked.

One path for every input, used by a loaded package and by freezing before a package exists.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from bedside.canonical import Json
from bedside.errors import UsageError
from bedside.package.antspynet import AntspynetModel
from bedside.package.explanation import Explanation
from bedside.package.fields import TabularInput
from bedside.package.images import ImageInput
from bedside.package.manifest import Conditions
from bedside.package.networks import RowModel
from bedside.package.outputs import Output
from bedside.package.preprocessing import AnyOperation
from bedside.runtime.engines.engine import ONNX_ONLY, Engines
from bedside.runtime.patience import GoingOn, always
from bedside.runtime.postprocess import Answer, output_width
from bedside.runtime.session import Session
from bedside.runtime.tabular_path import PlainAnswers, TabularPath

if TYPE_CHECKING:
    from bedside.runtime.engines.antspynet.films import FilmLibrary

AnyInput: TypeAlias = TabularInput | ImageInput


@dataclass(frozen=True, slots=True)
class Parts:
    """What decides an answer, as a manifest says it.

    Attributes:
        declared: The input domain.
        operations: The preprocessing.
        network: The ONNX graph's bytes; empty where a library stands in its place.
        model: What the manifest says of the graph, or of the library.
        conditions: How the runtime must run it.
        output: What the scores mean.
        explanation: How an answer is explained; None where it is not.
        engines: What this machine has beside ONNX Runtime.
    """

    declared: AnyInput
    operations: tuple[AnyOperation, ...]
    network: bytes
    model: RowModel | AntspynetModel
    conditions: Conditions
    output: Output
    explanation: Explanation | None = None
    engines: Engines = ONNX_ONLY


class Path(Protocol):
    """From raw rows of one kind of input to answers."""

    def answer(self, rows: Sequence[Json], going_on: GoingOn) -> tuple[Answer, ...]:
        """Return one answer for each row."""

    def explained(self, rows: Sequence[Json], going_on: GoingOn) -> tuple[Answer, ...]:
        """Return the same answers, each with its explanation."""


class Pipeline:
    """The parts of a frozen model, compiled. Safe to use from several threads."""

    __slots__ = ("_close", "_explains", "_path")

    def __init__(self, parts: Parts) -> None:
        """Compile `parts`.

        Raises:
            PackageDamaged: they do not fit together, or the network does not load.
        """
        session, self._close = _scorer(parts)
        operations, output, explanation = parts.operations, parts.output, parts.explanation
        self._explains = explanation is not None
        self._path: Path
        match parts.declared:
            case TabularInput() as declared:
                assert isinstance(session, Session)  # noqa: S101 - no library reads tables
                self._path = TabularPath(declared, operations, session, output, explanation)
            case ImageInput() as declared:
                from bedside.runtime.image_path import ImagePath  # noqa: PLC0415 - brings Pillow

                self._path = ImagePath(declared, operations, session, output, explanation)

    def answer(
        self, rows: Sequence[Json], *, explain: bool = False, going_on: GoingOn = always
    ) -> tuple[Answer, ...]:
        """Return one answer for each row, in their order.

        Raises:
            InputRefused: the gate refused the input, with every reason; nothing was computed.
            UsageError: no row at all, or an explanation that the model does not declare.
            LimitExceeded: more pictures than are read at once.
            PackageRefused: the model gives no usable number for a row that its domain allows.
        """
        if not explain:
            return self._path.answer(rows, going_on)
        if not self._explains:
            raise UsageError(
                "This model declares no explanation.",
                advice="Ask for the answer alone, or freeze the model with an [explanation].",
            )
        return self._path.explained(rows, going_on)

    def close(self) -> None:
        """End what runs beside this process; it answers no more."""
        self._close()

    def plain(self, rows: Sequence[Json], *, together: bool) -> PlainAnswers:
        """Return the places of the plain rows among `rows`, and their answers; none of a picture.

        Raises:
            PackageRefused: the model gives no usable number for one of them.
        """
        if not isinstance(self._path, TabularPath):
            return [], ()
        return self._path.plain(rows, together=together)


def _scorer(parts: Parts) -> tuple[Session | FilmLibrary, Callable[[], None]]:
    """Return what computes the scores, and what ends it.

    Raises:
        PackageDamaged: it is not what the manifest declares, or does not load.
        ConditionsNotMet: a file of the library is missing here.
    """
    width = output_width(parts.output)
    if not isinstance(parts.model, AntspynetModel):
        return Session(parts.network, parts.model, parts.conditions, width), _nothing
    from bedside.runtime.engines.antspynet.films import FilmLibrary  # noqa: PLC0415 - rarely needed

    library = FilmLibrary(parts.model, parts.engines, parts.output, parts.conditions.threads)
    return library, library.close


def _nothing() -> None:
    """There is nothing to end."""
