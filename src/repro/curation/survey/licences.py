"""What a file says of its licence: SPDX identifiers, the phrases of common licences, lines of copyright.

A phrase is no permission: a file that quotes a licence bears its words as well as one that is under it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

READ = 200_000  # characters at the beginning, where licences stand
_SPDX = re.compile(r"SPDX-License-Identifier:[ \t]*([A-Za-z0-9.+() -]{2,80})")
_COPYRIGHT = re.compile(r"(?:copyright\b|©|\(c\))[^\n]{0,40}?\b(?:19|20)\d\d\b", re.IGNORECASE)
_PHRASES = {
    "Apache-2.0": r"Apache License,? Version 2\.0",
    "MIT": r"Permission is hereby granted, free of charge, to any person obtaining a copy",
    "BSD": r"Redistribution and use in source and binary forms",
    "AGPL": r"GNU Affero General Public License",
    "LGPL": r"GNU (?:Lesser|Library) General Public License",
    "GPL": r"GNU General Public License",
    "MPL": r"Mozilla Public License",
    "ISC": r"Permission to use, copy, modify, and(?:/or)? distribute this software for any purpose",
    "Unlicense": r"free and unencumbered software released into the public domain",
    "Creative Commons": r"Creative Commons (?:Attribution|Zero|CC0|Public)|creativecommons\.org/licenses",
    "all rights reserved": r"all rights reserved",
}
_FOUND = {name: re.compile(r"\s+".join(phrase.split(" ")), re.IGNORECASE) for name, phrase in _PHRASES.items()}


@dataclass(frozen=True)
class LicenceLines:
    """What a file says: `spdx` identifiers, `phrases` of licences by name, whether it has a line of `copyright`."""

    spdx: frozenset[str]
    phrases: frozenset[str]
    copyright: bool


def licence_lines(text: str) -> LicenceLines:
    """The licence lines of a text; comment signs at the beginnings of lines do not break a phrase."""
    part = re.sub(r"\n[ \t]*(?:#|//|\*|;|--|%)+[ \t]*", "\n", text[:READ])
    spdx = frozenset(" ".join(found.split()) for found in _SPDX.findall(part))
    phrases = frozenset(name for name, phrase in _FOUND.items() if phrase.search(part))
    return LicenceLines(spdx, phrases, _COPYRIGHT.search(part) is not None)
