"""Statements -> lines of 100 columns."""

from dataclasses import replace

from cnngen.python import printer
from cnngen.python.nodes import Class, Statement


def printed(statement: Statement) -> str:
    if isinstance(statement, Class) and "_" in statement.name:
        statement = replace(statement, comment="noqa: N801")
    return printer.printed([statement]).text
