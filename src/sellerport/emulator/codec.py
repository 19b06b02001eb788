"""Values of declared types, written as JSON that a person can read, and read back, with the place of what is wrong.

It takes dataclasses, structs, named tuples, collections and what `holdings` lists; how it writes them is in `state`.
What is read is made without running anything but the checks of its type.
"""

from __future__ import annotations

import dataclasses
import math
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from functools import cache, cached_property, partial
from typing import Any, Literal, NamedTuple, NoReturn, Union, get_args, get_origin, get_type_hints

import msgspec

from sellerport.emulator.holdings import CARRIED, KEYS, LATER, LEAVES, SHARED, WRAPPED
from sellerport.errors import CallerError, InvalidArguments, Problem


class Pass:
    """One writing or reading: where it is, and which shared things it met."""

    def __init__(self) -> None:
        self.path: list[str] = []
        self.places: dict[int, str] = {}
        self.things: dict[str, Any] = {}

    @property
    def place(self) -> str:
        """Where it is, such as ``accounts.ALOCALSELLERNA.marketplaces[0]``."""
        return "".join(self.path).removeprefix(".")

    def refuse(self, message: str) -> NoReturn:
        """Say what is wrong here.

        Raises:
            InvalidArguments: always.
        """
        raise InvalidArguments(problems=[Problem(self.place, message)])


class Codec(NamedTuple):
    """How values of one type are written, and read back."""

    write: Callable[[Any, Pass], Any]
    read: Callable[[Any, Pass], Any]


# --- types ------------------------------------------------------------------------------------------------------------


@cache
def codec(kind: Any) -> Codec:
    """Return how a type is written and read."""
    origin, given = get_origin(kind), get_args(kind)
    if kind in CARRIED:
        return _holder(kind)
    if kind in LEAVES:
        return _leaf(*LEAVES[kind])
    if kind in WRAPPED:
        return _wrapped(*WRAPPED[kind])
    if kind in PLAIN:
        return PLAIN[kind]
    if origin in (Union, types.UnionType):
        return _union([one for one in given if one is not types.NoneType], optional=types.NoneType in given)
    if origin is Literal:
        return _literal(given)
    if origin in (dict, Mapping):
        return _dict(*given)
    if origin in (set, frozenset):
        return _set(origin, given[0])
    if origin in (list, Sequence) or (origin is tuple and given[-1] is Ellipsis):
        return _list(tuple if origin is tuple else list, given[0])
    if origin is tuple:
        return _tuple([codec(one) for one in given])
    if origin is Callable:
        return _function()
    if isinstance(kind, type) and (named := _fields(kind)) is not None:
        return _record(kind, named)
    return ANY


def _plain(said: str, *kinds: type) -> Codec:
    def read(value: Any, to: Pass) -> Any:
        return value if type(value) in kinds else to.refuse(f"must be {said}")

    return Codec(lambda value, to: value, read)


def _write_number(value: float, to: Pass) -> float | str:
    return value if math.isfinite(value) else str(value)


def _read_number(value: Any, to: Pass) -> float:
    if type(value) in (int, float):
        number: float = value
        return number
    return float(value) if value in ("inf", "-inf") else to.refuse("must be a number")


def _leaf(said: str, write: Callable[[Any], str], read: Callable[[str], Any]) -> Codec:
    def from_text(value: Any, to: Pass) -> Any:
        if not isinstance(value, str):
            to.refuse(f"must be {said}")
        try:
            return read(value)
        except (ValueError, KeyError, ArithmeticError):
            to.refuse(f"must be {said}")

    return Codec(lambda value, to: write(value), from_text)


def _wrapped(kind: Any, wrap: Callable[[Any], Any]) -> Codec:
    body = codec(kind)
    return Codec(body.write, lambda value, to: wrap(body.read(value, to)))


def _literal(allowed: Sequence[Any]) -> Codec:
    def read(value: Any, to: Pass) -> Any:
        return value if value in allowed else to.refuse(f"must be one of: {', '.join(map(str, allowed))}")

    return Codec(lambda value, to: value, read)


