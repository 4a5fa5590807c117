"""Rules that choose files by their scores: "abs(offset_ms) <= 40 and p_value > 0.05".

The language of rules is a small part of Python's expressions, read by its parser and evaluated
here: names of values, numbers, texts, truth values, comparisons, arithmetic, `and`, `or`, `not`,
`in` a tuple, and the functions abs, min and max. Nothing else can be said, so a rule from a script
or a config runs no code.
"""

import ast
import operator
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from avsync import lookup

# Rules that have a name. Offsets in ms, positive where the sound is late.
NAMED = {
    # As the verdict says: neither a mismatch nor out of sync.
    "consistent": 'verdict == "consistent"',
    # Within one frame of 25 per second.
    "in_sync": "offset_is_certain and abs(offset_ms) <= 40",
    # EBU R37: sound at most 40 ms early and 60 ms late. ITU-R BT.1359: what viewers notice begins
    # at 45 ms early and 125 ms late.
    "ebu": "offset_is_certain and -40 <= offset_ms <= 60",
    "itu": "offset_is_certain and -45 <= offset_ms <= 125",
    # What LatentSync trains on, of the files that it does not shift first.
    "lse": "lse_c >= 3 and abs(lse_offset_frames) <= 6",
}

Values = Mapping[str, Any]
Term = Callable[[Values], Any]

FUNCTIONS: dict[str, Callable[..., Any]] = {"abs": abs, "min": min, "max": max}
ARITHMETIC: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
COMPARISONS: dict[type, Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda one, many: one in many,
    ast.NotIn: lambda one, many: one not in many,
}

MAX_CHARACTERS = 2000


class _Lacking(Exception):
    """A file has no value of this name."""


