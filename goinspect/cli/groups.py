"""Groups of options, declared once: a command names the groups that it takes, and gets each as one value.

    class Selection(NamedTuple):
        event: Annotated[str | None, typer.Option("--event", help="…")] = None

    @grouped
    def flame(profile: Annotated[str, typer.Argument()], selection: Selection) -> None: ...

typer sees a function with all options of the groups, in their order.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["grouped"]


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """`command` with the fields of its parameters' groups in place of these parameters."""
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, tuple[Any, tuple[str, ...]]] = {}
    parameters: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(command).parameters.items():
        fields: tuple[str, ...] = getattr(hints[name], "_fields", ())
        if not fields:
            parameters.append(parameter.replace(annotation=hints[name]))
            continue
        group, of_fields = hints[name], get_type_hints(hints[name], include_extras=True)
        groups[name] = group, fields
        parameters += [
            inspect.Parameter(
                field, inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=of_fields[field],
                default=group._field_defaults[field],
            )
            for field in fields
        ]  # fmt: skip

    def run(**values: Any) -> None:
        given = {
            name: group(**{field: values.pop(field) for field in fields})
            for name, (group, fields) in groups.items()
        }
        command(**values, **given)

    run.__name__, run.__doc__, run.__module__ = command.__name__, command.__doc__, command.__module__
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what inspect documents
    return run