def _union(members: Sequence[Any], *, optional: bool) -> Codec:
    one = codec(members[0]) if len(members) == 1 else ANY

    def read(value: Any, to: Pass) -> Any:
        if value is None and optional:
            return None
        found = one.read(value, to)
        if one is ANY and not isinstance(found, tuple(members)):
            to.refuse(f"must be one of: {', '.join(member.__name__ for member in members)}")
        return found

    return Codec(lambda value, to: None if value is None else one.write(value, to), read)


def _function() -> Codec:
    """Of what is called, only what has fields can be written (see `Stored`)."""

    def read(value: Any, to: Pass) -> Any:
        found = ANY.read(value, to)
        return found if callable(found) else to.refuse("must be what can be called")

    return Codec(lambda value, to: ANY.write(value, to), read)


def _keys(kind: Any) -> tuple[Callable[[Any], str], Callable[[str, Pass], Any]]:
    """Return how keys are written: the parts of a tuple with ``/`` between them (escaped as in RFC 6901)."""
    if kind is str:
        return str, lambda text, to: text
    named, parts = hasattr(kind, "_fields"), len(getattr(kind, "_fields", get_args(kind)))

    def write(key: tuple[str, ...]) -> str:
        return "/".join(part.replace("~", "~0").replace("/", "~1") for part in key)

    def read(text: str, to: Pass) -> Any:
        found = [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")]
        if len(found) != parts:
            to.refuse(f"must be named by {parts} parts with / between them")
        return kind(*found) if named else tuple(found)

    return write, read


def _step(key: str) -> str:
    return f'["{key}"]' if "." in key or "[" in key else f".{key}"


def _dict(key: Any, item: Any) -> Codec:
    (key_text, text_key), body, known = _keys(key), codec(item), KEYS.get(item)

    def write(value: Mapping[Any, Any], to: Pass) -> dict[str, Any]:
        made = {}
        to.path.append("")
        for one, inner in value.items():
            text = key_text(one)
            to.path[-1] = _step(text)
            made[text] = written = body.write(inner, to)
            if known and written.get(known) == text:
                del written[known]
        to.path.pop()
        return made

    def read(value: Any, to: Pass) -> dict[Any, Any]:
        if not isinstance(value, dict):
            to.refuse("must be an object")
        made = {}
        to.path.append("")
        for text, inner in value.items():
            to.path[-1] = _step(text)
            if known and isinstance(inner, dict) and "$ref" not in inner:
                inner = {known: text, **inner}
            one = text_key(text, to)
            made[one] = body.read(inner, to)
        to.path.pop()
        return made

    return Codec(write, read)


def _set(kind: Any, item: Any) -> Codec:
    write, read = _keys(item)
    texts = _list(list, str)
    return Codec(
        lambda value, to: sorted(map(write, value)),
        lambda value, to: kind(read(one, to) for one in texts.read(value, to)),
    )


def _list(kind: Any, item: Any) -> Codec:
    if item in KEYS:
        by_id, name = _dict(str, item), KEYS[item]
        return Codec(
            lambda value, to: by_id.write({getattr(one, name): one for one in value}, to),
            lambda value, to: kind(by_id.read(value, to).values()),
        )
    body = codec(item)

    def write(value: Sequence[Any], to: Pass) -> list[Any]:
        made = []
        to.path.append("")
        for place, inner in enumerate(value):
            to.path[-1] = f"[{place}]"
            made.append(body.write(inner, to))
        to.path.pop()
        return made

    def read(value: Any, to: Pass) -> Any:
        if not isinstance(value, list):
            to.refuse("must be a list")
        made = []
        to.path.append("")
        for place, inner in enumerate(value):
            to.path[-1] = f"[{place}]"
            made.append(body.read(inner, to))
        to.path.pop()
        return kind(made)

    return Codec(write, read)


def _tuple(items: Sequence[Codec]) -> Codec:
    def write(value: Sequence[Any], to: Pass) -> list[Any]:
        return [one.write(inner, to) for one, inner in zip(items, value, strict=True)]

    def read(value: Any, to: Pass) -> tuple[Any, ...]:
        if not isinstance(value, list) or len(value) != len(items):
            to.refuse(f"must be a list of {len(items)}")
        return tuple(one.read(inner, to) for one, inner in zip(items, value, strict=True))

    return Codec(write, read)


# --- classes ----------------------------------------------------------------------------------------------------------


class _Field(NamedTuple):
    name: str
    codec: Codec
    default: Callable[[], Any] | None = None
    made: Callable[[Any], Any] | None = None
    """Of a cached property: what it is where nobody gave it another value."""

    def usual(self, thing: Any) -> bool:
        """Whether a thing has what it has without anybody saying so."""
        if self.made is not None:
            held = vars(thing)
            return self.name not in held or held[self.name] == self.made(thing)
        if self.default is None:
            return False
        value, default = getattr(thing, self.name), self.default()
        return type(value) is type(default) and bool(value == default)

    def absent(self, to: Pass) -> Any:
        if self.default is None:
            to.refuse("is missing")
        return self.default()


def _fields(kind: type) -> dict[str, Callable[[], Any] | None] | None:
    """Return what makes the default of each of a class's fields, if it has one; None for a class without fields."""
    if dataclasses.is_dataclass(kind):
        return {one.name: _default(one, dataclasses.MISSING) for one in dataclasses.fields(kind)}
    if issubclass(kind, msgspec.Struct):
        return {one.name: _default(one, msgspec.NODEFAULT) for one in msgspec.structs.fields(kind)}
    if issubclass(kind, tuple) and hasattr(kind, "_field_defaults"):
        defaults = kind._field_defaults
        return {name: partial(_same, defaults[name]) if name in defaults else None for name in kind._fields}  # type: ignore[attr-defined]
    return None


def _default(field: Any, nothing: object) -> Callable[[], Any] | None:
    if field.default_factory is not nothing:
        made: Callable[[], Any] = field.default_factory
        return made
    return None if field.default is nothing else partial(_same, field.default)


def _same(value: Any) -> Any:
    return value


def _holder(kind: type) -> Codec:
    """Write and read what `CARRIED` says of a class; what is read is not made into one."""
    names = {name.removeprefix("_"): name for name in CARRIED[kind]}
    codecs = {shown: codec(CARRIED[kind][name]) for shown, name in names.items()}

    def write(value: Any, to: Pass) -> dict[str, Any]:
        made = {}
        to.path.append("")
        for shown, one in codecs.items():
            to.path[-1] = f".{shown}"
            made[shown] = one.write(getattr(value, names[shown]), to)
        to.path.pop()
        return made

    def read(value: Any, to: Pass) -> dict[str, Any]:
        _known(value, codecs, to)
        made = {}
        to.path.append("")
        for shown, one in codecs.items():
            if shown in value:
                to.path[-1] = f".{shown}"
                made[names[shown]] = one.read(value[shown], to)
        to.path.pop()
        return made

    return Codec(write, read)


def _known(value: Any, names: Mapping[str, Any], to: Pass) -> None:
    if not isinstance(value, dict):
        to.refuse("must be an object")
    for name in value:
        if name not in names:
            to.path.append(_step(name))
            to.refuse("is not known here")


def _record(kind: Any, defaults: Mapping[str, Any]) -> Codec:
    """Write and read a class with fields."""
    plain = dataclasses.is_dataclass(kind)
    shared = kind in SHARED or (plain and not kind.__dataclass_params__.frozen)

    @cache  # when it is first needed: classes name each other
    def fields() -> dict[str, _Field]:
        hints = get_type_hints(kind, localns=LATER)
        found = {name: _Field(name, codec(hints[name]), default) for name, default in defaults.items()}
        for name, one in vars(kind).items():
            if isinstance(one, cached_property) and not name.startswith("_"):
                hint = get_type_hints(one.func, localns=LATER)["return"]
                found[name] = _Field(name, codec(hint), made=one.func)
        return found

    def write(value: Any, to: Pass) -> dict[str, Any]:
        if shared:
            if (place := to.places.get(id(value))) is not None:
                return {"$ref": place}
            to.places[id(value)] = to.place
        made = {}
        to.path.append("")
        for name, field in fields().items():
            if not field.usual(value):
                to.path[-1] = f".{name}"
                made[name] = field.codec.write(getattr(value, name), to)
        to.path.pop()
        return made

    def read(value: Any, to: Pass) -> Any:
        if isinstance(value, dict) and "$ref" in value:
            return _referred(value, kind, to)
        _known(value, fields(), to)
        made = object.__new__(kind) if plain else None
        if shared and plain:
            to.things[to.place] = made  # before its fields, which may name it
        values = {}
        to.path.append("")
        for name, field in fields().items():
            to.path[-1] = f".{name}"
            if name in value:
                values[name] = field.codec.read(value[name], to)
            elif field.made is None:
                values[name] = field.absent(to)
        to.path.pop()
        if plain:
            for name, one in values.items():
                object.__setattr__(made, name, one)  # whether it is frozen or not
            return made
        try:
            made = kind(**values)
        except (ValueError, CallerError) as error:
            to.refuse(str(error))
        if shared:
            to.things[to.place] = made
        return made

    return Codec(write, read)


def _referred(value: Mapping[str, Any], kind: Any, to: Pass) -> Any:
    found = to.things.get(value["$ref"]) if isinstance(value["$ref"], str) else None
    if len(value) > 1 or not isinstance(found, kind):
        what = "anything" if kind is object else kind.__name__
        to.refuse(f"$ref must be the place of {what} that stands further up")
    return found


# --- anything ---------------------------------------------------------------------------------------------------------


def _write_any(value: Any, to: Pass) -> Any:
    """Write a value of whatever type: JSON as it is, and everything else as an object that says what it is."""
    kind: Any = type(value)
    if value is None or kind in (bool, int, str) or (kind is float and math.isfinite(value)):
        return value
    if kind is list:
        return LIST.write(value, to)
    if kind is dict and all(type(name) is str and not name.startswith("$") for name in value):
        return DICT.write(value, to)
    if kind is dict:
        return {"$type": "dict", "items": LIST.write([list(one) for one in value.items()], to)}
    if kind in (tuple, set, frozenset):
        return {"$type": kind.__name__, "items": LIST.write(list(value) if kind is tuple else sorted(value), to)}
    if (known := codec(kind)) is ANY:
        raise TypeError(f"{to.place}: a {kind.__name__} cannot be kept; only what has fields can")
    written = known.write(value, to)
    if kind in LEAVES or kind is float:
        return {"$type": kind.__name__, "value": written}
    return written if "$ref" in written else {"$type": _name(kind), **written}


def _read_any(value: Any, to: Pass) -> Any:
    if isinstance(value, list):
        return LIST.read(value, to)
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        return _referred(value, object, to)
    if "$type" not in value:
        return DICT.read(value, to)
    named, given = value["$type"], {name: one for name, one in value.items() if name != "$type"}
    if not isinstance(named, str):
        to.refuse("$type must be a text")
    if named in COLLECTIONS and given.keys() == {"items"}:
        items = LIST.read(given["items"], to)
        try:
            return COLLECTIONS[named](items)
        except (TypeError, ValueError):
            to.refuse(f"items must be those of a {named}")
    for leaf in (*LEAVES, float):
        if named == leaf.__name__ and given.keys() == {"value"}:
            return codec(leaf).read(given["value"], to)
    return codec(_class(named, to)).read(given, to)


def _name(kind: type) -> str:
    """Return what a class of the local Amazon is called: its module and its name."""
    return f"{kind.__module__.rpartition('.')[2]}.{kind.__name__}"


def _class(name: str, to: Pass) -> Any:
    """Find a class of the local Amazon that has fields; nothing else can be named."""
    module, _, last = name.partition(".")
    found = getattr(sys.modules.get(f"{__package__}.{module}"), last, None)
    if not isinstance(found, type) or _name(found) != name or _fields(found) is None:
        to.refuse("$type is not known here")
    return found


PLAIN: Mapping[Any, Codec] = {
    str: _plain("a text", str),
    int: _plain("a whole number", int),
    bool: _plain("true or false", bool),
    float: Codec(_write_number, _read_number),
}
COLLECTIONS: Mapping[str, Callable[[Any], Any]] = {"dict": dict, "tuple": tuple, "set": set, "frozenset": frozenset}
ANY = Codec(_write_any, _read_any)
LIST, DICT = codec(list[Any]), codec(dict[str, Any])