class Rule:
    """A rule, checked against the names that values have.

    Attributes:
      text: as it was given; of a rule with a name, what that means.
      lacking: how many files lacked a value that decides, by its name. The rule is false for them.
    """

    def __init__(self, text: str, *, known: Values):
        """`known` has an example of every value, a text or a number.

        ValueError says what is wrong: the syntax, an unknown name and the known ones, an operator
        that rules do not have, or a text where a number must be.
        """
        self.text = NAMED.get(text.strip(), text.strip())
        self.lacking: Counter[str] = Counter()
        self._known = known
        if len(self.text) > MAX_CHARACTERS:
            raise self._error(f"it has more than {MAX_CHARACTERS} characters")
        try:
            tree = ast.parse(self.text, mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            reason = error.msg if isinstance(error, SyntaxError) else error
            raise self._error(f"it is not an expression ({reason})") from error
        try:
            self._holds = self._term(tree.body)
            answer = self._example(self._holds, undefined=True)
        except RecursionError as error:
            raise self._error("it is nested too deeply") from error
        if not isinstance(answer, bool):
            raise self._error("it is neither true nor false: compare a value, as in score < 3")

    def holds(self, values: Values) -> bool:
        """True if the rule holds for a file with these values.

        False if it needs one that is missing or None, and if it divides by zero.
        """
        try:
            return self._holds(values)
        except _Lacking as error:
            self.lacking[str(error)] += 1
        except ZeroDivisionError:
            self.lacking["a divisor that is not 0"] += 1
        return False

    def _error(self, reason: str) -> ValueError:
        named = ", ".join(NAMED)
        return ValueError(
            f"--where={self.text!r}: {reason}. Rules look like 'abs(offset_ms) <= 40 and p_value > "
            f"0.05', or have a name: {named}"
        )

    def _term(self, node: ast.expr) -> Term:
        """The function that evaluates the expression `node`."""
        match node:
            case ast.Constant(value=bool() | str() as constant):
                return lambda _: constant
            case ast.Constant(value=int() | float() as constant):
                return self._literal(constant)
            case ast.Name(id=name):
                return self._value(name)
            case ast.BoolOp(op=ast.And(), values=parts):
                terms = [self._truth(part) for part in parts]
                return lambda values: all(term(values) for term in terms)
            case ast.BoolOp(op=ast.Or(), values=parts):
                terms = [self._truth(part) for part in parts]
                return lambda values: any(term(values) for term in terms)
            case ast.UnaryOp(op=ast.Not(), operand=part):
                truth = self._truth(part)
                return lambda values: not truth(values)
            case ast.UnaryOp(op=ast.USub(), operand=part):
                number = self._number(part)
                return lambda values: -number(values)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in ARITHMETIC:
                one, other = self._number(left), self._number(right)
                apply = ARITHMETIC[type(op)]
                return lambda values: apply(one(values), other(values))
            case ast.Call(func=ast.Name(id=name), args=[_, *_] as args, keywords=[]) if (
                name in FUNCTIONS and (name == "abs") == (len(args) == 1)
            ):
                function, terms = FUNCTIONS[name], [self._number(arg) for arg in args]
                return lambda values: function(*(term(values) for term in terms))
            case ast.Compare(left=left, ops=ops, comparators=others):
                return self._comparison([left, *others], ops)
        raise self._error(f"{ast.unparse(node)!r} is not allowed in a rule")

    def _literal(self, constant: int | float) -> Term:
        # As floats, numbers overflow to infinity; Python's integers would raise errors, or grow.
        try:
            number = float(constant)
        except OverflowError as error:
            raise self._error("it has a number beyond 1.8e308") from error
        return lambda _: number

    def _value(self, name: str) -> Term:
        if name not in self._known:
            raise self._error(lookup.unknown("value", name, sorted(self._known)).rstrip("."))

        def value(values: Values) -> Any:
            found = values.get(name)
            if found is None:
                raise _Lacking(name)
            return found

        return value

    def _comparison(self, nodes: Sequence[ast.expr], ops: Sequence[ast.cmpop]) -> Term:
        """The comparison of each of `nodes` with the next one."""
        compare = [COMPARISONS.get(type(op)) for op in ops]
        terms: list[Term] = []
        kinds: list[bool | None] = []  # whether each is a text; None for a tuple
        for index, node in enumerate(nodes):
            is_choice = index > 0 and isinstance(ops[index - 1], ast.In | ast.NotIn)
            if is_choice and isinstance(node, ast.Tuple | ast.List):
                choices = [self._term(choice) for choice in node.elts]
                terms.append(lambda values, choices=choices: [term(values) for term in choices])
                kinds.append(None)
            elif is_choice:
                raise self._error(f"{ast.unparse(node)!r} is no tuple of choices, as in (1, 2)")
            else:
                terms.append(self._term(node))
                kinds.append(isinstance(self._example(terms[-1]), str))
        if None in compare:
            raise self._error("is and is not are not allowed in a rule; use == and !=")
        if len({kind for kind in kinds if kind is not None}) > 1:
            raise self._error("it compares a text with a number")

        def holds(values: Values) -> bool:
            one = terms[0](values)
            for operation, term in zip(compare, terms[1:], strict=True):
                other = term(values)
                assert operation is not None
                if not operation(one, other):
                    return False
                one = other
            return True

        return holds

    def _example(self, term: Term, *, undefined: Any = 1.0) -> Any:
        """What `term` is for the examples; `undefined` where it divides by zero."""
        try:
            return term(self._known)
        except ZeroDivisionError:
            return undefined

    def _number(self, node: ast.expr) -> Term:
        return self._checked(node, is_fine=lambda x: not isinstance(x, str), what="a number")

    def _truth(self, node: ast.expr) -> Term:
        what = "true or false: compare it, as in score < 3"
        return self._checked(node, is_fine=lambda x: isinstance(x, bool), what=what)

    def _checked(self, node: ast.expr, *, is_fine: Callable[[Any], bool], what: str) -> Term:
        term = self._term(node)
        if not is_fine(self._example(term)):
            raise self._error(f"{ast.unparse(node)!r} is not {what}")
        return term
