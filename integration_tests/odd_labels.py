"""Labels that a destination, a parser or a template could take for something else, and how they must arrive."""

from __future__ import annotations

ARRIVE_AS_THEY_ARE = (
    'a "quoted" one',
    "it's",
    '""',
    "''",
    "back\\slash",
    "\\u0041",
    "\\N",
    "two\nlines",
    "two\r\nlines",
    "a\ttab",
    " blanks around ",
    "\u00a0hard blanks\u00a0",
    "a\u2028line separator",
    "caf\u00e9",
    "cafe\u0301",
    "\U0001f4a9 \U0001f468\u200d\U0001f469\u200d\U0001f467",
    "\u0634\u0643\u0631\u0627 \u202eRTL",
    "zero\u200bwidth",
    "\ufeffBOM",
    "\x01\x1b[31m\x7f",
    "1e3",
    "007",
    "null",
    "true",
    "NaN",
    "{{ 7 * 7 }}",
    "{'a': 1}",
    "[1]",
    "a,b;c|d",
    "%s %d %00",
    "'; DROP TABLE analytics_by_label; --",
    "<b>&amp;</b>",
    "x" * 500,
)

ARRIVE_MENDED = {
    "half an emoji \ud83d": "half an emoji \ufffd",
    "\udca9 the other half": "\ufffd the other half",
    "turned round \udca9\ud83d": "turned round \ufffd\ufffd",
    "a\x00NUL": "a\ufffdNUL",
    "both \x00\ud83d": "both \ufffd\ufffd",
}
"""Sent -> stored: no destination stores NUL or one half of a character beyond U+FFFF."""

EXPECTED = {**{label: label for label in ARRIVE_AS_THEY_ARE}, **ARRIVE_MENDED}
