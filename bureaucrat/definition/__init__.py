"""From the text of a process definition to the table of activities that the core runs (language, sections 1 to 9).

Rules: this package alone knows XML, and lxml is imported nowhere else; :func:`read` is its only entrance; what it
gives is complete and checked, what it refuses it refuses with every problem at once (L121).
"""

from .limits import ReadLimits, limits_of
from .problems import InvalidDefinition, Problem, explain
from .reader import read

__all__ = ["InvalidDefinition", "Problem", "ReadLimits", "explain", "limits_of", "read"]
