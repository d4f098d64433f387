"""Expressions of the language (section 3): a subset of Python, checked and compiled when a definition is read."""

from .expression import FUNCTION_NAMES, Expression, InvalidExpression, compile_expression

__all__ = ["FUNCTION_NAMES", "Expression", "InvalidExpression", "compile_expression"]
